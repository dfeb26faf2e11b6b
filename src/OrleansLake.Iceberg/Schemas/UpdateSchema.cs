using System.Text.Json.Nodes;

namespace OrleansLake.Iceberg;

/// <summary>Where a column is moved to.</summary>
public abstract record ColumnPosition
{
    private ColumnPosition() { }

    /// <summary>Before all others of its struct.</summary>
    public sealed record First : ColumnPosition;

    /// <summary>Right before the column of this name in the same struct.</summary>
    public sealed record Before(string Name) : ColumnPosition;

    /// <summary>Right behind the column of this name in the same struct.</summary>
    public sealed record After(string Name) : ColumnPosition;
}

/// <summary>
/// Changes the current schema of a table. Columns are named by path (<c>order.lines.element.price</c>). Ids of columns that
/// went are never given to others, since old files still have them. https://iceberg.apache.org/spec/#schema-evolution
/// </summary>
public sealed class UpdateSchema : IMetadataChange
{
    private readonly TableMetadata _metadata;
    private Schema _schema;
    private int _lastColumnId;

    /// <summary>A change of these metadata.</summary>
    public UpdateSchema(TableMetadata metadata)
    {
        _metadata = metadata;
        _schema = metadata.CurrentSchema;
        _lastColumnId = metadata.LastColumnId;
    }

    /// <summary>The schema as changed so far; its id is given when it is applied.</summary>
    public Schema Schema => _schema;

    /// <summary>What the table must still be when the change is applied.</summary>
    public IReadOnlyList<TableRequirement> Requirements =>
    [
        new TableRequirement.AssertTableUuid(_metadata.TableUuid),
        new TableRequirement.AssertCurrentSchemaId(_metadata.CurrentSchemaId),
        new TableRequirement.AssertLastAssignedFieldId(_metadata.LastColumnId),
    ];

    /// <summary>
    /// The change; none where nothing changed. Properties that name columns follow them: the name mapping, and those of
    /// <c>write.metadata.metrics.column.*</c> and <c>write.parquet.bloom-filter-enabled.column.*</c>.
    /// </summary>
    public IReadOnlyList<TableUpdate> Updates =>
        _schema.Fields.SequenceEqual(_metadata.CurrentSchema.Fields) && _schema.IdentifierFieldIds.SequenceEqual(_metadata.CurrentSchema.IdentifierFieldIds)
            ? []
            :
            [
                new TableUpdate.AddSchema(_schema) { LastColumnId = _lastColumnId },
                new TableUpdate.SetCurrentSchema(-1),
                .. ColumnProperties.Following(_metadata, _schema),
            ];

    /// <summary>
    /// Adds an optional column at the end of the table or of a struct. The path of a struct inside a list or map goes through
    /// <c>element</c> or <c>value</c>; the names of the list or map alone will do.
    /// </summary>
    /// <param name="parent">Path of the struct; null for the table itself.</param>
    /// <param name="name">The column's name.</param>
    /// <param name="type">Its type; ids in it are assigned anew.</param>
    /// <param name="doc">What people said of it.</param>
    /// <param name="position">Where it goes; null: behind the others of its struct.</param>
    /// <param name="defaultValue">What rows hold that were written before, and what writers put where they have nothing (v3); a value as <see cref="SingleValueJson"/> has it.</param>
    /// <param name="required">Whether it is required, for which it needs a default.</param>
    public UpdateSchema AddColumn(
        string? parent, string name, IcebergType type, string? doc = null, ColumnPosition? position = null, object? defaultValue = null, bool required = false)
    {
        string path = parent is null ? name : parent + "." + name;
        if (name.Length == 0)
        {
            throw new ArgumentException("add column: expected a name, got an empty one");
        }

        if (required && defaultValue is null)
        {
            throw new ArgumentException($"add column {path}: a column that is added cannot be required without a default: the rows that are there have no value for it");
        }

        int id = ++_lastColumnId;
        var field = new NestedField(id, name, required, FreshIds.Assign(type, ref _lastColumnId, []))
        {
            Doc = doc,
            InitialDefault = DefaultOf(path, type, defaultValue),
            WriteDefault = DefaultOf(path, type, defaultValue),
        };
        if (parent is null)
        {
            RefuseTaken(_schema.Fields, path, name);
            _schema = _schema with { Fields = Placed([.. _schema.Fields, field], field, position, path) };
            return Checked();
        }

        var target = Require(parent);
        int structId = target.Type switch
        {
            ListType list => list.ElementId,
            MapType map => map.ValueId,
            _ => target.Id,
        };
        if (_schema.FindField(structId)?.Type is not StructType structure)
        {
            throw new ArgumentException($"add column {path}: expected {parent} to be a struct");
        }

        RefuseTaken(structure.Fields, path, name);
        Rewrite(structId, one => one with { Type = structure with { Fields = Placed([.. structure.Fields, field], field, position, path) } });
        return Checked();
    }

    /// <summary>Drops a column with all that lies below it.</summary>
    public UpdateSchema DropColumn(string path)
    {
        var field = Require(path);
        RefuseElement(field, path);
        foreach (var below in new Schema { SchemaId = 0, Fields = [field] }.AllFields())
        {
            if (_schema.IdentifierFieldIds.Contains(below.Id))
            {
                throw new ArgumentException($"drop column {path}: {below.Name} identifies rows");
            }

            if (_metadata.DefaultSpec.Fields.FirstOrDefault(one => one.Transform is not Transform.Void && one.SourceIds.Contains(below.Id)) is { } partition)
            {
                throw new ArgumentException($"drop column {path}: the table is partitioned by it ({partition.Name})");
            }

            if (_metadata.SortOrders.FirstOrDefault(order => order.OrderId == _metadata.DefaultSortOrderId)?.Fields.Any(one => one.SourceIds.Contains(below.Id)) == true)
            {
                throw new ArgumentException($"drop column {path}: the table is sorted by it");
            }
        }

        Rewrite(field.Id, _ => null);
        return this;
    }

    /// <summary>Gives a column another name.</summary>
    public UpdateSchema RenameColumn(string path, string newName)
    {
        var field = Require(path);
        RefuseElement(field, path);
        if (newName.Length == 0)
        {
            throw new ArgumentException($"rename column {path}: expected a name, got an empty one");
        }

        if (newName != field.Name)
        {
            RefuseTaken(Siblings(field.Id), path, newName);
            Rewrite(field.Id, one => one with { Name = newName });
        }

        return Checked();
    }

    /// <summary>Lets a column be null.</summary>
    public UpdateSchema MakeColumnOptional(string path)
    {
        var field = Require(path);
        if (_schema.IdentifierFieldIds.Contains(field.Id))
        {
            throw new ArgumentException($"make column {path} optional: it identifies rows");
        }

        Rewrite(field.Id, one => one with { Required = false });
        return this;
    }

    /// <summary>Widens a column: int to long, float to double, a decimal to more digits, and in v3 date to timestamp.</summary>
    public UpdateSchema PromoteColumn(string path, PrimitiveType type)
    {
        var field = Require(path);
        if (field.Type.Equals(type))
        {
            return this;
        }

        bool allowed = (field.Type, type) switch
        {
            (IntegerType, LongType) or (FloatType, DoubleType) => true,
            (DecimalType(int from, int scale), DecimalType(int to, int newScale)) => to >= from && newScale == scale,
            (DateType, TimestampType(false) or TimestampNanoType(false)) => _metadata.FormatVersion >= 3 && !IsBucketSource(field.Id),
            (UnknownType, _) => _metadata.FormatVersion >= 3,
            _ => false,
        };
        if (!allowed)
        {
            throw new ArgumentException($"change type of column {path}: {TypeName(field.Type)} cannot become {TypeText.Write(type)}");
        }

        Rewrite(field.Id, one => one with
        {
            Type = type,
            InitialDefault = Promoted(one.InitialDefault, one.Type, type),
            WriteDefault = Promoted(one.WriteDefault, one.Type, type),
        });
        return Checked();
    }

    /// <summary>What writers put where they have nothing from now on (v3); rows that are there are not touched. Null: nothing.</summary>
    public UpdateSchema SetDefault(string path, object? value)
    {
        var field = Require(path);
        if (value is null && field.Required && field.WriteDefault is not null)
        {
            throw new ArgumentException($"default of column {path}: a required column that was added needs one");
        }

        Rewrite(field.Id, one => one with { WriteDefault = DefaultOf(path, one.Type, value) });
        return Checked();
    }

    /// <summary>Says which columns identify a row; none: nothing does. https://iceberg.apache.org/spec/#identifier-field-ids</summary>
    public UpdateSchema SetIdentifierFields(params IReadOnlyList<string> paths)
    {
        _schema = _schema with { IdentifierFieldIds = [.. paths.Select(path => Require(path).Id).Distinct()] };
        return Checked();
    }

    /// <summary>Says what a column is.</summary>
    public UpdateSchema SetDoc(string path, string? doc)
    {
        Rewrite(Require(path).Id, one => one with { Doc = doc });
        return this;
    }

    /// <summary>Moves a column within its struct.</summary>
    public UpdateSchema MoveColumn(string path, ColumnPosition position)
    {
        var field = Require(path);
        RefuseElement(field, path);
        ReplaceStruct(field.Id, Placed(Siblings(field.Id), field, position, path));
        return this;
    }

    private static JsonNode? DefaultOf(string path, IcebergType type, object? value)
    {
        try
        {
            return SingleValueJson.Write(type, value);
        }
        catch (FormatException e)
        {
            throw new ArgumentException($"default of column {path}: {e.Message}", e);
        }
    }

    /// <summary>A default as the wider type spells it: a date becomes its midnight, numbers stay.</summary>
    private static JsonNode? Promoted(JsonNode? value, IcebergType from, IcebergType to) => (SingleValueJson.Read(from, value), to) switch
    {
        (int days, TimestampType) => SingleValueJson.Write(to, days * 86_400_000_000L),
        (int days, TimestampNanoType) => SingleValueJson.Write(to, checked(days * 86_400_000_000_000L)),
        _ => value?.DeepClone(),
    };

    private static IReadOnlyList<NestedField> Placed(IReadOnlyList<NestedField> fields, NestedField field, ColumnPosition? position, string path)
    {
        if (position is null)
        {
            return fields;
        }

        var siblings = fields.Where(one => one.Id != field.Id).ToList();
        string? neighbour = position switch
        {
            ColumnPosition.Before(var name) => name,
            ColumnPosition.After(var name) => name,
            _ => null,
        };
        int at = neighbour is null ? 0 : siblings.FindIndex(one => one.Name == neighbour);
        if (at < 0)
        {
            throw new ArgumentException($"{path}: expected a column {neighbour} beside it, got none");
        }

        siblings.Insert(position is ColumnPosition.After ? at + 1 : at, field);
        return siblings;
    }

    private bool IsBucketSource(int id) => _metadata.PartitionSpecs.SelectMany(spec => spec.Fields).Any(field => field.Transform is Transform.Bucket or Transform.Identity && field.SourceIds.Contains(id));

    private UpdateSchema Checked()
    {
        SchemaRules.Check(_schema, _metadata.FormatVersion);
        return this;
    }

    private NestedField Require(string path) => _schema.FindField(path) ?? throw new ArgumentException($"expected a column {path}, got none in the schema");

    private void RefuseElement(NestedField field, string path)
    {
        if (!Siblings(field.Id).Any(one => one.Id == field.Id))
        {
            throw new ArgumentException($"{path}: the element of a list, the key and the value of a map stay as they are");
        }
    }

    private static void RefuseTaken(IReadOnlyList<NestedField> siblings, string path, string name)
    {
        if (siblings.Any(one => one.Name == name))
        {
            throw new ArgumentException($"{path}: expected a new name, got {name}, which another column has");
        }
    }

    /// <summary>The fields of the struct that directly holds a field; none where it is an element, key or value.</summary>
    private IReadOnlyList<NestedField> Siblings(int id) =>
        _schema.Fields.Any(one => one.Id == id) ? _schema.Fields
        : _schema.AllFields().Select(one => one.Type).OfType<StructType>().FirstOrDefault(one => one.Fields.Any(field => field.Id == id))?.Fields ?? [];

    private void ReplaceStruct(int memberId, IReadOnlyList<NestedField> fields)
    {
        if (_schema.Fields.Any(one => one.Id == memberId))
        {
            _schema = _schema with { Fields = fields };
            return;
        }

        var owner = _schema.AllFields().First(one => one.Type is StructType structure && structure.Fields.Any(field => field.Id == memberId));
        Rewrite(owner.Id, one => one with { Type = ((StructType)one.Type) with { Fields = fields } });
    }

    private void Rewrite(int id, Func<NestedField, NestedField?> change) => _schema = _schema with { Fields = Rewritten(_schema.Fields, id, change) };

    private static IReadOnlyList<NestedField> Rewritten(IReadOnlyList<NestedField> fields, int id, Func<NestedField, NestedField?> change)
    {
        var result = new List<NestedField>(fields.Count);
        foreach (var field in fields)
        {
            if ((field.Id == id ? change(field) : field with { Type = Rewritten(field.Type, id, change) }) is { } kept)
            {
                result.Add(kept);
            }
        }

        return result;
    }

    private static IcebergType Rewritten(IcebergType type, int id, Func<NestedField, NestedField?> change)
    {
        switch (type)
        {
            case StructType structure:
                return structure with { Fields = Rewritten(structure.Fields, id, change) };
            case ListType list:
                var element = Rewritten(type.Children(), id, change)[0];
                return list with { Element = element.Type, ElementRequired = element.Required };
            case MapType map:
                var pair = Rewritten(type.Children(), id, change);
                return map with { Key = pair[0].Type, Value = pair[1].Type, ValueRequired = pair[1].Required };
            default:
                return type;
        }
    }

    private static string TypeName(IcebergType type) => type is PrimitiveType primitive ? TypeText.Write(primitive) : type.GetType().Name;
}
