using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using OrleansLake.Benchmarks.Convert;
using OrleansLake.Benchmarks.Decode;
using OrleansLake.Ingest.Decode;
using OrleansLake.Ingest.Write;
using OrleansLake.Parquet;

namespace OrleansLake.Benchmarks.Compact;

/// <summary>
/// <c>./lake bench compact</c>: many small files of the line to one as the compaction of a table writes them, on one core, and
/// DuckDB's COPY of the same files on the same core in turn.
/// </summary>
internal static class CompactBenchmark
{
    public static Command Create()
    {
        var sample = new Option<string>("--sample") { Description = "flat (the events of shared/data) or nested", DefaultValueFactory = _ => "flat" };
        var files = new Option<int>("--files") { Description = "how many files", DefaultValueFactory = _ => 100 };
        var rows = new Option<int>("--rows") { Description = "rows of each file", DefaultValueFactory = _ => 10_000 };
        var level = new Option<int>("--zstd-level") { Description = "of what is read and of what is written", DefaultValueFactory = _ => 1 };
        var repeat = new Option<int>("--repeat") { Description = "how often", DefaultValueFactory = _ => 5 };
        var versus = new Option<string?>("--versus") { Description = "duckdb: in turn, on the same core" };
        var readOnly = new Option<bool>("--read") { Description = "read only, nothing is written" };
        var bare = new Option<bool>("--bare") { Description = "Parquet's reader and writer alone, without a table around them" };
        var json = new Option<bool>("--json") { Description = "print one JSON object" };
        sample.AcceptOnlyFromAmong("flat", "nested");
        versus.AcceptOnlyFromAmong("duckdb");
        var command = new Command("compact", "Many small Parquet files to one, on one core") { sample, files, rows, level, repeat, versus, readOnly, bare, json };
        command.SetAction(parsed =>
        {
            OneCore.Pin();
            var folder = Directory.CreateTempSubdirectory("lake-bench-");
            try
            {
                bool nested = parsed.GetValue(sample) == "nested";
                int level1 = parsed.GetValue(level);
                var inputs = Write(folder.FullName, nested, parsed.GetValue(files), parsed.GetValue(rows), level1);
                var table = parsed.GetValue(bare) || parsed.GetValue(readOnly) ? null : CompactTable.CreateAsync(nested ? DecodeBenchmark.NestedSchema() : DecodeBenchmark.FlatSchema(), inputs, folder.FullName, level1).GetAwaiter().GetResult();
                var figures = Measure(inputs, table, folder.FullName, parsed.GetValue(repeat), level1, parsed.GetValue(versus) is not null, parsed.GetValue(readOnly));
                figures.Insert(0, "input", nested ? "nested" : "flat");
                Console.WriteLine(parsed.GetValue(json)
                    ? figures.ToJsonString()
                    : string.Join('\n', figures.Select(field => string.Create(CultureInfo.InvariantCulture, $"{field.Key,-28} {field.Value}"))));
                return 0;
            }
            finally
            {
                folder.Delete(recursive: true);
            }
        });
        return command;
    }

    private static List<string> Write(string folder, bool nested, int files, int rows, int level)
    {
        var schema = nested ? DecodeBenchmark.NestedSchema() : DecodeBenchmark.FlatSchema();
        var documents = nested ? DecodeBenchmark.Nested(files * rows) : DecodeBenchmark.Flat(files * rows);
        var columns = IcebergParquet.ToParquet(schema);
        var decoder = new JsonDecoder(schema, columns);
        var batch = new ColumnBatch(columns);
        var rejected = new List<RejectedRecord>();
        var paths = new List<string>();
        for (int file = 0; file < files; file++)
        {
            using var records = DecodeBenchmark.Batch(documents.GetRange(file * rows, rows));
            paths.Add(Path.Combine(folder, $"{file:D5}.parquet"));
            using var stream = File.Create(paths[^1]);
            using var writer = new ParquetWriter(stream, columns, new ParquetWriterOptions { CompressionLevel = level });
            for (int record = 0; record < records.Count;)
            {
                batch.Clear();
                record = decoder.Decode(records, record, batch, rejected);
                writer.Append(batch);
            }

            writer.Close();
        }

        return rejected.Count == 0 ? paths : throw new InvalidDataException(rejected[0].ToString());
    }

    private static JsonObject Measure(List<string> inputs, CompactTable? table, string folder, int repeats, int level, bool versus, bool readOnly)
    {
        string list = string.Join(", ", inputs.Select(path => $"'{path}'"));
        string other = Path.Combine(folder, "duckdb-out.parquet");
        string copy = readOnly
            ? $"CREATE OR REPLACE TEMP TABLE t AS SELECT * FROM read_parquet([{list}])"
            : string.Create(CultureInfo.InvariantCulture, $"COPY (SELECT * FROM read_parquet([{list}])) TO '{other}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL {level})");
        if (readOnly)
        {
            File.WriteAllBytes(other, []);
        }

        using var rival = versus ? DuckDbRival.Start(copy, null, other) : null;
        var own = new List<Repeat>();
        var others = new List<Repeat>();
        long rows = 0;
        for (int i = 0; i < repeats; i++)
        {
            own.Add(table is not null ? table.Run(out rows) : Run(inputs, Path.Combine(folder, "out.parquet"), level, readOnly, out rows));
            if (rival is not null)
            {
                others.Add(rival.Run());
            }
        }

        double ownBest = own.Min(repeat => repeat.CpuSeconds);
        var figures = new JsonObject
        {
            ["files"] = inputs.Count,
            ["rows"] = rows,
            ["zstdLevel"] = level,
            ["repeats"] = repeats,
            ["inputBytes"] = inputs.Sum(path => new FileInfo(path).Length),
            ["cpuNanosPerRowFirst"] = Math.Round(own[0].CpuSeconds * 1e9 / rows, 1),
            ["cpuNanosPerRow"] = Math.Round(Median(own) * 1e9 / rows, 1),
            ["cpuNanosPerRowLeast"] = Math.Round(ownBest * 1e9 / rows, 1),
            ["allocatedBytesPerRow"] = Math.Round((double)own[^1].AllocatedBytes / rows, 2),
            ["allocatedBytesPerFile"] = own[^1].AllocatedBytes / inputs.Count,
            ["fileBytes"] = own[^1].FileBytes,
        };
        if (rival is not null)
        {
            figures["duckdbCpuNanosPerRow"] = Math.Round(Median(others) * 1e9 / rows, 1);
            figures["duckdbCpuNanosPerRowLeast"] = Math.Round(others.Min(repeat => repeat.CpuSeconds) * 1e9 / rows, 1);
            figures["duckdbFileBytes"] = others[^1].FileBytes;
            figures["timesDuckdb"] = Math.Round(Median(others) / Median(own), 2);
            figures["timesDuckdbLeast"] = Math.Round(others.Min(repeat => repeat.CpuSeconds) / ownBest, 2);
        }

        return figures;
    }

    private static Repeat Run(List<string> inputs, string output, int level, bool readOnly, out long rows)
    {
        GC.Collect();
        long allocated = GC.GetTotalAllocatedBytes(precise: true);
        var cpu = Environment.CpuUsage.TotalTime;
        long begun = Stopwatch.GetTimestamp();
        rows = 0;
        using (var destination = File.Create(output))
        {
            ParquetWriter? writer = null;
            var memory = new ReadMemory { KeepsCodes = !readOnly };
            foreach (string path in inputs)
            {
                using var stream = File.OpenRead(path);
                var reader = ParquetReader.Open(stream);
                writer ??= new ParquetWriter(destination, reader.Schema, new ParquetWriterOptions { CompressionLevel = level });
                foreach (var batch in reader.Read(new RowSelection { Memory = memory }))
                {
                    rows += batch.RowCount;
                    if (!readOnly)
                    {
                        writer.Append(batch);
                    }
                }
            }

            writer?.Close();
            writer?.Dispose();
        }

        return new Repeat(
            Stopwatch.GetElapsedTime(begun).TotalSeconds,
            (Environment.CpuUsage.TotalTime - cpu).TotalSeconds,
            GC.GetTotalAllocatedBytes(precise: true) - allocated,
            new FileInfo(output).Length);
    }

    private static double Median(List<Repeat> repeats)
    {
        double[] sorted = [.. repeats.Select(repeat => repeat.CpuSeconds).Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
