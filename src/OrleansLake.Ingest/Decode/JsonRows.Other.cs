using System.Buffers;
using System.Buffers.Binary;
using System.Buffers.Text;
using System.Runtime.CompilerServices;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Decode;

/// <summary>Nulls, rarer types, map keys, and tokens that do not fit.</summary>
internal static unsafe partial class JsonRows<TScan>
{
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static byte* Other(JsonNode node, byte* p, byte* end, int repetition, JsonState state)
    {
        if (p >= end)
        {
            return state.Failure.Malformed("a value", p, end);
        }

        if (Unsafe.ReadUnaligned<uint>(p) == JsonLiterals.Null)
        {
            if (node.Required)
            {
                return state.Failure.Fail(RejectReason.MissingRequired, $"expected {node.TypeName}, got null");
            }

            node.AddAbsent(node.NullDefinition, repetition, state.Row);
            return p + 4;
        }

        switch (node.Kind)
        {
            case JsonKind.Float or JsonKind.Decimal when StartsNumber(p):
                byte* behind = JsonNumbers.Read(p, out var token);
                return behind == null ? state.Failure.Malformed("a number", p, end)
                    : AddNumber(node, token, repetition, p, behind, state) ? behind : null;

            case JsonKind.Date or JsonKind.Time or JsonKind.Timestamp or JsonKind.Uuid or JsonKind.Fixed or JsonKind.Binary when *p == '"':
                behind = Text(p, end, state, out byte* text, out int length, out _);
                return behind != null && AddText(node, text, length, repetition, p, behind, state) ? behind : null;

            case JsonKind.Boolean or JsonKind.Int or JsonKind.Long or JsonKind.Float or JsonKind.Double or JsonKind.Decimal when *p == '"' && node.FromText:
                behind = Text(p, end, state, out text, out length, out _);
                return behind == null ? null : AddNumberInText(node, text, length, repetition, p, behind, state);

            case JsonKind.Timestamp or JsonKind.Date when node.Epoch != EpochUnit.None && StartsNumber(p):
                behind = JsonNumbers.Read(p, out token);
                return behind == null ? state.Failure.Malformed("a number", p, end)
                    : AddEpoch(node, token, repetition, p, behind, state) ? behind : null;
        }

        byte* rest = JsonSkip<TScan>.Value(p, end, node.Depth, state.Failure);
        return rest == null ? null : state.Failure.Unfit(RejectReason.WrongType, node.TypeName, p, rest);
    }

    private static bool AddNumber(JsonNode node, in NumberToken token, int repetition, byte* from, byte* to, JsonState state)
    {
        var leaf = node.Leaf!;
        var reason = RejectReason.OutOfRange;
        switch (node.Kind)
        {
            case JsonKind.Long when JsonNumbers.TryLong(token, out long value, out reason):
                leaf.AddLong(value, repetition);
                return true;
            case JsonKind.Int when JsonNumbers.TryLong(token, out long value, out reason) && value == (int)value:
                leaf.AddInt((int)value, repetition);
                return true;
            case JsonKind.Double when JsonNumbers.TryDouble(token, out double value):
                leaf.AddDouble(value, repetition);
                return true;
            case JsonKind.Float when JsonNumbers.TryFloat(token, out float value):
                leaf.AddFloat(value, repetition);
                return true;
            case JsonKind.Decimal when JsonNumbers.TryUnscaled(token, node.Precision, node.Scale, out var value, out reason):
                AddDecimal(leaf, value, repetition);
                return true;
            default:
                state.Failure.Unfit(reason == RejectReason.Inexact ? reason : RejectReason.OutOfRange, node.TypeName, from, to);
                return false;
        }
    }

    private static void AddDecimal(LeafColumn leaf, Int128 value, int repetition)
    {
        switch (leaf.Column.PhysicalType)
        {
            case PhysicalType.Int32:
                leaf.AddInt((int)value, repetition);
                break;
            case PhysicalType.Int64:
                leaf.AddLong((long)value, repetition);
                break;
            default:
                Span<byte> bytes = stackalloc byte[16];
                BinaryPrimitives.WriteInt128BigEndian(bytes, value);
                bytes[(16 - leaf.TypeLength)..].CopyTo(leaf.AddFixed(repetition));
                break;
        }
    }

    internal static bool AddText(JsonNode node, byte* text, int length, int repetition, byte* from, byte* to, JsonState state)
    {
        var leaf = node.Leaf!;
        switch (node.Kind)
        {
            case JsonKind.Date when length == 10 && JsonTimes.TryDate(text, out int days):
                leaf.AddInt(days, repetition);
                return true;
            case JsonKind.Time:
                var error = JsonTimes.TryTime(text, length, state.CutFraction, out long micros);
                if (error != TimeError.None)
                {
                    Unfit(error, node, from, to, state);
                    return false;
                }

                leaf.AddLong(micros, repetition);
                return true;
            case JsonKind.Timestamp or JsonKind.Date when node.FromText && length > 0 && StartsNumber(text)
                && JsonNumbers.Read(text, out var token) == text + length:
                return AddEpoch(node, token, repetition, from, to, state);
            case JsonKind.Timestamp:
                error = JsonTimes.TryTimestamp(text, length, node, state.CutFraction, out micros);
                if (error != TimeError.None)
                {
                    Unfit(error, node, from, to, state);
                    return false;
                }

                leaf.AddLong(micros, repetition);
                return true;
            case JsonKind.Uuid:
                Span<byte> uuid = stackalloc byte[16];
                if (!TryUuid(text, length, uuid))
                {
                    goto default;
                }

                uuid.CopyTo(leaf.AddFixed(repetition));
                return true;
            case JsonKind.Fixed or JsonKind.Binary:
                return AddBase64(node, text, length, repetition, from, to, state);
            default:
                state.Failure.Unfit(RejectReason.MalformedText, node.TypeName, from, to);
                return false;
        }
    }

    /// <summary>Eight, four, four, four and twelve hexadecimal digits, big endian.</summary>
    private static bool TryUuid(byte* text, int length, Span<byte> uuid)
    {
        if (length != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-')
        {
            return false;
        }

        int at = 0;
        foreach (int group in (ReadOnlySpan<int>)[0, 9, 14, 19, 24])
        {
            int digits = group == 0 ? 8 : group == 24 ? 12 : 4;
            if (Convert.FromHexString(new ReadOnlySpan<byte>(text + group, digits), uuid[at..], out _, out int written) != OperationStatus.Done)
            {
                return false;
            }

            at += written;
        }

        return true;
    }

    private static bool AddBase64(JsonNode node, byte* text, int length, int repetition, byte* from, byte* to, JsonState state)
    {
        var leaf = node.Leaf!;
        var encoded = new ReadOnlySpan<byte>(text, length);
        int most = Base64.GetMaxDecodedFromUtf8Length(length);
        byte[]? rented = leaf.Column.PhysicalType == PhysicalType.ByteArray ? null : ArrayPool<byte>.Shared.Rent(most);
        var target = rented ?? System.Runtime.InteropServices.MemoryMarshal.CreateSpan(ref leaf.RoomForBytes(most), most);
        // The library passes over white space, and over bits behind the last byte: neither is base64.
        bool good = !encoded.ContainsAnyInRange((byte)0, (byte)0x20)
            && Base64.DecodeFromUtf8(encoded, target, out _, out length) == OperationStatus.Done
            && NoSpareBits(encoded);
        if (!good)
        {
            state.Failure.Unfit(RejectReason.MalformedText, $"{node.TypeName} in base64", from, to);
        }
        else if (rented is null)
        {
            leaf.AddBytes(length, repetition);
        }
        else if (length == leaf.TypeLength)
        {
            target[..length].CopyTo(leaf.AddFixed(repetition));
        }
        else
        {
            good = false;
            state.Failure.Unfit(RejectReason.OutOfRange, node.TypeName, from, to);
        }

        if (rented is not null)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }

        return good;
    }

    private static bool NoSpareBits(ReadOnlySpan<byte> encoded)
    {
        if (encoded.Length == 0 || encoded[^1] != '=')
        {
            return true;
        }

        return encoded[^2] == '=' ? "AQgw"u8.Contains(encoded[^3]) : "AEIMQUYcgkosw048"u8.Contains(encoded[^2]);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static byte* Unfit(TimeError error, JsonNode node, byte* from, byte* to, JsonState state) => error switch
    {
        TimeError.Zone when node.Kind == JsonKind.Timestamp && node.WithZone => state.Failure.Unfit(RejectReason.MalformedText, $"{node.TypeName} with its zone", from, to),
        TimeError.Zone => state.Failure.Unfit(RejectReason.MalformedText, $"{node.TypeName} without a zone", from, to),
        TimeError.Inexact => state.Failure.Unfit(RejectReason.Inexact, node.TypeName, from, to),
        TimeError.OutOfRange => state.Failure.Unfit(RejectReason.OutOfRange, node.TypeName, from, to),
        _ => state.Failure.Unfit(RejectReason.MalformedText, node.TypeName, from, to),
    };

    /// <summary>A key, which JSON has as a string whatever its type.</summary>
    private static byte* Key(JsonNode key, byte* p, byte* end, int repetition, JsonState state)
    {
        if (p >= end || *p != '"')
        {
            return state.Failure.Malformed("a name", p, end);
        }

        if (key.Kind == JsonKind.String)
        {
            return Value(key, p, end, repetition, state);
        }

        byte* behind = Text(p, end, state, out byte* text, out int length, out _);
        if (behind == null)
        {
            return null;
        }

        return key.Kind switch
        {
            JsonKind.Boolean or JsonKind.Int or JsonKind.Long or JsonKind.Float or JsonKind.Double or JsonKind.Decimal =>
                AddNumberInText(key, text, length, repetition, p, behind, state),
            _ => AddText(key, text, length, repetition, p, behind, state) ? behind : null,
        };
    }

    /// <summary>A number, true or false that a string says, which stands from <paramref name="from"/> to <paramref name="to"/>.</summary>
    internal static byte* AddNumberInText(JsonNode node, byte* text, int length, int repetition, byte* from, byte* to, JsonState state)
    {
        if (node.Kind == JsonKind.Boolean)
        {
            var word = new ReadOnlySpan<byte>(text, length);
            if (!word.SequenceEqual("true"u8) && !word.SequenceEqual("false"u8))
            {
                return state.Failure.Unfit(RejectReason.WrongType, $"{node.TypeName} in a string", from, to);
            }

            node.Leaf!.AddBoolean(length == 4 ? (byte)1 : (byte)0, repetition);
            return to;
        }

        if (length == 0 || !StartsNumber(text) || JsonNumbers.Read(text, out var token) != text + length)
        {
            return state.Failure.Unfit(RejectReason.WrongType, $"{node.TypeName} in a string", from, to);
        }

        return AddNumber(node, token, repetition, from, to, state) ? to : null;
    }

    /// <summary>A time that a number counts since 1970.</summary>
    private static bool AddEpoch(JsonNode node, in NumberToken token, int repetition, byte* from, byte* to, JsonState state)
    {
        int scale = node.Epoch switch
        {
            EpochUnit.Seconds => 6,
            EpochUnit.Milliseconds => 3,
            EpochUnit.Microseconds or EpochUnit.Days => 0,
            _ => -3,
        } + (node.Nanos ? 3 : 0);
        bool fits = JsonNumbers.TryUnscaled(token, precision: 19, scale, out var count, out var reason);
        if (!fits && reason == RejectReason.Inexact && state.CutFraction && node.Kind == JsonKind.Timestamp)
        {
            // Digits behind are cut off where the time is later than without them, as those of a text are.
            const int More = 18;
            fits = JsonNumbers.TryUnscaled(token, precision: 19 + More, scale + More, out count, out reason);
            var unit = (Int128)1_000_000_000_000_000_000;
            count = (count / unit) - (count < 0 && count % unit != 0 ? 1 : 0);
        }

        if (fits && node.Kind == JsonKind.Date && count == (int)count)
        {
            node.Leaf!.AddInt((int)count, repetition);
            return true;
        }

        if (fits && node.Kind == JsonKind.Timestamp && count == (long)count)
        {
            node.Leaf!.AddLong((long)count, repetition);
            return true;
        }

        state.Failure.Unfit(fits ? RejectReason.OutOfRange : reason, node.TypeName, from, to);
        return false;
    }
}
