using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using OrleansLake.Iceberg;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Read;

/// <summary>The rows of a table read back from its files, for people and for checks.</summary>
public static class TableRows
{
    /// <summary>
    /// Rows of a snapshot as JSON objects in UTF-8, by the schema's field ids: a column that a file lacks is null. File by
    /// file, in no order.
    /// </summary>
    /// <param name="table">The table.</param>
    /// <param name="snapshot">Which state of it; null: there is none, and no row either.</param>
    /// <param name="schema">The columns wanted; null: the table's current ones.</param>
    /// <param name="limit">Rows at most.</param>
    /// <param name="cancellationToken">Ends it early.</param>
    /// <exception cref="NotSupportedException">The snapshot has delete files, or files that are not Parquet with field ids.</exception>
    public static async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadAsync(
        LoadedTable table,
        Snapshot? snapshot,
        Schema? schema = null,
        long limit = long.MaxValue,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        if (snapshot is null || limit <= 0)
        {
            yield break;
        }

        schema ??= table.Metadata.CurrentSchema;
        var files = new List<DataFile>();
        await foreach (var entry in SnapshotFiles.LiveAsync(table, snapshot, cancellationToken).ConfigureAwait(false))
        {
            Check(table, snapshot, entry.DataFile);
            files.Add(entry.DataFile);
        }

        var buffer = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, MaxDepth = 1000 });
        foreach (var file in files)
        {
            var source = await ObjectBytes.OpenAsync(table.Store, file.FilePath, file.FileSizeBytes, cancellationToken).ConfigureAwait(false);
            var reader = ParquetReader.Open(source);
            if (reader.RowCount != file.RecordCount)
            {
                throw new InvalidDataException($"{file.FilePath}: expected {file.RecordCount} rows, got {reader.RowCount}");
            }

            RowJson? rows = null;
            foreach (var batch in reader.Read())
            {
                if (rows is null)
                {
                    RequireIds(file, batch.Schema);
                    rows = new RowJson(schema, batch.Schema);
                }

                rows.Attach(batch);
                for (int row = 0; row < batch.RowCount; row++)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    buffer.ResetWrittenCount();
                    json.Reset();
                    rows.WriteRow(json);
                    json.Flush();
                    yield return buffer.WrittenMemory;
                    if (--limit == 0)
                    {
                        yield break;
                    }
                }
            }
        }
    }

    internal static void Check(LoadedTable table, Snapshot snapshot, DataFile file)
    {
        if (file.Content != DataFileContent.Data)
        {
            throw new NotSupportedException($"table {table.Identifier}, snapshot {snapshot.SnapshotId}: it has delete files ({file.FilePath}), which are not read yet");
        }

        if (!file.FileFormat.Equals("parquet", StringComparison.OrdinalIgnoreCase))
        {
            throw new NotSupportedException($"table {table.Identifier}: expected Parquet files, got {file.FileFormat} ({file.FilePath})");
        }
    }

    private static void RequireIds(DataFile file, ParquetSchema columns)
    {
        if (columns.Fields.All(field => field.FieldId is null))
        {
            throw new NotSupportedException($"{file.FilePath}: its columns have no field ids, and files are not read by name");
        }
    }
}
