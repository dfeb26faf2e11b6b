using System.Text.Json;
using OrleansLake.Cli.Commands;
using OrleansLake.Iceberg;
using OrleansLake.Terminal;

namespace OrleansLake.Cli.Tests;

/// <summary><c>./lake maintain …</c> on a local table, without a silo.</summary>
public sealed class MaintainTests : CommandLine
{
    private static readonly TableIdentifier Name = TableIdentifier.Parse("db.events");

    [Fact]
    public async Task A_plan_changes_nothing_and_a_run_expires_what_it_told()
    {
        await TextAsync("create", "db.events", "--ddl", "CREATE TABLE db.events (id BIGINT)");
        for (int n = 0; n < 5; n++)
        {
            await AppendAsync(n);
        }

        string[] set = ["--set", "expiry.max-snapshot-age=1ms", "--set", "expiry.min-snapshots=2"];
        string plan = await MaintainAsync("plan", "db.events", set);
        // The three manifest lists; the manifests are still used, and no file was ever replaced.
        Assert.Contains("expiry of db.events: 1 step, 3 files", plan, StringComparison.Ordinal);
        Assert.Contains("/metadata/snap-", plan, StringComparison.Ordinal);
        Assert.Contains("3 snapshots from", plan, StringComparison.Ordinal);
        Assert.Contains("retention of db.events: nothing to do", plan, StringComparison.Ordinal);
        Assert.Equal(5, (await JsonAsync("snapshots", "db.events")).GetArrayLength());

        JsonElement run = JsonDocument.Parse(await MaintainAsync("run", "db.events", [.. set, "--task", "expiry", "--json"])).RootElement.GetProperty("runs")[0];
        Assert.Equal((5, 2), (run.GetProperty("before").GetProperty("snapshots").GetInt32(), run.GetProperty("after").GetProperty("snapshots").GetInt32()));
        Assert.Equal(2, (await JsonAsync("snapshots", "db.events")).GetArrayLength());
        Assert.Contains("snapshots     2", await MaintainAsync("debt", "db.events"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Orphans_are_only_listed_until_deletion_is_asked_for()
    {
        await TextAsync("create", "db.events", "--ddl", "CREATE TABLE db.events (id BIGINT)");
        await AppendAsync(0);
        string orphan = Path.Combine(Warehouse, "db", "events", "data", "left-behind.parquet");
        Directory.CreateDirectory(Path.GetDirectoryName(orphan)!);
        await File.WriteAllTextAsync(orphan, "x", TestContext.Current.CancellationToken);
        File.SetLastWriteTimeUtc(orphan, DateTime.UtcNow.AddDays(-4));

        Assert.Contains("orphans       1 bytes", await MaintainAsync("debt", "db.events"), StringComparison.Ordinal);
        Assert.Contains(orphan, await MaintainAsync("run", "db.events", "--task", "orphans"), StringComparison.Ordinal);
        Assert.True(File.Exists(orphan));
        Assert.Contains("1 files removed", await MaintainAsync("run", "db.events", "--task", "orphans", "--delete"), StringComparison.Ordinal);
        Assert.False(File.Exists(orphan));
        Assert.Contains("orphans of db.events: nothing to do", await MaintainAsync("plan", "db.events", "--task", "orphans"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_a_table_of_others_a_plan_is_made_and_nothing_is_done()
    {
        string table = Shared("iceberg-tables/spark/bunnies");
        string[] before = Directory.GetFiles(table, "*", SearchOption.AllDirectories);
        string[] set = ["--set", "expiry.max-snapshot-age=1ms", "--set", "compaction.quiet-period=1ms", "--set", "compaction.min-input-files=2"];
        var (code, plan, error) = await RunMaintainAsync(["plan", table, .. set]);
        // It lies elsewhere than it says, so nobody knows whose the files are; that is no reason to keep the other plans back.
        Assert.Equal((1, ""), (code, error));
        Assert.Contains("orphans failed: ", plan, StringComparison.Ordinal);
        // Their lists, the manifests that the last one does not name, and the file that it replaced.
        Assert.Contains("2 snapshots from", plan, StringComparison.Ordinal);
        Assert.Contains("/metadata/snap-", plan, StringComparison.Ordinal);
        Assert.Contains("only for reading", (await RunMaintainAsync("run", table, "--task", "expiry")).Error, StringComparison.Ordinal);
        Assert.Equal(before, Directory.GetFiles(table, "*", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task What_cannot_be_read_is_told_in_one_line()
    {
        await TextAsync("create", "db.events", "--ddl", "CREATE TABLE db.events (id BIGINT)");
        Assert.Contains("expected NAME=VALUE", (await RunMaintainAsync("plan", "db.events", "--set", "expiry")).Error, StringComparison.Ordinal);
        Assert.Contains("expiry.max-snapshot-age: expected a duration", (await RunMaintainAsync("plan", "db.events", "--task", "expiry", "--set", "expiry.max-snapshot-age=old")).Error, StringComparison.Ordinal);
        Assert.Contains("tidy", (await RunMaintainAsync("run", "db.events", "--task", "tidy")).Error, StringComparison.Ordinal);
        Assert.Contains("--silo: expected an address", (await RunMaintainAsync("plan", "db.events", "--silo", "here")).Error, StringComparison.Ordinal);
    }

    private async Task<string> MaintainAsync(params string[] args)
    {
        var (code, output, error) = await RunMaintainAsync(args);
        Assert.True(code == 0, output + error);
        return output;
    }

    private Task<string> MaintainAsync(string verb, string table, string[] more) => MaintainAsync([verb, table, .. more]);

    private async Task<(int Code, string Output, string Error)> RunMaintainAsync(params string[] args)
    {
        using StringWriter output = new(), error = new();
        int code = await CommandRunner.RunAsync(["maintain", .. args, "--warehouse", Warehouse], [MaintainCommand.Create()], stopLimit: null, output, error);
        return (code, output.ToString(), error.ToString());
    }

    private async Task AppendAsync(int number)
    {
        var ids = new IdSource(TimeProvider.System, new Random());
        var catalog = new LocalCatalog(Warehouse, TimeProvider.System, ids);
        LoadedTable table = (await catalog.LoadTableAsync(Name, CancellationToken.None))!;
        var append = new AppendFiles(SnapshotRef.Main, ids, TimeProvider.System);
        append.Add(new DataFile { FilePath = $"{table.Metadata.Location}/data/{number}.parquet", SpecId = 0, Partition = PartitionKey.None, RecordCount = 1, FileSizeBytes = 1 });
        StagedSnapshot staged = await append.StageAsync(table, new SnapshotExtras(), CancellationToken.None);
        Assert.IsType<CommitResult.Committed>(await catalog.CommitTableAsync(new TableCommit(table, staged.Requirements, staged.Updates), CancellationToken.None));
    }
}
