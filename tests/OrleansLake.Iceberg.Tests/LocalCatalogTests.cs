using static OrleansLake.Iceberg.Tests.TestTables;

namespace OrleansLake.Iceberg.Tests;

public sealed class LocalCatalogTests : IDisposable
{
    private readonly string _warehouse = Directory.CreateTempSubdirectory("lake-catalog-").FullName;

    public void Dispose() => Directory.Delete(_warehouse, recursive: true);

    [Fact]
    public async Task A_table_is_where_engines_look_for_it()
    {
        var catalog = Catalog();
        var table = await catalog.CreateTableAsync(Events, Creation(), default);
        table = await AppendAsync(catalog, table, 1, File(_warehouse + "/db/events/data/a.parquet"));

        string metadata = Path.Combine(_warehouse, "db", "events", "metadata");
        Assert.Equal(Path.Combine(metadata, "v2.metadata.json"), table.MetadataLocation);
        Assert.Equal("2", System.IO.File.ReadAllText(Path.Combine(metadata, "version-hint.text")));
        Assert.True(System.IO.File.Exists(Path.Combine(metadata, "v1.metadata.json")));
        Assert.Single(await LiveAsync((await Catalog().LoadTableAsync(Events, default))!));
    }

    [Theory]
    [InlineData("1")]
    [InlineData("")]
    [InlineData(null)]
    [InlineData("99")]
    public async Task A_hint_that_lags_or_lies_or_is_missing_changes_nothing(string? hint)
    {
        var catalog = Catalog();
        var table = await catalog.CreateTableAsync(Events, Creation(), default);
        await AppendAsync(catalog, table, 1, File("/a.parquet"));
        string path = Path.Combine(_warehouse, "db/events/metadata/version-hint.text");
        System.IO.File.Delete(path);
        if (hint is not null)
        {
            System.IO.File.WriteAllText(path, hint);
        }

        var loaded = (await catalog.LoadTableAsync(Events, default))!;
        var next = await AppendAsync(catalog, loaded, 2, File("/b.parquet"));

        Assert.EndsWith("/v3.metadata.json", next.MetadataLocation);
        Assert.Equal("3", System.IO.File.ReadAllText(path));
    }

    [Fact]
    public async Task Old_metadata_files_go_when_the_table_says_so()
    {
        var catalog = Catalog();
        var properties = new Dictionary<string, string>
        {
            ["write.metadata.delete-after-commit.enabled"] = "true",
            ["write.metadata.previous-versions-max"] = "3",
        };
        var table = await catalog.CreateTableAsync(Events, Creation(properties: properties), default);
        for (int i = 0; i < 8; i++)
        {
            table = await AppendAsync(catalog, table, i, File($"/{i}.parquet"));
        }

        var files = Directory.GetFiles(Path.Combine(_warehouse, "db/events/metadata"), "v*.metadata.json").Select(Path.GetFileName).Order();
        Assert.Equal(["v6.metadata.json", "v7.metadata.json", "v8.metadata.json", "v9.metadata.json"], files);
        Assert.Equal(3, table.Metadata.MetadataLog.Count);
        Assert.EndsWith("/v6.metadata.json", table.Metadata.MetadataLog[0].MetadataFile);
    }

    private LocalCatalog Catalog() => new(_warehouse, TimeProvider.System, Ids(3));
}
