using System.Globalization;

namespace OrleansLake.Iceberg;

/// <summary>
/// The counters of a snapshot's summary, every one a string: engines fail on tables whose snapshots lack the totals.
/// https://iceberg.apache.org/spec/#optional-snapshot-summary-fields
/// </summary>
internal static class SnapshotSummary
{
    public static async Task<Dictionary<string, string>> OfAsync(
        LoadedTable @base,
        Snapshot? parent,
        string operation,
        SnapshotTally tally,
        IReadOnlyDictionary<string, string> extra,
        CancellationToken cancellationToken)
    {
        var totals = parent is null ? default : Read(parent) ?? await CountAsync(@base, parent, cancellationToken).ConfigureAwait(false);
        if ((totals + tally.Change).HasNegative && parent is not null)
        {
            // Another writer's totals were wrong: counted once, from then on they are right.
            totals = await CountAsync(@base, parent, cancellationToken).ConfigureAwait(false);
        }

        totals += tally.Change;
        var summary = new Dictionary<string, string>(StringComparer.Ordinal) { ["operation"] = operation };
        foreach (var (name, value) in extra)
        {
            summary[name] = value;
        }

        summary["operation"] = operation;
        tally.WriteTo(summary);
        Set("total-records", totals.Records);
        Set("total-files-size", totals.Bytes);
        Set("total-data-files", totals.DataFiles);
        Set("total-delete-files", totals.DeleteFiles);
        Set("total-position-deletes", totals.PositionDeletes);
        Set("total-equality-deletes", totals.EqualityDeletes);
        return summary;

        void Set(string name, long value) => summary[name] = value.ToString(CultureInfo.InvariantCulture);
    }

    private static Totals? Read(Snapshot parent)
    {
        return Number("total-records") is long records && Number("total-files-size") is long bytes
            && Number("total-data-files") is long files && Number("total-delete-files") is long deletes
            && Number("total-position-deletes") is long positions && Number("total-equality-deletes") is long equalities
                ? new Totals(records, bytes, files, deletes, positions, equalities)
                : null;

        long? Number(string name) =>
            parent.Summary.TryGetValue(name, out string? text) && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long value) ? value : null;
    }

    private static async Task<Totals> CountAsync(LoadedTable table, Snapshot parent, CancellationToken cancellationToken)
    {
        var totals = default(Totals);
        await foreach (var entry in SnapshotFiles.LiveAsync(table, parent, cancellationToken).ConfigureAwait(false))
        {
            totals += Totals.Of(entry.DataFile);
        }

        return totals;
    }
}
