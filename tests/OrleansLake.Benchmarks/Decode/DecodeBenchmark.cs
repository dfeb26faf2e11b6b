using System.Buffers;
using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.IO.Compression;
using System.Text;
using System.Text.Unicode;
using OrleansLake.Iceberg;
using OrleansLake.Ingest;
using OrleansLake.Ingest.Decode;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Ingest.Write;
using OrleansLake.Parquet;
using OrleansLake.Testing;

namespace OrleansLake.Benchmarks.Decode;

/// <summary>
/// JSON bytes in memory to columns, and on to a closed Parquet file, on one core. The best of
/// several rounds counts; compare only figures of the same minutes.
/// </summary>
internal static class DecodeBenchmark
{
    private const int Rounds = 7;
    private static readonly TimeSpan LeastTime = TimeSpan.FromSeconds(1);

    internal static Command Create()
    {
        var rows = new Option<int>("--rows") { Description = "Flat records; a quarter as many nested ones", DefaultValueFactory = _ => 400_000 };
        var widths = new Option<int[]>("--widths")
        {
            Description = "Bytes of a vector: 64, 32, 16, 8 (none)", DefaultValueFactory = _ => [64, 32, 16, 8], AllowMultipleArgumentsPerToken = true,
        };
        var command = new Command("decode", "JSON bytes in memory to columns, and on to a closed Parquet file: CPU time a row") { rows, widths };
        command.SetAction(parsed =>
        {
            OneCore.Pin();
            Measure("flat", Flat(parsed.GetValue(rows)), FlatSchema(), parsed.GetRequiredValue(widths));
            Measure("nested", Nested(parsed.GetValue(rows) / 4), NestedSchema(), parsed.GetRequiredValue(widths));
            Measure("flat, unnested, names converted, with Kafka columns", [.. Flat(parsed.GetValue(rows)).Select(Wrapped)], TracedSchema(), parsed.GetRequiredValue(widths), Reshaping);
            return 0;
        });
        return command;
    }

    private static void Measure(string name, List<byte[]> documents, Schema schema, int[] widths, RecordOptions? records = null)
    {
        var columns = IcebergParquet.ToParquet(schema);
        using var batch = Batch(documents);
        double bytes = documents.Average(document => document.Length);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name}: {documents.Count} records of {bytes:F0} B"));
        Print("Utf8.IsValid", documents.Count, () =>
        {
            foreach (ref readonly var record in batch.Records)
            {
                if (!Utf8.IsValid(batch.ValueOf(record)))
                {
                    throw new InvalidDataException("not UTF-8");
                }
            }
        });
        var rows = new ColumnBatch(columns);
        var rejected = new List<RejectedRecord>();
        foreach (int width in widths)
        {
            var decoder = new JsonDecoder(schema, columns, new JsonDecoderOptions { VectorWidth = width, Records = records });
            Print($"decode, {width} bytes at a time", documents.Count, () =>
            {
                for (int record = 0; record < batch.Count;)
                {
                    rows.Clear();
                    record = decoder.Decode(batch, record, rows, rejected);
                }
            });
        }

        var best = new JsonDecoder(schema, columns, new JsonDecoderOptions { Records = records });
        var options = new ParquetWriterOptions { CompressionLevel = 1 };
        long size = 0;
        Print("decode and write, zstd 1", documents.Count, () =>
        {
            using var writer = new ParquetWriter(Stream.Null, columns, options);
            for (int record = 0; record < batch.Count;)
            {
                rows.Clear();
                record = best.Decode(batch, record, rows, rejected);
                writer.Append(rows);
            }

            size = writer.Close().FileSizeBytes;
        });
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  file: {size / 1e6:F1} MB"));
        if (rejected.Count > 0)
        {
            throw new InvalidDataException(rejected[0].ToString());
        }
    }

    private static RecordOptions Reshaping => new()
    {
        Unnest = "/data",
        Project = new Dictionary<string, string> { ["event_id"] = "/id" },
        Columns = new Dictionary<string, string> { ["_partition"] = "kafka.partition", ["_offset"] = "kafka.offset" },
        CaseFrom = NameCase.LowerCamel,
        CaseTo = NameCase.LowerUnderscore,
    };

    private static byte[] Wrapped(byte[] document) => [.. "{\"id\":12345,\"source\":\"bench\",\"data\":"u8, .. document, (byte)'}'];

    private static Schema TracedSchema() => FlatSchema() with
    {
        Fields =
        [
            .. FlatSchema().Fields,
            new NestedField(101, "event_id", Required: false, new LongType()),
            new NestedField(102, "_partition", Required: false, new IntegerType()),
            new NestedField(103, "_offset", Required: false, new LongType()),
        ],
    };

    private static void Print(string what, int rows, Action action)
    {
        double best = double.MaxValue;
        long begun = Stopwatch.GetTimestamp();
        for (int round = 0; round < Rounds || Stopwatch.GetElapsedTime(begun) < LeastTime; round++)
        {
            // What the process took of its core, not what the clock says: other programs may run beside it.
            var start = Environment.CpuUsage.TotalTime;
            action();
            best = Math.Min(best, (Environment.CpuUsage.TotalTime - start).TotalNanoseconds / rows);
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {best,7:F1} CPU ns a row  {what}"));
    }

    internal static Schema FlatSchema() => new()
    {
        SchemaId = 0,
        Fields =
        [
            new(1, "type", false, new StringType()), new(2, "actor_login", false, new StringType()), new(3, "repo_name", false, new StringType()),
            new(4, "n_commits", false, new LongType()), new(5, "time", false, new TimestampType(WithZone: true)),
        ],
    };

    /// <summary>The events of 2015 where they are at hand, else events like them.</summary>
    internal static List<byte[]> Flat(int rows)
    {
        var lines = new List<byte[]>();
        if (SharedData.Find("github-events.ndjson.gz") is { } path)
        {
            using var reader = new StreamReader(new GZipStream(File.OpenRead(path), CompressionMode.Decompress));
            while (reader.ReadLine() is { } line)
            {
                lines.Add(Encoding.UTF8.GetBytes(line));
            }
        }
        else
        {
            var random = new Random(1);
            string[] types = ["PushEvent", "WatchEvent", "IssueCommentEvent", "CreateEvent", "PullRequestEvent"];
            for (int i = 0; i < 200_000; i++)
            {
                string commits = random.Next(6) == 0 ? $"\"n_commits\":{random.Next(1, 9)}," : "";
                lines.Add(Encoding.UTF8.GetBytes(
                    $"{{\"type\":\"{types[random.Next(5)]}\",\"actor_login\":\"actor-{random.Next(37_000)}\",\"repo_name\":\"owner-{random.Next(50_000)}/name-{random.Next(3)}\",{commits}\"time\":\"2015-01-01T{i / 9000:D2}:{random.Next(60):D2}:{random.Next(60):D2}.000Z\"}}"));
            }
        }

        return [.. Enumerable.Range(0, rows).Select(i => lines[i % lines.Count])];
    }

    internal static Schema NestedSchema() => new()
    {
        SchemaId = 0,
        Fields =
        [
            new(1, "bool", false, new BooleanType()), new(2, "floating", false, new DoubleType()), new(3, "integer", false, new LongType()), new(4, "string", false, new StringType()),
            new(5, "bools", false, new ListType(12, new BooleanType(), false)), new(6, "floatings", false, new ListType(13, new DoubleType(), false)),
            new(7, "integers", false, new ListType(14, new LongType(), false)), new(8, "strings", false, new ListType(15, new StringType(), false)),
            new(9, "string_map", false, new MapType(16, new StringType(), 17, new StringType(), false)),
            new(10, "nested", false, new StructType([new(18, "key", false, new StringType()), new(19, "value", false, new LongType())])),
            new(11, "timestamp", false, new TimestampType(WithZone: true)),
        ],
    };

    internal static List<byte[]> Nested(int rows)
    {
        var random = new Random(2);
        string Text() => $"string-{random.Next(100_000)}";
        return [.. Enumerable.Range(0, rows).Select(i => Encoding.UTF8.GetBytes(string.Create(
            CultureInfo.InvariantCulture,
            $"{{\"bool\":{(random.Next(2) == 0 ? "true" : "false")},\"floating\":{random.NextDouble():R},\"integer\":{random.NextInt64(1L << 40)},\"string\":\"{Text()}\",\"bools\":[true,false],\"floatings\":[{random.NextDouble():R},{random.NextDouble():R}],\"integers\":[{random.Next()},{random.Next()}],\"strings\":[\"{Text()}\",\"{Text()}\"],\"string_map\":{{\"a\":\"{Text()}\",\"b\":\"{Text()}\"}},\"nested\":{{\"key\":\"{Text()}\",\"value\":{i}}},\"timestamp\":\"2022-07-26T07:{i / 60 % 60:D2}:{i % 60:D2}.{random.Next(1_000_000):D6}+00:00\"}}")))];
    }

    internal static KafkaBatch Batch(List<byte[]> documents)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(documents.Sum(document => document.Length + 1) + KafkaBatch.Padding);
        var records = ArrayPool<KafkaRecord>.Shared.Rent(documents.Count);
        int position = 0;
        for (int i = 0; i < documents.Count; i++)
        {
            documents[i].CopyTo(buffer, position);
            records[i] = new KafkaRecord { Offset = i, ValueStart = position, ValueLength = documents[i].Length, KeyLength = -1 };
            position += documents[i].Length;
            buffer[position++] = 0;
        }

        return new KafkaBatch(new TopicPartition("benchmark", 0), new OffsetRange(0, documents.Count), -1, buffer, records, documents.Count);
    }
}
