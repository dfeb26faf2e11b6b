using System.Runtime.CompilerServices;
using OrleansLake.Iceberg;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Read;

/// <summary>The rows of one file in the columns of a scan, in the order of their positions.</summary>
internal static class DataFileBatches
{
    /// <summary>
    /// Batches, each with the position of its first row; every one is <paramref name="target"/> filled anew. Rows that cannot
    /// satisfy <paramref name="condition"/> may be left out.
    /// </summary>
    /// <exception cref="NotSupportedException">The file is of a format that is not read here.</exception>
    public static IAsyncEnumerable<long> ReadAsync(
        IObjectStore store, DataFile file, IReadOnlyList<NestedField> fields, ColumnBatch target, FileConstants constants, NameMapping? mapping, int batchRows, CancellationToken cancellationToken, BoundExpression? condition = null, ReadMemory? memory = null) =>
        file.FileFormat switch
        {
            _ when file.KeyMetadata is { Length: > 0 } => throw new NotSupportedException($"{file.FilePath}: it is encrypted, and encrypted files are not read"),
            "parquet" => ReadParquetAsync(store, file, fields, target, constants, mapping, batchRows, condition, memory, cancellationToken),
            "avro" => ReadAvroAsync(store, file, fields, target, constants, mapping, batchRows, cancellationToken),
            var other => throw new NotSupportedException($"{file.FilePath}: expected Parquet or Avro, got {other.ToUpperInvariant()}, which is not read"),
        };

    private static async IAsyncEnumerable<long> ReadParquetAsync(
        IObjectStore store, DataFile file, IReadOnlyList<NestedField> fields, ColumnBatch target, FileConstants constants, NameMapping? mapping, int batchRows, BoundExpression? condition, ReadMemory? memory, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var source = await ObjectBytes.OpenAsync(store, file.FilePath, file.FileSizeBytes, cancellationToken).ConfigureAwait(false);
        var reader = await ParquetReader.OpenAsync(source, cancellationToken: cancellationToken).ConfigureAwait(false);
        if (reader.RowCount != file.RecordCount)
        {
            throw new InvalidDataException($"{file.FilePath}: expected {file.RecordCount} rows, as the manifest says, got {reader.RowCount}");
        }

        var fileColumns = FileColumns.Of(reader.Schema, mapping, file.FilePath);
        var sources = BatchBinder.Bind(fields, target.Schema, fileColumns, constants, file.FilePath);
        var leaves = BatchProjection.FileLeaves(sources);
        var projection = new BatchProjection(sources, target, leaves);
        long position = 0;
        if (leaves.Count == 0)
        {
            while (position < reader.RowCount)
            {
                cancellationToken.ThrowIfCancellationRequested();
                int rows = (int)Math.Min(batchRows, reader.RowCount - position);
                projection.Fill(null, rows, position);
                yield return position;
                position += rows;
            }

            yield break;
        }

        var wanted = leaves.ToHashSet();
        var selection = new RowSelection
        {
            Columns = column => wanted.Contains(column.Index),
            Filter = condition is null ? null : ResidualFilter.Of(condition, fileColumns, reader.Schema),
            BatchRows = batchRows,
            Memory = memory,
        };
        await foreach (var batch in reader.ReadAsync(selection, cancellationToken).ConfigureAwait(false))
        {
            cancellationToken.ThrowIfCancellationRequested();
            int rows = batch.RowCount;
            position = batch.FirstRow;
            try
            {
                projection.Fill(batch, rows, position);
            }
            catch (Exception e) when (e is InvalidDataException or OverflowException or ParquetFormatException)
            {
                throw new InvalidDataException($"{file.FilePath}: rows from {position}: {e.Message}", e);
            }

            yield return position;
        }
    }

    private static async IAsyncEnumerable<long> ReadAvroAsync(
        IObjectStore store, DataFile file, IReadOnlyList<NestedField> fields, ColumnBatch target, FileConstants constants, NameMapping? mapping, int batchRows, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var shredder = new RowShredder(fields, target);
        long position = 0, next = 0;
        target.Clear();
        await foreach (object?[] row in AvroDataFile.ReadRowsAsync(store, file.FilePath, file.FileSizeBytes, fields, mapping, constants.ValueOf, cancellationToken).ConfigureAwait(false))
        {
            constants.Complete(fields, row, next++);
            shredder.Append(row);
            if (target.RowCount == batchRows)
            {
                cancellationToken.ThrowIfCancellationRequested();
                yield return position;
                position = next;
                target.Clear();
            }
        }

        if (next != file.RecordCount)
        {
            throw new InvalidDataException($"{file.FilePath}: expected {file.RecordCount} rows, as the manifest says, got {next}");
        }

        if (target.RowCount > 0)
        {
            yield return position;
        }
    }
}
