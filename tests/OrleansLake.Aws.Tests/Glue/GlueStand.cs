using OrleansLake.Iceberg;
using OrleansLake.Testing.Aws;
using OrleansLake.Testing.Iceberg;

namespace OrleansLake.Aws.Tests.Glue;

/// <summary>Our fake of Glue behind a server that checks signatures, and a store in memory.</summary>
internal sealed class GlueStand : IAsyncDisposable
{
    public static readonly TableIdentifier Events = new(["db"], "events");

    private readonly List<GlueCatalog> _catalogs = [];

    private GlueStand(FakeGlue glue, AwsServer server) => (Glue, Server) = (glue, server);

    public FakeGlue Glue { get; }

    public AwsServer Server { get; }

    public InMemoryObjectStore Store { get; } = new();

    public static TableCreation Creation => new()
    {
        Schema = new Schema
        {
            SchemaId = 0,
            Fields =
            [
                new NestedField(1, "Id", true, new LongType()) { Doc = "who" },
                new NestedField(2, "at", false, new TimestampType(true)),
                new NestedField(3, "order", false, new StructType([new NestedField(4, "Lines", false, new ListType(5, new DecimalType(9, 2), false))])),
                new NestedField(6, "tags", false, new MapType(7, new StringType(), 8, new UuidType(), false)),
            ],
        },
        Properties = new Dictionary<string, string> { ["comment"] = "what happened", ["orleanslake.offsets.0"] = "many" },
    };

    public static async Task<GlueStand> StartAsync()
    {
        var glue = new FakeGlue();
        return new GlueStand(glue, await AwsServer.StartAsync(glue.AnswerAsync, AwsStand.Signatures("glue")));
    }

    public GlueCatalog Catalog(Func<GlueCatalogOptions, GlueCatalogOptions>? change = null)
    {
        var options = new GlueCatalogOptions
        {
            Warehouse = "memory://warehouse", Endpoint = Server.Address, Region = AwsStand.Region, AccessKeyId = AwsStand.AccessKey, SecretAccessKey = AwsStand.Secret,
            FirstPause = TimeSpan.FromMilliseconds(1), LongestPause = TimeSpan.FromMilliseconds(20),
        };
        var catalog = new GlueCatalog(change?.Invoke(options) ?? options, Store, TimeProvider.System, AwsStand.Ids(_catalogs.Count + 1));
        _catalogs.Add(catalog);
        return catalog;
    }

    public async Task<(GlueCatalog Catalog, LoadedTable Table)> WithTableAsync(Func<GlueCatalogOptions, GlueCatalogOptions>? change = null)
    {
        var catalog = Catalog(change);
        await catalog.CreateNamespaceAsync(["db"], new Dictionary<string, string>(), default);
        return (catalog, await catalog.CreateTableAsync(Events, Creation, default));
    }

    public static TableCommit Set(LoadedTable table, string name, string value) =>
        new(table, [], [new TableUpdate.SetProperties(new Dictionary<string, string> { [name] = value })]);

    public static AwsFault On(string action) => new(request => request.Action == action);

    public async Task<List<string>> FilesAsync()
    {
        var files = new List<string>();
        await foreach (var one in Store.ListAsync("memory://warehouse/", default))
        {
            files.Add(one.Location);
        }

        return files;
    }

    public async ValueTask DisposeAsync()
    {
        _catalogs.ForEach(catalog => catalog.Dispose());
        await Server.DisposeAsync();
    }
}
