using OrleansLake.Iceberg;
using OrleansLake.Ingest.Write;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Read;

/// <summary>
/// The columns of a scan: those of its rows, and behind them those that only the condition or equality deletes ask for.
/// </summary>
internal sealed class ReadSchema
{
    private readonly Dictionary<int, int> _leafOf = [];

    private ReadSchema(IReadOnlyList<NestedField> rows, IReadOnlyList<NestedField> all)
    {
        Rows = new Schema { SchemaId = 0, Fields = rows };
        Fields = all;
        RowColumns = IcebergParquet.ColumnsOf(rows);
        AllColumns = all.Count == rows.Count ? RowColumns : IcebergParquet.ColumnsOf(all);
        foreach (var column in AllColumns.Columns)
        {
            if (column.MaxRepetitionLevel == 0 && column.FieldId is int id)
            {
                _leafOf.TryAdd(id, column.Index);
            }
        }
    }

    /// <summary>The fields of the rows.</summary>
    public Schema Rows { get; }

    /// <summary>Those fields, and the others behind them.</summary>
    public IReadOnlyList<NestedField> Fields { get; }

    /// <summary>The columns of the rows.</summary>
    public ParquetSchema RowColumns { get; }

    /// <summary>Those columns, and the others behind them.</summary>
    public ParquetSchema AllColumns { get; }

    /// <summary>Whether there are others.</summary>
    public bool HasMore => Fields.Count > Rows.Fields.Count;

    /// <summary>Some columns of a table, for a condition.</summary>
    /// <exception cref="ArgumentException">A column is not in the schema.</exception>
    public static ReadSchema Of(TableMetadata metadata, Schema schema, IReadOnlyList<string>? columns, BoundExpression condition)
    {
        var rows = columns is null ? schema.Fields : Select(metadata, schema, columns);
        return new ReadSchema(rows, rows).With(condition.Fields.Select(field => field.Id), metadata, schema);
    }

    /// <summary>The fields of a delete file.</summary>
    public static ReadSchema Of(IReadOnlyList<NestedField> fields) => new(fields, fields);

    /// <summary>Likewise, with more fields that have to be at hand.</summary>
    /// <exception cref="NotSupportedException">A field is nested and was dropped from the table.</exception>
    public ReadSchema With(IEnumerable<int> ids, TableMetadata metadata, Schema schema)
    {
        var all = Fields.ToList();
        foreach (int id in ids.Where(id => !_leafOf.ContainsKey(id)).Distinct().Order())
        {
            // What is asked for with IS NULL alone may be a struct, list or map that is there already.
            if (schema.FindField(id) is { Type: not PrimitiveType or VariantType } && all.Exists(field => field.Id == id))
            {
                continue;
            }

            all.Add(Only(schema.Fields, id)
                ?? metadata.Schemas.Reverse().Select(earlier => earlier.Fields.FirstOrDefault(field => field.Id == id)).FirstOrDefault(field => field is not null)
                ?? throw new NotSupportedException($"field {id}, which equality deletes compare, is no column of the table any more"));
        }

        return all.Count == Fields.Count ? this : new ReadSchema(Rows.Fields, all);
    }

    /// <summary>Some fields that lie in no list or map, each in the structs around it, with nothing beside them.</summary>
    /// <exception cref="ArgumentException">A field is not in the schema, or lies in a list or map.</exception>
    public static IReadOnlyList<NestedField> Only(Schema schema, IEnumerable<int> ids)
    {
        var selected = new List<NestedField>();
        foreach (int id in ids)
        {
            Add(schema, selected, Only(schema.Fields, id) ?? throw new ArgumentException(FormattableString.Invariant($"field {id} is no column, or lies in a list or map")));
        }

        return selected;
    }

    /// <summary>The column of a primitive field that lies in no list or map.</summary>
    public int LeafOf(int fieldId) => _leafOf[fieldId];

    /// <summary>The column of a field, or some column below it.</summary>
    public int AnyLeafOf(int fieldId)
    {
        if (_leafOf.TryGetValue(fieldId, out int leaf))
        {
            return leaf;
        }

        int first = 0;
        return Find(AllColumns.Fields) ?? throw new NotSupportedException($"field {fieldId} has no column to tell whether it is null");

        int? Find(IReadOnlyList<ParquetNode> nodes)
        {
            foreach (var node in nodes)
            {
                if (node.FieldId == fieldId)
                {
                    return first;
                }

                if (node is ParquetNode.Group group)
                {
                    if (Find(group.Children) is { } found)
                    {
                        return found;
                    }
                }
                else
                {
                    first++;
                }
            }

            return null;
        }
    }

    private static List<NestedField> Select(TableMetadata metadata, Schema schema, IReadOnlyList<string> columns)
    {
        var selected = new List<NestedField>();
        foreach (string name in columns)
        {
            var field = schema.FindField(name) ?? Similar(schema, name);
            var chosen = field is not null ? Only(schema.Fields, field.Id)
                    ?? throw new ArgumentException($"column {name}: what lies in a list or map is read with the whole of it")
                : MetadataColumns.Find(metadata, name)
                    ?? throw new ArgumentException($"column {name}: the table has none of that name; it has {string.Join(", ", schema.Fields.Select(one => one.Name))}");
            Add(schema, selected, chosen);
        }

        return selected;
    }

    private static void Add(Schema schema, List<NestedField> selected, NestedField chosen)
    {
        int same = selected.FindIndex(one => one.Id == chosen.Id);
        if (same < 0)
        {
            selected.Add(chosen);
        }
        else
        {
            selected[same] = Merge(schema, selected[same], chosen);
        }
    }

    private static NestedField? Similar(Schema schema, string name)
    {
        var similar = schema.AllFields().Where(field => schema.FindPath(field.Id)!.Equals(name, StringComparison.OrdinalIgnoreCase)).Take(2).ToList();
        return similar is [var only] ? only : null;
    }

    /// <summary>Two selections of one struct.</summary>
    private static NestedField Merge(Schema schema, NestedField a, NestedField b)
    {
        if (a.Type is not StructType x || b.Type is not StructType y)
        {
            return a;
        }

        var order = ((StructType)schema.FindField(a.Id)!.Type).Fields;
        return a with
        {
            Type = new StructType([.. order.Select(field => (First: x.Fields.FirstOrDefault(one => one.Id == field.Id), Second: y.Fields.FirstOrDefault(one => one.Id == field.Id)))
                .Where(pair => pair.First is not null || pair.Second is not null)
                .Select(pair => pair.First is null ? pair.Second! : pair.Second is null ? pair.First : Merge(schema, pair.First, pair.Second))]),
        };
    }

    /// <summary>The top-level field that leads to a field, with nothing beside the way; null where it lies in a list or map.</summary>
    private static NestedField? Only(IReadOnlyList<NestedField> fields, int id)
    {
        foreach (var field in fields)
        {
            if (field.Id == id)
            {
                return field;
            }

            if (field.Type is StructType structure && Only(structure.Fields, id) is { } found)
            {
                return field with { Type = new StructType([found]) };
            }
        }

        return null;
    }
}
