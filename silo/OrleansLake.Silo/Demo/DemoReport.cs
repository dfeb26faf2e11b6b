using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using OrleansLake.Ingest.Commit;

namespace OrleansLake.Silo.Demo;

/// <summary>How a demo ended.</summary>
internal sealed record DemoReport
{
    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Whether everything that was published is in the table.</summary>
    public required bool Committed { get; init; }

    /// <summary>What stood in the way.</summary>
    public string? Trouble { get; init; }

    /// <summary>The table's name.</summary>
    public required string Table { get; init; }

    /// <summary>Where it lies.</summary>
    public required string Location { get; init; }

    /// <summary>Records that were published.</summary>
    public required long Published { get; init; }

    /// <summary>Rows that this demo added.</summary>
    public required long Rows { get; init; }

    /// <summary>Records that became dead letters.</summary>
    public required long Rejected { get; init; }

    /// <summary>Rows of the table with those of earlier demos.</summary>
    public required long TotalRows { get; init; }

    /// <summary>Data files that this demo added.</summary>
    public required long Files { get; init; }

    /// <summary>Snapshots that this demo added.</summary>
    public required int Snapshots { get; init; }

    /// <summary>From the first record published to the last one committed.</summary>
    public required double Seconds { get; init; }

    /// <summary>Rows a second over that time.</summary>
    public double RowsPerSecond => Seconds > 0 ? Math.Round(Rows / Seconds) : 0;

    /// <summary>The audit's word.</summary>
    public required AuditResult Audit { get; init; }

    /// <summary>Ten rows read back.</summary>
    public required IReadOnlyList<JsonNode> Sample { get; init; }

    /// <summary>Lines to type, by engine.</summary>
    public required DemoQueries Queries { get; init; }

    /// <summary>Where the silo wrote its log.</summary>
    public required string Log { get; init; }

    /// <summary>As one JSON object.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, Options);

    /// <summary>For people.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        if (!Committed)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"Not everything was committed: {Trouble}");
        }

        text.AppendLine(CultureInfo.InvariantCulture, $"table      {Table} in {Location}");
        text.AppendLine(CultureInfo.InvariantCulture, $"rows       {Rows:N0} of {Published:N0} records{(Rejected > 0 ? $", {Rejected:N0} dead letters" : "")}{(TotalRows != Rows ? $"; the table has {TotalRows:N0}" : "")}");
        text.AppendLine(CultureInfo.InvariantCulture, $"files      {Files:N0}");
        text.AppendLine(CultureInfo.InvariantCulture, $"snapshots  {Snapshots:N0}");
        text.AppendLine(CultureInfo.InvariantCulture, $"seconds    {Seconds:0.0} ({RowsPerSecond:N0} rows/s)");
        text.AppendLine(CultureInfo.InvariantCulture, $"audit      {Audit.Sentence}");
        text.AppendLine(CultureInfo.InvariantCulture, $"log        {Log}");
        text.AppendLine().AppendLine(CultureInfo.InvariantCulture, $"{Sample.Count} rows:");
        foreach (JsonNode row in Sample)
        {
            text.Append("  ").AppendLine(row.ToJsonString(Options));
        }

        text.AppendLine().AppendLine("Query it:");
        text.Append("  ClickHouse  ").AppendLine(Queries.ClickHouse);
        text.Append("  DuckDB      ").AppendLine(Queries.DuckDb);
        text.Append("  Trino       ").Append(Queries.Trino);
        return text.ToString();
    }
}

/// <summary>Lines to type to query a local table.</summary>
/// <param name="ClickHouse">In a shell.</param>
/// <param name="DuckDb">In a shell.</param>
/// <param name="Trino">In Trino, with an Iceberg catalog that may register tables and read local files.</param>
internal sealed record DemoQueries(string ClickHouse, string DuckDb, string Trino)
{
    /// <summary>For a table at a path.</summary>
    public static DemoQueries Of(string path, string @namespace, string table, string metadataFile) => new(
        $"clickhouse local --query \"SELECT count() FROM icebergLocal('{path}')\"",
        $"duckdb -c \"INSTALL iceberg; LOAD iceberg; SELECT count(*) FROM iceberg_scan('{path}')\"",
        $"CALL iceberg.system.register_table(schema_name => '{@namespace}', table_name => '{table}', table_location => 'local://{path}', metadata_file_name => '{metadataFile}'); "
        + $"SELECT count(*) FROM iceberg.{@namespace}.{table}");
}
