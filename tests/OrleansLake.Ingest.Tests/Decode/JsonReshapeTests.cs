using System.Text;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Decode;
using static OrleansLake.Ingest.Tests.Decode.Decoding;

namespace OrleansLake.Ingest.Tests.Decode;

public sealed class JsonReshapeTests
{
    private static readonly Schema Events = SchemaOf(
        Optional(1, "id", new LongType()),
        Optional(2, "event_type", new StringType()),
        Optional(3, "payload", new StructType([Optional(4, "user_name", new StringType()), Optional(5, "tags", new MapType(6, new StringType(), 7, new LongType(), ValueRequired: false))])));

    private static readonly RecordOptions Camel = new() { CaseFrom = NameCase.LowerCamel, CaseTo = NameCase.LowerUnderscore };

    [Theory]
    // As the examples of CaseFormat have it.
    [InlineData("LOWER_CAMEL", "LOWER_UNDERSCORE", "userName", "user_name")]
    [InlineData("LOWER_CAMEL", "LOWER_UNDERSCORE", "userID", "user_i_d")]
    [InlineData("LOWER_CAMEL", "UPPER_UNDERSCORE", "userName2", "USER_NAME2")]
    [InlineData("LOWER_CAMEL", "LOWER_UNDERSCORE", "user_name", "user_name")]
    [InlineData("LOWER_CAMEL", "UPPER_CAMEL", "userName", "UserName")]
    [InlineData("UPPER_CAMEL", "LOWER_UNDERSCORE", "UserName", "user_name")]
    [InlineData("upper_camel", "lower_hyphen", "A", "a")]
    [InlineData("UPPER_UNDERSCORE", "LOWER_CAMEL", "USER_NAME", "userName")]
    [InlineData("UPPER_UNDERSCORE", "UPPER_CAMEL", "USER_NAME", "UserName")]
    [InlineData("LOWER_UNDERSCORE", "LOWER_CAMEL", "_id", "Id")]
    [InlineData("LOWER_UNDERSCORE", "LOWER_HYPHEN", "User_name", "User-name")]
    [InlineData("LOWER_HYPHEN", "LOWER_UNDERSCORE", "user-name", "user_name")]
    [InlineData("LOWER_HYPHEN", "UPPER_UNDERSCORE", "user-name", "USER_NAME")]
    [InlineData("LOWER_HYPHEN", "LOWER_CAMEL", "user-NAME-x", "userNameX")]
    [InlineData("LOWER_CAMEL", "LOWER_UNDERSCORE", "größeInMm", "größe_in_mm")]
    [InlineData("LOWER_CAMEL", "LOWER_UNDERSCORE", "", "")]
    public void Names_change_their_case_by_words(string from, string to, string name, string expected) =>
        Assert.Equal(expected, NameCases.Convert(name, NameCases.Parse(from)!.Value, NameCases.Parse(to)!.Value));

    [Theory]
    [InlineData("", new string[0])]
    [InlineData("/", new[] { "" })]
    [InlineData("/a~1b/m~0n/~01", new[] { "a/b", "m~n", "~1" })]
    [InlineData("/foo/0", new[] { "foo", "0" })]
    [InlineData("foo", null)]
    [InlineData("/a~2", null)]
    [InlineData("/a~", null)]
    public void Pointers_are_those_of_RFC_6901(string pointer, string[]? tokens) => Assert.Equal(tokens, JsonPointer.Parse(pointer));

    [Fact]
    public void An_inner_object_becomes_the_row_and_columns_come_from_anywhere()
    {
        var decoding = new Decoding(Events, new JsonDecoderOptions
        {
            Records = new RecordOptions
            {
                Unnest = "/data",
                Project = new Dictionary<string, string> { ["id"] = "/meta/ids/1", ["event_type"] = "/meta/type" },
            },
        });
        Assert.Equal(
            """{"id":8,"event_type":"x","payload":{"user_name":"u","tags":null}}""",
            decoding.Row("""{"meta":{"type":"x","ids":[7,8,9]},"data":{"id":1,"event_type":"own","payload":{"user_name":"u"}},"more":[]}"""));
        // What leads nowhere is null, whatever stands there.
        Assert.Equal("""{"id":null,"event_type":null,"payload":null}""", decoding.Row("""{"meta":[1,2],"data":{}}"""));
        Assert.Equal("""{"id":null,"event_type":"y","payload":null}""", decoding.Row("""{"data":{},"meta":{"ids":[5],"type":"y"}}"""));
    }

    [Theory]
    [InlineData("{}", "")]
    [InlineData("{\"data\":null}", "data")]
    [InlineData("{\"data\":[1]}", "data")]
    [InlineData("{\"data\":{\"inner\":5}}", "data.inner")]
    [InlineData("[1]", "")]
    public void A_document_without_the_inner_object_is_refused(string document, string path)
    {
        var refusal = new Decoding(Events, new JsonDecoderOptions { Records = new RecordOptions { Unnest = "/data/inner" } }).Refusal(document);
        Assert.Equal(RejectReason.NotAnObject, refusal.Reason);
        Assert.StartsWith(path, refusal.Path, StringComparison.Ordinal);
    }

    [Fact]
    public void Names_are_converted_at_every_depth_but_keys_of_maps_are_data()
    {
        var decoding = new Decoding(Events, new JsonDecoderOptions { Records = Camel });
        Assert.Equal(
            """{"id":1,"event_type":"e","payload":{"user_name":"u","tags":{"camelCase":1}}}""",
            decoding.Row("""{"id":1,"eventType":"e","payload":{"userName":"u","tags":{"camelCase":1}},"eventSize":5}"""));
        // A name that is in the table's case already stays in it.
        Assert.Equal("""{"id":null,"event_type":"e","payload":null}""", decoding.Row("""{"event_type":"e"}"""));
        Assert.Equal([KeyValuePair.Create("eventSize", 1L)], decoding.Decoder.TakeUnknownFields());
    }

    [Fact]
    public void Names_match_whatever_their_case_and_the_last_of_them_wins()
    {
        var decoding = new Decoding(Events, new JsonDecoderOptions { Records = new RecordOptions { IgnoreCase = true } });
        Assert.Equal("""{"id":2,"event_type":"e","payload":{"user_name":"u","tags":null}}""", decoding.Row("""{"ID":1,"Event_Type":"e","PAYLOAD":{"User_NAME":"u"},"id":2}"""));
        var ambiguous = SchemaOf(Optional(1, "a", new LongType()), Optional(2, "A", new LongType()));
        Assert.Contains("a and A", Assert.Throws<NotSupportedException>(() => new Decoding(ambiguous, new JsonDecoderOptions { Records = new RecordOptions { IgnoreCase = true } })).Message);
    }

    [Fact]
    public void More_names_than_are_kept_still_find_their_columns()
    {
        var decoding = new Decoding(Events, new JsonDecoderOptions { Records = new RecordOptions { IgnoreCase = true } });
        string[] documents = [.. Enumerable.Range(0, 400).Select(i => $"{{\"unknown{i}\":{i}}}"), """{"eVENT_tYPE":"late"}"""];
        Assert.Equal("""{"id":null,"event_type":"late","payload":null}""", decoding.Run(documents).Rows[400]);
        Assert.Equal(400, decoding.Decoder.TakeUnknownFields().Sum(field => field.Value));
    }

    [Fact]
    public void One_value_may_be_several_columns()
    {
        var schema = SchemaOf(Optional(1, "id", new LongType()), Optional(2, "id_text", new StringType()), Optional(3, "all", new MapType(4, new StringType(), 5, new LongType(), ValueRequired: false)));
        var decoding = new Decoding(schema, new JsonDecoderOptions
        {
            Records = new RecordOptions
            {
                Project = new Dictionary<string, string> { ["id_text"] = "/id", ["all"] = "" },
                OnUnfit = new Dictionary<string, UnfitAction> { ["id_text"] = UnfitAction.Text },
            },
        });
        Assert.Equal("""{"id":7,"id_text":"7","all":{"id":7,"b":2}}""", decoding.Row("""{"id":7,"b":2}"""));
    }

    [Fact]
    public void A_change_as_debezium_tells_it_becomes_the_row_that_it_left_or_deleted()
    {
        var schema = SchemaOf(Optional(1, "id", new LongType()), Optional(2, "name", new StringType()), Optional(3, "__op", new StringType()), Optional(4, "__ts_ms", new TimestampType(WithZone: true)), Optional(5, "table", new StringType()));
        foreach (int width in Widths)
        {
            var decoding = new Decoding(schema, new JsonDecoderOptions
            {
                VectorWidth = width,
                Records = new RecordOptions
                {
                    Envelope = RecordEnvelope.Debezium,
                    Unnest = "/payload",
                    Project = new Dictionary<string, string> { ["table"] = "/payload/source/table" },
                    Epoch = new Dictionary<string, EpochUnit> { ["__ts_ms"] = EpochUnit.Milliseconds },
                },
            });
            Assert.Equal(
                """{"id":1,"name":"new","__op":"u","__ts_ms":"2023-11-14T22:13:20.123000+00:00","table":"t"}""",
                decoding.Row("""{"schema":{"after":1},"payload":{"before":{"id":1,"name":"old"},"after":{"id":1,"name":"new"},"source":{"table":"t"},"op":"u","ts_ms":1700000000123}}"""));
            Assert.Equal(
                """{"id":2,"name":"gone","__op":"d","__ts_ms":null,"table":null}""",
                decoding.Row("""{"payload":{"op":"d","after":null,"before":{"name":"gone","id":2,"id":2}}}"""));
            Assert.Equal("payload.after.id", decoding.Refusal("""{"payload":{"op":"c","before":null,"after":{"id":"x"}}}""").Path);
            Assert.Equal(
                new RejectedRecord(0, RejectReason.NotAnObject, "payload", "expected a JSON object with after or before at /payload, got an object"),
                decoding.Refusal("""{"payload":{"op":"m","message":{}}}"""));
            Assert.Equal(RejectReason.NotAnObject, decoding.Refusal("""{"payload":{"op":"c","after":5}}""").Reason);
            Assert.Equal(RejectReason.NotAnObject, decoding.Refusal("""{"payload":[]}""").Reason);
            Assert.Equal(RejectReason.MalformedJson, decoding.Refusal("""{"payload":{"after":{"id":1},"op":}}""").Reason);
        }
    }

    [Theory]
    [InlineData("project", "records.project: the table has no column nope")]
    [InlineData("columns", "records.columns: the table has no column nope")]
    [InlineData("onUnfit", "records.onUnfit: the table has no field nope")]
    [InlineData("pointer", "records.project.id: expected a JSON Pointer")]
    public void Settings_that_mean_nothing_are_told(string setting, string message)
    {
        var options = setting switch
        {
            "project" => new RecordOptions { Project = new Dictionary<string, string> { ["nope"] = "/a" } },
            "columns" => new RecordOptions { Columns = new Dictionary<string, string> { ["nope"] = "kafka.offset" } },
            "pointer" => new RecordOptions { Project = new Dictionary<string, string> { ["id"] = "a" } },
            _ => new RecordOptions { OnUnfit = new Dictionary<string, UnfitAction> { ["nope"] = UnfitAction.Null } },
        };
        Assert.Contains(message, Assert.Throws<NotSupportedException>(() => new Decoding(Events, new JsonDecoderOptions { Records = options })).Message);
    }

    [Theory]
    [InlineData(64)]
    [InlineData(32)]
    [InlineData(16)]
    [InlineData(8)]
    public void Random_documents_reshaped_at_random_become_what_a_slow_reshaping_makes_of_them(int width)
    {
        int accepted = 0, refused = 0;
        int seeds = int.Parse(Environment.GetEnvironmentVariable("ORLEANSLAKE_SEEDS") ?? "50", System.Globalization.CultureInfo.InvariantCulture);
        for (int seed = 0; seed < seeds; seed++)
        {
            var random = new Random(seed);
            var source = new RandomDocuments(random);
            var schema = source.Schema();
            var options = Options(schema, random);
            if (options.IgnoreCase && HasNamesAlike(schema.Fields))
            {
                continue;
            }

            var decoding = new Decoding(schema, new JsonDecoderOptions { VectorWidth = width, RowsPerCall = 20, Records = options });
            var asSent = new Schema { SchemaId = 0, Fields = Renamed(schema.Fields, options, random) };
            var documents = Enumerable.Range(0, 40).Select(_ => (byte[]?)Wrapped(source.Document(asSent), source.Document(schema), random)).ToList();
            var (rows, rejected) = decoding.Run(documents, source.Garbage());
            for (int i = 0; i < documents.Count; i++)
            {
                string? expected = ReferenceShaping.Row(documents[i]!, schema, options);
                if (expected != rows[i])
                {
                    string why = rejected.FirstOrDefault(r => r.RecordIndex == i).ToString();
                    Assert.Fail($"seed {seed}, document {i}, {options} {string.Join(";", options.Project)}: {Encoding.UTF8.GetString(documents[i]!)}\nexpected {expected}\ngot      {rows[i]} {why}");
                }

                _ = expected is null ? refused++ : accepted++;
            }
        }

        Assert.True(accepted > 300 && refused > 300, $"{accepted} accepted, {refused} refused");
    }

    private static RecordOptions Options(Schema schema, Random random)
    {
        string[] pointers = ["", "/data", "/meta", "/meta/0", "/meta/1/x", "/nothing/here", "/noise", .. schema.Fields.Select(field => "/data/" + field.Name.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal))];
        var cases = Enum.GetValues<NameCase>();
        bool converts = random.Next(3) == 0;
        return new RecordOptions
        {
            Unnest = random.Next(4) == 0 ? "" : "/data",
            Project = schema.Fields.Where(_ => random.Next(4) == 0).ToDictionary(field => field.Name, _ => pointers[random.Next(pointers.Length)]),
            CaseFrom = converts ? cases[random.Next(cases.Length)] : null,
            CaseTo = converts ? NameCase.LowerUnderscore : null,
            IgnoreCase = random.Next(3) == 0,
        };
    }

    private static bool HasNamesAlike(IReadOnlyList<NestedField> fields) =>
        fields.Select(field => field.Name.ToUpperInvariant()).Distinct().Count() != fields.Count;

    private static List<NestedField> Renamed(IReadOnlyList<NestedField> fields, RecordOptions options, Random random) => [.. fields.Select(field => field with
    {
        Name = random.Next(4) == 0 ? field.Name : options.IgnoreCase ? (options.Names!.Guess(field.Name)).ToUpperInvariant() : options.Names?.Guess(field.Name) ?? field.Name,
        Type = field.Type switch
        {
            StructType x => new StructType(Renamed(x.Fields, options, random)),
            _ => field.Type,
        },
    })];

    private static byte[] Wrapped(byte[] data, byte[] other, Random random) => random.Next(5) switch
    {
        0 => data,
        1 => [.. """{"noise":1,"data":"""u8, .. data, .. ""","meta":["""u8, .. other, .. ""","x",{"x":5}]}"""u8],
        2 => [.. """{"meta":[1,{"x":"""u8, .. other, .. """}],"data":"""u8, .. data, .. """,  "meta" : [ "2022-07-26T07:41:48Z" , { "x" : true } ] }"""u8],
        3 => [.. """{"data":"""u8, .. other, .. ""","data":"""u8, .. data, .. ""","meta":true}"""u8],
        _ => [.. """{"data":"""u8, .. data, .. ""","meta":{"0":"zero","1":{"x":null}}}"""u8],
    };
}
