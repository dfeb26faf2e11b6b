using OrleansLake.Testing.Iceberg;
using OrleansLake.Testing.Rest;

namespace OrleansLake.Iceberg.Tests.Rest;

/// <summary>A server, and catalogs that reach it.</summary>
internal sealed class RestStand : IAsyncDisposable
{
    private readonly List<RestCatalog> _catalogs = [];

    private RestStand(RestCatalogServer server, InMemoryObjectStore store, ShiftedTime time) => (Server, Store, Time) = (server, store, time);

    public RestCatalogServer Server { get; }

    public InMemoryObjectStore Store { get; }

    public ShiftedTime Time { get; }

    public static async Task<RestStand> StartAsync(RestCatalogServerOptions? options = null)
    {
        var time = new ShiftedTime();
        var store = new InMemoryObjectStore(time);
        return new RestStand(await RestCatalogServer.StartAsync(options ?? new RestCatalogServerOptions(), store, time), store, time);
    }

    public RestCatalog Catalog(Func<RestCatalogOptions, RestCatalogOptions>? change = null, params (string Name, string Value)[] properties)
    {
        var options = new RestCatalogOptions
        {
            Uri = Server.Address,
            Credential = Server.Options.Credential is { } credential ? $"{credential.Id}:{credential.Secret}" : null,
            Properties = properties.ToDictionary(pair => pair.Name, pair => pair.Value),
            Stores = new Dictionary<string, Func<LentStorage, IObjectStore>> { ["memory://"] = _ => Store },
            FirstPause = TimeSpan.FromMilliseconds(1),
            LongestPause = TimeSpan.FromMilliseconds(20),
            RequestTimeout = TimeSpan.FromSeconds(10),
        };
        var catalog = new RestCatalog(change?.Invoke(options) ?? options, Time, TestTables.Ids(_catalogs.Count + 1));
        _catalogs.Add(catalog);
        return catalog;
    }

    /// <summary>A catalog that gives up on each attempt after a while that tests can wait for.</summary>
    public RestCatalog Impatient() => Catalog(options => new RestCatalogOptions
    {
        Uri = options.Uri,
        Credential = options.Credential,
        Stores = options.Stores,
        FirstPause = options.FirstPause,
        LongestPause = options.LongestPause,
        RequestTimeout = TimeSpan.FromMilliseconds(250),
    });

    public async Task<(RestCatalog Catalog, LoadedTable Table)> WithTableAsync()
    {
        var catalog = Catalog();
        await catalog.CreateNamespaceAsync(["db"], new Dictionary<string, string>(), default);
        return (catalog, await catalog.CreateTableAsync(TestTables.Events, TestTables.Creation(), default));
    }

    public int Count(string method, string pathEnd) => Server.Requests.Count(request => request.Method == method && request.RawPath.EndsWith(pathEnd, StringComparison.Ordinal));

    public async ValueTask DisposeAsync()
    {
        foreach (var catalog in _catalogs)
        {
            catalog.Dispose();
        }

        await Server.DisposeAsync();
    }
}

/// <summary>The system's time, moved on at will.</summary>
internal sealed class ShiftedTime : TimeProvider
{
    private long _ticks;

    public void Advance(TimeSpan by) => Interlocked.Add(ref _ticks, by.Ticks);

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + TimeSpan.FromTicks(Interlocked.Read(ref _ticks));
}
