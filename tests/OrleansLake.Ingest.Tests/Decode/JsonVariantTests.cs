using System.Text;
using System.Text.Json;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Decode;
using OrleansLake.Ingest.Write;
using OrleansLake.Parquet;
using OrleansLake.Testing;
using static OrleansLake.Ingest.Tests.Decode.Decoding;

namespace OrleansLake.Ingest.Tests.Decode;

/// <summary>Columns of type variant, and what is rescued into one.</summary>
public sealed class JsonVariantTests
{
    private static readonly Schema Any = SchemaOf(Optional(1, "id", new LongType()), Optional(2, "v", new VariantType()));
    private static readonly RecordOptions Rescue = new() { UnknownFields = UnknownFieldAction.Rescue };
    private static readonly Schema Rescued = SchemaOf(Optional(1, "id", new LongType()), Optional(2, "_rescued", new VariantType()));

    [Theory]
    [InlineData("true", VariantKind.Boolean)]
    [InlineData("0", VariantKind.Int8)]
    [InlineData("-128", VariantKind.Int8)]
    [InlineData("128", VariantKind.Int16)]
    [InlineData("-32769", VariantKind.Int32)]
    [InlineData("2147483648", VariantKind.Int64)]
    [InlineData("-9223372036854775808", VariantKind.Int64)]
    [InlineData("9223372036854775808", VariantKind.Decimal16)]
    [InlineData("1e3", VariantKind.Int16, "1000")]
    [InlineData("1.50", VariantKind.Decimal4)]
    [InlineData("-1234567890.5", VariantKind.Decimal8)]
    [InlineData("1.5e-3", VariantKind.Decimal4, "0.0015")]
    [InlineData("12345678901234567890123456789012345678", VariantKind.Decimal16)]
    [InlineData("0.00000000000000000000000000000000000001", VariantKind.Decimal16)]
    [InlineData("1.5e300", VariantKind.Double, "1.5E+300")]
    [InlineData("123456789012345678901234567890123456789", VariantKind.Double, "1.2345678901234568E+38")]
    [InlineData("-0.0", VariantKind.Double, "-0")]
    [InlineData("\"\"", VariantKind.String)]
    [InlineData("\"a\\u0041 é\"", VariantKind.String, "\"aA é\"")]
    [InlineData("{}", VariantKind.Object)]
    [InlineData("[]", VariantKind.Array)]
    [InlineData("[1,null,\"x\",[],{\"b\":1,\"a\":{\"b\":null}}]", VariantKind.Array, "[1,null,\"x\",[],{\"a\":{\"b\":null},\"b\":1}]")]
    [InlineData("{\"a\":1,\"b\":2,\"a\":{\"c\":3}}", VariantKind.Object, "{\"a\":{\"c\":3},\"b\":2}")]
    public void Each_value_becomes_the_narrowest_variant_that_says_it(string json, VariantKind kind, string? shown = null)
    {
        foreach (int width in Widths)
        {
            var decoding = new Decoding(Any, new JsonDecoderOptions { VectorWidth = width });
            Assert.Equal($$"""{"id":1,"v":{{shown ?? json}}}""", decoding.Row($$"""{"id":1,"v": {{json}} }"""));
            var (metadata, value) = Bytes(Any, $$"""{"v":{{json}}}""");
            Assert.Equal(kind, new Variant(metadata, value).Kind);
        }
    }

    [Theory]
    [InlineData("""{"v":1e400}""", nameof(RejectReason.OutOfRange), "v", "expected variant, got 1e400")]
    [InlineData("""{"v":{"a":[1,{"b":-1e999}]}}""", nameof(RejectReason.OutOfRange), "v.a[1].b", "expected variant, got -1e999")]
    [InlineData("""{"v":"\ud800"}""", nameof(RejectReason.InvalidUtf8), "v", "pairs of surrogates")]
    [InlineData("""{"v":{"\ud800":1}}""", nameof(RejectReason.InvalidUtf8), "v", "pairs of surrogates")]
    [InlineData("""{"v":{"a":01}}""", nameof(RejectReason.MalformedJson), "v.a", "expected")]
    [InlineData("""{"v":[1,]}""", nameof(RejectReason.MalformedJson), "v[1]", "expected a value")]
    public void What_no_variant_holds_is_refused_with_its_path(string document, string reason, string path, string message)
    {
        RejectedRecord refusal = new Decoding(Any).Refusal(document);
        Assert.Equal((reason, path), (refusal.Reason.ToString(), refusal.Path));
        Assert.Contains(message, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_variant_may_stand_anywhere_be_required_and_be_guarded()
    {
        var schema = SchemaOf(
            Optional(1, "l", new ListType(2, new VariantType(), ElementRequired: false)),
            Optional(3, "m", new MapType(4, new StringType(), 5, new VariantType(), ValueRequired: true)),
            Required(6, "r", new VariantType()),
            Optional(7, "s", new StructType([Optional(8, "x", new VariantType()), Optional(9, "n", new LongType())])));
        var decoding = new Decoding(schema, new JsonDecoderOptions { Records = new RecordOptions { OnUnfit = new Dictionary<string, UnfitAction> { ["s.x"] = UnfitAction.Null } } });
        string full = """{"l":[1,null,{"a":[]}],"m":{"k":[null],"n":"x"},"r":{"z":1,"zz":2},"s":{"x":[1.5],"n":7}}""";
        var (rows, rejected) = decoding.Run(
            full,
            """{"r":1,"s":{"x":{"deep":1e400},"n":8}}""",
            """{"l":[],"m":{},"r":null}""",
            """{"r":true,"m":{"k":null}}""",
            """{"l":[[]],"r":"x","s":{}}""");
        Assert.Equal(full, rows[0]);
        Assert.Equal("""{"l":null,"m":null,"r":1,"s":{"x":null,"n":8}}""", rows[1]);
        Assert.Equal("""{"l":[[]],"m":null,"r":"x","s":{"x":null,"n":null}}""", rows[4]);
        Assert.Equal([("r", RejectReason.MissingRequired), ("m[\"k\"]", RejectReason.MissingRequired)], rejected.Select(one => (one.Path, one.Reason)));
        Assert.Equal(["s.x 1"], decoding.Decoder.TakeNulledFields().Select(field => $"{field.Key} {field.Value}"));
    }

    [Fact]
    public void Fields_are_in_the_order_of_their_bytes_and_many_names_and_long_values_are_told_apart()
    {
        var random = new Random(7);
        string[] names = [.. Enumerable.Range(0, 70_000).Select(i => $"n{i}é")];
        random.Shuffle(names);
        string document = "{" + string.Join(",", names.Select((name, i) => $"\"{name}\":{(i % 1000 == 0 ? $"\"{new string('x', 1000)}\"" : $"{i}")}")) + "}";
        var (metadata, value) = Bytes(Any, $$"""{"v":{{document}}}""");
        var variant = new Variant(metadata, value);
        variant.Validate();
        Assert.Equal(value.Length, variant.Length);
        Assert.Equal(names.Length, variant.Count);
        for (int i = 1; i < variant.Count; i++)
        {
            Assert.True(variant.FieldName(i - 1).SequenceCompareTo(variant.FieldName(i)) < 0);
        }

        Assert.True(RealRecords.Same(JsonDocument.Parse(document).RootElement, JsonDocument.Parse(VariantJson.Text(variant)).RootElement));
    }

    [Fact]
    public void Fields_stay_in_order_from_row_to_row_as_names_come_and_come_again()
    {
        var random = new Random(11);
        string[] documents = [.. Enumerable.Range(0, 600).Select(row => "{\"v\":{" + string.Join(",", Enumerable.Range(0, random.Next(12)).Select(_ => $"\"{(char)('a' + random.Next(6))}{random.Next(row)}\":{{\"z\":1,\"y\":{row},\"z\":{row}}}")) + "}}")];
        ParquetSchema columns = IcebergParquet.ToParquet(Any);
        var rows = new ColumnBatch(columns);
        var rejected = new List<RejectedRecord>();
        using var batch = Batch([.. documents.Select(document => (byte[]?)Encoding.UTF8.GetBytes(document))], " "u8.ToArray());
        Assert.Equal(documents.Length, new JsonDecoder(Any, columns).Decode(batch, 0, rows, rejected));
        Assert.Empty(rejected);
        for (int row = 0; row < documents.Length; row++)
        {
            var variant = new Variant(Of(rows.Columns[1], row), Of(rows.Columns[2], row));
            variant.Validate();
            for (int i = 1; i < variant.Count; i++)
            {
                Assert.True(variant.FieldName(i - 1).SequenceCompareTo(variant.FieldName(i)) < 0, documents[row]);
            }

            Assert.True(RealRecords.Same(JsonDocument.Parse(documents[row]).RootElement.GetProperty("v"), JsonDocument.Parse(VariantJson.Text(variant)).RootElement), documents[row]);
        }
    }

    [Fact]
    public void Rows_of_one_shape_share_their_metadata_and_sorted_names_say_so()
    {
        var (first, _) = Bytes(Any, """{"v":{"b":{"a":1}}}""");
        var (second, _) = Bytes(Any, """{"v":{"a":{"b":1}}}""");
        Assert.Equal((byte)1, first[0]);
        Assert.Equal((byte)17, second[0]); // sorted_strings
    }

    [Theory]
    [InlineData("""{"id":1}""", null)]
    [InlineData("""{"id":1,"a":{"y":[1, 2],"x":1.50},"b":null}""", """{"a":{"x":1.50,"y":[1,2]},"b":null}""")]
    [InlineData("""{"big":1e400,"long":123456789012345678901234567890123456789012345,"tiny":4.9e-324,"fits":1.5e300}""",
        """{"big":"1e400","fits":1.5E+300,"long":"123456789012345678901234567890123456789012345","tiny":"4.9e-324"}""")]
    [InlineData("""{"s":"\ud800x","\udc00":{"a":1}}""", """{"\\udc00":{"a":1},"s":"\\ud800x"}""")]
    [InlineData("""{"a":1,"a":{"c":1,"c":2}}""", """{"a":{"c":2}}""")]
    public void What_has_no_column_is_kept_in_a_variant_and_what_that_cannot_say_as_its_text(string document, string? expected)
    {
        string row = new Decoding(Rescued, new JsonDecoderOptions { Records = Rescue }).Row(document);
        JsonElement kept = JsonDocument.Parse(row).RootElement.GetProperty("_rescued");
        Assert.Equal(expected, kept.ValueKind == JsonValueKind.Null ? null : kept.GetRawText());
    }

    [Fact]
    public async Task Documents_of_others_are_the_same_in_a_variant_and_as_what_is_rescued_into_one()
    {
        IReadOnlyList<MinefieldDocument>? minefield = await RealRecords.MinefieldAsync();
        IReadOnlyList<byte[]>? tweets = await RealRecords.TweetsAsync();
        Assert.SkipWhen(minefield is null || tweets is null, "shared data is absent");
        var decoding = new Decoding(Any);
        var (rows, _) = decoding.Run([.. minefield!.Select(document => (byte[]?)[.. "{\"v\":"u8, .. document.Bytes, (byte)'}'])]);
        for (int i = 0; i < rows.Length; i++)
        {
            Assert.True((rows[i] is not null) == (minefield[i].Name[0] == 'y') || minefield[i].Name[0] == 'i', $"{minefield[i].Name}: {rows[i]}");
            Assert.True(minefield[i].Name[0] != 'y' || RealRecords.Same(JsonDocument.Parse(minefield[i].Bytes).RootElement, JsonDocument.Parse(rows[i]!).RootElement.GetProperty("v")), minefield[i].Name);
        }

        var (rescued, rejected) = new Decoding(Rescued, new JsonDecoderOptions { Records = Rescue }).Run([.. tweets!]);
        Assert.Empty(rejected);
        for (int i = 0; i < tweets!.Count; i++)
        {
            JsonElement row = JsonDocument.Parse(rescued[i]!).RootElement;
            Assert.Empty(RealRecords.Lost($"tweet {i}", JsonDocument.Parse(tweets[i]).RootElement, row, row.GetProperty("_rescued")));
        }
    }

    /// <summary>The two columns of the variant of one row.</summary>
    private static (byte[] Metadata, byte[] Value) Bytes(Schema schema, string document)
    {
        ParquetSchema columns = IcebergParquet.ToParquet(schema);
        var rows = new ColumnBatch(columns);
        var rejected = new List<RejectedRecord>();
        using var batch = Batch([Encoding.UTF8.GetBytes(document)], " "u8.ToArray());
        new JsonDecoder(schema, columns).Decode(batch, 0, rows, rejected);
        Assert.Empty(rejected);
        return (Of(rows.Columns[1], 0), Of(rows.Columns[2], 0));
    }

    private static byte[] Of(ColumnBuffer column, int value) => column.Bytes[column.Offsets[value]..column.Offsets[value + 1]];
}
