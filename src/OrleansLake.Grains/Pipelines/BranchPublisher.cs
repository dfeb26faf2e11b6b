using OrleansLake.Contracts;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Quality;

namespace OrleansLake.Grains;

/// <summary>What became of a try to publish.</summary>
/// <param name="SnapshotId">The snapshot that main has now; null: it stays where it was.</param>
/// <param name="Rows">New rows that were looked at.</param>
/// <param name="Findings">What they do not meet, or what else stands in the way.</param>
public sealed record PublishOutcome(long? SnapshotId, long Rows, IReadOnlyList<string> Findings);

/// <summary>
/// Write, audit, publish: moves main on to a state of the branch that passed its audit, and to no other. The swap asserts that main
/// is where it was when the audit began; what the branch has gained since is for the next time.
/// </summary>
public sealed class BranchPublisher(Catalogs catalogs, IdSource ids, TimeProvider time)
{
    /// <summary>Audits what the branch has beyond main, and publishes it.</summary>
    public async Task<PublishOutcome> PublishAsync(PipelineDefinition definition, PublishSettings settings, CancellationToken cancellationToken)
    {
        ICatalog catalog = catalogs.Find(definition.Catalog);
        TableIdentifier identifier = TableIdentifier.Parse(definition.Table);
        LoadedTable table = await catalog.LoadTableAsync(identifier, cancellationToken) ?? throw new PipelineTroubleException($"table {identifier} does not exist");
        TableMetadata metadata = table.Metadata;
        Snapshot? main = metadata.FindRef(SnapshotRef.Main);
        if (metadata.FindRef(settings.Branch) is not { } head || head.SnapshotId == main?.SnapshotId)
        {
            return new PublishOutcome(null, 0, []);
        }

        if (main is not null && !Descends(metadata, head, main))
        {
            return new PublishOutcome(null, 0, [$"main has gone another way than branch {settings.Branch}: snapshot {main.SnapshotId} is not behind {head.SnapshotId}; somebody must bring the two together"]);
        }

        BranchFindings found = await BranchAudit.RunAsync(table, head, main, [.. settings.Audit.Select(PipelineWriters.ExpectationOf)], cancellationToken);
        if (found.Findings.Count > 0)
        {
            return new PublishOutcome(null, found.Rows, found.Findings);
        }

        var publish = new Transaction(time).Then(now => now.FindRef(SnapshotRef.Main)?.SnapshotId == main?.SnapshotId
            ? new ManageSnapshots(now).SetCurrent(head.SnapshotId)
            : throw new PipelineTroubleException("main was moved while the branch was audited"));
        return await new TableChanges(catalog, ids, time).CommitAsync(identifier, publish, cancellationToken) switch
        {
            CommitResult.Committed => new PublishOutcome(head.SnapshotId, found.Rows, []),
            CommitResult.Unknown unknown => throw new PipelineTroubleException($"whether main was moved is not known, it is looked at again: {unknown.Cause.Message}", unknown.Cause),
            _ => throw new PipelineTroubleException("main could not be moved, others were faster each time; it is tried again"),
        };
    }

    /// <summary>Makes the branch where main is, if the table has none of that name.</summary>
    public async Task EnsureBranchAsync(PipelineDefinition definition, string branch, CancellationToken cancellationToken)
    {
        ICatalog catalog = catalogs.Find(definition.Catalog);
        TableIdentifier identifier = TableIdentifier.Parse(definition.Table);
        LoadedTable? table = await catalog.LoadTableAsync(identifier, cancellationToken);
        if (table?.Metadata.FindRef(SnapshotRef.Main) is null || table.Metadata.Refs.ContainsKey(branch))
        {
            return; // a table without a snapshot: the branch comes with the first commit
        }

        CommitResult made = await new TableChanges(catalog, ids, time).CommitAsync(identifier, new Transaction(time).Then(now => new ManageSnapshots(now).CreateBranch(branch)), cancellationToken);
        if (made is not CommitResult.Committed)
        {
            throw new PipelineTroubleException($"table {identifier}: branch {branch} could not be made; it is tried again");
        }
    }

    private static bool Descends(TableMetadata metadata, Snapshot head, Snapshot from)
    {
        for (Snapshot? at = head; at is not null; at = metadata.FindSnapshot(at.ParentSnapshotId))
        {
            if (at.SnapshotId == from.SnapshotId || at.ParentSnapshotId == from.SnapshotId)
            {
                return true;
            }
        }

        return false;
    }
}
