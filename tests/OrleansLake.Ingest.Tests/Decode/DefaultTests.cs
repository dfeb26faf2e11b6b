using System.Text.Json.Nodes;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Decode;
using OrleansLake.Testing.Registry;
using static OrleansLake.Ingest.Tests.Decode.Decoding;

namespace OrleansLake.Ingest.Tests.Decode;

/// <summary>Columns with a write-default: what a record that says nothing of them gets. https://iceberg.apache.org/spec/#default-values</summary>
public sealed class DefaultTests : IDisposable
{
    private static readonly Schema Orders = SchemaOf(
        Optional(1, "id", new LongType()),
        With(Required(2, "kind", new StringType()), "new"),
        With(Optional(3, "price", new DecimalType(9, 2)), "14.20"),
        With(Optional(4, "at", new TimestampType(WithZone: true)), "2024-02-29T01:02:03.000000+00:00"),
        With(Optional(5, "flag", new BooleanType()), true),
        With(Optional(6, "raw", new BinaryType()), "00ff"),
        With(Optional(7, "uuid", new UuidType()), "f79c3e09-677c-4bbd-a479-3f349cb785e7"),
        With(Optional(8, "d", new DateType()), "2024-02-29"),
        With(Optional(9, "ratio", new FloatType()), 0.5),
        With(Optional(10, "wide", new DecimalType(38, 0)), "12345678901234567890123456789012345678"),
        Optional(11, "lines", new ListType(12, new StructType([Optional(13, "n", new LongType()), With(Optional(14, "unit", new StringType()), "kg")]), ElementRequired: false)),
        With(Optional(15, "by", new StructType([With(Optional(16, "name", new StringType()), "nobody"), Optional(17, "age", new IntegerType())])), new JsonObject()));

    private const string Defaults = "\"price\":14.20,\"at\":\"2024-02-29T01:02:03.000000+00:00\",\"flag\":true,\"raw\":\"AP8=\",\"uuid\":\"f79c3e09-677c-4bbd-a479-3f349cb785e7\",\"d\":\"2024-02-29\",\"ratio\":0.5,\"wide\":12345678901234567890123456789012345678";

    private readonly RegistryStand _stand = new();

    public void Dispose() => _stand.Dispose();

    [Theory]
    [InlineData("""{"id":1}""", "{\"id\":1,\"kind\":\"new\"," + Defaults + ",\"lines\":null,\"by\":{\"name\":\"nobody\",\"age\":null}}")]
    [InlineData("""{"id":1,"kind":"old","lines":[{"n":1},{"unit":"g"},{"unit":null},null],"by":{}}""",
        "{\"id\":1,\"kind\":\"old\"," + Defaults + ",\"lines\":[{\"n\":1,\"unit\":\"kg\"},{\"n\":null,\"unit\":\"g\"},{\"n\":null,\"unit\":null},null],\"by\":{\"name\":\"nobody\",\"age\":null}}")]
    [InlineData("""{"price":null,"at":null,"flag":null,"raw":null,"uuid":null,"d":null,"ratio":null,"wide":null,"by":null}""",
        "{\"id\":null,\"kind\":\"new\",\"price\":null,\"at\":null,\"flag\":null,\"raw\":null,\"uuid\":null,\"d\":null,\"ratio\":null,\"wide\":null,\"lines\":null,\"by\":null}")]
    public void A_field_that_a_record_does_not_have_is_its_default_and_null_is_null(string document, string expected)
    {
        foreach (int width in Widths)
        {
            var decoding = new Decoding(Orders, new JsonDecoderOptions { VectorWidth = width });
            Assert.Equal(expected, decoding.Row(document));
            // Also where a name stands twice, which is read another way.
            Assert.Equal(expected, decoding.Row(document.Insert(1, "\"id\":7,\"id\":null," + (document.Contains("\"id\"", StringComparison.Ordinal) ? "" : "\"id\":null,"))));
        }
    }

    [Fact]
    public void Null_in_a_required_column_is_refused_though_it_has_a_default()
    {
        RejectedRecord refusal = new Decoding(Orders).Refusal("""{"id":1,"kind":null}""");
        Assert.Equal((RejectReason.MissingRequired, "kind"), (refusal.Reason, refusal.Path));
    }

    [Fact]
    public void A_pointer_that_leads_nowhere_leaves_the_default()
    {
        var options = new RecordOptions { Unnest = "/data", Project = new Dictionary<string, string> { ["kind"] = "/meta/kind", ["price"] = "/meta/prices/1", ["flag"] = "/data/flag" } };
        var schema = SchemaOf(Optional(1, "id", new LongType()), Orders.Fields[1], Orders.Fields[2], Orders.Fields[4]);
        var decoding = new Decoding(schema, new JsonDecoderOptions { Records = options });
        var (rows, rejected) = decoding.Run(
            """{"data":{"id":1}}""",
            """{"data":{"id":2,"flag":false},"meta":{"prices":[1,2]}}""",
            """{"data":{"id":3},"meta":null}""",
            """{"meta":{"kind":"x","prices":[1]},"data":{"id":4}}""",
            """{"meta":7,"data":{"id":5}}""",
            """{"meta":{"kind":null},"data":{"id":6}}""",
            """{"meta":{}}""");
        Assert.Equal("""{"id":1,"kind":"new","price":14.20,"flag":true}""", rows[0]);
        Assert.Equal("""{"id":2,"kind":"new","price":2.00,"flag":false}""", rows[1]);
        Assert.Equal("""{"id":3,"kind":"new","price":14.20,"flag":true}""", rows[2]);
        Assert.Equal("""{"id":4,"kind":"x","price":14.20,"flag":true}""", rows[3]);
        Assert.Equal("""{"id":5,"kind":"new","price":14.20,"flag":true}""", rows[4]);
        Assert.Equal([RejectReason.MissingRequired, RejectReason.NotAnObject], rejected.Select(one => one.Reason));
    }

    [Fact]
    public void Avro_without_the_field_gets_the_default_and_any_value_becomes_a_variant()
    {
        _stand.Register(1, """
            {"type":"record","name":"Order","fields":[{"name":"id","type":"long"},
              {"name":"more","type":{"type":"record","name":"More","fields":[{"name":"list","type":{"type":"array","items":["null","long","string"]}},{"name":"map","type":{"type":"map","values":"double"}}]}},
              {"name":"by","type":["null",{"type":"record","name":"By","fields":[{"name":"age","type":"int"}]}]}]}
            """);
        using var client = _stand.Client();
        var schema = SchemaOf(Optional(1, "id", new LongType()), Orders.Fields[1], Optional(30, "more", new VariantType()), Orders.Fields[^1]);
        var decoding = new RegistryDecoding(schema, new RecordOptions { Format = RecordFormat.ConfluentAvro }, client);
        // 7; [null, 5, "x"], {"k": 1.5}; {age: 3}, and again without anything in them.
        Assert.Equal("""{"id":7,"kind":"new","more":{"list":[null,5,"x"],"map":{"k":1.5}},"by":{"name":"nobody","age":3}}""",
            Row([0, 0, 0, 0, 1, 14, 6, 0, 2, 10, 4, 2, (byte)'x', 0, 2, 2, (byte)'k', .. BitConverter.GetBytes(1.5), 0, 2, 6]));
        Assert.Equal("""{"id":7,"kind":"new","more":{"list":[],"map":{}},"by":null}""", Row([0, 0, 0, 0, 1, 14, 0, 0, 0]));

        string Row(byte[] record) => Assert.Single(decoding.Run(record).Rows)!;
    }

    [Fact]
    public void A_default_that_cannot_be_written_is_told_when_the_pipeline_starts()
    {
        var list = With(Optional(1, "l", new ListType(2, new LongType(), ElementRequired: false)), new JsonArray(1));
        Assert.Contains("field l: a write-default", Assert.Throws<NotSupportedException>(() => new Decoding(SchemaOf(list))).Message, StringComparison.Ordinal);
        var wrong = With(Optional(1, "n", new LongType()), "seven");
        Assert.Contains("field n (id 1), its write-default", Assert.Throws<NotSupportedException>(() => new Decoding(SchemaOf(wrong))).Message, StringComparison.Ordinal);
        var inner = With(Optional(1, "s", new StructType([Required(2, "x", new LongType())])), new JsonObject());
        Assert.Contains("field s.x (id 2): expected a default", Assert.Throws<NotSupportedException>(() => new Decoding(SchemaOf(inner))).Message, StringComparison.Ordinal);
    }

    private static NestedField With(NestedField field, System.Text.Json.Nodes.JsonNode writeDefault) => field with { WriteDefault = writeDefault };
}
