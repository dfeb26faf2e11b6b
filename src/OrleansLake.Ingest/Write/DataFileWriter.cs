using OrleansLake.Iceberg;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Write;

/// <summary>The files of one table partition: one is open, and a new one begins when it has reached the target size.</summary>
internal sealed class DataFileWriter(WritePlan plan, IObjectStore store, PartitionKey partition, Func<string> nextLocation) : IAsyncDisposable
{
    private readonly List<Written> _written = [];
    private ParquetWriter? _writer;
    private DeferredObject? _object;
    private long _writerBytes;
    private bool _writerBytesAreKnown = true;

    /// <summary>Memory that the open file holds, and what is on its way of those before it. Asked of all files after every batch, and most of them have not changed.</summary>
    public long BufferedBytes
    {
        get
        {
            if (!_writerBytesAreKnown)
            {
                _writerBytes = _writer?.BufferedBytes ?? 0;
                _writerBytesAreKnown = true;
            }

            long bytes = _writerBytes + (_object?.HeldBytes ?? 0);
            foreach (var (target, _) in _written)
            {
                bytes += target.HeldBytes;
            }

            return bytes;
        }
    }

    /// <summary>Bytes that the open file would have if it were closed now.</summary>
    public long FileSizeBytes { get; private set; }

    /// <summary>Appends a run of rows.</summary>
    public void Append(ColumnBatch batch, int firstRow, int rowCount)
    {
        _writer ??= Begin();
        _writer.Append(batch, firstRow, rowCount);
        _writerBytesAreKnown = false;
        FileSizeBytes = _writer.EstimatedFileSizeBytes;
        if (FileSizeBytes >= plan.TargetFileSizeBytes)
        {
            Finish();
        }
    }

    /// <summary>Writes what is in memory; the files are not yet durable.</summary>
    public void Finish()
    {
        if (_writer is { } writer && _object is { } target)
        {
            var file = writer.Close();
            target.Flush();
            plan.Keep(writer);
            Forget();
            _written.Add(new Written(target, file));
        }
    }

    /// <summary>Makes the files durable and describes them.</summary>
    public async Task<IReadOnlyList<DataFile>> CompleteAsync(CancellationToken cancellationToken)
    {
        Finish();
        var files = new List<DataFile>(_written.Count);
        foreach (var (target, file) in _written)
        {
            await target.CompleteAsync(cancellationToken).ConfigureAwait(false);
            files.Add(plan.Metrics.Describe(
                new DataFile
                {
                    FilePath = target.Location,
                    SpecId = plan.Spec.SpecId,
                    Partition = partition,
                    RecordCount = file.RowCount,
                    FileSizeBytes = file.FileSizeBytes,
                    SplitOffsets = file.SplitPositions,
                    SortOrderId = plan.SortOrderId,
                },
                file));
        }

        return files;
    }

    /// <summary>Drops what is not complete and deletes what is.</summary>
    public async ValueTask DisposeAsync()
    {
        _writer?.Dispose();
        var open = _object;
        Forget();
        if (open is not null)
        {
            await open.DisposeAsync().ConfigureAwait(false);
        }

        foreach (var (target, _) in _written)
        {
            await target.DisposeAsync().ConfigureAwait(false);
        }

        string[] complete = [.. _written.Where(written => written.Target.IsComplete).Select(written => written.Target.Location)];
        _written.Clear();
        if (complete.Length > 0)
        {
            await store.DeleteAsync(complete, CancellationToken.None).ConfigureAwait(false);
        }
    }

    private void Forget()
    {
        (_writer, _object) = (null, null);
        (_writerBytes, _writerBytesAreKnown, FileSizeBytes) = (0, true, 0);
    }

    private ParquetWriter Begin()
    {
        _object = new DeferredObject(store, nextLocation());
        return plan.OpenWriter(_object);
    }

    private sealed record Written(DeferredObject Target, ParquetFile File);
}
