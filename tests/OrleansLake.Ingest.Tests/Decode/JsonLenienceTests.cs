using OrleansLake.Iceberg;
using OrleansLake.Ingest.Decode;
using static OrleansLake.Ingest.Tests.Decode.Decoding;

namespace OrleansLake.Ingest.Tests.Decode;

public sealed class JsonLenienceTests
{
    private static readonly Schema Orders = SchemaOf(
        Required(1, "id", new LongType()),
        Optional(2, "price", new DecimalType(9, 2)),
        Optional(3, "note", new StringType()),
        Optional(4, "by", new StructType([Required(5, "name", new StringType()), Optional(6, "age", new IntegerType())])),
        Optional(7, "tags", new ListType(8, new StringType(), ElementRequired: false)),
        Optional(9, "lines", new ListType(10, new StructType([Optional(11, "n", new LongType()), Optional(12, "counts", new ListType(13, new LongType(), ElementRequired: true))]), ElementRequired: true)));

    [Theory]
    [InlineData("s", "1700000000", "2023-11-14T22:13:20.000000+00:00")]
    [InlineData("s", "1700000000.25", "2023-11-14T22:13:20.250000+00:00")]
    [InlineData("s", "1.7e9", "2023-11-14T22:13:20.000000+00:00")]
    [InlineData("s", "-1", "1969-12-31T23:59:59.000000+00:00")]
    [InlineData("ms", "1700000000123", "2023-11-14T22:13:20.123000+00:00")]
    [InlineData("us", "1700000000123456", "2023-11-14T22:13:20.123456+00:00")]
    [InlineData("ns", "1700000000123456000", "2023-11-14T22:13:20.123456+00:00")]
    [InlineData("ns", "1700000000123456789", "inexact")]
    [InlineData("us", "0.5", "inexact")]
    [InlineData("s", "1e19", "out-of-range")]
    [InlineData("s", "\"1700000000\"", "malformed-text")]
    [InlineData("s", "\"2023-11-14T22:13:20Z\"", "2023-11-14T22:13:20.000000+00:00")]
    [InlineData("s", "true", "wrong-type")]
    public void Numbers_are_times_where_the_pipeline_says_what_they_count(string unit, string token, string expected) =>
        Check(new TimestampType(WithZone: true), token, expected, new RecordOptions { Epoch = Every(Unit(unit)) });

    [Theory]
    [InlineData("ns", "1700000000123456789", "2023-11-14T22:13:20.123456+00:00")]
    [InlineData("ns", "-1", "1969-12-31T23:59:59.999999+00:00")]
    [InlineData("ms", "0.0015", "1970-01-01T00:00:00.000001+00:00")]
    public void Digits_behind_the_microseconds_are_cut_where_that_was_asked_for(string unit, string token, string expected) =>
        Check(new TimestampType(WithZone: true), token, expected, new RecordOptions { Epoch = Every(Unit(unit)), CutFraction = true });

    [Fact]
    public void Nanoseconds_dates_and_clocks_without_a_zone_have_epochs_too()
    {
        Check(new TimestampNanoType(WithZone: true), "1700000000123456789", "2023-11-14T22:13:20.123456789+00:00", new RecordOptions { Epoch = Every(EpochUnit.Nanoseconds) });
        Check(new TimestampType(WithZone: false), "1700000000123", "2023-11-14T22:13:20.123000", new RecordOptions { Epoch = Every(EpochUnit.Milliseconds) });
        Check(new DateType(), "19675", "2023-11-14", new RecordOptions { Epoch = Every(EpochUnit.Days) });
        Check(new DateType(), "19675", "wrong-type", new RecordOptions { Epoch = Every(EpochUnit.Milliseconds) });
        Check(new DateType(), "3000000000", "out-of-range", new RecordOptions { Epoch = Every(EpochUnit.Days) });
        Check(new TimestampType(WithZone: true), "\"1700000000\"", "2023-11-14T22:13:20.000000+00:00", new RecordOptions { Epoch = Every(EpochUnit.Seconds), NumbersInStrings = Every(true) });
    }

    [Theory]
    [InlineData("long", "\"42\"", "42")]
    [InlineData("long", "\"4e1\"", "40")]
    [InlineData("long", "\"4\\u0032\"", "42")]
    [InlineData("long", "\"\"", "wrong-type")]
    [InlineData("long", "\" 42\"", "wrong-type")]
    [InlineData("long", "\"42x\"", "wrong-type")]
    [InlineData("long", "\"9223372036854775808\"", "out-of-range")]
    [InlineData("int", "\"-7\"", "-7")]
    [InlineData("double", "\"0.5\"", "0.5")]
    [InlineData("double", "\"NaN\"", "wrong-type")]
    [InlineData("decimal", "\"1.10\"", "1.10")]
    [InlineData("decimal", "\"1.101\"", "inexact")]
    [InlineData("boolean", "\"true\"", "true")]
    [InlineData("boolean", "\"True\"", "wrong-type")]
    [InlineData("boolean", "1", "wrong-type")]
    [InlineData("string", "5", "wrong-type")]
    public void Strings_are_numbers_where_the_pipeline_says_so(string type, string token, string expected) =>
        Check(
            type switch { "long" => new LongType(), "int" => new IntegerType(), "double" => new DoubleType(), "decimal" => new DecimalType(9, 2), "boolean" => new BooleanType(), _ => new StringType() },
            token, expected, new RecordOptions { NumbersInStrings = Every(true) });

    [Theory]
    [InlineData("2022-07-26T00:41:48.046773-07:00[America/Los_Angeles]", "2022-07-26T07:41:48.046773+00:00")]
    [InlineData("2022-07-26T07:41:48Z[UTC]", "2022-07-26T07:41:48.000000+00:00")]
    // The offset decides, even where the zone would not have it.
    [InlineData("2022-07-26T07:41:48+05:00[Europe/Berlin]", "2022-07-26T02:41:48.000000+00:00")]
    [InlineData("2022-07-26T07:41:48[Europe/Berlin]", "2022-07-26T05:41:48.000000+00:00")]
    [InlineData("2022-01-26T07:41[Europe/Berlin]", "2022-01-26T06:41:00.000000+00:00")]
    // Twice: the first of the two; skipped: none.
    [InlineData("2022-10-30T02:30:00[Europe/Berlin]", "2022-10-30T00:30:00.000000+00:00")]
    [InlineData("2022-03-27T02:30:00[Europe/Berlin]", "malformed-text")]
    [InlineData("2022-07-26T07:41:48[Atlantis/Center]", "malformed-text")]
    [InlineData("2022-07-26T07:41:48Z[]", "malformed-text")]
    [InlineData("2022-07-26T07:41:48Z[Europe/Berlin", "malformed-text")]
    [InlineData("2022-07-26T07:41:48Z[Europe Berlin]", "malformed-text")]
    public void Zone_ids_stand_behind_an_offset_or_in_its_place(string text, string expected) =>
        Check(new TimestampType(WithZone: true), $"\"{text}\"", expected, new RecordOptions());

    [Fact]
    public void Values_that_do_not_fit_become_null_where_the_pipeline_says_so_and_are_counted()
    {
        var decoding = With(new RecordOptions { OnUnfit = Every(UnfitAction.Null) });
        Assert.Equal(
            """{"id":1,"price":null,"note":null,"by":null,"tags":["a",null,"c"],"lines":[{"n":null,"counts":null},{"n":2,"counts":[1]}]}""",
            decoding.Row("""{"id":1,"price":"x","note":5,"by":{"age":1},"tags":["a",{"x":[]},"c"],"lines":[{"n":1.5,"counts":[1,"x",3]},{"n":2,"counts":[1]}]}"""));
        Assert.Equal("""{"id":2,"price":1.50,"note":"n","by":{"name":"b","age":null},"tags":[],"lines":null}""",
            decoding.Row("""{"id":2,"price":1.5,"note":"n","by":{"name":"b","age":"old"},"tags":[],"lines":[{"n":1},7]}"""));
        Assert.Equal(
            ["by 1", "by.age 1", "lines 1", "lines[].counts 1", "lines[].n 1", "note 1", "price 1", "tags[] 1"],
            decoding.Decoder.TakeNulledFields().Select(field => $"{field.Key} {field.Value}").Order(StringComparer.Ordinal));
        Assert.Empty(decoding.Decoder.TakeNulledFields());
        Assert.Equal(RejectReason.WrongType, decoding.Refusal("""{"id":"x"}""").Reason);
        // What is no JSON is no value that could be left out.
        Assert.Equal(RejectReason.MalformedJson, decoding.Refusal("""{"id":1,"price":tru}""").Reason);
        Assert.Equal(RejectReason.InvalidUtf8, decoding.Run([[.. "{\"id\":1,\"note\":\""u8, 0xFF, .. "\"}"u8]]).Rejected[0].Reason);
        // The last of a name counts, whether or not the first fits.
        Assert.StartsWith("""{"id":1,"price":2.00""", decoding.Row("""{"id":1,"price":"x","price":2}"""), StringComparison.Ordinal);
        Assert.StartsWith("""{"id":1,"price":null""", decoding.Row("""{"id":1,"price":2,"price":"x"}"""), StringComparison.Ordinal);
        Assert.Equal(["price 1"], decoding.Decoder.TakeNulledFields().Select(field => $"{field.Key} {field.Value}"));
    }

    [Fact]
    public void A_string_takes_any_value_as_json_where_the_pipeline_says_so()
    {
        var decoding = With(new RecordOptions { OnUnfit = new Dictionary<string, UnfitAction> { ["note"] = UnfitAction.Text, ["tags[]"] = UnfitAction.Text } });
        Assert.Equal(
            """{"id":1,"price":null,"note":"{ \"a\" : [1.50, \"é\"] }","by":null,"tags":["1e2","text",null,"true","[]"],"lines":null}""",
            decoding.Row("""{"id":1,"note":{ "a" : [1.50, "é"] },"tags":[1e2,"text",null,true,[]]}"""));
        Assert.Equal(RejectReason.WrongType, decoding.Refusal("""{"id":1,"price":"x"}""").Reason);
        Assert.Equal(RejectReason.MalformedJson, decoding.Refusal("""{"id":1,"note":{"a":}}""").Reason);
        Assert.Equal(["note 1", "tags[] 3"], decoding.Decoder.TakeTextFields().Select(field => $"{field.Key} {field.Value}").Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("id", "null", "records.onUnfit: id is required and cannot be null")]
    [InlineData("price", "string", "records.onUnfit: price is decimal(9,2); only a string holds any value as text")]
    public void Rules_that_a_column_cannot_follow_are_told(string column, string action, string message) =>
        Assert.Contains(message, Assert.Throws<NotSupportedException>(() => With(new RecordOptions
        {
            OnUnfit = new Dictionary<string, UnfitAction> { [column] = action == "null" ? UnfitAction.Null : UnfitAction.Text },
        })).Message);

    private static Decoding With(RecordOptions options) => new(Orders, new JsonDecoderOptions { Records = options });

    private static Dictionary<string, T> Every<T>(T rule) => new() { [RecordOptions.EveryField] = rule };

    private static EpochUnit Unit(string word) => word switch { "s" => EpochUnit.Seconds, "ms" => EpochUnit.Milliseconds, "us" => EpochUnit.Microseconds, _ => EpochUnit.Nanoseconds };

    /// <summary>Alone and in a list, at every width.</summary>
    private static void Check(IcebergType type, string token, string expected, RecordOptions options)
    {
        var schema = SchemaOf(Optional(1, "v", type), Optional(2, "list", new ListType(3, type, ElementRequired: false)));
        foreach (int width in Widths)
        {
            var (rows, rejected) = new Decoding(schema, new JsonDecoderOptions { VectorWidth = width, Records = options }).Run($"{{\"v\":{token},\"list\":[{token}]}}");
            string? value = type is TimestampType or TimestampNanoType or DateType ? $"\"{expected}\"" : expected;
            Assert.Equal(rejected.Count > 0 ? expected : $"{{\"v\":{value},\"list\":[{value}]}}", rejected.Count > 0 ? rejected[0].Reason.ErrorClass() : rows[0]);
        }
    }
}
