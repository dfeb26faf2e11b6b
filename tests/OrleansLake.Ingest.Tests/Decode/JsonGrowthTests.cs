using OrleansLake.Iceberg;
using OrleansLake.Ingest.Decode;
using static OrleansLake.Ingest.Tests.Decode.Decoding;

namespace OrleansLake.Ingest.Tests.Decode;

public sealed class JsonGrowthTests
{
    private static readonly Schema Orders = SchemaOf(
        Optional(1, "id", new LongType()),
        Optional(2, "lines", new ListType(3, new StructType([Optional(4, "n", new LongType())]), ElementRequired: true)),
        Optional(5, "elsewhere", new LongType()));

    private readonly List<string> _asked = [];

    [Theory]
    [InlineData("""{"a":1}""", "a long")]
    [InlineData("""{"a":1.5}""", "a double")]
    [InlineData("""{"a":1e3}""", "a double")]
    [InlineData("""{"a":9223372036854775808}""", "a decimal(38,0)")]
    [InlineData("""{"a":"2024-01-01"}""", "a string")]
    [InlineData("""{"a":false}""", "a boolean")]
    [InlineData("""{"a":[null,1,2.5]}""", "a list")]
    [InlineData("""{"a":{"b":null,"c":1}}""", "a struct")]
    [InlineData("""{"lines":[{"n":1,"x":"y"}]}""", "lines[].x string")]
    public void A_new_field_is_held_until_the_table_has_a_column_of_its_type(string document, string expected)
    {
        var held = Assert.Throws<NewFieldsException>(() => With().Run(document));
        Assert.Equal($"held until the table has {expected}", held.Message);
        Assert.Equal([string.Join(", ", held.Fields.Select(field => field.Path))], _asked);
    }

    [Fact]
    public void Types_are_what_the_records_of_a_batch_have_in_common()
    {
        var held = Assert.Throws<NewFieldsException>(() => With().Run("""{"a":1,"b":[1]}""", """{"a":2.5,"c":{"x":1}}""", """{"b":[1.5],"c":{"y":true}}"""));
        Assert.Equal(["a", "b", "c"], held.Fields.Select(field => field.Path));
        Assert.IsType<DoubleType>(held.Fields[0].Type);
        Assert.IsType<DoubleType>(Assert.IsType<ListType>(held.Fields[1].Type).Element);
        Assert.Equal(["x", "y"], Assert.IsType<StructType>(held.Fields[2].Type).Fields.Select(field => field.Name));
    }

    [Theory]
    [InlineData("""{"a":null}""")]
    [InlineData("""{"a":[],"b":{},"c":[null],"d":{"e":null}}""")]
    [InlineData("""{"":1,"Id":2,"ELSEWHERE":3}""")]
    [InlineData("""{"\ud800":1}""")]
    public void Nothing_is_asked_for_what_tells_no_type_or_can_be_no_column(string document)
    {
        Assert.NotNull(With().Row(document));
        Assert.Empty(_asked);
    }

    [Fact]
    public void A_record_that_is_refused_asks_for_nothing()
    {
        var (rows, rejected) = With().Run("""{"new":1,"id":"x"}""", """{"id":2}""");
        Assert.Single(rejected);
        Assert.NotNull(rows[1]);
        Assert.Empty(_asked);
    }

    [Fact]
    public void What_was_declined_is_passed_over_and_counted()
    {
        var decoding = With(declined: "a");
        Assert.Throws<NewFieldsException>(() => decoding.Run("""{"a":1}"""));
        Assert.Equal("""{"id":7,"lines":null,"elsewhere":null}""", decoding.Row("""{"id":7,"a":1}"""));
        Assert.Contains(decoding.Decoder.TakeUnknownFields(), field => field.Key == "a");
        Assert.Equal("held until the table has b long", Assert.Throws<NewFieldsException>(() => decoding.Run("""{"a":1,"b":1}""")).Message);
    }

    [Fact]
    public void A_request_that_failed_is_made_again_and_its_trouble_told()
    {
        int calls = 0;
        var decoding = new Decoding(Orders, new JsonDecoderOptions
        {
            Records = new RecordOptions
            {
                UnknownFields = UnknownFieldAction.Evolve,
                Growth = new FieldGrowth(_ => ++calls < 3 ? throw new IOException("no catalog") : Task.FromResult<IReadOnlyList<string>>(["a"])),
            },
        });
        Assert.Equal("held until the table has a long", Assert.Throws<NewFieldsException>(() => decoding.Run("""{"a":1}""")).Message[..31]);
        Assert.EndsWith(": no catalog", Assert.Throws<NewFieldsException>(() => decoding.Run("""{"a":1}""")).Message, StringComparison.Ordinal);
        Assert.Throws<NewFieldsException>(() => decoding.Run("""{"a":1}"""));
        Assert.NotNull(decoding.Row("""{"a":1}"""));
        Assert.Equal(3, calls);
    }

    private Decoding With(string? declined = null) => new(Orders, new JsonDecoderOptions
    {
        Records = new RecordOptions
        {
            Columns = new Dictionary<string, string> { ["elsewhere"] = "null" },
            UnknownFields = UnknownFieldAction.Evolve,
            Growth = new FieldGrowth(fields =>
            {
                _asked.Add(string.Join(", ", fields.Select(field => field.Path)));
                return Task.FromResult<IReadOnlyList<string>>(declined is null ? [] : [declined]);
            }),
        },
    });
}
