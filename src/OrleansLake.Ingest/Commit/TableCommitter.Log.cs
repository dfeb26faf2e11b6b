using Microsoft.Extensions.Logging;
using OrleansLake.Iceberg;

namespace OrleansLake.Ingest.Commit;

public sealed partial class TableCommitter
{
    [LoggerMessage(Level = LogLevel.Information, Message = "Committed snapshot {SnapshotId} to {Table}: {Files} files, {Rows} rows, {Ranges} in {Milliseconds} ms")]
    private partial void LogCommitted(long snapshotId, TableIdentifier table, int files, long rows, string ranges, long milliseconds);

    [LoggerMessage(Level = LogLevel.Information, Message = "Committed snapshot {SnapshotId} to {Table}: no rows, offsets by {Reason}: {Ranges}")]
    private partial void LogMoved(long snapshotId, TableIdentifier table, string reason, string ranges);

    [LoggerMessage(Level = LogLevel.Debug, Message = "Expired {Count} of our own snapshots of {Table} with it")]
    private partial void LogExpired(TableIdentifier table, int count);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Count} manifest lists of expired snapshots of {Table} were not deleted")]
    private partial void LogNotDeleted(Exception e, TableIdentifier table, int count);

    [LoggerMessage(Level = LogLevel.Warning, Message = "One of {Count} reports to {Table} cannot be written; committing them one by one")]
    private partial void LogOneByOne(Exception e, TableIdentifier table, int count);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Refused report {ReportId} of {WriterId} to {Table} as {Reason}: {Finding}")]
    private partial void LogRefused(TableIdentifier table, Guid reportId, string writerId, RefusalReason reason, string finding);

    [LoggerMessage(Level = LogLevel.Error, Message = "Two writers report {TopicPartition} to {Table} in turn: {First} and {Second}")]
    private partial void LogDuel(TableIdentifier table, TopicPartition topicPartition, string first, string second);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Commits to {Table} are held up: {Finding}")]
    private partial void LogTrouble(Exception trouble, TableIdentifier table, string finding);

    [LoggerMessage(Level = LogLevel.Information, Message = "Added columns that records have to {Table}: {Columns}; schema {SchemaId}")]
    private partial void LogGrown(TableIdentifier table, string columns, int schemaId);

    [LoggerMessage(Level = LogLevel.Information, Message = "Commits to {Table} go on")]
    private partial void LogTroubleOver(TableIdentifier table);

    [LoggerMessage(Level = LogLevel.Information, Message = "Committed snapshot {SnapshotId} to {Table}: {Files} files, {Rows} rows of backfill {Branch}")]
    private partial void LogPublished(long snapshotId, TableIdentifier table, int files, long rows, string branch);
}
