using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.Json;
using OrleansLake.Iceberg;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Read;

/// <summary>
/// Writes rows of a file as JSON objects by the table's schema, in the form that the decoder reads: timestamps in ISO 8601,
/// bytes in base64, decimals as numbers with all their digits, maps as objects, variants as what they hold, shapes as well-known text.
/// </summary>
internal sealed class RowJson
{
    private readonly RowNode _root;
    private readonly LeafCursor[] _leaves;

    /// <summary>For files of one Parquet schema.</summary>
    public RowJson(Schema schema, ParquetSchema file) => (_root, _leaves) = RowNode.Bind(schema, file);

    /// <summary>Begins with a batch.</summary>
    public void Attach(ColumnBatch batch)
    {
        for (int i = 0; i < _leaves.Length; i++)
        {
            _leaves[i].Attach(batch.Columns[i]);
        }
    }

    /// <summary>Writes the next row.</summary>
    public void WriteRow(Utf8JsonWriter json) => WriteStruct(json, _root);

    private static void WriteStruct(Utf8JsonWriter json, RowNode node)
    {
        json.WriteStartObject();
        foreach (var (field, child) in node.Fields)
        {
            json.WritePropertyName(field.Name);
            Write(json, child);
        }

        foreach (var leaf in node.Dropped)
        {
            do
            {
                leaf.Advance();
            }
            while (leaf.Repetition > node.Repetition);
        }

        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, RowNode node)
    {
        if (node.Leaves.Count == 0)
        {
            json.WriteNullValue();
            return;
        }

        int definition = node.Leaves[0].Definition;
        if (definition < node.Definition)
        {
            json.WriteNullValue();
            node.Advance();
            return;
        }

        switch (node.Type)
        {
            case StructType:
                WriteStruct(json, node);
                break;
            case ListType:
                json.WriteStartArray();
                WriteElements(node, definition, () => Write(json, node.Element!));
                json.WriteEndArray();
                break;
            case MapType:
                json.WriteStartObject();
                WriteElements(node, definition, () =>
                {
                    json.WritePropertyName(KeyText(node.Key!));
                    Write(json, node.Element!);
                });
                json.WriteEndObject();
                break;
            case VariantType:
                VariantJson.Write(json, new Variant(BytesAt(node.Leaves[0].Buffer, node.Leaves[0].Value), BytesAt(node.Leaves[1].Buffer, node.Leaves[1].Value)));
                node.Advance();
                break;
            default:
                WriteValue(json, node.Type, node.Leaves[0]);
                node.Advance();
                break;
        }
    }

    private static void WriteElements(RowNode node, int definition, Action write)
    {
        if (definition == node.Definition)
        {
            node.Advance();
            return;
        }

        do
        {
            write();
        }
        while (node.Leaves[0].Repetition == node.ElementRepetition);
    }

    private static string KeyText(RowNode key)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            Write(json, key);
        }

        using var text = JsonDocument.Parse(stream.ToArray());
        return text.RootElement.ValueKind == JsonValueKind.String ? text.RootElement.GetString()! : text.RootElement.GetRawText();
    }

    private static void WriteValue(Utf8JsonWriter json, IcebergType type, LeafCursor leaf)
    {
        var buffer = leaf.Buffer;
        int i = leaf.Value;
        switch (type)
        {
            case BooleanType:
                json.WriteBooleanValue(buffer.Bytes[i] != 0);
                break;
            case IntegerType or LongType:
                json.WriteNumberValue(Integer(buffer, i));
                break;
            case FloatType:
                WriteFloating(json, buffer.Floats[i], () => json.WriteNumberValue(buffer.Floats[i]));
                break;
            case DoubleType:
                double value = buffer.Column.PhysicalType == PhysicalType.Float ? buffer.Floats[i] : buffer.Doubles[i];
                WriteFloating(json, value, () => json.WriteNumberValue(value));
                break;
            case DecimalType x:
                json.WriteRawValue(DecimalText(Unscaled(buffer, i), x.Scale), skipInputValidation: true);
                break;
            case DateType:
                json.WriteStringValue(TimeText.Date(Integer(buffer, i)));
                break;
            case TimeType:
                json.WriteStringValue(TimeText.Time(Integer(buffer, i)));
                break;
            case TimestampType x:
                json.WriteStringValue(TimeText.Timestamp(Micros(buffer, i)) + (x.WithZone ? "+00:00" : ""));
                break;
            case TimestampNanoType x:
                json.WriteStringValue(TimeText.TimestampNanos(Integer(buffer, i)) + (x.WithZone ? "+00:00" : ""));
                break;
            case StringType:
                json.WriteStringValue(BytesAt(buffer, i));
                break;
            case UuidType:
                json.WriteStringValue(new Guid(BytesAt(buffer, i), bigEndian: true));
                break;
            case GeometryType or GeographyType:
                json.WriteStringValue(WellKnownText.Of(BytesAt(buffer, i)) ?? Convert.ToHexStringLower(BytesAt(buffer, i)));
                break;
            default:
                json.WriteBase64StringValue(BytesAt(buffer, i));
                break;
        }
    }

    private static void WriteFloating(Utf8JsonWriter json, double value, Action write)
    {
        if (double.IsFinite(value))
        {
            write();
        }
        else
        {
            json.WriteStringValue(value.ToString(CultureInfo.InvariantCulture));
        }
    }

    private static long Integer(ColumnBuffer buffer, int i) => buffer.Column.PhysicalType == PhysicalType.Int32 ? buffer.Ints[i] : buffer.Longs[i];

    // Files of other writers may count in another unit.
    private static long Micros(ColumnBuffer buffer, int i) => buffer.Column.Node.LogicalType switch
    {
        LogicalType.Timestamp { Unit: TimeUnit.Millis } => checked(buffer.Longs[i] * 1000),
        LogicalType.Timestamp { Unit: TimeUnit.Nanos } => (long)Math.Floor(buffer.Longs[i] / 1000m),
        _ => buffer.Column.PhysicalType == PhysicalType.Int96 ? TimeText.Int96Micros(buffer.Bytes.AsSpan(i * 12, 12)) : buffer.Longs[i],
    };

    private static ReadOnlySpan<byte> BytesAt(ColumnBuffer buffer, int i) => buffer.Column.PhysicalType == PhysicalType.ByteArray
        ? buffer.Bytes.AsSpan(buffer.Offsets[i], buffer.Offsets[i + 1] - buffer.Offsets[i])
        : buffer.Bytes.AsSpan(i * buffer.Column.TypeLength, buffer.Column.TypeLength);

    private static Int128 Unscaled(ColumnBuffer buffer, int i)
    {
        if (buffer.Column.PhysicalType is PhysicalType.Int32 or PhysicalType.Int64)
        {
            return Integer(buffer, i);
        }

        Span<byte> wide = stackalloc byte[16];
        var bytes = BytesAt(buffer, i);
        wide.Fill(bytes.Length > 0 && bytes[0] >= 0x80 ? (byte)0xFF : (byte)0);
        bytes.CopyTo(wide[(16 - bytes.Length)..]);
        return BinaryPrimitives.ReadInt128BigEndian(wide);
    }

    private static string DecimalText(Int128 unscaled, int scale)
    {
        string digits = Int128.Abs(unscaled).ToString(CultureInfo.InvariantCulture).PadLeft(scale + 1, '0');
        var text = new StringBuilder(unscaled < 0 ? "-" : "").Append(digits, 0, digits.Length - scale);
        return scale == 0 ? text.ToString() : text.Append('.').Append(digits, digits.Length - scale, scale).ToString();
    }
}
