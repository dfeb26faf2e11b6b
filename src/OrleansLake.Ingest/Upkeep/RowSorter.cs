using System.Runtime.CompilerServices;
using OrleansLake.Ingest.Write;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Upkeep;

/// <summary>
/// Sorts rows in bounded memory: as many as fit are sorted and, where there are more, written to a file of this machine; the
/// files are merged.
/// </summary>
internal sealed class RowSorter(ParquetSchema columns, Func<IKeyWriter> keys, long memoryBytes)
{
    private const long LargestRun = 1L << 30;

    private static readonly ParquetWriterOptions RunOptions = new() { Compression = CompressionCodec.Lz4Raw, PageIndex = false, PageChecksums = false };

    /// <summary>How many files of this machine it took.</summary>
    public int Runs { get; private set; }

    /// <summary>The rows in order. Batches may be large; each is gone when the next one is asked for.</summary>
    public async IAsyncEnumerable<ColumnBatch> SortAsync(IAsyncEnumerable<ColumnBatch> rows, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // The rows, their keys and the rows in order are in memory at once.
        long most = Math.Min(LargestRun, memoryBytes / 3);
        var run = new ColumnBatch(columns);
        var sorted = new RowGather(columns);
        var files = new List<FileStream>();
        try
        {
            await foreach (var batch in rows.WithCancellation(cancellationToken).ConfigureAwait(false))
            {
                run.Append(batch, 0, batch.RowCount);
                if (run.SizeBytes >= most)
                {
                    files.Add(Spill(Sorted(run, sorted)));
                    run.Clear();
                }
            }

            if (files.Count == 0)
            {
                yield return Sorted(run, sorted);
                yield break;
            }

            if (run.RowCount > 0)
            {
                files.Add(Spill(Sorted(run, sorted)));
            }

            Runs = files.Count;
            // The memory of the runs is for the merge now.
            run = new ColumnBatch(columns);
            sorted = new RowGather(columns);
            int batchRows = (int)Math.Clamp(RewriteWriter.BatchRows * 32L / files.Count, 256, RewriteWriter.BatchRows);
            await foreach (var batch in RowMerge.MergeAsync([.. files.Select(file => ReadAsync(file, batchRows))], columns, keys, RewriteWriter.BatchRows, cancellationToken).ConfigureAwait(false))
            {
                yield return batch;
            }
        }
        finally
        {
            foreach (var file in files)
            {
                await file.DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    private ColumnBatch Sorted(ColumnBatch run, RowGather sorted)
    {
        var all = new RowKeys(keys());
        all.Read(run);
        sorted.Gather(run, all.Order());
        return sorted.Rows;
    }

    private FileStream Spill(ColumnBatch sorted)
    {
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        var file = new FileStream(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, 1 << 16, FileOptions.DeleteOnClose);
        try
        {
            using var writer = new ParquetWriter(file, columns, RunOptions);
            writer.Append(sorted);
            writer.Close();
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private static async IAsyncEnumerable<ColumnBatch> ReadAsync(FileStream file, int batchRows)
    {
        file.Position = 0;
        foreach (var batch in ParquetReader.Open(file).Read(new RowSelection { BatchRows = batchRows }))
        {
            yield return batch;
        }

        await ValueTask.CompletedTask.ConfigureAwait(false);
    }
}
