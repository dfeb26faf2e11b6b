using OrleansLake.Parquet.Thrift;

namespace OrleansLake.Parquet.Footers;

/// <summary>What logical types were before there were any.</summary>
internal enum ConvertedType
{
    Utf8 = 0,
    Map = 1,
    MapKeyValue = 2,
    List = 3,
    Enum = 4,
    Decimal = 5,
    Date = 6,
    TimeMillis = 7,
    TimeMicros = 8,
    TimestampMillis = 9,
    TimestampMicros = 10,
    UInt8 = 11,
    UInt16 = 12,
    UInt32 = 13,
    UInt64 = 14,
    Int8 = 15,
    Int16 = 16,
    Int32 = 17,
    Int64 = 18,
    Json = 19,
    Bson = 20,
    Interval = 21,
}

/// <summary>Logical types in the footer, with the converted types that older readers go by.</summary>
internal static class LogicalTypes
{
    public static ConvertedType? ToConverted(LogicalType? type) => type switch
    {
        LogicalType.String => ConvertedType.Utf8,
        LogicalType.Map => ConvertedType.Map,
        LogicalType.List => ConvertedType.List,
        LogicalType.Enum => ConvertedType.Enum,
        LogicalType.Decimal => ConvertedType.Decimal,
        LogicalType.Date => ConvertedType.Date,

        // Converted times always meant UTC.
        // https://github.com/apache/parquet-format/blob/master/LogicalTypes.md#deprecated-time-convertedtype
        LogicalType.Time(TimeUnit.Millis, true) => ConvertedType.TimeMillis,
        LogicalType.Time(TimeUnit.Micros, true) => ConvertedType.TimeMicros,
        LogicalType.Timestamp(TimeUnit.Millis, true) => ConvertedType.TimestampMillis,
        LogicalType.Timestamp(TimeUnit.Micros, true) => ConvertedType.TimestampMicros,
        LogicalType.Integer(8, true) => ConvertedType.Int8,
        LogicalType.Integer(16, true) => ConvertedType.Int16,
        LogicalType.Integer(32, true) => ConvertedType.Int32,
        LogicalType.Integer(64, true) => ConvertedType.Int64,
        LogicalType.Integer(8, false) => ConvertedType.UInt8,
        LogicalType.Integer(16, false) => ConvertedType.UInt16,
        LogicalType.Integer(32, false) => ConvertedType.UInt32,
        LogicalType.Integer(64, false) => ConvertedType.UInt64,
        LogicalType.Json => ConvertedType.Json,
        LogicalType.Bson => ConvertedType.Bson,
        _ => null,
    };

    public static LogicalType? FromConverted(ConvertedType type, int precision, int scale) => type switch
    {
        ConvertedType.Utf8 => new LogicalType.String(),
        ConvertedType.Map or ConvertedType.MapKeyValue => new LogicalType.Map(),
        ConvertedType.List => new LogicalType.List(),
        ConvertedType.Enum => new LogicalType.Enum(),
        ConvertedType.Decimal => new LogicalType.Decimal(precision, scale),
        ConvertedType.Date => new LogicalType.Date(),
        ConvertedType.TimeMillis => new LogicalType.Time(TimeUnit.Millis, true),
        ConvertedType.TimeMicros => new LogicalType.Time(TimeUnit.Micros, true),
        ConvertedType.TimestampMillis => new LogicalType.Timestamp(TimeUnit.Millis, true),
        ConvertedType.TimestampMicros => new LogicalType.Timestamp(TimeUnit.Micros, true),
        ConvertedType.Int8 => new LogicalType.Integer(8, true),
        ConvertedType.Int16 => new LogicalType.Integer(16, true),
        ConvertedType.Int32 => new LogicalType.Integer(32, true),
        ConvertedType.Int64 => new LogicalType.Integer(64, true),
        ConvertedType.UInt8 => new LogicalType.Integer(8, false),
        ConvertedType.UInt16 => new LogicalType.Integer(16, false),
        ConvertedType.UInt32 => new LogicalType.Integer(32, false),
        ConvertedType.UInt64 => new LogicalType.Integer(64, false),
        ConvertedType.Json => new LogicalType.Json(),
        ConvertedType.Bson => new LogicalType.Bson(),
        _ => null,
    };

    public static void Write(ThriftWriter writer, short fieldId, LogicalType type)
    {
        writer.BeginStruct(fieldId);
        switch (type)
        {
            case LogicalType.String: writer.EmptyStruct(1); break;
            case LogicalType.Map: writer.EmptyStruct(2); break;
            case LogicalType.List: writer.EmptyStruct(3); break;
            case LogicalType.Enum: writer.EmptyStruct(4); break;
            case LogicalType.Decimal(var precision, var scale):
                writer.BeginStruct(5);
                writer.Int32(1, scale);
                writer.Int32(2, precision);
                writer.EndStruct();
                break;
            case LogicalType.Date: writer.EmptyStruct(6); break;
            case LogicalType.Time(var unit, var utc): WriteTime(writer, 7, unit, utc); break;
            case LogicalType.Timestamp(var unit, var utc): WriteTime(writer, 8, unit, utc); break;
            case LogicalType.Integer(var width, var signed):
                writer.BeginStruct(10);
                writer.Byte(1, (sbyte)width);
                writer.Bool(2, signed);
                writer.EndStruct();
                break;
            case LogicalType.Unknown: writer.EmptyStruct(11); break;
            case LogicalType.Json: writer.EmptyStruct(12); break;
            case LogicalType.Bson: writer.EmptyStruct(13); break;
            case LogicalType.Uuid: writer.EmptyStruct(14); break;
            case LogicalType.Float16: writer.EmptyStruct(15); break;
            case LogicalType.Variant(var version):
                writer.BeginStruct(16);
                writer.Byte(1, (sbyte)version);
                writer.EndStruct();
                break;
            case LogicalType.Geometry(var crs):
                writer.BeginStruct(17);
                if (crs is not null)
                {
                    writer.String(1, crs);
                }

                writer.EndStruct();
                break;
            case LogicalType.Geography(var crs, var algorithm):
                writer.BeginStruct(18);
                if (crs is not null)
                {
                    writer.String(1, crs);
                }

                if (algorithm is not null)
                {
                    writer.Int32(2, EdgeAlgorithmNumber(algorithm));
                }

                writer.EndStruct();
                break;
        }

        writer.EndStruct();
    }

    /// <summary>The type that the union holds; null for one that this library does not know.</summary>
    public static LogicalType? Read(ref ThriftReader reader)
    {
        reader.ExpectStruct();
        LogicalType? type = null;
        short id = 0;
        while (reader.NextField(ref id))
        {
            reader.ExpectStruct();
            var detail = ReadDetail(ref reader);
            type = id switch
            {
                1 => new LogicalType.String(),
                2 => new LogicalType.Map(),
                3 => new LogicalType.List(),
                4 => new LogicalType.Enum(),
                5 => new LogicalType.Decimal(detail.Second, detail.First),
                6 => new LogicalType.Date(),
                7 => new LogicalType.Time(detail.Unit, detail.Flag),
                8 => new LogicalType.Timestamp(detail.Unit, detail.Flag),
                10 => new LogicalType.Integer(detail.First, detail.Flag),
                11 => new LogicalType.Unknown(),
                12 => new LogicalType.Json(),
                13 => new LogicalType.Bson(),
                14 => new LogicalType.Uuid(),
                15 => new LogicalType.Float16(),
                16 => new LogicalType.Variant(detail.First),
                17 => new LogicalType.Geometry(detail.Text),
                18 => new LogicalType.Geography(detail.Text, EdgeAlgorithmName(detail.Second)),
                _ => null,
            };
        }

        return type;
    }

    private static void WriteTime(ThriftWriter writer, short id, TimeUnit unit, bool utc)
    {
        writer.BeginStruct(id);
        writer.Bool(1, utc);
        writer.BeginStruct(2);
        writer.EmptyStruct((short)(unit + 1));
        writer.EndStruct();
        writer.EndStruct();
    }

    // The members of the union have at most two fields each, and no two of them share a number and a Thrift type with
    // different meanings, so one reader does for all.
    private static Detail ReadDetail(ref ThriftReader reader)
    {
        var detail = new Detail { Second = -1 };
        short id = 0;
        while (reader.NextField(ref id))
        {
            switch (id, reader.FieldType)
            {
                case (1 or 2, ThriftType.True or ThriftType.False): detail.Flag = reader.Bool(); break;
                case (1, ThriftType.Byte or ThriftType.Int32): detail.First = reader.Int32(); break;
                case (2, ThriftType.Int32): detail.Second = reader.Int32(); break;
                case (1, ThriftType.Binary): detail.Text = reader.String(); break;
                case (2, ThriftType.Struct): detail.Unit = ReadUnit(ref reader); break;
                default: reader.Skip(); break;
            }
        }

        return detail;
    }

    private static TimeUnit ReadUnit(ref ThriftReader reader)
    {
        var unit = TimeUnit.Millis;
        short id = 0;
        while (reader.NextField(ref id))
        {
            unit = id is >= 1 and <= 3
                ? (TimeUnit)(id - 1)
                : throw new ParquetFormatException($"schema: expected a unit of time, got {id}");
            reader.Skip();
        }

        return unit;
    }

    private static readonly string[] EdgeAlgorithms = ["spherical", "vincenty", "thomas", "andoyer", "karney"];

    private static int EdgeAlgorithmNumber(string name) => Math.Max(0, Array.IndexOf(EdgeAlgorithms, name));

    private static string? EdgeAlgorithmName(int number) =>
        number >= 0 && number < EdgeAlgorithms.Length ? EdgeAlgorithms[number] : null;

    private struct Detail
    {
        public int First;
        public int Second;
        public bool Flag;
        public string? Text;
        public TimeUnit Unit;
    }
}
