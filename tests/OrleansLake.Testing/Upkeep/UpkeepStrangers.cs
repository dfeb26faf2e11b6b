using OrleansLake.Iceberg;
using OrleansLake.Testing.Iceberg;
using OrleansLake.Iceberg.Deletes;
using OrleansLake.Ingest.Write;
using OrleansLake.Ingest.Upkeep;

namespace OrleansLake.Testing.Upkeep;

/// <summary>What others do to the table, each at one blow: none of them knows of us.</summary>
internal sealed class UpkeepStrangers(UpkeepSimulationWorld world)
{
    private const long FirstId = 5_000_000;
    private long _next = FirstId;
    private int _refs;

    public void Act()
    {
        LoadedTable table = world.Load();
        if (table.Metadata.FindRef(SnapshotRef.Main) is not { } head)
        {
            return;
        }

        switch (world.Random.Next(7))
        {
            case 0:
                Append(table);
                break;
            case 1:
            case 2:
                DeletePositions(table, head);
                break;
            case 3:
                DeleteKeys(table, head);
                break;
            case 4:
                Optimize(table, head);
                break;
            case 5:
                ChangeSchema(table);
                break;
            default:
                Name(table);
                break;
        }
    }

    private void Append(LoadedTable table)
    {
        List<long> ids = [.. Enumerable.Range(0, world.Random.Next(1, 4)).Select(_ => _next++)];
        var append = new AppendFiles(SnapshotRef.Main, world.Ids, world.Scheduler.Time);
        foreach (DataFile file in UpkeepSimulationWorld.Sync(world.WriteAsync(table, ids)))
        {
            append.Add(file);
        }

        Swap(table, append, "stranger appends", new Expected.Added(ids));
    }

    /// <summary>By position: a vector in v3, a file in v2.</summary>
    private void DeletePositions(LoadedTable table, Snapshot head)
    {
        var tasks = UpkeepSimulationWorld.Sync(ScanPlan.FilesAsync(table, head).ToListAsync().AsTask());
        if (tasks.Count == 0)
        {
            return;
        }

        FileScanTask task = tasks[world.Random.Next(tasks.Count)];
        var set = new PositionSet();
        set.Add(world.Random.NextInt64(task.File.RecordCount));
        var delta = new RowDelta(SnapshotRef.Main, head, world.Ids, world.Scheduler.Time) { Isolation = null };
        string location = $"{table.Metadata.Location}/data/deletes-{world.Ids.NewUuid()}";
        if (table.Metadata.FormatVersion >= 3)
        {
            foreach (DataFile old in task.Deletes.Where(delete => delete.IsDeletionVector))
            {
                foreach (long position in UpkeepSimulationWorld.Sync(DeletionVector.ReadAsync(table.Store, old, default)).Positions())
                {
                    set.Add(position);
                }

                delta.RemoveDeletes(old);
            }

            delta.AddDeletes(UpkeepSimulationWorld.Sync(DeletionVector.WriteAsync(table.Store, location + ".puffin", [(task.File, set)], default))[0]);
        }
        else
        {
            delta.AddDeletes(UpkeepSimulationWorld.Sync(DeleteFileWriter.WritePositionsAsync(
                table, location + ".parquet", task.File.SpecId, task.File.Partition, new Dictionary<string, PositionSet> { [task.File.FilePath] = set }, default)));
        }

        Swap(table, delta, "stranger deletes positions", new Expected.Deleted(UpkeepSimulationWorld.Sync(world.Checker.IdsAtAsync(table, task, set))));
    }

    private void DeleteKeys(LoadedTable table, Snapshot head)
    {
        List<long> ids = [.. world.Checker.Live.Where(_ => world.Random.Next(8) == 0).Take(3)];
        if (ids.Count == 0)
        {
            return;
        }

        var delta = new RowDelta(SnapshotRef.Main, head, world.Ids, world.Scheduler.Time) { Isolation = null };
        foreach (PartitionKey partition in UpkeepSimulationWorld.Sync(ScanPlan.FilesAsync(table, head).Select(task => task.File.Partition).Distinct().ToListAsync().AsTask()))
        {
            delta.AddDeletes(UpkeepSimulationWorld.Sync(DeleteFileWriter.WriteKeysAsync(
                table, $"{table.Metadata.Location}/data/deletes-{world.Ids.NewUuid()}.parquet", table.Metadata.DefaultSpecId, partition, [1], ids.Select(id => new object?[] { id }), default)));
        }

        Swap(table, delta, "stranger deletes keys", new Expected.Deleted(ids));
    }

    /// <summary>OPTIMIZE: all files of the table, at one blow.</summary>
    private void Optimize(LoadedTable table, Snapshot head)
    {
        var process = new Blow(world, "stranger optimizes");
        var compaction = new Compaction(process, new DirectUpkeepCommitter(process, world.Ids, world.Scheduler.Time), world.Ids, world.Scheduler.Time);
        CompactionPlan plan = UpkeepSimulationWorld.Sync(compaction.PlanAsync(table, new CompactionOptions { MinInputFiles = 2, QuietPeriod = TimeSpan.Zero, HotFiles = 2, RewriteAll = true }, default));
        UpkeepResult result = UpkeepSimulationWorld.Sync(compaction.ExecuteAsync(plan, default));
        if (result.Error is not null)
        {
            world.Fail($"stranger cannot optimize snapshot {head.SequenceNumber}: {result.Error}");
        }
    }

    private void ChangeSchema(LoadedTable table)
    {
        TableMetadata metadata = table.Metadata;
        Schema current = metadata.CurrentSchema;
        int id = metadata.LastColumnId + 1;
        bool drops = current.Fields.Count > 3 && world.Random.Next(2) == 0;
        Schema changed = current with
        {
            SchemaId = metadata.Schemas.Max(schema => schema.SchemaId) + 1,
            Fields = drops ? [.. current.Fields.SkipLast(1)] : [.. current.Fields, new NestedField(id, $"c{id}", false, new LongType())],
        };
        world.Swap(
            new TableCommit(table, [new TableRequirement.AssertTableUuid(metadata.TableUuid), new TableRequirement.AssertCurrentSchemaId(metadata.CurrentSchemaId)], [new TableUpdate.AddSchema(changed), new TableUpdate.SetCurrentSchema(-1)]),
            drops ? "stranger drops a column" : "stranger adds a column",
            new Expected.Same());
    }

    /// <summary>A tag or branch on some snapshot.</summary>
    private void Name(LoadedTable table)
    {
        if (_refs >= 2)
        {
            return;
        }

        Snapshot some = table.Metadata.Snapshots[world.Random.Next(table.Metadata.Snapshots.Count)];
        bool isTag = world.Random.Next(2) == 0;
        world.Swap(
            new TableCommit(table, [new TableRequirement.AssertTableUuid(table.Metadata.TableUuid)], [new TableUpdate.SetSnapshotRef($"ref{_refs++}", new SnapshotRef(some.SnapshotId, isTag))]),
            isTag ? "stranger tags" : "stranger branches",
            new Expected.Same());
    }

    private void Swap(LoadedTable table, SnapshotChange change, string who, Expected expected)
    {
        StagedSnapshot staged = UpkeepSimulationWorld.Sync(change.StageAsync(table, new SnapshotExtras(), default));
        world.Swap(new TableCommit(table, staged.Requirements, staged.Updates), who, expected);
    }

    /// <summary>The catalog without faults and delays.</summary>
    private sealed class Blow(UpkeepSimulationWorld world, string who) : SwapCatalog
    {
        public override Task<LoadedTable?> LoadTableAsync(TableIdentifier identifier, CancellationToken cancellationToken) => Task.FromResult<LoadedTable?>(world.Load());

        public override Task<CommitResult> CommitTableAsync(TableCommit commit, CancellationToken cancellationToken) => Task.FromResult(world.Swap(commit, who, new Expected.Same()));
    }
}
