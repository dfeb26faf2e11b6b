using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace OrleansLake.Parquet.Reading;

/// <summary>Numbers and values of fixed length, one after the other.</summary>
internal sealed class PlainFixedDecoder : ValueDecoder
{
    private byte[] _page = [];
    private int _position;
    private int _end;

    public override void Start(byte[] page, int start, int end, int slots)
    {
        _page = page;
        _position = start;
        _end = end;
    }

    public override void Read(ColumnBuffer into, int count)
    {
        var target = FixedValues.Target(into, count);
        if (target.Length > _end - _position)
        {
            throw TooShort(target.Length, _end - _position);
        }

        _page.AsSpan(_position, target.Length).CopyTo(target);
        _position += target.Length;
    }
}

/// <summary>Where values of a fixed number of bytes go.</summary>
internal static class FixedValues
{
    /// <summary>The bytes of the next <paramref name="count"/> values of a column that has room for them.</summary>
    public static Span<byte> Target(ColumnBuffer into, int count) => into.Column.PhysicalType switch
    {
        PhysicalType.Int32 => MemoryMarshal.AsBytes(into.Ints.AsSpan(into.ValueCount, count)),
        PhysicalType.Int64 => MemoryMarshal.AsBytes(into.Longs.AsSpan(into.ValueCount, count)),
        PhysicalType.Float => MemoryMarshal.AsBytes(into.Floats.AsSpan(into.ValueCount, count)),
        PhysicalType.Double => MemoryMarshal.AsBytes(into.Doubles.AsSpan(into.ValueCount, count)),
        _ => into.Bytes.AsSpan(into.ValueCount * into.ValueWidth, count * into.ValueWidth),
    };
}

/// <summary>Bits, the first in the lowest.</summary>
internal sealed class PlainBooleanDecoder : ValueDecoder
{
    private byte[] _page = [];
    private long _bit;
    private long _end;

    public override void Start(byte[] page, int start, int end, int slots)
    {
        _page = page;
        _bit = 8L * start;
        _end = 8L * end;
    }

    public override void Read(ColumnBuffer into, int count)
    {
        if (count > _end - _bit)
        {
            throw TooShort((count + 7) / 8, (_end - _bit) / 8);
        }

        var target = into.Bytes.AsSpan(into.ValueCount, count);
        for (int i = 0; i < target.Length; i++, _bit++)
        {
            target[i] = (byte)((_page[_bit >> 3] >> (int)(_bit & 7)) & 1);
        }
    }
}

/// <summary>Byte arrays, each behind its length.</summary>
internal sealed class PlainByteArrayDecoder : ValueDecoder
{
    private byte[] _page = [];
    private int _position;
    private int _end;

    public override void Start(byte[] page, int start, int end, int slots)
    {
        _page = page;
        _position = start;
        _end = end;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Read(ColumnBuffer into, int count)
    {
        // First all lengths, so that room is made once, for no more than the page holds.
        var offsets = into.Offsets.AsSpan(into.ValueCount, count + 1);
        int offset = offsets[0];
        int position = _position;
        for (int i = 1; i < offsets.Length; i++)
        {
            int length = _end - position >= 4 ? BinaryPrimitives.ReadInt32LittleEndian(_page.AsSpan(position)) : -1;
            if (length < 0 || length > _end - position - 4)
            {
                throw length < 0 && _end - position < 4
                    ? TooShort(4, _end - position)
                    : new ParquetFormatException($"a value of {length} bytes, {_end - position - 4} are left of the page");
            }

            position += 4 + length;
            offset = ByteArrays.Add(offset, length);
            offsets[i] = offset;
        }

        ByteArrays.Reserve(into, offset);
        Copy(_page, _position, offsets, into.Bytes);
        _position = position;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Copy(byte[] page, int position, ReadOnlySpan<int> offsets, byte[] target)
    {
        int lastWide = page.Length - ByteArrays.Wide;
        int lastWideTarget = target.Length - ByteArrays.Wide;
        for (int i = 1; i < offsets.Length; i++)
        {
            int to = offsets[i - 1];
            int length = offsets[i] - to;
            position += 4;
            if (length <= ByteArrays.Wide && position <= lastWide && to <= lastWideTarget)
            {
                Vector256.LoadUnsafe(ref MemoryMarshal.GetArrayDataReference(page), (nuint)position)
                    .StoreUnsafe(ref MemoryMarshal.GetArrayDataReference(target), (nuint)to);
            }
            else
            {
                page.AsSpan(position, length).CopyTo(target.AsSpan(to));
            }

            position += length;
        }
    }
}

/// <summary>What all decoders of byte arrays share.</summary>
internal static class ByteArrays
{
    /// <summary>Values that are no longer than this are copied with so many bytes, where both sides have them.</summary>
    public const int Wide = 32;

    /// <summary>Makes room for values up to an offset, and some more, so that the last ones can be copied wide.</summary>
    public static void Reserve(ColumnBuffer into, int end) =>
        into.ReserveBytes((int)Math.Min(Array.MaxLength, end + (long)Wide) - into.Offsets[into.ValueCount]);

    /// <summary>The offset behind a value; a batch holds 2 GiB of one column at most.</summary>
    public static int Add(int offset, int length) => length <= Array.MaxLength - offset
        ? offset + length
        : throw new ParquetFormatException("more than 2 GiB of values of one column in a batch: read fewer rows at a time");
}
