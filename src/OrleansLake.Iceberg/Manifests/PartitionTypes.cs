using System.Globalization;
using OrleansLake.Iceberg.Avro;

namespace OrleansLake.Iceberg;

/// <summary>The types of a spec's partition values, and their form in Avro.</summary>
internal static class PartitionTypes
{
    /// <summary>
    /// One a field of the spec. The source is looked up in the current schema, then in older ones, since a column may be
    /// dropped while files are partitioned by it; one that no schema has gives <see cref="UnknownType"/>.
    /// </summary>
    public static IReadOnlyList<IcebergType> Of(TableMetadata metadata, PartitionSpec spec)
    {
        var types = new List<IcebergType>(spec.Fields.Count);
        foreach (var field in spec.Fields)
        {
            var source = metadata.CurrentSchema.FindField(field.SourceId)
                ?? metadata.Schemas.Reverse().Select(schema => schema.FindField(field.SourceId)).FirstOrDefault(found => found is not null);
            types.Add(field.Transform.ResultType(source?.Type ?? new UnknownType()));
        }

        return types;
    }

    public static AvroSchema RecordOf(PartitionSpec spec, IReadOnlyList<IcebergType> types)
    {
        var fields = new List<AvroField>(spec.Fields.Count);
        for (int i = 0; i < types.Count; i++)
        {
            var field = spec.Fields[i];
            string name = AvroName.Safe(field.Name);
            fields.Add(new AvroField(name, AvroSchema.Optional(AvroOf(types[i])))
            {
                FieldId = field.FieldId,
                IcebergName = name == field.Name ? null : field.Name,
            });
        }

        return AvroSchema.Record("r102", fields);
    }

    private static AvroSchema AvroOf(IcebergType type) => type switch
    {
        BooleanType => AvroSchema.Boolean,
        IntegerType => AvroSchema.Int,
        LongType => AvroSchema.Long,
        FloatType => AvroSchema.Float,
        DoubleType => AvroSchema.Double,
        DateType => new AvroSchema(AvroKind.Int) { LogicalType = "date" },
        TimeType => new AvroSchema(AvroKind.Long) { LogicalType = "time-micros" },
        TimestampType(bool zone) => new AvroSchema(AvroKind.Long) { LogicalType = "timestamp-micros", AdjustToUtc = zone },
        TimestampNanoType(bool zone) => new AvroSchema(AvroKind.Long) { LogicalType = "timestamp-nanos", AdjustToUtc = zone },
        StringType or UnknownType => AvroSchema.String,
        UuidType => new AvroSchema(AvroKind.Fixed) { Name = "uuid_fixed", Size = 16, LogicalType = "uuid" },
        FixedType(int length) => new AvroSchema(AvroKind.Fixed) { Name = string.Create(CultureInfo.InvariantCulture, $"fixed_{length}"), Size = length },
        BinaryType => AvroSchema.Bytes,
        DecimalType(int precision, int scale) => new AvroSchema(AvroKind.Fixed)
        {
            Name = string.Create(CultureInfo.InvariantCulture, $"decimal_{precision}_{scale}"),
            Size = DecimalSize(precision),
            LogicalType = "decimal",
            Precision = precision,
            Scale = scale,
        },
        _ => throw new ArgumentException($"no table is partitioned by values of {type}"),
    };

    /// <summary>The fewest bytes that hold every number of so many digits.</summary>
    internal static int DecimalSize(int precision)
    {
        Int128 largest = 1;
        for (int i = 0; i < precision; i++)
        {
            largest *= 10;
        }

        return SingleValue.DecimalBytes(largest - 1).Length;
    }

    /// <summary>A partition value as <see cref="AvroContainerWriter"/> takes it.</summary>
    public static object? ToAvro(IcebergType type, object? value)
    {
        switch (type, value)
        {
            case (_, null):
                return null;
            case (DecimalType(int precision, int scale), Decimal128 number) when number.Scale == scale:
                var minimal = SingleValue.DecimalBytes(number.Unscaled);
                var wide = new byte[DecimalSize(precision)];
                if (minimal.Length > wide.Length)
                {
                    break;
                }

                wide.AsSpan().Fill(number.Unscaled < 0 ? (byte)0xFF : (byte)0);
                minimal.CopyTo(wide, wide.Length - minimal.Length);
                return wide;
            case (UuidType, Guid uuid):
                return uuid.ToByteArray(bigEndian: true);
            case (BooleanType, bool) or (IntegerType or DateType, int) or (LongType or TimeType or TimestampType or TimestampNanoType, long)
                or (FloatType, float) or (DoubleType, double) or (StringType, string) or (FixedType or BinaryType, byte[]):
                return value;
        }

        throw new ArgumentException($"expected a partition value of {type}, got {value} ({value.GetType().Name})");
    }

    /// <summary>A partition value as <see cref="PartitionKey"/> has it, widened where the column was promoted since.</summary>
    public static object? FromAvro(AvroSchema schema, IcebergType type, object? value) => (type, value) switch
    {
        (DecimalType(_, int scale), byte[] { Length: > 0 and <= 16 } bytes) => new Decimal128(SingleValue.DecimalFromBytes(bytes), scale),
        (UuidType, byte[] { Length: 16 } bytes) => new Guid(bytes, bigEndian: true),
        (UuidType, string text) when Guid.TryParse(text, out var uuid) => uuid,
        (LongType, int number) => (long)number,
        (DoubleType, float number) => (double)number,
        (UnknownType, byte[] { Length: > 0 and <= 16 } bytes) when schema.Unwrapped.LogicalType == "decimal" =>
            new Decimal128(SingleValue.DecimalFromBytes(bytes), schema.Unwrapped.Scale),
        _ => value,
    };
}
