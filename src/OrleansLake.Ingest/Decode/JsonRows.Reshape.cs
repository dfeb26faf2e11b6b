namespace OrleansLake.Ingest.Decode;

/// <summary>Documents that are not shaped as the table is: what pointers lead through, values of several columns, values that may not fit.</summary>
internal static unsafe partial class JsonRows<TScan>
{
    /// <summary>An object or array that pointers lead through; what is neither leads nowhere.</summary>
    private static byte* Path(JsonNode node, byte* p, byte* end, int repetition, JsonState state)
    {
        if (*p == '{')
        {
            return Struct(node, p + 1, end, repetition, state);
        }

        if (*p == '[' && node.Elements.Length > 0)
        {
            return PathElements(node, p, end, repetition, state);
        }

        byte* behind = JsonSkip<TScan>.Value(p, end, node.Depth, state.Failure);
        if (behind == null)
        {
            return null;
        }

        if (node.IsNeeded)
        {
            return state.Failure.Unfit(node.HoldsRow ? RejectReason.NotAnObject : RejectReason.MissingRequired, node.TypeName, p, behind);
        }

        node.AddMissing(repetition, state.Row);
        return behind;
    }

    private static byte* PathElements(JsonNode node, byte* p, byte* end, int repetition, JsonState state)
    {
        int wanted = 0;
        p = Enter(p + 1, end, ']', out bool isOver);
        for (int index = 0; !isOver; index++)
        {
            bool isWanted = wanted < node.Elements.Length && node.Elements[wanted].Index == index;
            p = isWanted ? Value(node.Elements[wanted++].Node, p, end, repetition, state) : JsonSkip<TScan>.Value(p, end, node.Depth + 1, state.Failure);
            if (p == null)
            {
                return state.Failure.In(index);
            }

            p = Next(p, end, ']', state, out isOver);
            if (p == null)
            {
                return null;
            }
        }

        for (; wanted < node.Elements.Length; wanted++)
        {
            var (index, element) = node.Elements[wanted];
            if (element.IsNeeded)
            {
                state.Failure.Fail(element.HoldsRow ? RejectReason.NotAnObject : RejectReason.MissingRequired, $"expected {element.TypeName}, got nothing");
                return state.Failure.In(index);
            }

            element.AddMissing(repetition, state.Row);
        }

        return p;
    }

    /// <summary>An object in which the row is the first of some members that is not null, in their order and not the document's.</summary>
    private static byte* Either(JsonNode node, byte* p, byte* end, int repetition, JsonState state)
    {
        if (*p != '{')
        {
            return Path(node, p, end, repetition, state);
        }

        byte* start = p;
        var fields = node.Struct!;
        var positions = fields.Positions ??= new nint[fields.Fields.Length];
        Array.Clear(positions);
        p = Enter(p + 1, end, '}', out bool isOver);
        for (var member = fields.Start; !isOver;)
        {
            p = OtherName(fields, member, p, end, state);
            if (p == null)
            {
                return null;
            }

            member = state.Member;
            p = JsonSkip<TScan>.WhiteSpace(p, end);
            if (member.Node is not null)
            {
                positions[member.Index] = (nint)p;
            }

            p = JsonSkip<TScan>.Value(p, end, node.Depth + 1, state.Failure);
            if (p == null)
            {
                return state.Failure.In(member.Name);
            }

            p = Next(p, end, '}', state, out isOver);
            if (p == null)
            {
                return null;
            }
        }

        for (int i = 0; i < positions.Length; i++)
        {
            byte* row = (byte*)positions[i];
            if (row != null && *row != 'n')
            {
                return Value(node.Element!, row, end, repetition, state) == null ? state.Failure.In(fields.Fields[i].Name) : p;
            }
        }

        return state.Failure.Unfit(RejectReason.NotAnObject, node.TypeName, start, p);
    }

    /// <summary>One value to several columns: read once for each.</summary>
    private static byte* Fork(JsonNode node, byte* p, byte* end, int repetition, JsonState state)
    {
        byte* behind = p;
        foreach (var one in node.Nodes)
        {
            behind = Value(one, p, end, repetition, state);
            if (behind == null)
            {
                return null;
            }
        }

        return behind;
    }

    /// <summary>A value, or null where it does not fit.</summary>
    private static byte* Guarded(JsonNode node, byte* p, byte* end, int repetition, JsonState state)
    {
        int[] marks = node.Marks;
        int unknown = state.Unknown.Count;
        int changed = state.Changed.Count;
        int met = state.New?.Mark ?? 0;
        var rescued = state.Rescue?.Mark() ?? default;
        for (int i = 0; i < node.Leaves.Length; i++)
        {
            marks[2 * i] = node.Leaves[i].Slot;
            marks[(2 * i) + 1] = node.Leaves[i].Value;
        }

        byte* behind = Value(node.Element!, p, end, repetition, state);
        if (behind != null || state.Failure.Duplicate || state.Failure.Reason is RejectReason.MalformedJson or RejectReason.TooDeep)
        {
            return behind;
        }

        state.Failure.Reset();
        for (int i = 0; i < node.Leaves.Length; i++)
        {
            node.Leaves[i].Slot = marks[2 * i];
            node.Leaves[i].Value = marks[(2 * i) + 1];
        }

        state.Unknown.RemoveRange(unknown, state.Unknown.Count - unknown);
        state.Changed.RemoveRange(changed, state.Changed.Count - changed);
        state.Rescue?.GoBack(rescued);
        state.New?.GoBack(met);
        behind = JsonSkip<TScan>.Value(p, end, node.Depth, state.Failure);
        if (behind == null)
        {
            return null;
        }

        node.AddAbsent(node.NullDefinition, repetition, state.Row);
        state.Changed.Add(node);
        state.Rescue?.Add(node.Path!, p, behind);
        return behind;
    }

    /// <summary>A string, or anything else as the JSON that it is.</summary>
    private static byte* StringOrJson(JsonNode node, byte* p, byte* end, int repetition, JsonState state)
    {
        if (*p == '"')
        {
            return Strings.Read(node, p, end, repetition, state);
        }

        byte* behind = JsonSkip<TScan>.Value(p, end, node.Depth, state.Failure);
        if (behind == null || *p == 'n')
        {
            return behind == null ? null : Other(node, p, end, repetition, state);
        }

        int length = (int)(behind - p);
        new ReadOnlySpan<byte>(p, length).CopyTo(System.Runtime.InteropServices.MemoryMarshal.CreateSpan(ref node.Leaf!.RoomForBytes(length), length));
        node.Leaf.AddBytes(length, repetition);
        state.Changed.Add(node);
        return behind;
    }

    /// <summary>A list whose elements may hold what is rescued: the rescue column is told which it is.</summary>
    private static byte* TracedList(JsonNode node, byte* p, byte* end, int repetition, JsonState state)
    {
        p = JsonSkip<TScan>.WhiteSpace(p, end);
        if (*p == ']')
        {
            node.AddAbsent(node.Definition, repetition, state.Row);
            return p + 1;
        }

        var rescue = state.Rescue!;
        int depth = rescue.Enter();
        for (int index = 0; ; index++)
        {
            rescue.At(depth, index);
            p = Value(node.Element!, p, end, repetition, state);
            if (p == null)
            {
                return state.Failure.In(index);
            }

            repetition = node.ElementRepetition;
            p = Next(p, end, ']', state, out bool isOver);
            if (p == null)
            {
                return null;
            }

            if (isOver)
            {
                rescue.Leave(depth);
                return p;
            }
        }
    }

    /// <summary>A map whose values may hold what is rescued.</summary>
    private static byte* TracedMap(JsonNode node, byte* p, byte* end, int repetition, JsonState state)
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

        var key = node.Key!;
        int first = key.Leaf!.Value;
        var rescue = state.Rescue!;
        int depth = rescue.Enter();
        while (true)
        {
            byte* name = p;
            p = Key(key, p, end, repetition, state);
            if (p == null)
            {
                return null;
            }

            int nameLength = (int)(p - name) - 2;
            rescue.At(depth, name + 1, nameLength);
            p = JsonSkip<TScan>.WhiteSpace(p, end);
            if (*p != ':')
            {
                return state.Failure.Malformed("':'", p, end);
            }

            p = Value(node.Element!, JsonSkip<TScan>.WhiteSpace(p + 1, end), end, repetition, state);
            if (p == null)
            {
                return state.Failure.InEntry(new ReadOnlySpan<byte>(name + 1, nameLength));
            }

            repetition = node.ElementRepetition;
            p = Next(p, end, '}', state, out bool isOver);
            if (p == null)
            {
                return null;
            }

            if (isOver)
            {
                rescue.Leave(depth);
                return JsonKeys.AreDistinct(key.Leaf, first, ref state.Table) ? p : state.Failure.Repeat();
            }
        }
    }
}
