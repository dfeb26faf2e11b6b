using OrleansLake.Iceberg;
using OrleansLake.Ingest.Commit;
using OrleansLake.Ingest.Decode;
using OrleansLake.Ingest.Pump;

namespace OrleansLake.Ingest.Backfill;

/// <summary>What a backfill has committed.</summary>
public sealed record BackfillCounts
{
    /// <summary>Offsets, of those that it shall read.</summary>
    public long Offsets { get; init; }

    /// <summary>Records that became rows.</summary>
    public long Rows { get; init; }

    /// <summary>Records that became dead letters.</summary>
    public long Rejected { get; init; }

    /// <summary>Offsets without a record for the table.</summary>
    public long Gaps { get; init; }

    /// <summary>Everything is in the branch.</summary>
    public bool IsComplete { get; init; }

    /// <summary>The branch's snapshot.</summary>
    public long? SnapshotId { get; init; }
}

/// <summary>How far a backfill is.</summary>
/// <param name="Offsets">Offsets in the branch.</param>
/// <param name="Of">Offsets in all.</param>
/// <param name="Rows">Rows that this run has made so far.</param>
/// <param name="Trouble">What stands in the way; null: nothing does.</param>
public readonly record struct BackfillProgress(long Offsets, long Of, long Rows, string? Trouble);

/// <summary>What a backfill is run with.</summary>
public sealed record BackfillParts
{
    /// <summary>The plan, as it stands in the table.</summary>
    public required BackfillPlan Plan { get; init; }

    /// <summary>What its pump is told; name, generation and branch are the plan's.</summary>
    public required PumpOptions Pump { get; init; }

    /// <summary>A committer of its own, of the plan's branch.</summary>
    public required TableCommitter Committer { get; init; }

    /// <summary>Reads records; disposed of with the run.</summary>
    public required IRecordSource Source { get; init; }

    /// <summary>Makes writers that name the plan's reader and generation; told how columns are asked for.</summary>
    public required Func<FieldGrowth, IRowWriterFactory> Writers { get; init; }

    /// <summary>Fields that the table may grow to.</summary>
    public required int MostFields { get; init; }

    /// <summary>What the cluster tells beside records.</summary>
    public required IClusterFacts Cluster { get; init; }

    /// <summary>Loads table and dead letters afresh.</summary>
    public required Func<CancellationToken, Task<PumpTables>> LoadTables { get; init; }

    /// <summary>Memory for open files.</summary>
    public required MemoryBudget Memory { get; init; }

    /// <summary>The clock.</summary>
    public required TimeProvider Time { get; init; }

    /// <summary>Makes ids.</summary>
    public required IdSource Ids { get; init; }

    /// <summary>Told about once a second how far it is.</summary>
    public Action<BackfillProgress> OnProgress { get; init; } = static _ => { };
}

/// <summary>
/// Reads bounded ranges into a branch, through the same pump, decoder and committer as a pipeline: exactly once, since the branch
/// holds the offsets of what is in it. Whoever runs it again, after whatever end, goes on from there; the pipeline itself runs on,
/// since the backfill has a name and a branch of its own.
/// </summary>
public static class BackfillRun
{
    private static readonly TimeSpan ProgressInterval = TimeSpan.FromSeconds(1);

    /// <summary>Runs until everything is in the branch.</summary>
    /// <exception cref="BackfillException">A topic-partition cannot be read on without a person's decision.</exception>
    /// <exception cref="PipelineStoppedException">The table does not say where to go on.</exception>
    public static async Task<BackfillCounts> RunAsync(BackfillParts parts, CancellationToken cancellationToken)
    {
        BackfillPlan plan = parts.Plan;
        await using var committer = new SerialCommitter(parts.Committer);
        await CheckTopicsAsync(parts, cancellationToken).ConfigureAwait(false);
        Dictionary<TopicPartition, long> left = await LeftAsync(plan, committer, cancellationToken).ConfigureAwait(false);
        if (left.Count == 0)
        {
            parts.Source.Dispose();
        }
        else
        {
            await ReadAsync(parts, committer, left, cancellationToken).ConfigureAwait(false);
        }

        // The branch's word, not the pump's.
        BackfillCounts counts = await committer.OnTurn(() => parts.Committer.BackfillCountsAsync(plan, cancellationToken)).ConfigureAwait(false);
        return counts.IsComplete ? counts : throw new BackfillException($"branch {plan.Branch} went back while it was written: {counts.Offsets} of {plan.Offsets} offsets are in it; ask again");
    }

    /// <summary>Where each topic-partition stands that is not at its end.</summary>
    private static async Task<Dictionary<TopicPartition, long>> LeftAsync(BackfillPlan plan, SerialCommitter committer, CancellationToken cancellationToken)
    {
        ResumePoint point = await committer.ResumeAsync(plan.Reader, plan.Generation, [.. plan.Ranges.Select(static range => range.TopicPartition)], plan.TopicIds, cancellationToken).ConfigureAwait(false);
        var found = point.Partitions.Where(static position => position.Next >= 0).ToDictionary(static position => position.TopicPartition, static position => position.Next);
        return plan.Ranges
            .Select(range => (range.TopicPartition, Next: found.GetValueOrDefault(range.TopicPartition, range.Range.First), End: range.Range.Next))
            .Where(static one => one.Next < one.End)
            .ToDictionary(static one => one.TopicPartition, static one => one.Next);
    }

    private static async Task CheckTopicsAsync(BackfillParts parts, CancellationToken cancellationToken)
    {
        string[] topics = [.. parts.Plan.Ranges.Select(static range => range.TopicPartition.Topic).Distinct()];
        TopicIdentities now = topics.Length == 0 ? TopicIdentities.Unknown : await parts.Cluster.IdentitiesAsync(topics, cancellationToken).ConfigureAwait(false);
        foreach (var (topic, id) in parts.Plan.TopicIds)
        {
            if (now.TopicIds.GetValueOrDefault(topic) is { } found && found != id)
            {
                throw new BackfillException($"topic {topic} was made anew: the backfill is of topic id {id}, the broker has {found}; drop branch {parts.Plan.Branch}");
            }
        }
    }

    private static async Task ReadAsync(BackfillParts parts, SerialCommitter committer, Dictionary<TopicPartition, long> left, CancellationToken cancellationToken)
    {
        BackfillPlan plan = parts.Plan;
        using var changed = new SemaphoreSlim(0);
        var state = new State(plan, left);
        var source = new BoundedSource(parts.Source, plan.Ranges.ToDictionary(static range => range.TopicPartition, static range => range.Range.Next), () => changed.Release());
        Pump.Pump? pump = null;
        var growth = new FieldGrowth(GrowAsync);
        pump = new Pump.Pump(
            parts.Pump with { Pipeline = plan.Reader, Generation = plan.Generation, Branch = plan.Branch, AfterHalt = "mend the table or the pipeline's settings, then run the backfill again" },
            source,
            parts.Writers(growth),
            committer,
            parts.Cluster,
            parts.LoadTables,
            parts.Memory,
            parts.Time,
            parts.Ids,
            happened =>
            {
                state.Take(happened);
                changed.Release();
            });
        await using (pump.ConfigureAwait(false))
        {
            foreach (TopicPartition topicPartition in left.Keys)
            {
                pump.Attach(topicPartition, StartPosition.At(plan.Ranges.First(range => range.TopicPartition == topicPartition).Range.First));
            }

            while (!state.IsComplete)
            {
                await changed.WaitAsync(ProgressInterval, cancellationToken).ConfigureAwait(false);
                if (state.Stopped is { } why)
                {
                    throw new BackfillException(why);
                }

                // Everything was read: what is open need not wait for its interval.
                if (source.ReachedCount >= left.Count && !state.IsComplete)
                {
                    await pump.FlushAsync(cancellationToken).ConfigureAwait(false);
                }

                parts.OnProgress(new BackfillProgress(state.Committed, plan.Offsets, pump.Status.Rows, state.Trouble));
            }
        }

        async Task<IReadOnlyList<string>> GrowAsync(IReadOnlyList<NewField> fields)
        {
            SchemaGrown grown = await committer.OnTurn(() => parts.Committer.GrowSchemaAsync(fields, parts.MostFields, cancellationToken)).ConfigureAwait(false);
            // Fields come from a writer of this pump, so there is one.
            await pump!.ReloadSchemaAsync(cancellationToken).ConfigureAwait(false);
            return grown.Declined;
        }
    }

    /// <summary>What the pump's thread tells and the run asks.</summary>
    private sealed class State
    {
        private readonly Lock _lock = new();
        private readonly Dictionary<TopicPartition, OffsetRange> _ranges;
        private readonly Dictionary<TopicPartition, long> _next;

        public State(BackfillPlan plan, Dictionary<TopicPartition, long> left)
        {
            _ranges = plan.Ranges.ToDictionary(static range => range.TopicPartition, static range => range.Range);
            _next = _ranges.ToDictionary(static range => range.Key, range => left.GetValueOrDefault(range.Key, range.Value.Next));
        }

        public volatile string? Stopped;
        public volatile string? Trouble;

        public bool IsComplete
        {
            get
            {
                lock (_lock)
                {
                    return _next.All(one => one.Value >= _ranges[one.Key].Next);
                }
            }
        }

        public long Committed
        {
            get
            {
                lock (_lock)
                {
                    return _next.Sum(one => one.Value - _ranges[one.Key].First);
                }
            }
        }

        public void Take(PumpEvent happened)
        {
            switch (happened)
            {
                case PumpEvent.Committed committed:
                    lock (_lock)
                    {
                        foreach (WrittenRange range in committed.Report.Ranges)
                        {
                            _next[range.TopicPartition] = range.Range.Next;
                        }
                    }

                    break;
                case PumpEvent.Stopped stopped:
                    Stopped = stopped.Message;
                    break;
                case PumpEvent.Trouble trouble:
                    Trouble = trouble.Message;
                    break;
                default:
                    break;
            }
        }
    }
}
