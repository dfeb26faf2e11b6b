using System.Runtime.CompilerServices;

namespace OrleansLake.Ingest.Decode;

/// <summary>
/// Reads JSON into columns, led by the schema. Each method gets the first byte of a value and returns what stands behind it,
/// or null when the record is refused (<see cref="JsonState.Failure"/> says why).
/// </summary>
/// <remarks>
/// A zero stands behind every document (<see cref="JsonDecoder"/> sees to it): it is no part of any token and no white space,
/// so nothing here asks where the document ends before it looks at a byte, and no search runs beyond.
/// </remarks>
internal static unsafe partial class JsonRows<TScan>
    where TScan : struct, IByteScan
{
    /// <summary>Chooses for every place of a plan what reads a value there: it is called before any of them is read.</summary>
    public static void Prepare(JsonNode node)
    {
        node.Read = node.Kind switch
        {
            JsonKind.String => &ValueOf<Strings>,
            JsonKind.Long => &ValueOf<Longs>,
            JsonKind.Double => &ValueOf<Doubles>,
            JsonKind.Boolean => &ValueOf<Booleans>,
            JsonKind.Int => &ValueOf<Ints>,
            JsonKind.Timestamp => &ValueOf<Timestamps>,
            JsonKind.Struct => &StructValue,
            JsonKind.List => &ListValue,
            JsonKind.Map => &MapValue,
            JsonKind.Path => &Path,
            JsonKind.Either => &Either,
            JsonKind.Fork => &Fork,
            JsonKind.Guarded => &Guarded,
            JsonKind.StringOrJson => &StringOrJson,
            JsonKind.TracedList => &TracedListValue,
            JsonKind.TracedMap => &TracedMapValue,
            JsonKind.Variant => &VariantOrNull,
            _ => &Other,
        };
        foreach (var below in node.Below)
        {
            Prepare(below);
        }
    }

    /// <summary>One value, its first byte at <paramref name="p"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte* Value(JsonNode node, byte* p, byte* end, int repetition, JsonState state) => node.Read(node, p, end, repetition, state);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static byte* StructValue(JsonNode node, byte* p, byte* end, int repetition, JsonState state) =>
        *p == '{' ? Struct(node, p + 1, end, repetition, state) : Other(node, p, end, repetition, state);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static byte* ListValue(JsonNode node, byte* p, byte* end, int repetition, JsonState state) =>
        *p == '[' ? List(node, p + 1, end, repetition, state) : Other(node, p, end, repetition, state);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static byte* MapValue(JsonNode node, byte* p, byte* end, int repetition, JsonState state) =>
        *p == '{' ? Map(node, p + 1, end, repetition, state) : Other(node, p, end, repetition, state);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static byte* TracedListValue(JsonNode node, byte* p, byte* end, int repetition, JsonState state) =>
        *p == '[' ? TracedList(node, p + 1, end, repetition, state) : Other(node, p, end, repetition, state);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static byte* TracedMapValue(JsonNode node, byte* p, byte* end, int repetition, JsonState state) =>
        *p == '{' ? TracedMap(node, p + 1, end, repetition, state) : Other(node, p, end, repetition, state);

    /// <summary>A whole document that is no plain row, or a text that stands for one value.</summary>
    public static byte* Any(JsonNode node, byte* p, byte* end, JsonState state) => Value(node, p, end, 0, state);

    /// <summary>The members of an object behind its brace, each to the columns of its field.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static byte* Struct(JsonNode node, byte* p, byte* end, int repetition, JsonState state)
    {
        if (state.Careful)
        {
            return CarefulStruct(node, p, end, repetition, state);
        }

        // Whatever a call would have to keep is loaded again, and every call that p goes into gives it back: so p stays in a register
        // from one value to the next, which is what the whole row waits for.
        ulong seen = 0;
        node.Struct!.Seen?.AsSpan().Clear();
        p = JsonSkip<TScan>.WhiteSpace(p, end);
        if (*p == '}')
        {
            p++;
        }
        else
        {
            var member = node.Struct.Start;
            while (true)
            {
                var likely = member.First;
                if (TScan.Matches(p, likely.Expected, likely.Mask))
                {
                    member = likely;
                    p += likely.TokenLength;
                }
                else if (*p <= 0x20 && JsonSkip<TScan>.WhiteSpace(p, end) is var name && name != p)
                {
                    p = name;
                    continue;
                }
                else
                {
                    p = OtherName(node.Struct, member, p, end, state);
                    if (p == null)
                    {
                        return null;
                    }

                    member = state.Member;
                }

                p = JsonSkip<TScan>.WhiteSpace(p, end);
                if (member.Node is { } child)
                {
                    ulong bit = 1UL << member.Index;
                    if (member.Index >= 64)
                    {
                        p = See(node.Struct, member.Index, p, state);
                        if (p == null)
                        {
                            return null;
                        }
                    }
                    else if ((seen & bit) != 0)
                    {
                        return state.Failure.Repeat();
                    }
                    else
                    {
                        seen |= bit;
                    }

                    p = child.Read(child, p, end, repetition, state);
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

                byte next = *p;
                if (next != ',' && next != '}')
                {
                    p = JsonSkip<TScan>.WhiteSpace(p, end);
                    next = *p;
                    if (next != ',' && next != '}')
                    {
                        return state.Failure.Malformed("',' or '}'", p, end);
                    }
                }

                p++;
                if (next == '}')
                {
                    break;
                }
            }
        }

        return (node.Struct.All[0] & ~seen) == 0 && node.Struct.All.Length == 1 ? p : Missing(node.Struct, seen, p, repetition, state);
    }

    /// <summary>What the object that ends before <paramref name="p"/> did not have.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static byte* Missing(JsonStruct fields, ulong seen, byte* p, int repetition, JsonState state)
    {
        for (int i = 0; i < fields.All.Length; i++)
        {
            ulong missing = fields.All[i] & ~(i == 0 ? seen : fields.Seen![i]);
            if (missing != 0 && !AddMissing(fields, missing, i * 64, repetition, state))
            {
                return null;
            }
        }

        return p;
    }

    /// <summary>Remembers a field beyond the sixty-fourth; null where it was there before.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static byte* See(JsonStruct fields, int index, byte* p, JsonState state) => See(fields.Seen!, index) ? p : state.Failure.Repeat();

    private static bool See(ulong[] seen, int index)
    {
        ref ulong word = ref seen[index >> 6];
        bool isNew = (word & (1UL << index)) == 0;
        word |= 1UL << index;
        return isNew;
    }

    /// <summary>A name and its colon, behind <paramref name="previous"/>: <see cref="JsonState.Member"/> is then the one that it says.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static byte* OtherName(JsonStruct fields, JsonMember previous, byte* p, byte* end, JsonState state)
    {
        if (Stands(previous.Second, p, end))
        {
            var member = state.Member = previous.Second;
            if (previous.SecondRow == state.Row - 1)
            {
                // Twice running: the likelier of the two.
                (previous.First, previous.Second) = (previous.Second, previous.First);
            }

            previous.SecondRow = state.Row;
            return p + (member.LongToken?.Length ?? member.TokenLength);
        }

        if (Stands(previous.First, p, end))
        {
            var member = state.Member = previous.First;
            return p + (member.LongToken?.Length ?? member.TokenLength);
        }

        if (*p != '"')
        {
            return state.Failure.Malformed("a name", p, end);
        }

        byte* behind = Text(p, end, state, out byte* text, out int length, out bool loneSurrogate);
        if (behind == null)
        {
            return null;
        }

        if (loneSurrogate)
        {
            // Legal JSON that no field can be called.
            state.Member = fields.Passing([], fields.KeepsNames ? new ReadOnlySpan<byte>(p + 1, (int)(behind - p) - 2).ToArray() : null);
        }
        else
        {
            var member = state.Member = fields.Find(new ReadOnlySpan<byte>(text, length));
            previous.Second = previous.First;
            previous.First = member;
        }

        p = JsonSkip<TScan>.WhiteSpace(behind, end);
        return *p == ':' ? p + 1 : state.Failure.Malformed("':'", p, end);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool Stands(JsonMember member, byte* p, byte* end) => member.LongToken is { } token
        ? end - p >= token.Length && new ReadOnlySpan<byte>(p, token.Length).SequenceEqual(token)
        : TScan.Matches(p, member.Expected, member.Mask);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static byte* SkipUnknown(JsonMember member, byte* p, byte* end, int depth, JsonState state)
    {
        byte* value = p;
        p = JsonSkip<TScan>.Value(p, end, depth, state.Failure);
        if (p == null)
        {
            return state.Failure.In(member.Name);
        }

        if (member.Owner is not null)
        {
            state.Unknown.Add(member);
            state.Rescue?.Add(member, value, p);
            state.New?.Add(member, value, p);
        }

        return p;
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static bool AddMissing(JsonStruct fields, ulong missing, int first, int repetition, JsonState state)
    {
        for (; missing != 0; missing &= missing - 1)
        {
            var member = fields.Fields[first + System.Numerics.BitOperations.TrailingZeroCount(missing)];
            var node = member.Node!;
            if (node.IsNeeded)
            {
                state.Failure.Fail(node.HoldsRow ? RejectReason.NotAnObject : RejectReason.MissingRequired, $"expected {node.TypeName}, got nothing");
                state.Failure.In(member.Name);
                return false;
            }

            if (node.Leaf is { } leaf && node.Missing is null)
            {
                leaf.AddAbsent(node.NullDefinition, repetition, state.Row);
            }
            else
            {
                node.AddMissing(repetition, state.Row);
            }
        }

        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static byte* List(JsonNode node, byte* p, byte* end, int repetition, JsonState state)
    {
        p = JsonSkip<TScan>.WhiteSpace(p, end);
        if (*p == ']')
        {
            node.AddAbsent(node.Definition, repetition, state.Row);
            return p + 1;
        }

        return node.Element!.Kind switch
        {
            JsonKind.String => ListOf<Strings>(node, p, end, repetition, state),
            JsonKind.Long => ListOf<Longs>(node, p, end, repetition, state),
            JsonKind.Double => ListOf<Doubles>(node, p, end, repetition, state),
            JsonKind.Boolean => ListOf<Booleans>(node, p, end, repetition, state),
            _ => ListOf<Values>(node, p, end, repetition, state),
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static byte* ListOf<TReader>(JsonNode node, byte* p, byte* end, int repetition, JsonState state)
        where TReader : struct, IReader
    {
        var element = node.Element!;
        for (int index = 0; ; index++)
        {
            p = TReader.Read(element, p, end, repetition, state);
            if (p == null)
            {
                return state.Failure.In(index);
            }

            repetition = node.ElementRepetition;
            byte next = *p;
            if (next != ',' && next != ']')
            {
                p = JsonSkip<TScan>.WhiteSpace(p, end);
                next = *p;
                if (next != ',' && next != ']')
                {
                    return state.Failure.Malformed("',' or ']'", p, end);
                }
            }

            p++;
            if (next == ']')
            {
                return p;
            }

            p = JsonSkip<TScan>.WhiteSpace(p, end);
        }
    }

    /// <summary>The entries of a map behind its brace.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static byte* Map(JsonNode node, byte* p, byte* end, int repetition, JsonState state)
    {
        if (state.Careful)
        {
            return CarefulMap(node, p, end, repetition, state);
        }

        p = JsonSkip<TScan>.WhiteSpace(p, end);
        if (*p == '}')
        {
            node.AddAbsent(node.Definition, repetition, state.Row);
            return p + 1;
        }

        return node.Element!.Kind switch
        {
            JsonKind.String => MapOf<Strings>(node, p, end, repetition, state),
            JsonKind.Long => MapOf<Longs>(node, p, end, repetition, state),
            JsonKind.Double => MapOf<Doubles>(node, p, end, repetition, state),
            _ => MapOf<Values>(node, p, end, repetition, state),
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static byte* MapOf<TReader>(JsonNode node, byte* p, byte* end, int repetition, JsonState state)
        where TReader : struct, IReader
    {
        var key = node.Key!;
        var value = node.Element!;
        bool isString = key.Kind == JsonKind.String;
        int first = key.Leaf!.Value;
        while (true)
        {
            byte* name = p;
            p = isString && *p == '"' ? Strings.Read(key, p, end, repetition, state) : Key(key, p, end, repetition, state);
            if (p == null)
            {
                return null;
            }

            byte* nameEnd = p;
            p = JsonSkip<TScan>.WhiteSpace(p, end);
            if (*p != ':')
            {
                return state.Failure.Malformed("':'", p, end);
            }

            p = TReader.Read(value, JsonSkip<TScan>.WhiteSpace(p + 1, end), end, repetition, state);
            if (p == null)
            {
                return state.Failure.InEntry(new ReadOnlySpan<byte>(name + 1, (int)(nameEnd - name) - 2));
            }

            repetition = node.ElementRepetition;
            p = JsonSkip<TScan>.WhiteSpace(p, end);
            byte next = *p;
            if (next != ',' && next != '}')
            {
                return state.Failure.Malformed("',' or '}'", p, end);
            }

            p++;
            if (next == '}')
            {
                return JsonKeys.AreDistinct(key.Leaf, first, ref state.Table) ? p : state.Failure.Repeat();
            }

            p = JsonSkip<TScan>.WhiteSpace(p, end);
        }
    }
}
