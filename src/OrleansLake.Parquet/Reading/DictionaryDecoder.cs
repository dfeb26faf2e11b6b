using System.Runtime.CompilerServices;
using OrleansLake.Parquet.Encodings;

namespace OrleansLake.Parquet.Reading;

/// <summary>Indices into the dictionary of the column chunk.</summary>
internal sealed class DictionaryDecoder(ColumnBuffer dictionary) : ValueDecoder
{
    private readonly int[] _indices = new int[1024];
    private RleDecoder _runs;

    public override void Start(byte[] page, int start, int end, int slots)
    {
        // A page without a value may lack even the width.
        _runs = start < end ? new RleDecoder(page, start + 1, end, page[start]) : new RleDecoder(page, start, end, 1);
    }

    public override void Read(ColumnBuffer into, int count)
    {
        int values = into.ValueCount;
        for (int done = 0; done < count;)
        {
            var indices = _indices.AsSpan(0, Math.Min(_indices.Length, count - done));
            _runs.Read(indices);
            foreach (int index in indices)
            {
                if ((uint)index >= (uint)dictionary.ValueCount)
                {
                    throw new ParquetFormatException($"index {index} into a dictionary of {dictionary.ValueCount}");
                }
            }

            Gather(indices, into, values + done);
            done += indices.Length;
        }
    }

    private void Gather(ReadOnlySpan<int> indices, ColumnBuffer into, int at)
    {
        switch (dictionary.Column.PhysicalType)
        {
            case PhysicalType.Int32: Gather(indices, dictionary.Ints, into.Ints.AsSpan(at)); break;
            case PhysicalType.Int64: Gather(indices, dictionary.Longs, into.Longs.AsSpan(at)); break;
            case PhysicalType.Float: Gather(indices, dictionary.Floats, into.Floats.AsSpan(at)); break;
            case PhysicalType.Double: Gather(indices, dictionary.Doubles, into.Doubles.AsSpan(at)); break;
            case PhysicalType.Boolean: Gather(indices, dictionary.Bytes, into.Bytes.AsSpan(at)); break;
            case PhysicalType.ByteArray: GatherBytes(indices, into, at); break;
            default:
                int width = dictionary.ValueWidth;
                for (int i = 0; i < indices.Length; i++)
                {
                    dictionary.Bytes.AsSpan(indices[i] * width, width).CopyTo(into.Bytes.AsSpan((at + i) * width));
                }

                break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Gather<T>(ReadOnlySpan<int> indices, T[] values, Span<T> into)
    {
        for (int i = 0; i < indices.Length; i++)
        {
            into[i] = values[indices[i]];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void GatherBytes(ReadOnlySpan<int> indices, ColumnBuffer into, int at)
    {
        int[] starts = dictionary.Offsets;
        var offsets = into.Offsets.AsSpan(at, indices.Length + 1);
        int offset = offsets[0];
        for (int i = 0; i < indices.Length; i++)
        {
            int index = indices[i];
            offset = ByteArrays.Add(offset, starts[index + 1] - starts[index]);
            offsets[i + 1] = offset;
        }

        into.ReserveBytes(offset - into.Offsets[into.ValueCount]);
        byte[] source = dictionary.Bytes;
        byte[] target = into.Bytes;
        for (int i = 0; i < indices.Length; i++)
        {
            int start = starts[indices[i]];
            source.AsSpan(start, offsets[i + 1] - offsets[i]).CopyTo(target.AsSpan(offsets[i]));
        }
    }
}

/// <summary>Booleans in runs, behind their length.</summary>
internal sealed class RleBooleanDecoder : ValueDecoder
{
    private RleDecoder _runs;

    public override void Start(byte[] page, int start, int end, int slots)
    {
        int length = end - start >= 4 ? System.Buffers.Binary.BinaryPrimitives.ReadInt32LittleEndian(page.AsSpan(start)) : 0;
        if (length < 0 || length > end - start - 4)
        {
            length = end - start >= 4
                ? throw new ParquetFormatException($"booleans of {length} bytes, {end - start - 4} are left of the page")
                : 0;
        }

        _runs = new RleDecoder(page, Math.Min(start + 4, end), Math.Min(start + 4, end) + length, 1);
    }

    public override void Read(ColumnBuffer into, int count) =>
        _runs.Read(into.Bytes.AsSpan(into.ValueCount, count), 1);
}
