using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using OrleansLake.Benchmarks.Decode;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Decode;
using OrleansLake.Ingest.Write;
using OrleansLake.Parquet;

namespace OrleansLake.Benchmarks.Encode;

/// <summary>
/// Columns in memory to a closed Parquet file, on one core, in batches as the decoder hands them over. The best of several
/// rounds counts; compare only figures of one run.
/// </summary>
internal static class EncodeBenchmark
{
    internal static Command Create()
    {
        var rows = new Option<int>("--rows") { Description = "Flat rows; a quarter as many nested ones", DefaultValueFactory = _ => 400_000 };
        var rounds = new Option<int>("--rounds") { Description = "Rounds of each measurement", DefaultValueFactory = _ => 7 };
        var input = new Option<string?>("--input") { Description = "flat or nested: only this one" };
        var columns = new Option<bool>("--columns") { Description = "Each column by itself, too" };
        var encodings = new Option<EncodingChoice>("--encodings") { Description = "Which encodings the writer may choose", DefaultValueFactory = _ => EncodingChoice.Classic };
        var json = new Option<bool>("--json") { Description = "Prints one JSON object an input" };
        var command = new Command("encode", "Columns in memory to a closed Parquet file: CPU time a row, by stage")
        {
            rows, rounds, input, columns, encodings, json,
        };
        command.SetAction(parsed =>
        {
            int count = parsed.GetValue(rows);
            foreach (string name in (string[])["flat", "nested"])
            {
                if (parsed.GetValue(input) is { } only && only != name)
                {
                    continue;
                }

                var options = new ParquetWriterOptions { Encodings = parsed.GetValue(encodings) };
                var measured = name == "flat"
                    ? Measure(DecodeBenchmark.Flat(count), DecodeBenchmark.FlatSchema(), options, parsed.GetValue(rounds), parsed.GetValue(columns))
                    : Measure(DecodeBenchmark.Nested(count / 4), DecodeBenchmark.NestedSchema(), options, parsed.GetValue(rounds), parsed.GetValue(columns));
                Print(name, measured, parsed.GetValue(json));
            }

            return 0;
        });
        return command;
    }

    private static List<Figure> Measure(List<byte[]> documents, Schema schema, ParquetWriterOptions common, int rounds, bool columns)
    {
        var parquet = IcebergParquet.ToParquet(schema);
        var batches = Decode(documents, schema, parquet);
        var stages = new EncodeStages(batches, parquet);
        var figures = new List<Figure>();
        foreach (int? level in (int?[])[null, 1, 3])
        {
            var options = common with
            {
                Compression = level is null ? CompressionCodec.Uncompressed : CompressionCodec.Zstd,
                CompressionLevel = level,
            };
            figures.Add(stages.Whole(level is null ? "whole, no zstd" : $"whole, zstd {level}", options, rounds));
        }

        figures.Add(stages.LookUps(rounds));
        figures.Add(stages.Levels(rounds));
        figures.Add(stages.Bounds(rounds));
        if (columns)
        {
            for (int i = 0; i < parquet.Columns.Count; i++)
            {
                figures.AddRange(stages.Column(i, common, rounds));
            }
        }

        return figures;
    }

    private static List<ColumnBatch> Decode(List<byte[]> documents, Schema schema, ParquetSchema columns)
    {
        using var records = DecodeBenchmark.Batch(documents);
        var decoder = new JsonDecoder(schema, columns);
        var rejected = new List<RejectedRecord>();
        var batches = new List<ColumnBatch>();
        for (int record = 0; record < records.Count;)
        {
            var batch = new ColumnBatch(columns);
            record = decoder.Decode(records, record, batch, rejected);
            batches.Add(batch);
        }

        return rejected.Count == 0 ? batches : throw new InvalidDataException(rejected[0].ToString());
    }

    private static void Print(string name, List<Figure> figures, bool json)
    {
        if (json)
        {
            Console.WriteLine(JsonSerializer.Serialize(new { input = name, figures }));
            return;
        }

        Console.WriteLine(name);
        foreach (var figure in figures)
        {
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"  {figure.Nanoseconds,7:F1} CPU ns a row  {figure.What,-44}{(figure.FileBytes > 0 ? $" {figure.FileBytes / 1e6,6:F2} MB, {figure.AllocatedBytes:F2} B allocated a row" : "")}"));
        }
    }
}

/// <summary>One line of what <c>bench encode</c> prints; all but the file's size a row.</summary>
internal sealed record Figure(string What, double Nanoseconds, double AllocatedBytes, long FileBytes);
