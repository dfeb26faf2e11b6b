using System.Diagnostics;
using System.Text.Json.Nodes;

namespace OrleansLake.Parquet.Tests;

/// <summary>Asks DuckDB what it finds in a file. Skips the test where Node or the npm packages are absent.</summary>
internal static class DuckDb
{
    private static readonly string? Script = FindScript();

    /// <summary>The rows of the query; <c>FILE</c> in it stands for a file of the given bytes.</summary>
    public static JsonArray Query(byte[] file, string sql) => Query(file, [sql])[0];

    /// <summary>The rows of each query.</summary>
    public static List<JsonArray> Query(byte[] file, IReadOnlyList<string> queries)
    {
        string path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.parquet");
        File.WriteAllBytes(path, file);
        try
        {
            var answers = QueryPath(path, queries);
            return [.. answers.Select(Rows)];
        }
        finally
        {
            File.Delete(path);
        }
    }

    /// <summary>The rows of an answer; fails where it is an error.</summary>
    public static JsonArray Rows(JsonNode answer) => answer as JsonArray ?? throw new InvalidOperationException($"DuckDB: {answer}");

    /// <summary>The rows of each query, or an object with the error.</summary>
    public static List<JsonNode> QueryPath(string path, IReadOnlyList<string> queries)
    {
        Assert.SkipWhen(Script is null, "tests/readers has no node_modules: run npm install there");
        var start = new ProcessStartInfo("node") { RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(Script!);
        foreach (string query in queries)
        {
            start.ArgumentList.Add(query.Replace("FILE", $"'{path}'", StringComparison.Ordinal));
        }

        using var process = Start(start);
        var errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, errors.Result);
        return [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonNode.Parse(line)!)];
    }

    private static Process Start(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            Assert.Skip($"node is absent: {e.Message}");
            throw;
        }
    }

    private static string? FindScript()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            string readers = Path.Combine(folder.FullName, "tests", "readers");
            if (File.Exists(Path.Combine(readers, "duckdb.mjs")))
            {
                return Directory.Exists(Path.Combine(readers, "node_modules", "@duckdb")) ? Path.Combine(readers, "duckdb.mjs") : null;
            }
        }

        return null;
    }
}
