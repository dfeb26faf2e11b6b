namespace OrleansLake.Iceberg;

/// <summary>
/// What a table knows of itself, as rows: the tables that engines show as <c>t.snapshots</c>, <c>"t$files"</c> and so on, by the names
/// and columns that they have in common. https://iceberg.apache.org/docs/latest/spark-queries/#inspecting-tables
/// </summary>
public sealed class MetadataTable
{
    private readonly Func<LoadedTable, Snapshot?, CancellationToken, IAsyncEnumerable<object?[]>> _read;
    private readonly LoadedTable _table;

    private MetadataTable(string name, LoadedTable table, IReadOnlyList<NestedField> fields, Func<LoadedTable, Snapshot?, CancellationToken, IAsyncEnumerable<object?[]>> read)
    {
        Name = name;
        Schema = new Schema { SchemaId = 0, Fields = fields };
        _table = table;
        _read = read;
    }

    /// <summary>The names of all of them.</summary>
    public static IReadOnlyList<string> Names { get; } =
        ["snapshots", "history", "refs", "metadata_log_entries", "manifests", "files", "data_files", "delete_files", "entries", "partitions"];

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>Its columns.</summary>
    public Schema Schema { get; }

    /// <summary>One of them.</summary>
    /// <exception cref="ArgumentException">There is none of that name.</exception>
    public static MetadataTable Of(LoadedTable table, string name) => name switch
    {
        "snapshots" => new(name, table, HistoryTables.SnapshotFields, static (table, _, _) => HistoryTables.Snapshots(table.Metadata).ToAsyncEnumerable()),
        "history" => new(name, table, HistoryTables.HistoryFields, static (table, _, _) => HistoryTables.History(table.Metadata).ToAsyncEnumerable()),
        "refs" => new(name, table, HistoryTables.RefFields, static (table, _, _) => HistoryTables.Refs(table.Metadata).ToAsyncEnumerable()),
        "metadata_log_entries" => new(name, table, HistoryTables.LogFields, static (table, _, _) => HistoryTables.Log(table).ToAsyncEnumerable()),
        "manifests" => new(name, table, FileTables.ManifestFields, FileTables.ManifestsAsync),
        "files" => new(name, table, new FileRows(table.Metadata).Fields, static (table, snapshot, stop) => FileTables.FilesAsync(table, snapshot, static _ => true, stop)),
        "data_files" => new(name, table, new FileRows(table.Metadata).Fields, static (table, snapshot, stop) => FileTables.FilesAsync(table, snapshot, static file => file.Content == DataFileContent.Data, stop)),
        "delete_files" => new(name, table, new FileRows(table.Metadata).Fields, static (table, snapshot, stop) => FileTables.FilesAsync(table, snapshot, static file => file.Content != DataFileContent.Data, stop)),
        "entries" => new(name, table, FileTables.EntryFields(table.Metadata), FileTables.EntriesAsync),
        "partitions" => new(name, table, FileTables.PartitionFields(table.Metadata), FileTables.PartitionsAsync),
        _ => throw new ArgumentException($"expected one of {string.Join(", ", Names)}, got {name}", nameof(name)),
    };

    /// <summary>
    /// Its rows, one value a column: structs as arrays of values, lists as lists, maps as lists of pairs, single values in the form of
    /// <see cref="PartitionKey"/>.
    /// </summary>
    /// <param name="snapshot">The state whose files are shown, for those that show files; null: there is none, and no row either.</param>
    /// <param name="cancellationToken">Ends it early.</param>
    public IAsyncEnumerable<object?[]> ReadAsync(Snapshot? snapshot, CancellationToken cancellationToken = default) => _read(_table, snapshot, cancellationToken);
}
