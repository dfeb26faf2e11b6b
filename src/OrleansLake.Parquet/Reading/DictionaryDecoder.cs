using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using OrleansLake.Parquet.Encodings;

namespace OrleansLake.Parquet.Reading;

/// <summary>Indices into the dictionary of the column chunk.</summary>
internal sealed class DictionaryDecoder : ValueDecoder
{
    private readonly int[] _indices = new int[1024];
    private ColumnBuffer? _dictionary;
    private RleDecoder _runs;

    /// <summary>The dictionary of the column chunk; set before each page.</summary>
    public ColumnBuffer? Dictionary
    {
        set => _dictionary = value ?? throw new ParquetFormatException("indices into a dictionary, but there is none");
    }

    /// <summary>The number of each entry, where <see cref="CodeSpace"/> is not null.</summary>
    public ReadOnlyMemory<int> Codes { get; set; }

    /// <summary>Whose numbers they are.</summary>
    public object? CodeSpace { get; set; }

    public override void Start(byte[] page, int start, int end, int slots)
    {
        // A page without a value may lack even the width.
        _runs = start < end ? new RleDecoder(page, start + 1, end, page[start]) : new RleDecoder(page, start, end, 1);
    }

    public override void Read(ColumnBuffer into, int count)
    {
        var dictionary = _dictionary!;
        int values = into.ValueCount;
        Span<int> codes = [];
        if (CodeSpace is { } space && count > 0)
        {
            codes = into.AddCodes(space, count);
        }
        else if (count > 0)
        {
            into.DropCodes();
        }

        for (int done = 0; done < count;)
        {
            var indices = _indices.AsSpan(0, Math.Min(_indices.Length, count - done));
            _runs.Read(indices);
            Check(indices, dictionary.ValueCount);
            Gather(indices, dictionary, into, values + done);
            if (!codes.IsEmpty)
            {
                Translate(indices, Codes.Span, codes.Slice(done, indices.Length));
            }

            done += indices.Length;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Translate(ReadOnlySpan<int> indices, ReadOnlySpan<int> codes, Span<int> into)
    {
        into = into[..indices.Length];
        for (int i = 0; i < indices.Length; i++)
        {
            into[i] = codes[indices[i]];
        }
    }

    private static void Gather(ReadOnlySpan<int> indices, ColumnBuffer dictionary, ColumnBuffer into, int at)
    {
        switch (dictionary.Column.PhysicalType)
        {
            case PhysicalType.Int32: Gather(indices, dictionary.Ints, into.Ints.AsSpan(at)); break;
            case PhysicalType.Int64: Gather(indices, dictionary.Longs, into.Longs.AsSpan(at)); break;
            case PhysicalType.Float: Gather(indices, dictionary.Floats, into.Floats.AsSpan(at)); break;
            case PhysicalType.Double: Gather(indices, dictionary.Doubles, into.Doubles.AsSpan(at)); break;
            case PhysicalType.Boolean: Gather(indices, dictionary.Bytes, into.Bytes.AsSpan(at)); break;
            case PhysicalType.ByteArray: GatherBytes(indices, dictionary, into, at); break;
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
    private static void Check(ReadOnlySpan<int> indices, int count)
    {
        uint most = 0;
        int i = 0;
        if (Vector256.IsHardwareAccelerated && indices.Length >= Vector256<uint>.Count)
        {
            var largest = Vector256<uint>.Zero;
            ref uint first = ref Unsafe.As<int, uint>(ref MemoryMarshal.GetReference(indices));
            for (; i <= indices.Length - Vector256<uint>.Count; i += Vector256<uint>.Count)
            {
                largest = Vector256.Max(largest, Vector256.LoadUnsafe(ref first, (nuint)i));
            }

            for (int lane = 0; lane < Vector256<uint>.Count; lane++)
            {
                most = Math.Max(most, largest[lane]);
            }
        }

        for (; i < indices.Length; i++)
        {
            most = Math.Max(most, (uint)indices[i]);
        }

        if (most >= (uint)count && indices.Length > 0)
        {
            throw new ParquetFormatException($"index {most} into a dictionary of {count}");
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Gather<T>(ReadOnlySpan<int> indices, T[] values, Span<T> into)
    {
        into = into[..indices.Length];
        for (int i = 0; i < indices.Length; i++)
        {
            into[i] = values[indices[i]];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void GatherBytes(ReadOnlySpan<int> indices, ColumnBuffer dictionary, ColumnBuffer into, int at)
    {
        int[] starts = dictionary.Offsets;
        var offsets = into.Offsets.AsSpan(at, indices.Length + 1);
        long offset = offsets[0];
        for (int i = 0; i < indices.Length; i++)
        {
            int index = indices[i];
            offset += starts[index + 1] - starts[index];
            offsets[i + 1] = (int)offset;
        }

        ByteArrays.Add((int)Math.Min(offset, int.MaxValue), 0);
        ByteArrays.Reserve(into, (int)offset);
        ref byte source = ref MemoryMarshal.GetArrayDataReference(dictionary.Bytes);
        ref byte target = ref MemoryMarshal.GetArrayDataReference(into.Bytes);
        int lastWide = dictionary.Bytes.Length - ByteArrays.Wide;
        int lastWideTarget = into.Bytes.Length - ByteArrays.Wide;
        for (int i = 0; i < indices.Length; i++)
        {
            int start = starts[indices[i]];
            int to = offsets[i];
            int length = offsets[i + 1] - to;
            if (length <= ByteArrays.Wide && start <= lastWide && to <= lastWideTarget)
            {
                Vector256.LoadUnsafe(ref source, (nuint)start).StoreUnsafe(ref target, (nuint)to);
            }
            else
            {
                dictionary.Bytes.AsSpan(start, length).CopyTo(into.Bytes.AsSpan(to));
            }
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
