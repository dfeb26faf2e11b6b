namespace OrleansLake.Parquet;

/// <summary>Bytes that are no valid Parquet file, or use a part of the format that this library does not read.</summary>
public sealed class ParquetFormatException : Exception
{
    /// <summary>What was found, where, and what was expected there.</summary>
    public ParquetFormatException(string message)
        : base(message) { }

    /// <inheritdoc cref="ParquetFormatException(string)" />
    public ParquetFormatException(string message, Exception innerException)
        : base(message, innerException) { }

    /// <summary>The same finding, one step further out: <c>column a.b: page at 4: …</c>.</summary>
    internal ParquetFormatException In(string place) => new($"{place}: {Message}", InnerException ?? this);
}
