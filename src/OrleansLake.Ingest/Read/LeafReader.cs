using System.Runtime.InteropServices;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Read;

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

    /// <summary>The value that is there, of whatever type: alike for values that are alike.</summary>
    public readonly ReadOnlySpan<byte> Plain => column.Column.PhysicalType switch
    {
        PhysicalType.Boolean => column.Bytes.AsSpan(_value, 1),
        PhysicalType.Int32 => MemoryMarshal.AsBytes(column.Ints.AsSpan(_value, 1)),
        PhysicalType.Int64 => MemoryMarshal.AsBytes(column.Longs.AsSpan(_value, 1)),
        PhysicalType.Float => MemoryMarshal.AsBytes(column.Floats.AsSpan(_value, 1)),
        PhysicalType.Double => MemoryMarshal.AsBytes(column.Doubles.AsSpan(_value, 1)),
        _ => Bytes,
    };

    /// <inheritdoc cref="Bytes"/>
    public readonly long Long => column.Column.PhysicalType == PhysicalType.Int32 ? column.Ints[_value] : column.Longs[_value];
}
