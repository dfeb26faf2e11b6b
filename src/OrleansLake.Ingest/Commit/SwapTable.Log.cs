using Microsoft.Extensions.Logging;
using OrleansLake.Iceberg;

namespace OrleansLake.Ingest.Commit;

internal sealed partial class SwapTable
{
    [LoggerMessage(Level = LogLevel.Warning, Message = "Swap of {Table} by commit {CommitId} is unknown, looking for it: {Cause}")]
    private partial void LogUnknown(TableIdentifier table, Guid commitId, string cause);

    [LoggerMessage(Level = LogLevel.Information, Message = "Swap of {Table} by commit {CommitId} had landed as snapshot {SnapshotId}")]
    private partial void LogFound(TableIdentifier table, Guid commitId, long snapshotId);

    [LoggerMessage(Level = LogLevel.Information, Message = "Swap of {Table} by commit {CommitId} did not land, judging its reports again: {Reason}")]
    private partial void LogLost(TableIdentifier table, Guid commitId, string reason);
}
