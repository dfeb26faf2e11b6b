using OrleansLake.Iceberg;
using OrleansLake.Ingest.Commit;

namespace OrleansLake.Ingest.Backfill;

/// <summary>The branch of a backfill: made and given up together with the plan, in one swap.</summary>
public sealed class BackfillBranch(ICatalog catalog, IdSource ids, TimeProvider time)
{
    /// <summary>
    /// The plan of a branch: the one that stands, if it is of what is asked for; else one that is made together with the branch,
    /// where <paramref name="from"/> is.
    /// </summary>
    /// <param name="table">The table.</param>
    /// <param name="branch">The branch.</param>
    /// <param name="pipeline">The pipeline.</param>
    /// <param name="request">What is asked for, as people write it; null: whatever the branch's plan says.</param>
    /// <param name="from">The branch that the new one begins at.</param>
    /// <param name="ranges">Finds out what is to be read, and ids of the topics; asked only where the plan is made.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="BackfillException">The branch is of something else, or could not be made.</exception>
    public async Task<BackfillPlan> OpenAsync(
        TableIdentifier table,
        string branch,
        string pipeline,
        string? request,
        string from,
        Func<CancellationToken, Task<(IReadOnlyList<BackfillRange> Ranges, IReadOnlyDictionary<string, string> TopicIds)>> ranges,
        CancellationToken cancellationToken)
    {
        LoadedTable loaded = await LoadAsync(table, cancellationToken).ConfigureAwait(false);
        if (Standing(loaded, branch, pipeline, request) is { } standing)
        {
            return standing;
        }

        if (request is null)
        {
            throw new BackfillException($"{table}: branch {branch} has no backfill; say what it shall read: --from, --to");
        }

        var (toRead, topicIds) = await ranges(cancellationToken).ConfigureAwait(false);
        Guid id = ids.NewUuid();
        // A table without a snapshot gets one without rows, so that a branch stands from the beginning: of two that make it, one does.
        var empty = new AppendFiles(branch, ids, time);
        var make = new Transaction(time).Then(async (now, token) =>
        {
            if (now.Metadata.Refs.ContainsKey(branch))
            {
                throw new BackfillException($"{table}: somebody else has made branch {branch} meanwhile");
            }

            Snapshot? head = now.Metadata.FindRef(from);
            StagedSnapshot? staged = head is null ? await empty.StageAsync(now, new SnapshotExtras { Summary = new Dictionary<string, string> { [SummaryKeys.Upkeep] = "backfill" } }, token).ConfigureAwait(false) : null;
            Snapshot begin = head ?? staged!.Snapshot;
            var plan = new BackfillPlan
            {
                Id = id,
                Pipeline = pipeline,
                Branch = branch,
                Request = request,
                BaseSnapshotId = begin.SnapshotId,
                BaseSequenceNumber = Math.Max(now.Metadata.LastSequenceNumber, begin.SequenceNumber),
                Ranges = toRead,
                TopicIds = topicIds,
            };
            List<TableUpdate> updates = staged is null ? [new TableUpdate.SetSnapshotRef(branch, new SnapshotRef(begin.SnapshotId, IsTag: false))] : [.. staged.Updates];
            // What dropped branches of the same name have left.
            List<string> left = OffsetsProperty.NamesOf(branch, now.Metadata.Properties);
            if (left.Count > 0)
            {
                updates.Add(new TableUpdate.RemoveProperties(left));
            }

            updates.Add(new TableUpdate.SetProperties(new Dictionary<string, string> { [BackfillPlan.PropertyOf(branch)] = plan.ToJson() }));
            return new StagedChange(
                [new TableRequirement.AssertTableUuid(now.Metadata.TableUuid), new TableRequirement.AssertRefSnapshotId(branch, null), new TableRequirement.AssertRefSnapshotId(from, head?.SnapshotId)],
                updates);
        });
        CommitResult made = await new TableChanges(catalog, ids, time).CommitAsync(table, make, cancellationToken).ConfigureAwait(false);
        loaded = await LoadAsync(table, cancellationToken).ConfigureAwait(false);
        return Standing(loaded, branch, pipeline, request)
            ?? throw new BackfillException($"{table}: branch {branch} could not be made: {(made as CommitResult.Unknown)?.Cause.Message ?? (made as CommitResult.Conflict)?.Reason}; ask again");
    }

    /// <summary>Removes the branch and its plan. False: there was neither. Files go when its snapshots expire.</summary>
    /// <exception cref="BackfillException">The branch is not of a backfill, or what became of the swap is not known.</exception>
    public async Task<bool> DropAsync(TableIdentifier table, string branch, CancellationToken cancellationToken)
    {
        LoadedTable loaded = await LoadAsync(table, cancellationToken).ConfigureAwait(false);
        if (BackfillPlan.Find(loaded.Metadata.Properties, branch) is null)
        {
            return loaded.Metadata.Refs.ContainsKey(branch) ? throw NotOurs(table, branch) : false;
        }

        var drop = new Transaction(time).Then((now, _) => Task.FromResult(new StagedChange([new TableRequirement.AssertTableUuid(now.Metadata.TableUuid)], Removal(now.Metadata, branch))));
        return await new TableChanges(catalog, ids, time).CommitAsync(table, drop, cancellationToken).ConfigureAwait(false) switch
        {
            CommitResult.Committed => true,
            CommitResult.Unknown unknown => throw new BackfillException($"{table}: whether branch {branch} is gone is not known: {unknown.Cause.Message}; ask again", unknown.Cause),
            _ => throw new BackfillException($"{table}: branch {branch} could not be dropped, others were faster each time; ask again"),
        };
    }

    /// <summary>What takes a branch away with all that a table's properties say of it.</summary>
    internal static List<TableUpdate> Removal(TableMetadata metadata, string branch)
    {
        List<TableUpdate> updates = metadata.Refs.ContainsKey(branch) ? [new TableUpdate.RemoveSnapshotRef(branch)] : [];
        string[] names = [.. OffsetsProperty.NamesOf(branch, metadata.Properties), .. metadata.Properties.ContainsKey(BackfillPlan.PropertyOf(branch)) ? new[] { BackfillPlan.PropertyOf(branch) } : []];
        if (names.Length > 0)
        {
            updates.Add(new TableUpdate.RemoveProperties(names));
        }

        return updates;
    }

    private static BackfillPlan? Standing(LoadedTable table, string branch, string pipeline, string? request)
    {
        bool isThere = table.Metadata.Refs.ContainsKey(branch);
        if (BackfillPlan.Find(table.Metadata.Properties, branch) is not { } plan || !isThere)
        {
            // A plan without a branch: somebody dropped that with another tool, and its rows with it.
            return isThere ? throw NotOurs(table.Identifier, branch) : null;
        }

        if (plan.Pipeline != pipeline || (request is not null && plan.Request != request))
        {
            throw new BackfillException(
                $"{table.Identifier}: branch {branch} holds a backfill of {plan.Pipeline} {plan.Request}, asked for is {pipeline} {request}; go on with that one without --from and --to, publish it, or drop it");
        }

        return plan;
    }

    private static BackfillException NotOurs(TableIdentifier table, string branch) => new($"{table}: branch {branch} is not of a backfill; take another name");

    private async Task<LoadedTable> LoadAsync(TableIdentifier table, CancellationToken cancellationToken) =>
        await catalog.LoadTableAsync(table, cancellationToken).ConfigureAwait(false) ?? throw new BackfillException($"table {table} does not exist");
}
