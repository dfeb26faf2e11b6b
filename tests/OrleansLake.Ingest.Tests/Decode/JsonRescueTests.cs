using System.IO.Compression;
using System.Text;
using System.Text.Json;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Decode;
using OrleansLake.Testing;
using static OrleansLake.Ingest.Tests.Decode.Decoding;

namespace OrleansLake.Ingest.Tests.Decode;

public sealed class JsonRescueTests
{
    private static readonly RecordOptions Rescue = new() { UnknownFields = UnknownFieldAction.Rescue };

    private static readonly Schema Orders = SchemaOf(
        Optional(1, "id", new LongType()),
        Optional(2, "_rescued", new StringType()),
        Optional(3, "by", new StructType([Optional(4, "name", new StringType())])),
        Optional(5, "lines", new ListType(6, new StructType([Optional(7, "n", new LongType())]), ElementRequired: false)),
        Optional(8, "notes", new MapType(9, new StringType(), 10, new StructType([Optional(11, "text", new StringType())]), ValueRequired: false)));

    [Theory]
    [InlineData("""{"id":1}""", null)]
    [InlineData("""{"id":1,"a":{"x":[1, 2]},"b":null}""", """{"a":{"x":[1, 2]},"b":null}""")]
    [InlineData("""{"a":1,"by":{"name":"x","age":5,"of":{}},"b":2}""", """{"a":1,"by":{"age":5,"of":{}},"b":2}""")]
    [InlineData("""{"lines":[{"n":1,"x":true},{"n":2},{"y":[1],"n":3,"z":1e2}],"id":1}""", """{"lines":{"0":{"x":true},"2":{"y":[1],"z":1e2}}}""")]
    [InlineData("""{"notes":{"k\"1":{"who":"me"},"k2":{"text":"t"}}}""", """{"notes":{"k\"1":{"who":"me"}}}""")]
    [InlineData("""{"a":1,"a":2,"b":3,"a":4}""", """{"a":4,"b":3}""")]
    [InlineData("""{"id":1,"by":{"x":1},"c":0,"id":2,"by":{"y":2}}""", """{"c":0,"by":{"y":2}}""")]
    [InlineData("""{"notes":{"k":{"x":1},"k":{"x":2}}}""", """{"notes":{"k":{"x":2}}}""")]
    [InlineData("""{"na\"me é\u0041":1,"\ud800":2}""", """{"na\"me éA":1,"\ud800":2}""")]
    public void What_has_no_column_is_kept_where_it_stood(string document, string? expected)
    {
        foreach (int width in Widths)
        {
            var decoding = new Decoding(Orders, new JsonDecoderOptions { Records = Rescue, VectorWidth = width });
            Assert.Equal(expected, Kept(decoding.Row(document)));
        }
    }

    [Fact]
    public void Values_that_became_null_are_kept_too_and_refused_records_leave_nothing()
    {
        var decoding = new Decoding(Orders, new JsonDecoderOptions
        {
            Records = Rescue with { OnUnfit = new Dictionary<string, UnfitAction> { ["lines[].n"] = UnfitAction.Null, ["lines[]"] = UnfitAction.Null, ["by"] = UnfitAction.Null } },
        });
        var (rows, rejected) = decoding.Run(
            """{"lines":[{"n":"one","m":1},"two",{"n":3}],"by":[{"x":1}],"c":1}""",
            """{"d":1,"lines":[{"z":1}],"id":"refused"}""",
            """{"id":3}""",
            """{"by":{"name":7,"x":1}}""");
        Assert.Equal([1], rejected.Select(r => r.RecordIndex));
        Assert.Equal("""{"lines":{"0":{"n":"one","m":1},"1":"two"},"by":[{"x":1}],"c":1}""", Kept(rows[0]!));
        Assert.Null(Kept(rows[2]!));
        // Once, whole: not the unknown field within it as well.
        Assert.Equal("""{"by":{"name":7,"x":1}}""", Kept(rows[3]!));
        Assert.Equal(["c 1", "lines[].m 1"], decoding.Decoder.TakeUnknownFields().Select(field => $"{field.Key} {field.Value}").Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Names_are_kept_however_many_there_are()
    {
        var decoding = new Decoding(Orders, new JsonDecoderOptions { Records = Rescue });
        string document = "{" + string.Join(",", Enumerable.Range(0, 1000).Select(i => $"\"n{i}\":{i}")) + "}";
        Assert.Equal(document, Kept(decoding.Row(document)));
        Assert.Equal(1000, decoding.Decoder.TakeUnknownFields().Sum(field => field.Value));
    }

    [Fact]
    public void A_rescue_column_must_be_an_optional_string()
    {
        var schema = SchemaOf(Optional(1, "_rescued", new LongType()));
        Assert.Contains("records.rescueColumn: expected an optional column of type string", Assert.Throws<NotSupportedException>(() => new Decoding(schema, new JsonDecoderOptions { Records = Rescue })).Message);
        Assert.Contains("the table has no column _rescued", Assert.Throws<NotSupportedException>(() => new Decoding(SchemaOf(Optional(1, "a", new LongType())), new JsonDecoderOptions { Records = Rescue })).Message);
    }

    [Theory]
    [InlineData(32)]
    [InlineData(8)]
    public void Of_random_documents_every_value_without_a_column_is_rescued_and_nothing_else(int width)
    {
        int kept = 0;
        for (int seed = 0; seed < 50; seed++)
        {
            var random = new RandomDocuments(new Random(seed));
            var table = random.Schema();
            // Some of what the documents have is not in the table.
            var schema = new Schema { SchemaId = 0, Fields = [.. Thinned(table.Fields, new Random(seed)), Optional(1000, "_rescued", new StringType())] };
            var decoding = new Decoding(schema, new JsonDecoderOptions { VectorWidth = width, RowsPerCall = 7, Records = Rescue });
            var documents = Enumerable.Range(0, 40).Select(_ => (byte[]?)random.Document(table)).ToList();
            var rows = decoding.Run(documents, random.Garbage()).Rows;
            for (int i = 0; i < documents.Count; i++)
            {
                string text = Encoding.UTF8.GetString(documents[i]!);
                if (rows[i] is null || text.Contains("\\ud800", StringComparison.Ordinal))
                {
                    continue;
                }

                using var json = JsonDocument.Parse(documents[i]!, new JsonDocumentOptions { MaxDepth = 128, AllowDuplicateProperties = true });
                var expected = new Tree();
                Unknown(json.RootElement, schema.Fields.Where(field => field.Id != 1000), expected);
                using var found = JsonDocument.Parse(Kept(rows[i]!) ?? "{}", new JsonDocumentOptions { MaxDepth = 256, AllowDuplicateProperties = true });
                Assert.True(expected.Is(found.RootElement), $"seed {seed}, document {i}: {text}\nrescued {Kept(rows[i]!)}");
                kept += expected.Below.Count;
            }
        }

        Assert.True(kept > 250, $"{kept} kept");
    }

    [Fact]
    public void Tweets_lose_nothing_in_a_typed_table_with_a_rescue_column()
    {
        string? path = SharedData.Find("twitter-statuses.ndjson.gz");
        Assert.SkipWhen(path is null, "shared/data is absent");
        using var reader = new StreamReader(new GZipStream(File.OpenRead(path!), CompressionMode.Decompress));
        var documents = reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => (byte[]?)Encoding.UTF8.GetBytes(line)).ToList();
        var user = new StructType([Optional(20, "id", new LongType()), Required(21, "screen_name", new StringType())]);
        var schema = SchemaOf(
            Required(1, "id", new LongType()),
            Optional(2, "user", user),
            Optional(3, "entities", new StructType([Optional(31, "hashtags", new ListType(32, new StructType([Optional(33, "text", new StringType())]), ElementRequired: true))])),
            Optional(1000, "_rescued", new StringType()));
        var decoding = new Decoding(schema, new JsonDecoderOptions { Records = Rescue });
        var (rows, rejected) = decoding.Run(documents);
        Assert.Empty(rejected);
        for (int i = 0; i < documents.Count; i++)
        {
            using var json = JsonDocument.Parse(documents[i]!);
            var expected = new Tree();
            Unknown(json.RootElement, schema.Fields.Where(field => field.Id != 1000), expected);
            using var found = JsonDocument.Parse(Kept(rows[i]!)!);
            Assert.True(expected.Is(found.RootElement), $"tweet {i}");
        }
    }

    private static string? Kept(string row)
    {
        using var json = JsonDocument.Parse(row, new JsonDocumentOptions { MaxDepth = 256 });
        return json.RootElement.GetProperty("_rescued").GetString();
    }

    private static List<NestedField> Thinned(IReadOnlyList<NestedField> fields, Random random) => [.. fields.Where((_, i) => i == 0 || random.Next(3) > 0).Select(field => field with { Type = Thinned(field.Type, random) })];

    private static IcebergType Thinned(IcebergType type, Random random) => type switch
    {
        StructType x => new StructType(Thinned(x.Fields, random)),
        ListType x => x with { Element = Thinned(x.Element, random) },
        MapType x => x with { Value = Thinned(x.Value, random) },
        _ => type,
    };

    private static void Unknown(JsonElement value, IEnumerable<NestedField> fields, Tree into)
    {
        foreach (var (name, last) in value.EnumerateObject().GroupBy(property => property.Name, (name, all) => (name, all.Last().Value)))
        {
            if (fields.FirstOrDefault(field => field.Name == name) is { } field)
            {
                Within(last, field.Type, into, name);
            }
            else
            {
                into.At(name).Raw = last.GetRawText();
            }
        }
    }

    private static void Within(JsonElement value, IcebergType type, Tree into, string name)
    {
        var below = new Tree();
        switch (type, value.ValueKind)
        {
            case (StructType x, JsonValueKind.Object):
                Unknown(value, x.Fields, below);
                break;
            case (ListType x, JsonValueKind.Array):
                for (int i = 0; i < value.GetArrayLength(); i++)
                {
                    Within(value[i], x.Element, below, i.ToString(System.Globalization.CultureInfo.InvariantCulture));
                }

                break;
            case (MapType x, JsonValueKind.Object):
                // Keys that mean the same are one entry, of which the last counts: by text where they are strings.
                var last = value.EnumerateObject().GroupBy(property => x.Key is StringType ? property.Name : Meant(x.Key, property.Name)).Select(group => group.Last());
                foreach (var property in last)
                {
                    Within(property.Value, x.Value, below, property.Name);
                }

                break;
        }

        if (below.Below.Count > 0)
        {
            into.Below[name] = below;
        }
    }

    private static string Meant(IcebergType type, string key) => type is LongType or DoubleType or DecimalType ? double.Parse(key, System.Globalization.CultureInfo.InvariantCulture).ToString("R", System.Globalization.CultureInfo.InvariantCulture) : key;

    private sealed class Tree
    {
        public string? Raw { get; set; }

        public Dictionary<string, Tree> Below { get; } = [];

        public Tree At(string name) => Below[name] = new Tree();

        public bool Is(JsonElement element) => Raw is not null
            ? element.GetRawText() == Raw
            : element.ValueKind == JsonValueKind.Object && element.EnumerateObject().Count() == Below.Count
                && Below.All(below => element.TryGetProperty(below.Key, out var found) && below.Value.Is(found));
    }
}
