using OrleansLake.Iceberg;
using OrleansLake.Ingest.Write;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Read;

/// <summary>
/// Finds the columns of a scan in a file, by field id: what was added, dropped, renamed, moved or promoted since needs no
/// file to be rewritten. https://iceberg.apache.org/spec/#column-projection
/// </summary>
internal sealed class BatchBinder
{
    private readonly string _location;
    private readonly FileConstants _constants;
    private readonly FileColumns _root;
    private readonly ParquetSchema _target;
    private readonly LeafSource[] _sources;
    private bool _inPartition;

    private BatchBinder(string location, FileConstants constants, FileColumns root, ParquetSchema target)
    {
        _location = location;
        _constants = constants;
        _root = root;
        _target = target;
        _sources = new LeafSource[target.Columns.Count];
    }

    /// <summary>One source for each column of the target.</summary>
    /// <exception cref="InvalidDataException">The file's columns are not of the table's types, or lack a required one.</exception>
    public static LeafSource[] Bind(IReadOnlyList<NestedField> fields, ParquetSchema target, FileColumns file, FileConstants constants, string location)
    {
        var binder = new BatchBinder(location, constants, file, target);
        int leaf = 0;
        foreach (var (field, node) in fields.Where(field => IcebergParquet.HasColumns(field.Type)).Zip(target.Fields))
        {
            binder.BindTop(field, node, ref leaf);
        }

        return binder._sources;
    }

    private void BindTop(NestedField field, ParquetNode node, ref int leaf)
    {
        if (field.Id == MetadataColumns.RowPosition.Id)
        {
            _sources[leaf++] = new LeafSource.Position();
        }
        else if (field.Id == MetadataColumns.RowId.Id)
        {
            _sources[leaf++] = new LeafSource.Lineage(_root.Find(field.Id)?.FirstLeaf, _constants.FirstRowId, 1);
        }
        else if (field.Id == MetadataColumns.LastUpdatedSequenceNumber.Id)
        {
            _sources[leaf++] = new LeafSource.Lineage(_root.Find(field.Id)?.FirstLeaf, _constants.SequenceNumber, 0);
        }
        else
        {
            // The ids of partition fields may be those of columns as well: they are never looked for in the file.
            _inPartition = field.Id == MetadataColumns.PartitionId;
            BindField(field, node, _inPartition ? null : _root.Find(field.Id), _root, [0], 0, ref leaf);
            _inPartition = false;
        }
    }

    /// <summary>One field.</summary>
    /// <param name="field">The field as the table has it.</param>
    /// <param name="node">Its node in the target.</param>
    /// <param name="found">Its node in the file.</param>
    /// <param name="parent">The node around it in the file.</param>
    /// <param name="levels">The target's level for each of the file's up to the parent's.</param>
    /// <param name="definition">The target's level where the parent is there.</param>
    /// <param name="leaf">The next column of the target.</param>
    private void BindField(NestedField field, ParquetNode node, FileColumns? found, FileColumns parent, byte[] levels, int definition, ref int leaf)
    {
        if (found is null)
        {
            BindMissing(field, node, parent, levels, definition, isNull: false, ref leaf);
            return;
        }

        bool optional = node.Repetition == Parquet.Repetition.Optional;
        int own = definition + (optional ? 1 : 0);
        var extended = levels.ToList();
        if (found.IsOptional)
        {
            // Where it is not there: null, if that is allowed.
            if (!optional)
            {
                extended[^1] = LeafSource.Forbidden;
            }

            extended.Add((byte)own);
        }
        else
        {
            extended[^1] = (byte)own;
        }

        byte[] here = [.. extended];
        switch (field.Type)
        {
            case StructType structure when found is { Node: ParquetNode.Group, Element: null, Key: null }:
                foreach (var (child, childNode) in structure.Fields.Where(one => IcebergParquet.HasColumns(one.Type)).Zip(((ParquetNode.Group)node).Children))
                {
                    BindField(child, childNode, found.Find(child.Id), found, here, own, ref leaf);
                }

                break;
            case ListType list when found.Element is { } element:
                var elementNode = ((ParquetNode.Group)((ParquetNode.Group)node).Children[0]).Children[0];
                BindField(new NestedField(list.ElementId, "element", list.ElementRequired, list.Element), elementNode, element, found, [.. here, (byte)(own + 1)], own + 1, ref leaf);
                break;
            case MapType map when found is { Key: { } key, Value: { } value }:
                var pair = ((ParquetNode.Group)((ParquetNode.Group)node).Children[0]).Children;
                BindField(new NestedField(map.KeyId, "key", true, map.Key), pair[0], key, found, [.. here, (byte)(own + 1)], own + 1, ref leaf);
                BindField(new NestedField(map.ValueId, "value", map.ValueRequired, map.Value), pair[1], value, found, [.. here, (byte)(own + 1)], own + 1, ref leaf);
                break;
            case VariantType when found is { Node: ParquetNode.Group }:
                BindVariant(field, (ParquetNode.Group)node, found, here, own, ref leaf);
                break;
            case PrimitiveType type and not VariantType when found.Node is ParquetNode.Primitive source:
                try
                {
                    _sources[leaf] = new LeafSource.Column(found.FirstLeaf, here, LeafConversion.Of(source, type, (ParquetNode.Primitive)node));
                }
                catch (InvalidDataException e)
                {
                    throw new InvalidDataException($"{_location}: field {field.Name} (id {field.Id}): {e.Message}", e);
                }

                leaf++;
                break;
            default:
                string got = found.Node is ParquetNode.Primitive primitive ? primitive.PhysicalType.ToString() : found.Element is not null ? "a list" : found.Key is not null ? "a map" : "a struct";
                throw new InvalidDataException($"{_location}: field {field.Name} (id {field.Id}): expected {(field.Type as PrimitiveType)?.Spelling ?? field.Type.GetType().Name}, got {got} in the file");
        }
    }

    /// <summary>
    /// A variant: by the names of its columns, whatever their order. What is not shredded is taken as it lies; else the whole of it is put
    /// together. https://github.com/apache/parquet-format/blob/master/VariantShredding.md
    /// </summary>
    private void BindVariant(NestedField field, ParquetNode.Group node, FileColumns found, byte[] levels, int definition, ref int leaf)
    {
        var metadata = found.Fields.FirstOrDefault(one => one.Node is ParquetNode.Primitive { Name: IcebergParquet.VariantMetadata, PhysicalType: PhysicalType.ByteArray, Repetition: Parquet.Repetition.Required })
            ?? throw new InvalidDataException(
                $"{_location}: field {field.Name} (id {field.Id}): expected a variant, which has required metadata, got a struct of {string.Join(", ", found.Fields.Select(one => one.Node!.Name))}");
        var value = found.Fields.FirstOrDefault(one => one.Node is ParquetNode.Primitive { Name: IcebergParquet.VariantValue, PhysicalType: PhysicalType.ByteArray, Repetition: Parquet.Repetition.Required });
        if (value is not null && found.Fields.Count == 2)
        {
            foreach (var (child, source) in node.Children.Zip([metadata, value]))
            {
                BindField(new NestedField(-1, child.Name, true, new BinaryType()), child, source, found, levels, definition, ref leaf);
            }

            return;
        }

        _sources[leaf++] = new LeafSource.Variant([.. Enumerable.Range(found.FirstLeaf, found.LeafCount)], metadata.FirstLeaf, levels);
        _sources[leaf++] = new LeafSource.VariantValue();
    }

    /// <summary>A field that the file lacks: of the partition, a default, or null.</summary>
    private void BindMissing(NestedField field, ParquetNode node, FileColumns parent, byte[] levels, int definition, bool isNull, ref int leaf)
    {
        bool optional = node.Repetition == Parquet.Repetition.Optional;
        object? value = isNull || field.Type is not PrimitiveType ? null
            : _inPartition ? _constants.PartitionValueOf(field)
            : _constants.ValueOf(field) ?? SingleValueJson.Read(field.Type, field.InitialDefault);
        bool isPresent = !isNull && (value is not null || (field.Type is StructType && (!optional || field.InitialDefault is not null)));
        if (!isPresent && !optional && !isNull)
        {
            throw new InvalidDataException($"{_location}: field {field.Name} (id {field.Id}) is required and has no default, but the file lacks it");
        }

        int own = isPresent && optional ? definition + 1 : definition;
        if (field.Type is StructType structure)
        {
            foreach (var (child, childNode) in structure.Fields.Where(one => IcebergParquet.HasColumns(one.Type)).Zip(((ParquetNode.Group)node).Children))
            {
                BindMissing(child, childNode, parent, levels, own, !isPresent, ref leaf);
            }

            return;
        }

        int? guide = parent.Node is null ? null : GuideOf(parent);
        for (int end = leaf + CountLeaves(node); leaf < end; leaf++)
        {
            byte[] filled = [.. levels];
            filled[^1] = (byte)own;
            _sources[leaf] = new LeafSource.Constant(guide, parent.Repetition, filled, value is null ? null : LeafConversion.Stored(value, _target.Columns[leaf]));
        }
    }

    /// <summary>The column below a struct that has the fewest slots.</summary>
    private static int GuideOf(FileColumns parent)
    {
        FileColumns? best = null;
        Visit(parent);
        return best?.FirstLeaf ?? parent.FirstLeaf;

        void Visit(FileColumns at)
        {
            if (at.Node is ParquetNode.Primitive && (best is null || at.Repetition < best.Repetition))
            {
                best = at;
            }

            foreach (var child in at.Fields)
            {
                Visit(child);
            }

            foreach (var child in new[] { at.Element, at.Key, at.Value })
            {
                if (child is not null)
                {
                    Visit(child);
                }
            }
        }
    }

    private static int CountLeaves(ParquetNode node) => node is ParquetNode.Group group ? group.Children.Sum(CountLeaves) : 1;
}
