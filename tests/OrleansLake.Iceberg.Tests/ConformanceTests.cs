using OrleansLake.Testing;
using OrleansLake.Testing.Iceberg;
using static OrleansLake.Iceberg.Tests.TestTables;

namespace OrleansLake.Iceberg.Tests;

public sealed class ConformanceTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("lake-conformance-").FullName;

    public static TheoryData<string> StoreCases => [.. ConformanceSuite.CasesOf<ObjectStoreConformance>()];

    public static TheoryData<string> CatalogCases => [.. ConformanceSuite.CasesOf<CatalogConformance>()];

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Theory]
    [MemberData(nameof(StoreCases))]
    public Task Local_store(string name) => new ObjectStoreConformance(new LocalObjectStore(), _directory + "/store").RunAsync(name);

    [Theory]
    [MemberData(nameof(StoreCases))]
    public Task Local_store_by_uri(string name) => new ObjectStoreConformance(new LocalObjectStore(), $"file://{_directory}/store").RunAsync(name);

    [Theory]
    [MemberData(nameof(StoreCases))]
    public Task Store_in_memory(string name) => new ObjectStoreConformance(new InMemoryObjectStore(), "memory://store").RunAsync(name);

    [Theory]
    [MemberData(nameof(CatalogCases))]
    public Task Local_catalog(string name) =>
        new CatalogConformance(new LocalCatalog(_directory, TimeProvider.System, Ids(1)), new LocalCatalog(_directory, TimeProvider.System, Ids(2)), renames: false).RunAsync(name);

    [Theory]
    [MemberData(nameof(CatalogCases))]
    public Task Catalog_in_memory(string name)
    {
        var catalog = new InMemoryCatalog(new InMemoryObjectStore(), TimeProvider.System, Ids(1));
        return new CatalogConformance(catalog, catalog).RunAsync(name);
    }
}
