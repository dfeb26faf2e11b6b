using System.Globalization;

namespace OrleansLake.Iceberg.Tests;

/// <summary>The tables of the specification. https://iceberg.apache.org/spec/#appendix-b-32-bit-hash-requirements</summary>
public sealed class TransformTests
{
    public static TheoryData<string, IcebergType, object, int> Hashes => new()
    {
        { "int", new IntegerType(), 34, 2017239379 },
        { "long", new LongType(), 34L, 2017239379 },
        { "decimal", new DecimalType(9, 2), new Decimal128(1420, 2), -500754589 },
        { "date", new DateType(), Day("2017-11-16"), -653330422 },
        { "time", new TimeType(), 81_068_000_000L, -662762989 },
        { "timestamp", new TimestampType(false), Micros("2017-11-16T22:31:08"), -2047944441 },
        { "timestamp of a microsecond", new TimestampType(false), Micros("2017-11-16T22:31:08") + 1, -1207196810 },
        { "timestamptz", new TimestampType(true), Micros("2017-11-16T22:31:08"), -2047944441 },
        { "timestamp_ns", new TimestampNanoType(false), Micros("2017-11-16T22:31:08") * 1000, -2047944441 },
        { "timestamp_ns of a nanosecond", new TimestampNanoType(false), (Micros("2017-11-16T22:31:08") * 1000) + 1001, -1207196810 },
        { "string", new StringType(), "iceberg", 1210000089 },
        { "uuid", new UuidType(), new Guid("f79c3e09-677c-4bbd-a479-3f349cb785e7"), 1488055340 },
        { "fixed", new FixedType(4), new byte[] { 0, 1, 2, 3 }, -188683207 },
        { "binary", new BinaryType(), new byte[] { 0, 1, 2, 3 }, -188683207 },
        { "boolean", new BooleanType(), true, 1392991556 },
        { "float", new FloatType(), 1.0f, -142385009 },
        { "double", new DoubleType(), 1.0, -142385009 },
        { "negative zero", new DoubleType(), -0.0, 1669671676 },
        { "zero", new FloatType(), 0.0f, 1669671676 },
    };

    [Theory]
    [MemberData(nameof(Hashes))]
    public void Hashes_are_those_of_the_specification(string name, IcebergType type, object value, int hash) =>
        Assert.True(hash == Transform.BucketHash(type, value), name);

    [Fact]
    public void Buckets_are_never_negative() =>
        Assert.Equal((-500754589 & int.MaxValue) % 16, new Transform.Bucket(16).Apply(new DecimalType(9, 2), new Decimal128(1420, 2)));

    [Fact]
    public void Truncation_goes_down_and_cuts_code_points()
    {
        Assert.Equal(0, new Transform.Truncate(10).Apply(new IntegerType(), 1));
        Assert.Equal(-10, new Transform.Truncate(10).Apply(new IntegerType(), -1));
        Assert.Equal(-10L, new Transform.Truncate(10).Apply(new LongType(), -1L));
        Assert.Equal(0L, new Transform.Truncate(10).Apply(new LongType(), 1L));
        Assert.Equal(new Decimal128(1050, 2), new Transform.Truncate(50).Apply(new DecimalType(9, 2), new Decimal128(1065, 2)));
        Assert.Equal(new Decimal128(-10, 2), new Transform.Truncate(10).Apply(new DecimalType(9, 2), new Decimal128(-5, 2)));
        Assert.Equal("ice", new Transform.Truncate(3).Apply(new StringType(), "iceberg"));
        Assert.Equal("𝒜é", new Transform.Truncate(2).Apply(new StringType(), "𝒜éz"));
        Assert.Equal(new byte[] { 1, 2, 3 }, new Transform.Truncate(3).Apply(new BinaryType(), new byte[] { 1, 2, 3, 4 }));
    }

    [Theory]
    [InlineData("2017-12-01T10:00:00", 47, 575, 17501, 420034)]
    [InlineData("1970-01-01T00:00:00", 0, 0, 0, 0)]
    [InlineData("1969-12-31T23:59:59", -1, -1, -1, -1)]
    [InlineData("1969-01-01T00:00:00", -1, -12, -365, -8760)]
    [InlineData("1968-12-31T23:00:00", -2, -13, -366, -8761)]
    [InlineData("0001-01-01T00:00:00", -1969, -23628, -719162, -17259888)]
    [InlineData("9999-12-31T23:00:00", 8029, 96359, 2932896, 70389527)]
    public void Times_are_counted_from_1970_downwards_too(string time, int year, int month, int day, int hour)
    {
        foreach (var (type, value) in new (IcebergType, object)[] { (new TimestampType(true), Micros(time)), (new DateType(), day) })
        {
            Assert.Equal(year, new Transform.Year().Apply(type, value));
            Assert.Equal(month, new Transform.Month().Apply(type, value));
            Assert.Equal(day, new Transform.Day().Apply(type, value));
        }

        Assert.Equal(hour, new Transform.Hour().Apply(new TimestampType(false), Micros(time)));
        Assert.Null(new Transform.Day().Apply(new DateType(), null));
        Assert.Null(new Transform.Void().Apply(new DateType(), day));
    }

    [Theory]
    [InlineData("identity")]
    [InlineData("bucket[16]")]
    [InlineData("truncate[4]")]
    [InlineData("year")]
    [InlineData("month")]
    [InlineData("day")]
    [InlineData("hour")]
    [InlineData("void")]
    [InlineData("zorder[3]")]
    [InlineData("bucket[0]")]
    [InlineData("bucket[x]")]
    public void Spelling_survives(string text) => Assert.Equal(text, Transform.Parse(text).ToString());

    [Fact]
    public void Paths_are_spelled_and_escaped_as_by_Java()
    {
        var schema = new Schema
        {
            SchemaId = 0,
            Fields =
            [
                new NestedField(1, "ts", false, new TimestampType(true)),
                new NestedField(2, "na me", false, new StringType()),
                new NestedField(3, "d", false, new DateType()),
                new NestedField(4, "p", false, new DecimalType(9, 2)),
                new NestedField(5, "b", false, new BinaryType()),
            ],
        };
        var fields = new (int Source, string Name, Transform Transform, object? Value, string Path)[]
        {
            (1, "ts_day", new Transform.Day(), 17501, "ts_day=2017-12-01"),
            (1, "ts_hour", new Transform.Hour(), 420034, "ts_hour=2017-12-01-10"),
            (1, "ts_hour", new Transform.Hour(), -1, "ts_hour=1969-12-31-23"),
            (1, "ts_month", new Transform.Month(), 575, "ts_month=2017-12"),
            (1, "ts_year", new Transform.Year(), 47, "ts_year=2017"),
            (1, "ts", new Transform.Identity(), Micros("2017-12-01T10:12:55") + 38194, "ts=2017-12-01T10%3A12%3A55.038194%2B00%3A00"),
            (2, "na me", new Transform.Identity(), "a/b=ü c", "na+me=a%2Fb%3D%C3%BC+c"),
            (2, "na me", new Transform.Identity(), null, "na+me=null"),
            (3, "d", new Transform.Identity(), -1, "d=1969-12-31"),
            (4, "p", new Transform.Identity(), new Decimal128(-5, 2), "p=-0.05"),
            (5, "b", new Transform.Identity(), new byte[] { 255, 254 }, "b=%2F%2F4%3D"),
            (2, "x", new Transform.Bucket(16), 7, "x=7"),
        };
        foreach (var (source, name, transform, value, path) in fields)
        {
            var spec = new PartitionSpec { SpecId = 0, Fields = [new PartitionField(1000, name, [source], transform)] };
            Assert.Equal(path, PartitionPath.Of(spec, schema, new PartitionKey([value])));
        }

        Assert.Equal("", PartitionPath.Of(new PartitionSpec { SpecId = 0, Fields = [] }, schema, PartitionKey.None));
    }

    private static int Day(string date) => DateOnly.Parse(date, CultureInfo.InvariantCulture).DayNumber - new DateOnly(1970, 1, 1).DayNumber;

    private static long Micros(string time) =>
        (DateTime.Parse(time, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal) - DateTime.UnixEpoch).Ticks / 10;
}
