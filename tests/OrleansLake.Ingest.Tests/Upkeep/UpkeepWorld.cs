using OrleansLake.Iceberg;
using OrleansLake.Ingest.Commit;
using OrleansLake.Ingest.Tests.Commit;
using OrleansLake.Ingest.Upkeep;

namespace OrleansLake.Ingest.Tests.Upkeep;

/// <summary>What upkeep does to a <see cref="World"/>: its files are objects, so that one that is deleted is missed.</summary>
internal static class UpkeepWorld
{
    public static IUpkeepCommitter Committer(this World world) => new DirectUpkeepCommitter(world.Catalog, world.Ids, world.Time);

    public static SnapshotExpiry Expiry(this World world, params long[] running) =>
        new(world.Catalog, world.Committer(), world.Ids, world.Time) { Protected = _ => Task.FromResult<IReadOnlyCollection<long>>(running) };

    public static OrphanRemoval Orphans(this World world) => new(world.Catalog, world.Committer(), world.Ids, world.Time);

    public static async Task<UpkeepResult> ExpireAsync(this World world, ExpiryOptions options, params long[] running)
    {
        SnapshotExpiry expiry = world.Expiry(running);
        return await expiry.ExecuteAsync(await expiry.PlanAsync(await world.TableAsync(), options, CancellationToken.None), CancellationToken.None);
    }

    public static async Task<UpkeepResult> RemoveOrphansAsync(this World world, TimeSpan minAge)
    {
        OrphanRemoval orphans = world.Orphans();
        return await orphans.ExecuteAsync(await orphans.PlanAsync(await world.TableAsync(), new OrphanOptions { MinAge = minAge }, CancellationToken.None), CancellationToken.None);
    }

    /// <summary>Commits records, one report each, and a minute passes after each.</summary>
    public static async Task IngestAsync(this World world, TableCommitter committer, long from, int commits, TimeSpan? every = null)
    {
        for (int n = 0; n < commits; n++)
        {
            DataWritten report = await world.ReportAsync(from + n, from + n + 1);
            await world.PutAsync(report.Files);
            Assert.IsType<ReportAnswer.Committed>(await World.CommitAsync(committer, report));
            world.Time.Set(every ?? TimeSpan.FromMinutes(1));
        }
    }

    /// <summary>Conflicts are tried again at once: a pause would leave this thread.</summary>
    public static Task RetryAtOnceAsync(this World world) =>
        world.ChangeAsync(World.Events, new TableUpdate.SetProperties(new Dictionary<string, string> { ["commit.retry.min-wait-ms"] = "0" }));

    /// <summary>Makes the objects that descriptors name.</summary>
    public static async Task PutAsync(this World world, IEnumerable<DataFile> files)
    {
        foreach (DataFile file in files)
        {
            Assert.True(await world.Objects.TryCreateAsync(file.FilePath, new byte[file.FileSizeBytes], CancellationToken.None));
        }
    }

    /// <summary>Puts one file in place of all that are live; gives the snapshot.</summary>
    public static async Task<long> CompactAsync(this World world)
    {
        LoadedTable table = await world.TableAsync();
        Snapshot head = table.Metadata.FindRef(SnapshotRef.Main)!;
        var rewrite = new RewriteFiles(SnapshotRef.Main, head, world.Ids, world.Time);
        long rows = 0;
        foreach (DataFile file in await world.FilesAsync())
        {
            rewrite.Remove(file);
            rows += file.RecordCount;
        }

        DataFile whole = Reports.File(rows, $"memory://warehouse/db/events/data/{world.Ids.NewUuid()}.parquet");
        await world.PutAsync([whole]);
        rewrite.Add(whole);
        Assert.IsType<CommitResult.Committed>(await world.Committer().CommitAsync(World.Events, new Transaction(world.Time).Then(rewrite), CancellationToken.None));
        world.Time.Set(TimeSpan.FromMinutes(1));
        return (await world.TableAsync()).Metadata.CurrentSnapshotId!.Value;
    }

    /// <summary>Every file that a listed snapshot names is there.</summary>
    public static async Task AssertWholeAsync(this World world)
    {
        LoadedTable table = await world.TableAsync();
        var there = world.Objects.Locations.ToHashSet();
        foreach (Snapshot snapshot in table.Metadata.Snapshots)
        {
            Assert.Contains(snapshot.ManifestList!, there);
            foreach (ManifestFile manifest in await SnapshotFiles.ManifestsAsync(table, snapshot, CancellationToken.None))
            {
                Assert.Contains(manifest.ManifestPath, there);
            }

            await foreach (ManifestEntry entry in SnapshotFiles.LiveAsync(table, snapshot, CancellationToken.None))
            {
                Assert.True(entry.DataFile.FilePath.StartsWith("memory://foreign/", StringComparison.Ordinal) || there.Contains(entry.DataFile.FilePath), $"snapshot {snapshot.SequenceNumber} lists {entry.DataFile.FilePath}, which is gone");
            }
        }
    }

    /// <summary>Every object and its size.</summary>
    public static async Task<Dictionary<string, long>> SizesAsync(this World world)
    {
        var sizes = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (string location in world.Objects.Locations)
        {
            sizes[location] = await world.Objects.GetSizeAsync(location, CancellationToken.None);
        }

        return sizes;
    }

    /// <summary>Objects of the table that neither its metadata nor their log lead to.</summary>
    public static async Task<IReadOnlyList<string>> GarbageAsync(this World world)
    {
        LocationSet reachable = await ReachableFiles.FindAsync(await world.TableAsync(), CancellationToken.None);
        return [.. world.Objects.Locations.Where(location => location.Contains("/db/events/", StringComparison.Ordinal) && !reachable.Contains(location))];
    }
}
