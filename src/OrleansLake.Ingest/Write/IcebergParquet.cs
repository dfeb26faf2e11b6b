using OrleansLake.Iceberg;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Write;

/// <summary>
/// The Parquet schema of a table's schema: the same tree, every node with its field id, lists and maps in three levels.
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
    public static ParquetSchema ToParquet(Schema schema) => new(Fields(schema.Fields, "the table"));

    /// <summary>Bytes that hold every number of so many digits in two's complement.</summary>
    public static int DecimalLength(int precision)
    {
        int length = 1;
        for (var limit = Int128.Parse(new string('9', precision), System.Globalization.CultureInfo.InvariantCulture); length < 16 && limit >> ((8 * length) - 1) != 0; length++)
        {
        }

        return length;
    }

    private static List<ParquetNode> Fields(IReadOnlyList<NestedField> fields, string place)
    {
        // A column of type unknown holds nothing, and has no place in a file.
        var nodes = fields.Where(field => field.Type is not UnknownType)
            .Select(field => Node(field.Name, field.Id, field.Required, field.Type)).ToList();
        return nodes.Count > 0 ? nodes : throw new NotSupportedException($"{place}: a struct without columns cannot be written to Parquet");
    }

    private static ParquetNode Node(string name, int id, bool required, IcebergType type)
    {
        var repetition = required ? Repetition.Required : Repetition.Optional;
        return type switch
        {
            StructType x => new ParquetNode.Group { Name = name, FieldId = id, Repetition = repetition, Children = Fields(x.Fields, $"field {name} (id {id})") },
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
