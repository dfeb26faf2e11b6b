using OrleansLake.Iceberg;
using OrleansLake.Ingest.Upkeep;

namespace OrleansLake.Testing.Upkeep;

/// <summary>
/// The upkeep on one seed: two who keep the table up with the real code, on real files, while records are ingested, strangers append,
/// delete, optimize, alter and tag, and everyone may die at every step. What must hold is in <see cref="UpkeepChecker"/>; here it only
/// happens.
/// </summary>
internal sealed class UpkeepSimulation
{
    private const long RecordsOfPartition = 24;
    private static readonly TimeSpan FaultsUntil = TimeSpan.FromSeconds(45);
    private static readonly TimeSpan QuietLimit = TimeSpan.FromMinutes(8);
    private readonly UpkeepSimulationWorld _world;
    private readonly UpkeepIngest _ingest;
    private readonly UpkeepStrangers _strangers;

    private UpkeepSimulation(UpkeepSimulationOptions options)
    {
        _world = new UpkeepSimulationWorld(options);
        _ingest = new UpkeepIngest(_world, RecordsOfPartition);
        _strangers = new UpkeepStrangers(_world);
    }

    /// <summary>Runs a seed to its end.</summary>
    public static UpkeepSimulationResult Run(UpkeepSimulationOptions options)
    {
        var simulation = new UpkeepSimulation(options);
        UpkeepSimulationWorld world = simulation._world;
        try
        {
            simulation.Run();
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            world.Fail($"the run ended with {e}");
        }

        return new UpkeepSimulationResult(options.Seed, world.Violation, world.TraceLines, world.Scheduler.Steps, world.Swaps, world.Events);
    }

    private void Run()
    {
        _world.Scheduler.After(TimeSpan.Zero, _ingest.Begin);
        StartKeeper(0);
        StartKeeper(1);
        _world.Scheduler.After(TimeSpan.FromSeconds(3), Stranger);
        _world.Scheduler.Run(() => _world.Violation is not null, FaultsUntil);
        _world.IsFaulty = false;
        bool isComplete = _world.Scheduler.Run(() => _world.Violation is not null || _ingest.IsComplete(), QuietLimit);
        if (_world.Violation is null && !isComplete)
        {
            _world.Fail($"not every record came in: the next offsets are {string.Join(", ", _world.Checker.Next)} of {RecordsOfPartition}");
        }

        // What is still on its way, once more with everyone alive.
        _world.Scheduler.Run(() => _world.Violation is not null, TimeSpan.FromSeconds(30));
        _world.Checker.CheckHistory();
    }

    private void Stranger()
    {
        if (_world.IsFaulty)
        {
            _strangers.Act();
            _world.Scheduler.After(_world.UpTo(8), Stranger);
        }
    }

    private void StartKeeper(int number)
    {
        var process = new UpkeepProcess(_world, $"keeper {number}");
        _ = KeepAsync(process);
        _world.Scheduler.After(TimeSpan.FromSeconds(3), Watch);

        void Watch()
        {
            if (process.IsAlive)
            {
                _world.Scheduler.After(TimeSpan.FromSeconds(3), Watch);
            }
            else
            {
                StartKeeper(number);
            }
        }
    }

    private async Task KeepAsync(UpkeepProcess process)
    {
        var catalog = new UpkeepProcessCatalog(_world, process);
        IUpkeepCommitter committer = _world.Options.RewritesAreChecked
            ? new DirectUpkeepCommitter(catalog, _world.Ids, _world.Scheduler.Time)
            : new UncheckedCommitter(catalog);
        while (process.IsAlive)
        {
            await _world.Scheduler.Later(_world.UpTo(4), static () => true);
            if (!process.IsAlive || process.Dies("its rest"))
            {
                return;
            }

            try
            {
                LoadedTable table = (await catalog.LoadTableAsync(UpkeepSimulationWorld.Rows, default))!;
                UpkeepResult result = await WorkAsync(process, table, catalog, committer);
                _world.Count(result.Error is null ? $"upkeep: {process.Deed}" : $"upkeep failed: {process.Deed}");
                _world.Trace(() => $"{process.Name} ({process.Deed}): {result.StepsDone} steps, {result.FilesRemoved} files removed {string.Join("; ", result.Notes)} {result.Error}");
            }
            catch (Exception e) when (e is IOException or ChangeConflictException)
            {
                _world.Count($"upkeep stopped: {process.Deed}");
                _world.Trace(() => $"{process.Name} ({process.Deed}): {e.Message}");
            }
            catch (Exception e)
            {
                _world.Fail($"{process.Name} ({process.Deed}): {e}");
            }

            _world.Bases.Remove(process);
        }
    }

    private async Task<UpkeepResult> WorkAsync(UpkeepProcess process, LoadedTable table, UpkeepProcessCatalog catalog, IUpkeepCommitter committer)
    {
        int deed = _world.Random.Next(8);
        process.Expected = deed == 4 ? new Expected.Retention() : new Expected.Same();
        switch (deed)
        {
            case 0 or 1:
                process.Deed = "compaction";
                Protect(table.Metadata.CurrentSnapshotId);
                var compaction = new Compaction(catalog, committer, _world.Ids, _world.Scheduler.Time) { OnBase = Protect };
                CompactionPlan compact = await compaction.PlanAsync(table, new CompactionOptions { MinInputFiles = 2, QuietPeriod = TimeSpan.FromSeconds(1), HotFiles = 2, GroupSizeBytes = _world.Random.Next(2) == 0 ? 3_000 : 1 << 20, Strategy = _world.Random.Next(3) == 0 ? CompactionStrategy.Zorder : CompactionStrategy.BinPack, ZorderColumns = ["id", "ts"] }, default);
                return await compaction.ExecuteAsync(compact, default);
            case 2:
                process.Deed = "orphans";
                var orphans = new OrphanRemoval(catalog, committer, _world.Ids, _world.Scheduler.Time) { Rules = _world.Options.Rules };
                OrphanPlan orphan = await orphans.PlanAsync(table, new OrphanOptions { MinAge = TimeSpan.FromSeconds(5) + _world.UpTo(15) }, default);
                return await orphans.ExecuteAsync(orphan, default);
            case 3:
                process.Deed = "manifests";
                return await new ManifestUpkeep(catalog, committer, _world.Ids, _world.Scheduler.Time).ExecuteAsync(await ManifestUpkeep.PlanAsync(table, new ManifestOptions { MinCount = 2 }, default), default);
            case 5:
                process.Deed = "statistics";
                return await new StatisticsUpkeep(catalog, committer, _world.Ids, _world.Scheduler.Time).ExecuteAsync(StatisticsUpkeep.Plan(table, new StatisticsOptions { Columns = ["id", "ts"] }), default);
            case 4:
                process.Deed = "retention";
                Protect(table.Metadata.CurrentSnapshotId);
                var retention = new Retention(catalog, committer, _world.Ids, _world.Scheduler.Time) { OnBase = Protect };
                RetentionPlan retain = await retention.PlanAsync(table, new RetentionOptions { Column = "ts", Period = CalendarPeriod.Parse("5d")!.Value, Boundary = (RetentionBoundary)_world.Random.Next(3) }, default);
                return await retention.ExecuteAsync(retain, default);
            default:
                process.Deed = "expiry";
                var expiry = new SnapshotExpiry(catalog, committer, _world.Ids, _world.Scheduler.Time)
                {
                    Rules = _world.Options.Rules,
                    Protected = _ =>
                    {
                        process.AskedAt = _world.Scheduler.Now;
                        return Task.FromResult<IReadOnlyCollection<long>>([.. _world.Bases.Values.Select(running => running.SnapshotId)]);
                    },
                };
                ExpiryPlan expire = await expiry.PlanAsync(table, new ExpiryOptions { MaxSnapshotAge = _world.UpTo(10), KeepNewest = _world.Random.Next(1, 4), CleanMetadata = _world.Random.Next(2) == 0 }, default);
                return await expiry.ExecuteAsync(expire, default);
        }

        void Protect(long? snapshotId)
        {
            if (snapshotId is { } id && process.IsAlive)
            {
                _world.Bases[process] = (id, _world.Scheduler.Now);
            }
        }
    }

    /// <summary>Puts a change that was staged on one state on top of another, as if nothing had come between.</summary>
    private sealed class UncheckedCommitter(UpkeepProcessCatalog catalog) : IUpkeepCommitter
    {
        public async Task<CommitResult> CommitAsync(TableIdentifier table, Transaction change, CancellationToken cancellationToken)
        {
            StagedChange staged = await change.StageAsync((await catalog.LoadTableAsync(table, cancellationToken))!, cancellationToken);
            if (staged.Updates.Count == 0)
            {
                return new CommitResult.Committed((await catalog.LoadTableAsync(table, cancellationToken))!);
            }

            LoadedTable now = (await catalog.LoadTableAsync(table, cancellationToken))!;
            IReadOnlyList<TableUpdate> updates = [.. staged.Updates.Select(update => update is TableUpdate.AddSnapshot(var snapshot)
                ? new TableUpdate.AddSnapshot(snapshot with { SequenceNumber = Math.Max(snapshot.SequenceNumber, now.Metadata.LastSequenceNumber + 1), ParentSnapshotId = now.Metadata.CurrentSnapshotId, FirstRowId = snapshot.FirstRowId is null ? null : now.Metadata.NextRowId })
                : update)];
            return await catalog.CommitTableAsync(new TableCommit(now, [new TableRequirement.AssertTableUuid(now.Metadata.TableUuid)], updates), cancellationToken);
        }
    }
}
