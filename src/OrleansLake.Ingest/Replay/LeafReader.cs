using OrleansLake.Ingest.Read;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Replay;

/// <summary>Reads a column that is not repeated row by row, from the first on.</summary>
internal struct LeafReader(ColumnBuffer column)
{
    private int _value = -1;

    /// <summary>Goes to the next row. False: it has no value.</summary>
    public bool Next(int row)
    {
        bool isThere = column.Column.MaxDefinitionLevel == 0 || column.DefinitionLevels[row] == column.Column.MaxDefinitionLevel;
        _value += isThere ? 1 : 0;
        return isThere;
    }

    /// <summary>The value that is there, of text or bytes.</summary>
    public readonly ReadOnlySpan<byte> Bytes => LeafConversion.BytesOf(column, _value);

    /// <inheritdoc cref="Bytes"/>
    public readonly long Long => column.Column.PhysicalType == PhysicalType.Int32 ? column.Ints[_value] : column.Longs[_value];
}
