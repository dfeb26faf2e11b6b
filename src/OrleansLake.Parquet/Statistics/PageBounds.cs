using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace OrleansLake.Parquet.Statistics;

/// <summary>The least and the greatest of some values, plainly encoded; null where there is none.</summary>
internal readonly record struct PageBounds(byte[]? Min, byte[]? Max, int NanCount)
{
    /// <summary>The bounds of a run of values of any type.</summary>
    public static PageBounds Of(ValueOrder order, ColumnBuffer column, int first, int count)
    {
        if (count == 0)
        {
            return default;
        }

        switch (order)
        {
            case ValueOrder.Int32:
                var (minInt, maxInt) = MinMax.Of<int>(column.Ints.AsSpan(first, count));
                return new PageBounds(Encode(minInt), Encode(maxInt), 0);
            case ValueOrder.UInt32:
                var (minUInt, maxUInt) = MinMax.Of<uint>(MemoryMarshal.Cast<int, uint>(column.Ints.AsSpan(first, count)));
                return new PageBounds(Encode((int)minUInt), Encode((int)maxUInt), 0);
            case ValueOrder.Int64:
                var (minLong, maxLong) = MinMax.Of<long>(column.Longs.AsSpan(first, count));
                return new PageBounds(Encode(minLong), Encode(maxLong), 0);
            case ValueOrder.UInt64:
                var (minULong, maxULong) = MinMax.Of<ulong>(MemoryMarshal.Cast<long, ulong>(column.Longs.AsSpan(first, count)));
                return new PageBounds(Encode((long)minULong), Encode((long)maxULong), 0);
            case ValueOrder.Float:
                var floats = MinMax.OfFloats<float>(column.Floats.AsSpan(first, count));
                return floats.Nans == count
                    ? new PageBounds(null, null, floats.Nans)
                    : new PageBounds(
                        Encode(BitConverter.SingleToInt32Bits(floats.Min == 0 ? -0f : floats.Min)),
                        Encode(BitConverter.SingleToInt32Bits(floats.Max == 0 ? 0f : floats.Max)),
                        floats.Nans);
            case ValueOrder.Double:
                var doubles = MinMax.OfFloats<double>(column.Doubles.AsSpan(first, count));
                return doubles.Nans == count
                    ? new PageBounds(null, null, doubles.Nans)
                    : new PageBounds(
                        Encode(BitConverter.DoubleToInt64Bits(doubles.Min == 0 ? -0d : doubles.Min)),
                        Encode(BitConverter.DoubleToInt64Bits(doubles.Max == 0 ? 0d : doubles.Max)),
                        doubles.Nans);
            case ValueOrder.Boolean:
                var bools = column.Bytes.AsSpan(first, count);
                return new PageBounds([(byte)(bools.Contains((byte)0) ? 0 : 1)], [(byte)(bools.Contains((byte)1) ? 1 : 0)], 0);
            case ValueOrder.Half:
                return OfHalves(column.Bytes.AsSpan(first * 2, count * 2));
            case ValueOrder.Bytes or ValueOrder.SignedBytes:
                return OfBytes(order, column, first, count);
            default:
                return default;
        }
    }

    /// <summary>The bounds of two runs together.</summary>
    public static PageBounds Merge(ValueOrder order, PageBounds left, PageBounds right) => new(
        left.Min is null || (right.Min is not null && ValueOrders.Compare(order, right.Min, left.Min) < 0) ? right.Min : left.Min,
        left.Max is null || (right.Max is not null && ValueOrders.Compare(order, right.Max, left.Max) > 0) ? right.Max : left.Max,
        left.NanCount + right.NanCount);

    private static PageBounds OfBytes(ValueOrder order, ColumnBuffer column, int first, int count)
    {
        int min, max;
        ReadOnlySpan<byte> bytes = column.Bytes;
        if (column.Column.PhysicalType == PhysicalType.ByteArray)
        {
            var offsets = column.Offsets.AsSpan(first, count + 1);
            (min, max) = order == ValueOrder.Bytes ? ByteBounds.Of(bytes, offsets) : ByteBounds.OfSigned(bytes, offsets);
            return new PageBounds(
                bytes[offsets[min]..offsets[min + 1]].ToArray(), bytes[offsets[max]..offsets[max + 1]].ToArray(), 0);
        }

        int width = column.Column.TypeLength;
        var values = bytes.Slice(first * width, count * width);
        (min, max) = ByteBounds.Of(values, width, count, order == ValueOrder.SignedBytes);
        return new PageBounds(values.Slice(min * width, width).ToArray(), values.Slice(max * width, width).ToArray(), 0);
    }

    private static PageBounds OfHalves(ReadOnlySpan<byte> bytes)
    {
        Half min = Half.PositiveInfinity, max = Half.NegativeInfinity;
        int nans = 0;
        for (int i = 0; i < bytes.Length; i += 2)
        {
            var value = BinaryPrimitives.ReadHalfLittleEndian(bytes[i..]);
            nans += Half.IsNaN(value) ? 1 : 0;
            min = value < min ? value : min;
            max = value > max ? value : max;
        }

        if (nans * 2 == bytes.Length)
        {
            return new PageBounds(null, null, nans);
        }

        byte[] least = new byte[2], greatest = new byte[2];
        BinaryPrimitives.WriteHalfLittleEndian(least, min);
        BinaryPrimitives.WriteHalfLittleEndian(greatest, max);
        WidenZeros(least, greatest);
        return new PageBounds(least, greatest, nans);
    }

    /// <summary>A zero that is a bound of halves stands for both zeros.</summary>
    public static void WidenZeros(Span<byte> least, Span<byte> greatest)
    {
        if (BinaryPrimitives.ReadHalfLittleEndian(least) == Half.Zero)
        {
            BinaryPrimitives.WriteHalfLittleEndian(least, Half.NegativeZero);
        }

        if (BinaryPrimitives.ReadHalfLittleEndian(greatest) == Half.Zero)
        {
            BinaryPrimitives.WriteHalfLittleEndian(greatest, Half.Zero);
        }
    }

    private static byte[] Encode(int value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
        return bytes;
    }

    private static byte[] Encode(long value)
    {
        var bytes = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
        return bytes;
    }
}
