using System.IO.Hashing;
using System.Runtime.InteropServices;
using OrleansLake.Parquet.Buffers;
using OrleansLake.Parquet.Footers;
using OrleansLake.Parquet.Statistics;

namespace OrleansLake.Parquet.Writing;

/// <summary>
/// Gathers the values of a column chunk for its Bloom filter: as hashes while those take less memory than the largest filter,
/// then in that filter. What is written is folded to the least size that keeps the promise, so that nobody has to guess how
/// many values there are.
/// </summary>
internal sealed class BloomFilterBuilder(double falsePositives, int mostBytes)
{
    private ulong[] _hashes = [];
    private int _count;
    private uint[] _filter = [];
    private bool _isFull;

    /// <summary>Memory held.</summary>
    public long SizeBytes => (_hashes.Length * 8L) + (_filter.Length * 4L);

    /// <summary>Adds values that lie in a column, by the hash of their plain encoding without a length.</summary>
    public void Add(ColumnBuffer column, int first, int count)
    {
        switch (column.Column.PhysicalType)
        {
            case PhysicalType.Int32: AddFixed(MemoryMarshal.AsBytes(column.Ints.AsSpan(first, count)), 4); break;
            case PhysicalType.Int64: AddFixed(MemoryMarshal.AsBytes(column.Longs.AsSpan(first, count)), 8); break;
            case PhysicalType.Float: AddFixed(MemoryMarshal.AsBytes(column.Floats.AsSpan(first, count)), 4); break;
            case PhysicalType.Double: AddFixed(MemoryMarshal.AsBytes(column.Doubles.AsSpan(first, count)), 8); break;
            case PhysicalType.ByteArray:
                for (int i = first; i < first + count; i++)
                {
                    Add(column.Bytes.AsSpan(column.Offsets[i], column.Offsets[i + 1] - column.Offsets[i]));
                }

                break;
            default:
                int width = column.ValueWidth;
                AddFixed(column.Bytes.AsSpan(first * width, count * width), width);
                break;
        }
    }

    /// <summary>Adds values of one width.</summary>
    public void AddFixed(ReadOnlySpan<byte> values, int width)
    {
        for (int at = 0; at < values.Length; at += width)
        {
            Add(values.Slice(at, width));
        }
    }

    /// <summary>Adds one value.</summary>
    public void Add(ReadOnlySpan<byte> value)
    {
        ulong hash = XxHash64.HashToUInt64(value);
        if (_isFull)
        {
            BloomFilter.Insert(_filter, hash);
            return;
        }

        if (_count == _hashes.Length)
        {
            if ((_count + 1) * sizeof(ulong) > mostBytes)
            {
                Fill(BloomFilter.SizeFor(long.MaxValue, falsePositives, mostBytes));
                BloomFilter.Insert(_filter, hash);
                _isFull = true;
                _hashes = [];
                return;
            }

            Array.Resize(ref _hashes, Math.Min(Math.Max(256, _count * 2), mostBytes / sizeof(ulong)));
        }

        _hashes[_count++] = hash;
    }

    /// <summary>Appends the filter behind its header; nothing where there was no value.</summary>
    public void Write(ByteBuffer destination)
    {
        if (_count == 0 && !_isFull)
        {
            return;
        }

        if (!_isFull)
        {
            Fill(BloomFilter.SizeFor(_count, falsePositives, mostBytes));
        }

        var filter = _filter;
        while (filter.Length > BloomFilter.BlockWords)
        {
            var half = new uint[filter.Length / 2];
            BloomFilter.Fold(filter, half);
            if (BloomFilter.FalsePositives(half) > falsePositives)
            {
                break;
            }

            filter = half;
        }

        BloomFilterHeader.Write(destination, filter.Length * sizeof(uint));
        destination.Write(MemoryMarshal.AsBytes<uint>(filter));
    }

    /// <summary>Forgets all values.</summary>
    public void Clear()
    {
        _count = 0;
        _isFull = false;
        _filter = [];
    }

    private void Fill(int bytes)
    {
        _filter = new uint[bytes / sizeof(uint)];
        foreach (ulong hash in _hashes.AsSpan(0, _count))
        {
            BloomFilter.Insert(_filter, hash);
        }
    }
}
