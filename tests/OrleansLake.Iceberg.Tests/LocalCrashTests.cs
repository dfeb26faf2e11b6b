using System.Diagnostics;
using System.Globalization;
using static OrleansLake.Iceberg.Tests.TestTables;

namespace OrleansLake.Iceberg.Tests;

/// <summary>Processes that commit and are killed at any instant: nothing acknowledged is lost, nothing is there twice, nobody is stuck.</summary>
public sealed class LocalCrashTests : IDisposable
{
    private const string Variable = "ORLEANSLAKE_TEST_CRASH_WAREHOUSE";

    private readonly string _warehouse = Directory.CreateTempSubdirectory("lake-crash-").FullName;

    public void Dispose() => Directory.Delete(_warehouse, recursive: true);

    /// <summary>The child: appends for ever, and writes down each file whose commit was acknowledged.</summary>
    [Fact(Explicit = true)]
    public async Task Child_that_commits_until_it_is_killed()
    {
        string warehouse = Environment.GetEnvironmentVariable(Variable) ?? throw new InvalidOperationException("runs only as a child of the test below");
        var catalog = new LocalCatalog(warehouse, TimeProvider.System, new IdSource(TimeProvider.System, new Random()));
        using var acknowledged = new FileStream(Path.Combine(warehouse, $"acknowledged-{Environment.ProcessId}.txt"), FileMode.CreateNew, FileAccess.Write, FileShare.Read, bufferSize: 0);
        for (int i = 0; ; i++)
        {
            string path = $"{warehouse}/db/events/data/{Environment.ProcessId}-{i}.parquet";
            var append = new AppendFiles(SnapshotRef.Main, new IdSource(TimeProvider.System, new Random()), TimeProvider.System);
            append.Add(File(path, records: 1));
            for (bool done = false; !done;)
            {
                var table = (await catalog.LoadTableAsync(Events, default))!;
                var staged = await append.StageAsync(table, new SnapshotExtras(), default);
                done = await catalog.CommitTableAsync(new TableCommit(table, staged.Requirements, staged.Updates), default) is CommitResult.Committed;
            }

            acknowledged.Write(System.Text.Encoding.UTF8.GetBytes(path + "\n"));
        }
    }

    [Fact]
    [Trait("Category", "Endurance")]
    public async Task Killed_writers_lose_nothing_that_was_acknowledged()
    {
        var properties = new Dictionary<string, string> { ["commit.manifest.min-count-to-merge"] = "5" };
        var catalog = new LocalCatalog(_warehouse, TimeProvider.System, Ids(1));
        await catalog.CreateTableAsync(Events, Creation(properties: properties), default);
        var random = new Random(11);
        for (int round = 0; round < 3; round++)
        {
            Process[] children = [Start(), Start()];
            int before = Acknowledged().Count;
            await UntilAsync(() => Acknowledged().Count >= before + 3 || children.Any(child => child.HasExited));
            foreach (var child in children)
            {
                await Task.Delay(random.Next(60)); // any instant: that is the point
                Assert.False(child.HasExited, "a writer died by itself");
                child.Kill();
                await child.WaitForExitAsync();
                child.Dispose();
            }
        }

        var table = (await catalog.LoadTableAsync(Events, default))!;
        table = await AppendAsync(catalog, table, 99, File(_warehouse + "/db/events/data/last.parquet", records: 1));
        var live = (await LiveAsync(table)).Select(entry => entry.DataFile.FilePath).ToList();
        Assert.Equal(live.Count, live.Distinct().Count());
        Assert.Empty(Acknowledged().Except(live));
        Assert.Equal(live.Count, table.Metadata.Snapshots.Count);
        Assert.Equal(live.Count.ToString(CultureInfo.InvariantCulture), table.Metadata.Snapshots[^1].Summary["total-records"]);
        Assert.EndsWith($"/v{live.Count + 1}.metadata.json", table.MetadataLocation);
        Assert.All(Enumerable.Range(1, live.Count + 1), version => Assert.True(System.IO.File.Exists($"{_warehouse}/db/events/metadata/v{version}.metadata.json")));
        await foreach (var one in new LocalObjectStore().ListAsync(_warehouse + "/", default))
        {
            Assert.True(one.SizeBytes > 0 || one.Location.EndsWith(".lock", StringComparison.Ordinal) || one.Location.Contains("acknowledged"), one.Location);
        }
    }

    private List<string> Acknowledged() => [.. Directory.GetFiles(_warehouse, "acknowledged-*.txt").SelectMany(ReadLines)];

    private static IEnumerable<string> ReadLines(string file)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    private Process Start()
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true, UseShellExecute = false };
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
        {
            start.ArgumentList.Add(typeof(LocalCrashTests).Assembly.Location);
        }

        start.ArgumentList.Add("-explicit");
        start.ArgumentList.Add("only");
        start.ArgumentList.Add("-method");
        start.ArgumentList.Add($"{typeof(LocalCrashTests).FullName}.{nameof(Child_that_commits_until_it_is_killed)}");
        start.Environment[Variable] = _warehouse;
        var process = Process.Start(start)!;
        process.OutputDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        return process;
    }

    private static async Task UntilAsync(Func<bool> holds)
    {
        var patience = Stopwatch.StartNew();
        while (!holds())
        {
            Assert.True(patience.Elapsed < TimeSpan.FromSeconds(60), "waited for a minute");
            await Task.Delay(10);
        }
    }
}
