using OrleansLake.Iceberg;
using OrleansLake.Ingest.Decode;
using OrleansLake.Testing.Registry;
using static OrleansLake.Ingest.Tests.Decode.Decoding;
using static OrleansLake.Ingest.Tests.Decode.RegistryDecoding;

namespace OrleansLake.Ingest.Tests.Decode.Protobuf;

/// <summary>Messages that Google's own compiler wrote.</summary>
public sealed class ProtobufRecordDecoderTests : IDisposable
{
    private const string Money = """
        syntax = "proto3"; package shop; message Money { string currency = 1; int64 units = 2; }
        """;

    private const string Orders = """
        syntax = "proto3";
        package shop;
        import "google/protobuf/timestamp.proto";
        import "google/protobuf/duration.proto";
        import "google/protobuf/struct.proto";
        import "google/protobuf/wrappers.proto";
        import "shop/money.proto";
        message Order {
          int64 id = 1;
          optional string note = 2;
          Kind kind = 3;
          Kind kind_number = 4;
          repeated int32 packed = 5;
          repeated string tags = 6;
          map<string, int64> counts = 7;
          map<int32, Line> by_number = 8;
          repeated Line lines = 9;
          oneof pay { Money cash = 10; string card = 11; uint32 points = 12; }
          google.protobuf.Timestamp at = 13;
          google.protobuf.Duration took = 14;
          google.protobuf.Struct extra = 15;
          google.protobuf.Value any = 16;
          google.protobuf.Int32Value wrapped = 17;
          bool flag = 18; float ratio = 19; double amount = 20; bytes raw = 21;
          uint32 u32 = 22; uint64 u64 = 23; sint32 s32 = 24; sint64 s64 = 25;
          fixed32 f32 = 26; fixed64 f64 = 27; sfixed32 sf32 = 28; sfixed64 sf64 = 29;
          repeated double doubles = 30; repeated Kind kinds = 31;
          google.protobuf.ListValue list = 32;
          Order parent = 33;
          map<bool, string> yes = 34;
          int32 negative = 35;
          message Line { string sku = 1; optional int32 n = 2; repeated Money prices = 3; }
        }
        enum Kind { UNSET = 0; NEW = 1; OLD = -3; }
        message Other { message Inner { string name = 1; } string v = 1; }
        """;

    private static readonly Schema Columns = SchemaOf(
        Required(1, "id", new LongType()),
        Optional(2, "note", new StringType()),
        Optional(3, "kind", new StringType()),
        Optional(4, "kind_number", new IntegerType()),
        Optional(5, "packed", new ListType(50, new LongType(), ElementRequired: true)),
        Optional(6, "tags", new ListType(51, new StringType(), ElementRequired: false)),
        Optional(7, "counts", new MapType(52, new StringType(), 53, new LongType(), ValueRequired: true)),
        Optional(8, "by_number", new MapType(54, new IntegerType(), 55, Line(60), ValueRequired: false)),
        Optional(9, "lines", new ListType(56, Line(70), ElementRequired: true)),
        Optional(10, "cash", new StructType([Optional(80, "units", new LongType()), Optional(81, "currency", new StringType())])),
        Optional(11, "card", new StringType()),
        Optional(12, "points", new IntegerType()),
        Optional(13, "at", new TimestampType(WithZone: true)),
        Optional(14, "took", new StringType()),
        Optional(15, "extra", new StringType()),
        Optional(16, "any", new StringType()),
        Optional(17, "wrapped", new IntegerType()),
        Optional(18, "flag", new BooleanType()),
        Optional(19, "ratio", new DoubleType()),
        Optional(20, "amount", new DoubleType()),
        Optional(21, "raw", new BinaryType()),
        Optional(22, "u32", new LongType()),
        Optional(23, "u64", new DecimalType(20, 0)),
        Optional(24, "s32", new IntegerType()),
        Optional(25, "s64", new LongType()),
        Optional(26, "f32", new LongType()),
        Optional(27, "f64", new DecimalType(20, 0)),
        Optional(28, "sf32", new IntegerType()),
        Optional(29, "sf64", new LongType()),
        Optional(30, "doubles", new ListType(57, new DoubleType(), ElementRequired: true)),
        Optional(31, "kinds", new ListType(58, new StringType(), ElementRequired: true)),
        Optional(32, "list", new StringType()),
        Optional(33, "parent", new StructType([Optional(90, "id", new LongType()), Optional(91, "note", new StringType())])),
        Optional(34, "yes", new MapType(59, new StringType(), 92, new StringType(), ValueRequired: true)),
        Optional(35, "negative", new IntegerType()));

    private const string Full = """
        id: 7 note: "zürich" kind: OLD kind_number: NEW packed: [1, -2, 300] tags: ["a", ""] counts { key: "x" value: 1 } counts { key: "y" value: -2 }
        by_number { key: -5 value { sku: "s" n: 0 } } by_number { key: 6 value { } }
        lines { sku: "s1" prices { currency: "CHF" units: 1 } prices { units: 2 } } lines { n: 3 }
        cash { currency: "EUR" units: 12 } at { seconds: 1709208896 nanos: 789000000 } took { seconds: 1 nanos: 500000000 }
        extra { fields { key: "a" value { list_value { values { number_value: 1.5 } values { null_value: NULL_VALUE } values { bool_value: true } } } } }
        any { string_value: "t\"x" } wrapped { } flag: true ratio: 0.5 amount: 1e300 raw: "\000\377"
        u32: 4294967295 u64: 18446744073709551615 s32: -5 s64: -6 f32: 4294967295 f64: 18446744073709551615 sf32: -7 sf64: -8
        doubles: [1.5, -2] kinds: [NEW, OLD, UNSET] list { values { struct_value { } } } parent { id: 6 parent { id: 5 } } yes { key: true value: "ja" } negative: -1
        """;

    private const string FullRow = """{"id":7,"note":"zürich","kind":"OLD","kind_number":1,"packed":[1,-2,300],"tags":["a",""],"counts":{"x":1,"y":-2},"by_number":{"-5":{"sku":"s","n":0,"prices":[]},"6":{"sku":"","n":null,"prices":[]}},"lines":[{"sku":"s1","n":null,"prices":[{"currency":"CHF","units":1},{"currency":"","units":2}]},{"sku":"","n":3,"prices":[]}],"cash":{"units":12,"currency":"EUR"},"card":null,"points":null,"at":"2024-02-29T12:14:56.789000+00:00","took":"1.5s","extra":"{\"a\":[1.5,null,true]}","any":"\"t\\\"x\"","wrapped":0,"flag":true,"ratio":0.5,"amount":1E+300,"raw":"AP8=","u32":4294967295,"u64":18446744073709551615,"s32":-5,"s64":-6,"f32":4294967295,"f64":18446744073709551615,"sf32":-7,"sf64":-8,"doubles":[1.5,-2],"kinds":["NEW","OLD","UNSET"],"list":"[{}]","parent":{"id":6,"note":null},"yes":{"true":"ja"},"negative":-1}""";

    private readonly RegistryStand _registry = new();
    private readonly Protoc _protoc = new(("orders.proto", Orders), ("shop/money.proto", Money));

    public ProtobufRecordDecoderTests()
    {
        _registry.Register(7, Orders, "PROTOBUF", ("shop/money.proto", 2));
        _registry.RegisterSubject("shop/money.proto", 2, Money);
    }

    public void Dispose()
    {
        _registry.Dispose();
        _protoc.Dispose();
    }

    [Fact]
    public void Messages_of_another_library_become_rows()
    {
        var (rows, rejected) = Decode(Columns, Order(Full), Order("id: 1 card: \"visa\""), Order("points: 5 any { null_value: NULL_VALUE }"));
        Assert.Empty(rejected);
        Assert.Equal(FullRow, rows[0]);
        Assert.Contains("\"id\":1,\"note\":null,\"kind\":\"UNSET\",\"kind_number\":0,\"packed\":[],", rows[1], StringComparison.Ordinal);
        Assert.Contains("\"cash\":null,\"card\":\"visa\",\"points\":null,\"at\":null,\"took\":null,\"extra\":null,\"any\":null,\"wrapped\":null,\"flag\":false,", rows[1], StringComparison.Ordinal);
        Assert.Contains("\"points\":5,", rows[2], StringComparison.Ordinal);
        Assert.Contains("\"any\":null,", rows[2], StringComparison.Ordinal);
    }

    [Fact]
    public void Indexes_say_which_message_of_the_schema_it_is()
    {
        var schema = SchemaOf(Optional(1, "v", new StringType()), Optional(2, "name", new StringType()));
        byte[] other = _protoc.Encode("orders.proto", "shop.Other", "v: \"x\"");
        byte[] inner = _protoc.Encode("orders.proto", "shop.Other.Inner", "name: \"y\"");
        // Zigzag: a count of one and index 1; two and indexes 1, 0; one and index 0, as some write it in full; no such message; no indexes.
        var (rows, rejected) = Decode(schema, Framed(7, [2, 2, .. other]), Framed(7, [4, 2, 0, .. inner]), Framed(7, [2, 0]), Framed(7, [2, 18]), Framed(7, []), Framed(7, [1, 0]));
        Assert.Equal((string?[])["""{"v":"x","name":null}""", """{"v":null,"name":"y"}""", """{"v":null,"name":null}""", null, null, null], rows);
        Assert.Equal(["unusable-schema expected a message of index 9 in the schema, it has none", "malformed-protobuf expected the indexes of a message before it, got 0 bytes without", "malformed-protobuf expected the indexes of a message before it, got 2 bytes without"], rejected.Select(one => $"{one.Reason.ErrorClass()} {one.Message}"));
    }

    /// <summary>The registry's own serializer counts what the text declares, those of Python, Go and .NET what a descriptor has: map entries and groups too.</summary>
    [Theory]
    [InlineData(0, "a")]
    [InlineData(1, "b")]
    [InlineData(3, null)] // the entry of the second map
    [InlineData(4, "b")]
    [InlineData(5, null)]
    public void A_message_beside_maps_is_found_by_either_way_of_counting(int index, string? field)
    {
        _registry.Register(9, """
            syntax = "proto2";
            message M { map<string, int32> m = 1; message A { optional string a = 1; } optional group G = 2 { optional string g = 1; } map<string, A> n = 3; message B { optional string b = 1; } }
            """, "PROTOBUF");
        var schema = SchemaOf(Optional(1, "a", new StringType()), Optional(2, "b", new StringType()));
        using var registry = _registry.Client();
        var decoding = new RegistryDecoding(schema, new RecordOptions { Format = RecordFormat.ConfluentProtobuf }, registry);
        var (rows, rejected) = decoding.Run(Framed(9, [4, 0, (byte)(2 * index), 10, 1, (byte)'x']));
        Assert.Equal(field is null ? ["unusable-schema"] : [], rejected.Select(one => one.Reason.ErrorClass()));
        Assert.Equal(field switch { null => null, "a" => """{"a":"x","b":null}""", _ => """{"a":null,"b":"x"}""" }, rows[0]);
    }

    [Fact]
    public void Fields_may_come_in_any_order_and_more_than_once_and_packed_or_not()
    {
        // To write messages behind each other is to merge them; protoc writes packed, a field at a time.
        byte[] twice =
        [
            0,
            .. Encoded("id: 1 packed: 1 counts { key: \"x\" value: 1 } lines { sku: \"a\" } cash { currency: \"EUR\" } parent { id: 5 } wrapped { value: 1 } kind: NEW"),
            .. (byte[])[0x28, 2, 0x28, 3], // packed, one by one
            .. Encoded("id: 2 packed: 4 counts { key: \"y\" value: 2 } counts { key: \"x\" value: 3 } lines { sku: \"b\" } cash { units: 3 } parent { note: \"n\" } wrapped { } kind: OLD"),
        ];
        byte[] oneof = [0, .. Encoded("cash { units: 3 } id: 9"), .. Encoded("points: 4"), .. Encoded("cash { currency: \"CHF\" }")];
        var schema = Columns with { Fields = [.. Columns.Fields.Where(field => field.Name is "id" or "packed" or "counts" or "lines" or "cash" or "points" or "parent" or "wrapped" or "kind")] };
        var (rows, rejected) = Decode(schema, Framed(7, twice), Framed(7, oneof));
        Assert.Empty(rejected);
        Assert.Equal(
            """{"id":2,"kind":"OLD","packed":[1,2,3,4],"counts":{"y":2,"x":3},"lines":[{"sku":"a","n":null,"prices":[]},{"sku":"b","n":null,"prices":[]}],"cash":{"units":3,"currency":"EUR"},"points":null,"wrapped":1,"parent":{"id":5,"note":"n"}}""",
            rows[0]);
        Assert.Equal("""{"id":9,"kind":"UNSET","packed":[],"counts":{},"lines":[],"cash":{"units":0,"currency":"CHF"},"points":null,"wrapped":null,"parent":null}""", rows[1]);
    }

    [Fact]
    public void Of_a_key_that_comes_again_the_last_entry_counts_in_maps_of_any_size()
    {
        foreach (int size in new[] { 2, 40 })
        {
            string entries = string.Concat(Enumerable.Range(0, size).Select(i => $"counts {{ key: \"k{i}\" value: {i} }} "));
            byte[] record = [0, .. Encoded(entries), .. Encoded("counts { key: \"k1\" value: 100 }"), .. Encoded("counts { key: \"k0\" value: 7 }"), .. Encoded("counts { key: \"k1\" value: 101 }")];
            var (rows, rejected) = Decode(SchemaOf(Columns.Fields.Single(field => field.Name == "counts")), Framed(7, record));
            Assert.Empty(rejected);
            Assert.EndsWith("\"k0\":7,\"k1\":101}}", rows[0], StringComparison.Ordinal);
            Assert.Equal(size, rows[0]!.Split(':').Length - 2);
        }
    }

    [Fact]
    public void Fields_that_the_schema_or_the_table_does_not_have_are_counted()
    {
        const string Groups = """
            syntax = "proto2";
            message M { required int64 id = 1; optional group Result = 2 { optional int32 a = 3; optional group Deep = 4 { optional string s = 1; } } optional Kind kind = 5 [default = B]; optional string gone = 6; repeated M below = 7; }
            enum Kind { A = 1; B = 2; }
            """;
        using var protoc = new Protoc(("g.proto", Groups));
        _registry.Register(8, Groups, "PROTOBUF");
        var schema = SchemaOf(
            Required(1, "id", new LongType()), Optional(2, "kind", new StringType()), Optional(3, "_rescued", new StringType()),
            Optional(4, "below", new ListType(10, new StructType([Optional(11, "id", new LongType())]), ElementRequired: true)));
        byte[] record =
        [
            0,
            .. protoc.Encode("g.proto", "M", "id: 1 Result { a: 5 Deep { s: \"x\" } } gone: \"g\" below { id: 2 gone: \"h\" }"),
            .. (byte[])[0x98, 0x06, 42], // field 99, a number
            .. (byte[])[0x28, 9], // a kind that the schema does not name
        ];
        using var registry = _registry.Client();
        var decoding = new RegistryDecoding(schema, new RecordOptions { Format = RecordFormat.ConfluentProtobuf, UnknownFields = UnknownFieldAction.Rescue }, registry);
        var (rows, rejected) = decoding.Run(Framed(8, record), Framed(8, [0, 8, 3]));
        Assert.Empty(rejected);
        Assert.Equal(["#99 1", "below[].gone 1", "gone 1", "result 1"], decoding.Unknown());
        Assert.StartsWith("{\"id\":1,\"kind\":\"9\",\"_rescued\":\"{\\\"result\\\":\\\"", rows[0], StringComparison.Ordinal);
        Assert.Contains("""\"gone\":\"g\",\"below\":{\"0\":{\"gone\":\"h\"}},\"#99\":42}""", rows[0], StringComparison.Ordinal);
        Assert.Equal("""{"id":3,"kind":null,"_rescued":null,"below":[]}""", rows[1]);
    }

    [Theory]
    [InlineData("points: 3000000000", "out-of-range points expected int, got 3000000000")]
    [InlineData("at { seconds: 1 nanos: 1 }", "inexact at expected timestamptz, got 1 nanoseconds")]
    [InlineData("at { seconds: 253402300800000 }", "out-of-range at expected timestamptz, got 253402300800000 seconds")]
    [InlineData("lines { } lines { n: 5 sku: \"x\" }", null)]
    public void Values_that_do_not_fit_are_refused_where_they_stand(string text, string? expected)
    {
        var (_, rejected) = Decode(Columns, Order(text));
        Assert.Equal(expected, rejected.Count == 0 ? null : $"{rejected[0].Reason.ErrorClass()} {rejected[0].Path} {rejected[0].Message}");
    }

    [Fact]
    public void Every_cut_and_changed_byte_is_a_row_or_refused_and_rows_before_and_behind_stay_whole()
    {
        byte[] good = Order(Full);
        var random = new Random(5);
        byte[][] records = [.. Enumerable.Range(0, 4000).Select(i =>
        {
            byte[] changed = [.. good];
            if (i % 4 == 0)
            {
                return good;
            }

            if (i % 4 == 1)
            {
                return changed[..random.Next(5, changed.Length)];
            }

            changed[random.Next(5, changed.Length)] = (byte)random.Next(256);
            changed[random.Next(5, changed.Length)] ^= (byte)(1 << random.Next(8));
            return changed;
        })];
        using var registry = _registry.Client();
        var options = new RecordOptions { Format = RecordFormat.ConfluentProtobuf, OnUnfit = new Dictionary<string, UnfitAction> { ["note"] = UnfitAction.Null, ["lines"] = UnfitAction.Null } };
        var (rows, rejected) = new RegistryDecoding(Columns, options, registry).Run(records);
        for (int i = 0; i < records.Length; i += 4)
        {
            Assert.Equal(FullRow, rows[i]);
        }

        Assert.True(rejected.Count > 1000, $"{rejected.Count} refused");
        Assert.All(rejected, one => Assert.Contains(one.Reason.ErrorClass(), (string[])["malformed-protobuf", "invalid-utf8", "out-of-range", "inexact", "unusable-schema", "too-deep"]));
    }

    [Fact]
    public void What_has_no_schema_that_can_be_used_is_refused_for_its_reason()
    {
        _registry.Register(1, "\"long\"");
        _registry.Register(2, "syntax = \"proto3\"; import \"nowhere.proto\"; message M { int32 a = 1; }", "PROTOBUF");
        _registry.Register(3, "syntax = \"proto3\"; message M { Missing a = 1; }", "PROTOBUF");
        _registry.Register(4, "syntax = \"proto3\"; message {", "PROTOBUF");
        var (_, rejected) = Decode(SchemaOf(Optional(1, "a", new LongType())), Framed(1, [0]), Framed(2, [0]), Framed(3, [0]), Framed(4, [0]), Framed(99, [0]), [1, 2], null);
        Assert.Equal(
            [
                "unusable-schema expected a schema of type PROTOBUF and id 1, got AVRO",
                "unusable-schema schema of id 2: expected a reference of the schema for its import \"nowhere.proto\", got none",
                "unusable-schema message M: expected a message or enum called Missing, got none",
                "unusable-schema schema of id 4: schema line 1: expected a message's name, got \"{\"",
                "unknown-schema expected a schema of id 99 in the registry, it knows none",
                "not-framed expected a zero and the id of a schema before a record of PROTOBUF, got 2 bytes without",
                "null-value expected a record of PROTOBUF, got a null value",
            ],
            rejected.Select(one => $"{one.Reason.ErrorClass()} {one.Message}"));
    }

    [Fact]
    public void A_structs_json_fills_columns_as_a_document_does()
    {
        var schema = SchemaOf(
            Required(1, "id", new LongType()),
            Optional(2, "extra", new StructType([Optional(10, "n", new LongType()), Optional(11, "list", new ListType(12, new StringType(), ElementRequired: true))])));
        var (rows, rejected) = Decode(
            schema,
            Order("id: 1 extra { fields { key: \"n\" value { number_value: 5 } } fields { key: \"list\" value { list_value { values { string_value: \"a\" } } } } }"),
            Order("id: 2 extra { fields { key: \"n\" value { number_value: 1.5 } } }"));
        Assert.Equal("""{"id":1,"extra":{"n":5,"list":["a"]}}""", rows[0]);
        Assert.Equal("inexact extra.n expected long, got 1.5", $"{rejected[0].Reason.ErrorClass()} {rejected[0].Path} {rejected[0].Message}");
    }

    [Fact]
    public void Columns_that_records_make_take_every_value_of_theirs()
    {
        var schema = SchemaOf(Required(1, "id", new LongType()));
        using var registry = _registry.Client();
        var growth = new FieldGrowth(_ => Task.FromResult<IReadOnlyList<string>>([]));
        var options = new RecordOptions { Format = RecordFormat.ConfluentProtobuf, UnknownFields = UnknownFieldAction.Evolve, Growth = growth };
        byte[] record = Order(Full);
        var held = Assert.Throws<NewFieldsException>(() => new RegistryDecoding(schema, options, registry).Run(record));
        int id = 1;
        var grown = schema with { Fields = [.. schema.Fields, .. held.Fields.Select(field => Optional(++id, field.Name, Numbered(field.Type, ref id)))] };
        var (rows, rejected) = new RegistryDecoding(grown, options with { UnknownFields = UnknownFieldAction.Ignore }, registry).Run(record);
        Assert.Empty(rejected);
        Assert.Equal(
            """{"id":7,"note":"zürich","kind":"OLD","kind_number":"NEW","packed":[1,-2,300],"tags":["a",""],"counts":{"x":1,"y":-2},"by_number":{"-5":{"sku":"s","n":0,"prices":[]},"6":{"sku":"","n":null,"prices":[]}},"lines":[{"sku":"s1","n":null,"prices":[{"currency":"CHF","units":1},{"currency":"","units":2}]},{"sku":"","n":3,"prices":[]}],"cash":{"currency":"EUR","units":12},"at":"2024-02-29T12:14:56.789000+00:00","took":"1.5s","extra":"{\"a\":[1.5,null,true]}","any":"\"t\\\"x\"","wrapped":0,"flag":true,"ratio":0.5,"amount":1E+300,"raw":"AP8=","u32":4294967295,"u64":18446744073709551615,"s32":-5,"s64":-6,"f32":4294967295,"f64":18446744073709551615,"sf32":-7,"sf64":-8,"doubles":[1.5,-2],"kinds":["NEW","OLD","UNSET"],"list":"[{}]",""",
            rows[0]![..rows[0]!.IndexOf("\"parent\"", StringComparison.Ordinal)]);
        Assert.Contains("\"parent\":{\"id\":6,", rows[0], StringComparison.Ordinal);
    }

    private static IcebergType Numbered(IcebergType type, ref int id)
    {
        switch (type)
        {
            case StructType x:
                var fields = new List<NestedField>();
                foreach (var field in x.Fields)
                {
                    fields.Add(field with { Id = ++id, Type = Numbered(field.Type, ref id) });
                }

                return new StructType(fields);
            case ListType x:
                return x with { ElementId = ++id, Element = Numbered(x.Element, ref id) };
            case MapType x:
                return x with { KeyId = ++id, ValueId = ++id, Value = Numbered(x.Value, ref id) };
            default:
                return type;
        }
    }

    private byte[] Encoded(string text) => _protoc.Encode("orders.proto", "shop.Order", text);

    private byte[] Order(string text) => Framed(7, [0, .. Encoded(text)]);

    private (string?[] Rows, List<RejectedRecord> Rejected) Decode(Schema schema, params byte[]?[] records)
    {
        using var registry = _registry.Client();
        return new RegistryDecoding(schema, new RecordOptions { Format = RecordFormat.ConfluentProtobuf }, registry).Run(records);
    }

    private static StructType Line(int id) => new(
    [
        Optional(id, "sku", new StringType()), Optional(id + 1, "n", new IntegerType()),
        Optional(id + 2, "prices", new ListType(id + 3, new StructType([Optional(id + 4, "currency", new StringType()), Optional(id + 5, "units", new LongType())]), ElementRequired: true)),
    ]);
}
