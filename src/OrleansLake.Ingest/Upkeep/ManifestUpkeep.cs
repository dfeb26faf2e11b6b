using System.Globalization;
using OrleansLake.Iceberg;

namespace OrleansLake.Ingest.Upkeep;

/// <summary>Manifests of one spec that are written anew: entries by partition, in manifests of the target size.</summary>
/// <param name="Name">The spec and content, for people.</param>
/// <param name="Why">Why.</param>
/// <param name="Manifests">The manifests.</param>
public sealed record ManifestGroup(string Name, string Why, IReadOnlyList<ManifestFile> Manifests);

/// <summary>What a rewrite of manifests would do.</summary>
public sealed record ManifestPlan : UpkeepPlan
{
    /// <inheritdoc />
    public override string Operation => "manifests";

    /// <summary>What is written anew, each in a commit.</summary>
    public IReadOnlyList<ManifestGroup> Groups { get; init; } = [];

    /// <inheritdoc />
    public override IReadOnlyList<UpkeepStep> Steps =>
    [
        .. Groups.Select(group => new UpkeepStep(
            group.Name,
            string.Create(CultureInfo.InvariantCulture, $"{group.Manifests.Count} manifests are ordered by partition"),
            group.Why,
            group.Manifests.Count,
            group.Manifests.Sum(manifest => manifest.ManifestLengthBytes))),
    ];
}

/// <summary>
/// Writes the manifests of a table anew where planning would profit: many small ones, or many that came one commit after the
/// other, each with a few files of many partitions, so that a scan of one partition opens them all.
/// https://iceberg.apache.org/spec/#scan-planning
/// </summary>
/// <param name="catalog">Where the table is loaded from.</param>
/// <param name="committer">Brings the changes in.</param>
/// <param name="ids">Names files and commits.</param>
/// <param name="time">The clock.</param>
public sealed class ManifestUpkeep(ICatalog catalog, IUpkeepCommitter committer, IdSource ids, TimeProvider time)
{
    private const long DefaultTargetBytes = 8L << 20;

    /// <summary>What would be done; nothing is changed.</summary>
    public static async Task<ManifestPlan> PlanAsync(LoadedTable table, ManifestOptions options, CancellationToken cancellationToken)
    {
        var metadata = table.Metadata;
        var head = metadata.FindRef(SnapshotRef.Main);
        var plan = new ManifestPlan { Table = table.Identifier, TableUuid = metadata.TableUuid, SnapshotId = head?.SnapshotId };
        if (head is null)
        {
            return plan;
        }

        long target = Write.TableProperty.Long(metadata.Properties, "commit.manifest.target-size-bytes", DefaultTargetBytes);
        // What an earlier run has put in order stays as it is, if it is large enough.
        var ordered = metadata.Snapshots.Where(snapshot => snapshot.Summary.GetValueOrDefault(Commit.SummaryKeys.Upkeep) == plan.Operation).Select(snapshot => snapshot.SnapshotId).ToHashSet();
        var groups = new List<ManifestGroup>();
        int left = 0;
        var all = (await SnapshotFiles.ManifestsAsync(table, head, cancellationToken).ConfigureAwait(false)).Where(manifest => manifest is not { AddedFilesCount: 0, ExistingFilesCount: 0 });
        foreach (var kind in all.GroupBy(manifest => (manifest.Content, manifest.SpecId)).OrderBy(kind => kind.Key))
        {
            var spec = metadata.PartitionSpecs.FirstOrDefault(spec => spec.SpecId == kind.Key.SpecId);
            if (spec?.UnknownField is not null)
            {
                continue;
            }

            int fields = spec?.Fields.Count ?? 0;
            var chosen = kind.Where(manifest => manifest.ManifestLengthBytes < target / 2 || (fields > 0 && !ordered.Contains(manifest.AddedSnapshotId) && SpansPartitions(manifest))).ToList();
            if (chosen.Count < options.MinCount)
            {
                left += chosen.Count;
                continue;
            }

            int small = chosen.Count(manifest => manifest.ManifestLengthBytes < target / 2);
            string why = string.Create(CultureInfo.InvariantCulture, $"{small} are smaller than half of {target:N0} bytes, {chosen.Count(SpansPartitions)} are of several partitions");
            string name = string.Create(CultureInfo.InvariantCulture, $"{(kind.Key.Content == ManifestContent.Data ? "data" : "deletes")}, spec {kind.Key.SpecId}");
            foreach (var group in Bounded(chosen, options.GroupSizeBytes).Where(group => group.Count > 1))
            {
                groups.Add(new ManifestGroup(name, why, group));
            }
        }

        return plan with
        {
            Groups = groups,
            Remarks = left > 0 ? [string.Create(CultureInfo.InvariantCulture, $"{left} manifests that are small or in no order; {options.MinCount} of a kind would be worth it")] : [],
        };
    }

    /// <summary>Carries a plan out.</summary>
    public async Task<UpkeepResult> ExecuteAsync(ManifestPlan plan, CancellationToken cancellationToken)
    {
        long started = time.GetTimestamp();
        var table = await UpkeepGuard.LoadAsync(catalog, plan, cancellationToken).ConfigureAwait(false);
        var result = new UpkeepResult { Operation = plan.Operation, Table = plan.Table, Before = await UpkeepCounts.OfAsync(table, cancellationToken).ConfigureAwait(false) };
        try
        {
            foreach (var group in plan.Groups)
            {
                var chosen = group.Manifests.Select(manifest => manifest.ManifestPath).ToHashSet(StringComparer.Ordinal);
                // Manifests that others rewrote meanwhile are not chosen any more; what came since stays as it is.
                var change = new RewriteManifests(SnapshotRef.Main, ids, time) { Where = manifest => chosen.Contains(manifest.ManifestPath) };
                StagedSnapshot? staged = null;
                var end = await committer.CommitAsync(plan.Table, UpkeepGuard.Guarded(change, plan, 0, [], time, snapshot => staged = snapshot), cancellationToken).ConfigureAwait(false);
                if (end is not CommitResult.Committed)
                {
                    result = result with { Error = CompactionRun.TextOf(end) };
                    break;
                }

                var summary = staged!.Snapshot.Summary;
                result = result with
                {
                    StepsDone = result.StepsDone + 1,
                    SnapshotsCommitted = [.. result.SnapshotsCommitted, staged.Snapshot.SnapshotId],
                    FilesRemoved = result.FilesRemoved + Number(summary, "manifests-replaced"),
                    FilesAdded = result.FilesAdded + Number(summary, "manifests-created"),
                    BytesRead = result.BytesRead + group.Manifests.Sum(manifest => manifest.ManifestLengthBytes),
                };
            }
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            result = result with { Error = e.Message };
        }

        table = await UpkeepGuard.LoadAsync(catalog, plan, cancellationToken).ConfigureAwait(false);
        return result with
        {
            After = await UpkeepCounts.OfAsync(table, cancellationToken).ConfigureAwait(false),
            StepsLeft = plan.Groups.Count - result.StepsDone,
            Duration = time.GetElapsedTime(started),
        };
    }

    private static long Number(IReadOnlyDictionary<string, string> summary, string name) =>
        long.TryParse(summary.GetValueOrDefault(name), CultureInfo.InvariantCulture, out long value) ? value : 0;

    /// <summary>Whether a manifest's files are not all of one value of the first partition field.</summary>
    private static bool SpansPartitions(ManifestFile manifest) =>
        manifest.Partitions is [{ LowerBound: { } lower, UpperBound: { } upper }, ..] && !lower.AsSpan().SequenceEqual(upper);

    private static IEnumerable<List<ManifestFile>> Bounded(List<ManifestFile> manifests, long most)
    {
        var group = new List<ManifestFile>();
        long bytes = 0;
        foreach (var manifest in manifests)
        {
            if (group.Count > 0 && bytes + manifest.ManifestLengthBytes > most)
            {
                yield return group;
                (group, bytes) = ([], 0);
            }

            group.Add(manifest);
            bytes += manifest.ManifestLengthBytes;
        }

        yield return group;
    }
}
