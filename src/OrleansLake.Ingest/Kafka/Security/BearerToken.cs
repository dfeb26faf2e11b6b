namespace OrleansLake.Ingest.Kafka.Security;

/// <summary>A token that lets a client in for a while. RFC 7628, SASL OAUTHBEARER.</summary>
/// <param name="Value">The token itself, which is a secret.</param>
/// <param name="Expires">When brokers no longer take it; it is renewed when four fifths of its life are over.</param>
/// <param name="Principal">A name for it that may be shown.</param>
public sealed record BearerToken(string Value, DateTimeOffset Expires, string Principal)
{
    /// <summary>What may be shown of it.</summary>
    public override string ToString() => $"token of {Principal} until {Expires:O}";
}

/// <summary>Where a client's tokens come from.</summary>
public interface IBearerTokens
{
    /// <summary>A fresh token. What it throws is told as the broker's trouble, by its message, and asked again after ten seconds.</summary>
    Task<BearerToken> NewAsync(CancellationToken cancellationToken);
}
