using System.Text.Json.Nodes;

namespace OrleansLake.Testing.Processes;

/// <summary>Engines that nobody here wrote, through node: what they say of our files.</summary>
public static class ForeignReaders
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    /// <summary>Why they cannot be asked here; null when they can.</summary>
    public static string? Absent =>
        Directory.Exists(Path.Combine(Folder, "node_modules", "icebird")) && Directory.Exists(Path.Combine(Folder, "node_modules", "@duckdb"))
            ? null
            : "the readers of tests/readers are not installed";

    private static string Folder => Path.Combine(Repository.Root, "tests", "readers");

    /// <summary>DuckDB: the rows of the last of some statements.</summary>
    public static async Task<JsonArray> DuckDbAsync(params string[] statements)
    {
        // One line a statement: its rows, or an error.
        JsonNode last = (await RunAsync("duckdb.mjs", statements))[^1];
        return last as JsonArray ?? throw new InvalidOperationException($"DuckDB: {last.ToJsonString()} in {string.Join("; ", statements)}");
    }

    /// <summary>icebird: every row of the table in a directory; integers of 64 bits as text.</summary>
    public static async Task<JsonArray> IcebirdAsync(string table)
    {
        JsonNode rows = (await IcebirdAsync([table]))[0];
        return rows as JsonArray ?? throw new InvalidOperationException($"icebird: {rows.ToJsonString()} in {table}");
    }

    /// <summary>icebird: every row of each table, or an object that says why not.</summary>
    public static Task<IReadOnlyList<JsonNode>> IcebirdAsync(IReadOnlyList<string> tables) => RunAsync("icebird.mjs", tables);

    /// <summary>Why a client of REST catalogs cannot be asked here; null when it can.</summary>
    public static string? RestAbsent => Absent ?? (Directory.Exists(Path.Combine(Folder, "node_modules", "iceberg-js")) ? null : "iceberg-js of tests/readers is not installed");

    /// <summary>iceberg-js and icebird: what a REST catalog has, what it says of one table, and that table's rows, read from S3 without keys.</summary>
    public static async Task<JsonObject> RestAsync(Uri catalog, string warehouse, string @namespace, string table, Uri s3) =>
        (await RunAsync("rest.mjs", [catalog.ToString(), warehouse, @namespace, table, s3.ToString()]))[^1].AsObject();

    /// <summary>Why CRoaring cannot be asked here; null when it can.</summary>
    public static string? RoaringAbsent => Directory.Exists(Path.Combine(Folder, "node_modules", "roaring-wasm")) ? null : "CRoaring (roaring-wasm) of tests/readers is not installed";

    /// <summary>CRoaring: each deletion vector of a Puffin file, with its properties, its positions and what CRoaring would have written.</summary>
    public static async Task<JsonArray> RoaringAsync(string puffin) => (await RunAsync("roaring.mjs", [puffin]))[^1].AsArray();

    /// <summary>Why ClickHouse cannot be asked here; null when it can. It is large, and not served everywhere.</summary>
    public static string? ClickHouseAbsent => Directory.Exists(Path.Combine(Folder, "node_modules", "chdb")) ? null : "ClickHouse (chdb) of tests/readers is not installed";

    /// <summary>ClickHouse: the rows of the last of some statements; tables are named by their path below a directory.</summary>
    public static async Task<JsonArray> ClickHouseAsync(string directory, params string[] statements)
    {
        JsonNode last = (await ClickHouseAllAsync(directory, statements))[^1];
        return last as JsonArray ?? throw new InvalidOperationException($"ClickHouse: {last.ToJsonString()} in {string.Join("; ", statements)}");
    }

    /// <summary>ClickHouse: the rows of each statement, or an object that says why not.</summary>
    public static Task<IReadOnlyList<JsonNode>> ClickHouseAllAsync(string directory, IReadOnlyList<string> statements) => RunAsync("clickhouse.mjs", [directory, .. statements]);

    /// <summary>The lines that a script printed.</summary>
    private static async Task<IReadOnlyList<JsonNode>> RunAsync(string script, IReadOnlyList<string> arguments)
    {
        await using var node = new LakeProcess("node", ["--max-old-space-size=4096", Path.Combine(Folder, script), .. arguments]);
        int code = await node.WaitAsync(Limit);
        return code == 0
            ? [.. node.Output.TrimEnd().Split('\n').Select(line => JsonNode.Parse(line)!)]
            : throw new InvalidOperationException($"{script}: exit code {code}: {node.Errors}");
    }
}
