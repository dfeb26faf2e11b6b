using System.Globalization;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Commit;

namespace OrleansLake.Ingest.Upkeep;

/// <summary>What of a table's history would go.</summary>
public sealed record ExpiryPlan : UpkeepPlan
{
    /// <inheritdoc />
    public override string Operation => "expiry";

    /// <inheritdoc />
    public override IReadOnlyList<UpkeepStep> Steps => What;

    /// <summary>How much is kept.</summary>
    public required ExpiryOptions Options { get; init; }

    /// <summary>Snapshots that would go, oldest first.</summary>
    public required IReadOnlyList<long> SnapshotIds { get; init; }

    /// <summary>Branches and tags that would go.</summary>
    public required IReadOnlyList<string> Refs { get; init; }

    internal IReadOnlyList<UpkeepStep> What { get; init; } = [];
}

/// <summary>
/// Takes old history out of a table and deletes the files that only it reached: by age, by count, of each branch as its own settings
/// say. https://iceberg.apache.org/spec/#snapshot-retention-policy
/// </summary>
/// <remarks>
/// Invariants: it never takes the snapshot of a branch or tag, the newest of each branch that carries offsets or what stands between, the
/// newest that says which files may no longer come, the newest hundred of a branch that records are ingested into, or one that somebody builds on
/// (<see cref="Protected"/>). Files that go are noted before the swap and deleted after it (<see cref="ExpiryNotes"/>): death at any
/// step leaves files too many, and the next run takes them.
/// </remarks>
/// <param name="catalog">Knows the table.</param>
/// <param name="committer">Brings the change in.</param>
/// <param name="ids">Names the notes.</param>
/// <param name="time">Dates them.</param>
public sealed class SnapshotExpiry(ICatalog catalog, IUpkeepCommitter committer, IdSource ids, TimeProvider time)
{
    private readonly ExpiryNotes _notes = new(ids, time);

    /// <summary>Snapshots that must stay for now: the bases of running rewrites.</summary>
    public Func<CancellationToken, Task<IReadOnlyCollection<long>>> Protected { get; init; } = static _ => Task.FromResult<IReadOnlyCollection<long>>([]);

    /// <summary>Rules of the upkeep that hold.</summary>
    internal UpkeepRules Rules { get; init; } = UpkeepRules.All;

    /// <summary>What would go now. Changes nothing.</summary>
    public async Task<ExpiryPlan> PlanAsync(LoadedTable table, ExpiryOptions options, CancellationToken cancellationToken) =>
        Plan(table, options, await Protected(cancellationToken).ConfigureAwait(false), Rules);

    /// <summary>What would go now, with the files that would be deleted, which costs a look at their manifests. Changes nothing.</summary>
    public async Task<ExpiryPlan> PlanFilesAsync(LoadedTable table, ExpiryOptions options, CancellationToken cancellationToken)
    {
        var plan = await PlanAsync(table, options, cancellationToken).ConfigureAwait(false);
        if (plan.SnapshotIds.Count == 0)
        {
            return plan;
        }

        var staged = await Exactly(plan, table.Metadata).StageAsync(table, cancellationToken).ConfigureAwait(false);
        var examples = new List<string>();
        long files = 0, bytes = 0;
        await foreach (var file in staged.Files.ListAsync(cancellationToken).ConfigureAwait(false))
        {
            files++;
            bytes += file.SizeBytes;
            if (examples.Count < UpkeepPlan.MostExamples)
            {
                examples.Add(file.Location);
            }
        }

        return plan with { What = [.. plan.What.SkipLast(1), plan.What[^1] with { Files = files, Bytes = bytes }], Examples = examples };
    }

    /// <summary>Takes it out and deletes what nothing reaches any more; also what an earlier run had left.</summary>
    public async Task<UpkeepResult> ExecuteAsync(ExpiryPlan plan, CancellationToken cancellationToken)
    {
        long started = time.GetTimestamp();
        var before = await UpkeepGuard.LoadAsync(catalog, plan, cancellationToken).ConfigureAwait(false);
        var counts = await UpkeepCounts.OfAsync(before, cancellationToken).ConfigureAwait(false);
        string? error = null;
        int gone = 0;
        if (!plan.IsEmpty)
        {
            var change = new Transaction(time).Then((table, token) => StageAsync(table, plan, staged => gone = staged, token));
            error = await committer.CommitAsync(plan.Table, change, cancellationToken).ConfigureAwait(false) switch
            {
                CommitResult.Conflict conflict => $"others were faster each time: {conflict.Reason}",
                CommitResult.Unknown unknown => $"whether it came in is not known: {unknown.Cause.Message}",
                _ => null,
            };
        }

        // Also after a swap that failed: a conflict may be that of a swap which had come in before, and the notes say what of it is due.
        var after = await UpkeepGuard.LoadAsync(catalog, plan, cancellationToken).ConfigureAwait(false);
        var (files, bytes) = await _notes.WorkOffAsync(after, cancellationToken).ConfigureAwait(false);
        return new UpkeepResult
        {
            Operation = plan.Operation,
            Table = plan.Table,
            Before = counts,
            After = await UpkeepCounts.OfAsync(after, cancellationToken).ConfigureAwait(false),
            Duration = time.GetElapsedTime(started),
            StepsDone = error is null ? plan.Steps.Count : 0,
            StepsLeft = error is null ? 0 : plan.Steps.Count,
            FilesRemoved = files,
            BytesRemoved = bytes,
            Notes = error is null && gone > 0 ? [string.Create(CultureInfo.InvariantCulture, $"{gone} snapshots expired, {files} files of {bytes} bytes deleted")] : [],
            Error = error,
        };
    }

    /// <summary>What goes of one state of a table.</summary>
    internal static ExpiryPlan Plan(LoadedTable table, ExpiryOptions options, IReadOnlyCollection<long> isProtected, UpkeepRules rules)
    {
        TableMetadata metadata = table.Metadata;
        var remarks = new List<string>();
        var keep = new HashSet<long>();
        if (rules.HasFlag(UpkeepRules.BasesOfRewritesStay))
        {
            Keep(isProtected, "a running rewrite was made from it");
        }

        foreach (var (name, reference) in metadata.Refs.Where(pair => !pair.Value.IsTag))
        {
            List<Snapshot> line = [.. metadata.AncestorsOf(reference.SnapshotId)];
            int at = line.FindIndex(LineageReader.CarriesOffsets);
            if (rules.HasFlag(UpkeepRules.NewestOffsetsStay) && at >= 0)
            {
                // And what was made on top of it: whoever resumes walks there from the newest, and must not meet a hole on the way.
                Keep(line.Skip(at).Take(1).Select(snapshot => snapshot.SnapshotId), $"it has the newest offsets of {name}");
                Keep(line.Take(at).Select(snapshot => snapshot.SnapshotId), $"it leads from {name} to the newest offsets");
                keep.UnionWith(line.Take(options.KeepNewest).Select(snapshot => snapshot.SnapshotId));
            }
        }

        // What it says holds as long as it, or a later one that says so too, is listed.
        if (rules.HasFlag(UpkeepRules.NewestOffsetsStay) && metadata.Snapshots.MaxBy(snapshot => (LineageReader.NoFileBeforeOf(snapshot), snapshot.SequenceNumber)) is { } limit && LineageReader.NoFileBeforeOf(limit) > 0)
        {
            Keep([limit.SnapshotId], "it says which files may no longer come");
        }

        long newest = metadata.Snapshots.Select(snapshot => snapshot.TimestampMs).DefaultIfEmpty().Max();
        var change = Change(metadata, options, keep);
        var expiry = change.Plan(metadata);
        var steps = new List<UpkeepStep>(expiry.Refs.Select(name => new UpkeepStep($"{(metadata.Refs[name].IsTag ? "tag" : "branch")} {name}", "removed", "older than its max-ref-age-ms, counted from the newest snapshot")));
        if (expiry.SnapshotIds.Count > 0)
        {
            var times = expiry.SnapshotIds.Select(id => metadata.FindSnapshot(id)!.TimestampMs).ToList();
            steps.Add(new UpkeepStep(
                string.Create(CultureInfo.InvariantCulture, $"{expiry.SnapshotIds.Count} snapshots from {Time(times.Min())} to {Time(times.Max())}"),
                "expired, with the files that only they reach",
                $"older than {options.MaxSnapshotAge:g}, counted from the newest at {Time(newest)}"));
        }

        return new ExpiryPlan
        {
            Table = table.Identifier,
            TableUuid = metadata.TableUuid,
            SnapshotId = metadata.CurrentSnapshotId,
            Options = options,
            SnapshotIds = expiry.SnapshotIds,
            Refs = expiry.Refs,
            What = steps,
            Remarks = remarks,
        };

        void Keep(IEnumerable<long> snapshots, string why)
        {
            foreach (long id in snapshots.Where(id => metadata.FindSnapshot(id) is not null && keep.Add(id)))
            {
                remarks.Add(string.Create(CultureInfo.InvariantCulture, $"snapshot {id}: {why}"));
            }
        }
    }

    private async Task<StagedChange> StageAsync(LoadedTable table, ExpiryPlan plan, Action<int> onStaged, CancellationToken cancellationToken)
    {
        UpkeepGuard.SameTable(table, plan);
        var fresh = Plan(table, plan.Options, await Protected(cancellationToken).ConfigureAwait(false), Rules);
        onStaged(fresh.SnapshotIds.Count);
        if (fresh.IsEmpty)
        {
            return new StagedChange([], []);
        }

        var staged = await Exactly(fresh, table.Metadata).StageAsync(table, cancellationToken).ConfigureAwait(false);
        await _notes.WriteAsync(table, staged.Plan.SnapshotIds, staged.Files.ListAsync(cancellationToken), cancellationToken).ConfigureAwait(false);
        return staged;
    }

    /// <summary>The change that takes out what a plan says and nothing else.</summary>
    private static ExpireSnapshots Exactly(ExpiryPlan plan, TableMetadata metadata)
    {
        var goes = plan.SnapshotIds.ToHashSet();
        return Change(metadata, plan.Options, metadata.Snapshots.Select(snapshot => snapshot.SnapshotId).Where(id => !goes.Contains(id)).ToHashSet());
    }

    /// <summary>Ages count from the newest snapshot: its time is the clock.</summary>
    private static ExpireSnapshots Change(TableMetadata metadata, ExpiryOptions options, IReadOnlySet<long> keep)
    {
        long newest = metadata.Snapshots.Select(snapshot => snapshot.TimestampMs).DefaultIfEmpty().Max();
        long oldest = Math.Max(0, newest - (long)Math.Min(options.MaxSnapshotAge.TotalMilliseconds, long.MaxValue / 4));
        return new ExpireSnapshots(new StandingClock(newest))
        {
            OlderThan = DateTimeOffset.FromUnixTimeMilliseconds(oldest),
            RetainLast = options.MinSnapshots,
            Keep = keep,
            RemoveUnusedSchemasAndSpecs = options.CleanMetadata,
        };
    }

    private static string Time(long ms) => DateTimeOffset.FromUnixTimeMilliseconds(ms).ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private sealed class StandingClock(long ms) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => DateTimeOffset.FromUnixTimeMilliseconds(ms);
    }
}
