using System.Text;
using System.Text.Json;
using Avro.Generic;
using Avro.IO;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Decode;
using OrleansLake.Ingest.Registry;
using OrleansLake.Ingest.Tests.Decode.Protobuf;
using OrleansLake.Ingest.Write;
using OrleansLake.Testing.Registry;
using static OrleansLake.Ingest.Tests.Decode.Decoding;

namespace OrleansLake.Ingest.Tests.Decode;

/// <summary>The same documents in JSON, in Avro and in Protocol Buffers, with the same settings: the same rows, refusals and counts.</summary>
public sealed class FormatsAgreeTests : IDisposable
{
    private const string AvroSchema = """
        {"type":"record","name":"Doc","fields":[
          {"name":"id","type":["null","long"]},
          {"name":"meta","type":["null",{"type":"record","name":"Meta","fields":[
            {"name":"type","type":["null","string"]},{"name":"ids","type":{"type":"array","items":"long"}},{"name":"flags","type":{"type":"map","values":"long"}}]}]},
          {"name":"data","type":["null",{"type":"record","name":"Data","fields":[
            {"name":"userName","type":["null","string"]},
            {"name":"orderLines","type":{"type":"array","items":{"type":"record","name":"Line","fields":[
              {"name":"skuCode","type":["null","string"]},{"name":"qtyNum","type":["null","int"]},{"name":"extraNote","type":["null","string"]}]}}},
            {"name":"amount","type":["null","string"]},
            {"name":"more","type":["null",{"type":"record","name":"More","fields":[{"name":"x","type":["null","long"]}]}]},
            {"name":"byName","type":{"type":"map","values":"More"}}]}]},
          {"name":"before","type":["null","Data"]},
          {"name":"after","type":["null","Data"]},
          {"name":"op","type":["null","string"]},
          {"name":"ts_ms","type":["null","long"]}]}
        """;

    private const string ProtoSchema = """
        syntax = "proto3";
        message Doc { optional int64 id = 1; Meta meta = 2; Data data = 3; Data before = 4; Data after = 5; optional string op = 6; optional int64 ts_ms = 7; }
        message Meta { optional string type = 1; repeated int64 ids = 2; map<string, int64> flags = 3; }
        message Data { optional string userName = 1; repeated Line orderLines = 2; optional string amount = 3; More more = 4; map<string, More> byName = 5; }
        message Line { optional string skuCode = 1; optional int32 qtyNum = 2; optional string extraNote = 3; }
        message More { optional int64 x = 1; }
        """;

    private const string Data = """{"userName":"u","orderLines":[{"skuCode":"s","qtyNum":3,"extraNote":"n\"1"},{"skuCode":"t","qtyNum":4}],"amount":"12.5","more":{"x":5},"byName":{"k\"y":{"x":6}}}""";

    private static readonly string[] Documents =
    [
        $$$"""{"id":1,"meta":{"type":"x","ids":[7,8,9],"flags":{"a":1,"b":2}},"data":{{{Data}}} }""",
        $$$"""{"id":2,"meta":{"ids":[7],"flags":{"a":1}},"data":{{{Data.Replace("12.5", "abc", StringComparison.Ordinal)}}},"op":"c"}""",
        """{"id":3}""",
        $$$"""{"before":{{{Data.Replace("\"u\"", "\"old\"", StringComparison.Ordinal)}}},"after":{{{Data}}},"op":"u","ts_ms":5}""",
        $$$"""{"before":{{{Data.Replace("\"u\"", "\"gone\"", StringComparison.Ordinal)}}},"op":"d","ts_ms":6}""",
        """{"op":"t"}""",
    ];

    private readonly RegistryStand _stand = new();
    private readonly SchemaRegistry _registry;

    public FormatsAgreeTests()
    {
        _stand.Register(1, AvroSchema);
        _stand.Register(2, ProtoSchema, "PROTOBUF");
        _registry = _stand.Client();
    }

    public static TheoryData<string> Cases => [.. Settings.Keys];

    private static Dictionary<string, (RecordOptions Options, Schema Schema)> Settings => new()
    {
        ["as they are"] = (new RecordOptions(), SchemaOf(Optional(1, "id", new LongType()), Meta(), Struct("data", camel: true))),
        ["an inner object, and columns from anywhere"] = (
            new RecordOptions
            {
                Unnest = "/data",
                Project = new Dictionary<string, string> { ["id"] = "/id", ["kind"] = "/meta/type", ["second"] = "/meta/ids/1", ["flag"] = "/meta/flags/b", ["sku"] = "/data/orderLines/1/skuCode", ["nowhere"] = "/meta/type/x" },
                CaseFrom = NameCase.LowerCamel,
                CaseTo = NameCase.LowerUnderscore,
            },
            SchemaOf([
                Optional(1, "id", new LongType()), Optional(2, "kind", new StringType()), Optional(3, "second", new LongType()), Optional(4, "flag", new LongType()), Optional(5, "sku", new StringType()),
                Optional(6, "nowhere", new StringType()), .. Inner(camel: false)])),
        ["whatever their upper and lower case"] = (
            new RecordOptions { IgnoreCase = true, Unnest = "/data" }, SchemaOf(Optional(1, "USERNAME", new StringType()), Optional(2, "More", new StructType([Optional(3, "X", new LongType())])))),
        ["one value to several columns"] = (
            new RecordOptions { Project = new Dictionary<string, string> { ["copy"] = "/data", ["name"] = "/data/userName" } },
            SchemaOf(Optional(1, "id", new LongType()), Struct("data", camel: true), Struct("copy", camel: true, 300), Optional(2, "name", new StringType()))),
        ["a rescue column"] = (
            new RecordOptions { UnknownFields = UnknownFieldAction.Rescue },
            SchemaOf(Optional(1, "id", new LongType()), Optional(2, "_rescued", new StringType()), Optional(3, "data", new StructType(
            [
                Optional(4, "orderLines", new ListType(5, new StructType([Optional(6, "qtyNum", new LongType())]), ElementRequired: true)),
                Optional(7, "byName", new MapType(8, new StringType(), 9, new StructType([Optional(10, "y", new LongType())]), ValueRequired: true)),
            ])))),
        ["values that do not fit become null and are kept"] = (
            new RecordOptions { UnknownFields = UnknownFieldAction.Rescue, Unnest = "/data", NumbersInStrings = new Dictionary<string, bool> { ["*"] = true }, OnUnfit = new Dictionary<string, UnfitAction> { ["*"] = UnfitAction.Null } },
            SchemaOf(Optional(1, "amount", new DecimalType(9, 2)), Optional(2, "_rescued", new StringType()), Optional(3, "more", new LongType()), Optional(4, "orderLines",
                new ListType(5, new StructType([Optional(6, "skuCode", new LongType()), Optional(7, "qtyNum", new StringType()), Optional(8, "extraNote", new StringType())]), ElementRequired: true)))),
        ["values that do not fit become text"] = (
            new RecordOptions { OnUnfit = new Dictionary<string, UnfitAction> { ["*"] = UnfitAction.Text } },
            SchemaOf(Optional(1, "id", new StringType()), Optional(2, "meta", new StringType()), Optional(3, "data", new StringType()))),
        ["a change of Debezium"] = (
            new RecordOptions { Envelope = RecordEnvelope.Debezium },
            SchemaOf(Optional(1, "__op", new StringType()), Optional(2, "__ts_ms", new LongType()), Optional(3, "userName", new StringType()))),
        ["what does not fit is refused where it stands"] = (
            new RecordOptions(), SchemaOf(Optional(1, "data", new StructType([Optional(2, "orderLines", new ListType(3, new StructType([Optional(4, "skuCode", new LongType())]), ElementRequired: true))])))),
        ["what must be there"] = (
            new RecordOptions { Project = new Dictionary<string, string> { ["second"] = "/meta/ids/1" } }, SchemaOf(Required(1, "second", new LongType()))),
    };

    public void Dispose()
    {
        _registry.Dispose();
        _stand.Dispose();
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void All_formats_make_the_same_of(string settings)
    {
        var (options, schema) = Settings[settings];
        var expected = Told(RecordFormat.Json, schema, options, [.. Documents.Select(Encoding.UTF8.GetBytes)]);
        Assert.Contains(expected, line => line.StartsWith('{'));
        Assert.Equal(expected, Told(RecordFormat.ConfluentAvro, schema, options, [.. Documents.Select(document => RegistryDecoding.Framed(1, Avro(document)))]));
        byte[] all = Proto(Documents);
        Assert.Equal(expected, Told(RecordFormat.ConfluentProtobuf, schema, options, [.. Messages(all).Select(message => RegistryDecoding.Framed(2, [0, .. message]))]));
    }

    [Fact]
    public void New_fields_become_columns_of_the_types_that_writers_schemas_tell()
    {
        var schema = SchemaOf(Optional(1, "id", new LongType()), Optional(2, "data", new StructType([Optional(3, "orderLines", new ListType(4, new StructType([Optional(5, "skuCode", new StringType())]), ElementRequired: true))])));
        foreach (var (format, record) in new[]
        {
            (RecordFormat.ConfluentAvro, RegistryDecoding.Framed(1, Avro(Documents[0]))),
            (RecordFormat.ConfluentProtobuf, RegistryDecoding.Framed(2, [0, .. Messages(Proto(Documents[..1])).Single()])),
        })
        {
            var growth = new FieldGrowth(_ => Task.FromResult<IReadOnlyList<string>>([]));
            var held = Assert.Throws<NewFieldsException>(() => new RegistryDecoding(schema, new RecordOptions { Format = format, UnknownFields = UnknownFieldAction.Evolve, Growth = growth }, _registry).Run(record));
            Assert.Equal(
                ["data.amount string", "data.byName map", "data.more struct", "data.orderLines[].extraNote string", "data.orderLines[].qtyNum int", "data.userName string", "meta struct"],
                held.Fields.Select(field => $"{field.Path} {JsonPlanCompiler.TypeName(field.Type)}").Order(StringComparer.Ordinal));
        }
    }

    private string[] Told(RecordFormat format, Schema schema, RecordOptions options, byte[]?[] records)
    {
        var columns = IcebergParquet.ToParquet(schema);
        var decoder = RecordDecoders.Create(schema, columns, new JsonDecoderOptions { Records = options with { Format = format, Registry = _registry } });
        var (rows, rejected) = RegistryDecoding.Rows(decoder, schema, columns, records);
        return
        [
            // An empty list or map and none are one thing in Protocol Buffers.
            .. rows.OfType<string>().Select(row => row.Replace("[]", "null", StringComparison.Ordinal).Replace("{}", "null", StringComparison.Ordinal)),
            .. rejected.Select(one => $"{one.RecordIndex} {one.Reason.ErrorClass()} {one.Path}"),
            .. decoder.TakeUnknownFields().Select(field => $"unknown {field.Key} {field.Value}").Order(StringComparer.Ordinal),
            .. decoder.TakeTextFields().Select(field => $"text {field.Key} {field.Value}").Order(StringComparer.Ordinal),
            .. decoder.TakeNulledFields().Select(field => $"nulled {field.Key} {field.Value}").Order(StringComparer.Ordinal),
        ];
    }

    private static byte[] Avro(string document)
    {
        var schema = (global::Avro.RecordSchema)global::Avro.Schema.Parse(AvroSchema);
        using var json = JsonDocument.Parse(document);
        using var stream = new MemoryStream();
        var encoder = new BinaryEncoder(stream);
        new GenericDatumWriter<GenericRecord>(schema).Write((GenericRecord)Avro(schema, json.RootElement)!, encoder);
        encoder.Flush();
        return stream.ToArray();
    }

    private static object? Avro(global::Avro.Schema schema, JsonElement? value)
    {
        switch (schema)
        {
            case global::Avro.UnionSchema union:
                return value is null ? null : Avro(union.Schemas[1], value);
            case global::Avro.RecordSchema record:
                var made = new GenericRecord(record);
                foreach (var field in record.Fields)
                {
                    made.Add(field.Name, Avro(field.Schema, value!.Value.TryGetProperty(field.Name, out var one) ? one : null));
                }

                return made;
            case global::Avro.ArraySchema array:
                return value?.EnumerateArray().Select(item => Avro(array.ItemSchema, item)).ToArray() ?? [];
            case global::Avro.MapSchema map:
                return value?.EnumerateObject().ToDictionary(entry => entry.Name, entry => Avro(map.ValueSchema, entry.Value)!) ?? [];
            default:
                return schema.Tag switch
                {
                    global::Avro.Schema.Type.String => value!.Value.GetString(),
                    global::Avro.Schema.Type.Int => value!.Value.GetInt32(),
                    _ => value!.Value.GetInt64(),
                };
        }
    }

    /// <summary>All of them in one run of the compiler: as a message of messages.</summary>
    private static byte[] Proto(string[] documents)
    {
        using var protoc = new Protoc(("doc.proto", ProtoSchema), ("all.proto", "syntax = \"proto3\"; import \"doc.proto\"; message All { repeated Doc all = 1; }"));
        return protoc.Encode("all.proto", "All", string.Concat(documents.Select(document =>
        {
            using var json = JsonDocument.Parse(document);
            return $"all {{ {Text(json.RootElement)} }}\n";
        })));
    }

    private static string Text(JsonElement message) => string.Join(' ', message.EnumerateObject().SelectMany(field => field.Value.ValueKind switch
    {
        JsonValueKind.Array => field.Value.EnumerateArray().Select(item => Text(field.Name, item)),
        JsonValueKind.Object when field.Name is "flags" or "byName" => field.Value.EnumerateObject().Select(entry => $"{field.Name} {{ key: {JsonSerializer.Serialize(entry.Name, RelaxedText)} {Text("value", entry.Value)} }}"),
        _ => [Text(field.Name, field.Value)],
    }));

    private static readonly JsonSerializerOptions RelaxedText = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static string Text(string name, JsonElement value) => value.ValueKind == JsonValueKind.Object ? $"{name} {{ {Text(value)} }}" : $"{name}: {value.GetRawText()}";

    private static IEnumerable<byte[]> Messages(byte[] all)
    {
        using var input = new Google.Protobuf.CodedInputStream(all);
        while (input.ReadTag() != 0)
        {
            yield return input.ReadBytes().ToByteArray();
        }
    }

    private static NestedField Meta() => Optional(10, "meta", new StructType(
    [
        Optional(11, "type", new StringType()), Optional(12, "ids", new ListType(13, new LongType(), ElementRequired: true)), Optional(14, "flags", new MapType(15, new StringType(), 16, new LongType(), ValueRequired: true)),
    ]));

    private static NestedField Struct(string name, bool camel, int id = 200) => Optional(id, name, new StructType([.. Inner(camel, id + 1)]));

    private static NestedField[] Inner(bool camel, int id = 100) =>
    [
        Optional(id, camel ? "userName" : "user_name", new StringType()),
        Optional(id + 1, camel ? "orderLines" : "order_lines", new ListType(id + 2, new StructType(
        [
            Optional(id + 3, camel ? "skuCode" : "sku_code", new StringType()), Optional(id + 4, camel ? "qtyNum" : "qty_num", new IntegerType()), Optional(id + 5, camel ? "extraNote" : "extra_note", new StringType()),
        ]), ElementRequired: true)),
        Optional(id + 6, "amount", new StringType()),
        Optional(id + 7, "more", new StructType([Optional(id + 8, "x", new LongType())])),
        Optional(id + 9, camel ? "byName" : "by_name", new MapType(id + 10, new StringType(), id + 11, new StructType([Optional(id + 12, "x", new LongType())]), ValueRequired: true)),
    ];
}
