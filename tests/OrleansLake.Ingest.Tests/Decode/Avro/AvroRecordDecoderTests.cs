using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using global::Avro;
using global::Avro.Generic;
using global::Avro.IO;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Decode;
using OrleansLake.Ingest.Registry;
using OrleansLake.Ingest.Write;
using OrleansLake.Testing.Kafka;
using OrleansLake.Testing.Registry;
using static OrleansLake.Ingest.Tests.Decode.Decoding;
using static OrleansLake.Ingest.Tests.Decode.RegistryDecoding;
using Schema = OrleansLake.Iceberg.Schema;

namespace OrleansLake.Ingest.Tests.Decode.Avro;

/// <summary>Records that Apache's own library wrote.</summary>
public sealed class AvroRecordDecoderTests : IDisposable
{
    private const string Writer = """
        {"type":"record","name":"Order","namespace":"shop","fields":[
          {"name":"id","type":"long"},
          {"name":"flag","type":["null","boolean"],"default":null},
          {"name":"small","type":"int"},
          {"name":"ratio","type":"float"},
          {"name":"price","type":{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}},
          {"name":"unknown","type":{"type":"map","values":["null","string",{"type":"array","items":"double"}]}},
          {"name":"day","type":{"type":"int","logicalType":"date"}},
          {"name":"at","type":{"type":"long","logicalType":"timestamp-millis"}},
          {"name":"clock","type":{"type":"long","logicalType":"time-micros"}},
          {"name":"kind","type":{"type":"enum","name":"Kind","symbols":["NEW","OLD"]}},
          {"name":"hash","type":{"type":"fixed","name":"Hash","size":4}},
          {"name":"uid","type":{"type":"string","logicalType":"uuid"}},
          {"name":"name","type":["null","string"]},
          {"name":"tags","type":{"type":"array","items":"string"}},
          {"name":"counts","type":{"type":"map","values":"long"}},
          {"name":"lines","type":{"type":"array","items":{"type":"record","name":"Line","fields":[{"name":"sku","type":"string"},{"name":"n","type":["int","null"]}]}}},
          {"name":"raw","type":"bytes"}
        ]}
        """;

    private static readonly Schema Orders = SchemaOf(
        Required(1, "id", new LongType()),
        Optional(2, "price", new DecimalType(12, 3)),
        Optional(3, "flag", new BooleanType()),
        Optional(4, "small", new LongType()),
        Optional(5, "ratio", new DoubleType()),
        Optional(6, "day", new DateType()),
        Optional(7, "at", new TimestampType(WithZone: true)),
        Optional(8, "clock", new TimeType()),
        Optional(9, "kind", new StringType()),
        Optional(10, "hash", new FixedType(4)),
        Optional(11, "uid", new UuidType()),
        Optional(12, "name", new StringType()),
        Optional(13, "tags", new ListType(30, new StringType(), ElementRequired: true)),
        Optional(14, "counts", new MapType(31, new StringType(), 32, new LongType(), ValueRequired: true)),
        Optional(15, "lines", new ListType(33, new StructType([Optional(34, "n", new IntegerType()), Required(35, "sku", new StringType()), Optional(36, "more", new LongType())]), ElementRequired: true)),
        Optional(16, "raw", new BinaryType()),
        Optional(17, "absent", new StringType()),
        Optional(18, "_offset", new LongType()));

    private readonly RegistryStand _registry = new();

    public void Dispose() => _registry.Dispose();

    [Fact]
    public void Records_of_another_library_become_rows_by_the_schema_that_they_were_written_with()
    {
        _registry.Register(7, Writer);
        var (rows, rejected) = Decode(Orders, new RecordOptions { Columns = new Dictionary<string, string> { ["_offset"] = "kafka.offset" } }, Framed(7, Order(1)), Framed(7, Order(2)));
        Assert.Empty(rejected);
        Assert.Equal(
            """{"id":1,"price":12.340,"flag":true,"small":-5,"ratio":0.5,"day":"2024-02-29","at":"2024-02-29T12:34:56.789000+00:00","clock":"01:02:03.000004","kind":"OLD","hash":"AQIDBA==","uid":"f47ac10b-58cc-4372-a567-0e02b2c3d479","name":"zürich","tags":["a","b"],"counts":{"x":1,"y":-2},"lines":[{"n":3,"sku":"s1","more":null},{"n":null,"sku":"s2","more":null}],"raw":"AP8=","absent":null,"_offset":100}""",
            rows[0]);
        Assert.StartsWith("""{"id":2,""", rows[1], StringComparison.Ordinal);
        Assert.Equal(1, _registry.Requests);
    }

    [Fact]
    public void Every_cut_and_changed_byte_is_a_row_or_refused_and_rows_before_and_behind_stay_whole()
    {
        _registry.Register(7, Writer);
        byte[] good = Framed(7, Order(1));
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
        var (rows, rejected) = Decode(Orders, new RecordOptions { OnUnfit = new Dictionary<string, UnfitAction> { ["price"] = UnfitAction.Null, ["lines"] = UnfitAction.Null } }, records);
        for (int i = 0; i < records.Length; i += 4)
        {
            Assert.Equal(rows[0], rows[i]);
        }

        Assert.True(rejected.Count > 1000, $"{rejected.Count} refused");
        Assert.All(rejected, one => Assert.Contains(one.Reason.ErrorClass(), (string[])["malformed-avro", "invalid-utf8", "malformed-text", "out-of-range", "wrong-type", "too-deep"]));
    }

    [Theory]
    [InlineData("\"int\"", "5", "long", "5")]
    [InlineData("\"long\"", "3000000000", "int", "out-of-range v expected int, got 3000000000")]
    [InlineData("\"string\"", "\"x\"", "long", "wrong-type v expected long, got Avro's string")]
    [InlineData("{\"type\":\"long\",\"logicalType\":\"timestamp-micros\"}", "1", "timestamptz", "\"1970-01-01T00:00:00.000001+00:00\"")]
    [InlineData("{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}", "1", "timestamp", "wrong-type v expected timestamp, got Avro's long (timestamp-millis)")]
    [InlineData("{\"type\":\"long\",\"logicalType\":\"local-timestamp-millis\"}", "1", "timestamp", "\"1970-01-01T00:00:00.001000\"")]
    [InlineData("\"long\"", "1", "timestamptz", "wrong-type v expected timestamptz, got Avro's long")]
    [InlineData("[\"null\",\"long\"]", "null", "long", "null")]
    [InlineData("[\"null\",\"long\"]", "null", "required", "missing-required v expected long, got null")]
    [InlineData("\"double\"", "1e300", "float", "out-of-range v expected float, got 1E+300")]
    public void Types_meet_as_they_can_and_are_refused_where_they_cannot(string type, string value, string column, string expected)
    {
        _registry.Register(1, $$"""{"type":"record","name":"R","fields":[{"name":"v","type":{{type}}}]}""");
        IcebergType to = column switch
        {
            "long" or "required" => new LongType(), "int" => new IntegerType(), "float" => new FloatType(), "timestamp" => new TimestampType(WithZone: false), _ => new TimestampType(WithZone: true),
        };
        var schema = SchemaOf(column == "required" ? Required(1, "v", to) : Optional(1, "v", to));
        using var json = JsonDocument.Parse(value);
        object? boxed = json.RootElement.ValueKind switch
        {
            JsonValueKind.String => json.RootElement.GetString(),
            JsonValueKind.Null => null,
            _ => type == "\"double\"" ? json.RootElement.GetDouble() : type == "\"int\"" ? (object)json.RootElement.GetInt32() : json.RootElement.GetInt64(),
        };
        var record = new byte[64];
        int length = WriteRaw(record, type, boxed);
        var (rows, rejected) = Decode(schema, new RecordOptions(), Framed(1, record[..length]));
        Assert.Equal(expected, rejected.Count == 0 ? rows[0]![5..^1] : $"{rejected[0].Reason.ErrorClass()} {rejected[0].Path} {rejected[0].Message}");
    }

    [Fact]
    public void Writers_schemas_change_from_record_to_record()
    {
        _registry.Register(1, """{"type":"record","name":"R","fields":[{"name":"userId","type":"long"}]}""");
        _registry.Register(2, """{"type":"record","name":"R","fields":[{"name":"extra","type":"long"},{"name":"userId","type":"long"}]}""");
        _registry.Register(3, """{"type":"record","name":"R","fields":[{"name":"link","type":["null","shop.Link"]},{"name":"userId","type":"long"}]}""", "AVRO", ("links", 4));
        _registry.RegisterSubject("links", 4, """{"type":"record","name":"Link","namespace":"shop","fields":[{"name":"next","type":["null","Link"]}]}""");
        var schema = SchemaOf(Optional(1, "user_id", new LongType()));
        var options = new RecordOptions { CaseFrom = NameCase.LowerCamel, CaseTo = NameCase.LowerUnderscore };
        // A link to a link to none, which no column is for.
        var (rows, rejected) = Decode(schema, options, Framed(1, [2]), Framed(2, [8, 4]), Framed(3, [2, 2, 0, 6]), Framed(1, [8]));
        Assert.Empty(rejected);
        Assert.Equal((string?[])["""{"user_id":1}""", """{"user_id":2}""", """{"user_id":3}""", """{"user_id":4}"""], rows);
    }

    [Fact]
    public void What_has_no_schema_that_can_be_used_is_refused_for_its_reason()
    {
        _registry.Register(1, """{"type":"record","name":"R","fields":[{"name":"v","type":"long"}]}""");
        _registry.Register(2, "syntax = \"proto3\";", "PROTOBUF");
        _registry.Register(3, """{"type":"record","name":"R","fields":[{"name":"v","type":"nothing"}]}""");
        _registry.Register(4, "\"long\"");
        var (rows, rejected) = Decode(SchemaOf(Optional(1, "v", new LongType())), new RecordOptions(), Framed(1, [2]), Framed(99, [2]), [1, 0, 0, 0, 1, 2], Framed(2, [2]), Framed(3, [2]), Framed(4, [2]), Framed(1, [2, 2]), [0, 1]);
        Assert.Equal("""{"v":1}""", rows[0]);
        Assert.Equal(["unknown-schema", "not-framed", "unusable-schema", "unusable-schema", "unusable-schema", "malformed-avro", "not-framed"], rejected.Select(one => one.Reason.ErrorClass()));
    }

    [Fact]
    public void An_unknown_id_is_asked_for_again_before_its_records_are_refused()
    {
        var time = new MovingTime();
        using var registry = _registry.Client(time, patience: TimeSpan.FromSeconds(10));
        var schema = SchemaOf(Optional(1, "v", new LongType()));
        Assert.Contains("it knows none; asking again", Assert.Throws<SchemaRegistryException>(() => Decode(schema, new RecordOptions(), registry, Framed(5, [2]))).Message);
        time.Now += TimeSpan.FromSeconds(11);
        Assert.Equal(RejectReason.UnknownSchema, Assert.Single(Decode(schema, new RecordOptions(), registry, Framed(5, [2])).Rejected).Reason);
        int asked = _registry.Requests;
        Decode(schema, new RecordOptions(), registry, Framed(5, [2]));
        Assert.Equal(asked, _registry.Requests); // not for every batch
        _registry.Register(5, """{"type":"record","name":"R","fields":[{"name":"v","type":"long"}]}""");
        time.Now += TimeSpan.FromMinutes(1);
        Assert.Equal("""{"v":1}""", Decode(schema, new RecordOptions(), registry, Framed(5, [2])).Rows[0]);
    }

    [Fact]
    public void A_registry_in_trouble_refuses_no_record()
    {
        _registry.Register(1, """{"type":"record","name":"R","fields":[{"name":"v","type":"long"}]}""");
        _registry.Trouble = HttpStatusCode.ServiceUnavailable;
        using var registry = _registry.Client();
        var schema = SchemaOf(Optional(1, "v", new LongType()));
        Assert.Contains("503", Assert.Throws<SchemaRegistryException>(() => Decode(schema, new RecordOptions(), registry, Framed(1, [2]))).Message);
        _registry.Trouble = null;
        _registry.Authorization = "Basic " + Convert.ToBase64String("me:secret"u8);
        Assert.Contains("401", Assert.Throws<SchemaRegistryException>(() => Decode(schema, new RecordOptions(), registry, Framed(1, [2]))).Message);
        using var authorized = _registry.Client(user: "me");
        Assert.Equal("""{"v":1}""", Decode(schema, new RecordOptions(), authorized, Framed(1, [2])).Rows[0]);
    }

    [Fact]
    public void A_registry_behind_tls_is_believed_by_the_authority_that_the_settings_name_and_by_no_other()
    {
        using var certificates = new TestCertificates();
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        _ = AnswerAsync(listener, certificates.Server);
        var settings = new SchemaRegistrySettings { Url = new Uri($"https://localhost:{((IPEndPoint)listener.LocalEndpoint).Port}"), CaFile = certificates.AuthorityFile };
        using var trusting = new SchemaRegistry(settings, TimeProvider.System);
        Assert.Equal("\"long\"", trusting.Find(3)!.Text);
        using var doubting = new SchemaRegistry(settings with { CaFile = null }, TimeProvider.System);
        Assert.Throws<SchemaRegistryException>(() => doubting.Find(3));
    }

    private static async Task AnswerAsync(TcpListener listener, X509Certificate2 certificate)
    {
        while (true)
        {
            try
            {
                using TcpClient client = await listener.AcceptTcpClientAsync();
                await using var stream = new SslStream(client.GetStream());
                await stream.AuthenticateAsServerAsync(certificate);
                byte[] request = new byte[4096];
                _ = await stream.ReadAsync(request);
                const string Body = "{\"schema\":\"\\\"long\\\"\"}";
                await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nContent-Length: {Body.Length}\r\nConnection: close\r\n\r\n{Body}"));
            }
            catch (Exception error) when (error is IOException or System.Security.Authentication.AuthenticationException)
            {
                // A client that does not believe us goes away.
            }
            catch (Exception error) when (error is SocketException or ObjectDisposedException or InvalidOperationException)
            {
                return;
            }
        }
    }

    [Fact]
    public void Json_behind_a_schemas_id_needs_no_registry()
    {
        var schema = SchemaOf(Optional(1, "v", new LongType()));
        var columns = IcebergParquet.ToParquet(schema);
        var decoder = RecordDecoders.Create(schema, columns, new JsonDecoderOptions { Records = new RecordOptions { Format = RecordFormat.ConfluentJson } });
        var (rows, rejected) = RegistryDecoding.Rows(decoder, schema, columns, [Framed(1, "{\"v\":1}"u8.ToArray()), "{\"v\":2}"u8.ToArray(), null, Framed(2, []), Framed(9, "{\"v\":3}"u8.ToArray())]);
        Assert.Equal((string?[])["""{"v":1}""", null, null, null, """{"v":3}"""], rows);
        Assert.Equal(["not-framed", "null-value", "empty-value"], rejected.Select(one => one.Reason.ErrorClass()));
    }

    private (string?[] Rows, List<RejectedRecord> Rejected) Decode(Schema schema, RecordOptions options, params byte[]?[] records)
    {
        using var registry = _registry.Client();
        return Decode(schema, options, registry, records);
    }

    private static (string?[] Rows, List<RejectedRecord> Rejected) Decode(Schema schema, RecordOptions options, SchemaRegistry registry, params byte[]?[] records)
    {
        var decoding = new RegistryDecoding(schema, options with { Format = RecordFormat.ConfluentAvro }, registry);
        Assert.IsType<RegistryRecordDecoder>(decoding.Decoder);
        return decoding.Run(records);
    }

    private static byte[] Order(long id)
    {
        var schema = (RecordSchema)global::Avro.Schema.Parse(Writer);
        var order = new GenericRecord(schema);
        order.Add("id", id);
        order.Add("flag", true);
        order.Add("small", -5);
        order.Add("ratio", 0.5f);
        order.Add("price", new AvroDecimal(12.34m));
        order.Add("unknown", new Dictionary<string, object?> { ["a"] = null, ["b"] = "text", ["c"] = new object[] { 1.5, 2.5 } });
        order.Add("day", new DateTime(2024, 2, 29, 0, 0, 0, DateTimeKind.Utc));
        order.Add("at", new DateTime(2024, 2, 29, 12, 34, 56, 789, DateTimeKind.Utc));
        order.Add("clock", new TimeSpan(0, 1, 2, 3) + TimeSpan.FromMicroseconds(4));
        order.Add("kind", new GenericEnum((EnumSchema)schema["kind"].Schema, "OLD"));
        order.Add("hash", new GenericFixed((FixedSchema)schema["hash"].Schema, [1, 2, 3, 4]));
        order.Add("uid", Guid.Parse("f47ac10b-58cc-4372-a567-0e02b2c3d479"));
        order.Add("name", "zürich");
        order.Add("tags", new object[] { "a", "b" });
        order.Add("counts", new Dictionary<string, object> { ["x"] = 1L, ["y"] = -2L });
        var line = (RecordSchema)((ArraySchema)schema["lines"].Schema).ItemSchema;
        var one = new GenericRecord(line);
        one.Add("sku", "s1");
        one.Add("n", 3);
        var two = new GenericRecord(line);
        two.Add("sku", "s2");
        two.Add("n", null);
        order.Add("lines", new object[] { one, two });
        order.Add("raw", new byte[] { 0, 255 });
        using var stream = new MemoryStream();
        var encoder = new BinaryEncoder(stream);
        new GenericDatumWriter<GenericRecord>(schema).Write(order, encoder);
        encoder.Flush();
        return stream.ToArray();
    }

    private static int WriteRaw(byte[] target, string type, object? value)
    {
        using var stream = new MemoryStream(target);
        var encoder = new BinaryEncoder(stream);
        if (type.StartsWith('['))
        {
            encoder.WriteLong(value is null ? 0 : 1);
        }

        switch (value)
        {
            case int x: encoder.WriteInt(x); break;
            case long x: encoder.WriteLong(x); break;
            case double x: encoder.WriteDouble(x); break;
            case string x: encoder.WriteString(x); break;
        }

        encoder.Flush();
        return (int)stream.Position;
    }

    private sealed class MovingTime : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = new(2024, 1, 1, 0, 0, 0, TimeSpan.Zero);

        public override DateTimeOffset GetUtcNow() => Now;
    }
}
