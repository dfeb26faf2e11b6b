using System.Globalization;
using System.Runtime.CompilerServices;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Tests.Commit;
using OrleansLake.Ingest.Upkeep;
using OrleansLake.Testing.Iceberg;
using static OrleansLake.Ingest.Tests.Commit.World;

namespace OrleansLake.Ingest.Tests.Upkeep;

/// <summary>Memory is measured while nothing else runs.</summary>
[CollectionDefinition(nameof(OrphanListingTests), DisableParallelization = true)]
[Collection(nameof(OrphanListingTests))]
public sealed class OrphanListingTests
{
    /// <summary>Memory is what the files of the table take, 16 bytes each in a set that is never fuller than three quarters.</summary>
    [Fact]
    [Trait("Category", "Endurance")]
    public async Task A_listing_of_a_million_objects_takes_bounded_memory()
    {
        const int Files = 1_000_000;
        const int Live = 50_000;
        var time = TimeProvider.System;
        var ids = new IdSource(time, new Random(1));
        var store = new EndlessStore(new InMemoryObjectStore(), Live, time.GetUtcNow() - TimeSpan.FromDays(30)) { Files = Files };
        var catalog = new InMemoryCatalog(store, time, ids);
        await catalog.CreateTableAsync(Events, new TableCreation { Schema = Reports.Schema }, CancellationToken.None);
        var append = new AppendFiles(SnapshotRef.Main, ids, time);
        for (int n = 0; n < Live; n++)
        {
            append.Add(Reports.File(1, EndlessStore.NameOf(n)));
        }

        await new DirectUpkeepCommitter(catalog, ids, time).CommitAsync(Events, new Transaction(time).Then(append), CancellationToken.None);
        append = null;
        LoadedTable table = (await catalog.LoadTableAsync(Events, CancellationToken.None))!;
        var orphans = new OrphanRemoval(catalog, new DirectUpkeepCommitter(catalog, ids, time), ids, time);
        long before = Used();
        long most = 0;
        store.Every = 500_000;
        store.OnEvery = () => most = Math.Max(most, Used() - before);
        OrphanPlan plan = await orphans.PlanAsync(table, new OrphanOptions(), CancellationToken.None);
        Assert.Equal((Files - Live, Files), (plan.Files, plan.Listed - store.Others));
        store.Files = Files / 10;
        UpkeepResult result = await orphans.ExecuteAsync(plan, CancellationToken.None);
        Assert.Equal(store.Files - Live, result.FilesRemoved);
        Assert.Equal(store.Files - Live, store.Deleted);
        Assert.Equal(0, store.DeletedLive);
        TestContext.Current.TestOutputHelper?.WriteLine($"{most / 1e6:F1} MB beside the table, for {Live} files of {Files} listed");
        Assert.True(most < 8_000_000, $"{most / 1e6:F1} MB");
    }

    private static long Used()
    {
        GC.Collect(2, GCCollectionMode.Forced, blocking: true);
        return GC.GetTotalMemory(forceFullCollection: false);
    }

    /// <summary>Lists names that stand nowhere, and counts what is deleted of them.</summary>
    private sealed class EndlessStore(InMemoryObjectStore inner, int live, DateTimeOffset made) : IObjectStore
    {
        public int Files { get; set; }

        public int Every { get; set; } = int.MaxValue;

        public Action OnEvery { get; set; } = static () => { };

        public int Others { get; private set; }

        public int Deleted { get; private set; }

        public int DeletedLive { get; private set; }

        public static string NameOf(int n) => string.Create(CultureInfo.InvariantCulture, $"memory://warehouse/db/events/data/bucket={n % 128}/part-{n:D9}-of-a-name-as-long-as-writers-make-them.parquet");

        public Task<long> GetSizeAsync(string location, CancellationToken cancellationToken) => inner.GetSizeAsync(location, cancellationToken);

        public Task<ReadOnlyMemory<byte>> ReadAsync(string location, CancellationToken cancellationToken) => inner.ReadAsync(location, cancellationToken);

        public Task<ReadOnlyMemory<byte>> ReadRangeAsync(string location, long position, int length, CancellationToken cancellationToken) => inner.ReadRangeAsync(location, position, length, cancellationToken);

        public ObjectWriter OpenWrite(string location) => inner.OpenWrite(location);

        public Task<bool> TryCreateAsync(string location, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) => inner.TryCreateAsync(location, content, cancellationToken);

        public async IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
        {
            Others = 0;
            await foreach (ObjectInfo info in inner.ListAsync(prefix, cancellationToken))
            {
                Others++;
                yield return info;
            }

            for (int n = 0; n < Files; n++)
            {
                yield return new ObjectInfo(NameOf(n), 100, made);
                if (n % Every == Every - 1)
                {
                    OnEvery();
                }
            }
        }

        public Task DeleteAsync(IReadOnlyCollection<string> locations, CancellationToken cancellationToken)
        {
            Assert.InRange(locations.Count, 0, 1000);
            Deleted += locations.Count;
            DeletedLive += locations.Count(location => int.Parse(location.AsSpan(location.IndexOf("part-", StringComparison.Ordinal) + 5, 9), CultureInfo.InvariantCulture) < live);
            return Task.CompletedTask;
        }
    }
}
