using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace OrleansLake.Ingest.Decode;

/// <summary>What the readers of one decoder share: the failure at hand, options, and room for texts with escapes.</summary>
internal sealed unsafe class JsonState
{
    /// <summary>What went wrong.</summary>
    public readonly JsonFailure Failure = new();

    /// <summary>Unknown members of the row at hand.</summary>
    public readonly List<JsonMember> Unknown = [];

    /// <summary>Whether digits of a fraction that the type cannot keep are cut off instead of refused.</summary>
    public bool CutFraction;

    /// <summary>Whether each object is read twice, because one of them has a name twice and the last shall win.</summary>
    public bool Careful;

    /// <summary>Scratch of <see cref="JsonKeys"/>.</summary>
    public int[] Table = [];

    private byte[] _text = GC.AllocateUninitializedArray<byte>(256, pinned: true);

    /// <summary>Pinned room for a text of so many bytes and a vector more, filled with zeros behind.</summary>
    public byte* TextRoom(nint length)
    {
        if (_text.Length < length + 128)
        {
            _text = GC.AllocateUninitializedArray<byte>(checked((int)length * 2 + 128), pinned: true);
        }

        return (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_text));
    }
}

/// <summary>
/// Reads JSON into columns, one call a value, led by the schema. Each method gets the first byte of a value and returns
/// what stands behind it, or null when the record is refused (<see cref="JsonState.Failure"/> says why).
/// </summary>
internal static unsafe partial class JsonRows<TScan>
    where TScan : struct, IByteScan
{
    /// <summary>One value, white space before it skipped.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static byte* Value(JsonNode node, byte* p, byte* end, int repetition, JsonState state)
    {
        switch (node.Kind)
        {
            case JsonKind.String:
            {
                if (*p != '"' || p >= end)
                {
                    break;
                }

                var leaf = node.Leaf!;
                byte* text = p + 1;
                byte* behind = JsonStrings<TScan>.End(text, end, out bool plain);
                if (behind == null || !plain)
                {
                    return EscapedString(node, text, behind, end, repetition, state);
                }

                int length = (int)(behind - text) - 1;
                ref byte target = ref leaf.RoomForBytes(length);
                if (length <= TScan.Width)
                {
                    TScan.Copy(text, ref target);
                }
                else
                {
                    Unsafe.CopyBlockUnaligned(ref target, ref *text, (uint)length);
                }

                leaf.AddBytes(length, repetition);
                return behind;
            }

            case JsonKind.Long:
            {
                if (!StartsNumber(p, end))
                {
                    break;
                }

                byte* behind = JsonNumbers.Read(p, end, out var token);
                if (behind == null)
                {
                    return state.Failure.Malformed("a number", p, end);
                }

                if (!JsonNumbers.TryLong(token, out long value, out var reason))
                {
                    return state.Failure.Unfit(reason, node.TypeName, p, behind);
                }

                node.Leaf!.AddLong(value, repetition);
                return behind;
            }

            case JsonKind.Double:
            {
                if (!StartsNumber(p, end))
                {
                    break;
                }

                byte* behind = JsonNumbers.Read(p, end, out var token);
                if (behind == null)
                {
                    return state.Failure.Malformed("a number", p, end);
                }

                if (!JsonNumbers.TryDouble(token, out double value))
                {
                    return state.Failure.Unfit(RejectReason.OutOfRange, node.TypeName, p, behind);
                }

                node.Leaf!.AddDouble(value, repetition);
                return behind;
            }

            case JsonKind.Timestamp:
            {
                if (*p != '"' || p >= end)
                {
                    break;
                }

                byte* text = p + 1;
                byte* behind = JsonStrings<TScan>.End(text, end, out bool plain);
                if (behind == null || !plain)
                {
                    break;
                }

                var error = JsonTimes.TryTimestamp(text, (int)(behind - text) - 1, node, state.CutFraction, out long value);
                if (error != TimeError.None)
                {
                    return Unfit(error, node, p, behind, state);
                }

                node.Leaf!.AddLong(value, repetition);
                return behind;
            }

            case JsonKind.Boolean:
            {
                uint word = Unsafe.ReadUnaligned<uint>(p);
                if (word == JsonLiterals.True && end - p >= 4)
                {
                    node.Leaf!.AddBoolean(true, repetition);
                    return p + 4;
                }

                if (word == JsonLiterals.Fals && end - p >= 5 && p[4] == 'e')
                {
                    node.Leaf!.AddBoolean(false, repetition);
                    return p + 5;
                }

                break;
            }

            case JsonKind.Int:
            {
                if (!StartsNumber(p, end))
                {
                    break;
                }

                byte* behind = JsonNumbers.Read(p, end, out var token);
                if (behind == null)
                {
                    return state.Failure.Malformed("a number", p, end);
                }

                if (!JsonNumbers.TryLong(token, out long value, out var reason) || value != (int)value)
                {
                    return state.Failure.Unfit(reason == RejectReason.Inexact ? reason : RejectReason.OutOfRange, node.TypeName, p, behind);
                }

                node.Leaf!.AddInt((int)value, repetition);
                return behind;
            }

            case JsonKind.Struct:
                if (*p == '{' && p < end)
                {
                    return Struct(node, p + 1, end, repetition, state);
                }

                break;
            case JsonKind.List:
                if (*p == '[' && p < end)
                {
                    return List(node, p + 1, end, repetition, state);
                }

                break;
            case JsonKind.Map:
                if (*p == '{' && p < end)
                {
                    return Map(node, p + 1, end, repetition, state);
                }

                break;
        }

        return Other(node, p, end, repetition, state);
    }

    /// <summary>The members of an object behind its brace, each to the columns of its field.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static byte* Struct(JsonNode node, byte* p, byte* end, int repetition, JsonState state)
    {
        if (state.Careful)
        {
            return CarefulStruct(node, p, end, repetition, state);
        }

        var fields = node.Struct!;
        var seen = fields.Seen;
        Array.Clear(seen);
        p = JsonSkip<TScan>.WhiteSpace(p, end);
        if (*p == '}' && p < end)
        {
            p++;
        }
        else
        {
            var member = fields.Start;
            while (true)
            {
                p = Name(fields, ref member, p, end, state);
                if (p == null)
                {
                    return null;
                }

                p = JsonSkip<TScan>.WhiteSpace(p, end);
                if (member.Node is { } child)
                {
                    ref ulong word = ref seen[member.Index >> 6];
                    ulong bit = 1UL << member.Index;
                    if ((word & bit) != 0)
                    {
                        return state.Failure.Repeat();
                    }

                    word |= bit;
                    p = Value(child, p, end, repetition, state);
                    if (p == null)
                    {
                        return state.Failure.In(member.Name);
                    }
                }
                else
                {
                    p = SkipUnknown(member, p, end, node.Depth + 1, state);
                    if (p == null)
                    {
                        return null;
                    }
                }

                p = JsonSkip<TScan>.WhiteSpace(p, end);
                byte next = *p;
                if (p >= end || (next != ',' && next != '}'))
                {
                    return state.Failure.Malformed("',' or '}'", p, end);
                }

                p++;
                if (next == '}')
                {
                    break;
                }

                p = JsonSkip<TScan>.WhiteSpace(p, end);
            }
        }

        for (int i = 0; i < seen.Length; i++)
        {
            ulong missing = fields.All[i] & ~seen[i];
            if (missing != 0 && !AddMissing(fields, missing, i * 64, repetition, state))
            {
                return null;
            }
        }

        return p;
    }

    /// <summary>A name and its colon; <paramref name="member"/> goes from the member before to the one that the name says.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte* Name(JsonStruct fields, ref JsonMember member, byte* p, byte* end, JsonState state)
    {
        var likely = member.First;
        if (TScan.Matches(p, likely.Expected, likely.Mask) && (uint)(likely.TokenLength - 1) < 32)
        {
            member = likely;
            return p + likely.TokenLength;
        }

        return OtherName(fields, ref member, p, end, state);
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static byte* OtherName(JsonStruct fields, ref JsonMember member, byte* p, byte* end, JsonState state)
    {
        var previous = member;
        if (Stands(previous.Second, p, end) || Stands(previous.First, p, end))
        {
            member = Stands(previous.Second, p, end) ? previous.Second : previous.First;
            return p + member.TokenLength;
        }

        if (p >= end || *p != '"')
        {
            return state.Failure.Malformed("a name", p, end);
        }

        byte* text = p + 1;
        byte* behind = JsonStrings<TScan>.End(text, end, out bool plain);
        if (behind == null)
        {
            return state.Failure.Malformed("the end of a string", end, end);
        }

        int length = (int)(behind - text) - 1;
        if (!plain)
        {
            byte* room = state.TextRoom(length);
            length = JsonStrings<TScan>.Unescape(text, behind - 1, ref *room, state.Failure, out bool loneSurrogate);
            if (length < 0)
            {
                return null;
            }

            text = room;
            if (loneSurrogate)
            {
                // Legal JSON that no field can be called.
                member = fields.Others;
                text = null;
            }
        }

        if (text != null)
        {
            member = fields.Find(new ReadOnlySpan<byte>(text, length));
            previous.Second = previous.First;
            previous.First = member;
        }

        p = JsonSkip<TScan>.WhiteSpace(behind, end);
        return p < end && *p == ':' ? p + 1 : state.Failure.Malformed("':'", p, end);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool Stands(JsonMember member, byte* p, byte* end) =>
        member.TokenLength != 0 && end - p > member.TokenLength && TScan.Matches(p, member.Expected, member.Mask)
            && (member.LongToken is null || new ReadOnlySpan<byte>(p, member.TokenLength).SequenceEqual(member.LongToken));

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static byte* SkipUnknown(JsonMember member, byte* p, byte* end, int depth, JsonState state)
    {
        state.Unknown.Add(member);
        p = JsonSkip<TScan>.Value(p, end, depth, state.Failure);
        return p == null ? state.Failure.In(member.Name) : p;
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static bool AddMissing(JsonStruct fields, ulong missing, int first, int repetition, JsonState state)
    {
        for (; missing != 0; missing &= missing - 1)
        {
            var member = fields.Fields[first + System.Numerics.BitOperations.TrailingZeroCount(missing)];
            var node = member.Node!;
            if (node.Required)
            {
                state.Failure.Fail(RejectReason.MissingRequired, $"expected {node.TypeName}, got nothing");
                state.Failure.In(member.Name);
                return false;
            }

            node.AddAbsent(node.NullDefinition, repetition);
        }

        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static byte* List(JsonNode node, byte* p, byte* end, int repetition, JsonState state)
    {
        p = JsonSkip<TScan>.WhiteSpace(p, end);
        if (*p == ']' && p < end)
        {
            node.AddAbsent(node.Definition, repetition);
            return p + 1;
        }

        var element = node.Element!;
        for (int index = 0; ; index++)
        {
            p = Value(element, p, end, repetition, state);
            if (p == null)
            {
                return state.Failure.In(index);
            }

            repetition = node.ElementRepetition;
            p = JsonSkip<TScan>.WhiteSpace(p, end);
            byte next = *p;
            if (p >= end || (next != ',' && next != ']'))
            {
                return state.Failure.Malformed("',' or ']'", p, end);
            }

            p++;
            if (next == ']')
            {
                return p;
            }

            p = JsonSkip<TScan>.WhiteSpace(p, end);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool StartsNumber(byte* p, byte* end) => p < end && ((uint)(*p - '0') <= 9 || *p == '-');
}
