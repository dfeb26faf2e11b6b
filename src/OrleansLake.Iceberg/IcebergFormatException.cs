namespace OrleansLake.Iceberg;

/// <summary>A file of a table is not what the specification says: corrupt, truncated, or of a kind that is not known here.</summary>
/// <param name="file">Which file.</param>
/// <param name="place">Where in it.</param>
/// <param name="problem">What was expected and what was found.</param>
/// <param name="inner">What led to it.</param>
public sealed class IcebergFormatException(string file, string place, string problem, Exception? inner = null)
    : IOException(place.Length == 0 ? $"{file}: {problem}" : $"{file}: {place}: {problem}", inner)
{
    /// <summary>Which file.</summary>
    public string File { get; } = file;

    /// <summary>Where in it; empty where the whole file is meant.</summary>
    public string Place { get; } = place;

    /// <summary>What was expected and what was found.</summary>
    public string Problem { get; } = problem;
}
