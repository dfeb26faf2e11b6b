using System.Text;
using System.Text.Json;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Ingest.Pump;
using OrleansLake.Ingest.Read;
using OrleansLake.Ingest.Tests.Decode;
using OrleansLake.Ingest.Write;
using OrleansLake.Testing.Iceberg;

namespace OrleansLake.Ingest.Tests.Write;

/// <summary>A table and its dead letters in a directory of their own.</summary>
internal sealed class TableFixture : IAsyncDisposable
{
    private readonly string _warehouse = Path.Combine(Path.GetTempPath(), "orleanslake-tests", Guid.NewGuid().ToString("N"));

    private TableFixture(bool inMemory)
    {
        Ids = new IdSource(TimeProvider.System, new Random(1));
        Catalog = inMemory ? new InMemoryCatalog(new InMemoryObjectStore(), TimeProvider.System, Ids) : new LocalCatalog(_warehouse, TimeProvider.System, Ids);
    }

    public ICatalog Catalog { get; }

    public IdSource Ids { get; }

    public LoadedTable Table { get; private set; } = null!;

    public LoadedTable DeadLetters { get; private set; } = null!;

    public RowWriterFactory Factory { get; private set; } = null!;

    public static async Task<TableFixture> CreateAsync(TableCreation creation, bool inMemory = false)
    {
        var fixture = new TableFixture(inMemory);
        var name = TableIdentifier.Parse("db.events");
        fixture.Table = await fixture.Catalog.CreateTableAsync(name, creation, default);
        fixture.DeadLetters = await fixture.Catalog.CreateTableAsync(DeadLetterSchema.Of(name), DeadLetterSchema.Creation(), default);
        fixture.Factory = new RowWriterFactory(new RowWriterOptions { Pipeline = "events", Generation = "g1" }, TimeProvider.System, fixture.Ids);
        return fixture;
    }

    public static Task<TableFixture> CreateAsync(IReadOnlyList<NestedField> fields, IReadOnlyList<PartitionField>? partitions = null, Dictionary<string, string>? properties = null, bool inMemory = false) =>
        CreateAsync(new TableCreation
        {
            Schema = new Schema { SchemaId = 0, Fields = fields },
            PartitionSpec = partitions is null ? null : new PartitionSpec { SpecId = 0, Fields = partitions },
            Properties = properties ?? [],
        },
        inMemory);

    public IRowWriter Open() => Factory.Open(Table, DeadLetters);

    public async Task CommitAsync(WrittenFiles files)
    {
        DeadLetters = await CommitAsync(DeadLetters, files.DeadLetterFiles);
        Table = await CommitAsync(Table, files.Files);
    }

    public async Task<List<JsonElement>> RowsAsync(LoadedTable table, long limit = long.MaxValue)
    {
        var rows = new List<JsonElement>();
        await foreach (var row in TableRows.ReadAsync(table, table.Metadata.FindRef(SnapshotRef.Main), limit: limit))
        {
            rows.Add(JsonSerializer.Deserialize<JsonElement>(row.Span));
        }

        return rows;
    }

    public async Task<List<string>> TextsAsync(LoadedTable table) => [.. (await RowsAsync(table)).Select(row => row.GetRawText())];

    public string[] FilesOnDisk(string pattern = "*.parquet") => Directory.Exists(_warehouse) ? Directory.GetFiles(_warehouse, pattern, SearchOption.AllDirectories) : [];

    public IEnumerable<string> ObjectsInMemory(string part) => ((InMemoryObjectStore)Table.Store).Locations.Where(location => location.Contains(part, StringComparison.Ordinal));

    public static KafkaBatch Batch(params string?[] documents) => Decoding.Batch([.. documents.Select(d => d is null ? null : Encoding.UTF8.GetBytes(d))], [0]);

    public ValueTask DisposeAsync()
    {
        if (Directory.Exists(_warehouse))
        {
            Directory.Delete(_warehouse, recursive: true);
        }

        return ValueTask.CompletedTask;
    }

    private async Task<LoadedTable> CommitAsync(LoadedTable table, IReadOnlyList<DataFile> files)
    {
        var append = new AppendFiles(SnapshotRef.Main, Ids, TimeProvider.System);
        foreach (var file in files)
        {
            append.Add(file);
        }

        var staged = await append.StageAsync(table, new SnapshotExtras(), default);
        var result = await Catalog.CommitTableAsync(new TableCommit(table, staged.Requirements, staged.Updates), default);
        return Assert.IsType<CommitResult.Committed>(result).Table;
    }
}
