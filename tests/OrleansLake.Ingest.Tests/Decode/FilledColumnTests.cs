using System.Buffers;
using System.Text;
using System.Text.Json;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Decode;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Ingest.Read;
using OrleansLake.Ingest.Write;
using OrleansLake.Parquet;
using static OrleansLake.Ingest.Tests.Decode.Decoding;

namespace OrleansLake.Ingest.Tests.Decode;

public sealed class FilledColumnTests
{
    private static readonly StructType Header = new([Required(21, "name", new StringType()), Optional(22, "value", new BinaryType())]);

    private static readonly Schema Traced = SchemaOf(
        Required(1, "_offset", new LongType()),
        Optional(2, "id", new LongType()),
        Optional(3, "_topic", new StringType()),
        Optional(4, "_partition", new IntegerType()),
        Optional(5, "_key", new StringType()),
        Optional(6, "_timestamp", new TimestampType(WithZone: true)),
        Optional(7, "_headers", new ListType(20, Header, ElementRequired: true)),
        Optional(8, "_header_map", new MapType(23, new StringType(), 24, new StringType(), ValueRequired: false)),
        Optional(9, "trace", new StringType()),
        Optional(10, "_ingested_at", new TimestampType(WithZone: true)),
        Optional(11, "source", new StringType()),
        Optional(12, "weights", new ListType(25, new DoubleType(), ElementRequired: false)),
        Required(13, "name", new StringType()));

    private static readonly RecordOptions All = new()
    {
        Columns = new Dictionary<string, string>
        {
            ["_offset"] = "kafka.offset", ["_topic"] = "kafka.topic", ["_partition"] = "kafka.partition", ["_key"] = "kafka.key", ["_timestamp"] = "kafka.timestamp",
            ["_headers"] = "kafka.headers", ["_header_map"] = "kafka.headers", ["trace"] = "kafka.header.trace", ["_ingested_at"] = "ingest.time",
            ["source"] = "'it''s \"here\"'", ["weights"] = "[1, null, 2.5]",
        },
    };

    [Fact]
    public void Rows_know_where_they_came_from_and_refused_records_leave_no_gap()
    {
        var time = new OneMoment(new DateTimeOffset(2024, 5, 6, 7, 8, 9, TimeSpan.Zero));
        string[] rows = Decode(
            Traced, All, time, out var rejected,
            new Sent("""{"id":1,"name":"a","_offset":99}""", "k1", [("trace", "t1"), ("x", null), ("trace", "t2")]),
            new Sent("""{"id":"bad","name":"b"}""", "k2", []),
            new Sent("""{"id":3,"name":"c"}""", null, [], -1),
            new Sent("""{"id":4}""", "k4", []),
            new Sent("""{"id":5,"name":"e"}""", "k5", [("y", "z")]));
        Assert.Equal([1, 3], rejected.Select(r => r.RecordIndex));
        Assert.Equal(3, rows.Length);
        Assert.Equal(
            """{"_offset":100,"id":1,"_topic":"events","_partition":3,"_key":"k1","_timestamp":"2023-11-14T22:13:20.000000+00:00","_headers":[{"name":"trace","value":"dDE="},{"name":"x","value":null},{"name":"trace","value":"dDI="}],"_header_map":{"x":null,"trace":"t2"},"trace":"t2","_ingested_at":"2024-05-06T07:08:09.000000+00:00","source":"it's \"here\"","weights":[1,null,2.5],"name":"a"}""",
            rows[0]);
        Assert.Equal(
            """{"_offset":102,"id":3,"_topic":"events","_partition":3,"_key":null,"_timestamp":null,"_headers":[],"_header_map":{},"trace":null,"_ingested_at":"2024-05-06T07:08:09.000000+00:00","source":"it's \"here\"","weights":[1,null,2.5],"name":"c"}""",
            rows[1]);
        Assert.StartsWith("""{"_offset":104,"id":5,""", rows[2], StringComparison.Ordinal);
    }

    [Fact]
    public void Keys_and_headers_that_are_no_text_are_refused_for_columns_of_text_alone()
    {
        var schema = SchemaOf(Optional(1, "key", new StringType()), Optional(2, "h", new StringType()), Optional(3, "id", new LongType()));
        var options = new RecordOptions { Columns = new Dictionary<string, string> { ["key"] = "kafka.key", ["h"] = "kafka.header.h" } };
        Sent[] records = [new("{\"id\":0}", "a", []), new("{\"id\":1}", "\xFF\xFE", []), new("{\"id\":2}", "b", [("h", "\xFF")]), new("{\"id\":3}", "c", [("other", "\xFF")])];
        string[] rows = Decode(schema, options, TimeProvider.System, out var rejected, records);
        Assert.Equal([(1, "key"), (2, "h")], rejected.Select(r => (r.RecordIndex, r.Path)));
        Assert.All(rejected, r => Assert.Equal(RejectReason.InvalidUtf8, r.Reason));
        Assert.Equal(["""{"key":"a","h":null,"id":0}""", """{"key":"c","h":null,"id":3}"""], rows);

        var bytes = SchemaOf(Optional(1, "key", new BinaryType()), Optional(2, "h", new BinaryType()), Optional(3, "id", new LongType()));
        Assert.Equal("""{"key":"//4=","h":null,"id":1}""", Decode(bytes, options, TimeProvider.System, out rejected, records)[1]);
        Assert.Empty(rejected);
    }

    [Theory]
    [InlineData("kafka.offset", "expected a column of type long for kafka.offset, it is string")]
    [InlineData("kafka.headers", "expected a column of type a list of structs")]
    [InlineData("kafka.ofset", "expected kafka.topic, kafka.partition, kafka.offset")]
    [InlineData("5", "found 5: expected string, got 5")]
    [InlineData("'a' b", "found 'a' b: expected a value")]
    [InlineData("\"a\" 1", "expected one JSON value, got more")]
    public void Sources_that_a_column_cannot_have_are_told_before_the_first_record(string source, string message)
    {
        var schema = SchemaOf(Optional(1, "name", new StringType()));
        var options = new RecordOptions { Columns = new Dictionary<string, string> { ["name"] = source } };
        Assert.Contains(message, Assert.Throws<NotSupportedException>(() => new Decoding(schema, new JsonDecoderOptions { Records = options })).Message);
    }

    private static string[] Decode(Schema schema, RecordOptions options, TimeProvider time, out List<RejectedRecord> rejected, params Sent[] sent)
    {
        var columns = IcebergParquet.ToParquet(schema);
        var decoder = new JsonDecoder(schema, columns, new JsonDecoderOptions { Records = options, Time = time, RowsPerCall = 3 });
        using var batch = Batch(sent);
        var texts = new List<string>();
        rejected = [];
        for (int record = 0; record < batch.Count;)
        {
            var rows = new ColumnBatch(columns);
            int next = decoder.Decode(batch, record, rows, rejected);
            Assert.True(next > record);
            var json = new RowJson(schema, columns);
            json.Attach(rows);
            for (int row = 0; row < rows.RowCount; row++)
            {
                using var stream = new MemoryStream();
                using (var writer = new Utf8JsonWriter(stream, Relaxed))
                {
                    json.WriteRow(writer);
                }

                texts.Add(Encoding.UTF8.GetString(stream.ToArray()));
            }

            record = next;
        }

        return [.. texts];
    }

    private sealed class OneMoment(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }

    /// <summary>Text is Latin-1, so that it can be any bytes.</summary>
    private sealed record Sent(string Value, string? Key, (string Name, string? Value)[] Headers, long TimestampMs = 1_700_000_000_000);

    private static KafkaBatch Batch(Sent[] sent)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(10_000);
        Array.Clear(buffer);
        var records = ArrayPool<KafkaRecord>.Shared.Rent(sent.Length);
        int position = 0;
        for (int i = 0; i < sent.Length; i++)
        {
            ref var record = ref records[i];
            record = new KafkaRecord { Offset = 100 + i, TimestampMs = sent[i].TimestampMs, KeyLength = -1 };
            record.ValueStart = position;
            record.ValueLength = Encoding.Latin1.GetBytes(sent[i].Value, buffer.AsSpan(position));
            position += record.ValueLength + 1;
            if (sent[i].Key is { } key)
            {
                record.KeyStart = position;
                record.KeyLength = Encoding.Latin1.GetBytes(key, buffer.AsSpan(position));
                position += record.KeyLength;
            }

            record.HeadersStart = position;
            foreach (var (name, value) in sent[i].Headers)
            {
                position += KafkaHeaders.Write(buffer.AsSpan(position), name, value is null ? default : Encoding.Latin1.GetBytes(value), value is null);
            }

            record.HeadersLength = position - record.HeadersStart;
        }

        return new KafkaBatch(new TopicPartition("events", 3), new OffsetRange(100, 100 + sent.Length), -1, buffer, records, sent.Length);
    }
}
