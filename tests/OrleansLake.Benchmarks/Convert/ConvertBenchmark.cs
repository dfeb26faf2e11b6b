using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.Intrinsics;
using System.Text.Json.Nodes;
using OrleansLake.Ingest.Kafka.Publishing;

namespace OrleansLake.Benchmarks.Convert;

/// <summary>
/// <c>./lake bench convert</c>: JSON bytes in memory to closed Parquet files on one core, and DuckDB on the same core in turn.
/// </summary>
internal static class ConvertBenchmark
{
    private const string FlatDdl = "CREATE TABLE events (type VARCHAR, actor_login VARCHAR, repo_name VARCHAR, n_commits BIGINT, time TIMESTAMP(6) WITH TIME ZONE)";
    private const string NestedDdl = $"CREATE TABLE events ({SampleRecords.Columns})";
    private const string Restarted = "ORLEANSLAKE_BENCH_VECTORS";

    public static Command Create()
    {
        var file = new Argument<FileInfo?>("FILE") { Description = "JSON, one document a line, gzipped or not; absent: --sample", Arity = ArgumentArity.ZeroOrOne };
        var ddl = new Option<FileInfo?>("--ddl") { Description = "a file with the table's CREATE TABLE" };
        var sample = new Option<string>("--sample") { Description = "flat (the events of shared/data), nested, or escaped: nested with an eighth of the words escaped, a sixteenth beyond ASCII", DefaultValueFactory = _ => "flat" };
        var times = new Option<int>("--times") { Description = "how many times over a file is taken; flat: 10 unless told", DefaultValueFactory = _ => 0 };
        var rows = new Option<int>("--rows") { Description = "records of the nested sample", DefaultValueFactory = _ => 400_000 };
        var level = new Option<int>("--zstd-level") { DefaultValueFactory = _ => 1 };
        var repeat = new Option<int>("--repeat") { Description = "how often", DefaultValueFactory = _ => 7 };
        var output = new Option<DirectoryInfo?>("--out") { Description = "where to put the files of the last repeat" };
        var versus = new Option<string?>("--versus") { Description = "duckdb: in turn, on the same core" };
        var vectors = new Option<string?>("--vectors") { Description = "none, 128, 256 or 512: the widest vectors that the whole process may use" };
        var json = new Option<bool>("--json") { Description = "print one JSON object" };
        sample.AcceptOnlyFromAmong("flat", "nested", "escaped");
        versus.AcceptOnlyFromAmong("duckdb");
        vectors.AcceptOnlyFromAmong("none", "128", "256", "512");
        var command = new Command("convert", "JSON bytes in memory to closed Parquet files, on one core") { file, ddl, sample, times, rows, level, repeat, output, versus, vectors, json };
        command.Validators.Add(result =>
        {
            if (result.GetValue(file) is not null && result.GetValue(ddl) is null)
            {
                result.AddError("FILE wants its table: --ddl FILE.sql");
            }
        });
        command.SetAction(async (parsed, cancellationToken) =>
        {
            if (Restart(parsed.GetValue(vectors)) is { } exitCode)
            {
                return exitCode;
            }

            string? chosen = parsed.GetValue(sample);
            bool nested = chosen is "nested" or "escaped";
            int copies = parsed.GetValue(times);
            OneCore.Pin();
            using JsonLines lines = parsed.GetValue(file) is { } input ? JsonLines.OfFile(input.FullName, Math.Max(1, copies))
                : nested ? JsonLines.Nested(parsed.GetValue(rows), plain: chosen == "nested")
                : JsonLines.Flat(copies > 0 ? copies : 10);
            string table = parsed.GetValue(ddl) is { } statement ? await File.ReadAllTextAsync(statement.FullName, cancellationToken) : nested ? NestedDdl : FlatDdl;
            using var conversion = Conversion.Of(lines, table, parsed.GetValue(level));
            using DuckDbRival? rival = parsed.GetValue(versus) is null ? null : DuckDbRival.Start(lines, conversion.Table.Metadata.CurrentSchema, parsed.GetValue(level));
            JsonObject figures = await MeasureAsync(lines, conversion, rival, Math.Max(1, parsed.GetValue(repeat)), parsed.GetValue(level), parsed.GetValue(output));
            Console.WriteLine(parsed.GetValue(json) ? figures.ToJsonString() : Text(figures));
            return 0;
        });
        return command;
    }

    private static async Task<JsonObject> MeasureAsync(JsonLines lines, Conversion conversion, DuckDbRival? rival, int repeats, int level, DirectoryInfo? output)
    {
        var own = new List<Repeat>();
        var other = new List<Repeat>();
        for (int i = 0; i < repeats; i++)
        {
            own.Add(await conversion.RunAsync());
            if (rival is not null)
            {
                other.Add(rival.Run());
            }
        }

        if (output is not null)
        {
            conversion.CopyTo(output.FullName);
        }

        double ownMedian = Median(own, repeat => repeat.CpuSeconds);
        var figures = new JsonObject
        {
            ["input"] = lines.Name,
            ["rows"] = lines.Count,
            ["bytesPerRow"] = Math.Round((double)lines.SizeBytes / lines.Count, 1),
            ["zstdLevel"] = level,
            ["vectorBits"] = Vector512.IsHardwareAccelerated ? 512 : Vector256.IsHardwareAccelerated ? 256 : Vector128.IsHardwareAccelerated ? 128 : 0,
            ["repeats"] = repeats,
            ["rowsPerSecond"] = Math.Round(lines.Count / Median(own, repeat => repeat.Seconds)),
            ["rowsPerSecondFirst"] = Math.Round(lines.Count / own[0].Seconds),
            ["rowsPerCpuSecond"] = Math.Round(lines.Count / ownMedian),
            ["rowsPerCpuSecondFirst"] = Math.Round(lines.Count / own[0].CpuSeconds),
            ["megabytesPerCpuSecond"] = Math.Round(lines.SizeBytes / 1e6 / ownMedian, 1),
            ["cpuNanosPerRow"] = Math.Round(ownMedian * 1e9 / lines.Count, 1),
            ["cpuNanosPerRowLeast"] = Math.Round(own.Min(repeat => repeat.CpuSeconds) * 1e9 / lines.Count, 1),
            ["allocatedBytesPerRow"] = Math.Round(Median(own, repeat => repeat.AllocatedBytes) / lines.Count, 3),
            ["fileBytes"] = own[^1].FileBytes,
        };
        (double decodeNanos, double decodeAllocated) = conversion.DecodeAlone();
        figures["decodeAloneCpuNanosPerRowLeast"] = Math.Round(decodeNanos, 1);
        figures["decodeAloneAllocatedBytesPerRow"] = Math.Round(decodeAllocated, 3);
        figures["allocatedBytesPerMoreRow"] = Math.Round(await conversion.AllocatedInSteadyStateAsync(), 3);
        if (rival is not null)
        {
            double otherMedian = Median(other, repeat => repeat.CpuSeconds);
            figures["duckdbCpuNanosPerRow"] = Math.Round(otherMedian * 1e9 / lines.Count, 1);
            figures["duckdbCpuNanosPerRowLeast"] = Math.Round(other.Min(repeat => repeat.CpuSeconds) * 1e9 / lines.Count, 1);
            figures["duckdbFileBytes"] = other[^1].FileBytes;
            figures["timesDuckdb"] = Math.Round(otherMedian / ownMedian, 2);
            figures["timesDuckdbLeast"] = Math.Round(other.Min(repeat => repeat.CpuSeconds) / own.Min(repeat => repeat.CpuSeconds), 2);
            figures["timesDuckdbByTheClock"] = Math.Round(Median(other, repeat => repeat.Seconds) / Median(own, repeat => repeat.Seconds), 2);
            figures["timesDuckdbFirst"] = Math.Round(other[0].CpuSeconds / own[0].CpuSeconds, 2);
        }

        return figures;
    }

    /// <summary>The whole process anew, without the vectors beyond a width; null where it is that process already, or may use all.</summary>
    private static int? Restart(string? vectors)
    {
        if (vectors is null || Environment.GetEnvironmentVariable(Restarted) is not null)
        {
            return null;
        }

        var start = new ProcessStartInfo(Environment.ProcessPath!);
        foreach (string argument in Environment.GetCommandLineArgs())
        {
            start.ArgumentList.Add(argument);
        }

        start.Environment[Restarted] = vectors;
        // https://github.com/dotnet/runtime/blob/main/docs/design/features/hw-intrinsics.md
        string? switchedOff = vectors switch { "none" => "EnableHWIntrinsic", "128" => "EnableAVX", "256" => "EnableAVX512", _ => null };
        if (switchedOff is not null)
        {
            start.Environment["DOTNET_" + switchedOff] = "0";
        }

        using var process = Process.Start(start)!;
        process.WaitForExit();
        return process.ExitCode;
    }

    private static double Median(List<Repeat> repeats, Func<Repeat, double> figure)
    {
        double[] sorted = [.. repeats.Select(figure).Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }

    private static string Text(JsonObject figures) => string.Join('\n', figures.Select(field => string.Create(CultureInfo.InvariantCulture, $"{field.Key,-32} {field.Value}")));
}
