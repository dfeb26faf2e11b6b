namespace OrleansLake.Testing.Rest;

/// <summary>When, relative to what was asked for, a fault strikes.</summary>
public enum FaultMoment
{
    /// <summary>Nothing is done.</summary>
    Before,

    /// <summary>It is done, and the answer is not what it should be.</summary>
    After,

    /// <summary>Nothing is done yet: it is when <see cref="RestCatalogServer.ApplyLateAsync"/> says so.</summary>
    Late,
}

/// <summary>What becomes of the answer.</summary>
public enum FaultAnswer
{
    /// <summary>It has <see cref="RestFault.Status"/>.</summary>
    Status,

    /// <summary>The connection breaks.</summary>
    Abort,

    /// <summary>It never comes.</summary>
    Hang,

    /// <summary>It is cut off in the middle.</summary>
    Half,
}

/// <summary>What goes wrong with the next request of a kind.</summary>
/// <param name="Method">Its method.</param>
/// <param name="PathEnd">How its path ends, without the query.</param>
/// <param name="Moment">Before or after it is done, or late.</param>
/// <param name="Answer">What is answered.</param>
/// <param name="Status">With which status.</param>
public sealed record RestFault(string Method, string PathEnd, FaultMoment Moment, FaultAnswer Answer, int Status = 0)
{
    /// <summary>Seconds for <c>Retry-After</c>.</summary>
    public int? RetryAfterSeconds { get; init; }

    /// <summary>A body instead of the protocol's own error.</summary>
    public string? Body { get; init; }
}
