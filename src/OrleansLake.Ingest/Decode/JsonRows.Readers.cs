using System.Runtime.CompilerServices;

namespace OrleansLake.Ingest.Decode;

/// <summary>
/// The common values, each in the form that nearly all of its kind have; whatever has another goes to
/// <see cref="OtherNumber"/>, <see cref="OtherString"/> or <see cref="Other"/>.
/// </summary>
internal static unsafe partial class JsonRows<TScan>
{
    /// <summary>How one kind of value is read: inlined where it is named.</summary>
    private interface IReader
    {
        static abstract byte* Read(JsonNode node, byte* p, byte* end, int repetition, JsonState state);
    }

    private readonly struct Values : IReader
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static byte* Read(JsonNode node, byte* p, byte* end, int repetition, JsonState state) => Value(node, p, end, repetition, state);
    }

    private readonly struct Strings : IReader
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static byte* Read(JsonNode node, byte* p, byte* end, int repetition, JsonState state)
        {
            var leaf = node.Leaf!;
            if (!JsonStrings<TScan>.IsShort(p + 1, out int length) || *p != '"' || !leaf.HasRoomForShort)
            {
                return OtherString(node, p, end, repetition, state);
            }

            TScan.Copy(p + 1, ref leaf.ShortRoom());
            leaf.PutShort(length, repetition);
            return p + length + 2;
        }
    }

    private readonly struct Longs : IReader
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static byte* Read(JsonNode node, byte* p, byte* end, int repetition, JsonState state)
        {
            byte* behind = TScan.Width > 8 ? JsonNumbers.MediumLong(p, out long value) : JsonNumbers.ShortLong(p, out value);
            var leaf = node.Leaf!;
            if (behind == null || !leaf.HasRoom)
            {
                return OtherNumber(node, p, end, repetition, state);
            }

            leaf.PutLong(value, repetition);
            return behind;
        }
    }

    private readonly struct Ints : IReader
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static byte* Read(JsonNode node, byte* p, byte* end, int repetition, JsonState state)
        {
            byte* behind = JsonNumbers.ShortLong(p, out long value);
            var leaf = node.Leaf!;
            if (behind == null || !leaf.HasRoom)
            {
                return OtherNumber(node, p, end, repetition, state);
            }

            leaf.PutInt((int)value, repetition);
            return behind;
        }
    }

    private readonly struct Doubles : IReader
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static byte* Read(JsonNode node, byte* p, byte* end, int repetition, JsonState state)
        {
            if (TScan.Width > 8)
            {
                byte* behind = JsonNumbers.ShortDouble(p, out double value);
                var leaf = node.Leaf!;
                if (behind == null || !leaf.HasRoom)
                {
                    return OtherDouble(node, p, end, repetition, state);
                }

                leaf.PutDouble(value, repetition);
                return behind;
            }

            return OtherNumber(node, p, end, repetition, state);
        }
    }

    private readonly struct Booleans : IReader
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static byte* Read(JsonNode node, byte* p, byte* end, int repetition, JsonState state)
        {
            // Which of the two it is cannot be predicted, and is not branched on.
            int isTrue = JsonLiterals.IsTrue(p);
            var leaf = node.Leaf!;
            if ((isTrue | JsonLiterals.IsFalse(p)) == 0 || !leaf.HasRoom)
            {
                return OtherBoolean(node, p, end, repetition, state);
            }

            leaf.PutBoolean((byte)isTrue, repetition);
            return p + 5 - isTrue;
        }
    }

    private readonly struct Timestamps : IReader
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static byte* Read(JsonNode node, byte* p, byte* end, int repetition, JsonState state)
        {
            long value = 0;
            byte* behind = TScan.Width > 8 && *p == '"' ? JsonTimes.Common(p + 1, node, out value) : null;
            if (behind == null)
            {
                return Other(node, p, end, repetition, state);
            }

            node.Leaf!.AddLong(value, repetition);
            return behind;
        }
    }

    // A reader not inlined: where many kinds stand in one method, what each keeps in registers is in the way of the others, and the
    // place in the document goes through memory between one value and the next.
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static byte* ValueOf<TReader>(JsonNode node, byte* p, byte* end, int repetition, JsonState state)
        where TReader : struct, IReader => TReader.Read(node, p, end, repetition, state);

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static byte* OtherBoolean(JsonNode node, byte* p, byte* end, int repetition, JsonState state)
    {
        int isTrue = JsonLiterals.IsTrue(p);
        if ((isTrue | JsonLiterals.IsFalse(p)) == 0)
        {
            return Other(node, p, end, repetition, state);
        }

        node.Leaf!.AddBoolean((byte)isTrue, repetition);
        return p + 5 - isTrue;
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static byte* OtherDouble(JsonNode node, byte* p, byte* end, int repetition, JsonState state)
    {
        byte* behind = JsonNumbers.LongDouble(p, out double value);
        if (behind == null)
        {
            return OtherNumber(node, p, end, repetition, state);
        }

        node.Leaf!.AddDouble(value, repetition);
        return behind;
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static byte* OtherNumber(JsonNode node, byte* p, byte* end, int repetition, JsonState state)
    {
        if (!StartsNumber(p))
        {
            return Other(node, p, end, repetition, state);
        }

        byte* behind = JsonNumbers.Read(p, out var token);
        if (behind == null)
        {
            return state.Failure.Malformed("a number", p, end);
        }

        if (node.Kind == JsonKind.Double && JsonNumbers.TryDouble(token, out double value))
        {
            node.Leaf!.AddDouble(value, repetition);
            return behind;
        }

        return AddNumber(node, token, repetition, p, behind, state) ? behind : null;
    }

    /// <summary>A string longer than a vector, with escapes, or beyond ASCII.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static byte* OtherString(JsonNode node, byte* p, byte* end, int repetition, JsonState state)
    {
        if (*p != '"')
        {
            return Other(node, p, end, repetition, state);
        }

        byte* text = p + 1;
        var leaf = node.Leaf!;
        if (JsonStrings<TScan>.IsShortUtf8(text, out int shortLength, out bool isUtf8))
        {
            if (!isUtf8)
            {
                return JsonStrings<TScan>.NotUtf8(text + shortLength, state.Failure);
            }

            TScan.Copy(text, ref leaf.RoomForBytes(shortLength));
            leaf.AddBytes(shortLength, repetition);
            return text + shortLength + 1;
        }

        ref byte target = ref leaf.RoomForBytes(JsonStrings<TScan>.LengthAtMost(text, end));
        byte* behind = JsonStrings<TScan>.Read(text, end, ref target, state.Failure, out int length, out bool loneSurrogate);
        if (behind == null)
        {
            return null;
        }

        if (loneSurrogate)
        {
            return state.Failure.Unfit(RejectReason.InvalidUtf8, "pairs of surrogates", p, behind);
        }

        leaf.AddBytes(length, repetition);
        return behind;
    }

    /// <summary>The text of a string, in place or in <see cref="JsonState.TextRoom"/>, readable well beyond its end.</summary>
    private static byte* Text(byte* p, byte* end, JsonState state, out byte* text, out int length, out bool loneSurrogate)
    {
        text = p + 1;
        loneSurrogate = false;
        if (JsonStrings<TScan>.IsPlain(text, out length))
        {
            return text + length + 1;
        }

        byte* room = state.TextRoom(JsonStrings<TScan>.LengthAtMost(text, end));
        byte* behind = JsonStrings<TScan>.Read(text, end, ref *room, state.Failure, out length, out loneSurrogate);
        new Span<byte>(room + length, 64).Clear();
        text = room;
        return behind;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool StartsNumber(byte* p) => (uint)(*p - '0') <= 9 || *p == '-';
}
