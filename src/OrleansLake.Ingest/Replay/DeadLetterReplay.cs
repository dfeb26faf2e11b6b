using Microsoft.Extensions.Logging;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Commit;
using OrleansLake.Ingest.Read;
using OrleansLake.Ingest.Write;

namespace OrleansLake.Ingest.Replay;

/// <summary>
/// Makes rows of dead letters that today's schema and settings take, each exactly once, and leaves the others as they are. Its
/// invariants stand at the head of <c>TableCommitter.Replay.cs</c>.
/// </summary>
/// <remarks>
/// Claim, commit, resolve, chunk by chunk; whatever dies in between is settled by the next replay before it begins. Runs on the
/// thread pool, beside a committer of its own: a second one of the same table costs conflicts and nothing else.
/// </remarks>
/// <param name="committer">Of the table and its dead letters.</param>
/// <param name="writersOf">The writers of a pipeline, by its name: they know how its records are decoded.</param>
/// <param name="ids">Names replays and files.</param>
/// <param name="time">Tells the time.</param>
/// <param name="logger">Told what was done.</param>
public sealed partial class DeadLetterReplay(TableCommitter committer, Func<string, RowWriterFactory> writersOf, IdSource ids, TimeProvider time, ILogger<DeadLetterReplay> logger)
{
    private const int MostAttempts = 20;

    private ReplayResult _result = new();

    /// <summary>What was done so far.</summary>
    public ReplayResult Result => Volatile.Read(ref _result);

    /// <summary>Replays.</summary>
    /// <exception cref="ReplayException">It could not go on.</exception>
    /// <exception cref="PipelineStoppedException">A person must look at the table first.</exception>
    /// <exception cref="ArgumentException">The condition does not fit the dead-letter table.</exception>
    public async Task<ReplayResult> RunAsync(ReplayRequest request, CancellationToken cancellationToken)
    {
        List<Guid> settled = request.DryRun ? [] : await SettleAsync(cancellationToken).ConfigureAwait(false);
        ReplayResult before = _result;
        for (int conflicts = 0; ;)
        {
            Lineage rows = await committer.ReadRowsAsync(cancellationToken).ConfigureAwait(false);
            Lineage letters = await committer.ReadDeadLettersAsync(cancellationToken).ConfigureAwait(false);
            CheckTables(rows, letters);
            if (letters.Head is null)
            {
                return _result;
            }

            var (tried, isLast) = await ChunkAsync(rows, letters, request, before, settled, cancellationToken).ConfigureAwait(false);
            before = tried ? before with { Replayed = _result.Replayed, Snapshots = _result.Snapshots } : before;
            conflicts = tried ? 0 : conflicts + 1;
            if (isLast && tried)
            {
                return _result;
            }

            if (conflicts >= MostAttempts)
            {
                throw new ReplayException($"{letters.Table.Identifier}: others rewrite its files all the time; so far {_result.Replayed} dead letters became rows");
            }
        }
    }

    /// <summary>One snapshot's worth. Not tried: someone else has rewritten the dead letters meanwhile.</summary>
    private async Task<(bool Tried, bool IsLast)> ChunkAsync(Lineage rows, Lineage letters, ReplayRequest request, ReplayResult before, List<Guid> settled, CancellationToken cancellationToken)
    {
        long begunMs = time.GetUtcNow().ToUnixTimeMilliseconds();
        bool mayDelete = true;
        // A dry run decodes all at once: nothing that it looked at would be gone the next time.
        ReplayRequest limits = request.DryRun ? request with { RowsPerCommit = int.MaxValue, BytesPerCommit = long.MaxValue } : request;
        var chunk = new ReplayChunk(rows, letters, limits, writersOf);
        try
        {
            await chunk.ReadAsync(cancellationToken).ConfigureAwait(false);
            ReplayResult now = before with
            {
                Examined = before.Replayed + chunk.Good + chunk.Bad + chunk.OfEndedGenerations,
                StillBad = chunk.Bad,
                StillBadBecause = chunk.Because,
                OfEndedGenerations = chunk.OfEndedGenerations,
            };
            if (chunk.Good == 0 || request.DryRun)
            {
                Volatile.Write(ref _result, now with { Replayed = before.Replayed + chunk.Good });
                return (true, true);
            }

            Guid replayId = ids.NewUuid();
            var files = await chunk.CompleteAsync(cancellationToken).ConfigureAwait(false);
            var marks = new DeadLetterMarks(letters.Table, letters.Head!, ids, time);
            if (!await MarkAsync(marks, chunk.Chosen, new DeadLetterMark(replayId, null), "replay-claimed", replayId, cancellationToken).ConfigureAwait(false))
            {
                return (false, false);
            }

            mayDelete = false;
            var commit = new ReplayCommit
            {
                ReplayId = replayId,
                TableUuid = rows.Table.Metadata.TableUuid,
                LastSequenceNumber = rows.Table.Metadata.LastSequenceNumber,
                BegunMs = begunMs,
                FieldIds = FieldIds.Of(rows.Table.Metadata.CurrentSchema),
                Files = files,
                Settled = settled,
            };
            ReplayEnd end = await committer.CommitReplayAsync(commit, cancellationToken).ConfigureAwait(false);
            if (end is ReplayEnd.Landed landed)
            {
                LogReplayed(landed.SnapshotId, rows.Table.Identifier, files.Count, chunk.Good);
                Volatile.Write(ref _result, now with { Replayed = before.Replayed + chunk.Good, Snapshots = [.. before.Snapshots, landed.SnapshotId] });
                await ResolveAsync(replayId, end, cancellationToken).ConfigureAwait(false);
                settled.Add(replayId);
                return (true, chunk.IsLast);
            }

            // Ended for good, so its claims may go.
            string why = ((ReplayEnd.Ended)end).Why;
            ReplayEnd last = await committer.EndReplayAsync(replayId, cancellationToken).ConfigureAwait(false);
            await ResolveAsync(replayId, last, cancellationToken).ConfigureAwait(false);
            throw new ReplayException($"{rows.Table.Identifier}: replay {replayId:N} was not committed: {why}; ask for it again");
        }
        finally
        {
            if (mayDelete)
            {
                await chunk.DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    /// <summary>Brings replays to their end that died before it, and takes back those that went with a rollback.</summary>
    private async Task<List<Guid>> SettleAsync(CancellationToken cancellationToken)
    {
        Lineage rows = await committer.ReadRowsAsync(cancellationToken).ConfigureAwait(false);
        Lineage letters = await committer.ReadDeadLettersAsync(cancellationToken).ConfigureAwait(false);
        CheckTables(rows, letters);
        var settled = new List<Guid>();
        foreach (string name in rows.Table.Metadata.Properties.Keys.Where(static key => key.StartsWith(SummaryKeys.ReplayProperty, StringComparison.Ordinal)))
        {
            if (Guid.TryParseExact(name[SummaryKeys.ReplayProperty.Length..], "N", out Guid known))
            {
                settled.Add(known);
            }
        }

        var messages = new List<string>();
        foreach (Guid pending in await PendingAsync(letters, cancellationToken).ConfigureAwait(false))
        {
            ReplayEnd end = await committer.EndReplayAsync(pending, cancellationToken).ConfigureAwait(false);
            long marked = await ResolveAsync(pending, end, cancellationToken).ConfigureAwait(false);
            messages.Add(end is ReplayEnd.Landed ? $"replay {pending:N} is in the table: {marked} dead letters are resolved" : $"replay {pending:N} is not in the table: {marked} dead letters are open again");
        }

        var lost = rows.Table.Metadata.Snapshots
            .Where(snapshot => snapshot.Summary.ContainsKey(SummaryKeys.Replayed) && rows.Snapshots.All(one => one.SnapshotId != snapshot.SnapshotId))
            .SelectMany(static snapshot => snapshot.Summary.GetValueOrDefault(SummaryKeys.Reports, "").Split(','))
            .Where(id => Guid.TryParseExact(id, "N", out Guid replay) && !rows.Reports.ContainsKey(replay))
            .Select(static id => Guid.ParseExact(id, "N"))
            .ToList();
        foreach (Guid undone in lost)
        {
            long released = await MarkAllAsync(Expression.Equal(DeadLetterSchema.ReplayId, undone.ToString("N")), default, "replay-released", undone, cancellationToken).ConfigureAwait(false);
            if (released > 0)
            {
                messages.Add($"replay {undone:N} went when the table went back: {released} dead letters are open again");
            }
        }

        foreach (string message in messages)
        {
            LogSettled(rows.Table.Identifier, message);
        }

        Volatile.Write(ref _result, _result with { Settled = messages });
        return settled;
    }

    /// <summary>Replays that stand in dead letters which are not resolved.</summary>
    private static async Task<HashSet<Guid>> PendingAsync(Lineage letters, CancellationToken cancellationToken)
    {
        var pending = new HashSet<Guid>();
        if (letters.Head is null)
        {
            return pending;
        }

        var scan = new TableScan(letters.Table, new ScanOptions
        {
            Snapshot = letters.Head,
            Schema = letters.Table.Metadata.CurrentSchema,
            Columns = [DeadLetterSchema.ReplayId],
            Where = Expression.NotNull(DeadLetterSchema.ReplayId) & Expression.IsNull(DeadLetterSchema.ResolvedAt),
        });
        await foreach (var batch in scan.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            var ids = new LeafReader(batch.Columns[0]);
            for (int row = 0; row < batch.RowCount; row++)
            {
                if (ids.Next(row))
                {
                    string text = System.Text.Encoding.UTF8.GetString(ids.Bytes);
                    pending.Add(Guid.TryParseExact(text, "N", out Guid id) ? id : throw new ReplayException($"{letters.Table.Identifier}: expected ids in column {DeadLetterSchema.ReplayId}, got \"{text}\""));
                }
            }
        }

        return pending;
    }

    /// <summary>Writes into the dead letters of a replay what became of it.</summary>
    private Task<long> ResolveAsync(Guid replayId, ReplayEnd end, CancellationToken cancellationToken) => end is ReplayEnd.Landed
        ? MarkAllAsync(ClaimedBy(replayId), new DeadLetterMark(replayId, time.GetUtcNow()), "replay-resolved", replayId, cancellationToken)
        : MarkAllAsync(ClaimedBy(replayId), default, "replay-released", replayId, cancellationToken);

    private static Expression ClaimedBy(Guid replayId) => Expression.Equal(DeadLetterSchema.ReplayId, replayId.ToString("N")) & Expression.IsNull(DeadLetterSchema.ResolvedAt);

    private async Task<long> MarkAllAsync(Expression where, DeadLetterMark mark, string reason, Guid replayId, CancellationToken cancellationToken)
    {
        for (int attempt = 0; attempt < MostAttempts; attempt++)
        {
            Lineage letters = await committer.ReadDeadLettersAsync(cancellationToken).ConfigureAwait(false);
            if (letters.Head is null)
            {
                return 0;
            }

            var marks = new DeadLetterMarks(letters.Table, letters.Head, ids, time);
            var chosen = await marks.FindAsync(where, cancellationToken).ConfigureAwait(false);
            if (chosen.Count == 0 || await MarkAsync(marks, chosen, mark, reason, replayId, cancellationToken).ConfigureAwait(false))
            {
                return chosen.Sum(static rows => (long)rows.Positions.Count);
            }
        }

        throw new ReplayException($"dead letters of replay {replayId:N} could not be marked: others rewrite their files all the time; the next replay marks them");
    }

    /// <summary>False: a file is gone that was to be written anew.</summary>
    private async Task<bool> MarkAsync(DeadLetterMarks marks, IReadOnlyList<ChosenRows> chosen, DeadLetterMark mark, string reason, Guid replayId, CancellationToken cancellationToken)
    {
        MarkedFiles marked = await marks.WriteAsync(chosen, mark, cancellationToken).ConfigureAwait(false);
        try
        {
            await committer.RewriteDeadLettersAsync(marked.Change, reason, replayId, cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (ChangeConflictException conflict)
        {
            // An earlier attempt of the same swap may still come in, so its files stay for orphan removal.
            LogConflict(replayId, conflict.Message);
            return false;
        }
    }

    private static void CheckTables(Lineage rows, Lineage letters)
    {
        if ((rows.Stop ?? letters.Stop) is { } stop)
        {
            throw new PipelineStoppedException(stop.Message);
        }

        var schema = letters.Table.Metadata.CurrentSchema;
        if (schema.FindField(DeadLetterSchema.ReplayId) is null || schema.FindField(DeadLetterSchema.ResolvedAt) is null)
        {
            throw new ReplayException($"dead-letter table {letters.Table.Identifier} lacks columns {DeadLetterSchema.ReplayId} and {DeadLetterSchema.ResolvedAt}: a pipeline that runs adds them");
        }

        if (letters.Table.Metadata.Snapshots.FirstOrDefault(snapshot => snapshot.Summary.GetValueOrDefault(SummaryKeys.Reason) is "replay-claimed" or "replay-resolved"
            && letters.Snapshots.All(one => one.SnapshotId != snapshot.SnapshotId)) is { } outside)
        {
            throw new ReplayException(
                $"dead-letter table {letters.Table.Identifier} went back behind snapshot {outside.SnapshotId} of replay {outside.Summary.GetValueOrDefault(SummaryKeys.Replay)}: dead letters may be rows already; set its branch forward again, or expire that snapshot to replay all that looks open");
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Committed snapshot {SnapshotId} to {Table}: {Files} files, {Rows} rows that were dead letters")]
    private partial void LogReplayed(long snapshotId, TableIdentifier table, int files, long rows);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Table}: {Message}")]
    private partial void LogSettled(TableIdentifier table, string message);

    [LoggerMessage(Level = LogLevel.Information, Message = "Replay {ReplayId}: dead letters were rewritten meanwhile: {Message}")]
    private partial void LogConflict(Guid replayId, string message);
}
