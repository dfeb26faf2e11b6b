namespace OrleansLake.Iceberg;

/// <summary>A REST catalog refused a request, or nobody knows what became of it.</summary>
public sealed class RestCatalogException : IOException
{
    internal RestCatalogException(string message, int? status = null, string? errorType = null, bool mayHaveHappened = false, TimeSpan? retryAfter = null, Exception? inner = null)
        : base(message, inner)
    {
        Status = status;
        ErrorType = errorType;
        MayHaveHappened = mayHaveHappened;
        RetryAfter = retryAfter;
    }

    /// <summary>The status of the answer; null when there was none.</summary>
    public int? Status { get; }

    /// <summary>The error's type as the server names it, such as <c>NoSuchTableException</c>.</summary>
    public string? ErrorType { get; }

    /// <summary>Whether what was asked for may have been done, or may be done yet.</summary>
    public bool MayHaveHappened { get; }

    /// <summary>How long the server asks to be left alone.</summary>
    public TimeSpan? RetryAfter { get; }
}
