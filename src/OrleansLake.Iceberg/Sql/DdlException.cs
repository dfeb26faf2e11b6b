namespace OrleansLake.Iceberg;

/// <summary>A statement is not what it should be.</summary>
/// <param name="line">Line, from 1.</param>
/// <param name="column">Column, from 1.</param>
/// <param name="problem">What was expected and what was found.</param>
public sealed class DdlException(int line, int column, string problem) : FormatException(FormattableString.Invariant($"DDL {line}:{column}: {problem}"))
{
    /// <summary>Line, from 1.</summary>
    public int Line { get; } = line;

    /// <summary>Column, from 1.</summary>
    public int Column { get; } = column;
}
