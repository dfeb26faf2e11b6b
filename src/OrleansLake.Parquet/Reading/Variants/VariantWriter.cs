using System.Buffers.Binary;
using OrleansLake.Parquet.Buffers;

namespace OrleansLake.Parquet;

/// <summary>Appends values of variants in their shortest form. https://github.com/apache/parquet-format/blob/master/VariantEncoding.md#value-encoding</summary>
internal static class VariantWriter
{
    private const int LongestShortString = 63;

    public static void WriteNull(ByteBuffer target) => target.WriteByte(0);

    public static void WriteBoolean(ByteBuffer target, bool value) => target.WriteByte((byte)((value ? 1 : 2) << 2));

    /// <summary>A value of a type whose bytes lie little endian.</summary>
    public static void WriteFixed(ByteBuffer target, VariantKind type, ReadOnlySpan<byte> value)
    {
        target.WriteByte((byte)((int)type << 2));
        target.Write(value);
    }

    public static void WriteInteger(ByteBuffer target, VariantKind type, long value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
        WriteFixed(target, type, bytes[..(type switch
        {
            VariantKind.Int8 => 1,
            VariantKind.Int16 => 2,
            VariantKind.Int32 or VariantKind.Date => 4,
            _ => 8,
        })]);
    }

    public static void WriteDecimal(ByteBuffer target, VariantKind type, Int128 unscaled, int scale)
    {
        Span<byte> bytes = stackalloc byte[17];
        bytes[0] = (byte)scale;
        BinaryPrimitives.WriteInt128LittleEndian(bytes[1..], unscaled);
        WriteFixed(target, type, bytes[..(type switch { VariantKind.Decimal4 => 5, VariantKind.Decimal8 => 9, _ => 17 })]);
    }

    public static void WriteString(ByteBuffer target, ReadOnlySpan<byte> text)
    {
        if (text.Length <= LongestShortString)
        {
            target.WriteByte((byte)(text.Length << 2 | 1));
            target.Write(text);
        }
        else
        {
            WriteBytes(target, VariantKind.String, text);
        }
    }

    public static void WriteBytes(ByteBuffer target, VariantKind type, ReadOnlySpan<byte> value)
    {
        target.WriteByte((byte)((int)type << 2));
        target.WriteInt32(value.Length);
        target.Write(value);
    }

    /// <summary>An array of values that lie one after the other, each behind the end of the last.</summary>
    public static void WriteArray(ByteBuffer target, ReadOnlySpan<int> ends, ReadOnlySpan<byte> values)
    {
        int offsetBytes = Width((uint)values.Length);
        bool isLarge = ends.Length > byte.MaxValue;
        target.WriteByte((byte)(3 | (offsetBytes - 1) << 2 | (isLarge ? 1 << 4 : 0)));
        WriteNumber(target, (uint)ends.Length, isLarge ? 4 : 1);
        WriteNumber(target, 0, offsetBytes);
        foreach (int end in ends)
        {
            WriteNumber(target, (uint)end, offsetBytes);
        }

        target.Write(values);
    }

    /// <summary>An object of fields in the order of their names.</summary>
    public static void WriteObject(ByteBuffer target, IReadOnlyList<(int Id, byte[] Value)> fields)
    {
        int idBytes = Width((uint)fields.Select(field => field.Id).DefaultIfEmpty(0).Max());
        int offsetBytes = Width((uint)fields.Sum(field => (long)field.Value.Length));
        bool isLarge = fields.Count > byte.MaxValue;
        target.WriteByte((byte)(2 | (offsetBytes - 1) << 2 | (idBytes - 1) << 4 | (isLarge ? 1 << 6 : 0)));
        WriteNumber(target, (uint)fields.Count, isLarge ? 4 : 1);
        foreach (var (id, _) in fields)
        {
            WriteNumber(target, (uint)id, idBytes);
        }

        uint offset = 0;
        WriteNumber(target, offset, offsetBytes);
        foreach (var (_, value) in fields)
        {
            offset += (uint)value.Length;
            WriteNumber(target, offset, offsetBytes);
        }

        foreach (var (_, value) in fields)
        {
            target.Write(value);
        }
    }

    /// <summary>Bytes that a number takes.</summary>
    public static int Width(uint largest) => largest switch { < 1 << 8 => 1, < 1 << 16 => 2, < 1 << 24 => 3, _ => 4 };

    public static void WriteNumber(ByteBuffer target, uint number, int width)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(target.Reserve(4), number);
        target.Advance(width);
    }
}
