using System.Buffers.Binary;
using System.Globalization;
using System.Text.Json;
using OrleansLake.Ingest.Read;

namespace OrleansLake.Ingest.Decode.Avro;

/// <summary>Values as the JSON that a document would have of them: what the decoder for JSON reads into the same columns.</summary>
internal static class AvroJson
{
    /// <summary>Writes a value.</summary>
    public static bool TryWrite(ref AvroCursor cursor, AvroType type, Utf8JsonWriter writer, int depth)
    {
        if (depth > JsonPlanCompiler.MaxDepth)
        {
            return cursor.Fail(RejectReason.TooDeep, $"expected at most {JsonPlanCompiler.MaxDepth} records, arrays and maps within each other");
        }

        switch (type.Kind)
        {
            case AvroTypeKind.Null:
                writer.WriteNullValue();
                return true;
            case AvroTypeKind.Boolean:
                bool isBoolean = cursor.TryBoolean(out byte flag);
                writer.WriteBooleanValue(flag == 1);
                return isBoolean;
            case AvroTypeKind.Int or AvroTypeKind.Long:
                bool isLong = cursor.TryLong(out long number);
                Integer(type, number, writer);
                return isLong;
            case AvroTypeKind.Float:
                bool isFloat = cursor.TryFloat(out float single);
                if (float.IsFinite(single))
                {
                    writer.WriteNumberValue(single);
                }
                else
                {
                    writer.WriteStringValue(NotFinite(single));
                }

                return isFloat;
            case AvroTypeKind.Double:
                bool isDouble = cursor.TryDouble(out double real);
                if (double.IsFinite(real))
                {
                    writer.WriteNumberValue(real);
                }
                else
                {
                    writer.WriteStringValue(NotFinite(real));
                }

                return isDouble;
            case AvroTypeKind.String when type.LogicalType == "json":
                bool isJson = cursor.TryBytes(out var json);
                writer.WriteRawValue(json, skipInputValidation: true);
                return isJson;
            case AvroTypeKind.String:
                if (!BytesStep.TryText(ref cursor, out var text))
                {
                    return false;
                }

                writer.WriteStringValue(text);
                return true;
            case AvroTypeKind.Enum:
                if (!cursor.TryLong(out long symbol) || (ulong)symbol >= (ulong)type.Symbols.Length)
                {
                    return cursor.Malformed($"one of {type.Symbols.Length} symbols of {type.Name}");
                }

                writer.WriteStringValue(type.Symbols[symbol]);
                return true;
            case AvroTypeKind.Bytes or AvroTypeKind.Fixed:
                return Bytes(ref cursor, type, writer);
            case AvroTypeKind.Union:
                return cursor.TryLong(out long branch)
                    && ((ulong)branch < (ulong)type.Branches.Count ? TryWrite(ref cursor, type.Branches[(int)branch], writer, depth + 1) : cursor.Malformed("a branch of the union"));
            case AvroTypeKind.Record:
                return Record(ref cursor, type, writer, depth);
            case AvroTypeKind.Array or AvroTypeKind.Map:
                return Elements(ref cursor, type, writer, depth);
            default:
                return Unread(ref cursor, writer);
        }
    }

    /// <summary>Seconds and nanoseconds as google.protobuf's own JSON has them: a time in UTC, or a number of seconds.</summary>
    public static string SecondsText(AvroType type, ReadOnlySpan<byte> bytes)
    {
        long seconds = BinaryPrimitives.ReadInt64LittleEndian(bytes);
        int nanos = BinaryPrimitives.ReadInt32LittleEndian(bytes[8..]);
        if (type.LogicalType == "instant")
        {
            Int128 all = ((Int128)seconds * 1_000_000_000) + nanos;
            long micros = (long)Int128.Clamp((all / 1000) - (all % 1000 < 0 ? 1 : 0), long.MinValue, long.MaxValue);
            int rest = (int)(all - ((Int128)micros * 1000));
            string text = TimeText.Timestamp(micros);
            return (rest is > 0 and < 1000 ? text + rest.ToString("D3", CultureInfo.InvariantCulture) : text) + "Z";
        }

        bool isNegative = seconds < 0 || nanos < 0;
        string fraction = nanos == 0 ? "" : "." + Math.Abs((long)nanos).ToString("D9", CultureInfo.InvariantCulture).TrimEnd('0');
        return string.Create(CultureInfo.InvariantCulture, $"{(isNegative ? "-" : "")}{Int128.Abs((Int128)seconds)}{fraction}s");
    }

    /// <summary>A whole number, by what it means.</summary>
    public static void Integer(AvroType type, long value, Utf8JsonWriter writer)
    {
        switch (type.LogicalType)
        {
            case "unsigned":
                writer.WriteNumberValue((ulong)value);
                break;
            case "enum" when type.Numbers!.TryGetValue((int)value, out string? name):
                writer.WriteStringValue(name);
                break;
            case "date":
                writer.WriteStringValue(TimeText.Date(value));
                break;
            case "time-millis" when value is >= 0 and < 86_400_000:
                writer.WriteStringValue(TimeText.Time(value * 1000));
                break;
            case "time-micros" when value is >= 0 and < 86_400_000_000:
                writer.WriteStringValue(TimeText.Time(value));
                break;
            case "timestamp-millis" or "local-timestamp-millis" when Int128.Abs(value) < long.MaxValue / 1000:
                writer.WriteStringValue(TimeText.Timestamp(value * 1000) + Zone(type));
                break;
            case "timestamp-micros" or "local-timestamp-micros":
                writer.WriteStringValue(TimeText.Timestamp(value) + Zone(type));
                break;
            case "timestamp-nanos" or "local-timestamp-nanos":
                writer.WriteStringValue(TimeText.TimestampNanos(value) + Zone(type));
                break;
            default:
                writer.WriteNumberValue(value);
                break;
        }
    }

    private static string Zone(AvroType type) => type.LogicalType![0] == 'l' ? "" : "+00:00";

    private static string NotFinite(double value) => double.IsNaN(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";

    private static bool Bytes(ref AvroCursor cursor, AvroType type, Utf8JsonWriter writer)
    {
        bool isThere = type.Kind == AvroTypeKind.Fixed ? cursor.TryBytes(type.Size, out var bytes) : cursor.TryBytes(out bytes);
        if (!isThere)
        {
            return false;
        }

        if (type.LogicalType is "instant" or "seconds")
        {
            writer.WriteStringValue(SecondsText(type, bytes));
        }
        else if (type.LogicalType == "decimal" && AvroCursor.TryUnscaled(bytes, out var unscaled))
        {
            string digits = Int128.Abs(unscaled).ToString(CultureInfo.InvariantCulture).PadLeft(type.Scale + 1, '0');
            writer.WriteRawValue($"{(unscaled < 0 ? "-" : "")}{digits[..^type.Scale]}{(type.Scale > 0 ? "." : "")}{digits[^type.Scale..]}");
        }
        else
        {
            writer.WriteBase64StringValue(bytes);
        }

        return true;
    }

    private static bool Record(ref AvroCursor cursor, AvroType type, Utf8JsonWriter writer, int depth)
    {
        writer.WriteStartObject();
        foreach (var (name, field) in type.Fields)
        {
            if (field.Kind == AvroTypeKind.Unread)
            {
                if (!Unread(ref cursor, name, writer))
                {
                    return false;
                }

                continue;
            }

            // Null says no more than nothing does.
            if (cursor.IsNothing(field))
            {
                if (!cursor.Skip(field, depth + 1))
                {
                    return cursor.In(name);
                }

                continue;
            }

            writer.WritePropertyName(name);
            if (!TryWrite(ref cursor, field, writer, depth + 1))
            {
                return cursor.In(name);
            }
        }

        writer.WriteEndObject();
        return true;
    }

    private static bool Elements(ref AvroCursor cursor, AvroType type, Utf8JsonWriter writer, int depth)
    {
        bool isMap = type.Kind == AvroTypeKind.Map;
        if (isMap)
        {
            writer.WriteStartObject();
        }
        else
        {
            writer.WriteStartArray();
        }

        long total = 0;
        while (true)
        {
            if (!cursor.TryBlock(ref total, out long count))
            {
                return false;
            }

            if (count == 0)
            {
                break;
            }

            for (; count > 0; count--)
            {
                if ((isMap && !Key(ref cursor, type.Keys, writer)) || !TryWrite(ref cursor, type.Items!, writer, depth + 1))
                {
                    return false;
                }
            }
        }

        if (isMap)
        {
            writer.WriteEndObject();
        }
        else
        {
            writer.WriteEndArray();
        }

        return true;
    }

    private static bool Key(ref AvroCursor cursor, AvroType? type, Utf8JsonWriter writer)
    {
        if (type is null)
        {
            bool isText = BytesStep.TryText(ref cursor, out var key);
            writer.WritePropertyName(key);
            return isText;
        }

        bool isThere = KeyTextStep.TryKey(ref cursor, type, out string text);
        writer.WritePropertyName(text);
        return isThere;
    }

    private static bool Unread(ref AvroCursor cursor, Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        bool isThere = Unread(ref cursor, "", writer);
        writer.WriteEndObject();
        return isThere;
    }

    private static bool Unread(ref AvroCursor cursor, string name, Utf8JsonWriter writer)
    {
        while (cursor.TryLong(out long number))
        {
            if (number == 0)
            {
                return true;
            }

            if (!cursor.TryBytes(out var text))
            {
                return false;
            }

            writer.WritePropertyName(name.Length > 0 ? name : string.Create(CultureInfo.InvariantCulture, $"#{number}"));
            writer.WriteRawValue(text, skipInputValidation: true);
        }

        return false;
    }
}
