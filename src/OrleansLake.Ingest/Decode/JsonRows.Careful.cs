namespace OrleansLake.Ingest.Decode;

/// <summary>Records in which a name stands twice in one object: every object is read twice, and the last of a name wins.</summary>
internal static unsafe partial class JsonRows<TScan>
{
    private static byte* CarefulStruct(JsonNode node, byte* p, byte* end, int repetition, JsonState state)
    {
        var fields = node.Struct!;
        var positions = fields.Positions ??= new nint[fields.Fields.Length];
        Array.Clear(positions);
        p = JsonSkip<TScan>.WhiteSpace(p, end);
        if (p < end && *p == '}')
        {
            p++;
        }
        else
        {
            var member = fields.Start;
            while (true)
            {
                p = OtherName(fields, member, p, end, state);
                if (p == null)
                {
                    return null;
                }

                member = state.Member;
                p = JsonSkip<TScan>.WhiteSpace(p, end);
                if (member.Node is null)
                {
                    p = SkipUnknown(member, p, end, node.Depth + 1, state);
                    if (p == null)
                    {
                        return null;
                    }
                }
                else
                {
                    positions[member.Index] = (nint)p;
                    p = JsonSkip<TScan>.Value(p, end, node.Depth + 1, state.Failure);
                    if (p == null)
                    {
                        return state.Failure.In(member.Name);
                    }
                }

                p = Next(p, end, '}', state, out bool isOver);
                if (p == null)
                {
                    return null;
                }

                if (isOver)
                {
                    break;
                }
            }
        }

        for (int i = 0; i < positions.Length; i++)
        {
            var member = fields.Fields[i];
            if (positions[i] == 0)
            {
                if (!AddMissing(fields, 1UL << (i % 64), i - (i % 64), repetition, state))
                {
                    return null;
                }
            }
            else if (Value(member.Node!, (byte*)positions[i], end, repetition, state) == null)
            {
                return state.Failure.In(member.Name);
            }
        }

        return p;
    }

    private static byte* CarefulMap(JsonNode node, byte* p, byte* end, int repetition, JsonState state)
    {
        p = JsonSkip<TScan>.WhiteSpace(p, end);
        if (p < end && *p == '}')
        {
            node.AddAbsent(node.Definition, repetition, state.Row);
            return p + 1;
        }

        // Keys are compared as what they become, so they are written once to be compared, and taken back.
        var key = node.Key!;
        var leaf = key.Leaf!;
        var (slot, value) = (leaf.Slot, leaf.Value);
        var entries = new List<(nint Key, nint Value)>();
        var last = new Dictionary<string, int>(StringComparer.Ordinal);
        while (true)
        {
            nint name = (nint)p;
            p = Key(key, p, end, repetition, state);
            if (p == null)
            {
                return null;
            }

            byte* nameEnd = p;
            p = JsonSkip<TScan>.WhiteSpace(p, end);
            if (p >= end || *p != ':')
            {
                return state.Failure.Malformed("':'", p, end);
            }

            p = JsonSkip<TScan>.WhiteSpace(p + 1, end);
            last[Convert.ToHexString(leaf.BytesOf(leaf.Value - 1))] = entries.Count;
            entries.Add((name, (nint)p));
            p = JsonSkip<TScan>.Value(p, end, node.Depth + 1, state.Failure);
            if (p == null)
            {
                return state.Failure.InEntry(new ReadOnlySpan<byte>((byte*)name + 1, (int)(nameEnd - (byte*)name) - 2));
            }

            p = Next(p, end, '}', state, out bool isOver);
            if (p == null)
            {
                return null;
            }

            if (isOver)
            {
                break;
            }
        }

        (leaf.Slot, leaf.Value) = (slot, value);
        var rescue = node.Kind == JsonKind.TracedMap ? state.Rescue : null;
        int depth = rescue?.Enter() ?? 0;
        foreach (int index in last.Values.Order())
        {
            var entry = entries[index];
            byte* nameEnd = Key(key, (byte*)entry.Key, end, repetition, state);
            rescue?.At(depth, (byte*)entry.Key + 1, (int)(nameEnd - (byte*)entry.Key) - 2);
            if (Value(node.Element!, (byte*)entry.Value, end, repetition, state) == null)
            {
                return state.Failure.InEntry(new ReadOnlySpan<byte>((byte*)entry.Key + 1, (int)(nameEnd - (byte*)entry.Key) - 2));
            }

            repetition = node.ElementRepetition;
        }

        rescue?.Leave(depth);
        return p;
    }

    /// <summary>The first element or name behind an opening bracket, or what stands behind the closing one.</summary>
    private static byte* Enter(byte* p, byte* end, char close, out bool isOver)
    {
        p = JsonSkip<TScan>.WhiteSpace(p, end);
        isOver = *p == close;
        return isOver ? p + 1 : p;
    }

    /// <summary>The next element or name behind a comma, or what stands behind the closing bracket.</summary>
    private static byte* Next(byte* p, byte* end, char close, JsonState state, out bool isOver)
    {
        p = JsonSkip<TScan>.WhiteSpace(p, end);
        isOver = p < end && *p == close;
        return isOver ? p + 1
            : p < end && *p == ',' ? JsonSkip<TScan>.WhiteSpace(p + 1, end)
            : state.Failure.Malformed($"',' or '{close}'", p, end);
    }
}
