namespace OrleansLake.Ingest.Decode;

/// <summary>Values of any kind into columns of type variant.</summary>
internal static unsafe partial class JsonRows<TScan>
{
    // Digits that a double gives back as they were.
    private const ulong MostDoubleDigits = 1_000_000_000_000_000;

    private static byte* VariantOrNull(JsonNode node, byte* p, byte* end, int repetition, JsonState state) => Variant(node, p, end, repetition, state);

    /// <summary>
    /// A value into the two columns of a variant. <paramref name="exact"/>: what no variant says exactly is kept as its text instead of
    /// being refused or rounded.
    /// </summary>
    internal static byte* Variant(JsonNode node, byte* p, byte* end, int repetition, JsonState state, bool exact = false)
    {
        if (*p == 'n')
        {
            return Other(node, p, end, repetition, state);
        }

        var builder = state.Variants;
        builder.Start();
        p = VariantValue(node, p, end, node.Depth, state, exact);
        if (p != null)
        {
            builder.AddTo(node.Leaves[0], node.Leaves[1], repetition);
        }

        return p;
    }

    private static byte* VariantValue(JsonNode node, byte* p, byte* end, int depth, JsonState state, bool exact)
    {
        var builder = state.Variants;
        switch (*p)
        {
            case (byte)'{' or (byte)'[' when depth >= JsonPlanCompiler.MaxDepth:
                return JsonSkip<TScan>.Value(p, end, depth, state.Failure); // says so
            case (byte)'{':
                return VariantObject(node, p + 1, end, depth, state, exact);
            case (byte)'[':
                return VariantArray(node, p + 1, end, depth, state, exact);
            case (byte)'"':
                byte* behind = Text(p, end, state, out byte* text, out int length, out bool loneSurrogate);
                if (behind == null)
                {
                    return null;
                }

                if (loneSurrogate && !exact)
                {
                    return state.Failure.Unfit(RejectReason.InvalidUtf8, "pairs of surrogates", p, behind);
                }

                builder.String(loneSurrogate ? Raw(p, behind) : new ReadOnlySpan<byte>(text, length));
                return behind;
            case (byte)'-' or (>= (byte)'0' and <= (byte)'9'):
                return VariantNumber(p, end, state, exact);
            default:
                behind = JsonSkip<TScan>.Value(p, end, depth, state.Failure);
                if (behind != null && *p == 'n')
                {
                    builder.Null();
                }
                else if (behind != null)
                {
                    builder.Boolean(*p == 't');
                }

                return behind;
        }
    }

    private static byte* VariantObject(JsonNode node, byte* p, byte* end, int depth, JsonState state, bool exact)
    {
        var builder = state.Variants;
        var place = builder.StartObject();
        p = Enter(p, end, '}', out bool isOver);
        while (!isOver)
        {
            if (*p != '"')
            {
                return state.Failure.Malformed("a name", p, end);
            }

            byte* name = p;
            p = Text(p, end, state, out byte* text, out int length, out bool loneSurrogate);
            if (p == null)
            {
                return null;
            }

            byte* nameEnd = p;
            if (loneSurrogate && !exact)
            {
                return state.Failure.Unfit(RejectReason.InvalidUtf8, "pairs of surrogates", name, p);
            }

            builder.FieldOf(loneSurrogate ? Raw(name, p) : new ReadOnlySpan<byte>(text, length));
            p = JsonSkip<TScan>.WhiteSpace(p, end);
            if (*p != ':')
            {
                return state.Failure.Malformed("':'", p, end);
            }

            p = VariantValue(node, JsonSkip<TScan>.WhiteSpace(p + 1, end), end, depth + 1, state, exact);
            if (p == null)
            {
                return state.Failure.In(Raw(name, nameEnd));
            }

            p = Next(p, end, '}', state, out isOver);
            if (p == null)
            {
                return null;
            }
        }

        builder.EndObject(place);
        return p;
    }

    private static byte* VariantArray(JsonNode node, byte* p, byte* end, int depth, JsonState state, bool exact)
    {
        var builder = state.Variants;
        var place = builder.StartArray();
        p = Enter(p, end, ']', out bool isOver);
        for (int index = 0; !isOver; index++)
        {
            builder.Element();
            p = VariantValue(node, p, end, depth + 1, state, exact);
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

        builder.EndArray(place);
        return p;
    }

    /// <summary>A whole number as one, a fraction as a decimal with its digits; a double where neither has room for it.</summary>
    private static byte* VariantNumber(byte* p, byte* end, JsonState state, bool exact)
    {
        var builder = state.Variants;
        byte* behind = JsonNumbers.Read(p, out var token);
        if (behind == null)
        {
            return state.Failure.Malformed("a number", p, end);
        }

        int scale = Math.Max(0, -token.Exponent);
        if (token is { Negative: true, Whole: true, Digits: 0 })
        {
            builder.Double(-0.0);
        }
        else if (scale == 0 && JsonNumbers.TryLong(token, out long whole, out _))
        {
            builder.Integer(whole);
        }
        else if (scale <= 38 && JsonNumbers.TryUnscaled(token, 38, scale, out var unscaled, out _))
        {
            builder.Decimal(unscaled, scale);
        }
        else if (JsonNumbers.TryDouble(token, out double value) && (!exact || (token.Whole && token.Digits < MostDoubleDigits && double.IsNormal(value))))
        {
            builder.Double(value);
        }
        else if (exact)
        {
            builder.String(new ReadOnlySpan<byte>(p, (int)(behind - p)));
        }
        else
        {
            return state.Failure.Unfit(RejectReason.OutOfRange, "variant", p, behind);
        }

        return behind;
    }

    /// <summary>What stands between the quotes, as it stands there.</summary>
    private static ReadOnlySpan<byte> Raw(byte* from, byte* behind) => new(from + 1, (int)(behind - from) - 2);
}
