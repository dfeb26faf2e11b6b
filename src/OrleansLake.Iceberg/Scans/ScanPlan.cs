using System.Runtime.CompilerServices;
using OrleansLake.Iceberg.Deletes;

namespace OrleansLake.Iceberg;

/// <summary>
/// Which files of a snapshot a scan has to read: manifests that cannot match are not opened, files that cannot match are left
/// out, deletes are attached to the files that they apply to. https://iceberg.apache.org/spec/#scan-planning
/// </summary>
public static class ScanPlan
{
    private const int ManifestsAhead = 8;

    /// <summary>The files of a snapshot that may have rows which satisfy a condition.</summary>
    /// <param name="table">The table.</param>
    /// <param name="snapshot">Which state of it.</param>
    /// <param name="condition">The condition, bound to one of the table's schemas; null: every row.</param>
    /// <param name="cancellationToken">Ends it early.</param>
    public static async IAsyncEnumerable<FileScanTask> FilesAsync(
        LoadedTable table, Snapshot snapshot, BoundExpression? condition = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var filter = new FileFilter(table.Metadata, condition ?? BoundExpression.AlwaysTrue);
        if (filter.Expression is BoundExpression.Constant { Value: false })
        {
            yield break;
        }

        var wanted = new Wanted(filter.MightMatch, filter.MightMatch, filter.MightMatch, filter.ResidualOf);
        await foreach (var task in FilesAsync(table, snapshot, wanted, cancellationToken).ConfigureAwait(false))
        {
            yield return task;
        }
    }

    /// <summary>Every file of some partitions of a snapshot: for one who rewrites them.</summary>
    /// <param name="table">The table.</param>
    /// <param name="snapshot">Which state of it.</param>
    /// <param name="partitions">The partitions, each of its spec.</param>
    /// <param name="cancellationToken">Ends it early.</param>
    public static IAsyncEnumerable<FileScanTask> FilesAsync(
        LoadedTable table, Snapshot snapshot, IReadOnlySet<(int SpecId, PartitionKey Partition)> partitions, CancellationToken cancellationToken = default)
    {
        var specs = table.Metadata.PartitionSpecs.DistinctBy(spec => spec.SpecId).ToDictionary(spec => spec.SpecId);
        // Equality deletes of a spec without partitions are of all rows.
        var everywhere = specs.Values.Where(spec => spec.Fields.All(field => field.Transform is Transform.Void)).Select(spec => spec.SpecId).ToHashSet();
        var wanted = new Wanted(
            manifest => !specs.TryGetValue(manifest.SpecId, out var spec)
                || (manifest.Content == ManifestContent.Deletes && everywhere.Contains(manifest.SpecId))
                || PartitionRange.Contains(manifest, table.Metadata, spec, partitions),
            (specId, partition) => everywhere.Contains(specId) || partitions.Contains((specId, partition)),
            file => partitions.Contains((file.SpecId, file.Partition)),
            _ => BoundExpression.AlwaysTrue);
        return FilesAsync(table, snapshot, wanted, cancellationToken);
    }

    private static async IAsyncEnumerable<FileScanTask> FilesAsync(LoadedTable table, Snapshot snapshot, Wanted wanted, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var manifests = (await SnapshotFiles.ManifestsAsync(table, snapshot, cancellationToken).ConfigureAwait(false))
            .Where(manifest => manifest is not { AddedFilesCount: 0, ExistingFilesCount: 0 } && wanted.Manifest(manifest)).ToLookup(manifest => manifest.Content);
        var deletes = new DeleteIndex(table.Metadata);
        await foreach (var entry in EntriesAsync(table, [.. manifests[ManifestContent.Deletes]], cancellationToken).ConfigureAwait(false))
        {
            if (wanted.Deletes(entry.DataFile.SpecId, entry.DataFile.Partition))
            {
                deletes.Add(entry);
            }
        }

        await foreach (var entry in EntriesAsync(table, [.. manifests[ManifestContent.Data]], cancellationToken).ConfigureAwait(false))
        {
            if (wanted.File(entry.DataFile))
            {
                yield return new FileScanTask(entry.DataFile, entry.SequenceNumber ?? 0, deletes.For(entry), wanted.Residual(entry.DataFile));
            }
        }
    }

    /// <summary>The live entries of manifests in their order; the next ones are fetched while one is read.</summary>
    private static async IAsyncEnumerable<ManifestEntry> EntriesAsync(LoadedTable table, IReadOnlyList<ManifestFile> manifests, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var fetched = new Queue<Task<ReadOnlyMemory<byte>>>();
        try
        {
            int next = 0;
            foreach (var manifest in manifests)
            {
                while (fetched.Count < ManifestsAhead && next < manifests.Count)
                {
                    fetched.Enqueue(table.Store.ReadAsync(manifests[next++].ManifestPath, stop.Token));
                }

                var bytes = await fetched.Dequeue().ConfigureAwait(false);
                foreach (var entry in ManifestReader.Read(bytes, manifest, table.Metadata))
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    if (entry.Status != ManifestEntryStatus.Deleted)
                    {
                        yield return entry;
                    }
                }
            }
        }
        finally
        {
            // Whoever stops early does not wait for what was asked for in advance, nor is its failure of interest.
            await stop.CancelAsync().ConfigureAwait(false);
            foreach (var task in fetched)
            {
                _ = task.ContinueWith(static one => one.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
            }
        }
    }

    /// <summary>What a scan asks for.</summary>
    private sealed record Wanted(
        Func<ManifestFile, bool> Manifest, Func<int, PartitionKey, bool> Deletes, Func<DataFile, bool> File, Func<DataFile, BoundExpression> Residual);
}
