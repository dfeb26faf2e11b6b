using System.Globalization;
using System.Text;
using System.Text.Json;
using OrleansLake.Iceberg;

namespace OrleansLake.Ingest.Upkeep;

/// <summary>
/// What an expiry will delete, written down before its swap: whoever dies between the swap and the last deletion, or never hears how
/// the swap ended, leaves to the next one all that it needs.
/// </summary>
/// <remarks>
/// Invariants: a file is deleted only when none of the snapshots that the expiry took out is listed any more, and no snapshot that
/// came since the note was made has the file live. A note goes when its files are gone; files that are gone already count as deleted,
/// so a note can be worked off any number of times. Notes lie in <c>metadata/expiry</c>, in parts, so that one that is half done
/// is not begun anew.
/// </remarks>
internal sealed class ExpiryNotes(IdSource ids, TimeProvider time)
{
    private const int Format = 2;
    private const int FilesOfPart = 20_000;
    private const int FilesOfDeletion = 1000;

    /// <summary>A swap whose end nobody knew has come in by then or never will: after that its note is of no use.</summary>
    private static readonly TimeSpan LongestDoubt = TimeSpan.FromHours(1);

    /// <summary>Where the notes of a table lie, with a slash at the end.</summary>
    public static string FolderOf(TableMetadata metadata) => ReachableFiles.FolderOf(metadata) + "/expiry/";

    /// <summary>Writes down what goes with some snapshots. Done before the swap.</summary>
    public async Task WriteAsync(LoadedTable table, IReadOnlyList<long> snapshots, IAsyncEnumerable<UnreachableFile> files, CancellationToken cancellationToken)
    {
        var head = new Head(Format, table.Metadata.TableUuid, table.Metadata.LastSequenceNumber, time.GetUtcNow().ToUnixTimeMilliseconds(), [.. snapshots.Select(Text)]);
        var name = ids.NewUuid();
        var part = new List<UnreachableFile>();
        int parts = 0;
        await foreach (var file in files.ConfigureAwait(false))
        {
            part.Add(file);
            if (part.Count == FilesOfPart)
            {
                await WritePartAsync().ConfigureAwait(false);
            }
        }

        if (part.Count > 0)
        {
            await WritePartAsync().ConfigureAwait(false);
        }

        async Task WritePartAsync()
        {
            var text = new StringBuilder(JsonSerializer.Serialize(head)).Append('\n');
            foreach (var file in part)
            {
                text.Append(CultureInfo.InvariantCulture, $"[{JsonSerializer.Serialize(file.Location)},{file.SizeBytes}]\n");
            }

            string location = string.Create(CultureInfo.InvariantCulture, $"{FolderOf(table.Metadata)}{name}-{parts++:D4}.jsonl");
            await table.Store.TryCreateAsync(location, Encoding.UTF8.GetBytes(text.ToString()), cancellationToken).ConfigureAwait(false);
            part.Clear();
        }
    }

    /// <summary>Works off every note whose expiry is in, oldest first. Gives the files that went and their bytes.</summary>
    /// <param name="table">The table, loaded after the swaps in question.</param>
    /// <param name="cancellationToken">Stops between two deletions; the rest is done another time.</param>
    public async Task<(long Files, long Bytes)> WorkOffAsync(LoadedTable table, CancellationToken cancellationToken)
    {
        var notes = new List<string>();
        await foreach (var info in table.Store.ListAsync(FolderOf(table.Metadata), cancellationToken).ConfigureAwait(false))
        {
            notes.Add(info.Location);
        }

        long count = 0, bytes = 0;
        foreach (string location in notes.Order(StringComparer.Ordinal))
        {
            var (files, size) = await WorkOffAsync(table, location, cancellationToken).ConfigureAwait(false);
            (count, bytes) = (count + files, bytes + size);
        }

        return (count, bytes);
    }

    private async Task<(long Files, long Bytes)> WorkOffAsync(LoadedTable table, string location, CancellationToken cancellationToken)
    {
        Head head;
        List<UnreachableFile> files;
        try
        {
            (head, files) = Read(await table.Store.ReadAsync(location, cancellationToken).ConfigureAwait(false), location);
        }
        catch (ObjectNotFoundException)
        {
            return (0, 0); // another run was quicker
        }

        TableMetadata metadata = table.Metadata;
        var expired = head.Snapshots.ToHashSet(StringComparer.Ordinal);
        bool isOfAnother = head.Table != metadata.TableUuid;
        if (isOfAnother || metadata.Snapshots.Any(snapshot => expired.Contains(Text(snapshot.SnapshotId))))
        {
            if (isOfAnother || time.GetUtcNow().ToUnixTimeMilliseconds() - head.MadeMs > LongestDoubt.TotalMilliseconds)
            {
                await table.Store.DeleteAsync([location], cancellationToken).ConfigureAwait(false);
            }

            return (0, 0);
        }

        var spared = await SparedAsync(table, head, files, cancellationToken).ConfigureAwait(false);
        long deleted = 0, bytes = 0;
        foreach (UnreachableFile[] batch in files.Where(file => !spared.Contains(file.Location)).Chunk(FilesOfDeletion))
        {
            await table.Store.DeleteAsync([.. batch.Select(file => file.Location)], cancellationToken).ConfigureAwait(false);
            deleted += batch.Length;
            bytes += batch.Sum(file => file.SizeBytes);
        }

        await table.Store.DeleteAsync([location], cancellationToken).ConfigureAwait(false);
        return (deleted, bytes);
    }

    /// <summary>
    /// Those that came back. Snapshots of the note's own time were looked through when it was made: a later one has a file in a
    /// manifest of its own, or in one of an earlier time that the note would take.
    /// </summary>
    private static async Task<HashSet<string>> SparedAsync(LoadedTable table, Head head, List<UnreachableFile> files, CancellationToken cancellationToken)
    {
        var noted = files.Select(file => file.Location).ToHashSet(StringComparer.Ordinal);
        var spared = new HashSet<string>(StringComparer.Ordinal);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        Spare(table.MetadataLocation);
        foreach (string location in table.Metadata.Statistics.Select(file => file.StatisticsPath).Concat(table.Metadata.PartitionStatistics.Select(file => file.StatisticsPath)))
        {
            Spare(location);
        }

        foreach (var snapshot in table.Metadata.Snapshots)
        {
            bool isLater = snapshot.SequenceNumber > head.LastSequenceNumber;
            if (snapshot.ManifestList is { } list && !Spare(list) && !isLater)
            {
                continue;
            }

            foreach (var manifest in await SnapshotFiles.ManifestsAsync(table, snapshot, cancellationToken).ConfigureAwait(false))
            {
                if (!seen.Add(manifest.ManifestPath) || (!Spare(manifest.ManifestPath) && manifest.SequenceNumber <= head.LastSequenceNumber))
                {
                    continue;
                }

                await foreach (var entry in ManifestReader.ReadAsync(table.Store, manifest, table.Metadata, cancellationToken).ConfigureAwait(false))
                {
                    if (entry.Status != ManifestEntryStatus.Deleted)
                    {
                        Spare(entry.DataFile.FilePath);
                    }
                }
            }
        }

        return spared;

        bool Spare(string location) => noted.Contains(location) && (spared.Add(location) || true);
    }

    private static (Head Head, List<UnreachableFile> Files) Read(ReadOnlyMemory<byte> bytes, string location)
    {
        try
        {
            string[] lines = Encoding.UTF8.GetString(bytes.Span).Split('\n', StringSplitOptions.RemoveEmptyEntries);
            var head = JsonSerializer.Deserialize<Head>(lines[0]);
            return head switch
            {
                { Format: Format } => (head, [.. lines.Skip(1).Select(FileOf)]),
                // Of an earlier build, which noted no sizes.
                { Format: 1 } => (head, [.. lines.Skip(1).Select(line => new UnreachableFile(JsonSerializer.Deserialize<string>(line)!, 0))]),
                _ => throw new InvalidDataException($"{location}: expected a note of format 1 or {Format}, got {head?.Format}"),
            };
        }
        catch (Exception e) when (e is JsonException or IndexOutOfRangeException or InvalidOperationException or FormatException)
        {
            throw new InvalidDataException($"{location}: expected a note of an expiry: {e.Message}", e);
        }
    }

    private static UnreachableFile FileOf(string line)
    {
        using var read = JsonDocument.Parse(line);
        return new UnreachableFile(read.RootElement[0].GetString() ?? throw new JsonException("expected a location, got null"), read.RootElement[1].GetInt64());
    }

    private static string Text(long id) => id.ToString(CultureInfo.InvariantCulture);

    private sealed record Head(int Format, Guid Table, long LastSequenceNumber, long MadeMs, string[] Snapshots);
}
