using OrleansLake.Iceberg;
using OrleansLake.Ingest.Commit;

namespace OrleansLake.Testing.Simulation;

/// <summary>What others do to the table: none of them knows of us.</summary>
internal sealed class Strangers(SimulationWorld world)
{
    private int _files;

    /// <summary>Appends rows of its own.</summary>
    public void Append()
    {
        LoadedTable table = world.Load(SimulationWorld.Rows)!;
        var append = new AppendFiles(SnapshotRef.Main, world.Ids, world.Scheduler.Time);
        append.Add(new DataFile
        {
            FilePath = $"{TableChecker.ForeignPrefix}{_files++}.parquet",
            SpecId = 0,
            Partition = PartitionKey.None,
            RecordCount = 1,
            FileSizeBytes = 1,
        });
        Commit(table, append, new SnapshotExtras(), "stranger appends");
    }

    /// <summary>Sets main back to an ancestor.</summary>
    public void RollBack()
    {
        LoadedTable table = world.Load(SimulationWorld.Rows)!;
        Snapshot? at = table.Metadata.FindRef(SnapshotRef.Main);
        for (int steps = 1 + world.Random.Next(3); steps > 0 && at is not null; steps--)
        {
            at = table.Metadata.FindSnapshot(at.ParentSnapshotId) ?? at;
        }

        if (at is not null && at.SnapshotId != table.Metadata.CurrentSnapshotId)
        {
            world.Count("stranger rolls back");
            world.Swap(
                new TableCommit(table, [new TableRequirement.AssertTableUuid(table.Metadata.TableUuid)], [new TableUpdate.SetSnapshotRef(SnapshotRef.Main, new SnapshotRef(at.SnapshotId, false))]),
                "stranger");
            if (world.Random.Next(2) == 0)
            {
                Expire();
            }

            world.RedeliverSome();
        }
    }

    /// <summary>Forgets all but the newest ancestors of main, and deletes the files that nothing lists any more.</summary>
    public void Expire()
    {
        if (world.IsUnderRepair)
        {
            return;
        }

        LoadedTable table = world.Load(SimulationWorld.Rows)!;
        TableMetadata metadata = table.Metadata;
        var kept = new HashSet<long>();
        Snapshot? at = metadata.FindRef(SnapshotRef.Main);
        for (int left = 1 + world.Random.Next(4); left > 0 && at is not null; left--)
        {
            kept.Add(at.SnapshotId);
            at = metadata.FindSnapshot(at.ParentSnapshotId);
        }

        var gone = metadata.Snapshots.Where(snapshot => !kept.Contains(snapshot.SnapshotId)).ToList();
        if (gone.Count == 0)
        {
            return;
        }

        world.Count("stranger expires");
        var paths = gone.SelectMany(snapshot => world.Checker.PathsOf(table, snapshot)).ToHashSet();
        CommitResult result = world.Swap(
            new TableCommit(
                table,
                [new TableRequirement.AssertTableUuid(metadata.TableUuid), new TableRequirement.AssertRefSnapshotId(SnapshotRef.Main, metadata.CurrentSnapshotId)],
                [new TableUpdate.RemoveSnapshots(gone.ConvertAll(snapshot => snapshot.SnapshotId))]),
            "stranger");
        if (result is CommitResult.Committed(var after))
        {
            foreach (Snapshot snapshot in after.Metadata.Snapshots)
            {
                paths.ExceptWith(world.Checker.PathsOf(after, snapshot));
            }

            Delete(paths);
        }
    }

    /// <summary>Our own orphan removal (rule 19): says first from when on, then deletes what is older and listed nowhere.</summary>
    public void RemoveOrphans()
    {
        LoadedTable table = world.Load(SimulationWorld.Rows)!;
        long before = (world.Scheduler.Time.GetUtcNow() - world.UpTo(40)).ToUnixTimeMilliseconds();
        var extras = new SnapshotExtras
        {
            Summary = new Dictionary<string, string> { [SummaryKeys.NoFileBefore] = before.ToString(System.Globalization.CultureInfo.InvariantCulture) },
        };
        if (Commit(table, new AppendFiles(SnapshotRef.Main, world.Ids, world.Scheduler.Time), extras, "orphans are removed") is { } after)
        {
            var orphans = world.Files.Files.Values.Where(file => !file.IsDeadLetters && FileNameTime.Of(file.Path) < before).Select(file => file.Path).ToHashSet();
            foreach (Snapshot snapshot in after.Metadata.Snapshots)
            {
                orphans.ExceptWith(world.Checker.PathsOf(after, snapshot));
            }

            Delete(orphans);
        }
    }

    /// <summary>Adds a column, or takes the one away that was added last.</summary>
    public void ChangeSchema()
    {
        LoadedTable table = world.Load(SimulationWorld.Rows)!;
        TableMetadata metadata = table.Metadata;
        Schema current = metadata.CurrentSchema;
        int id = metadata.LastColumnId + 1;
        bool drops = current.Fields.Count > 1 && world.Random.Next(2) == 0;
        Schema changed = current with
        {
            SchemaId = metadata.Schemas.Max(schema => schema.SchemaId) + 1,
            Fields = drops ? [.. current.Fields.SkipLast(1)] : [.. current.Fields, new NestedField(id, $"c{id}", false, new LongType())],
        };
        world.Count(drops ? "stranger drops a column" : "stranger adds a column");
        world.Swap(
            new TableCommit(
                table,
                [new TableRequirement.AssertTableUuid(metadata.TableUuid), new TableRequirement.AssertCurrentSchemaId(metadata.CurrentSchemaId)],
                [new TableUpdate.AddSchema(changed), new TableUpdate.SetCurrentSchema(-1)]),
            "stranger");
    }

    private LoadedTable? Commit(LoadedTable table, AppendFiles append, SnapshotExtras extras, string what)
    {
        StagedSnapshot staged = SimulationWorld.Sync(append.StageAsync(table with { Store = new ProcessStore(world, null) }, extras, default));
        world.Count(what);
        return world.Swap(new TableCommit(table, staged.Requirements, staged.Updates), "stranger") is CommitResult.Committed(var after) ? after : null;
    }

    private void Delete(IEnumerable<string> paths)
    {
        foreach (string path in paths)
        {
            world.Files.Files.Remove(path);
            world.Files.Deleted.Add(path);
            world.Trace(() => $"stranger deletes {path[^12..]}");
        }
    }
}
