using System.Buffers;
using System.Buffers.Binary;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;

namespace OrleansLake.Ingest.Decode.Protobuf;

/// <summary>Messages that are JSON: google/protobuf/struct.proto.</summary>
internal sealed partial class ProtoToAvro
{
    private static readonly JsonWriterOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, MaxDepth = 2 * MaxDepth };

    private readonly ArrayBufferWriter<byte> _json = new();

    private bool Json(ProtoShape shape, ReadOnlySpan<byte> value, int depth)
    {
        _json.ResetWrittenCount();
        using var writer = new Utf8JsonWriter(_json, Relaxed);
        bool isThere = shape switch
        {
            ProtoShape.JsonObject => JsonObject(writer, value, depth + 1),
            ProtoShape.JsonList => JsonList(writer, value, depth + 1),
            _ => JsonValue(writer, value, depth + 1),
        };
        if (!isThere)
        {
            writer.Reset();
            return false;
        }

        writer.Flush();
        var text = _json.WrittenSpan;
        if (shape == ProtoShape.JsonValue)
        {
            bool isNull = text.SequenceEqual("null"u8);
            Put(isNull ? (byte)0 : (byte)2);
            if (isNull)
            {
                return true;
            }
        }

        PutLong(text.Length);
        Put(text);
        return true;
    }

    private bool JsonObject(Utf8JsonWriter writer, ReadOnlySpan<byte> data, int depth)
    {
        writer.WriteStartObject();
        for (int at = 0; at < data.Length;)
        {
            if (!TryTag(data, ref at, out int number, out int wire) || !TryValue(data, ref at, number, wire, out int start))
            {
                return false;
            }

            if (number != 1 || wire != 2)
            {
                continue;
            }

            var entry = data[start..at];
            if (!TryFields(entry, 2, 2, out var name, out var value) || !IsText(entry[name]))
            {
                return false;
            }

            writer.WritePropertyName(entry[name]);
            if (!JsonValue(writer, entry[value], depth + 1))
            {
                return false;
            }
        }

        writer.WriteEndObject();
        return true;
    }

    private bool JsonList(Utf8JsonWriter writer, ReadOnlySpan<byte> data, int depth)
    {
        writer.WriteStartArray();
        for (int at = 0; at < data.Length;)
        {
            if (!TryTag(data, ref at, out int number, out int wire)
                || !TryValue(data, ref at, number, wire, out int start)
                || (number == 1 && wire == 2 && !JsonValue(writer, data[start..at], depth + 1)))
            {
                return false;
            }
        }

        writer.WriteEndArray();
        return true;
    }

    private bool JsonValue(Utf8JsonWriter writer, ReadOnlySpan<byte> data, int depth)
    {
        if (depth > MaxDepth)
        {
            return Fail(RejectReason.TooDeep, $"expected at most {MaxDepth} messages within each other");
        }

        // One of several: the last.
        int kind = 1;
        ReadOnlySpan<byte> value = default;
        for (int at = 0; at < data.Length;)
        {
            if (!TryTag(data, ref at, out int number, out int wire) || !TryValue(data, ref at, number, wire, out int start))
            {
                return false;
            }

            if ((number, wire) is (1 or 4, 0) or (2, 1) or (3 or 5 or 6, 2))
            {
                kind = number;
                value = data[start..at];
            }
        }

        switch (kind)
        {
            case 2:
                double number = BinaryPrimitives.ReadDoubleLittleEndian(value);
                if (double.IsFinite(number))
                {
                    writer.WriteNumberValue(number);
                }
                else
                {
                    writer.WriteStringValue(double.IsNaN(number) ? "NaN" : number > 0 ? "Infinity" : "-Infinity");
                }

                return true;
            case 3:
                if (!IsText(value))
                {
                    return false;
                }

                writer.WriteStringValue(value);
                return true;
            case 4:
                int at = 0;
                bool isRead = TryVarint(value, ref at, out ulong flag);
                writer.WriteBooleanValue(flag != 0);
                return isRead;
            case 5:
                return JsonObject(writer, value, depth + 1);
            case 6:
                return JsonList(writer, value, depth + 1);
            default:
                writer.WriteNullValue();
                return true;
        }
    }

    private bool IsText(ReadOnlySpan<byte> text) => Utf8.IsValid(text) || Fail(RejectReason.InvalidUtf8, "expected UTF-8, got a string that is not");
}
