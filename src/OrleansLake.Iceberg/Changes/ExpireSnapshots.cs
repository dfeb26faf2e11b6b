namespace OrleansLake.Iceberg;

/// <summary>What of a table's history goes.</summary>
/// <param name="SnapshotIds">The snapshots, oldest first.</param>
/// <param name="Refs">The branches and tags.</param>
public sealed record Expiry(IReadOnlyList<long> SnapshotIds, IReadOnlyList<string> Refs);

/// <summary>
/// Takes old snapshots out of a table, by age and count of each branch, and finds the files that nothing reaches any more.
/// https://iceberg.apache.org/spec/#snapshot-retention-policy
/// </summary>
/// <remarks>
/// Invariants: the current snapshot, those of tags, and of every branch as many as it keeps, stay. Which files go is found
/// before the swap, from the state that the swap replaces, and they are deleted after it: a failure leaves files too many, never
/// a file too few. The swap holds only while every ref stands where it stood.
/// </remarks>
/// <param name="time">Tells ages.</param>
public sealed class ExpireSnapshots(TimeProvider time)
{
    private const long DefaultMaxAgeMs = 5L * 24 * 3600 * 1000;

    /// <summary>Snapshots older than this go, whatever <c>history.expire.max-snapshot-age-ms</c> says; a branch's own age comes before it.</summary>
    public DateTimeOffset? OlderThan { get; init; }

    /// <summary>So many of each branch stay at least, whatever <c>history.expire.min-snapshots-to-keep</c> says; a branch's own number comes before it.</summary>
    public int? RetainLast { get; init; }

    /// <summary>Snapshots that stay although they are old enough: those that someone still builds on.</summary>
    public IReadOnlySet<long> Keep { get; init; } = new HashSet<long>();

    /// <summary>Snapshots that go whatever their age; none of them may be part of a branch or tag that stays.</summary>
    public IReadOnlySet<long> Expire { get; init; } = new HashSet<long>();

    /// <summary>Whether schemas and specs that nothing uses any more go too.</summary>
    public bool RemoveUnusedSchemasAndSpecs { get; init; }

    /// <summary>What goes of a table now.</summary>
    /// <exception cref="ArgumentException">A snapshot that shall go is part of a branch or tag that stays.</exception>
    public Expiry Plan(TableMetadata metadata)
    {
        long now = time.GetUtcNow().ToUnixTimeMilliseconds();
        int defaultCount = Math.Max(1, RetainLast ?? MetadataHistory.Number(metadata, "history.expire.min-snapshots-to-keep", 1));
        long defaultOldest = OlderThan?.ToUnixTimeMilliseconds() ?? now - MetadataHistory.LongNumber(metadata, "history.expire.max-snapshot-age-ms", DefaultMaxAgeMs);
        long defaultRefAge = MetadataHistory.LongNumber(metadata, "history.expire.max-ref-age-ms", long.MaxValue);
        var kept = new HashSet<long>(Keep);
        var reachable = new HashSet<long>();
        var goneRefs = new List<string>();
        foreach (var (name, reference) in metadata.Refs)
        {
            var snapshot = metadata.FindSnapshot(reference.SnapshotId);
            if (name != SnapshotRef.Main && (snapshot is null || now - snapshot.TimestampMs > (reference.MaxRefAgeMs ?? defaultRefAge)))
            {
                goneRefs.Add(name);
                continue;
            }

            long oldest = reference.MaxSnapshotAgeMs is long age ? now - age : defaultOldest;
            int count = reference.MinSnapshotsToKeep ?? defaultCount;
            int position = 0;
            bool stays = true;
            foreach (var ancestor in metadata.AncestorsOf(reference.SnapshotId))
            {
                reachable.Add(ancestor.SnapshotId);
                // From the first that goes on, all before it go: history without holes.
                stays &= position < count || ancestor.TimestampMs >= oldest;
                stays &= !reference.IsTag || position == 0;
                position++;
                if (stays)
                {
                    kept.Add(ancestor.SnapshotId);
                }
            }
        }

        // Neither an ancestor of any ref nor named by one: staged for review, or left behind by a rollback.
        kept.UnionWith(metadata.Snapshots.Where(snapshot => !reachable.Contains(snapshot.SnapshotId) && snapshot.TimestampMs >= defaultOldest).Select(snapshot => snapshot.SnapshotId));
        foreach (long id in Expire)
        {
            if (reachable.Contains(id) && kept.Contains(id))
            {
                throw new ArgumentException($"expire: snapshot {id} is part of a branch or tag that stays");
            }

            kept.Remove(id);
        }

        return new Expiry([.. metadata.Snapshots.Where(snapshot => !kept.Contains(snapshot.SnapshotId)).OrderBy(snapshot => snapshot.SequenceNumber).Select(snapshot => snapshot.SnapshotId)], goneRefs);
    }

    /// <summary>
    /// What the next attempt needs: the updates, and the files that nothing reaches once they are in. No updates where nothing goes.
    /// </summary>
    /// <exception cref="InvalidOperationException">The table's <c>gc.enabled</c> says that its files are not its own to delete.</exception>
    public async Task<StagedExpiry> StageAsync(LoadedTable @base, CancellationToken cancellationToken)
    {
        var metadata = @base.Metadata;
        if (metadata.Properties.TryGetValue("gc.enabled", out string? enabled) && enabled.Equals("false", StringComparison.OrdinalIgnoreCase))
        {
            throw new InvalidOperationException($"{@base.Identifier}: gc.enabled is false: another table may use the files of its snapshots");
        }

        var plan = Plan(metadata);
        var updates = new List<TableUpdate>();
        updates.AddRange(plan.Refs.Select(name => new TableUpdate.RemoveSnapshotRef(name)));
        if (plan.SnapshotIds.Count > 0)
        {
            updates.Add(new TableUpdate.RemoveSnapshots(plan.SnapshotIds));
        }

        var gone = plan.SnapshotIds.ToHashSet();
        var files = await UnreachableFiles.FindAsync(@base, gone, cancellationToken).ConfigureAwait(false);
        if (RemoveUnusedSchemasAndSpecs)
        {
            AddUnused(metadata, gone, files, updates);
        }

        List<TableRequirement> requirements = [new TableRequirement.AssertTableUuid(metadata.TableUuid)];
        requirements.AddRange(metadata.Refs.Select(pair => new TableRequirement.AssertRefSnapshotId(pair.Key, pair.Value.SnapshotId)));
        return new StagedExpiry(plan, files, requirements, updates);
    }

    private static void AddUnused(TableMetadata metadata, HashSet<long> gone, UnreachableFiles files, List<TableUpdate> updates)
    {
        var schemas = metadata.Snapshots.Where(snapshot => !gone.Contains(snapshot.SnapshotId)).Select(snapshot => snapshot.SchemaId).ToHashSet();
        // A snapshot that does not say which schema it has may have any.
        var unusedSchemas = schemas.Contains(null) ? [] : metadata.Schemas.Select(schema => schema.SchemaId).Where(id => id != metadata.CurrentSchemaId && !schemas.Contains(id)).ToList();
        var unusedSpecs = metadata.PartitionSpecs.Select(spec => spec.SpecId).Where(id => id != metadata.DefaultSpecId && !files.ReachableSpecs.Contains(id)).ToList();
        if (unusedSpecs.Count > 0)
        {
            updates.Add(new TableUpdate.RemovePartitionSpecs(unusedSpecs));
        }

        if (unusedSchemas.Count > 0)
        {
            updates.Add(new TableUpdate.RemoveSchemas(unusedSchemas));
        }
    }
}

/// <summary>An expiry that only a swap is missing to, and the files to delete after it.</summary>
/// <param name="Plan">What goes.</param>
/// <param name="Files">The files that nothing reaches once it is in; to be deleted then, and only then.</param>
/// <param name="Requirements">The table's uuid, and where every ref stands.</param>
/// <param name="Updates">The change, in order.</param>
public sealed record StagedExpiry(Expiry Plan, UnreachableFiles Files, IReadOnlyList<TableRequirement> Requirements, IReadOnlyList<TableUpdate> Updates)
    : StagedChange(Requirements, Updates);
