using System.Buffers.Binary;

namespace OrleansLake.Parquet.Statistics;

/// <summary>By what the values of a column are compared.</summary>
internal enum ValueOrder
{
    /// <summary>By nothing that the format defines: no bounds.</summary>
    None,
    Boolean,
    Int32,
    Int64,
    UInt32,
    UInt64,
    Float,
    Double,
    Half,

    /// <summary>Byte by byte, unsigned.</summary>
    Bytes,

    /// <summary>Big-endian two's complement of any length.</summary>
    SignedBytes,
}

/// <summary>Orders of columns, and of values as bounds hold them.</summary>
internal static class ValueOrders
{
    public static ValueOrder Of(ColumnDescriptor column) => (column.PhysicalType, column.Node.LogicalType) switch
    {
        (_, LogicalType.Geometry or LogicalType.Geography or LogicalType.Unknown) => ValueOrder.None,
        (PhysicalType.Boolean, _) => ValueOrder.Boolean,
        (PhysicalType.Int32, LogicalType.Integer(_, false)) => ValueOrder.UInt32,
        (PhysicalType.Int32, _) => ValueOrder.Int32,
        (PhysicalType.Int64, LogicalType.Integer(_, false)) => ValueOrder.UInt64,
        (PhysicalType.Int64, _) => ValueOrder.Int64,
        (PhysicalType.Float, _) => ValueOrder.Float,
        (PhysicalType.Double, _) => ValueOrder.Double,
        (PhysicalType.ByteArray or PhysicalType.FixedLenByteArray, LogicalType.Decimal) => ValueOrder.SignedBytes,
        (PhysicalType.FixedLenByteArray, LogicalType.Float16) => ValueOrder.Half,
        (PhysicalType.ByteArray or PhysicalType.FixedLenByteArray, _) => ValueOrder.Bytes,
        _ => ValueOrder.None,
    };

    /// <summary>Whether the bytes are as many as a plainly encoded value of the column has.</summary>
    public static bool IsValue(ColumnDescriptor column, ReadOnlySpan<byte> value) => column.PhysicalType switch
    {
        PhysicalType.Boolean => value.Length == 1,
        PhysicalType.Int32 or PhysicalType.Float => value.Length == 4,
        PhysicalType.Int64 or PhysicalType.Double => value.Length == 8,
        PhysicalType.Int96 => value.Length == 12,
        PhysicalType.FixedLenByteArray => value.Length == column.TypeLength,
        _ => true,
    };

    /// <summary>Whether a plainly encoded value is not a number.</summary>
    public static bool IsNan(ValueOrder order, ReadOnlySpan<byte> value) => order switch
    {
        ValueOrder.Float => float.IsNaN(BinaryPrimitives.ReadSingleLittleEndian(value)),
        ValueOrder.Double => double.IsNaN(BinaryPrimitives.ReadDoubleLittleEndian(value)),
        ValueOrder.Half => Half.IsNaN(BinaryPrimitives.ReadHalfLittleEndian(value)),
        _ => false,
    };

    /// <summary>Whether a plainly encoded floating-point number is one of the zeros.</summary>
    public static bool IsZero(ValueOrder order, ReadOnlySpan<byte> value) => order switch
    {
        ValueOrder.Float => BinaryPrimitives.ReadSingleLittleEndian(value) == 0,
        ValueOrder.Double => BinaryPrimitives.ReadDoubleLittleEndian(value) == 0,
        ValueOrder.Half => BinaryPrimitives.ReadHalfLittleEndian(value) == Half.Zero,
        _ => false,
    };

    /// <summary>Compares two plainly encoded values.</summary>
    public static int Compare(ValueOrder order, ReadOnlySpan<byte> left, ReadOnlySpan<byte> right) => order switch
    {
        ValueOrder.Boolean => left[0].CompareTo(right[0]),
        ValueOrder.Int32 => BinaryPrimitives.ReadInt32LittleEndian(left).CompareTo(BinaryPrimitives.ReadInt32LittleEndian(right)),
        ValueOrder.Int64 => BinaryPrimitives.ReadInt64LittleEndian(left).CompareTo(BinaryPrimitives.ReadInt64LittleEndian(right)),
        ValueOrder.UInt32 => BinaryPrimitives.ReadUInt32LittleEndian(left).CompareTo(BinaryPrimitives.ReadUInt32LittleEndian(right)),
        ValueOrder.UInt64 => BinaryPrimitives.ReadUInt64LittleEndian(left).CompareTo(BinaryPrimitives.ReadUInt64LittleEndian(right)),
        ValueOrder.Float => BinaryPrimitives.ReadSingleLittleEndian(left).CompareTo(BinaryPrimitives.ReadSingleLittleEndian(right)),
        ValueOrder.Double => BinaryPrimitives.ReadDoubleLittleEndian(left).CompareTo(BinaryPrimitives.ReadDoubleLittleEndian(right)),
        ValueOrder.Half => BinaryPrimitives.ReadHalfLittleEndian(left).CompareTo(BinaryPrimitives.ReadHalfLittleEndian(right)),
        ValueOrder.Bytes => left.SequenceCompareTo(right),
        ValueOrder.SignedBytes => CompareSigned(left, right),
        _ => throw new InvalidOperationException("these values have no order"),
    };

    /// <summary>Compares big-endian two's complement numbers of different lengths; an empty one is 0.</summary>
    public static int CompareSigned(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        int leftSign = left.IsEmpty ? 0 : (sbyte)left[0] >> 7;
        int rightSign = right.IsEmpty ? 0 : (sbyte)right[0] >> 7;
        if (leftSign != rightSign)
        {
            return leftSign.CompareTo(rightSign);
        }

        byte fill = (byte)leftSign;
        while (left.Length > right.Length)
        {
            if (left[0] != fill)
            {
                return leftSign == 0 ? 1 : -1;
            }

            left = left[1..];
        }

        while (right.Length > left.Length)
        {
            if (right[0] != fill)
            {
                return leftSign == 0 ? -1 : 1;
            }

            right = right[1..];
        }

        return left.SequenceCompareTo(right);
    }
}
