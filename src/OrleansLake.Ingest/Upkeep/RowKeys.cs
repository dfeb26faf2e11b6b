using System.Buffers.Binary;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Upkeep;

/// <summary>Makes the sort keys of the rows of a batch, in the order of the rows.</summary>
internal interface IKeyWriter
{
    /// <summary>Begins with the first row of a batch.</summary>
    void Rewind();

    /// <summary>Adds the key of a row.</summary>
    void Write(ColumnBatch batch, int row, KeyBytes key);
}

/// <summary>Keys by a sort order.</summary>
internal sealed class OrderKeys(IReadOnlyList<SortPart> parts) : IKeyWriter
{
    /// <inheritdoc />
    public void Rewind()
    {
        foreach (var part in parts)
        {
            part.Rewind();
        }
    }

    /// <inheritdoc />
    public void Write(ColumnBatch batch, int row, KeyBytes key)
    {
        foreach (var part in parts)
        {
            part.Write(batch, row, key);
        }
    }
}

/// <summary>The sort keys of one batch.</summary>
internal sealed class RowKeys(IKeyWriter writer)
{
    private readonly KeyBytes _bytes = new();
    private int[] _ends = [];

    /// <summary>Rows.</summary>
    public int Count { get; private set; }

    /// <summary>Memory held.</summary>
    public long SizeBytes => _bytes.Length + (4L * _ends.Length);

    /// <summary>The key of a row.</summary>
    public ReadOnlySpan<byte> this[int row] => _bytes.Span[(row == 0 ? 0 : _ends[row - 1]).._ends[row]];

    /// <summary>Takes the keys of a batch.</summary>
    public void Read(ColumnBatch batch)
    {
        Count = batch.RowCount;
        _bytes.Truncate(0);
        if (_ends.Length < Count)
        {
            _ends = new int[Count];
        }

        writer.Rewind();
        for (int row = 0; row < Count; row++)
        {
            writer.Write(batch, row, _bytes);
            _ends[row] = _bytes.Length;
        }
    }

    /// <summary>The rows in the order of their keys; equal ones stay as they stood.</summary>
    public int[] Order()
    {
        int[] order = new int[Count];
        ulong[] prefixes = new ulong[Count];
        for (int row = 0; row < Count; row++)
        {
            order[row] = row;
            prefixes[row] = PrefixOf(this[row]);
        }

        order.AsSpan().Sort((a, b) =>
        {
            int first = prefixes[a].CompareTo(prefixes[b]);
            int rest = first != 0 ? first : this[a].SequenceCompareTo(this[b]);
            return rest != 0 ? rest : a.CompareTo(b);
        });
        return order;
    }

    private static ulong PrefixOf(ReadOnlySpan<byte> key)
    {
        Span<byte> eight = stackalloc byte[8];
        eight.Clear();
        key[..Math.Min(8, key.Length)].CopyTo(eight);
        return BinaryPrimitives.ReadUInt64BigEndian(eight);
    }
}
