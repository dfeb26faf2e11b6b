using Microsoft.Extensions.Logging;
using OrleansLake.Contracts;
using OrleansLake.Iceberg;
using OrleansLake.Ingest;
using OrleansLake.Ingest.Pump;
using OrleansLake.Ingest.Quality;

namespace OrleansLake.Grains;

/// <summary>What <see cref="PipelineGrain"/> keeps.</summary>
[GenerateSerializer, Alias("orleanslake.PipelineGrainState")]
public sealed class PipelineGrainState
{
    /// <summary>What it is; null before it was configured and after it was removed.</summary>
    [Id(0)]
    public PipelineDefinition? Definition { get; set; }

    /// <summary>What is wanted of it.</summary>
    [Id(1)]
    public WantedState Wanted { get; set; }

    /// <summary>How many partitions each topic had when it was last asked.</summary>
    [Id(2)]
    public Dictionary<string, int> Partitions { get; set; } = [];

    /// <summary>How many partitions each topic had when the pipeline began with these topics; null: it has not. What is beyond came later.</summary>
    [Id(3)]
    public Dictionary<string, int>? AtBeginning { get; set; }
}

/// <summary>
/// One pipeline: sees that its tables are there, finds its topic-partitions, spreads them over the silos, and tells each what
/// is wanted of it, again and again, so that one whose silo died comes up on another. A timer does it while the grain lives,
/// silos that come and go wake it (<see cref="MembershipWatch"/>), and a reminder brings the grain back.
/// </summary>
internal sealed partial class PipelineGrain(
    [PersistentState("pipeline", GrainStorage.Name)] IPersistentState<PipelineGrainState> state,
    PipelineTables tables,
    ITopicDirectory topics,
    IClusterMembershipService membership,
    IdSource ids,
    TimeProvider time,
    AlertHub alerts,
    BranchPublisher publisher,
    DeadLetterForwards forwards,
    PipelineTroubles troubles,
    ILogger<PipelineGrain> logger) : Grain, IPipelineGrain, IRemindable
{
    private const string KeepAlive = "keep-alive";
    private static readonly TimeSpan DiscoverPeriod = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan ShortestPublishPeriod = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan RetryPeriod = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan ReminderPeriod = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan OutsideLimit = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan StatusLimit = TimeSpan.FromSeconds(5);
    // Longer than a hand-over, shorter than Orleans' own.
    private static readonly TimeSpan CallLimit = TimeSpan.FromSeconds(28);

    // Where each topic-partition was when it last answered.
    private readonly Dictionary<NamedTopicPartition, SiloAddress> _homes = [];
    private IGrainTimer? _timer;
    private string? _trouble;
    private string? _publishTrouble;
    private bool _tablesEnsured;
    private Heartbeat? _heartbeat;
    private IGrainTimer? _publishTimer;

    private string Name => this.GetPrimaryKeyString();

    /// <inheritdoc />
    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        if (state.State.Definition is not null)
        {
            StartTimer();
        }

        return base.OnActivateAsync(cancellationToken);
    }

    /// <inheritdoc />
    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        troubles.Forget(Name);
        return base.OnDeactivateAsync(reason, cancellationToken);
    }

    /// <inheritdoc />
    public async Task ConfigureAsync(PipelineDefinition definition)
    {
        if (definition.Name != Name)
        {
            throw new ArgumentException($"pipeline {Name}: expected its own name in the definition, got \"{definition.Name}\"", nameof(definition));
        }

        if (!definition.SameAs(state.State.Definition))
        {
            bool known = state.State.Definition is not null;
            bool isOther = !(state.State.Definition is { } before && before.Topics.SequenceEqual(definition.Topics) && before.TopicPattern == definition.TopicPattern);
            state.State.AtBeginning = isOther ? null : state.State.AtBeginning;
            state.State.Definition = definition;
            _tablesEnsured = false;
            await state.WriteStateAsync();
            logger.LogConfigured(Name, known ? "has a new definition" : "is new", string.Join(", ", definition.TopicPattern is { } pattern ? definition.Topics.Append(pattern) : definition.Topics), definition.Table);
        }

        await Lake.EnterAsync(new PipelineEntry(Name, definition.Catalog, definition.Table));
        await this.RegisterOrUpdateReminder(KeepAlive, ReminderPeriod, ReminderPeriod);
        StartTimer();
    }

    /// <inheritdoc />
    public async Task<PipelineStatus?> StatusAsync()
    {
        if (state.State.Definition is not { } definition)
        {
            return null;
        }

        TopicPartitionStatus[] partitions = await Task.WhenAll(TopicPartitions(definition).Select(StatusOfAsync));
        return new PipelineStatus
        {
            Name = Name,
            Generation = definition.Generation,
            Table = definition.Table,
            Wanted = state.State.Wanted,
            Trouble = _trouble ?? _publishTrouble,
            TopicPartitions = partitions,
        };
    }

    /// <inheritdoc />
    public async Task<bool> PauseAsync()
    {
        if (!await WantAsync(WantedState.Paused))
        {
            return false;
        }

        await FlushAsync(); // what was read must not wait for records that do not come any more
        return true;
    }

    /// <inheritdoc />
    public async Task<bool> ResumeAsync()
    {
        if (!await WantAsync(WantedState.Running))
        {
            return false;
        }

        await Task.WhenAll(TopicPartitions(state.State.Definition!).Select(one => Partition(one).RetryAsync()));
        return true;
    }

    /// <inheritdoc />
    public async Task<PipelineFlush?> FlushAsync()
    {
        if (state.State.Definition is not { } definition)
        {
            return null;
        }

        NamedTopicPartition[] all = [.. TopicPartitions(definition)];
        Guid flushId = ids.NewUuid();
        bool[] committed = await Task.WhenAll(all.Select(one => Partition(one).FlushAsync(flushId)));
        string[] waiting = [.. all.Where((_, index) => !committed[index]).Select(one => $"{one.Topic}-{one.Partition}")];
        return new PipelineFlush(waiting.Length == 0, waiting);
    }

    /// <inheritdoc />
    public async Task<SchemaReload?> ReloadSchemaAsync()
    {
        if (state.State.Definition is not { } definition)
        {
            return null;
        }

        SchemaReload table = await GrainFactory.GetGrain<ITableGrain>(GrainKeys.Table(definition.Catalog, definition.Table)).ReloadSchemaAsync();
        NamedTopicPartition[] all = [.. TopicPartitions(definition)];
        AppliedSchema?[] applied = await Task.WhenAll(all.Select(one => Partition(one).ReloadSchemaAsync()));
        return table with
        {
            SchemaId = applied.Max(one => one?.SchemaId) ?? table.SchemaId,
            FirstOffsets =
            [
                .. all.Zip(applied)
                    .Where(pair => pair.Second is { FirstOffset: not null })
                    .Select(pair => new SchemaFirstOffset(Name, pair.First.Topic, pair.First.Partition, pair.Second!.FirstOffset!.Value)),
            ],
        };
    }

    /// <inheritdoc />
    public async Task<PipelineMove?> SeekAsync(PipelineSeek seek)
    {
        if (state.State.Definition is not { } definition)
        {
            return null;
        }

        TopicPartition[] all =
        [
            .. TopicPartitions(definition)
                .Where(one => (seek.Topic is null || one.Topic == seek.Topic) && (seek.Partition is null || one.Partition == seek.Partition))
                .Select(one => new TopicPartition(one.Topic, one.Partition)),
        ];
        bool isPlace = StartPosition.TryParse(seek.To, out StartPosition start);
        if (all.Length == 0 || !isPlace)
        {
            return new PipelineMove(
                false, all.Length == 0 ? $"{Name} has no such topic-partition" : $"expected {PipelineSeek.Earliest}, {PipelineSeek.Latest}, an offset or a time, got \"{seek.To}\"", []);
        }

        using var limit = new CancellationTokenSource(OutsideLimit, time);
        IClusterFacts facts = topics.FactsOf(Name);
        IReadOnlyDictionary<TopicPartition, long> offsets = await facts.StartOffsetsAsync(all, start, limit.Token);
        TopicIdentities identities = await facts.IdentitiesAsync([.. all.Select(one => one.Topic).Distinct()], limit.Token);
        return await MoveAsync(
            definition,
            new MoveRequest
            {
                MoveId = ids.NewUuid(),
                Pipeline = Name,
                Generation = definition.Generation,
                Kind = start == StartPosition.Earliest || start == StartPosition.Latest ? MoveKind.Reset : MoveKind.Seek,
                ClusterId = identities.ClusterId,
                TopicIds = new Dictionary<string, string>(identities.TopicIds),
                Positions = [.. offsets.Select(entry => new MovedTo(entry.Key.Topic, entry.Key.Partition, entry.Value))],
            });
    }

    /// <inheritdoc />
    public async Task<PipelineMove?> AcceptAsync() => state.State.Definition is { } definition
        ? await MoveAsync(definition, new MoveRequest { MoveId = ids.NewUuid(), Pipeline = Name, Generation = definition.Generation, Kind = MoveKind.Accept })
        : null;

    /// <inheritdoc />
    public Task DiscoverAsync() => LookAsync(CancellationToken.None);

    /// <inheritdoc />
    public async Task RemoveAsync()
    {
        if (state.State.Definition is { } definition)
        {
            await Task.WhenAll(TopicPartitions(definition).Select(one => Partition(one).ReleaseAsync()));
        }

        _timer?.Dispose();
        _timer = null;
        _publishTimer?.Dispose();
        _publishTimer = null;
        if (await this.GetReminder(KeepAlive) is { } reminder)
        {
            await this.UnregisterReminder(reminder);
        }

        await Lake.StrikeAsync(Name);
        await state.ClearStateAsync();
        logger.LogRemoved(Name);
        DeactivateOnIdle();
    }

    /// <inheritdoc />
    public Task ReceiveReminder(string reminderName, TickStatus status)
    {
        // Coming up was the point: OnActivateAsync has set the timer.
        return Task.CompletedTask;
    }

    private ILakeGrain Lake => GrainFactory.GetGrain<ILakeGrain>(GrainKeys.Lake);

    private IPartitionGrain Partition(NamedTopicPartition one) =>
        GrainFactory.GetGrain<IPartitionGrain>(GrainKeys.TopicPartition(Name, one.Topic, one.Partition));

    private IEnumerable<NamedTopicPartition> TopicPartitions(PipelineDefinition definition) =>
        from topic in PipelineTopics.Of(definition, state.State.Partitions.Keys)
        from partition in Enumerable.Range(0, state.State.Partitions.GetValueOrDefault(topic))
        select new NamedTopicPartition(topic, partition);

    /// <summary>Hands the topic-partitions over to nobody, moves their offsets, and has them begin again from what the table then says.</summary>
    private async Task<PipelineMove> MoveAsync(PipelineDefinition definition, MoveRequest move)
    {
        NamedTopicPartition[] concerned = move.Positions.Length == 0
            ? [.. TopicPartitions(definition)]
            : [.. move.Positions.Select(to => new NamedTopicPartition(to.Topic, to.Partition))];
        await Task.WhenAll(concerned.Select(one => Partition(one).ReleaseAsync()));
        try
        {
            ReportOutcome outcome = await GrainFactory.GetGrain<ITableGrain>(GrainKeys.Table(definition.Catalog, definition.Table)).MoveAsync(move);
            bool done = outcome.Kind == ReportOutcomeKind.Committed;
            string message = done ? $"snapshot {outcome.SnapshotId} of {definition.Table} says so" : outcome.Message ?? "the table has not answered; ask again";
            logger.LogMoved(Name, move.Kind, string.Join(", ", move.Positions.Select(to => $"{to.Topic}-{to.Partition}@{to.Next}")), message);
            return new PipelineMove(done, message, move.Positions);
        }
        finally
        {
            if (await WantAllAsync(concerned, definition) is { } trouble)
            {
                Keep(trouble);
            }
        }
    }

    private void StartTimer()
    {
        _timer ??= this.RegisterGrainTimer(LookAsync, new GrainTimerCreationOptions(TimeSpan.Zero, DiscoverPeriod) { KeepAlive = true });
        StartPublishing(state.State.Definition!);
        StartForwarding(state.State.Definition!);
    }

    /// <summary>Main follows the branch that is written to as fast as it is committed to.</summary>
    private void StartPublishing(PipelineDefinition definition)
    {
        _publishTimer?.Dispose();
        _publishTrouble = null;
        TimeSpan period = definition.FlushInterval < ShortestPublishPeriod ? ShortestPublishPeriod : definition.FlushInterval;
        _publishTimer = definition.Quality.Publish is null ? null : this.RegisterGrainTimer(PublishAsync, new GrainTimerCreationOptions(period, period) { Interleave = true });
    }

    private async Task PublishAsync(CancellationToken cancellationToken)
    {
        if (state.State.Definition is not { Quality.Publish: { } settings } definition)
        {
            return;
        }

        const string Rule = "publish";
        try
        {
            // Reading is no work for a turn.
            PublishOutcome outcome = await PublishRuns.RunAsync(() => publisher.PublishAsync(definition, settings, cancellationToken), cancellationToken);
            if (outcome.SnapshotId is { } snapshotId)
            {
                logger.LogPublished(Name, definition.Table, snapshotId, outcome.Rows);
            }

            bool isBad = outcome.Findings.Count > 0;
            _publishTrouble = isBad ? $"{definition.Table}: main stays behind branch {settings.Branch}: {string.Join("; ", outcome.Findings)}" : null;
            if (isBad || outcome.SnapshotId is not null)
            {
                alerts.Tell(new Alert(AlertKind.Audit, Name, Rule, _publishTrouble ?? $"{definition.Table}: main follows again", time.GetUtcNow(), IsOver: !isBad));
            }
        }
        catch (Exception error) when (error is not OutOfMemoryException && !cancellationToken.IsCancellationRequested)
        {
            _publishTrouble = $"{definition.Table}: branch {settings.Branch} could not be audited or published: {error.Message}";
            alerts.Tell(new Alert(AlertKind.Audit, Name, Rule, _publishTrouble, time.GetUtcNow()));
        }
    }

    private async Task<bool> WantAsync(WantedState wanted)
    {
        if (state.State.Definition is not { } definition)
        {
            return false;
        }

        if (state.State.Wanted != wanted)
        {
            state.State.Wanted = wanted;
            await state.WriteStateAsync();
            logger.LogWanted(Name, wanted);
        }

        if (await WantAllAsync([.. TopicPartitions(definition)], definition) is { } trouble)
        {
            Keep(trouble); // those that did not hear of it are told again
        }

        return true;
    }

    private async Task<TopicPartitionStatus> StatusOfAsync(NamedTopicPartition one)
    {
        try
        {
            return await Partition(one).StatusAsync().WaitAsync(StatusLimit, time);
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            return new TopicPartitionStatus
            {
                Topic = one.Topic,
                Partition = one.Partition,
                State = TopicPartitionState.Detached,
                Trouble = $"no answer from its grain: {error.Message}",
            };
        }
    }

    /// <summary>One round: tables, topics, topic-partitions. What stands in the way is kept for the status and looked at again soon.</summary>
    private async Task LookAsync(CancellationToken cancellationToken)
    {
        if (state.State.Definition is not { } definition)
        {
            return;
        }

        string? trouble = null;
        try
        {
            using var limit = new CancellationTokenSource(OutsideLimit, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
            if (!_tablesEnsured)
            {
                await tables.EnsureAsync(definition, either.Token);
                if (definition.Quality.Publish is { } publish)
                {
                    await publisher.EnsureBranchAsync(definition, publish.Branch, either.Token);
                }

                _tablesEnsured = true;
            }

            trouble = await FindPartitionsAsync(definition, either.Token);
            trouble = Joined(trouble, await SpreadAsync(definition));
            await WatchFlowAsync(definition);
        }
        catch (Exception error) when (error is not OutOfMemoryException && !cancellationToken.IsCancellationRequested)
        {
            trouble = error is OperationCanceledException ? $"no answer within {OutsideLimit.TotalSeconds:0} s from the catalog or the brokers" : error.Message;
        }

        Keep(trouble);
    }

    private async Task WatchFlowAsync(PipelineDefinition definition)
    {
        if (!definition.Quality.Heartbeat.IsAsked)
        {
            return;
        }

        _heartbeat ??= new Heartbeat(Name, alerts.Tell);
        if (state.State.Wanted == WantedState.Paused)
        {
            _heartbeat.Reset();
            return;
        }

        TopicPartitionStatus[] partitions = await Task.WhenAll(TopicPartitions(definition).Select(StatusOfAsync));
        _heartbeat.Look(definition.Quality.Heartbeat, partitions, time.GetUtcNow());
    }

    /// <summary>Keeps what stands in the way for the status, and comes back to it soon.</summary>
    private void Keep(string? trouble)
    {
        if (trouble != _trouble)
        {
            _trouble = trouble;
            if (trouble is null)
            {
                logger.LogTroubleOver(Name);
            }
            else
            {
                logger.LogTrouble(Name, trouble);
            }
        }

        troubles.Keep(Name, trouble is not null);
        _timer?.Change(trouble is null ? DiscoverPeriod : RetryPeriod, trouble is null ? DiscoverPeriod : RetryPeriod);
    }

    private static string? Joined(string? first, string? second) => first is null ? second : second is null ? first : $"{first}; {second}";

    /// <summary>
    /// Tells every topic-partition what is wanted. One that is missing comes up; where silos that came or went leave it uneven,
    /// some are handed over: what was read is committed first. What stands in the way, or null.
    /// </summary>
    private async Task<string?> SpreadAsync(PipelineDefinition definition)
    {
        NamedTopicPartition[] all = [.. TopicPartitions(definition)];
        if (await WantAllAsync(all, definition) is { } trouble)
        {
            return trouble;
        }

        // Now it is known where each of them is.
        Dictionary<NamedTopicPartition, SiloAddress> plan = Plan(definition);
        NamedTopicPartition[] moves = [.. all.Where(one => _homes.TryGetValue(one, out SiloAddress? home) && plan.TryGetValue(one, out SiloAddress? better) && !home.Equals(better))];
        if (moves.Length == 0)
        {
            return null;
        }

        logger.LogSpread(Name, string.Join(", ", moves.Select(one => $"{one.Topic}-{one.Partition} to {plan[one].Endpoint}")));
        string?[] troubles = await Task.WhenAll(moves.Select(one => TryAsync(one, async () =>
        {
            await Partition(one).MoveAsync(plan[one].ToParsableString());
            await WantAsync(one, definition, plan[one]);
        })));
        return troubles.FirstOrDefault(found => found is not null);
    }

    private async Task<string?> WantAllAsync(IReadOnlyCollection<NamedTopicPartition> these, PipelineDefinition definition)
    {
        Dictionary<NamedTopicPartition, SiloAddress> plan = Plan(definition);
        string?[] troubles = await Task.WhenAll(these.Select(one => TryAsync(one, () => WantAsync(one, definition, plan.GetValueOrDefault(one)))));
        return troubles.FirstOrDefault(found => found is not null);
    }

    private async Task<string?> TryAsync(NamedTopicPartition one, Func<Task> action)
    {
        try
        {
            await action().WaitAsync(CallLimit, time);
            return null;
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            _homes.Remove(one);
            return $"{one.Topic}-{one.Partition}: {error.Message}";
        }
    }

    private async Task WantAsync(NamedTopicPartition one, PipelineDefinition definition, SiloAddress? home)
    {
        Task<string> call;
        try
        {
            if (home is not null)
            {
                RequestContext.Set(TopicPartitionPlacementDirector.HomeKey, home.ToParsableString());
            }

            call = Partition(one).WantAsync(definition, state.State.Wanted, state.State.AtBeginning is { } first && one.Partition >= first.GetValueOrDefault(one.Topic));
        }
        finally
        {
            RequestContext.Remove(TopicPartitionPlacementDirector.HomeKey);
        }

        _homes[one] = SiloAddress.FromParsableString(await call);
    }

    private Dictionary<NamedTopicPartition, SiloAddress> Plan(PipelineDefinition definition)
    {
        SiloAddress[] silos = MembershipWatch.Active(membership.CurrentSnapshot);
        return silos.Length == 0 ? [] : EvenSpread.Plan([.. TopicPartitions(definition)], _homes, silos, TopicPartitionPlacementDirector.StartOf(Name));
    }

    private async Task<string?> FindPartitionsAsync(PipelineDefinition definition, CancellationToken cancellationToken)
    {
        var troubles = new List<string>();
        bool changed = false;
        IReadOnlyDictionary<string, int> all = definition.TopicPattern is null ? new Dictionary<string, int>() : await topics.TopicsAsync(Name, cancellationToken);
        foreach (string topic in PipelineTopics.Of(definition, all.Keys))
        {
            try
            {
                int? count = all.TryGetValue(topic, out int shown) ? shown : await topics.PartitionsOfAsync(Name, topic, cancellationToken);
                if (count is null)
                {
                    troubles.Add($"topic {topic}: the brokers know no such topic");
                }
                else if (count > state.State.Partitions.GetValueOrDefault(topic))
                {
                    // Fewer than before means a topic made anew: the source notices, and says so by topic-partition.
                    logger.LogPartitionsFound(Name, topic, count.Value);
                    state.State.Partitions[topic] = count.Value;
                    changed = true;
                }
            }
            catch (Exception error) when (error is not OperationCanceledException and not OutOfMemoryException)
            {
                troubles.Add($"topic {topic}: {error.Message}");
            }
        }

        if (state.State.AtBeginning is null && troubles.Count == 0)
        {
            state.State.AtBeginning = new Dictionary<string, int>(state.State.Partitions);
            changed = true;
        }

        if (changed)
        {
            await state.WriteStateAsync(CancellationToken.None);
        }

        return troubles.Count == 0 ? null : string.Join("; ", troubles);
    }
}
