using System.Buffers.Binary;
using System.Text;

namespace OrleansLake.Iceberg;

/// <summary>
/// Single values in binary: bounds of columns and partitions. Values are those of <see cref="PartitionKey"/>.
/// https://iceberg.apache.org/spec/#binary-single-value-serialization
/// </summary>
public static class SingleValue
{
    /// <summary>A value as bytes.</summary>
    public static byte[] ToBytes(object value)
    {
        switch (value)
        {
            case bool flag:
                return [flag ? (byte)1 : (byte)0];
            case int number:
                var four = new byte[4];
                BinaryPrimitives.WriteInt32LittleEndian(four, number);
                return four;
            case float number:
                var single = new byte[4];
                BinaryPrimitives.WriteSingleLittleEndian(single, number);
                return single;
            case long number:
                var eight = new byte[8];
                BinaryPrimitives.WriteInt64LittleEndian(eight, number);
                return eight;
            case double number:
                var wide = new byte[8];
                BinaryPrimitives.WriteDoubleLittleEndian(wide, number);
                return wide;
            case Decimal128 number:
                return DecimalBytes(number.Unscaled);
            case string text:
                return Encoding.UTF8.GetBytes(text);
            case Guid uuid:
                return uuid.ToByteArray(bigEndian: true);
            case byte[] bytes:
                return bytes;
            default:
                throw new ArgumentException($"no binary form for a {value.GetType().Name}");
        }
    }

    /// <summary>
    /// A value of a type from bytes. Bounds that were written before the column was promoted are widened.
    /// </summary>
    /// <exception cref="FormatException">The length does not fit the type.</exception>
    public static object FromBytes(IcebergType type, ReadOnlySpan<byte> bytes)
    {
        object? value = (type, bytes.Length) switch
        {
            (BooleanType, 1) => bytes[0] != 0,
            (IntegerType or DateType, 4) => BinaryPrimitives.ReadInt32LittleEndian(bytes),
            (LongType, 4) => (long)BinaryPrimitives.ReadInt32LittleEndian(bytes),
            (LongType or TimeType or TimestampType or TimestampNanoType, 8) => BinaryPrimitives.ReadInt64LittleEndian(bytes),
            (FloatType, 4) => BinaryPrimitives.ReadSingleLittleEndian(bytes),
            (DoubleType, 4) => (double)BinaryPrimitives.ReadSingleLittleEndian(bytes),
            (DoubleType, 8) => BinaryPrimitives.ReadDoubleLittleEndian(bytes),
            (DecimalType(_, int scale), >= 1 and <= 16) => new Decimal128(DecimalFromBytes(bytes), scale),
            (StringType, _) => Encoding.UTF8.GetString(bytes),
            (UuidType, 16) => new Guid(bytes, bigEndian: true),
            (FixedType or BinaryType or VariantType or GeometryType or GeographyType, _) => bytes.ToArray(),
            _ => null,
        };
        return value ?? throw new FormatException($"expected a single value of {type}, got {bytes.Length} bytes");
    }

    /// <summary>Two's complement, big endian, as few bytes as hold it.</summary>
    public static byte[] DecimalBytes(Int128 unscaled)
    {
        Span<byte> all = stackalloc byte[16];
        BinaryPrimitives.WriteInt128BigEndian(all, unscaled);
        byte sign = unscaled < 0 ? (byte)0xFF : (byte)0;
        int start = 0;
        while (start < 15 && all[start] == sign && (all[start + 1] & 0x80) == (sign & 0x80))
        {
            start++;
        }

        return all[start..].ToArray();
    }

    /// <summary>The number that <see cref="DecimalBytes"/> made; any number of leading sign bytes is allowed up to 16 in all.</summary>
    public static Int128 DecimalFromBytes(ReadOnlySpan<byte> bytes)
    {
        Span<byte> all = stackalloc byte[16];
        all.Fill((bytes[0] & 0x80) != 0 ? (byte)0xFF : (byte)0);
        bytes.CopyTo(all[(16 - bytes.Length)..]);
        return BinaryPrimitives.ReadInt128BigEndian(all);
    }

    /// <summary>
    /// Order of two values of one type: numbers by value (−0.0 before +0.0, NaN last), text by code point, bytes unsigned.
    /// </summary>
    public static int Compare(object left, object right) => (left, right) switch
    {
        (bool a, bool b) => a.CompareTo(b),
        (int a, int b) => a.CompareTo(b),
        (long a, long b) => a.CompareTo(b),
        (float a, float b) => CompareFloating(a, b),
        (double a, double b) => CompareFloating(a, b),
        (Decimal128 a, Decimal128 b) when a.Scale == b.Scale => a.Unscaled.CompareTo(b.Unscaled),
        (string a, string b) => CompareCodePoints(a, b),
        (Guid a, Guid b) => a.ToByteArray(bigEndian: true).AsSpan().SequenceCompareTo(b.ToByteArray(bigEndian: true)),
        (byte[] a, byte[] b) => a.AsSpan().SequenceCompareTo(b),
        _ => throw new ArgumentException($"cannot compare a {left.GetType().Name} with a {right.GetType().Name}"),
    };

    private static int CompareFloating(double a, double b)
    {
        if (double.IsNaN(a) || double.IsNaN(b))
        {
            return double.IsNaN(a).CompareTo(double.IsNaN(b));
        }

        return a == 0 && b == 0 ? double.IsNegative(b).CompareTo(double.IsNegative(a)) : a.CompareTo(b);
    }

    // UTF-16 order differs from code points only where a surrogate meets a unit above the surrogates.
    private static int CompareCodePoints(string a, string b)
    {
        int length = Math.Min(a.Length, b.Length);
        for (int i = 0; i < length; i++)
        {
            if (a[i] != b[i])
            {
                return char.IsSurrogate(a[i]) == char.IsSurrogate(b[i]) ? a[i].CompareTo(b[i]) : char.IsSurrogate(a[i]) ? 1 : -1;
            }
        }

        return a.Length.CompareTo(b.Length);
    }
}
