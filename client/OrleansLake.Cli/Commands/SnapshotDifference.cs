using System.Globalization;
using OrleansLake.Iceberg;

namespace OrleansLake.Cli.Commands;

/// <summary>A state of a table, with the schema that goes with it.</summary>
internal sealed record TableState(Snapshot Snapshot, Schema Schema, IReadOnlyDictionary<string, string>? Properties)
{
    /// <summary>The state that a text names. A branch has the table's schema and properties, others what was current then.</summary>
    public static async Task<TableState> OfAsync(LoadedTable table, string? at, string option, CancellationToken cancellationToken)
    {
        var metadata = table.Metadata;
        var snapshot = TableArguments.SnapshotAt(metadata, at, option) ?? throw new ArgumentException($"{table.Identifier}: expected two snapshots to compare, got a table without any");
        var properties = TableSchema.IsBranch(metadata, at) ? metadata.Properties : await PropertiesAsync(table, snapshot, cancellationToken);
        return new TableState(snapshot, TableSchema.At(metadata, at), properties);
    }

    /// <summary>The properties that the metadata had which brought the snapshot; null where they are gone.</summary>
    private static async Task<IReadOnlyDictionary<string, string>?> PropertiesAsync(LoadedTable table, Snapshot snapshot, CancellationToken cancellationToken)
    {
        foreach (var entry in table.Metadata.MetadataLog.Where(entry => entry.TimestampMs >= snapshot.TimestampMs).Take(2))
        {
            try
            {
                var then = await MetadataFile.ReadAsync(table.Store, entry.MetadataFile, cancellationToken);
                if (then.FindSnapshot(snapshot.SnapshotId) is not null)
                {
                    return then.Properties;
                }
            }
            catch (Exception error) when (error is IOException or ObjectNotFoundException)
            {
                // Writers delete metadata files in time: what stood there is not known, which the answer says.
                return null;
            }
        }

        return table.Metadata.CurrentSnapshotId == snapshot.SnapshotId ? table.Metadata.Properties : null;
    }
}

/// <summary>What one state of a table has and another has not.</summary>
internal sealed class SnapshotDifference
{
    /// <summary>The files that only one of them has, data and deletes.</summary>
    public required IReadOnlyList<(bool Added, DataFile File)> Files { get; init; }

    /// <summary>Rows of data files that were added or removed; rows that delete files take away are counted by their own records.</summary>
    public long Rows(bool added, bool data) => Files.Where(one => one.Added == added && one.File.Content == DataFileContent.Data == data).Sum(one => one.File.RecordCount);

    /// <summary>Compares the live files of two snapshots; what both have costs a look at its descriptor.</summary>
    public static async Task<SnapshotDifference> BetweenAsync(LoadedTable table, Snapshot from, Snapshot to, CancellationToken cancellationToken)
    {
        var shared = (await SnapshotFiles.ManifestsAsync(table, from, cancellationToken)).Select(manifest => manifest.ManifestPath).ToHashSet();
        shared.IntersectWith((await SnapshotFiles.ManifestsAsync(table, to, cancellationToken)).Select(manifest => manifest.ManifestPath));
        var old = await LiveAsync(table, from, shared, cancellationToken);
        var @new = await LiveAsync(table, to, shared, cancellationToken);
        return new SnapshotDifference
        {
            Files = [.. old.Where(pair => !@new.ContainsKey(pair.Key)).Select(pair => (false, pair.Value)), .. @new.Where(pair => !old.ContainsKey(pair.Key)).Select(pair => (true, pair.Value))],
        };
    }

    /// <summary>The live files of the manifests that are not shared: what both snapshots name is the same in both.</summary>
    private static async Task<Dictionary<(string Path, long? Position), DataFile>> LiveAsync(LoadedTable table, Snapshot snapshot, HashSet<string> shared, CancellationToken cancellationToken)
    {
        var files = new Dictionary<(string, long?), DataFile>();
        foreach (var manifest in (await SnapshotFiles.ManifestsAsync(table, snapshot, cancellationToken)).Where(manifest => !shared.Contains(manifest.ManifestPath)))
        {
            await foreach (var entry in ManifestReader.ReadAsync(table.Store, manifest, table.Metadata, cancellationToken))
            {
                if (entry.Status != ManifestEntryStatus.Deleted)
                {
                    files[(entry.DataFile.FilePath, entry.DataFile.ContentPosition)] = entry.DataFile;
                }
            }
        }

        return files;
    }

    /// <summary>The counters of both summaries that are totals, and how they changed.</summary>
    public static IEnumerable<(string Name, string? From, string? To, long? Change)> Totals(Snapshot from, Snapshot to) =>
        from.Summary.Keys.Union(to.Summary.Keys).Where(name => name.StartsWith("total-", StringComparison.Ordinal)).Order(StringComparer.Ordinal).Select(name =>
        {
            var (one, other) = (from.Summary.GetValueOrDefault(name), to.Summary.GetValueOrDefault(name));
            bool areNumbers = long.TryParse(one ?? "0", CultureInfo.InvariantCulture, out long before) & long.TryParse(other ?? "0", CultureInfo.InvariantCulture, out long after);
            return (name, one, other, areNumbers ? after - before : (long?)null);
        });

    /// <summary>The properties that differ.</summary>
    public static IEnumerable<(string Name, string? From, string? To)> Properties(IReadOnlyDictionary<string, string> from, IReadOnlyDictionary<string, string> to) =>
        from.Keys.Union(to.Keys).Order(StringComparer.Ordinal).Select(name => (name, from.GetValueOrDefault(name), to.GetValueOrDefault(name))).Where(one => one.Item2 != one.Item3);
}
