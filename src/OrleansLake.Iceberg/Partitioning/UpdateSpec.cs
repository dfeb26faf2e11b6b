namespace OrleansLake.Iceberg;

/// <summary>
/// Changes how new files are partitioned; files that are there keep their spec. A transform of a column keeps its field id
/// through all specs. https://iceberg.apache.org/spec/#partition-evolution
/// </summary>
public sealed class UpdateSpec : IMetadataChange
{
    private readonly TableMetadata _metadata;
    private readonly List<PartitionField> _fields;
    private readonly HashSet<int> _added = [];
    private int _lastPartitionId;

    /// <summary>A change of these metadata.</summary>
    public UpdateSpec(TableMetadata metadata)
    {
        _metadata = metadata;
        _fields = [.. metadata.DefaultSpec.Fields];
        _lastPartitionId = metadata.LastPartitionId;
    }

    /// <summary>The spec as changed so far; its id is given when it is applied.</summary>
    public PartitionSpec Spec => new() { SpecId = _metadata.PartitionSpecs.Max(spec => spec.SpecId) + 1, Fields = [.. _fields] };

    /// <inheritdoc />
    public IReadOnlyList<TableRequirement> Requirements =>
    [
        new TableRequirement.AssertTableUuid(_metadata.TableUuid),
        new TableRequirement.AssertCurrentSchemaId(_metadata.CurrentSchemaId),
        new TableRequirement.AssertDefaultSpecId(_metadata.DefaultSpecId),
        new TableRequirement.AssertLastAssignedPartitionId(_metadata.LastPartitionId),
    ];

    /// <inheritdoc />
    public IReadOnlyList<TableUpdate> Updates => _fields.SequenceEqual(_metadata.DefaultSpec.Fields)
        ? []
        : [new TableUpdate.AddPartitionSpec(Spec), new TableUpdate.SetDefaultSpec(-1)];

    /// <summary>Adds a field.</summary>
    /// <param name="path">The column that it is made of.</param>
    /// <param name="transform">How.</param>
    /// <param name="name">Its name; null: the one that it had in an earlier spec, else <c>ts_day</c>, <c>id_bucket_16</c>, …</param>
    public UpdateSpec AddField(string path, Transform transform, string? name = null)
    {
        var source = _metadata.CurrentSchema.FindField(path) ?? throw new ArgumentException($"add partition field: expected a column {path}, got none in the schema");
        if (_fields.FirstOrDefault(field => IsOf(field, source.Id, transform)) is { } same)
        {
            throw new ArgumentException($"add partition field {transform} of {path}: the table is partitioned by it already ({same.Name})");
        }

        if (IsTime(transform) && _fields.FirstOrDefault(field => _added.Contains(field.FieldId) && field.SourceIds is [int id] && id == source.Id && IsTime(field.Transform)) is { } other)
        {
            throw new ArgumentException($"add partition field {transform} of {path}: {other.Name} divides it by time already");
        }

        var old = _metadata.PartitionSpecs.SelectMany(spec => spec.Fields).FirstOrDefault(field => IsOf(field, source.Id, transform));
        var added = new PartitionField(old?.FieldId ?? ++_lastPartitionId, name ?? old?.Name ?? DefaultName(path, transform), [source.Id], transform);
        _added.Add(added.FieldId);
        _fields.Add(added);
        return Checked();
    }

    /// <summary>Removes a field by its name. In v1 its place stays, with nulls.</summary>
    public UpdateSpec RemoveField(string name)
    {
        int at = Require(name);
        if (_metadata.FormatVersion == 1)
        {
            _fields[at] = _fields[at] with { Transform = new Transform.Void() };
        }
        else
        {
            _fields.RemoveAt(at);
        }

        return this;
    }

    /// <summary>Removes a field by what it is made of.</summary>
    public UpdateSpec RemoveField(string path, Transform transform)
    {
        var source = _metadata.CurrentSchema.FindField(path);
        var field = _fields.FirstOrDefault(one => source is not null && IsOf(one, source.Id, transform))
            ?? throw new ArgumentException($"remove partition field: expected {transform} of {path} in the spec, got none");
        return RemoveField(field.Name);
    }

    /// <summary>Gives a field another name.</summary>
    public UpdateSpec RenameField(string name, string newName)
    {
        int at = Require(name);
        _fields[at] = _fields[at] with { Name = newName };
        return Checked();
    }

    private static bool IsTime(Transform transform) => transform is Transform.Year or Transform.Month or Transform.Day or Transform.Hour;

    private static bool IsOf(PartitionField field, int sourceId, Transform transform) => field.Transform == transform && field.SourceIds is [int id] && id == sourceId;

    private static string DefaultName(string path, Transform transform) => transform switch
    {
        Transform.Identity => path,
        Transform.Bucket(int count) => FormattableString.Invariant($"{path}_bucket_{count}"),
        Transform.Truncate(int width) => FormattableString.Invariant($"{path}_trunc_{width}"),
        Transform.Void => path + "_null",
        Transform.Unknown => throw new ArgumentException($"add partition field: {transform} is not known here"),
        _ => path + "_" + transform,
    };

    private UpdateSpec Checked()
    {
        SchemaRules.Check(Spec, _metadata.CurrentSchema);
        return this;
    }

    private int Require(string name)
    {
        int at = _fields.FindIndex(field => field.Name == name);
        return at >= 0 ? at : throw new ArgumentException($"expected a partition field {name}, got none in the spec");
    }
}
