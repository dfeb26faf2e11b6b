using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace OrleansLake.Ingest.Decode.Avro;

/// <summary>An enum that is told by its number: its name, or the number where it has none.</summary>
internal sealed class NumberedEnumStep(JsonNode node, AvroType type) : AvroStep
{
    private readonly Dictionary<int, byte[]> _names = type.Numbers!.ToDictionary(name => name.Key, name => Encoding.UTF8.GetBytes(name.Value));

    public override bool Read(ref AvroCursor cursor, int repetition, int row)
    {
        if (!cursor.TryLong(out long number))
        {
            return false;
        }

        // A later version of the schema may have names for more.
        byte[] name = _names.TryGetValue((int)number, out byte[]? known) ? known : Encoding.ASCII.GetBytes(number.ToString(CultureInfo.InvariantCulture));
        KafkaBytes.Add(node.Leaf!, name, repetition);
        return true;
    }
}

/// <summary>google.protobuf.Timestamp: seconds and nanoseconds since 1970.</summary>
internal sealed class InstantStep(JsonNode node, bool cutFraction) : AvroStep
{
    public override bool Read(ref AvroCursor cursor, int repetition, int row)
    {
        if (!cursor.TryBytes(12, out var bytes))
        {
            return false;
        }

        long seconds = BinaryPrimitives.ReadInt64LittleEndian(bytes);
        int nanos = BinaryPrimitives.ReadInt32LittleEndian(bytes[8..]);
        if (nanos is < 0 or > 999_999_999)
        {
            return cursor.Fail(RejectReason.OutOfRange, string.Create(CultureInfo.InvariantCulture, $"expected nanoseconds from 0 to 999999999, got {nanos}"));
        }

        if (!node.Nanos && nanos % 1000 != 0 && !cutFraction)
        {
            return cursor.Fail(RejectReason.Inexact, string.Create(CultureInfo.InvariantCulture, $"expected {node.TypeName}, got {nanos} nanoseconds"));
        }

        Int128 count = node.Nanos ? ((Int128)seconds * 1_000_000_000) + nanos : ((Int128)seconds * 1_000_000) + (nanos / 1000);
        if (count != (long)count)
        {
            return cursor.Fail(RejectReason.OutOfRange, string.Create(CultureInfo.InvariantCulture, $"expected {node.TypeName}, got {seconds} seconds"));
        }

        node.Leaf!.AddLong((long)count, repetition);
        return true;
    }
}

/// <summary>google.protobuf.Duration to a number of seconds.</summary>
internal sealed class SecondsStep(JsonNode node) : AvroStep
{
    public override bool Read(ref AvroCursor cursor, int repetition, int row)
    {
        if (!cursor.TryBytes(12, out var bytes))
        {
            return false;
        }

        Int128 nanos = ((Int128)BinaryPrimitives.ReadInt64LittleEndian(bytes) * 1_000_000_000) + BinaryPrimitives.ReadInt32LittleEndian(bytes[8..]);
        if (node.Kind == JsonKind.Decimal)
        {
            // Zeros at the end are no digits that a scale must hold.
            int scale = 9;
            for (; scale > 0 && nanos % 10 == 0; scale--)
            {
                nanos /= 10;
            }

            return AvroDecimals.Add(ref cursor, node, nanos, scale, repetition);
        }

        node.Leaf!.AddDouble((double)nanos / 1e9, repetition);
        return true;
    }
}

/// <summary>google.protobuf.Timestamp and Duration as text.</summary>
internal sealed class SecondsTextStep(JsonNode node, AvroType type) : AvroStep
{
    public override bool Read(ref AvroCursor cursor, int repetition, int row)
    {
        if (!cursor.TryBytes(12, out var bytes))
        {
            return false;
        }

        KafkaBytes.Add(node.Leaf!, Encoding.ASCII.GetBytes(AvroJson.SecondsText(type, bytes)), repetition);
        return true;
    }
}

/// <summary>A map's key that is no text, as one.</summary>
internal sealed class KeyTextStep(AvroType type, JsonNode node) : AvroStep
{
    public override bool Read(ref AvroCursor cursor, int repetition, int row)
    {
        if (!TryKey(ref cursor, type, out string text))
        {
            return false;
        }

        KafkaBytes.Add(node.Leaf!, Encoding.ASCII.GetBytes(text), repetition);
        return true;
    }

    /// <summary>The text of a key.</summary>
    public static bool TryKey(ref AvroCursor cursor, AvroType type, out string text)
    {
        bool isThere;
        if (type.Kind == AvroTypeKind.Boolean)
        {
            isThere = cursor.TryBoolean(out byte flag);
            text = flag == 1 ? "true" : "false";
        }
        else
        {
            isThere = cursor.TryLong(out long number);
            text = type.LogicalType == "unsigned" ? ((ulong)number).ToString(CultureInfo.InvariantCulture) : number.ToString(CultureInfo.InvariantCulture);
        }

        return isThere;
    }
}

/// <summary>A value of any type as its JSON text.</summary>
internal sealed class TextStep(AvroType type, JsonNode node, JsonState state) : AvroStep
{
    public override bool Read(ref AvroCursor cursor, int repetition, int row)
    {
        if (!AvroJson.TryWrite(ref cursor, type, state.Texts.Begin(), 0))
        {
            return false;
        }

        KafkaBytes.Add(node.Leaf!, state.Texts.End(), repetition);
        state.Changed.Add(node);
        return true;
    }
}

/// <summary>A value of any type as a variant: the document that it would have been.</summary>
internal sealed unsafe class VariantStep(AvroType type, JsonNode node, JsonState state) : AvroStep
{
    public override bool Read(ref AvroCursor cursor, int repetition, int row)
    {
        if (!AvroJson.TryWrite(ref cursor, type, state.Texts.Begin(), 0))
        {
            return false;
        }

        byte* from = state.Texts.End(out int length);
        state.Row = row;
        return JsonRows<ScanScalar>.Variant(node, from, from + length, repetition, state) != null || JsonStep.Fail(ref cursor, state);
    }
}

/// <summary>A string that says a time, or a number where numbers may stand in strings: as JSON's strings are read.</summary>
internal sealed unsafe class ParsedStep(JsonNode node, JsonState state) : AvroStep
{
    public override bool Read(ref AvroCursor cursor, int repetition, int row)
    {
        if (!BytesStep.TryText(ref cursor, out var text))
        {
            return false;
        }

        byte* from = state.Texts.Keep(text);
        byte* to = from + text.Length;
        bool isRead = node.Kind is JsonKind.Date or JsonKind.Time or JsonKind.Timestamp
            ? JsonRows<ScanScalar>.AddText(node, from, text.Length, repetition, from, to, state)
            : JsonRows<ScanScalar>.AddNumberInText(node, from, text.Length, repetition, from, to, state) != null;
        return isRead || JsonStep.Fail(ref cursor, state);
    }
}

/// <summary>JSON in a string, to columns of structs, lists and maps: as a document's.</summary>
internal sealed unsafe class JsonStep : AvroStep
{
    private readonly JsonNode _node;
    private readonly JsonState _state;

    public JsonStep(JsonNode node, JsonState state)
    {
        (_node, _state) = (node, state);
        JsonRows<ScanScalar>.Prepare(node);
    }

    public override bool Read(ref AvroCursor cursor, int repetition, int row)
    {
        if (!cursor.TryBytes(out var text))
        {
            return false;
        }

        byte* from = _state.Texts.Keep(text);
        return JsonRows<ScanScalar>.Value(_node, from, from + text.Length, repetition, _state) != null || Fail(ref cursor, _state);
    }

    /// <summary>Says what the reader of JSON said.</summary>
    public static bool Fail(ref AvroCursor cursor, JsonState state)
    {
        var failure = state.Failure;
        if (failure.Duplicate)
        {
            cursor.Fail(RejectReason.WrongType, "expected names that are all different, got one twice");
        }
        else
        {
            cursor.Fail(failure.Reason, failure.Message);
            if (failure.Path.Length > 0)
            {
                cursor.In(failure.Path);
            }
        }

        failure.Reset();
        return false;
    }
}
