using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using OrleansLake.Benchmarks.Scan;
using OrleansLake.Iceberg;
using OrleansLake.Testing.Iceberg;

namespace OrleansLake.Benchmarks.Commit;

/// <summary>
/// What one more append costs a table that has many data files: processor time, and what is read and written. The manifests of
/// what was there stay as they are, until so many small ones have come together that they are merged.
/// </summary>
internal static class CommitBenchmark
{
    private const int FilesACommit = 8;
    private const int FilesAtOnce = 10_000;
    private static readonly TableIdentifier Table = TableIdentifier.Parse("bench.files");

    internal static Command Create()
    {
        var files = new Option<int[]>("--files")
        {
            Description = "Data files that the table has before, one round for each number", DefaultValueFactory = _ => [0, 1_000, 10_000, 100_000], AllowMultipleArgumentsPerToken = true,
        };
        var commits = new Option<int>("--commits") { Description = "Appends of eight files, one after another", DefaultValueFactory = _ => 200 };
        var json = new Option<bool>("--json") { Description = "Print one JSON array" };
        var command = new Command("commit", "Appends to a table of many data files: processor time, bytes and requests a commit") { files, commits, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var rounds = new JsonArray();
            foreach (int count in parsed.GetRequiredValue(files))
            {
                rounds.Add(await RunAsync(count, parsed.GetValue(commits), cancellationToken));
            }

            Console.WriteLine(parsed.GetValue(json)
                ? rounds.ToJsonString()
                : string.Join("\n\n", rounds.Select(round => string.Join('\n', round!.AsObject().Select(field => $"{field.Key,-26} {field.Value}")))));
            return 0;
        });
        return command;
    }

    private static async Task<JsonObject> RunAsync(int files, int commits, CancellationToken cancellationToken)
    {
        var time = TimeProvider.System;
        var ids = new IdSource(time, new Random(1));
        var store = new CountingObjectStore(new InMemoryObjectStore());
        var catalog = new InMemoryCatalog(store, time, ids);
        await catalog.CreateNamespaceAsync(["bench"], new Dictionary<string, string>(), cancellationToken);
        var made = await catalog.CreateTableAsync(Table, new TableCreation { Schema = ManyFiles.Schema, PartitionSpec = ManyFiles.Spec }, cancellationToken);
        string location = made.Metadata.Location;
        var changes = new TableChanges(catalog, ids, time);
        int next = 0;
        while (next < files)
        {
            next = await AppendAsync(next, Math.Min(FilesAtOnce, files - next));
        }

        var spent = new List<double>();
        store.Reset();
        for (int i = 0; i < commits; i++)
        {
            var began = Environment.CpuUsage.TotalTime;
            next = await AppendAsync(next, FilesACommit);
            spent.Add((Environment.CpuUsage.TotalTime - began).TotalMilliseconds);
        }

        spent.Sort();
        var table = (await catalog.LoadTableAsync(Table, cancellationToken))!;
        int manifests = (await ManifestList.ReadAsync(table.Store, table.Metadata.FindRef(SnapshotRef.Main)!.ManifestList!, cancellationToken)).Manifests.Count;
        return new JsonObject
        {
            ["dataFilesBefore"] = files,
            ["commits"] = commits,
            ["cpuMsPerCommitMedian"] = Round(spent[spent.Count / 2]),
            ["cpuMsPerCommitMean"] = Round(spent.Average()),
            ["cpuMsPerCommitMost"] = Round(spent[^1]),
            ["readsPerCommit"] = Round((double)store.Reads / commits),
            ["bytesReadPerCommit"] = Math.Round((double)store.BytesRead / commits),
            ["writesPerCommit"] = Round((double)store.Writes / commits),
            ["bytesWrittenPerCommit"] = Math.Round((double)store.BytesWritten / commits),
            ["manifestsAfter"] = manifests,
        };

        async Task<int> AppendAsync(int first, int count)
        {
            var append = new AppendFiles(SnapshotRef.Main, ids, time);
            for (int i = 0; i < count; i++)
            {
                append.Add(ManyFiles.File(location, first + i));
            }

            if (await changes.CommitAsync(Table, append, null, cancellationToken) is not CommitResult.Committed)
            {
                throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture, $"append of files {first} to {first + count}: expected it to be committed"));
            }

            return first + count;
        }
    }

    private static double Round(double value) => Math.Round(value, 2);
}
