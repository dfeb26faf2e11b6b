using System.Globalization;
using System.IO.Compression;
using System.Text;
using System.Text.Json.Nodes;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Read;
using OrleansLake.Testing;
using OrleansLake.Testing.Processes;

namespace OrleansLake.Integration;

/// <summary>
/// A file through the whole line by the command that people type; what the table then holds is compared with what the file
/// holds, by our reader, by DuckDB over the Parquet files and by icebird over the table.
/// </summary>
[Collection(Collections.Working)]
public sealed class DemoTests : IDisposable
{
    private const string Ddl = """
        CREATE TABLE events (type VARCHAR, actor_login VARCHAR, repo_name VARCHAR, n_commits BIGINT, time TIMESTAMP(6) WITH TIME ZONE)
        WITH (partitioning = ARRAY['day(time)'])
        """;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private readonly TestWarehouse _warehouse = new();

    public void Dispose() => _warehouse.Dispose();

    [Fact]
    public async Task Real_events_arrive_as_the_file_holds_them()
    {
        string? file = SharedData.Find("github-events.ndjson.gz");
        Assert.SkipWhen(file is null, "shared/data/github-events.ndjson.gz is absent");
        Summary expected = await RunAsync(file!);
        Assert.Equal(198_024, expected.Rows);
        Assert.Equal(166_628, expected.NullCommits);
    }

    [Fact]
    public async Task Generated_events_arrive_as_the_file_holds_them()
    {
        string file = Path.Combine(_warehouse.Path, "generated.ndjson.gz");
        Generate(file, 30_000);
        Summary expected = await RunAsync(file);
        Assert.Equal(30_000, expected.Rows);
    }

    [Fact]
    [Trait("Category", "Endurance")]
    public async Task A_second_demo_goes_on_with_the_same_table()
    {
        JsonNode first = await DemoAsync("--rows", "20000");
        JsonNode second = await DemoAsync("--rows", "10000");
        Assert.Equal(20_000, first["rows"]!.GetValue<long>());
        Assert.Equal(10_000, second["rows"]!.GetValue<long>());
        Assert.Equal(30_000, second["totalRows"]!.GetValue<long>());
        Assert.Equal(10, second["sample"]!.AsArray().Count);
        Assert.Equal(first["location"]!.GetValue<string>(), second["location"]!.GetValue<string>());
        Assert.Equal("Proved", second["audit"]!["verdict"]!.ToString(), ignoreCase: true);
    }

    private async Task<JsonNode> DemoAsync(params string[] arguments)
    {
        await using var demo = LakeProcess.OfAssembly(
            Repository.Assembly("silo", "OrleansLake.Silo"), ["demo", "--json", "--warehouse", _warehouse.Path, .. arguments]);
        int code = await demo.WaitAsync(Patience);
        Assert.True(code == 0, $"exit code {code}: {demo.Errors}");
        return JsonNode.Parse(demo.Output)!;
    }

    private async Task<Summary> RunAsync(string file)
    {
        string ddl = Path.Combine(_warehouse.Path, "events.sql");
        await File.WriteAllTextAsync(ddl, Ddl);
        Summary expected = Summary.OfFile(file);
        JsonNode report = await DemoAsync("--file", file, "--ddl", ddl, "--topic-partitions", "4");
        Assert.Equal(expected.Rows, report["rows"]!.GetValue<long>());
        Assert.Equal("Proved", report["audit"]!["verdict"]!.ToString(), ignoreCase: true);

        LoadedTable table = await _warehouse.LoadAsync("demo.events");
        Assert.Equal(expected, await Summary.OfTableAsync(table));

        Assert.SkipWhen(ForeignReaders.Absent is not null, ForeignReaders.Absent ?? "");
        JsonNode duck = Assert.Single(await _warehouse.DuckDbAsync(
            "demo.events",
            """
            SELECT count(*) AS "rows", count(DISTINCT actor_login) AS actors, sum(n_commits) AS commits, count(*) - count(n_commits) AS nulls,
                   count(DISTINCT type) AS types, min(epoch_us("time")) AS lo, max(epoch_us("time")) AS hi FROM FILES
            """))!;
        Assert.Equal(
            expected,
            new Summary(Number(duck["rows"]), Number(duck["actors"]), Number(duck["commits"]), Number(duck["nulls"]), Number(duck["types"]), Number(duck["lo"]), Number(duck["hi"])));

        Assert.Equal(expected, Summary.OfRows(
            (await ForeignReaders.IcebirdAsync(TestWarehouse.PathOf(table.Metadata.Location))).Select(row => row!.AsObject())));
        return expected;
    }

    private static long Number(JsonNode? node) => long.Parse(node!.ToString(), CultureInfo.InvariantCulture);

    private static void Generate(string file, int rows)
    {
        var random = new Random(7);
        using var stream = new GZipStream(File.Create(file), CompressionLevel.Fastest);
        using var writer = new StreamWriter(stream, new UTF8Encoding(false));
        var start = new DateTimeOffset(2015, 1, 1, 0, 0, 0, TimeSpan.Zero);
        for (int i = 0; i < rows; i++)
        {
            var record = new JsonObject
            {
                ["type"] = random.Next(3) switch { 0 => "PushEvent", 1 => "WatchEvent", _ => "Ereignis ü \"" + random.Next(5) },
                ["actor_login"] = "actor-" + random.Next(rows / 3),
                ["repo_name"] = $"repo/{random.Next(1000)}",
            };
            if (random.Next(6) == 0)
            {
                record["n_commits"] = random.Next(-5, 100_000);
            }

            record["time"] = start.AddMilliseconds((long)i * 10_000).ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture);
            writer.WriteLine(record.ToJsonString());
        }
    }

    /// <summary>What a set of events amounts to.</summary>
    private sealed record Summary(long Rows, long Actors, long Commits, long NullCommits, long Types, long FirstMicros, long LastMicros)
    {
        public static Summary OfFile(string path)
        {
            using var stream = new GZipStream(File.OpenRead(path), CompressionMode.Decompress);
            using var reader = new StreamReader(stream);
            return OfRows(Lines(reader).Select(line => JsonNode.Parse(line)!.AsObject()));
        }

        public static async Task<Summary> OfTableAsync(LoadedTable table)
        {
            var rows = new List<JsonObject>();
            await foreach (ReadOnlyMemory<byte> row in TableRows.ReadAsync(table, table.Metadata.FindRef(SnapshotRef.Main), cancellationToken: CancellationToken.None))
            {
                rows.Add(JsonNode.Parse(row.Span)!.AsObject());
            }

            return OfRows(rows);
        }

        public static Summary OfRows(IEnumerable<JsonObject> rows)
        {
            long count = 0, commits = 0, nulls = 0, first = long.MaxValue, last = long.MinValue;
            var actors = new HashSet<string>();
            var types = new HashSet<string>();
            foreach (JsonObject row in rows)
            {
                count++;
                actors.Add(row["actor_login"]!.GetValue<string>());
                types.Add(row["type"]!.GetValue<string>());
                if (row["n_commits"] is { } value)
                {
                    commits += Number(value);
                }
                else
                {
                    nulls++;
                }

                long micros = (DateTimeOffset.Parse(row["time"]!.GetValue<string>(), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal).UtcTicks - DateTimeOffset.UnixEpoch.Ticks) / 10;
                first = Math.Min(first, micros);
                last = Math.Max(last, micros);
            }

            return new Summary(count, actors.Count, commits, nulls, types.Count, first, last);
        }

        private static IEnumerable<string> Lines(StreamReader reader)
        {
            while (reader.ReadLine() is { } line)
            {
                yield return line;
            }
        }
    }
}
