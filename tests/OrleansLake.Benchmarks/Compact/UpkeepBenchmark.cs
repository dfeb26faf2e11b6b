using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Commit;
using OrleansLake.Ingest.Upkeep;
using OrleansLake.Testing.Processes;
using OrleansLake.Testing.Upkeep;

namespace OrleansLake.Benchmarks.Compact;

/// <summary>
/// <c>./lake bench upkeep</c>: many small files of the line come down to the target size while the line goes on; the audit looks at
/// the table afterwards, and so does ClickHouse where it is installed. Told too: what a scan of one day costs before and after.
/// </summary>
internal static class UpkeepBenchmark
{
    public static Command Create()
    {
        var days = new Option<int>("--days") { Description = "table partitions", DefaultValueFactory = _ => 100 };
        var commits = new Option<int>("--commits") { Description = "commits before, each with a file a partition", DefaultValueFactory = _ => 100 };
        var rows = new Option<int>("--rows") { Description = "rows of each file", DefaultValueFactory = _ => 100 };
        var meanwhile = new Option<int>("--meanwhile") { Description = "commits while it is compacted", DefaultValueFactory = _ => 20 };
        var json = new Option<bool>("--json") { Description = "print one JSON object" };
        var command = new Command("upkeep", "10,000 small files of the line down to the target size while it goes on") { days, commits, rows, meanwhile, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var line = await LineTable.CreateAsync();
            long begun = Stopwatch.GetTimestamp();
            await line.IngestAsync(parsed.GetValue(commits), parsed.GetValue(days), parsed.GetValue(rows), cancellationToken);
            double ingested = Stopwatch.GetElapsedTime(begun).TotalSeconds;
            var options = new CompactionOptions { TargetFileSizeBytes = 128 << 20, QuietPeriod = TimeSpan.Zero, Probe = "ts < '2024-10-05T00:00:00Z'" };
            var compaction = line.Compaction();
            var plan = await compaction.PlanAsync(await line.LoadAsync(), options, cancellationToken);
            long before = line.Rows;
            var going = Task.Run(() => line.IngestAsync(parsed.GetValue(meanwhile), parsed.GetValue(days), parsed.GetValue(rows), cancellationToken), cancellationToken);
            var compacting = compaction.ExecuteAsync(plan, cancellationToken);
            await Task.WhenAll(going, compacting);
            var result = await compacting;
            var audit = await Audit.RunAsync(await line.LoadAsync(), cancellationToken: cancellationToken);
            string clickHouse = await AskClickHouseAsync(line);
            var figures = new JsonObject
            {
                ["filesBefore"] = plan.Steps.Sum(step => step.Files),
                ["filesReplaced"] = result.FilesRemoved,
                ["filesWritten"] = result.FilesAdded,
                ["rowsBefore"] = before,
                ["rowsAfter"] = line.Rows,
                ["rowsInTable"] = audit.Rows,
                ["commits"] = result.SnapshotsCommitted.Count,
                ["ingestSeconds"] = Math.Round(ingested, 1),
                ["compactSeconds"] = Math.Round(result.Duration.TotalSeconds, 1),
                ["bytesRead"] = result.BytesRead,
                ["bytesWritten"] = result.BytesWritten,
                ["peakMegabytes"] = Process.GetCurrentProcess().PeakWorkingSet64 >> 20,
                ["scan"] = result.Notes[^1],
                ["audit"] = audit.Verdict.ToString(),
                ["clickHouse"] = clickHouse,
                ["error"] = result.Error,
            };
            Console.WriteLine(parsed.GetValue(json)
                ? figures.ToJsonString()
                : string.Join('\n', figures.Select(field => string.Create(CultureInfo.InvariantCulture, $"{field.Key,-16} {field.Value}"))));
            return result.Error is null && audit.Verdict == AuditVerdict.Proved && audit.Rows == line.Rows && clickHouse is "every row once" or "not installed" ? 0 : 1;
        });
        return command;
    }

    /// <summary>Every record's row, once, with what was in it.</summary>
    private static async Task<string> AskClickHouseAsync(LineTable line)
    {
        if (ForeignReaders.ClickHouseAbsent is not null)
        {
            return "not installed";
        }

        string path = Path.GetRelativePath(line.Warehouse, LocalObjectStore.PathOf((await line.LoadAsync()).Metadata.Location));
        JsonNode row = (await ForeignReaders.ClickHouseAsync(line.Warehouse, $"SELECT toString(count()) AS n, toString(uniqExact(id)) AS ids, toString(sum(id)) AS sum, toString(countIf(name != concat('name ', toString(id % 1000)))) AS wrong FROM icebergLocal('{path}')"))[0]!;
        string expected = string.Create(CultureInfo.InvariantCulture, $$"""{"n":"{{line.Rows}}","ids":"{{line.Rows}}","sum":"{{line.Rows * (line.Rows - 1) / 2}}","wrong":"0"}""");
        return row.ToJsonString() == expected ? "every row once" : $"expected {expected}, got {row.ToJsonString()}";
    }
}
