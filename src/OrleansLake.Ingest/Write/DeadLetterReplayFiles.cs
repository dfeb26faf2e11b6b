using OrleansLake.Iceberg;
using OrleansLake.Ingest.Decode;
using OrleansLake.Ingest.Kafka;

namespace OrleansLake.Ingest.Write;

/// <summary>The open files of a replay: records that were dead letters, decoded again.</summary>
internal sealed class ReplayFiles(RowLine line, OpenFiles files) : IAsyncDisposable
{
    /// <summary>The schema that is written.</summary>
    public Schema Schema => line.Plan.Schema;

    /// <summary>Bytes of memory that the open files hold.</summary>
    public long BufferedBytes => files.BufferedBytes;

    /// <summary>Decodes a batch; what is refused again is added to <paramref name="rejected"/>, all else is a row from here on.</summary>
    public void Append(KafkaBatch batch, List<RejectedRecord> rejected)
    {
        for (int record = 0; record < batch.Count;)
        {
            line.Rows.Clear();
            line.Rejected.Clear();
            int next = line.Decoder.Decode(batch, record, line.Rows, line.Rejected);
            if (line.Rows.RowCount + line.Rejected.Count != next - record)
            {
                throw new InvalidOperationException($"{batch.TopicPartition}: expected {next - record} rows and rejects, got {line.Rows.RowCount} and {line.Rejected.Count}");
            }

            files.Append(line.Screen is { } screen ? screen.Screen(batch, record, ref next, line.Rows, line.Rejected, out _) : line.Rows);
            rejected.AddRange(line.Rejected);
            record = next;
        }
    }

    /// <summary>Closes every file: durable when this returns.</summary>
    public Task<IReadOnlyList<DataFile>> CompleteAsync(CancellationToken cancellationToken) => files.CompleteAsync(cancellationToken);

    /// <summary>Deletes what was written: only as long as no swap was tried with it.</summary>
    public ValueTask DisposeAsync() => files.DisposeAsync();
}
