using System.Runtime.CompilerServices;
using OrleansLake.Iceberg.Avro;

namespace OrleansLake.Iceberg;

/// <summary>
/// Data files and delete files in Avro. https://iceberg.apache.org/spec/#avro
/// </summary>
public static class AvroDataFile
{
    /// <summary>
    /// Rows as the table's fields have them: structs as arrays of values, lists as lists, maps as lists of pairs, single values in
    /// the form of <see cref="PartitionKey"/>, variants as <see cref="VariantBytes"/>.
    /// </summary>
    /// <param name="store">Where the file is; of which no more is in memory than a block, or a megabyte of small ones.</param>
    /// <param name="location">The file.</param>
    /// <param name="sizeBytes">Its size.</param>
    /// <param name="fields">The fields wanted, found by id.</param>
    /// <param name="mapping">Ids by name, for files that have none.</param>
    /// <param name="constantOf">The value of a field that the file lacks, where the table knows it.</param>
    /// <param name="cancellationToken">Ends it early.</param>
    /// <exception cref="IcebergFormatException">The file is damaged, or its fields are not of the table's types.</exception>
    public static async IAsyncEnumerable<object?[]> ReadRowsAsync(
        IObjectStore store, string location, long sizeBytes, IReadOnlyList<NestedField> fields, NameMapping? mapping, Func<NestedField, object?> constantOf,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var file = await AvroContainerStream.OpenAsync(store, location, sizeBytes, cancellationToken).ConfigureAwait(false);
        var binder = new Binder(location, HasIds(file.Schema, 0) ? null : mapping ?? throw new NotSupportedException(
            $"{location}: its columns have no field ids, and the table has no property {NameMapping.Property} that gives them by name"), constantOf);
        var read = binder.Struct(fields, file.Schema, []);
        await foreach (object?[] record in file.ReadRecordsAsync(cancellationToken).ConfigureAwait(false))
        {
            yield return (object?[])read(record)!;
        }
    }

    private static bool HasIds(AvroSchema schema, int depth) => depth < 100 && schema.Unwrapped switch
    {
        { Kind: AvroKind.Record } record => record.Fields.Any(field => field.FieldId is not null || HasIds(field.Schema, depth + 1)),
        { Items: { } items } => HasIds(items, depth + 1),
        _ => false,
    };

    private sealed class Binder(string location, NameMapping? mapping, Func<NestedField, object?> constantOf)
    {
        public Func<object?, object?> Struct(IReadOnlyList<NestedField> fields, AvroSchema schema, string[] path)
        {
            var record = schema.Unwrapped;
            if (record.Kind != AvroKind.Record)
            {
                throw Error(path, $"expected a record, got {record.Kind}");
            }

            var slots = new (int Slot, Func<object?, object?> Read)[fields.Count];
            for (int i = 0; i < fields.Count; i++)
            {
                var field = fields[i];
                int slot = SlotOf(record, field.Id, path);
                if (slot < 0)
                {
                    object? constant = Missing(field);
                    slots[i] = (-1, _ => constant);
                }
                else
                {
                    slots[i] = (slot, Value(field.Type, record.Fields[slot].Schema, [.. path, record.Fields[slot].Name]));
                }
            }

            return value =>
            {
                if (value is not object?[] values)
                {
                    return null;
                }

                var row = new object?[slots.Length];
                for (int i = 0; i < row.Length; i++)
                {
                    row[i] = slots[i].Read(slots[i].Slot < 0 ? null : values[slots[i].Slot]);
                }

                return row;
            };
        }

        private object? Missing(NestedField field) => field.Type switch
        {
            StructType structure when field.Required || field.InitialDefault is not null => structure.Fields.Select(Missing).ToArray(),
            PrimitiveType => constantOf(field) ?? SingleValueJson.Read(field.Type, field.InitialDefault),
            _ => null,
        };

        private int SlotOf(AvroSchema record, int id, string[] path)
        {
            for (int i = 0; i < record.Fields.Count; i++)
            {
                var field = record.Fields[i];
                if ((mapping is null ? field.FieldId : mapping.Find([.. path, field.Name])?.FieldId) == id)
                {
                    return i;
                }
            }

            return -1;
        }

        private Func<object?, object?> Value(IcebergType type, AvroSchema schema, string[] path)
        {
            switch (type)
            {
                case StructType structure:
                    return Struct(structure.Fields, schema, path);
                case ListType list when schema.Unwrapped is { Kind: AvroKind.Array, Items: { } items }:
                    var element = Value(list.Element, items, [.. path, "element"]);
                    return value => (value as List<object?>)?.Select(element).ToList();
                case MapType map when schema.Unwrapped is { Kind: AvroKind.Map, Items: { } items }:
                    var item = Value(map.Value, items, [.. path, "value"]);
                    return value => (value as Dictionary<string, object?>)?.Select(pair => new KeyValuePair<object, object?>(pair.Key, item(pair.Value))).ToList();
                case MapType map when schema.Unwrapped is { IsKeyValueArray: true, Items: { } pair }:
                    var (key, mapped) = (Value(map.Key, pair.Fields[0].Schema, [.. path, "key"]), Value(map.Value, pair.Fields[1].Schema, [.. path, "value"]));
                    return value => Pairs(value)?.Select(one => new KeyValuePair<object, object?>(key(one.Key)!, mapped(one.Value))).ToList();
                case VariantType:
                    return Variant(schema.Unwrapped, path);
                case PrimitiveType primitive:
                    return Primitive(primitive, schema.Unwrapped, path);
                default:
                    throw Error(path, $"expected a {type.GetType().Name}, got {schema.Unwrapped.Kind}");
            }
        }

        /// <summary>A record of the two parts of a variant, by their names. https://iceberg.apache.org/spec/#avro</summary>
        private Func<object?, object?> Variant(AvroSchema record, string[] path)
        {
            int metadata = PartOf("metadata"), part = PartOf("value");
            return value => value is object?[] values ? new VariantBytes((byte[])values[metadata]!, (byte[])values[part]!) : null;

            int PartOf(string name)
            {
                for (int i = 0; i < record.Fields.Count; i++)
                {
                    if (record.Fields[i] is { Schema.Kind: AvroKind.Bytes } field && field.Name == name)
                    {
                        return i;
                    }
                }

                throw Error(path, $"expected variant, a record of metadata and value in bytes, got {record.Kind} in the file");
            }
        }

        private static IEnumerable<(object? Key, object? Value)>? Pairs(object? value) => value switch
        {
            null => null,
            // The decoder reads the maps of manifests in a form of their own.
            Dictionary<int, long> longs => longs.Select(pair => ((object?)pair.Key, (object?)pair.Value)),
            Dictionary<int, byte[]> binaries => binaries.Select(pair => ((object?)pair.Key, (object?)pair.Value)),
            _ => ((List<object?>)value).Select(pair => (((object?[])pair!)[0], ((object?[])pair)[1])),
        };

        private Func<object?, object?> Primitive(PrimitiveType type, AvroSchema schema, string[] path)
        {
            bool millis = schema.LogicalType is "timestamp-millis" or "time-millis" or "local-timestamp-millis";
            bool nanos = schema.LogicalType is "timestamp-nanos" or "local-timestamp-nanos";
            bool fits = (type, schema.Kind) switch
            {
                (BooleanType, AvroKind.Boolean) or (IntegerType or DateType, AvroKind.Int) or (LongType, AvroKind.Int or AvroKind.Long)
                    or (TimeType, AvroKind.Long or AvroKind.Int) or (TimestampType or TimestampNanoType, AvroKind.Long) or (FloatType, AvroKind.Float)
                    or (DoubleType, AvroKind.Float or AvroKind.Double) or (StringType, AvroKind.String) or (BinaryType, AvroKind.Bytes or AvroKind.Fixed)
                    or (GeometryType or GeographyType, AvroKind.Bytes) or (DecimalType, AvroKind.Fixed or AvroKind.Bytes) => true,
                (TimestampType or TimestampNanoType, AvroKind.Int) => schema.LogicalType == "date",
                (UuidType, AvroKind.Fixed) => schema.Size == 16,
                (FixedType(var length), AvroKind.Fixed) => schema.Size == length,
                (UnknownType, _) => true,
                _ => false,
            };
            if (!fits || (type is DecimalType x && schema.LogicalType == "decimal" && schema.Scale != x.Scale))
            {
                throw Error(path, $"expected {type.Spelling}, got {schema.Kind}{(schema.LogicalType is null ? "" : $" ({schema.LogicalType})")} in the file");
            }

            return (type, value: 0) switch
            {
                (UnknownType, _) => _ => null,
                (TimestampType, _) when schema.Kind == AvroKind.Int => value => value is int days ? days * 86_400_000_000 : null,
                (TimestampNanoType, _) when schema.Kind == AvroKind.Int => value => value is int days ? days * 86_400_000_000_000 : null,
                (TimestampType, _) when millis => value => value is long ms ? ms * 1000 : null,
                (TimestampType, _) when nanos => value => value is long one ? Transform.FloorDiv(one, 1000) : null,
                (TimestampNanoType, _) when !nanos => value => value is long one ? one * (millis ? 1_000_000 : 1000) : null,
                (TimeType, _) when schema.Kind == AvroKind.Int => value => value is int ms ? ms * 1000L : null,
                _ => value => PartitionTypes.FromAvro(schema, type, value),
            };
        }

        private IcebergFormatException Error(string[] path, string problem) => new(location, string.Join('.', path), problem);
    }
}
