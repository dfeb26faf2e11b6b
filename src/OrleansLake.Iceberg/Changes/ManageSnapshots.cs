namespace OrleansLake.Iceberg;

/// <summary>
/// Makes, moves and removes branches and tags. https://iceberg.apache.org/spec/#snapshot-references
/// </summary>
/// <remarks>A change of this kind holds only while every ref that it reads or moves stands where it stood.</remarks>
public sealed class ManageSnapshots : IMetadataChange
{
    private readonly TableMetadata _metadata;
    private readonly Dictionary<string, SnapshotRef> _refs;
    private readonly HashSet<string> _touched = new(StringComparer.Ordinal);
    private readonly List<TableUpdate> _updates = [];

    /// <summary>A change of these metadata.</summary>
    public ManageSnapshots(TableMetadata metadata)
    {
        _metadata = metadata;
        _refs = new Dictionary<string, SnapshotRef>(metadata.Refs, StringComparer.Ordinal);
    }

    /// <inheritdoc />
    public IReadOnlyList<TableRequirement> Requirements =>
    [
        new TableRequirement.AssertTableUuid(_metadata.TableUuid),
        .. _touched.Select(name => new TableRequirement.AssertRefSnapshotId(name, _metadata.Refs.GetValueOrDefault(name)?.SnapshotId)),
    ];

    /// <inheritdoc />
    public IReadOnlyList<TableUpdate> Updates => _updates;

    /// <summary>Makes a branch at a snapshot; null: where main is.</summary>
    public ManageSnapshots CreateBranch(string name, long? snapshotId = null) => Create(name, snapshotId, isTag: false);

    /// <summary>Makes a tag of a snapshot; null: of that of main.</summary>
    public ManageSnapshots CreateTag(string name, long? snapshotId = null) => Create(name, snapshotId, isTag: true);

    /// <summary>Moves a branch or tag to any snapshot, whatever that loses.</summary>
    public ManageSnapshots Replace(string name, long snapshotId) => Set(name, Require(name) with { SnapshotId = Known(snapshotId).SnapshotId });

    /// <summary>Removes a branch or tag; its snapshots stay until they expire.</summary>
    public ManageSnapshots Remove(string name)
    {
        if (name == SnapshotRef.Main)
        {
            throw new ArgumentException("remove main: a table needs it");
        }

        Require(name);
        _touched.Add(name);
        _refs.Remove(name);
        _updates.Add(new TableUpdate.RemoveSnapshotRef(name));
        return this;
    }

    /// <summary>Gives a branch or tag another name.</summary>
    public ManageSnapshots Rename(string name, string newName)
    {
        var reference = Require(name);
        if (_refs.ContainsKey(newName))
        {
            throw new ArgumentException($"rename {name}: expected a new name, got {newName}, which another ref has");
        }

        return Set(newName, reference).Remove(name);
    }

    /// <summary>Says what expiry keeps of a branch or tag; null: what the table's <c>history.expire.*</c> properties say.</summary>
    public ManageSnapshots SetRetention(string name, int? minSnapshotsToKeep = null, TimeSpan? maxSnapshotAge = null, TimeSpan? maxRefAge = null)
    {
        var reference = Require(name);
        if (reference.IsTag && (minSnapshotsToKeep is not null || maxSnapshotAge is not null))
        {
            throw new ArgumentException($"{name}: a tag keeps its one snapshot; expected an age of the ref alone");
        }

        if (name == SnapshotRef.Main && maxRefAge is not null)
        {
            throw new ArgumentException("main never expires");
        }

        if (minSnapshotsToKeep < 1 || maxSnapshotAge <= TimeSpan.Zero || maxRefAge <= TimeSpan.Zero)
        {
            throw new ArgumentException($"{name}: expected a number and ages above zero");
        }

        return Set(name, reference with
        {
            MinSnapshotsToKeep = minSnapshotsToKeep,
            MaxSnapshotAgeMs = (long?)maxSnapshotAge?.TotalMilliseconds,
            MaxRefAgeMs = (long?)maxRefAge?.TotalMilliseconds,
        });
    }

    /// <summary>Moves a branch back to one of its own ancestors.</summary>
    public ManageSnapshots RollBackTo(long snapshotId, string branch = SnapshotRef.Main)
    {
        Known(snapshotId);
        var reference = RequireBranch(branch);
        return Ancestors(reference.SnapshotId).Any(ancestor => ancestor.SnapshotId == snapshotId)
            ? Set(branch, reference with { SnapshotId = snapshotId })
            : throw new ArgumentException($"roll back {branch}: expected one of its ancestors, got snapshot {snapshotId}");
    }

    /// <summary>Moves a branch back to its last state before a time.</summary>
    public ManageSnapshots RollBackToTime(DateTimeOffset time, string branch = SnapshotRef.Main)
    {
        var reference = RequireBranch(branch);
        var state = Ancestors(reference.SnapshotId).FirstOrDefault(ancestor => ancestor.TimestampMs < time.ToUnixTimeMilliseconds())
            ?? throw new ArgumentException($"roll back {branch}: expected a state before {time:O}, got none");
        return Set(branch, reference with { SnapshotId = state.SnapshotId });
    }

    /// <summary>Makes any snapshot the current one of main.</summary>
    public ManageSnapshots SetCurrent(long snapshotId) =>
        Set(SnapshotRef.Main, (_refs.GetValueOrDefault(SnapshotRef.Main) ?? new SnapshotRef(0, IsTag: false)) with { SnapshotId = Known(snapshotId).SnapshotId });

    /// <summary>Moves a branch on to where another ref is, which must descend from it; makes the branch when there is none.</summary>
    public ManageSnapshots FastForward(string branch, string to)
    {
        var target = Require(to);
        _touched.Add(to);
        if (!_refs.TryGetValue(branch, out var reference))
        {
            return Set(branch, new SnapshotRef(target.SnapshotId, IsTag: false));
        }

        if (reference.IsTag || !Ancestors(target.SnapshotId).Any(ancestor => ancestor.SnapshotId == reference.SnapshotId))
        {
            throw new ArgumentException($"fast-forward {branch} to {to}: expected a branch that {to} descends from");
        }

        return reference.SnapshotId == target.SnapshotId ? this : Set(branch, reference with { SnapshotId = target.SnapshotId });
    }

    private ManageSnapshots Create(string name, long? snapshotId, bool isTag)
    {
        if (name.Length == 0 || _refs.ContainsKey(name))
        {
            throw new ArgumentException($"create {(isTag ? "tag" : "branch")} {name}: expected a new name");
        }

        if (snapshotId is null)
        {
            _touched.Add(SnapshotRef.Main);
        }

        long id = snapshotId ?? _refs.GetValueOrDefault(SnapshotRef.Main)?.SnapshotId ?? throw new ArgumentException($"create {name}: the table has no snapshot yet");
        return Set(name, new SnapshotRef(Known(id).SnapshotId, isTag));
    }

    private ManageSnapshots Set(string name, SnapshotRef reference)
    {
        _touched.Add(name);
        _refs[name] = reference;
        _updates.Add(new TableUpdate.SetSnapshotRef(name, reference));
        return this;
    }

    private SnapshotRef Require(string name) => _refs.GetValueOrDefault(name) ?? throw new ArgumentException($"expected a branch or tag {name}, got none");

    private SnapshotRef RequireBranch(string name) => Require(name) is { IsTag: false } branch ? branch : throw new ArgumentException($"{name}: expected a branch, got a tag");

    private Snapshot Known(long snapshotId) => _metadata.FindSnapshot(snapshotId) ?? throw new ArgumentException($"expected a snapshot of the table, got {snapshotId}");

    private IEnumerable<Snapshot> Ancestors(long snapshotId) => _metadata.AncestorsOf(snapshotId);
}
