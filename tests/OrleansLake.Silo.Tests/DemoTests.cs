using System.IO.Compression;
using System.Text;
using System.Text.Json;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Commit;
using OrleansLake.Silo.Demo;

namespace OrleansLake.Silo.Tests;

public sealed class DemoTests : IDisposable
{
    private readonly TempDirectory _warehouse = new();

    public void Dispose() => _warehouse.Dispose();

    [Fact]
    public async Task A_demo_commits_every_record_and_a_second_one_goes_on_with_the_table()
    {
        DemoReport first = await RunAsync(DemoInput.Sample(20_000));
        Assert.True(first.Committed, first.ToString());
        Assert.Equal((20_000, 20_000, 0), (first.Rows, first.TotalRows, first.Rejected));
        Assert.Equal(10, first.Sample.Count);
        Assert.Contains(first.Location, first.Queries.ClickHouse, StringComparison.Ordinal);

        DemoReport second = await RunAsync(DemoInput.Sample(5_000));
        Assert.True(second.Committed, second.ToString());
        Assert.Equal((5_000, 25_000), (second.Rows, second.TotalRows));
        Assert.Equal(AuditVerdict.Proved, second.Audit.Verdict);
        using JsonDocument json = JsonDocument.Parse(second.ToJson());
        Assert.Equal(25_000, json.RootElement.GetProperty("totalRows").GetInt64());
        Assert.Equal("Proved", json.RootElement.GetProperty("audit").GetProperty("verdict").GetString());
    }

    [Fact]
    public async Task A_file_goes_into_the_table_of_its_statement()
    {
        string path = Path.Combine(_warehouse.Path, "Some events.ndjson.gz");
        await using (var gzip = new GZipStream(File.Create(path), CompressionLevel.Fastest))
        {
            await gzip.WriteAsync(Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 3000).Select(id => $$"""{"id":{{id}}}""" + "\n")) + "broken\n"));
        }

        const string Sql = "CREATE TABLE shop.orders (id BIGINT)";
        DemoReport report = await RunAsync(DemoInput.OfFile(path, Sql, Ddl.ParseCreateTable(Sql).Name));
        Assert.True(report.Committed, report.ToString());
        Assert.Equal(("shop.orders", 3000, 1, 3001), (report.Table, report.Rows, report.Rejected, report.Published));
    }

    private Task<DemoReport> RunAsync(DemoInput input) =>
        new DemoRun(input, _warehouse.Path, 4, TimeProvider.System, quiet: true).RunAsync(TestContext.Current.CancellationToken);
}
