using Microsoft.Extensions.Logging;
using OrleansLake.Contracts;
using OrleansLake.Iceberg;
using OrleansLake.Ingest;
using OrleansLake.Ingest.Commit;

namespace OrleansLake.Grains;

/// <summary>
/// Gives a table's committer a place in the cluster and its one logical thread. Keeps no state of its own: what was
/// committed is in the table, and a report that a dead activation had not committed is sent again by its pump.
/// </summary>
internal sealed partial class TableGrain(TableCommitters committers, TimeProvider time, ILogger<TableGrain> logger) : Grain, ITableGrain
{
    private static readonly TimeSpan OutsideLimit = TimeSpan.FromSeconds(25);
    private static readonly TimeSpan LookPeriod = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource _stop = new();
    private string _catalog = "";
    private TableIdentifier? _table;
    private TableCommitter? _committer;
    private Task _run = Task.CompletedTask;
    private LoadedTable? _loaded;
    private string? _lookTrouble;

    private TableCommitter Committer => _committer ?? throw new InvalidOperationException($"table {_table} has no committer yet");

    /// <inheritdoc />
    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        (_catalog, string identifier) = GrainKeys.ParseTable(this.GetPrimaryKeyString());
        _table = TableIdentifier.Parse(identifier);
        _committer = committers.Create(_catalog, _table, () => Protected);
        // One loop an activation, on the activation's own scheduler: its turns and those of calls never overlap.
        _run = RunAsync();
        // Looks at the schema, and keeps the grain alive while nobody calls.
        this.RegisterGrainTimer(LookAsync, new GrainTimerCreationOptions(LookPeriod, LookPeriod) { KeepAlive = true, Interleave = true });
        return base.OnActivateAsync(cancellationToken);
    }

    /// <inheritdoc />
    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        await _stop.CancelAsync();
        await Task.WhenAny(_run, Task.Delay(StopLimit, time, cancellationToken));
        _stop.Dispose();
        await base.OnDeactivateAsync(reason, cancellationToken);
    }

    /// <inheritdoc />
    public Task ReportAsync(ReportEnvelope report) => Committer.EnqueueAsync(DataWrittenCodec.Read(report.Report), _stop.Token);

    /// <inheritdoc />
    public async Task<ReportOutcome> OutcomeAsync(Guid reportId) => Outcomes.ToContract(await Committer.OutcomeAsync(reportId, _stop.Token));

    /// <inheritdoc />
    public async Task<ResumeAnswer> ResumeAsync(ResumeQuestion question)
    {
        using CancellationTokenSource limit = Limit();
        return Outcomes.ToContract(await Committer.ResumeAsync(
            question.Pipeline, question.Generation, [.. question.TopicPartitions.Select(one => new TopicPartition(one.Topic, one.Partition))], question.TopicIds ?? [], limit.Token));
    }

    /// <inheritdoc />
    public async Task<ReportOutcome> MoveAsync(MoveRequest move)
    {
        using CancellationTokenSource limit = Limit();
        return Outcomes.ToContract(await Committer.MoveAsync(
            new OffsetMove
            {
                MoveId = move.MoveId,
                Pipeline = move.Pipeline,
                Generation = move.Generation,
                Reason = move.Kind switch
                {
                    MoveKind.Seek => MoveReason.Seek,
                    MoveKind.Reset => MoveReason.Reset,
                    MoveKind.DataLoss => MoveReason.DataLoss,
                    _ => MoveReason.Accept,
                },
                Branch = Committer.Branch,
                ClusterId = move.ClusterId,
                TopicIds = move.TopicIds,
                Positions = [.. move.Positions.Select(to => new MovedPosition(new TopicPartition(to.Topic, to.Partition), to.Next, From: to.From))],
            },
            limit.Token));
    }

    /// <inheritdoc />
    public async Task<SchemaReload> ReloadSchemaAsync()
    {
        using CancellationTokenSource limit = Limit();
        LoadedTable table = await Committer.ReloadSchemaAsync(limit.Token);
        Remember(table);
        return new SchemaReload { Table = table.Identifier.ToString(), SchemaId = table.Metadata.CurrentSchemaId };
    }

    /// <inheritdoc />
    public async Task<SchemaGrowthAnswer> GrowSchemaAsync(SchemaGrowth growth)
    {
        using CancellationTokenSource limit = Limit();
        SchemaGrown grown = await Committer.GrowSchemaAsync([.. growth.Fields.Select(GrowthForms.FromContract)], growth.MostFields, limit.Token);
        Remember(grown.Table);
        return new SchemaGrowthAnswer(grown.Table.Metadata.CurrentSchemaId, [.. grown.Declined]);
    }

    /// <inheritdoc />
    public async Task<TableStatus> StatusAsync()
    {
        string? trouble = Committer.Status.Trouble;
        LoadedTable? table = null;
        try
        {
            using CancellationTokenSource limit = Limit();
            table = await Committer.ReloadSchemaAsync(limit.Token);
            Remember(table);
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            trouble ??= error.Message;
        }

        Snapshot? snapshot = table?.Metadata.FindRef(SnapshotRef.Main);
        CommitterStatus committer = Committer.Status;
        return new TableStatus
        {
            Catalog = _catalog,
            Table = _table!.ToString(),
            Uuid = table?.Metadata.TableUuid,
            Location = table?.Metadata.Location,
            MetadataLocation = table?.MetadataLocation,
            SchemaId = table?.Metadata.CurrentSchemaId,
            SnapshotId = snapshot?.SnapshotId,
            SnapshotTimestampMs = snapshot?.TimestampMs,
            Snapshots = table?.Metadata.Snapshots.Count ?? 0,
            Rows = Counter(snapshot, "total-records"),
            DataFiles = Counter(snapshot, "total-data-files"),
            WaitingReports = committer.WaitingReports,
            FreshnessSeconds = committer.Freshness?.TotalSeconds,
            Trouble = trouble ?? (committer.Duels.Count > 0 ? string.Join("; ", committer.Duels) : null),
        };
    }

    private static long? Counter(Snapshot? snapshot, string name) =>
        snapshot is not null && snapshot.Summary.TryGetValue(name, out string? text)
        && long.TryParse(text, System.Globalization.CultureInfo.InvariantCulture, out long value) ? value : null;

    private CancellationTokenSource Limit()
    {
        var limit = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        limit.CancelAfter(OutsideLimit);
        return limit;
    }

    private async Task RunAsync()
    {
        try
        {
            await Committer.RunAsync(_stop.Token);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The activation ends.
        }
        catch (Exception error)
        {
            // Another activation begins anew; the pumps send their reports again.
            logger.LogLoopEnded(_table!.ToString(), error);
            DeactivateOnIdle();
        }
    }

    /// <summary>A schema that somebody else made is in the answers to the next reports; pumps without reports look for themselves.</summary>
    private async Task LookAsync(CancellationToken cancellationToken)
    {
        string? trouble = null;
        try
        {
            using CancellationTokenSource limit = Limit();
            Remember(await Committer.ReloadSchemaAsync(limit.Token));
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            trouble = error.Message;
        }

        if (trouble is not null && trouble != _lookTrouble)
        {
            logger.LogLookFailed(_table!.ToString(), trouble);
        }

        _lookTrouble = trouble;
    }

    private void Remember(LoadedTable table)
    {
        if (_loaded is { } before && before.Metadata.CurrentSchemaId != table.Metadata.CurrentSchemaId)
        {
            logger.LogNewSchema(table.Identifier.ToString(), before.Metadata.CurrentSchemaId, table.Metadata.CurrentSchemaId);
        }

        _loaded = table;
    }
}
