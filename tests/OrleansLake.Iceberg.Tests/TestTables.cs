using OrleansLake.Testing.Iceberg;

namespace OrleansLake.Iceberg.Tests;

/// <summary>Tables, files and clocks that the tests of this project share.</summary>
internal static class TestTables
{
    public static readonly TableIdentifier Events = new(["db"], "events");

    public static TableCreation Creation(int formatVersion = 2, IReadOnlyDictionary<string, string>? properties = null) => new()
    {
        FormatVersion = formatVersion,
        Schema = new Schema
        {
            SchemaId = 0,
            Fields =
            [
                new NestedField(1, "id", true, new LongType()),
                new NestedField(2, "ts", false, new TimestampType(true)),
                new NestedField(3, "name", false, new StringType()),
            ],
        },
        PartitionSpec = new PartitionSpec { SpecId = 0, Fields = [new PartitionField(1000, "ts_day", [2], new Transform.Day())] },
        Properties = properties ?? new Dictionary<string, string>(),
    };

    public static DataFile File(string path, int? day = 19000, long records = 10, int specId = 0) => new()
    {
        FilePath = path,
        SpecId = specId,
        Partition = new PartitionKey([day]),
        RecordCount = records,
        FileSizeBytes = records * 100,
        ColumnSizes = new Dictionary<int, long> { [1] = 80, [3] = 20 },
        ValueCounts = new Dictionary<int, long> { [1] = records, [3] = records },
        NullValueCounts = new Dictionary<int, long> { [1] = 0, [3] = 1 },
        LowerBounds = new Dictionary<int, byte[]> { [1] = SingleValue.ToBytes(1L), [3] = SingleValue.ToBytes("a") },
        UpperBounds = new Dictionary<int, byte[]> { [1] = SingleValue.ToBytes(records), [3] = SingleValue.ToBytes("z") },
        SplitOffsets = [4],
        SortOrderId = 0,
    };

    public static IdSource Ids(int seed = 1) => new(TimeProvider.System, new Random(seed));

    public static async Task<(InMemoryCatalog Catalog, InMemoryObjectStore Store, LoadedTable Table)> InMemoryAsync(TableCreation? creation = null)
    {
        var store = new InMemoryObjectStore();
        var catalog = new InMemoryCatalog(store, TimeProvider.System, Ids(7));
        return (catalog, store, await catalog.CreateTableAsync(Events, creation ?? Creation(), default));
    }

    public static async Task<LoadedTable> AppendAsync(ICatalog catalog, LoadedTable table, int seed, params DataFile[] files)
    {
        var append = new AppendFiles(SnapshotRef.Main, Ids(seed), TimeProvider.System);
        foreach (var file in files)
        {
            append.Add(file);
        }

        var staged = await append.StageAsync(table, new SnapshotExtras(), default);
        var result = await catalog.CommitTableAsync(new TableCommit(table, staged.Requirements, staged.Updates), default);
        return Assert.IsType<CommitResult.Committed>(result).Table;
    }

    public static async Task<LoadedTable> CommitAsync(ICatalog catalog, LoadedTable table, SnapshotChange change)
    {
        var staged = await change.StageAsync(table, new SnapshotExtras(), default);
        var result = await catalog.CommitTableAsync(new TableCommit(table, staged.Requirements, staged.Updates), default);
        return Assert.IsType<CommitResult.Committed>(result).Table;
    }

    /// <summary>Every entry of the current snapshot, DELETED ones too.</summary>
    public static async Task<List<ManifestEntry>> EntriesAsync(LoadedTable table)
    {
        var entries = new List<ManifestEntry>();
        foreach (var manifest in await SnapshotFiles.ManifestsAsync(table, table.Metadata.FindRef(SnapshotRef.Main)!, default))
        {
            await foreach (var entry in ManifestReader.ReadAsync(table.Store, manifest, table.Metadata, default))
            {
                entries.Add(entry);
            }
        }

        return entries;
    }

    public static async Task<List<ManifestEntry>> LiveAsync(LoadedTable table)
    {
        var entries = new List<ManifestEntry>();
        await foreach (var entry in SnapshotFiles.LiveAsync(table, table.Metadata.FindRef(SnapshotRef.Main)!, default))
        {
            entries.Add(entry);
        }

        return entries;
    }
}
