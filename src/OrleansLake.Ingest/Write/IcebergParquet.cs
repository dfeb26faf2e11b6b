using OrleansLake.Iceberg;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Write;

/// <summary>
/// The Parquet schema of a table's schema: the same tree, every node with its field id, lists and maps in three levels. Names are
/// those that Avro allows (<see cref="AvroName"/>), as other writers have them: <c>user-id</c> becomes <c>user_x2Did</c>.
/// https://iceberg.apache.org/spec/#parquet
/// </summary>
public static class IcebergParquet
{
    /// <summary>The names of a variant's columns. https://github.com/apache/parquet-format/blob/master/VariantEncoding.md</summary>
    internal const string VariantMetadata = "metadata";

    /// <inheritdoc cref="VariantMetadata"/>
    internal const string VariantValue = "value";

    /// <summary>The columns that a file of the table has.</summary>
    /// <exception cref="NotSupportedException">A type that has no place in a Parquet file, with the field's name.</exception>
    public static ParquetSchema ToParquet(Schema schema)
    {
        // A list or struct of nothing but unknown could not be told from null when it is read again.
        if (schema.AllFields().FirstOrDefault(field => field.Type is not UnknownType && !HasColumns(field.Type)) is { } empty)
        {
            throw new NotSupportedException($"field {empty.Name} (id {empty.Id}): a {(empty.Type is StructType ? "struct" : "list or map")} without columns cannot be written to Parquet");
        }

        return schema.Fields.Any(field => HasColumns(field.Type)) ? ColumnsOf(schema.Fields) : throw new NotSupportedException("the table: a struct without columns cannot be written to Parquet");
    }

    /// <summary>The columns that rows of some fields have in memory: without those that are always null, however deep that lies.</summary>
    internal static ParquetSchema ColumnsOf(IReadOnlyList<NestedField> fields) => new(Fields(fields));

    /// <summary>Whether a field of the type may hold anything: one of type unknown does not, nor does a struct or list of nothing else.</summary>
    internal static bool HasColumns(IcebergType type) => type switch
    {
        UnknownType => false,
        StructType structure => structure.Fields.Any(field => HasColumns(field.Type)),
        ListType list => HasColumns(list.Element),
        MapType map => HasColumns(map.Value),
        _ => true,
    };

    /// <summary>Bytes that hold every number of so many digits in two's complement.</summary>
    public static int DecimalLength(int precision)
    {
        int length = 1;
        for (var limit = Int128.Parse(new string('9', precision), System.Globalization.CultureInfo.InvariantCulture); length < 16 && limit >> ((8 * length) - 1) != 0; length++)
        {
        }

        return length;
    }

    private static List<ParquetNode> Fields(IReadOnlyList<NestedField> fields) =>
        [.. fields.Where(field => HasColumns(field.Type)).Select(field => Node(NameOf(field, fields), field.Id, field.Required, field.Type))];

    /// <summary>Its own name all the same where a neighbour has the safe one.</summary>
    private static string NameOf(NestedField field, IReadOnlyList<NestedField> fields)
    {
        string safe = AvroName.Safe(field.Name);
        return safe == field.Name || fields.Any(other => other.Name == safe) ? field.Name : safe;
    }

    private static ParquetNode Node(string name, int id, bool required, IcebergType type)
    {
        var repetition = required ? Repetition.Required : Repetition.Optional;
        return type switch
        {
            StructType x => new ParquetNode.Group { Name = name, FieldId = id, Repetition = repetition, Children = Fields(x.Fields) },
            ListType x => new ParquetNode.Group
            {
                Name = name,
                FieldId = id,
                Repetition = repetition,
                LogicalType = new LogicalType.List(),
                Children =
                [
                    new ParquetNode.Group { Name = "list", Repetition = Repetition.Repeated, Children = [Node("element", x.ElementId, x.ElementRequired, x.Element)] },
                ],
            },
            MapType x => new ParquetNode.Group
            {
                Name = name,
                FieldId = id,
                Repetition = repetition,
                LogicalType = new LogicalType.Map(),
                Children =
                [
                    new ParquetNode.Group
                    {
                        Name = "key_value",
                        Repetition = Repetition.Repeated,
                        Children = [Node("key", x.KeyId, required: true, x.Key), Node("value", x.ValueId, x.ValueRequired, x.Value)],
                    },
                ],
            },
            VariantType => Variant(name, id, repetition),
            _ => Primitive(name, id, repetition, type),
        };
    }

    /// <summary>A variant that is not shredded; its two columns have no ids. https://iceberg.apache.org/spec/#parquet</summary>
    private static ParquetNode.Group Variant(string name, int id, Repetition repetition) => new()
    {
        Name = name,
        FieldId = id,
        Repetition = repetition,
        LogicalType = new LogicalType.Variant(SpecificationVersion: 1),
        Children =
        [
            new ParquetNode.Primitive { Name = VariantMetadata, Repetition = Repetition.Required, PhysicalType = PhysicalType.ByteArray },
            new ParquetNode.Primitive { Name = VariantValue, Repetition = Repetition.Required, PhysicalType = PhysicalType.ByteArray },
        ],
    };

    private static ParquetNode.Primitive Primitive(string name, int id, Repetition repetition, IcebergType type)
    {
        var (physical, length, logical) = type switch
        {
            BooleanType => (PhysicalType.Boolean, 0, null),
            IntegerType => (PhysicalType.Int32, 0, null),
            LongType => (PhysicalType.Int64, 0, null),
            FloatType => (PhysicalType.Float, 0, null),
            DoubleType => (PhysicalType.Double, 0, null),
            DecimalType(<= 9, _) x => (PhysicalType.Int32, 0, new LogicalType.Decimal(x.Precision, x.Scale)),
            DecimalType(<= 18, _) x => (PhysicalType.Int64, 0, new LogicalType.Decimal(x.Precision, x.Scale)),
            DecimalType x => (PhysicalType.FixedLenByteArray, DecimalLength(x.Precision), new LogicalType.Decimal(x.Precision, x.Scale)),
            DateType => (PhysicalType.Int32, 0, new LogicalType.Date()),
            TimeType => (PhysicalType.Int64, 0, new LogicalType.Time(TimeUnit.Micros, IsAdjustedToUtc: false)),
            TimestampType x => (PhysicalType.Int64, 0, new LogicalType.Timestamp(TimeUnit.Micros, x.WithZone)),
            TimestampNanoType x => (PhysicalType.Int64, 0, new LogicalType.Timestamp(TimeUnit.Nanos, x.WithZone)),
            StringType => (PhysicalType.ByteArray, 0, new LogicalType.String()),
            UuidType => (PhysicalType.FixedLenByteArray, 16, new LogicalType.Uuid()),
            FixedType x => (PhysicalType.FixedLenByteArray, x.Length, null),
            BinaryType => (PhysicalType.ByteArray, 0, (LogicalType?)null),
            GeometryType x => (PhysicalType.ByteArray, 0, new LogicalType.Geometry(x.Crs)),
            GeographyType x => (PhysicalType.ByteArray, 0, new LogicalType.Geography(x.Crs, x.Algorithm)),
            _ => throw new NotSupportedException($"field {name} (id {id}): columns of type {type} cannot be written"),
        };
        return new ParquetNode.Primitive { Name = name, FieldId = id, Repetition = repetition, PhysicalType = physical, TypeLength = length, LogicalType = logical };
    }
}
