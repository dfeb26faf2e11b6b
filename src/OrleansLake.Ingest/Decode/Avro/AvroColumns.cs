using OrleansLake.Iceberg;

namespace OrleansLake.Ingest.Decode.Avro;

/// <summary>What columns hold the values of a writer's schema.</summary>
internal static class AvroColumns
{
    private const int MostFields = 10_000;

    /// <summary>The type of a column that holds every value; null: there is none. Ids in it mean nothing.</summary>
    public static IcebergType? TypeOf(AvroType type)
    {
        int left = MostFields;
        return TypeOf(type, [], ref left);
    }

    private static IcebergType? TypeOf(AvroType type, HashSet<AvroType> around, ref int left)
    {
        if (--left < 0)
        {
            return null;
        }

        switch (type.Kind, type.LogicalType)
        {
            case (AvroTypeKind.Boolean, _):
                return new BooleanType();
            case (AvroTypeKind.Int, "date"):
                return new DateType();
            case (AvroTypeKind.Int, "time-millis") or (AvroTypeKind.Long, "time-micros"):
                return new TimeType();
            case (AvroTypeKind.Int, "enum"):
                return new StringType();
            case (AvroTypeKind.Int, _):
                return new IntegerType();
            case (AvroTypeKind.Long, "timestamp-millis" or "timestamp-micros"):
                return new TimestampType(WithZone: true);
            case (AvroTypeKind.Long, "local-timestamp-millis" or "local-timestamp-micros"):
                return new TimestampType(WithZone: false);
            case (AvroTypeKind.Long, "unsigned"):
                return new DecimalType(20, 0);
            case (AvroTypeKind.Long, _):
                return new LongType();
            case (AvroTypeKind.Float, _):
                return new FloatType();
            case (AvroTypeKind.Double, _):
                return new DoubleType();
            case (AvroTypeKind.Bytes or AvroTypeKind.Fixed, "decimal") when type.Precision is > 0 and <= 38 && type.Scale >= 0 && type.Scale <= type.Precision:
                return new DecimalType(type.Precision, type.Scale);
            case (AvroTypeKind.Fixed, "instant"):
                return new TimestampType(WithZone: true);
            case (AvroTypeKind.Fixed, "seconds"):
                return new StringType();
            case (AvroTypeKind.Fixed, "uuid") when type.Size == 16:
            case (AvroTypeKind.String, "uuid"):
                return new UuidType();
            case (AvroTypeKind.String or AvroTypeKind.Enum, _):
                return new StringType();
            case (AvroTypeKind.Bytes or AvroTypeKind.Fixed, _):
                return new BinaryType();
            case (AvroTypeKind.Array, _):
                return TypeOf(type.Items!, around, ref left) is { } element ? new ListType(0, element, ElementRequired: false) : null;
            case (AvroTypeKind.Map, _):
                return TypeOf(type.Items!, around, ref left) is { } value ? new MapType(0, new StringType(), 0, value, ValueRequired: false) : null;
            case (AvroTypeKind.Union, _):
                var branches = type.Branches.Where(branch => branch.Kind != AvroTypeKind.Null).ToList();
                return branches.Count == 1 ? TypeOf(branches[0], around, ref left) : null;
            case (AvroTypeKind.Record, _) when around.Add(type):
                // A record within itself has no column there: a table does not nest without end.
                var fields = new List<NestedField>();
                foreach (var (name, field) in type.Fields.Where(field => field.Name.Length > 0))
                {
                    if (TypeOf(field, around, ref left) is { } column)
                    {
                        fields.Add(new NestedField(0, name, Required: false, column));
                    }
                }

                around.Remove(type);
                return fields.Count == 0 || fields.DistinctBy(field => field.Name, StringComparer.OrdinalIgnoreCase).Count() < fields.Count ? null : new StructType(fields);
            default:
                return null;
        }
    }
}
