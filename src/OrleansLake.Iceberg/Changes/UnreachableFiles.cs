using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;

namespace OrleansLake.Iceberg;

/// <summary>A file that nothing reaches any more.</summary>
/// <param name="Location">Where it lies.</param>
/// <param name="SizeBytes">Its size, by what led to it.</param>
public readonly record struct UnreachableFile(string Location, long SizeBytes);

/// <summary>
/// The files that nothing reaches once some snapshots are gone: manifest lists, manifests, data and delete files, statistics.
/// https://iceberg.apache.org/spec/#snapshots
/// </summary>
/// <remarks>
/// Memory is bounded by the number of manifests, and by 16 bytes for each file of the manifests that go: their locations are
/// hashed, and read once more when they are listed. The files of a table are listed with those first that others lead to, so that
/// a listing that was cut short can be done again as long as the manifests stand.
/// </remarks>
public sealed class UnreachableFiles
{
    private readonly LoadedTable _table;
    private readonly IReadOnlyList<ManifestFile> _manifests;
    private readonly IReadOnlyList<UnreachableFile> _lists;
    private readonly IReadOnlyList<UnreachableFile> _statistics;
    private readonly HashSet<UInt128> _unreachable;

    private UnreachableFiles(
        LoadedTable table, IReadOnlyList<ManifestFile> manifests, IReadOnlyList<UnreachableFile> lists, IReadOnlyList<UnreachableFile> statistics, HashSet<UInt128> unreachable, IReadOnlySet<int> reachableSpecs)
    {
        _table = table;
        _manifests = manifests;
        _lists = lists;
        _statistics = statistics;
        _unreachable = unreachable;
        ReachableSpecs = reachableSpecs;
    }

    /// <summary>How many data and delete files go.</summary>
    public int ContentFileCount => _unreachable.Count;

    /// <summary>How many manifests go.</summary>
    public int ManifestCount => _manifests.Count;

    /// <summary>The specs of the manifests that stay.</summary>
    internal IReadOnlySet<int> ReachableSpecs { get; }

    /// <summary>Every file that goes, once: data and delete files, statistics, manifests, manifest lists.</summary>
    public async IAsyncEnumerable<UnreachableFile> ListAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var rest = new HashSet<UInt128>(_unreachable);
        foreach (var manifest in _manifests)
        {
            await foreach (var entry in ManifestReader.ReadAsync(_table.Store, manifest, _table.Metadata, cancellationToken).ConfigureAwait(false))
            {
                if (rest.Remove(HashOf(entry.DataFile.FilePath)))
                {
                    yield return new UnreachableFile(entry.DataFile.FilePath, entry.DataFile.FileSizeBytes);
                }
            }
        }

        foreach (var file in _statistics.Concat(_manifests.Select(manifest => new UnreachableFile(manifest.ManifestPath, manifest.ManifestLengthBytes))).Concat(_lists))
        {
            yield return file;
        }
    }

    /// <summary>Deletes them, a thousand at a time.</summary>
    public async Task<long> DeleteAsync(CancellationToken cancellationToken)
    {
        long count = 0;
        var batch = new List<string>(1000);
        await foreach (var file in ListAsync(cancellationToken).ConfigureAwait(false))
        {
            batch.Add(file.Location);
            count++;
            if (batch.Count == 1000)
            {
                await _table.Store.DeleteAsync(batch, cancellationToken).ConfigureAwait(false);
                batch.Clear();
            }
        }

        await _table.Store.DeleteAsync(batch, cancellationToken).ConfigureAwait(false);
        return count;
    }

    internal static async Task<UnreachableFiles> FindAsync(LoadedTable table, IReadOnlySet<long> gone, CancellationToken cancellationToken)
    {
        var metadata = table.Metadata;
        var stays = new Dictionary<string, ManifestFile>(StringComparer.Ordinal);
        var goes = new Dictionary<string, ManifestFile>(StringComparer.Ordinal);
        var lists = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var snapshot in gone.Count == 0 ? [] : metadata.Snapshots)
        {
            bool isGone = gone.Contains(snapshot.SnapshotId);
            var list = snapshot.ManifestList is { } location ? await ManifestList.ReadAsync(table.Store, location, cancellationToken).ConfigureAwait(false) : null;
            foreach (var manifest in list?.Manifests ?? await SnapshotFiles.ManifestsAsync(table, snapshot, cancellationToken).ConfigureAwait(false))
            {
                (isGone ? goes : stays)[manifest.ManifestPath] = manifest;
            }

            if (isGone && list is not null)
            {
                lists[snapshot.ManifestList!] = list.SizeBytes;
            }
        }

        foreach (string path in stays.Keys)
        {
            goes.Remove(path);
        }

        foreach (string list in metadata.Snapshots.Where(snapshot => !gone.Contains(snapshot.SnapshotId) && snapshot.ManifestList is not null).Select(snapshot => snapshot.ManifestList!))
        {
            lists.Remove(list);
        }

        var unreachable = new HashSet<UInt128>();
        foreach (var manifest in goes.Values)
        {
            // Those that are DELETED too: the snapshot that they lived in may have been taken out by one that deletes no files.
            await foreach (var entry in ManifestReader.ReadAsync(table.Store, manifest, metadata, cancellationToken).ConfigureAwait(false))
            {
                unreachable.Add(HashOf(entry.DataFile.FilePath));
            }
        }

        // A file lives in a manifest that stays where the one that it came with was rewritten.
        foreach (var manifest in stays.Values.Where(manifest => unreachable.Count > 0 && manifest is not { AddedFilesCount: 0, ExistingFilesCount: 0 }))
        {
            await foreach (var entry in ManifestReader.ReadAsync(table.Store, manifest, metadata, cancellationToken).ConfigureAwait(false))
            {
                if (entry.Status != ManifestEntryStatus.Deleted)
                {
                    unreachable.Remove(HashOf(entry.DataFile.FilePath));
                }
            }
        }

        return new UnreachableFiles(
            table, [.. goes.Values], [.. lists.Select(list => new UnreachableFile(list.Key, list.Value))], Statistics(metadata, gone), unreachable, stays.Values.Select(manifest => manifest.SpecId).ToHashSet());
    }

    private static List<UnreachableFile> Statistics(TableMetadata metadata, IReadOnlySet<long> gone)
    {
        var all = metadata.Statistics.Select(file => (file.SnapshotId, File: new UnreachableFile(file.StatisticsPath, file.FileSizeBytes)))
            .Concat(metadata.PartitionStatistics.Select(file => (file.SnapshotId, File: new UnreachableFile(file.StatisticsPath, file.FileSizeBytes)))).ToList();
        var stays = all.Where(file => !gone.Contains(file.SnapshotId)).Select(file => file.File.Location).ToHashSet(StringComparer.Ordinal);
        return [.. all.Where(file => gone.Contains(file.SnapshotId) && !stays.Contains(file.File.Location)).Select(file => file.File).DistinctBy(file => file.Location)];
    }

    private static UInt128 HashOf(string location)
    {
        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData(Encoding.UTF8.GetBytes(location), hash);
        return System.Buffers.Binary.BinaryPrimitives.ReadUInt128LittleEndian(hash);
    }
}
