using OrleansLake.Iceberg;

namespace OrleansLake.Aws;

/// <summary>A catalog that is open, and the store of its warehouse.</summary>
public sealed class LakeCatalog : IDisposable
{
    private readonly IDisposable?[] _owned;

    private LakeCatalog(ICatalog catalog, IObjectStore store, string warehouse, params IDisposable?[] owned) => (Catalog, Store, Warehouse, _owned) = (catalog, store, warehouse, owned);

    /// <summary>Where tables are known.</summary>
    public ICatalog Catalog { get; }

    /// <summary>The store that the warehouse is in.</summary>
    public IObjectStore Store { get; }

    /// <summary>A directory, or <c>s3://bucket/prefix</c>, without a slash at the end.</summary>
    public string Warehouse { get; }

    /// <summary>Opens a catalog; nothing is asked of it yet.</summary>
    public static LakeCatalog Open(LakeCatalogOptions options, TimeProvider time, IdSource ids)
    {
        string warehouse = options.Warehouse.TrimEnd('/');
        var store = OpenStore(options, time, ids);
        switch (options.Type)
        {
            case CatalogType.Glue:
                var glue = new GlueCatalog(options.Glue, store, time, ids);
                return new LakeCatalog(glue, store, warehouse, glue, store as IDisposable);
            case CatalogType.Rest:
                var plain = RestCatalogOptions.FromProperties(options.Rest);
                var rest = new RestCatalog(
                    new RestCatalogOptions
                    {
                        Uri = plain.Uri,
                        Warehouse = plain.Warehouse,
                        Credential = plain.Credential,
                        Token = plain.Token,
                        Properties = plain.Properties,
                        Signer = options.SigningName is { } name ? new SigV4Signer(name, options.SigningRegion!, time) : null,
                        Stores = RestCatalogOptions.LocalStores.Concat(S3ObjectStore.Lent(options.S3, time, ids)).ToDictionary(),
                    },
                    time,
                    ids);
                return new LakeCatalog(rest, store, warehouse, rest, store as IDisposable);
            default:
                return new LakeCatalog(new LocalCatalog(warehouse, time, ids), store, warehouse);
        }
    }

    /// <summary>The store that the warehouse is in.</summary>
    public static IObjectStore OpenStore(LakeCatalogOptions options, TimeProvider time, IdSource ids) =>
        LakeCatalogOptions.IsS3(options.Warehouse) ? new S3ObjectStore(options.S3, time, ids) : new LocalObjectStore();

    /// <inheritdoc />
    public void Dispose()
    {
        foreach (var one in _owned)
        {
            one?.Dispose();
        }
    }
}
