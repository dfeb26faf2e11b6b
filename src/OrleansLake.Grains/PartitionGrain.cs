using Microsoft.Extensions.Logging;
using Orleans.Storage;
using OrleansLake.Contracts;
using OrleansLake.Iceberg;
using OrleansLake.Ingest;
using OrleansLake.Ingest.Pump;
using PumpPartitionState = OrleansLake.Ingest.Pump.PartitionState;
using PumpPartitionStatus = OrleansLake.Ingest.Pump.PartitionStatus;

namespace OrleansLake.Grains;

/// <summary>What <see cref="PartitionGrain"/> keeps: a copy, for people and for noticing a table that went back.</summary>
[GenerateSerializer, Alias("orleanslake.PartitionGrainState")]
public sealed class PartitionGrainState
{
    /// <summary>The generation that the offset belongs to.</summary>
    [Id(0)]
    public string? Generation { get; set; }

    /// <summary>The table's next offset when it was last looked at.</summary>
    [Id(1)]
    public long? CommittedNext { get; set; }

    /// <summary>When that was, in milliseconds since 1970.</summary>
    [Id(2)]
    public long AsOfMs { get; set; }
}

/// <summary>
/// One topic-partition: holds the lease on it in the pump of its silo, for as long as the pipeline wants it here. Nothing is
/// decided by what it remembers; the table is.
/// </summary>
[TopicPartitionPlacement]
internal sealed class PartitionGrain(
    [PersistentState("partition", GrainStorage.Name)] IPersistentState<PartitionGrainState> state,
    PumpHost pumps,
    ITopicDirectory topics,
    ILocalSiloDetails self,
    IdSource ids,
    TimeProvider time,
    ILogger<PartitionGrain> logger) : Grain, IPartitionGrain
{
    // Well below the age at which the watchdog gives a lease up.
    private static readonly TimeSpan RenewPeriod = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan CopyPeriod = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan CallLimit = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan FlushLimit = TimeSpan.FromSeconds(25);

    private string _pipeline = "";
    private TopicPartition _topicPartition;
    private PipelineDefinition? _definition;
    private WantedState _wanted;
    private PumpLease? _lease;
    private IGrainTimer? _timer;
    private bool _copyChecked;
    private bool _isLate;

    /// <inheritdoc />
    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        (_pipeline, string topic, int partition) = GrainKeys.ParseTopicPartition(this.GetPrimaryKeyString());
        _topicPartition = new TopicPartition(topic, partition);
        return base.OnActivateAsync(cancellationToken);
    }

    /// <inheritdoc />
    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        if (_lease is { } lease)
        {
            _lease = null;
            try
            {
                await lease.DetachAsync(cancellationToken);
            }
            catch (OperationCanceledException)
            {
                // Out of time: the next owner asks the table.
            }
        }

        await base.OnDeactivateAsync(reason, cancellationToken);
    }

    /// <inheritdoc />
    public async Task<string> WantAsync(PipelineDefinition definition, WantedState wanted, bool isLate = false)
    {
        string home = self.SiloAddress.ToParsableString();
        bool wasPaused = _wanted == WantedState.Paused;
        _wanted = wanted;
        _isLate = isLate;
        if (_lease is { IsValid: true } held && held.Definition.SameAs(definition))
        {
            held.Renew();
            if (wasPaused != (wanted == WantedState.Paused))
            {
                held.SetPaused(wanted == WantedState.Paused);
            }

            return home;
        }

        if (_lease is { } former)
        {
            _lease = null;
            using var limit = new CancellationTokenSource(FlushLimit, time);
            await former.DetachAsync(limit.Token);
        }

        _definition = definition;
        Attach(definition);
        _timer ??= this.RegisterGrainTimer(TickAsync, new GrainTimerCreationOptions(RenewPeriod, RenewPeriod) { KeepAlive = true });
        return home;
    }

    /// <inheritdoc />
    public async Task<TopicPartitionStatus> StatusAsync()
    {
        var status = new TopicPartitionStatus
        {
            Topic = _topicPartition.Topic,
            Partition = _topicPartition.Partition,
            Committed = state.State.CommittedNext,
            Silo = RuntimeIdentity,
        };
        if (_lease is not { IsValid: true } lease)
        {
            return status;
        }

        using var limit = new CancellationTokenSource(CallLimit, time);
        (PumpPartitionStatus? pumped, string? trouble) = await lease.StatusAsync(limit.Token);
        status = status with { PumpCounts = await lease.CountsAsync(limit.Token) };
        return pumped is null
            ? status with { State = TopicPartitionState.Resuming, Trouble = trouble }
            : status with
            {
                State = StateOf(pumped.State),
                Position = pumped.Position,
                Committed = pumped.CommittedNext ?? (pumped.State == PumpPartitionState.Resuming ? status.Committed : null),
                Lag = pumped.Lag,
                FreshnessSeconds = pumped.OldestUncommittedAge?.TotalSeconds,
                Trouble = pumped.Reason ?? trouble,
            };
    }

    /// <inheritdoc />
    public Task RetryAsync()
    {
        if (_lease is { IsValid: true } lease)
        {
            lease.Retry();
            lease.SetPaused(_wanted == WantedState.Paused);
        }
        else if (_definition is { } definition)
        {
            Attach(definition);
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public async Task<bool> FlushAsync(Guid flushId)
    {
        if (_lease is not { IsValid: true } lease)
        {
            return true; // nothing is read here
        }

        using var limit = new CancellationTokenSource(FlushLimit, time);
        try
        {
            return await lease.FlushAsync(flushId, limit.Token);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested)
        {
            return false;
        }
    }

    /// <inheritdoc />
    public async Task<AppliedSchema?> ReloadSchemaAsync()
    {
        if (_lease is not { IsValid: true } lease)
        {
            return null;
        }

        using var limit = new CancellationTokenSource(FlushLimit, time);
        (int schemaId, long? first) = await lease.ReloadSchemaAsync(limit.Token);
        return new AppliedSchema(schemaId, first);
    }

    /// <inheritdoc />
    public async Task ReleaseAsync()
    {
        await LetGoAsync();
        DeactivateOnIdle();
    }

    /// <inheritdoc />
    public async Task MoveAsync(string home)
    {
        await LetGoAsync();
        // Not by deactivating: a call that was on its way here would bring it up here again.
        RequestContext.Set(TopicPartitionPlacementDirector.HomeKey, home);
        MigrateOnIdle();
    }

    /// <inheritdoc />
    public async Task NoticeAsync()
    {
        await CopyAsync();
        if (_definition is { OnDataLoss: DataLossAction.Continue } definition && _lease is { IsValid: true } lease)
        {
            await GoOnBehindLossAsync(definition, lease);
        }
    }

    private static TopicPartitionState StateOf(PumpPartitionState pumped) => pumped switch
    {
        PumpPartitionState.Resuming => TopicPartitionState.Resuming,
        PumpPartitionState.Reading => TopicPartitionState.Reading,
        PumpPartitionState.Idle => TopicPartitionState.Idle,
        PumpPartitionState.BlockedByTransaction => TopicPartitionState.BlockedByTransaction,
        PumpPartitionState.Paused => TopicPartitionState.Paused,
        PumpPartitionState.Held => TopicPartitionState.Held,
        PumpPartitionState.Draining => TopicPartitionState.Draining,
        _ => TopicPartitionState.Stopped,
    };

    private async Task LetGoAsync()
    {
        _definition = null;
        _timer?.Dispose();
        _timer = null;
        if (_lease is { } lease)
        {
            using var limit = new CancellationTokenSource(FlushLimit, time);
            await lease.DetachAsync(limit.Token);
            _lease = null;
        }
    }

    // Called by the pump's thread: a message to this grain, never its fields.
    private void Attach(PipelineDefinition definition)
    {
        IPartitionGrain self = this.AsReference<IPartitionGrain>();
        _copyChecked = false;
        _lease = pumps.Attach(definition, _topicPartition, _wanted == WantedState.Paused, () => self.NoticeAsync(), _isLate);
    }

    private async Task TickAsync(CancellationToken cancellationToken)
    {
        if (_definition is not { } definition)
        {
            return;
        }

        if (_lease is not { IsValid: true } lease)
        {
            Attach(definition); // lost to a twin or to an ending pump; null while the silo drains
            return;
        }

        lease.Renew();
        if (!_copyChecked || time.GetUtcNow().ToUnixTimeMilliseconds() - state.State.AsOfMs >= CopyPeriod.TotalMilliseconds)
        {
            await CopyAsync();
        }
    }

    /// <summary>
    /// Where it stopped because the broker no longer has the records that come next, the table is told so, and reading goes on
    /// behind them. The loss is a commit like any other: the audit counts it.
    /// </summary>
    private async Task GoOnBehindLossAsync(PipelineDefinition definition, PumpLease lease)
    {
        using var limit = new CancellationTokenSource(FlushLimit, time);
        (PumpPartitionStatus? status, _) = await lease.StatusAsync(limit.Token);
        if (status is not { State: PumpPartitionState.Stopped, Position: { } position })
        {
            return;
        }

        IReadOnlyDictionary<TopicPartition, long> starts = await topics.FactsOf(_pipeline).StartOffsetsAsync([_topicPartition], StartPosition.Earliest, limit.Token);
        if (!starts.TryGetValue(_topicPartition, out long logStart) || position >= logStart || _lease != lease)
        {
            return; // it stopped for something else
        }

        await lease.DetachAsync(limit.Token); // what was read before is committed first
        _lease = null;
        try
        {
            ITableGrain table = GrainFactory.GetGrain<ITableGrain>(GrainKeys.Table(definition.Catalog, definition.Table));
            ResumeAnswer answer = await table.ResumeAsync(
                new ResumeQuestion(_pipeline, definition.Generation, [new NamedTopicPartition(_topicPartition.Topic, _topicPartition.Partition)]));
            if (answer.TopicPartitions.FirstOrDefault() is { } at && at.Next < logStart)
            {
                ReportOutcome outcome = await table.MoveAsync(new MoveRequest
                {
                    MoveId = ids.NewUuid(),
                    Pipeline = _pipeline,
                    Generation = definition.Generation,
                    Kind = MoveKind.DataLoss,
                    Positions = [new MovedTo(_topicPartition.Topic, _topicPartition.Partition, logStart, at.Next)],
                });
                logger.LogLoss(_pipeline, _topicPartition, at.Next, logStart, outcome.Kind == ReportOutcomeKind.Committed ? "the table says so" : outcome.Message ?? outcome.Kind.ToString());
            }
        }
        finally
        {
            Attach(definition);
        }
    }

    /// <summary>Copies the table's offset into the grain's state, and says so where it is behind what was remembered.</summary>
    private async Task CopyAsync()
    {
        if (_lease is not { IsValid: true } lease)
        {
            return;
        }

        using var limit = new CancellationTokenSource(CallLimit, time);
        (PumpPartitionStatus? status, _) = await lease.StatusAsync(limit.Token);
        if (_lease != lease || status?.CommittedNext is not { } next)
        {
            return;
        }

        bool sameLife = state.State.Generation == lease.Definition.Generation;
        if (!_copyChecked && sameLife && state.State.CommittedNext > next)
        {
            logger.LogTableWentBack(_pipeline, _topicPartition, state.State.CommittedNext.Value, next);
        }

        _copyChecked = true;
        if (!sameLife || state.State.CommittedNext != next)
        {
            state.State.Generation = lease.Definition.Generation;
            state.State.CommittedNext = next;
            state.State.AsOfMs = time.GetUtcNow().ToUnixTimeMilliseconds();
            try
            {
                await state.WriteStateAsync();
            }
            catch (InconsistentStateException)
            {
                await state.ReadStateAsync(); // a twin keeps the copy too: no reason to end a pump that reads well
            }
        }
    }
}
