using OrleansLake.Iceberg;

namespace OrleansLake.Ingest.Commit;

/// <summary>What a replay adds to the main table.</summary>
internal sealed record ReplayCommit
{
    /// <summary>Made before anything is written; it stands in the dead letters that were taken up.</summary>
    public required Guid ReplayId { get; init; }

    /// <summary>The table that the files were written for.</summary>
    public required Guid TableUuid { get; init; }

    /// <summary>Its last sequence number when the first file was begun.</summary>
    public required long LastSequenceNumber { get; init; }

    /// <summary>When the first file was begun, in milliseconds since 1970.</summary>
    public required long BegunMs { get; init; }

    /// <summary>Fields that the files have.</summary>
    public required IReadOnlyCollection<int> FieldIds { get; init; }

    /// <summary>The files.</summary>
    public required IReadOnlyList<DataFile> Files { get; init; }

    /// <summary>Earlier replays that the dead-letter table no longer waits for: their traces in the table's properties go.</summary>
    public IReadOnlyCollection<Guid> Settled { get; init; } = [];
}

/// <summary>What became of a replay.</summary>
internal abstract record ReplayEnd
{
    private ReplayEnd() { }

    /// <summary>Its rows are in the table.</summary>
    public sealed record Landed(long SnapshotId) : ReplayEnd;

    /// <summary>They are not, and never will be.</summary>
    public sealed record Ended(string Why) : ReplayEnd;
}

// Dead letters that become rows. No swap spans the two tables, so the main table alone decides what became of a replay:
//
// 1. A replay has an id. Before its swap it is written into the dead letters that it takes up (claimed), in the same swap for all
//    of them, and only into those that carry none. After its swap they are marked as resolved, or the id is taken out again.
// 2. A replay lands once: its id stands among the reports of its snapshot and is looked up before each attempt.
// 3. Whoever finds dead letters claimed and not resolved asks the main table. Where the replay is not in, the finder first commits
//    an empty snapshot that ends it: a replay is staged only on a lineage where nothing has ended it, and the swap asserts that
//    lineage's head. Then, and not before, the dead letters are released.
// 4. A trace in the table's properties, made in the replay's own swap, tells of it when its snapshot has been expired.
// 5. A table that goes back takes the rows of a replay with it: its dead letters are released as long as the snapshot that went is listed.
// 6. Rows of the dead-letter table are rewritten, never removed: their offsets are known to a pump that resumes, whatever became
//    of them (rule 18). Offsets are carried on as they stand.
public sealed partial class TableCommitter
{
    /// <summary>Commits a replay's rows, or says why they never will be in.</summary>
    internal Task<ReplayEnd> CommitReplayAsync(ReplayCommit replay, CancellationToken cancellationToken) => InTurnAsync(() => CommitReplayInTurnAsync(replay, cancellationToken), cancellationToken);

    /// <summary>Says what became of a replay; one that is not in is ended.</summary>
    internal Task<ReplayEnd> EndReplayAsync(Guid replayId, CancellationToken cancellationToken) => InTurnAsync(() => EndReplayInTurnAsync(replayId, cancellationToken), cancellationToken);

    /// <summary>The main table as it is now.</summary>
    internal async Task<Lineage> ReadRowsAsync(CancellationToken cancellationToken) =>
        await _rows.ReadLineageAsync(await _rows.LoadAsync(cancellationToken), _options.Branch, cancellationToken);

    /// <summary>The dead-letter table as it is now.</summary>
    internal async Task<Lineage> ReadDeadLettersAsync(CancellationToken cancellationToken) => _deadLetters is null
        ? throw new InvalidOperationException($"{_options.Table} has no dead-letter table")
        : await _deadLetters.ReadLineageAsync(await _deadLetters.LoadAsync(cancellationToken), SnapshotRef.Main, cancellationToken);

    /// <summary>Rewrites rows of the dead-letter table.</summary>
    /// <exception cref="ChangeConflictException">A file that is rewritten is gone: look at the table anew.</exception>
    internal Task<SnapshotPlace> RewriteDeadLettersAsync(OverwriteFiles change, string reason, Guid replayId, CancellationToken cancellationToken) =>
        InTurnAsync(() => RewriteInTurnAsync(change, reason, replayId, cancellationToken), cancellationToken);

    /// <summary>The id under which the end of a replay stands among reports.</summary>
    internal static Guid EndOf(Guid replayId)
    {
        byte[] bytes = replayId.ToByteArray();
        for (int i = 0; i < bytes.Length; i++)
        {
            bytes[i] = (byte)~bytes[i];
        }

        return new Guid(bytes);
    }

    private async Task<ReplayEnd> CommitReplayInTurnAsync(ReplayCommit replay, CancellationToken cancellationToken)
    {
        Guid commitId = _ids.NewUuid();
        AppendFiles append = NewAppend(_options.Branch, replay.Files);
        Dictionary<string, string> summary = new()
        {
            [SummaryKeys.Reason] = "replay",
            [SummaryKeys.Replayed] = Text(replay.Files.Sum(static file => file.RecordCount)),
        };
        for (int lost = 0; ; lost++)
        {
            Lineage lineage = await ReadRowsAsync(cancellationToken);
            if (FindReplay(replay.ReplayId, lineage) is { } known)
            {
                return known;
            }

            if (RefusalOf(replay, lineage) is { } why)
            {
                return new ReplayEnd.Ended(why);
            }

            TableMetadata metadata = lineage.Table.Metadata;
            string[] settled = [.. replay.Settled.Select(PropertyOf).Where(metadata.Properties.ContainsKey)];
            SwapEnd end = await AddSnapshotAsync(
                _rows, lineage, append, commitId, lineage.Offsets, [replay.ReplayId], summary, cancellationToken,
                snapshot =>
                [
                    new TableUpdate.SetProperties(new Dictionary<string, string> { [PropertyOf(replay.ReplayId)] = $"{Text(snapshot.SnapshotId)},{Text(snapshot.SequenceNumber)}" }),
                    .. settled.Length > 0 ? new TableUpdate[] { new TableUpdate.RemoveProperties(settled) } : [],
                ]);
            if (end is SwapEnd.Landed landed)
            {
                return new ReplayEnd.Landed(landed.Place.SnapshotId);
            }

            await _pauses.WaitAsync(lost, cancellationToken);
        }
    }

    private async Task<ReplayEnd> EndReplayInTurnAsync(Guid replayId, CancellationToken cancellationToken)
    {
        for (int lost = 0; ; lost++)
        {
            Lineage lineage = await ReadRowsAsync(cancellationToken);
            if (FindReplay(replayId, lineage) is { } known)
            {
                return known;
            }

            if (lineage.Stop is { } stop)
            {
                throw new PipelineStoppedException(stop.Message);
            }

            Dictionary<string, string> summary = new() { [SummaryKeys.Reason] = "replay-ended" };
            if (await AddSnapshotAsync(_rows, lineage, NewAppend(lineage.Branch, []), _ids.NewUuid(), lineage.Offsets, [EndOf(replayId)], summary, cancellationToken) is SwapEnd.Landed)
            {
                return new ReplayEnd.Ended("it had not been committed");
            }

            await _pauses.WaitAsync(lost, cancellationToken);
        }
    }

    private async Task<SnapshotPlace> RewriteInTurnAsync(OverwriteFiles change, string reason, Guid replayId, CancellationToken cancellationToken)
    {
        Guid commitId = _ids.NewUuid();
        Dictionary<string, string> summary = new() { [SummaryKeys.DeadLetters] = "true", [SummaryKeys.Reason] = reason, [SummaryKeys.Replay] = replayId.ToString("N") };
        for (int lost = 0; ; lost++)
        {
            Lineage lineage = await ReadDeadLettersAsync(cancellationToken);
            if (lineage.Stop is { } stop)
            {
                throw new PipelineStoppedException(stop.Message);
            }

            if (await AddSnapshotAsync(_deadLetters!, lineage, change, commitId, lineage.Offsets, [], summary, cancellationToken) is SwapEnd.Landed landed)
            {
                return landed.Place;
            }

            await _pauses.WaitAsync(lost, cancellationToken);
        }
    }

    private static ReplayEnd? FindReplay(Guid replayId, Lineage lineage)
    {
        if (lineage.Reports.TryGetValue(replayId, out SnapshotPlace place))
        {
            return new ReplayEnd.Landed(place.SnapshotId);
        }

        if (lineage.Reports.ContainsKey(EndOf(replayId)) || lineage.ReportsOutside.ContainsKey(EndOf(replayId)))
        {
            return new ReplayEnd.Ended("another replay has ended it");
        }

        if (lineage.ReportsOutside.TryGetValue(replayId, out SnapshotPlace outside))
        {
            return new ReplayEnd.Ended($"the table went back behind its snapshot {outside.SnapshotId}");
        }

        if (lineage.Table.Metadata.Properties.GetValueOrDefault(PropertyOf(replayId))?.Split(',') is [var id, var number]
            && long.TryParse(id, out long snapshotId) && long.TryParse(number, out long sequenceNumber))
        {
            // Its snapshot is expired. A lineage that is listed from before it on and does not have it has lost it.
            return lineage.Snapshots.Any(snapshot => snapshot.SequenceNumber <= sequenceNumber)
                ? new ReplayEnd.Ended($"the table went back behind its snapshot {snapshotId}")
                : new ReplayEnd.Landed(snapshotId);
        }

        return null;
    }

    private string? RefusalOf(ReplayCommit replay, Lineage lineage)
    {
        TableMetadata metadata = lineage.Table.Metadata;
        if (lineage.Stop is { } stop)
        {
            return stop.Message;
        }

        if (metadata.TableUuid != replay.TableUuid)
        {
            return $"written for table {replay.TableUuid}, {lineage.Table.Identifier} is {metadata.TableUuid} now";
        }

        if (lineage.LastUnlistedSequenceNumber > replay.LastSequenceNumber)
        {
            return $"sequence number {lineage.LastUnlistedSequenceNumber}, later than {replay.LastSequenceNumber} when it began, is no longer listed";
        }

        HashSet<int> fields = FieldIds.Of(metadata.CurrentSchema);
        if (replay.FieldIds.FirstOrDefault(id => !fields.Contains(id)) is > 0 and var gone)
        {
            return $"field id {gone}, which it wrote, has left the schema";
        }

        bool isOld = _time.GetUtcNow().ToUnixTimeMilliseconds() - replay.BegunMs > ReportJudge.OldestReport.TotalMilliseconds;
        return isOld || replay.Files.Any(file => FileNameTime.Of(file.FilePath) is { } madeMs && madeMs < lineage.NoFileBeforeMs)
            ? "its files are older than files may be that are committed"
            : null;
    }

    private static string PropertyOf(Guid replayId) => $"{SummaryKeys.ReplayProperty}{replayId:N}";
}
