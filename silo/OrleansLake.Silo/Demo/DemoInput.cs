using OrleansLake.Iceberg;
using OrleansLake.Ingest.Kafka.Publishing;

namespace OrleansLake.Silo.Demo;

/// <summary>What a demo publishes, and the table that it fits.</summary>
/// <param name="Topic">The topic's name.</param>
/// <param name="Table">The table: <c>namespace.table</c>.</param>
/// <param name="Sql">Its CREATE TABLE statement.</param>
/// <param name="Total">Records, where that is known beforehand.</param>
/// <param name="Open">The records; given is how many rows the table has already.</param>
internal sealed record DemoInput(string Topic, TableIdentifier Table, string Sql, long? Total, Func<long, IRecordFeed> Open)
{
    private const string Namespace = "demo";

    /// <summary>Sample records. A table that has some gets the ones that follow.</summary>
    public static DemoInput Sample(long count) => new(
        "sample",
        new TableIdentifier([Namespace], "sample"),
        $"CREATE TABLE {Namespace}.sample ({SampleRecords.Columns}) WITH (partitioning = ARRAY['day(timestamp)'])",
        count,
        rows => new SampleFeed(new SampleRecords(), rows, count));

    /// <summary>The lines of a file. The table is named as in the statement, else like the file.</summary>
    public static DemoInput OfFile(string path, string sql, TableIdentifier? name)
    {
        string stem = new([.. Path.GetFileName(path).Split('.')[0].Select(c => char.IsAsciiLetterOrDigit(c) ? char.ToLowerInvariant(c) : '_')]);
        stem = stem.Length == 0 ? "file" : stem;
        TableIdentifier table = name switch
        {
            null => new TableIdentifier([Namespace], stem),
            { Namespace.Count: 0 } => new TableIdentifier([Namespace], name.Name),
            _ => new TableIdentifier([name.Namespace[^1]], name.Name),
        };
        return new DemoInput(stem, table, sql, null, _ => new NdjsonFeed(path));
    }
}
