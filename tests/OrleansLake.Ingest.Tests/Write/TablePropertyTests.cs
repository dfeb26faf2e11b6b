using System.Globalization;
using OrleansLake.Iceberg;
using OrleansLake.Parquet;
using OrleansLake.Parquet.Footers;
using static OrleansLake.Ingest.Tests.Decode.Decoding;

namespace OrleansLake.Ingest.Tests.Write;

/// <summary>What <c>write.*</c> properties of a table say is what its files are.</summary>
public sealed class TablePropertyTests
{
    private static readonly NestedField[] Events =
    [
        Optional(1, "id", new LongType()),
        Optional(2, "user", new StringType()),
        Optional(3, "tags", new ListType(4, new StringType(), ElementRequired: false)),
        Optional(5, "inner", new StructType([Optional(6, "kind", new StringType()), Optional(7, "score", new DoubleType())])),
    ];

    [Fact]
    public async Task Pages_row_groups_and_filters_are_as_the_properties_say()
    {
        await using var table = await TableFixture.CreateAsync(
            Events,
            properties: new()
            {
                ["write.parquet.page-version"] = "v2",
                ["write.parquet.page-row-limit"] = "700",
                ["write.parquet.row-group-size-bytes"] = "60000",
                ["write.parquet.compression-codec"] = "gzip",
                ["write.parquet.compression-level"] = "9",
                ["write.parquet.dict-size-bytes"] = "1000",
                ["write.parquet.bloom-filter-enabled.column.user"] = "true",
                ["write.parquet.bloom-filter-enabled.column.tags.element"] = "true",
                ["write.parquet.bloom-filter-fpp.column.tags.element"] = "0.2",
                ["write.parquet.bloom-filter-enabled.column.inner.kind"] = "false",
                ["write.parquet.bloom-filter-enabled.column.dropped"] = "true",
                ["write.parquet.bloom-filter-max-bytes"] = "1024",
                ["write.parquet.stats-enabled.column.inner.score"] = "false",
            });
        var footer = await FooterAsync(table, Records(9000));
        Assert.InRange(footer.RowGroups.Count, 2, 9);
        Assert.All(footer.RowGroups, group =>
        {
            var columns = group.Columns.ToDictionary(chunk => chunk.Column.ToString());
            Assert.All(columns.Values, chunk => Assert.Equal(CompressionCodec.Gzip, chunk.Codec));
            Assert.All(columns.Values, chunk => Assert.DoesNotContain(chunk.PageEncodings, pages => pages.Page == PageType.Data));
            Assert.All(columns.Values, chunk => Assert.True(chunk.PageEncodings.Where(pages => pages.Page == PageType.DataV2).Sum(pages => pages.Count) >= group.RowCount / 700));
            Assert.Equal(["user", "tags.list.element"], columns.Where(pair => pair.Value.BloomFilter is not null).Select(pair => pair.Key));
            Assert.All(columns.Values, chunk => Assert.True(chunk.BloomFilter is not { Length: > 1100 }));
            Assert.Null(columns["inner.score"].Statistics!.Min);
            Assert.NotNull(columns["id"].Statistics!.Min);
            Assert.Null(columns["user"].DictionaryPagePosition);
            Assert.NotNull(columns["inner.kind"].DictionaryPagePosition);
            Assert.Equal(PageEncoding.DeltaBinaryPacked, columns["id"].PageEncodings[0].Encoding);
        });
    }

    [Fact]
    public async Task Without_properties_files_have_only_what_every_reader_knows()
    {
        await using var table = await TableFixture.CreateAsync(Events);
        var footer = await FooterAsync(table, Records(30_000));
        Assert.Equal(1, footer.Version);
        PageEncoding[] classic = [PageEncoding.Plain, PageEncoding.RleDictionary];
        Assert.All(footer.RowGroups.SelectMany(group => group.Columns), chunk =>
        {
            Assert.Equal(CompressionCodec.Zstd, chunk.Codec);
            Assert.Null(chunk.BloomFilter);
            Assert.All(chunk.PageEncodings, pages => Assert.True(pages.Page is PageType.Data or PageType.Dictionary && classic.Contains(pages.Encoding)));
        });
    }

    [Fact]
    public async Task Encodings_can_be_had_without_the_second_version_of_pages()
    {
        await using var table = await TableFixture.CreateAsync(Events, properties: new() { ["orleanslake.parquet-encodings"] = "delta" });
        var chunks = (await FooterAsync(table, Records(5000))).RowGroups[0].Columns;
        Assert.All(chunks, chunk => Assert.DoesNotContain(chunk.PageEncodings, pages => pages.Page == PageType.DataV2));
        Assert.Equal(PageEncoding.DeltaBinaryPacked, chunks[0].PageEncodings[0].Encoding);
        Assert.Equal(PageEncoding.DeltaByteArray, chunks[1].PageEncodings[0].Encoding);
    }

    [Theory]
    [InlineData("write.parquet.page-version", "v3", "expected v1 or v2, got \"v3\"")]
    [InlineData("orleanslake.parquet-encodings", "v2", "expected classic, delta or all, got \"v2\"")]
    [InlineData("write.parquet.bloom-filter-enabled.column.user", "yes", "expected true or false, got \"yes\"")]
    [InlineData("write.parquet.bloom-filter-fpp.column.user", "1", "expected a number between 0 and 1, got \"1\"")]
    [InlineData("write.parquet.page-row-limit", "0", "expected a number of at least 1, got \"0\"")]
    [InlineData("write.parquet.compression-codec", "zip", "expected zstd,")]
    [InlineData("write.target-file-size-bytes", "big", "expected a number of at least 1, got \"big\"")]
    [InlineData("write.metadata.metrics.column.id", "all", "expected none, counts, truncate(n) or full, got \"all\"")]
    public async Task A_property_that_says_nothing_is_named(string name, string value, string message)
    {
        await using var table = await TableFixture.CreateAsync(Events, properties: new() { [name] = value }, inMemory: true);
        var error = Assert.Throws<FormatException>(() => table.Open());
        Assert.Contains(message, error.Message);
        Assert.Contains(name.StartsWith("write.metadata", StringComparison.Ordinal) ? "write.metadata.metrics.column" : name, error.Message);
    }

    [Theory]
    [InlineData("1000000", "v1", "zstd")]
    [InlineData("1000000", "v2", "uncompressed")]
    [InlineData("1500000", "v1", "snappy")]
    public async Task Files_have_the_size_that_the_property_says_within_a_tenth(string target, string version, string codec)
    {
        await using var table = await TableFixture.CreateAsync(
            Events,
            properties: new()
            {
                ["write.target-file-size-bytes"] = target, ["write.parquet.page-version"] = version, ["write.parquet.compression-codec"] = codec,
            },
            inMemory: true);
        await using var writer = table.Open();
        using var batch = TableFixture.Batch(Records(20_000));
        for (int i = 0; i < 10; i++)
        {
            writer.Append(batch);
        }

        var files = (await writer.CloseAsync(default)).Files;
        Assert.Equal(200_000, files.Sum(file => file.RecordCount));
        Assert.True(files.Count > 2);
        double wanted = double.Parse(target, CultureInfo.InvariantCulture);
        Assert.All(files.SkipLast(1), file => Assert.InRange(file.FileSizeBytes, wanted * 0.9, wanted * 1.1));
    }

    [Fact]
    public async Task Metrics_are_kept_of_the_columns_that_the_properties_name()
    {
        var properties = new Dictionary<string, string> { ["write.metadata.metrics.max-inferred-column-defaults"] = "2" };
        var some = await MetricsAsync(properties, sorted: false);
        Assert.Equal([1, 2], some.ValueCounts!.Keys.Order());
        Assert.Equal("user 0", SingleValue.FromBytes(new StringType(), some.LowerBounds![2]));
        properties["write.metadata.metrics.default"] = "counts";
        var counted = await MetricsAsync(properties, sorted: false);
        Assert.Equal([1, 2, 5, 6, 7], counted.ValueCounts!.Keys.Order());
        Assert.Empty(counted.LowerBounds!);
        // A column that the table is sorted by has bounds unless it says otherwise itself.
        var ordered = await MetricsAsync(properties, sorted: true);
        Assert.Equal([2], ordered.LowerBounds!.Keys);
        properties["write.metadata.metrics.column.user"] = "none";
        properties["write.metadata.metrics.column.inner.kind"] = "truncate(2)";
        var own = await MetricsAsync(properties, sorted: true);
        Assert.Equal([1, 5, 6, 7], own.ValueCounts!.Keys.Order());
        Assert.Equal("ki", SingleValue.FromBytes(new StringType(), own.LowerBounds![6]));
        Assert.Equal("kj", SingleValue.FromBytes(new StringType(), own.UpperBounds![6]));
    }

    private static async Task<DataFile> MetricsAsync(Dictionary<string, string> properties, bool sorted)
    {
        await using var table = await TableFixture.CreateAsync(
            new TableCreation
            {
                Schema = new Schema { SchemaId = 0, Fields = Events },
                Properties = new Dictionary<string, string>(properties),
                SortOrder = sorted ? new SortOrder { OrderId = 1, Fields = [new SortField([2], new Transform.Identity(), Descending: false, NullsLast: false)] } : null,
            },
            inMemory: true);
        await using var writer = table.Open();
        using var batch = TableFixture.Batch(Records(100));
        writer.Append(batch);
        return Assert.Single((await writer.CloseAsync(default)).Files);
    }

    private static async Task<Footer> FooterAsync(TableFixture table, string[] records)
    {
        await using var writer = table.Open();
        using var batch = TableFixture.Batch(records);
        Assert.Equal(0, writer.Append(batch).Rejected);
        var files = await writer.CloseAsync(default);
        await table.CommitAsync(files);
        Assert.Equal(records.Length, (await table.RowsAsync(table.Table)).Count);
        using var stream = File.OpenRead(Assert.Single(files.Files).FilePath);
        return ParquetReader.Open(stream).Footer;
    }

    private static string[] Records(int count)
    {
        var random = new Random(count);
        return [.. Enumerable.Range(0, count).Select(i => string.Create(
            CultureInfo.InvariantCulture,
            $"{{\"id\":{1_000_000 + (i * 3)},\"user\":\"user {i}\",\"tags\":[\"tag {random.Next(900)}\",\"x\"],\"inner\":{{\"kind\":\"kind {random.Next(5)}\",\"score\":{random.NextDouble():R}}}}}"))];
    }
}
