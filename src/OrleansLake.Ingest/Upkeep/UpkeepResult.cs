using OrleansLake.Iceberg;

namespace OrleansLake.Ingest.Upkeep;

/// <summary>What a table's newest snapshot holds.</summary>
public sealed record UpkeepCounts
{
    /// <summary>Files of rows.</summary>
    public long DataFiles { get; init; }

    /// <summary>Files of deletes.</summary>
    public long DeleteFiles { get; init; }

    /// <summary>Rows in those files, deleted ones included.</summary>
    public long Rows { get; init; }

    /// <summary>Bytes of all of them.</summary>
    public long Bytes { get; init; }

    /// <summary>Manifests.</summary>
    public long Manifests { get; init; }

    /// <summary>Snapshots that the table lists.</summary>
    public long Snapshots { get; init; }

    /// <summary>Counts one state of a table from its manifest list and summary; nothing else is read.</summary>
    public static async Task<UpkeepCounts> OfAsync(LoadedTable table, CancellationToken cancellationToken)
    {
        var head = table.Metadata.FindRef(SnapshotRef.Main);
        if (head is null)
        {
            return new UpkeepCounts { Snapshots = table.Metadata.Snapshots.Count };
        }

        var manifests = await SnapshotFiles.ManifestsAsync(table, head, cancellationToken).ConfigureAwait(false);
        return new UpkeepCounts
        {
            DataFiles = Total("total-data-files") ?? manifests.Where(one => one.Content == ManifestContent.Data).Sum(Live),
            DeleteFiles = Total("total-delete-files") ?? manifests.Where(one => one.Content == ManifestContent.Deletes).Sum(Live),
            Rows = Total("total-records") ?? manifests.Where(one => one.Content == ManifestContent.Data).Sum(one => (one.AddedRowsCount ?? 0) + (one.ExistingRowsCount ?? 0)),
            Bytes = Total("total-files-size") ?? 0,
            Manifests = manifests.Count,
            Snapshots = table.Metadata.Snapshots.Count,
        };

        long? Total(string name) => long.TryParse(head.Summary.GetValueOrDefault(name), System.Globalization.CultureInfo.InvariantCulture, out long value) ? value : null;

        static long Live(ManifestFile manifest) => (manifest.AddedFilesCount ?? 0) + (manifest.ExistingFilesCount ?? 0);
    }
}

/// <summary>What an operation did.</summary>
public sealed record UpkeepResult
{
    /// <summary>The operation.</summary>
    public required string Operation { get; init; }

    /// <summary>The table.</summary>
    public required TableIdentifier Table { get; init; }

    /// <summary>The table before; null where it could not be looked at.</summary>
    public UpkeepCounts? Before { get; init; }

    /// <summary>The table after, with what others did meanwhile.</summary>
    public UpkeepCounts? After { get; init; }

    /// <summary>What a scan cost before, where that was asked for.</summary>
    public QueryCost? CostBefore { get; init; }

    /// <summary>What the same scan costs after.</summary>
    public QueryCost? CostAfter { get; init; }

    /// <summary>How long it took.</summary>
    public TimeSpan Duration { get; init; }

    /// <summary>Steps of the plan that were done.</summary>
    public int StepsDone { get; init; }

    /// <summary>Steps that were not: what others did made them void, or they failed.</summary>
    public int StepsLeft { get; init; }

    /// <summary>Files that went out of the table, or out of the store.</summary>
    public long FilesRemoved { get; init; }

    /// <summary>Files that came.</summary>
    public long FilesAdded { get; init; }

    /// <summary>Rows that went.</summary>
    public long RowsRemoved { get; init; }

    /// <summary>Bytes that were read.</summary>
    public long BytesRead { get; init; }

    /// <summary>Bytes that were written.</summary>
    public long BytesWritten { get; init; }

    /// <summary>Bytes that the files had which went.</summary>
    public long BytesRemoved { get; init; }

    /// <summary>Snapshots that were committed, in order.</summary>
    public IReadOnlyList<long> SnapshotsCommitted { get; init; } = [];

    /// <summary>One line for each thing worth knowing: what was given up and why, the cost of a query before and after.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>Why it did not come to its end; null where it did.</summary>
    public string? Error { get; init; }

    /// <summary>This result with what a part of the operation did.</summary>
    internal UpkeepResult With(UpkeepResult part) => this with
    {
        StepsDone = StepsDone + part.StepsDone,
        StepsLeft = StepsLeft + part.StepsLeft,
        FilesRemoved = FilesRemoved + part.FilesRemoved,
        FilesAdded = FilesAdded + part.FilesAdded,
        RowsRemoved = RowsRemoved + part.RowsRemoved,
        BytesRead = BytesRead + part.BytesRead,
        BytesWritten = BytesWritten + part.BytesWritten,
        BytesRemoved = BytesRemoved + part.BytesRemoved,
        SnapshotsCommitted = [.. SnapshotsCommitted, .. part.SnapshotsCommitted],
        Notes = [.. Notes, .. part.Notes],
        Error = Error ?? part.Error,
    };
}
