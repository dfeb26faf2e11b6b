using System.Globalization;

namespace OrleansLake.Iceberg;

/// <summary>
/// The counters of a snapshot's summary, every one a string: engines fail on tables whose snapshots lack the totals.
/// https://iceberg.apache.org/spec/#optional-snapshot-summary-fields
/// </summary>
internal static class SnapshotSummary
{
    public static async Task<Dictionary<string, string>> OfAppendAsync(
        LoadedTable @base,
        Snapshot? parent,
        IReadOnlyCollection<DataFile> added,
        IReadOnlyDictionary<string, string> extra,
        CancellationToken cancellationToken)
    {
        long records = added.Sum(file => file.RecordCount);
        long bytes = added.Sum(file => file.FileSizeBytes);
        var before = await TotalsAsync(@base, parent, cancellationToken).ConfigureAwait(false);
        var summary = new Dictionary<string, string>(StringComparer.Ordinal) { ["operation"] = "append" };
        foreach (var (name, value) in extra)
        {
            summary[name] = value;
        }

        summary["operation"] = "append";
        Set("added-data-files", added.Count);
        Set("added-records", records);
        Set("added-files-size", bytes);
        Set("changed-partition-count", added.Select(file => (file.SpecId, file.Partition)).Distinct().Count());
        Set("total-records", before.Records + records);
        Set("total-files-size", before.Bytes + bytes);
        Set("total-data-files", before.DataFiles + added.Count);
        Set("total-delete-files", before.DeleteFiles);
        Set("total-position-deletes", before.PositionDeletes);
        Set("total-equality-deletes", before.EqualityDeletes);
        return summary;

        void Set(string name, long value) => summary[name] = value.ToString(CultureInfo.InvariantCulture);
    }

    private static async Task<Totals> TotalsAsync(LoadedTable table, Snapshot? parent, CancellationToken cancellationToken)
    {
        if (parent is null)
        {
            return default;
        }

        if (Read(parent, "total-records") is long records && Read(parent, "total-files-size") is long bytes
            && Read(parent, "total-data-files") is long files && Read(parent, "total-delete-files") is long deletes
            && Read(parent, "total-position-deletes") is long positions && Read(parent, "total-equality-deletes") is long equalities)
        {
            return new Totals(records, bytes, files, deletes, positions, equalities);
        }

        // A writer left totals out: counted once, from then on they are carried along.
        var totals = default(Totals);
        await foreach (var entry in SnapshotFiles.LiveAsync(table, parent, cancellationToken).ConfigureAwait(false))
        {
            var file = entry.DataFile;
            totals = file.Content switch
            {
                DataFileContent.Data => totals with { Records = totals.Records + file.RecordCount, DataFiles = totals.DataFiles + 1 },
                DataFileContent.PositionDeletes => totals with { PositionDeletes = totals.PositionDeletes + file.RecordCount, DeleteFiles = totals.DeleteFiles + 1 },
                _ => totals with { EqualityDeletes = totals.EqualityDeletes + file.RecordCount, DeleteFiles = totals.DeleteFiles + 1 },
            };
            totals = totals with { Bytes = totals.Bytes + (file.ContentSizeBytes ?? file.FileSizeBytes) };
        }

        return totals;
    }

    private static long? Read(Snapshot snapshot, string name) =>
        snapshot.Summary.TryGetValue(name, out string? text) && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long value) ? value : null;

    private readonly record struct Totals(long Records, long Bytes, long DataFiles, long DeleteFiles, long PositionDeletes, long EqualityDeletes);
}
