using System.Text.Json.Nodes;

namespace OrleansLake.Iceberg.Tests;

public sealed class SingleValueJsonTests
{
    public static TheoryData<IcebergType, object, string> Values => new()
    {
        { new BooleanType(), true, "true" },
        { new IntegerType(), -34, "-34" },
        { new LongType(), long.MaxValue, "9223372036854775807" },
        { new FloatType(), 1.5f, "1.5" },
        { new DoubleType(), -2.25, "-2.25" },
        { new DecimalType(9, 2), new Decimal128(1420, 2), "\"14.20\"" },
        { new DecimalType(9, 2), new Decimal128(-5, 2), "\"-0.05\"" },
        { new DecimalType(38, 0), new Decimal128(Int128.Parse("99999999999999999999999999999999999999"), 0), "\"99999999999999999999999999999999999999\"" },
        { new DateType(), 17486, "\"2017-11-16\"" },
        { new TimeType(), 81_068_123_456L, "\"22:31:08.123456\"" },
        { new TimestampType(false), 1_510_871_468_123_456L, "\"2017-11-16T22:31:08.123456\"" },
        { new TimestampType(true), 1_510_871_468_123_456L, "\"2017-11-16T22:31:08.123456+00:00\"" },
        { new TimestampNanoType(false), 1_510_871_468_123_456_789L, "\"2017-11-16T22:31:08.123456789\"" },
        { new TimestampNanoType(true), 1_510_871_468_123_456_789L, "\"2017-11-16T22:31:08.123456789+00:00\"" },
        { new StringType(), "ice\"berg ü", "\"ice\\\"berg ü\"" },
        { new UuidType(), new Guid("f79c3e09-677c-4bbd-a479-3f349cb785e7"), "\"f79c3e09-677c-4bbd-a479-3f349cb785e7\"" },
        { new FixedType(4), new byte[] { 0, 1, 2, 255 }, "\"000102ff\"" },
        { new BinaryType(), new byte[] { 0, 1, 2, 255 }, "\"000102ff\"" },
    };

    [Theory]
    [MemberData(nameof(Values))]
    public void Values_have_the_JSON_of_the_specification_both_ways(IcebergType type, object value, string json)
    {
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(json), SingleValueJson.Write(type, value)), SingleValueJson.Write(type, value)!.ToJsonString());
        Assert.Equal(value, SingleValueJson.Read(type, JsonNode.Parse(json)));
    }

    [Fact]
    public void Nested_values_go_by_field_id()
    {
        var type = new StructType(
        [
            new NestedField(1, "list", false, new ListType(3, new IntegerType(), false)),
            new NestedField(2, "map", false, new MapType(4, new StringType(), 5, new LongType(), false)),
        ]);
        const string Json = """{"1":[1,null,3],"2":{"keys":["a","b"],"values":[1,null]}}""";
        object? value = SingleValueJson.Read(type, JsonNode.Parse(Json));
        Assert.Equal(Json, SingleValueJson.Write(type, value)!.ToJsonString());
        Assert.Null(SingleValueJson.Read(type, null));
        Assert.Null(SingleValueJson.Write(type, null));
    }

    [Theory]
    [InlineData("int", "2147483648")]
    [InlineData("int", "1.5")]
    [InlineData("int", "\"1\"")]
    [InlineData("long", "true")]
    [InlineData("float", "1e99")]
    [InlineData("decimal(9, 2)", "\"14.2\"")]
    [InlineData("decimal(3, 2)", "\"14.20\"")]
    [InlineData("decimal(9, 2)", "14.20")]
    [InlineData("date", "\"2017-02-30\"")]
    [InlineData("time", "\"25:00:00\"")]
    [InlineData("timestamp", "\"2017-11-16T22:31:08+00:00\"")]
    [InlineData("timestamptz", "\"2017-11-16T22:31:08\"")]
    [InlineData("timestamp", "\"2017-11-16T22:31:08.123456789\"")]
    [InlineData("uuid", "\"f79c3e09677c4bbda4793f349cb785e7\"")]
    [InlineData("fixed[2]", "\"000102\"")]
    [InlineData("binary", "\"0g\"")]
    [InlineData("variant", "1")]
    [InlineData("unknown", "1")]
    public void What_is_no_value_of_the_type_is_refused(string type, string json) =>
        Assert.Throws<FormatException>(() => SingleValueJson.Read(TypeText.Parse(type)!, JsonNode.Parse(json)));

    [Fact]
    public void Numbers_that_JSON_cannot_say_are_refused() => Assert.Throws<FormatException>(() => SingleValueJson.Write(new DoubleType(), double.NaN));
}
