using OrleansLake.Iceberg;
using OrleansLake.Ingest.Backfill;

namespace OrleansLake.Ingest.Commit;

/// <summary>The rows of a backfill are in the table's branch.</summary>
/// <param name="SnapshotId">The snapshot that they came in with; null: they were in before.</param>
/// <param name="Rows">How many.</param>
/// <param name="Files">In how many files.</param>
public sealed record BackfillPublished(long? SnapshotId, long Rows, int Files);

// A backfill's branch is taken in by one append of its files, since main has moved on meanwhile. Invariants:
//
// 1. Its offsets come in with its rows, in one swap, under the name that they had on the branch: they say that it is in, whatever
//    became of an answer, and the audit counts the rows by them.
// 2. The swap asserts where the branch stands, so its files are live until they are: neither expiry nor orphan removal may have
//    taken one.
// 3. The files that come in hold as many rows as the offsets count. A branch in which somebody has deleted or rewritten is refused.
public sealed partial class TableCommitter
{
    /// <summary>Takes the rows of a backfill in from its branch, once, and removes that unless it is to be kept.</summary>
    /// <exception cref="BackfillException">It has not come to its end, or its branch is not as it left it.</exception>
    /// <exception cref="PipelineStoppedException">A person must look at the table first.</exception>
    public Task<BackfillPublished> PublishAsync(BackfillPlan plan, bool keepBranch, CancellationToken cancellationToken) => InTurnAsync(() => PublishInTurnAsync(plan, keepBranch, cancellationToken), cancellationToken);

    /// <summary>What a backfill has committed to its branch so far.</summary>
    public async Task<BackfillCounts> BackfillCountsAsync(BackfillPlan plan, CancellationToken cancellationToken) =>
        CountsOf(plan, await _rows.ReadLineageAsync(await _rows.LoadAsync(cancellationToken), plan.Branch, cancellationToken));

    private static BackfillCounts CountsOf(BackfillPlan plan, Lineage branch)
    {
        var counts = new BackfillCounts();
        foreach (BackfillRange range in plan.Ranges)
        {
            if (branch.Offsets.Find(plan.Reader, plan.Generation, range.TopicPartition) is { } offset)
            {
                counts = new BackfillCounts
                {
                    Offsets = counts.Offsets + Math.Min(offset.Next, range.Range.Next) - range.Range.First,
                    Rows = counts.Rows + offset.Rows,
                    Rejected = counts.Rejected + offset.Rejected,
                    Gaps = counts.Gaps + offset.Gap,
                };
            }
        }

        return counts with { SnapshotId = branch.Head?.SnapshotId, IsComplete = counts.Offsets == plan.Offsets };
    }

    private async Task<BackfillPublished> PublishInTurnAsync(BackfillPlan plan, bool keepBranch, CancellationToken cancellationToken)
    {
        Guid commitId = _ids.NewUuid();
        AppendFiles? append = null;
        List<DataFile> files = [];
        long? taken = null;
        for (int lost = 0; ; lost++)
        {
            LoadedTable table = await _rows.LoadAsync(cancellationToken);
            Lineage rows = await _rows.ReadLineageAsync(table, _options.Branch, cancellationToken);
            Lineage branch = await _rows.ReadLineageAsync(table, plan.Branch, cancellationToken);
            if ((rows.Stop ?? branch.Stop) is { } stop)
            {
                throw new PipelineStoppedException(stop.Message);
            }

            BackfillCounts counts = CountsOf(plan, branch);
            if (rows.Offsets.Pipelines.TryGetValue(CommittedOffsets.KeyOf(plan.Reader, plan.Generation), out var known) && !known.IsEmpty)
            {
                return new BackfillPublished(null, counts.Rows, 0);
            }

            if (branch.Head is not { } head || !counts.IsComplete)
            {
                throw new BackfillException($"{_options.Table}: the backfill of branch {plan.Branch} is not at its end: {counts.Offsets} of {plan.Offsets} offsets are in it");
            }

            if (taken != head.SnapshotId)
            {
                files = await FilesOfAsync(plan, branch, counts, cancellationToken);
                append = NewAppend(_options.Branch, files);
                taken = head.SnapshotId;
            }

            Dictionary<string, string> summary = new() { [SummaryKeys.Reason] = "publish", [SummaryKeys.Backfill] = plan.Branch };
            CommittedOffsets offsets = counts.Offsets > 0 ? rows.Offsets.Adopt(plan.Reader, plan.Generation, branch.Offsets) : rows.Offsets;
            SwapEnd end = await AddSnapshotAsync(
                _rows, rows, append!, commitId, offsets, [], summary, cancellationToken,
                _ => keepBranch ? [] : [.. BackfillBranch.Removal(table.Metadata, plan.Branch)],
                new TableRequirement.AssertRefSnapshotId(plan.Branch, head.SnapshotId));
            if (end is SwapEnd.Landed landed)
            {
                LogPublished(landed.Place.SnapshotId, _options.Table, files.Count, counts.Rows, plan.Branch);
                return new BackfillPublished(landed.Place.SnapshotId, counts.Rows, files.Count);
            }

            await _pauses.WaitAsync(lost, cancellationToken);
        }
    }

    private async Task<List<DataFile>> FilesOfAsync(BackfillPlan plan, Lineage branch, BackfillCounts counts, CancellationToken cancellationToken)
    {
        if (branch.Snapshots.TakeWhile(snapshot => snapshot.SequenceNumber > plan.BaseSequenceNumber).FirstOrDefault(static snapshot => !LineageReader.IsOurs(snapshot)) is { } foreign)
        {
            throw Changed(plan, $"snapshot {foreign.SnapshotId} ({foreign.Summary.GetValueOrDefault("operation")}) is of somebody else");
        }

        var files = new List<DataFile>();
        await foreach (ManifestEntry entry in SnapshotFiles.LiveAsync(branch.Table, branch.Head!, cancellationToken))
        {
            if ((entry.FileSequenceNumber ?? entry.SequenceNumber) <= plan.BaseSequenceNumber)
            {
                continue;
            }

            if (entry.DataFile.Content != DataFileContent.Data)
            {
                throw Changed(plan, $"it has deletes: {entry.DataFile.FilePath}");
            }

            // Row ids are given out anew, as to any file that a snapshot adds. https://iceberg.apache.org/spec/#row-lineage
            files.Add(entry.DataFile with { FirstRowId = null });
        }

        long found = files.Sum(static file => file.RecordCount);
        return found == counts.Rows ? files : throw Changed(plan, $"expected {counts.Rows} rows in its files by its offsets, got {found}");
    }

    private BackfillException Changed(BackfillPlan plan, string finding) =>
        new($"{_options.Table}: branch {plan.Branch} is not as its backfill left it: {finding}; fast-forward main to it, or take its rows over with an engine, then drop it");
}
