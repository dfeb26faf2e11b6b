namespace OrleansLake.Iceberg.Tests;

public sealed class SingleValueTests
{
    public static TheoryData<IcebergType, object, string> Values => new()
    {
        { new BooleanType(), true, "01" },
        { new IntegerType(), 1, "01000000" },
        { new LongType(), -2L, "FEFFFFFFFFFFFFFF" },
        { new FloatType(), 1.5f, "0000C03F" },
        { new DoubleType(), -0.0, "0000000000000080" },
        { new DateType(), 19000, "384A0000" },
        { new TimestampType(true), 1L, "0100000000000000" },
        { new DecimalType(9, 2), new Decimal128(1420, 2), "058C" },
        { new DecimalType(9, 2), new Decimal128(127, 2), "7F" },
        { new DecimalType(9, 2), new Decimal128(128, 2), "0080" },
        { new DecimalType(9, 2), new Decimal128(-128, 2), "80" },
        { new DecimalType(9, 2), new Decimal128(-129, 2), "FF7F" },
        { new DecimalType(9, 2), new Decimal128(0, 2), "00" },
        { new DecimalType(38, 0), new Decimal128(Int128.MaxValue / 2, 0), "3FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF" },
        { new StringType(), "é", "C3A9" },
        { new UuidType(), new Guid("f79c3e09-677c-4bbd-a479-3f349cb785e7"), "F79C3E09677C4BBDA4793F349CB785E7" },
        { new BinaryType(), new byte[] { 1, 2 }, "0102" },
    };

    [Theory]
    [MemberData(nameof(Values))]
    public void Values_have_the_bytes_of_the_specification_both_ways(IcebergType type, object value, string hex)
    {
        Assert.Equal(hex, Convert.ToHexString(SingleValue.ToBytes(value)));
        Assert.Equal(value, SingleValue.FromBytes(type, Convert.FromHexString(hex)));
    }

    [Fact]
    public void Bounds_of_promoted_columns_are_widened()
    {
        Assert.Equal(7L, SingleValue.FromBytes(new LongType(), SingleValue.ToBytes(7)));
        Assert.Equal(1.5, SingleValue.FromBytes(new DoubleType(), SingleValue.ToBytes(1.5f)));
    }

    [Fact]
    public void A_length_that_does_not_fit_is_refused()
    {
        Assert.Throws<FormatException>(() => SingleValue.FromBytes(new IntegerType(), [1, 2, 3]));
        Assert.Throws<FormatException>(() => SingleValue.FromBytes(new DecimalType(9, 2), new byte[17]));
    }

    [Fact]
    public void Order_is_by_code_point_and_unsigned_byte_and_zeros_differ()
    {
        Assert.True(SingleValue.Compare("\uFFFD", "😀") < 0);
        Assert.True(SingleValue.Compare(new byte[] { 0x7F }, new byte[] { 0x80 }) < 0);
        Assert.True(SingleValue.Compare(-0.0, 0.0) < 0);
        Assert.True(SingleValue.Compare(double.MaxValue, double.NaN) < 0);
    }
}
