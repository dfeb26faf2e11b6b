using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Decode;
using OrleansLake.Ingest.Read;
using OrleansLake.Ingest.Registry;
using OrleansLake.Ingest.Write;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Tests.Decode;

/// <summary>Records behind a schema's id in, rows as JSON out.</summary>
internal sealed class RegistryDecoding
{
    private readonly Schema _schema;
    private readonly ParquetSchema _columns;

    public RegistryDecoding(Schema schema, RecordOptions options, SchemaRegistry registry)
    {
        _schema = schema;
        _columns = IcebergParquet.ToParquet(schema);
        Decoder = RecordDecoders.Create(schema, _columns, new JsonDecoderOptions { Records = options with { Registry = registry }, RowsPerCall = 1000 });
    }

    public IRecordDecoder Decoder { get; }

    /// <summary>One row's JSON a record, null for one that was refused; and the refusals.</summary>
    public (string?[] Rows, List<RejectedRecord> Rejected) Run(params byte[]?[] records) => Rows(Decoder, _schema, _columns, records);

    /// <summary>What was counted, by path.</summary>
    public string[] Unknown() => [.. Decoder.TakeUnknownFields().Select(field => $"{field.Key} {field.Value}").Order(StringComparer.Ordinal)];

    public static (string?[] Rows, List<RejectedRecord> Rejected) Rows(IRecordDecoder decoder, Schema schema, ParquetSchema columns, IReadOnlyList<byte[]?> records)
    {
        using var batch = Decoding.Batch(records, [1, 2, 3]);
        var rejected = new List<RejectedRecord>();
        var texts = new string?[records.Count];
        for (int first = 0; first < records.Count;)
        {
            var rows = new ColumnBatch(columns);
            int before = rejected.Count;
            int next = decoder.Decode(batch, first, rows, rejected);
            Assert.Equal(next - first, rows.RowCount + rejected.Count - before);
            var json = new RowJson(schema, columns);
            json.Attach(rows);
            var refused = rejected.Skip(before).Select(one => one.RecordIndex).ToHashSet();
            for (int i = first; i < next; i++)
            {
                if (!refused.Contains(i))
                {
                    using var stream = new MemoryStream();
                    using (var writer = new Utf8JsonWriter(stream, Decoding.Relaxed))
                    {
                        json.WriteRow(writer);
                    }

                    texts[i] = Encoding.UTF8.GetString(stream.ToArray());
                }
            }

            first = next;
        }

        return (texts, rejected);
    }

    public static byte[] Framed(int id, byte[] value)
    {
        byte[] record = new byte[5 + value.Length];
        BinaryPrimitives.WriteInt32BigEndian(record.AsSpan(1), id);
        value.CopyTo(record, 5);
        return record;
    }
}
