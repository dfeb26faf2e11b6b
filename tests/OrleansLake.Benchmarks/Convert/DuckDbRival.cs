using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using OrleansLake.Iceberg;
using OrleansLake.Testing.Processes;

namespace OrleansLake.Benchmarks.Convert;

/// <summary>DuckDB doing the same: its reader of JSON lines with the same columns, its writer of Parquet with the same zstd level, one thread.</summary>
internal sealed class DuckDbRival : IDisposable
{
    private readonly Process _node;
    private readonly string? _input;
    private readonly string _output;

    private DuckDbRival(Process node, string? input, string output)
    {
        _node = node;
        _input = input;
        _output = output;
    }

    /// <summary>Starts it, on the core that this process is on, with the documents in a file that the page cache holds.</summary>
    public static DuckDbRival Start(JsonLines lines, Schema schema, int zstdLevel)
    {
        string stem = Path.Combine(Path.GetTempPath(), $"lake-bench-{Guid.NewGuid():N}");
        (string input, string output) = (stem + ".ndjson", stem + ".parquet");
        File.WriteAllBytes(input, lines.Text);
        string columns = string.Join(", ", schema.Fields.Select(field => $"{Quote(field.Name)}: {Quote(TypeOf(field.Type))}"));
        string copy = $"COPY (SELECT * FROM read_json({Quote(input)}, format = 'newline_delimited', columns = {{{columns}}})) "
            + string.Create(CultureInfo.InvariantCulture, $"TO {Quote(output)} (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL {zstdLevel})");
        return Start(copy, input, output);
    }

    /// <summary>Starts it for any statement that writes a file.</summary>
    public static DuckDbRival Start(string copy, string? input, string output)
    {
        if (ForeignReaders.Absent is { } reason)
        {
            throw new InvalidOperationException($"--versus duckdb: {reason}");
        }

        var start = new ProcessStartInfo("node") { RedirectStandardInput = true, RedirectStandardOutput = true };
        start.ArgumentList.Add(Path.Combine(Repository.Root, "tests", "readers", "duckdb-convert.mjs"));
        start.ArgumentList.Add("SET TimeZone = 'UTC'");
        start.ArgumentList.Add(copy);
        return new DuckDbRival(Process.Start(start)!, input, output);
    }

    /// <summary>One repeat.</summary>
    public Repeat Run()
    {
        _node.StandardInput.WriteLine("go");
        _node.StandardInput.Flush();
        string line = _node.StandardOutput.ReadLine() ?? throw new InvalidOperationException("DuckDB ended");
        JsonNode answer = JsonNode.Parse(line)!;
        return answer["error"] is { } error
            ? throw new InvalidOperationException($"DuckDB: {error}")
            : new Repeat((double)answer["seconds"]!, (double)answer["cpuSeconds"]!, 0, new FileInfo(_output).Length);
    }

    public void Dispose()
    {
        _node.StandardInput.Close();
        _node.WaitForExit();
        _node.Dispose();
        if (_input is not null)
        {
            File.Delete(_input);
        }

        File.Delete(_output);
    }

    private static string Quote(string text) => $"'{text.Replace("'", "''", StringComparison.Ordinal)}'";

    private static string TypeOf(IcebergType type) => type switch
    {
        BooleanType => "BOOLEAN",
        IntegerType => "INTEGER",
        LongType => "BIGINT",
        FloatType => "FLOAT",
        DoubleType => "DOUBLE",
        DecimalType x => string.Create(CultureInfo.InvariantCulture, $"DECIMAL({x.Precision},{x.Scale})"),
        DateType => "DATE",
        TimeType => "TIME",
        TimestampType x => x.WithZone ? "TIMESTAMPTZ" : "TIMESTAMP",
        StringType => "VARCHAR",
        UuidType => "UUID",
        ListType x => TypeOf(x.Element) + "[]",
        MapType x => $"MAP({TypeOf(x.Key)}, {TypeOf(x.Value)})",
        StructType x => $"STRUCT({string.Join(", ", x.Fields.Select(field => $"\"{field.Name}\" {TypeOf(field.Type)}"))})",
        _ => throw new NotSupportedException($"--versus duckdb: no type of DuckDB's for {type}"),
    };
}
