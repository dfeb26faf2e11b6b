namespace OrleansLake.Aws;

/// <summary>A service did not do what it was asked, or did not answer; the message has its words and nothing that is secret.</summary>
/// <param name="place">What was asked for: a location, a table, a secret's name.</param>
/// <param name="problem">What went wrong.</param>
/// <param name="code">The service's code for it; null where there was no answer.</param>
/// <param name="inner">What led to it.</param>
public sealed class AwsException(string place, string problem, string? code = null, Exception? inner = null)
    : IOException(code is null ? $"{place}: {problem}" : $"{place}: {code}: {problem}", inner)
{
    /// <summary>The service's code for it (<c>SlowDown</c>, <c>AccessDenied</c>); null where there was no answer.</summary>
    public string? Code { get; } = code;
}
