using System.Globalization;
using System.Text.Json;
using OrleansLake.Iceberg;

namespace OrleansLake.Ingest.Commit;

/// <summary>
/// Walks a branch from its snapshot through the parents, and says which offsets hold on it.
/// </summary>
/// <remarks>
/// <list type="bullet">
/// <item>The first snapshot of the walk that carries offsets wins, so a rollback of the table takes the offsets with it.</item>
/// <item>Where a parent is no longer listed, the walk goes on in the earlier metadata files that still list it.</item>
/// <item>The property's copy is believed only if the walk reached the snapshot that it names. A walk that ends at a root
/// never uses it: <c>CREATE OR REPLACE</c> keeps the table's uuid and properties.</item>
/// <item>A cherry-pick above ours, of a snapshot of ours or of one that is gone, stops the pipeline: its rows are there twice.</item>
/// </list>
/// </remarks>
internal sealed class LineageReader(ProtocolRules rules = ProtocolRules.All)
{
    /// <summary>Reads one state of a table.</summary>
    /// <param name="table">The state.</param>
    /// <param name="branch">The branch.</param>
    /// <param name="downTo">The walk is not left before this sequence number, even where the offsets were found above it.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<Lineage> ReadAsync(LoadedTable table, string branch, long downTo, CancellationToken cancellationToken)
    {
        TableMetadata metadata = table.Metadata;
        Walk walk = await WalkAsync(table, branch, downTo, cancellationToken);
        var lineage = new Lineage
        {
            Table = table,
            Branch = branch,
            Head = metadata.FindRef(branch),
            Snapshots = walk.Snapshots,
            Reports = ReportsOf(walk.Snapshots),
            ReportsOutside = ReportsOf(metadata.Snapshots.Where(snapshot => !walk.Reached.Contains(snapshot.SnapshotId))),
            SequenceNumbers = walk.Snapshots.Select(static snapshot => snapshot.SequenceNumber).ToHashSet(),
            SequenceNumbersElsewhere = metadata.Snapshots
                .Where(snapshot => !walk.Reached.Contains(snapshot.SnapshotId) && snapshot.Summary.GetValueOrDefault(SummaryKeys.Branch) != branch)
                .Select(static snapshot => snapshot.SequenceNumber)
                .ToHashSet(),
            WentBack = metadata.Snapshots.Any(snapshot => !walk.Reached.Contains(snapshot.SnapshotId) && IsOurs(snapshot) && snapshot.Summary.GetValueOrDefault(SummaryKeys.Branch) == branch),
            LastUnlistedSequenceNumber = LastUnlisted(metadata),
            // Of every listed snapshot: what an orphan removal deleted does not come back when its snapshot is rolled back,
            // and once that is expired too, its sequence number is missed.
            NoFileBeforeMs = walk.Snapshots.Concat(metadata.Snapshots).Select(NoFileBeforeOf).DefaultIfEmpty().Max(),
        };
        try
        {
            return await WithOffsetsAsync(lineage with { LastMoves = MovesOf(walk.Snapshots) }, walk, cancellationToken);
        }
        catch (CorruptOffsetsException e)
        {
            return lineage with { Stop = new PipelineStop($"table {table.Identifier}: {e.Message}; {Remedy.Reset("PIPELINE")}"), OffsetsAreCorrupt = true };
        }
    }

    /// <summary>Made by a committer of ours, and not a copy that someone else made of it.</summary>
    internal static bool IsOurs(Snapshot snapshot) =>
        snapshot.Summary.ContainsKey(SummaryKeys.CommitId) && !snapshot.Summary.ContainsKey(SummaryKeys.SourceSnapshotId);

    /// <summary>One of ours with offsets.</summary>
    internal static bool CarriesOffsets(Snapshot snapshot) =>
        IsOurs(snapshot) && (snapshot.Summary.ContainsKey(SummaryKeys.Offsets) || snapshot.Summary.ContainsKey(SummaryKeys.OffsetsSha256));

    /// <summary>Files named before this are not committed any more, by this snapshot; 0: it says nothing of that.</summary>
    internal static long NoFileBeforeOf(Snapshot snapshot) => NumberOf(snapshot, SummaryKeys.NoFileBefore) ?? 0;

    /// <summary>The offsets that a snapshot of ours carries.</summary>
    /// <exception cref="CorruptOffsetsException">They cannot be read, or are not those that the summary vouches for.</exception>
    /// <exception cref="ObjectNotFoundException">They stood in a manifest list that is gone.</exception>
    internal static async Task<CommittedOffsets> OffsetsOfAsync(LoadedTable table, Snapshot snapshot, CancellationToken cancellationToken)
    {
        string place = $"snapshot {snapshot.SnapshotId}";
        if (snapshot.Summary.GetValueOrDefault(SummaryKeys.Offsets) is { } text)
        {
            return CommittedOffsetsJson.Read(text, place);
        }

        string location = snapshot.ManifestList ?? throw new CorruptOffsetsException($"{place}: it has no manifest list, where its offsets should stand");
        ManifestList list = await ManifestList.ReadAsync(table.Store, location, cancellationToken);
        if (list.Header.GetValueOrDefault(SummaryKeys.Offsets) is not { } header)
        {
            throw new CorruptOffsetsException($"{location}: its header has no {SummaryKeys.Offsets}");
        }

        return CommittedOffsetsJson.Sha256(header) == snapshot.Summary[SummaryKeys.OffsetsSha256]
            ? CommittedOffsetsJson.Read(header, location)
            : throw new CorruptOffsetsException($"{location}: expected offsets with SHA-256 {snapshot.Summary[SummaryKeys.OffsetsSha256]}, got {CommittedOffsetsJson.Sha256(header)}");
    }

    private async Task<Walk> WalkAsync(LoadedTable table, string branch, long downTo, CancellationToken cancellationToken)
    {
        TableMetadata metadata = table.Metadata;
        var walk = new Walk();
        var known = metadata.Snapshots.ToDictionary(static snapshot => snapshot.SnapshotId);
        var log = new MetadataLog(table, known);
        Snapshot? at = metadata.FindRef(branch);
        while (at is not null)
        {
            if (!walk.Reached.Add(at.SnapshotId) && walk.Snapshots.Contains(at))
            {
                throw new IcebergFormatException(table.MetadataLocation, "snapshots", $"snapshot {at.SnapshotId} is its own ancestor");
            }

            walk.Snapshots.Add(at);
            if (walk.WithOffsets is null)
            {
                if (rules.HasFlag(ProtocolRules.CherryPicksStop) && NumberOf(at, SummaryKeys.SourceSnapshotId) is { } sourceId
                    && (!known.TryGetValue(sourceId, out Snapshot? source) || source.Summary.ContainsKey(SummaryKeys.CommitId)))
                {
                    walk.CherryPick ??= at;
                }

                walk.WithOffsets = CarriesOffsets(at) ? at : null;
            }

            if (at.ParentSnapshotId is not { } parentId)
            {
                break;
            }

            if (known.TryGetValue(parentId, out Snapshot? parent))
            {
                at = parent;
                continue;
            }

            walk.Reached.Add(parentId);
            if (walk.WithOffsets is not null && at.SequenceNumber <= downTo)
            {
                break;
            }

            at = await log.FindAsync(parentId, cancellationToken);
            walk.IsBroken = at is null;
        }

        walk.IsBroken &= walk.WithOffsets is null;
        return walk;
    }

    private async Task<Lineage> WithOffsetsAsync(Lineage lineage, Walk walk, CancellationToken cancellationToken)
    {
        LoadedTable table = lineage.Table;
        Snapshot? carrier = walk.WithOffsets;
        if (!rules.HasFlag(ProtocolRules.OffsetsFromLineage))
        {
            carrier = table.Metadata.Snapshots.Where(static snapshot => snapshot.Summary.ContainsKey(SummaryKeys.Offsets)).MaxBy(static snapshot => snapshot.SequenceNumber);
        }

        bool listIsGone = false;
        if (carrier is not null)
        {
            try
            {
                lineage = lineage with
                {
                    Offsets = await OffsetsOfAsync(table, carrier, cancellationToken),
                    OffsetsAt = new SnapshotPlace(carrier.SnapshotId, carrier.SequenceNumber),
                    OffsetsAreUnlisted = table.Metadata.FindSnapshot(carrier.SnapshotId) is null,
                };
            }
            catch (ObjectNotFoundException)
            {
                listIsGone = true;
            }
        }

        if (walk.CherryPick is { } pick)
        {
            return lineage with
            {
                Stop = new PipelineStop(
                    $"table {table.Identifier}: snapshot {pick.SnapshotId} was made by cherry-pick from {pick.Summary[SummaryKeys.SourceSnapshotId]}, so rows of ours may be there twice; {Remedy.Accept(NamesOf(lineage.Offsets))}"),
            };
        }

        return walk.IsBroken || listIsGone || (!rules.HasFlag(ProtocolRules.PropertyMustBeReached) && carrier is null) ? FromProperty(lineage, walk, carrier) : lineage;
    }

    private Lineage FromProperty(Lineage lineage, Walk walk, Snapshot? carrier)
    {
        LoadedTable table = lineage.Table;
        List<OffsetsProperty> copies = OffsetsProperty.Read(lineage.Branch, table.Metadata.Properties).Where(copy => copy.TableUuid == table.Metadata.TableUuid).ToList();
        if (copies.Count == 0)
        {
            // Nothing was ever read into this branch: a table that is older than its first pipeline.
            return carrier is null ? lineage : throw new CorruptOffsetsException($"{carrier.ManifestList}: it held the offsets and is gone");
        }

        long newest = copies.Max(static copy => copy.SnapshotId == 0 ? 0 : copy.SequenceNumber);
        OffsetsProperty latest = copies.First(copy => copy.SequenceNumber == newest);
        var pipelines = CommittedOffsets.Empty.Pipelines.AddRange(copies.Where(copy => copy.SnapshotId == latest.SnapshotId).SelectMany(static copy => copy.Offsets.Pipelines));
        lineage = lineage with
        {
            Offsets = new CommittedOffsets(pipelines),
            OffsetsAt = new SnapshotPlace(latest.SnapshotId, latest.SequenceNumber),
            OffsetsAreUnlisted = true,
        };
        bool reached = carrier is null ? walk.Reached.Contains(latest.SnapshotId) : carrier.SnapshotId == latest.SnapshotId;
        return reached || !rules.HasFlag(ProtocolRules.PropertyMustBeReached)
            ? lineage
            : lineage with
            {
                Stop = new PipelineStop(
                    $"table {table.Identifier}: the history of {lineage.Branch} down to the last snapshot with offsets has left the metadata; the copy in its properties is of snapshot {latest.SnapshotId}, which may or may not be part of it; {Remedy.Accept(NamesOf(lineage.Offsets))}"),
            };
    }

    private static string NamesOf(CommittedOffsets offsets) =>
        string.Join(' ', offsets.Pipelines.Keys.Select(CommittedOffsets.PipelineOf).Distinct()) is { Length: > 0 } names ? names : "PIPELINE";

    private static Dictionary<Guid, SnapshotPlace> ReportsOf(IEnumerable<Snapshot> snapshots)
    {
        var reports = new Dictionary<Guid, SnapshotPlace>();
        foreach (Snapshot snapshot in snapshots)
        {
            if (snapshot.Summary.GetValueOrDefault(SummaryKeys.Reports) is not { } text || !IsOurs(snapshot))
            {
                continue;
            }

            foreach (Range part in text.AsSpan().Split(','))
            {
                if (Guid.TryParse(text.AsSpan()[part], out Guid id))
                {
                    reports.TryAdd(id, new SnapshotPlace(snapshot.SnapshotId, snapshot.SequenceNumber));
                }
            }
        }

        return reports;
    }

    private static long LastUnlisted(TableMetadata metadata)
    {
        var listed = metadata.Snapshots.Select(static snapshot => snapshot.SequenceNumber).ToHashSet();
        long sequenceNumber = metadata.LastSequenceNumber;
        while (listed.Contains(sequenceNumber))
        {
            sequenceNumber--;
        }

        return Math.Max(0, sequenceNumber);
    }

    private static Dictionary<string, long> MovesOf(IEnumerable<Snapshot> snapshots)
    {
        var moves = new Dictionary<string, long>();
        foreach (Snapshot snapshot in snapshots)
        {
            if (snapshot.Summary.GetValueOrDefault(SummaryKeys.Moved) is not { } text || !IsOurs(snapshot))
            {
                continue;
            }

            try
            {
                using var document = JsonDocument.Parse(text);
                foreach (JsonProperty pipeline in document.RootElement.EnumerateObject())
                {
                    moves[pipeline.Name] = Math.Max(moves.GetValueOrDefault(pipeline.Name), snapshot.SequenceNumber);
                }
            }
            catch (Exception e) when (e is JsonException or InvalidOperationException)
            {
                throw new CorruptOffsetsException($"snapshot {snapshot.SnapshotId}: {SummaryKeys.Moved} cannot be read: {e.Message}", e);
            }
        }

        return moves;
    }

    private static long? NumberOf(Snapshot snapshot, string key) =>
        long.TryParse(snapshot.Summary.GetValueOrDefault(key), NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : null;

    private sealed class Walk
    {
        /// <summary>Newest first.</summary>
        public List<Snapshot> Snapshots { get; } = [];

        /// <summary>Ids, that of a last parent which nothing lists any more among them.</summary>
        public HashSet<long> Reached { get; } = [];

        public Snapshot? WithOffsets { get; set; }

        public Snapshot? CherryPick { get; set; }

        /// <summary>It ended at a parent that nothing lists any more, before offsets were found.</summary>
        public bool IsBroken { get; set; }
    }

    /// <summary>The earlier metadata files, read as far back as it takes.</summary>
    private sealed class MetadataLog(LoadedTable table, Dictionary<long, Snapshot> known)
    {
        private int _left = table.Metadata.MetadataLog.Count;

        public async Task<Snapshot?> FindAsync(long snapshotId, CancellationToken cancellationToken)
        {
            while (_left > 0)
            {
                string location = table.Metadata.MetadataLog[--_left].MetadataFile;
                TableMetadata earlier;
                try
                {
                    earlier = await MetadataFile.ReadAsync(table.Store, location, cancellationToken);
                }
                catch (ObjectNotFoundException)
                {
                    continue; // delete-after-commit or someone's expiry took it
                }

                if (earlier.TableUuid != table.Metadata.TableUuid)
                {
                    continue;
                }

                foreach (Snapshot snapshot in earlier.Snapshots)
                {
                    known.TryAdd(snapshot.SnapshotId, snapshot);
                }

                if (known.TryGetValue(snapshotId, out Snapshot? found))
                {
                    return found;
                }
            }

            return null;
        }
    }
}
