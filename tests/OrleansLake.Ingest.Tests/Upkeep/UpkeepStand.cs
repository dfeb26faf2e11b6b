using System.Text;
using OrleansLake.Iceberg;
using OrleansLake.Iceberg.Deletes;
using OrleansLake.Ingest.Read;
using OrleansLake.Ingest.Upkeep;
using OrleansLake.Ingest.Write;
using OrleansLake.Parquet;
using OrleansLake.Testing.Commit;
using OrleansLake.Testing.Iceberg;

namespace OrleansLake.Ingest.Tests.Upkeep;

/// <summary>A clock that a test moves.</summary>
internal sealed class ManualTime(DateTimeOffset now) : TimeProvider
{
    public DateTimeOffset Now { get; set; } = now;

    public override DateTimeOffset GetUtcNow() => Now;

    public override long GetTimestamp() => Now.Ticks;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;
}

/// <summary>A table with real files, what writers and others do to it, and the upkeep of it.</summary>
internal sealed class UpkeepStand : IAsyncDisposable
{
    public static readonly TableIdentifier Name = TableIdentifier.Parse("db.events");

    private readonly string? _warehouse;
    private int _files;

    private UpkeepStand(ICatalog catalog, string? warehouse, ManualTime time, IdSource ids)
    {
        Catalog = new FaultyCatalog(catalog);
        _warehouse = warehouse;
        Time = time;
        Ids = ids;
    }

    public FaultyCatalog Catalog { get; }

    public ManualTime Time { get; }

    public IdSource Ids { get; }

    public LoadedTable Table { get; private set; } = null!;

    public string? Warehouse => _warehouse;

    public CompactionOptions Options { get; set; } = new() { TargetFileSizeBytes = 1 << 20, MinInputFiles = 3, QuietPeriod = TimeSpan.FromMinutes(10) };

    public static IReadOnlyList<NestedField> Fields { get; } =
    [
        new(1, "id", true, new LongType()), new(2, "ts", false, new TimestampType(true)), new(3, "name", false, new StringType()),
        new(4, "tags", false, new ListType(5, new StringType(), true)),
    ];

    public static IReadOnlyList<PartitionField> ByDay { get; } = [new PartitionField(1000, "ts_day", [2], new Transform.Day())];

    public static async Task<UpkeepStand> CreateAsync(
        int formatVersion = 2, IReadOnlyList<PartitionField>? partitions = null, Dictionary<string, string>? properties = null, bool onDisk = false, IReadOnlyList<SortField>? order = null, IReadOnlyList<NestedField>? fields = null)
    {
        var time = new ManualTime(new DateTimeOffset(2025, 6, 1, 12, 0, 0, TimeSpan.Zero));
        var ids = new IdSource(time, new Random(5));
        string? warehouse = onDisk ? Path.Combine(Path.GetTempPath(), "orleanslake-tests", Guid.NewGuid().ToString("N")) : null;
        ICatalog catalog = warehouse is null ? new InMemoryCatalog(new InMemoryObjectStore(time), time, ids) : new LocalCatalog(warehouse, time, ids);
        var stand = new UpkeepStand(catalog, warehouse, time, ids);
        stand.Table = await catalog.CreateTableAsync(
            Name,
            new TableCreation
            {
                Schema = new Schema { SchemaId = 0, Fields = fields ?? Fields },
                PartitionSpec = partitions is null ? null : new PartitionSpec { SpecId = 0, Fields = partitions },
                SortOrder = order is null ? null : new SortOrder { OrderId = 1, Fields = order },
                FormatVersion = formatVersion,
                Properties = properties ?? [],
            },
            default);
        return stand;
    }

    /// <summary>A row of the usual columns: its id, hours since 2025-05-01, its name.</summary>
    public static object?[] Row(long id, double hours = 0, string? name = null) =>
        [id, 1_746_057_600_000_000 + (long)(hours * 3_600_000_000), name ?? $"name {id}", id % 3 == 0 ? null : new List<object?> { "a", $"t{id % 5}" }];

    public static IEnumerable<object?[]> Numbered(long first, int count, double hours = 0) => Enumerable.Range(0, count).Select(i => Row(first + i, hours));

    public async Task<LoadedTable> LoadAsync() => Table = (await Catalog.LoadTableAsync(Name, default))!;

    public async Task<Snapshot> HeadAsync() => (await LoadAsync()).Metadata.FindRef(SnapshotRef.Main)!;

    /// <summary>Files of rows, one a partition.</summary>
    public async Task<IReadOnlyList<DataFile>> WriteAsync(IEnumerable<object?[]> rows)
    {
        var plan = new WritePlan(Table);
        var batch = new ColumnBatch(plan.Columns);
        var shredder = new RowShredder(plan.Schema.Fields, batch);
        foreach (object?[] row in rows)
        {
            shredder.Append(row);
        }

        var files = new OpenFiles(plan, Table.Store, $"w-{++_files:D5}-{Ids.NewUuid()}");
        files.Append(batch);
        return await files.CompleteAsync(default);
    }

    public async Task AppendAsync(params IEnumerable<object?[]> rows)
    {
        await LoadAsync();
        var append = new AppendFiles(SnapshotRef.Main, Ids, Time);
        foreach (var file in await WriteAsync(rows))
        {
            append.Add(file);
        }

        await ChangeAsync(append);
    }

    /// <summary>What someone else deletes: positions by a vector or a file of them.</summary>
    public async Task DeletePositionsAsync(Func<DataFile, bool> which, params long[] positions)
    {
        var head = await HeadAsync();
        var delta = new RowDelta(SnapshotRef.Main, head, Ids, Time) { Isolation = null };
        await foreach (var task in ScanPlan.FilesAsync(Table, head))
        {
            if (!which(task.File))
            {
                continue;
            }

            var set = new PositionSet();
            foreach (var old in task.Deletes.Where(delete => delete.IsDeletionVector))
            {
                foreach (long position in (await DeletionVector.ReadAsync(Table.Store, old, default)).Positions())
                {
                    set.Add(position);
                }

                delta.RemoveDeletes(old);
            }

            foreach (long position in positions)
            {
                set.Add(position);
            }

            string location = $"{Table.Metadata.Location}/data/deletes-{Ids.NewUuid()}";
            delta.AddDeletes(Table.Metadata.FormatVersion >= 3
                ? (await DeletionVector.WriteAsync(Table.Store, location + ".puffin", [(task.File, set)], default))[0]
                : await DeleteFileWriter.WritePositionsAsync(Table, location + ".parquet", task.File.SpecId, task.File.Partition, new Dictionary<string, PositionSet> { [task.File.FilePath] = set }, default));
        }

        await ChangeAsync(delta);
    }

    /// <summary>One file of positions in several data files of one partition (v2).</summary>
    public async Task DeletePositionsTogetherAsync(params long[] positions)
    {
        var head = await HeadAsync();
        var delta = new RowDelta(SnapshotRef.Main, head, Ids, Time) { Isolation = null };
        var sets = new Dictionary<string, PositionSet>();
        DataFile? some = null;
        await foreach (var task in ScanPlan.FilesAsync(Table, head))
        {
            some = task.File;
            sets[task.File.FilePath] = new PositionSet();
            foreach (long position in positions)
            {
                sets[task.File.FilePath].Add(position);
            }
        }

        delta.AddDeletes(await DeleteFileWriter.WritePositionsAsync(Table, $"{Table.Metadata.Location}/data/deletes-{Ids.NewUuid()}.parquet", some!.SpecId, some.Partition, sets, default));
        await ChangeAsync(delta);
    }

    public async Task DeleteIdsAsync(PartitionKey partition, params long[] ids)
    {
        await LoadAsync();
        var delta = new RowDelta(SnapshotRef.Main, await HeadAsync(), Ids, Time) { Isolation = null };
        delta.AddDeletes(await DeleteFileWriter.WriteKeysAsync(
            Table, $"{Table.Metadata.Location}/data/deletes-{Ids.NewUuid()}.parquet", Table.Metadata.DefaultSpecId, partition, [1], ids.Select(id => new object?[] { id }), default));
        await ChangeAsync(delta);
    }

    public async Task RemoveAsync(DataFile file)
    {
        var change = new Iceberg.DeleteFiles(SnapshotRef.Main, Ids, Time);
        change.Remove(file);
        await ChangeAsync(change);
    }

    public async Task ChangeAsync(SnapshotChange change, SnapshotExtras? extras = null) => Table = Assert.IsType<CommitResult.Committed>(
        await new TableChanges(Inner, Ids, Time).CommitAsync(Name, change, extras, default)).Table;

    public async Task ChangeAsync(Func<TableMetadata, IMetadataChange> change) =>
        Table = Assert.IsType<CommitResult.Committed>(await new TableChanges(Inner, Ids, Time).CommitAsync(Name, change, default)).Table;

    /// <summary>What is done in the moment before the next swap of the upkeep.</summary>
    public void BeforeNextSwap(Func<Task> what)
    {
        bool done = false;
        Catalog.BeforeSwap = async _ =>
        {
            if (!done)
            {
                done = true;
                await what();
            }
        };
    }

    public Compaction Compaction() => new(Catalog, new DirectUpkeepCommitter(Catalog, Ids, Time), Ids, Time);

    public Retention Retention() => new(Catalog, new DirectUpkeepCommitter(Catalog, Ids, Time), Ids, Time);

    public async Task<CompactionPlan> PlanAsync() => await Compaction().PlanAsync(await LoadAsync(), Options, default);

    public async Task<UpkeepResult> CompactAsync()
    {
        var compaction = Compaction();
        var result = await compaction.ExecuteAsync(await compaction.PlanAsync(await LoadAsync(), Options, default), default);
        await LoadAsync();
        return result;
    }

    public async Task<List<string>> RowsAsync(string? where = null, params string[] columns)
    {
        await LoadAsync();
        var rows = new List<string>();
        await foreach (var row in new TableScan(Table, new ScanOptions { Where = where is null ? null : Expression.Parse(where), Columns = columns.Length == 0 ? null : columns }).ReadJsonAsync())
        {
            rows.Add(Encoding.UTF8.GetString(row.Span));
        }

        rows.Sort(StringComparer.Ordinal);
        return rows;
    }

    /// <summary>The live entries, deletes among them.</summary>
    public async Task<List<ManifestEntry>> EntriesAsync(DataFileContent? content = null)
    {
        var entries = new List<ManifestEntry>();
        await foreach (var entry in SnapshotFiles.LiveAsync(Table, await HeadAsync(), default))
        {
            if (content is null || entry.DataFile.Content == content)
            {
                entries.Add(entry);
            }
        }

        return entries;
    }

    public ValueTask DisposeAsync()
    {
        if (_warehouse is not null && Directory.Exists(_warehouse))
        {
            Directory.Delete(_warehouse, recursive: true);
        }

        return ValueTask.CompletedTask;
    }

    private ICatalog Inner => Catalog.Inner;
}
