using System.Globalization;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Read;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Upkeep;

/// <summary>What a scan has to touch, by what manifests and footers say. https://iceberg.apache.org/spec/#scan-planning</summary>
/// <param name="Where">The condition in SQL; null: every row.</param>
/// <param name="Manifests">Manifests that are opened.</param>
/// <param name="Files">Data files and files of deletes that are opened.</param>
/// <param name="Bytes">Bytes that those have.</param>
/// <param name="RowGroups">Row groups that are read.</param>
public sealed record QueryCost(string? Where, long Manifests, long Files, long Bytes, long RowGroups)
{
    /// <summary>Footers that are looked into at most; beyond them row groups are counted as if all were read.</summary>
    private const int MostFooters = 1000;

    /// <summary>The cost of a scan of a table's newest snapshot.</summary>
    /// <exception cref="ArgumentException">The condition does not fit the table.</exception>
    public static async Task<QueryCost> OfAsync(LoadedTable table, string? where, CancellationToken cancellationToken)
    {
        var metadata = table.Metadata;
        if (metadata.FindRef(SnapshotRef.Main) is not { } head)
        {
            return new QueryCost(where, 0, 0, 0, 0);
        }

        var condition = (where is null ? Expression.AlwaysTrue : Expression.Parse(where)).Bind(metadata.CurrentSchema);
        var filter = new FileFilter(metadata, condition);
        long manifests = (await SnapshotFiles.ManifestsAsync(table, head, cancellationToken).ConfigureAwait(false))
            .Count(manifest => manifest is not { AddedFilesCount: 0, ExistingFilesCount: 0 } && filter.MightMatch(manifest));
        long files = 0, bytes = 0, rowGroups = 0;
        var deletes = new HashSet<(string, long?)>();
        await foreach (var task in ScanPlan.FilesAsync(table, head, condition, cancellationToken).ConfigureAwait(false))
        {
            files++;
            bytes += task.File.FileSizeBytes;
            rowGroups += where is null || files > MostFooters || task.File.FileFormat != "parquet"
                ? Math.Max(1, task.File.SplitOffsets?.Count ?? 1)
                : await RowGroupsAsync(table, task, cancellationToken).ConfigureAwait(false);
            foreach (var delete in task.Deletes.Where(delete => deletes.Add((delete.FilePath, delete.ContentPosition))))
            {
                files++;
                bytes += delete.ContentSizeBytes ?? delete.FileSizeBytes;
            }
        }

        return new QueryCost(where, manifests, files, bytes, rowGroups);
    }

    /// <summary>The cost, and what it was before.</summary>
    public string Beside(QueryCost before) => string.Create(
        CultureInfo.InvariantCulture,
        $"a scan{(Where is null ? "" : $" where {Where}")} touches {Files:N0} files (before: {before.Files:N0}), {Bytes:N0} bytes ({before.Bytes:N0}), {RowGroups:N0} row groups ({before.RowGroups:N0}), {Manifests:N0} manifests ({before.Manifests:N0})");

    private static async Task<int> RowGroupsAsync(LoadedTable table, FileScanTask task, CancellationToken cancellationToken)
    {
        var source = await ObjectBytes.OpenAsync(table.Store, task.File.FilePath, task.File.FileSizeBytes, cancellationToken).ConfigureAwait(false);
        var reader = await ParquetReader.OpenAsync(source, cancellationToken: cancellationToken).ConfigureAwait(false);
        var columns = FileColumns.Of(reader.Schema, NameMapping.Of(table.Metadata), task.File.FilePath);
        var read = reader.Select(new RowSelection { Filter = ResidualFilter.Of(task.Residual, columns, reader.Schema) });
        int touched = 0;
        long first = 0;
        foreach (var rowGroup in reader.Footer.RowGroups)
        {
            long next = first + rowGroup.RowCount;
            touched += read.Any(range => range.First < next && range.Next > first) ? 1 : 0;
            first = next;
        }

        return touched;
    }
}
