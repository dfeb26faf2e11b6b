using System.Buffers;
using System.Text;
using System.Text.Json;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Decode;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Ingest.Read;
using OrleansLake.Ingest.Write;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Tests.Decode;

/// <summary>Documents in, rows as JSON out.</summary>
internal sealed class Decoding
{
    private readonly Schema _schema;
    private readonly ParquetSchema _columns;
    private readonly ColumnBatch _rows;

    public Decoding(Schema schema, JsonDecoderOptions? options = null)
    {
        _schema = schema;
        _columns = IcebergParquet.ToParquet(schema);
        _rows = new ColumnBatch(_columns);
        Decoder = new JsonDecoder(schema, _columns, options);
    }

    public static readonly JsonWriterOptions Relaxed = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping, MaxDepth = 2000 };

    public JsonDecoder Decoder { get; }

    public static IEnumerable<int> Widths => [64, 32, 16, 8];

    public static Schema SchemaOf(params NestedField[] fields) => new() { SchemaId = 0, Fields = fields };

    public static NestedField Optional(int id, string name, IcebergType type) => new(id, name, Required: false, type);

    public static NestedField Required(int id, string name, IcebergType type) => new(id, name, Required: true, type);

    /// <summary>One row's JSON a document, null for one that was refused; and the refusals.</summary>
    public (string?[] Rows, List<RejectedRecord> Rejected) Run(IReadOnlyList<byte[]?> documents, byte[]? garbage = null)
    {
        using var batch = Batch(documents, garbage ?? "\",\"9}]: 1e5tru\\"u8.ToArray());
        var rejected = new List<RejectedRecord>();
        var result = new string?[documents.Count];
        int first = 0;
        while (first < documents.Count)
        {
            _rows.Clear();
            int before = rejected.Count;
            int next = Decoder.Decode(batch, first, _rows, rejected);
            Check(next - first);
            var json = new RowJson(_schema, _columns);
            json.Attach(_rows);
            var refused = rejected.Skip(before).Select(r => r.RecordIndex).ToHashSet();
            for (int i = first; i < next; i++)
            {
                if (!refused.Contains(i))
                {
                    using var stream = new MemoryStream();
                    using (var writer = new Utf8JsonWriter(stream, Relaxed))
                    {
                        json.WriteRow(writer);
                    }

                    result[i] = Encoding.UTF8.GetString(stream.ToArray());
                }
            }

            Assert.Equal(_rows.RowCount, next - first - refused.Count);
            first = next;
        }

        return (result, rejected);
    }

    public (string?[] Rows, List<RejectedRecord> Rejected) Run(params string[] documents) =>
        Run(documents.Select(document => (byte[]?)Encoding.UTF8.GetBytes(document)).ToList());

    /// <summary>The one row of one document.</summary>
    public string Row(string document)
    {
        var (rows, rejected) = Run(document);
        Assert.True(rows[0] is not null, rejected.Count > 0 ? rejected[0].ToString() : "");
        return rows[0]!;
    }

    /// <summary>Why one document was refused.</summary>
    public RejectedRecord Refusal(string document)
    {
        var (rows, rejected) = Run(document);
        Assert.Null(rows[0]);
        return Assert.Single(rejected);
    }

    public static KafkaBatch Batch(IReadOnlyList<byte[]?> documents, byte[] garbage)
    {
        int size = documents.Sum(document => (document?.Length ?? 0) + KafkaBatch.Padding);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(size);
        for (int i = 0; i < buffer.Length; i++)
        {
            buffer[i] = garbage[i % garbage.Length];
        }

        var records = ArrayPool<KafkaRecord>.Shared.Rent(Math.Max(1, documents.Count));
        int position = 0;
        for (int i = 0; i < documents.Count; i++)
        {
            byte[] document = documents[i] ?? [];
            document.CopyTo(buffer, position);
            // Every other one as the Kafka client leaves it.
            buffer[position + document.Length] = i % 2 == 1 ? (byte)0 : buffer[position + document.Length];
            records[i] = new KafkaRecord { Offset = 100 + i, ValueStart = position, ValueLength = documents[i] is null ? -1 : document.Length, KeyLength = -1, TimestampMs = 1_700_000_000_000 + i };
            position += document.Length + KafkaBatch.Padding;
        }

        return new KafkaBatch(new TopicPartition("events", 3), new OffsetRange(100, 100 + documents.Count), -1, buffer, records, documents.Count);
    }

    /// <summary>What every consumer of a batch may count on.</summary>
    private void Check(int records)
    {
        Assert.InRange(_rows.RowCount, 0, records);
        foreach (var column in _rows.Columns)
        {
            int rows = column.Column.MaxRepetitionLevel == 0
                ? column.SlotCount
                : column.RepetitionLevels.AsSpan(0, column.SlotCount).Count((byte)0);
            Assert.Equal(_rows.RowCount, rows);
            int values = column.Column.MaxDefinitionLevel == 0
                ? column.SlotCount
                : column.DefinitionLevels.AsSpan(0, column.SlotCount).Count((byte)column.Column.MaxDefinitionLevel);
            Assert.Equal(values, column.ValueCount);
        }
    }
}
