using System.Diagnostics;
using System.Text.Json.Nodes;

namespace OrleansLake.Parquet.Tests;

/// <summary>Asks ClickHouse what it finds in files. Skips the test where Node or the npm package is absent.</summary>
internal static class ClickHouse
{
    /// <summary>The rows of a query; files are named by their path below a directory.</summary>
    public static JsonArray Query(string directory, string sql)
    {
        string? readers = Readers();
        Assert.SkipWhen(readers is null, "ClickHouse (chdb) of tests/readers is not installed");
        var start = new ProcessStartInfo("node") { RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(Path.Combine(readers!, "clickhouse.mjs"));
        start.ArgumentList.Add(directory);
        start.ArgumentList.Add(sql);
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, errors.Result);
        var answer = JsonNode.Parse(output)!;
        return answer as JsonArray ?? throw new InvalidOperationException($"ClickHouse: {answer.ToJsonString()}");
    }

    private static string? Readers()
    {
        for (string? at = AppContext.BaseDirectory; at is not null; at = Path.GetDirectoryName(at))
        {
            string readers = Path.Combine(at, "tests", "readers");
            if (Directory.Exists(Path.Combine(readers, "node_modules", "chdb")))
            {
                return readers;
            }
        }

        return null;
    }
}
