using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Write;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Read;

/// <summary>The rows of metadata tables in the forms that the rows of tables have.</summary>
public static class MetadataRows
{
    private const int BatchRows = 256;

    /// <summary>Batches. Every one is the same object: what it holds is gone when the next one is asked for.</summary>
    public static async IAsyncEnumerable<ColumnBatch> ReadAsync(MetadataTable table, Snapshot? snapshot, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var batch = new ColumnBatch(IcebergParquet.ToParquet(table.Schema));
        var shredder = new RowShredder(table.Schema.Fields, batch);
        await foreach (object?[] row in table.ReadAsync(snapshot, cancellationToken).ConfigureAwait(false))
        {
            shredder.Append(row);
            if (batch.RowCount == BatchRows)
            {
                yield return batch;
                batch.Clear();
            }
        }

        if (batch.RowCount > 0)
        {
            yield return batch;
        }
    }

    /// <summary>JSON objects in UTF-8, in the form of <see cref="TableScan.ReadJsonAsync"/>.</summary>
    public static async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadJsonAsync(MetadataTable table, Snapshot? snapshot, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
        RowJson? rows = null;
        await foreach (var batch in ReadAsync(table, snapshot, cancellationToken).ConfigureAwait(false))
        {
            rows ??= new RowJson(table.Schema, batch.Schema);
            rows.Attach(batch);
            for (int row = 0; row < batch.RowCount; row++)
            {
                buffer.ResetWrittenCount();
                json.Reset();
                rows.WriteRow(json);
                json.Flush();
                yield return buffer.WrittenMemory;
            }
        }
    }
}
