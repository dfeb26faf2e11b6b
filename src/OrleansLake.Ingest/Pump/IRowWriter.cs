using OrleansLake.Iceberg;
using OrleansLake.Ingest.Kafka;

namespace OrleansLake.Ingest.Pump;

/// <summary>What became of the records of one batch.</summary>
/// <param name="Rows">Records that became rows.</param>
/// <param name="Rejected">Records that went to the dead letters.</param>
public readonly record struct AppendedRecords(int Rows, int Rejected)
{
    /// <summary>Records that are not for this table, or that nobody wants: positions without a row, like gaps.</summary>
    public int Skipped { get; init; }

    /// <summary>The record that ended the batch early: it and what lies behind it was not written; null: all of the batch was.</summary>
    public HaltedRecord? Halted { get; init; }
}

/// <summary>A record at which its topic-partition shall stop.</summary>
/// <param name="Offset">Its offset.</param>
/// <param name="Message">Why: place, expectation, finding.</param>
public sealed record HaltedRecord(long Offset, string Message);

/// <summary>Files that were closed together.</summary>
/// <param name="Files">Files of the table.</param>
/// <param name="DeadLetterFiles">Files of its dead-letter table.</param>
public sealed record WrittenFiles(IReadOnlyList<DataFile> Files, IReadOnlyList<DataFile> DeadLetterFiles);

/// <summary>
/// One set of open files, one for each table partition, that the records of all topic-partitions go into, written by one
/// schema from first to last. Called by one thread at a time.
/// </summary>
public interface IRowWriter : IAsyncDisposable
{
    /// <summary>
    /// Decodes and writes the records of a batch, each exactly once, as a row or as a dead letter, up to one that halts. Dead letters are given
    /// <paramref name="topicId"/>, the id of the topic that is read: null where the broker does not tell.
    /// </summary>
    AppendedRecords Append(KafkaBatch batch, string? topicId = null);

    /// <summary>Bytes of memory that the open files hold.</summary>
    long BufferedBytes { get; }

    /// <summary>Bytes that the largest open file would have if it were closed now.</summary>
    long LargestFileBytes { get; }

    /// <summary>Closes every file: durable when this returns. The writer takes no more records.</summary>
    Task<WrittenFiles> CloseAsync(CancellationToken cancellationToken);

    // DisposeAsync deletes what was written, closed files too. It is called only as long as nothing of the writer was
    // reported: a writer whose files are in a report is let go without it, for its files are no longer its own (rule 6).
}

/// <summary>Opens writers.</summary>
public interface IRowWriterFactory
{
    /// <summary>A writer for a table by its schema and spec as loaded; <paramref name="deadLetters"/> likewise.</summary>
    IRowWriter Open(LoadedTable table, LoadedTable deadLetters);

    /// <summary>What the records of all writers so far had beside their columns.</summary>
    FieldCounts Counts => FieldCounts.None;
}
