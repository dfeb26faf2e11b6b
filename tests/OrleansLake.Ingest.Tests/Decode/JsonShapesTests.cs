using System.Text;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Decode;
using static OrleansLake.Ingest.Tests.Decode.Decoding;

namespace OrleansLake.Ingest.Tests.Decode;

public sealed class JsonShapesTests
{
    private static readonly Schema Orders = SchemaOf(
        Required(1, "id", new LongType()),
        Optional(2, "order", new StructType(
        [
            Optional(3, "lines", new ListType(4, new StructType([Required(5, "price", new DecimalType(9, 2)), Optional(6, "tags", new ListType(7, new StringType(), ElementRequired: true))]), ElementRequired: false)),
            Optional(8, "by", new MapType(9, new StringType(), 10, new LongType(), ValueRequired: false)),
        ])));

    [Theory]
    [InlineData("""{"id":1,"order":{"lines":[{"price":1},{"price":2},{"price":3},{"price":"n/a"}]}}""", "order.lines[3].price", "expected decimal(9,2), got \"n/a\"")]
    [InlineData("""{"id":1,"order":{"lines":[{"price":1,"tags":["a",null]}]}}""", "order.lines[0].tags[1]", "expected string, got null")]
    [InlineData("""{"id":1,"order":{"lines":[{}]}}""", "order.lines[0].price", "expected decimal(9,2), got nothing")]
    [InlineData("""{"id":1,"order":{"by":{"k":1,"m m":1.5}}}""", "order.by[\"m m\"]", "expected long, got 1.5")]
    [InlineData("""{"id":1,"order":[]}""", "order", "expected struct, got an array")]
    [InlineData("""{"id":null}""", "id", "expected long, got null")]
    [InlineData("""{"order":null}""", "id", "expected long, got nothing")]
    [InlineData("""{"id":{"a":1}}""", "id", "expected long, got an object")]
    [InlineData("""{"id":"a rather long text that nobody would want to have in a log line"}""", "id", "expected long, got \"a rather long text that nobody would wa…")]
    [InlineData("""{"id":1,"x":{"y":[1,,2]}}""", "x", "expected a value, got ',' at byte 20")]
    [InlineData("""{"id":1""", "", "expected ',' or '}', got the end of the document at byte 7")]
    public void A_refusal_says_where_and_what(string document, string path, string message)
    {
        foreach (int width in Widths)
        {
            var refusal = new Decoding(Orders, new JsonDecoderOptions { VectorWidth = width }).Refusal(document);
            Assert.Equal(path, refusal.Path);
            Assert.Equal(message, refusal.Message);
        }
    }

    [Fact]
    public void A_refused_record_leaves_no_trace()
    {
        const string Good = """{"id":1,"order":{"lines":[{"price":1.00,"tags":["a","b"]},null,{"price":2.00,"tags":[]}],"by":{"k":1,"l":null}}}""";
        var documents = new List<string>();
        for (int length = 0; length <= Good.Length; length++)
        {
            documents.Add(Good[..length]);
            documents.Add(Good);
        }

        var (rows, rejected) = new Decoding(Orders).Run([.. documents]);
        Assert.Equal(Good.Length, rejected.Count);
        Assert.Equal(Good.Length + 2, rows.Count(row => row == Good));
    }

    [Theory]
    [InlineData("""{"id":1,"id":2}""", """{"id":2,"order":null}""")]
    [InlineData("""{"id":"x","id":2}""", """{"id":2,"order":null}""")]
    [InlineData("""{"id":null,"\u0069d":2}""", """{"id":2,"order":null}""")]
    [InlineData("""{"order":{"by":{"a":1}},"id":1,"order":{"lines":[]}}""", """{"id":1,"order":{"lines":[],"by":null}}""")]
    [InlineData("""{"id":1,"order":{"by":{"a":1,"b":2,"a":3,"\u0062":4}}}""", """{"id":1,"order":{"lines":null,"by":{"a":3,"b":4}}}""")]
    [InlineData("""{"id":1,"order":{"by":{"a":1,"b":2,"a":3}}}""", """{"id":1,"order":{"lines":null,"by":{"b":2,"a":3}}}""")]
    [InlineData("""{"id":1,"order":{"lines":[{"price":1,"price":2},{"tags":["x"],"price":3,"tags":null}]}}""", """{"id":1,"order":{"lines":[{"price":2.00,"tags":null},{"price":3.00,"tags":null}],"by":null}}""")]
    [InlineData("""{"id":1,"x":1,"x":2}""", """{"id":1,"order":null}""")]
    public void Of_equal_names_the_last_wins(string document, string row)
    {
        foreach (int width in Widths)
        {
            Assert.Equal(row, new Decoding(Orders, new JsonDecoderOptions { VectorWidth = width }).Row(document));
        }
    }

    [Fact]
    public void Names_that_were_overridden_must_still_be_json()
    {
        Assert.Equal(RejectReason.MalformedJson, new Decoding(Orders).Refusal("""{"id":[1,],"id":2}""").Reason);
        Assert.Equal(RejectReason.WrongType, new Decoding(Orders).Refusal("""{"id":2,"id":[1]}""").Reason);
    }

    [Fact]
    public void Large_maps_are_checked_for_equal_keys_too()
    {
        var keys = Enumerable.Range(0, 5000).Select(i => $"\"key-{i % 4999:D8}\":{i}");
        string row = new Decoding(Orders).Row($"{{\"id\":1,\"order\":{{\"by\":{{{string.Join(',', keys)}}}}}}}");
        using var json = System.Text.Json.JsonDocument.Parse(row);
        var entries = json.RootElement.GetProperty("order").GetProperty("by").EnumerateObject().ToList();
        Assert.Equal(4999, entries.Count);
        Assert.Equal(4999, entries.Single(e => e.Name == "key-00000000").Value.GetInt64());
    }

    [Fact]
    public void Keys_of_other_types_are_read_as_their_tokens_and_compared_as_what_they_become()
    {
        var schema = SchemaOf(
            Optional(1, "longs", new MapType(2, new LongType(), 3, new StringType(), ValueRequired: true)),
            Optional(4, "dates", new MapType(5, new DateType(), 6, new ListType(7, new BooleanType(), ElementRequired: false), ValueRequired: false)));
        var decoding = new Decoding(schema);
        Assert.Equal(
            """{"longs":{"2":"b","1":"c"},"dates":{"2024-02-29":[true,null],"2024-03-01":null}}""",
            decoding.Row("""{"longs":{"1":"a","2":"b","1.0":"c"},"dates":{"2024-02-29":[true,null],"2024-03-01":null}}"""));
        Assert.Equal(RejectReason.WrongType, decoding.Refusal("""{"longs":{"one":"a"}}""").Reason);
        Assert.Equal(RejectReason.WrongType, decoding.Refusal("""{"longs":{"":"a"}}""").Reason);
        Assert.Equal(RejectReason.WrongType, decoding.Refusal("""{"longs":{" 1":"a"}}""").Reason);
        Assert.Equal(RejectReason.MissingRequired, decoding.Refusal("""{"longs":{"1":null}}""").Reason);
        Assert.Equal(RejectReason.MalformedText, decoding.Refusal("""{"dates":{"2023-02-29":null}}""").Reason);
    }

    [Fact]
    public void Unknown_fields_are_passed_over_and_counted_by_path()
    {
        var decoding = new Decoding(Orders);
        decoding.Run(
            """{"id":1,"extra":{"a":[1,2,{"b":"c"}]},"order":{"note":"x","lines":[{"price":1,"sku":"s"},{"price":1,"sku":"t"}]}}""",
            """{"extra":null,"id":1}""",
            """{"extra":null,"id":"refused"}""",
            """{"extra":1,"id":1,"id":1}""");
        Assert.Equal(
            new Dictionary<string, long> { ["extra"] = 3, ["order.note"] = 1, ["order.lines[].sku"] = 2 },
            decoding.Decoder.TakeUnknownFields().ToDictionary());
    }

    [Fact]
    public void Endless_new_names_are_counted_together()
    {
        var decoding = new Decoding(Orders);
        decoding.Run([.. Enumerable.Range(0, 2000).Select(i => $"{{\"id\":1,\"field{i}\":{i}}}")]);
        var counts = decoding.Decoder.TakeUnknownFields().ToDictionary();
        Assert.Equal(2000, counts.Values.Sum());
        Assert.InRange(counts.Count, 200, 300);
        Assert.True(counts["*"] > 1000);
    }

    [Fact]
    public void Fields_in_any_order_with_many_of_them_are_found()
    {
        var fields = Enumerable.Range(1, 150).Select(i => Optional(i, $"{(i % 3 == 0 ? "a_very_long_prefix_that_no_vector_holds_" : "c")}{i}", new LongType())).ToArray();
        var decoding = new Decoding(SchemaOf(fields));
        var random = new Random(3);
        for (int round = 0; round < 50; round++)
        {
            var some = fields.Where(_ => random.Next(4) > 0).ToArray();
            random.Shuffle(some);
            string document = "{" + string.Join(',', some.Select(f => $"\"{f.Name}\":{f.Id}")) + "}";
            string expected = "{" + string.Join(',', fields.Select(f => $"\"{f.Name}\":{(some.Contains(f) ? f.Id.ToString() : "null")}")) + "}";
            Assert.Equal(expected, decoding.Row(document));
        }
    }

    [Fact]
    public void Lists_of_every_kind_may_have_more_elements_than_a_column_has_room_for()
    {
        var schema = SchemaOf(
            Optional(1, "booleans", new ListType(2, new BooleanType(), ElementRequired: false)),
            Optional(3, "doubles", new ListType(4, new DoubleType(), ElementRequired: false)),
            Optional(5, "ints", new ListType(6, new IntegerType(), ElementRequired: false)),
            Optional(7, "longs", new ListType(8, new LongType(), ElementRequired: false)),
            Optional(9, "strings", new ListType(10, new StringType(), ElementRequired: false)),
            Optional(11, "times", new ListType(12, new TimestampType(WithZone: false), ElementRequired: false)),
            Optional(13, "map", new MapType(14, new StringType(), 15, new StringType(), ValueRequired: false)));
        string[] documents = [.. new[] { 1, 3_000, 2, 20_000 }.Select(count =>
        {
            var numbers = Enumerable.Range(0, count).ToArray();
            return $$$"""
                {"booleans":[{{{Joined(i => i % 3 == 0 ? "true" : "false")}}}],"doubles":[{{{Joined(i => $"{i}.5")}}}],"ints":[{{{Joined(i => $"{-i}")}}}],"longs":[{{{Joined(i => $"{i + 1}00000")}}}],"strings":[{{{Joined(i => $"\"s{i}\"")}}}],"times":[{{{Joined(i => $"\"2026-01-02T03:04:05.{i:D6}\"")}}}],"map":{{{{Joined(i => $"\"k{i}\":\"{i}\"")}}}}}
                """;

            string Joined(Func<int, string> element) => string.Join(',', numbers.Select(element));
        })];
        foreach (int width in Widths)
        {
            var (rows, rejected) = new Decoding(schema, new JsonDecoderOptions { VectorWidth = width }).Run(documents);
            Assert.Empty(rejected);
            Assert.Equal(documents, rows);
        }
    }

    [Fact]
    public void A_value_of_ten_megabytes_is_a_row_like_any_other()
    {
        var schema = SchemaOf(Optional(1, "s", new StringType()));
        string text = new string('x', 10 << 20) + "é";
        var (rows, _) = new Decoding(schema).Run($"{{\"s\":\"{text}\"}}", "{\"s\":\"next\"}");
        Assert.Equal(text.Length, System.Text.Json.JsonDocument.Parse(rows[0]!).RootElement.GetProperty("s").GetString()!.Length);
        Assert.Equal("""{"s":"next"}""", rows[1]);
    }

    [Fact]
    public void Records_that_decode_allocate_nothing()
    {
        var columns = Ingest.Write.IcebergParquet.ToParquet(Orders);
        var decoder = new JsonDecoder(Orders, columns);
        var rows = new Parquet.ColumnBatch(columns);
        var documents = Enumerable.Range(0, 1000).Select(i => (byte[]?)Encoding.UTF8.GetBytes(
            $"{{\"id\":{i},\"unknown\":\"x\",\"order\":{{\"lines\":[{{\"price\":1.25,\"tags\":[\"a\",\"\\u00e9\"]}}],\"by\":{{\"k\":{i}}}}}}}")).ToList();
        using var batch = Batch(documents, [0]);
        var rejected = new List<RejectedRecord>();
        for (int warm = 0; warm < 3; warm++)
        {
            rows.Clear();
            decoder.Decode(batch, 0, rows, rejected);
        }

        rows.Clear();
        long before = GC.GetAllocatedBytesForCurrentThread();
        decoder.Decode(batch, 0, rows, rejected);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(1000, rows.RowCount);
    }

    [Fact]
    public void Schemas_that_json_cannot_fill_are_refused_with_the_fields_name()
    {
        var schema = SchemaOf(Optional(1, "m", new MapType(2, new StructType([Optional(3, "x", new LongType())]), 4, new LongType(), ValueRequired: false)));
        var error = Assert.Throws<NotSupportedException>(() => new Decoding(schema));
        Assert.Contains("field m", error.Message);
    }
}
