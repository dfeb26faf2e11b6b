using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Read;

/// <summary>
/// The rows that equality deletes name: a row is gone if all its values of some columns are those of one of them, null being
/// equal to null. https://iceberg.apache.org/spec/#equality-delete-files
/// </summary>
internal sealed class EqualityKeys(IReadOnlyList<int> fieldIds)
{
    private readonly HashSet<byte[]> _keys = new(KeyComparer.Instance);
    private readonly ArrayBufferWriter<byte> _key = new();

    /// <summary>The columns that are compared.</summary>
    public IReadOnlyList<int> FieldIds { get; } = fieldIds;

    /// <summary>Memory held, about.</summary>
    public long SizeBytes { get; private set; }

    /// <summary>Adds every row of a batch; columns in the order of the fields.</summary>
    public void Add(ColumnBatch batch, ReadOnlySpan<int> leaves)
    {
        var values = new int[leaves.Length];
        for (int row = 0; row < batch.RowCount; row++)
        {
            ReadKey(batch, leaves, values, row);
            if (_keys.GetAlternateLookup<ReadOnlySpan<byte>>().Add(_key.WrittenSpan))
            {
                SizeBytes += _key.WrittenCount + 64;
            }
        }
    }

    /// <summary>Clears the marks of rows that are gone.</summary>
    public void Unmark(ColumnBatch batch, ReadOnlySpan<int> leaves, Span<bool> keep)
    {
        // The buffer belongs to this call: files may be read side by side.
        var key = new ArrayBufferWriter<byte>(64);
        var values = new int[leaves.Length];
        var lookup = _keys.GetAlternateLookup<ReadOnlySpan<byte>>();
        for (int row = 0; row < batch.RowCount; row++)
        {
            WriteKey(key, batch, leaves, values, row);
            keep[row] &= !lookup.Contains(key.WrittenSpan);
        }
    }

    private void ReadKey(ColumnBatch batch, ReadOnlySpan<int> leaves, int[] values, int row) => WriteKey(_key, batch, leaves, values, row);

    private static void WriteKey(ArrayBufferWriter<byte> key, ColumnBatch batch, ReadOnlySpan<int> leaves, int[] values, int row)
    {
        key.ResetWrittenCount();
        for (int i = 0; i < leaves.Length; i++)
        {
            var column = batch.Columns[leaves[i]];
            bool present = column.Column.MaxDefinitionLevel == 0 || column.DefinitionLevels[row] == column.Column.MaxDefinitionLevel;
            key.GetSpan(1)[0] = present ? (byte)1 : (byte)0;
            key.Advance(1);
            if (present)
            {
                Write(key, column, values[i]++);
            }
        }
    }

    private static void Write(ArrayBufferWriter<byte> key, ColumnBuffer column, int value)
    {
        var span = key.GetSpan(8);
        switch (column.Column.PhysicalType)
        {
            case PhysicalType.Boolean:
                span[0] = column.Bytes[value];
                key.Advance(1);
                break;
            case PhysicalType.Int32:
                BinaryPrimitives.WriteInt32LittleEndian(span, column.Ints[value]);
                key.Advance(4);
                break;
            case PhysicalType.Int64:
                BinaryPrimitives.WriteInt64LittleEndian(span, column.Longs[value]);
                key.Advance(8);
                break;
            // Every NaN is one NaN; −0.0 and +0.0 are two keys.
            case PhysicalType.Float:
                BinaryPrimitives.WriteSingleLittleEndian(span, float.IsNaN(column.Floats[value]) ? float.NaN : column.Floats[value]);
                key.Advance(4);
                break;
            case PhysicalType.Double:
                BinaryPrimitives.WriteDoubleLittleEndian(span, double.IsNaN(column.Doubles[value]) ? double.NaN : column.Doubles[value]);
                key.Advance(8);
                break;
            default:
                var bytes = LeafConversion.BytesOf(column, value);
                BinaryPrimitives.WriteInt32LittleEndian(span, bytes.Length);
                key.Advance(4);
                key.Write(bytes);
                break;
        }
    }

    private sealed class KeyComparer : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
    {
        public static readonly KeyComparer Instance = new();

        public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode([DisallowNull] byte[] key) => GetHashCode(key.AsSpan());

        public bool Equals(ReadOnlySpan<byte> key, byte[] other) => key.SequenceEqual(other);

        public int GetHashCode(ReadOnlySpan<byte> key)
        {
            var hash = new HashCode();
            hash.AddBytes(key);
            return hash.ToHashCode();
        }

        public byte[] Create(ReadOnlySpan<byte> key) => key.ToArray();
    }
}
