using System.Globalization;

namespace OrleansLake.Ingest.Decode.Avro;

/// <summary>Reads one value of a writer's schema into the columns of one place of the table. What it needs was settled when it was compiled.</summary>
internal abstract class AvroStep
{
    /// <summary>Reads it; false: the record is refused, and the cursor says why.</summary>
    public abstract bool Read(ref AvroCursor cursor, int repetition, int row);
}

/// <summary>A value that nobody wants.</summary>
internal sealed class SkipStep(AvroType type) : AvroStep
{
    public override bool Read(ref AvroCursor cursor, int repetition, int row) => cursor.Skip(type);
}

/// <summary>A value that never fits its column.</summary>
internal sealed class UnfitStep(AvroType type, JsonNode node) : AvroStep
{
    public override bool Read(ref AvroCursor cursor, int repetition, int row) =>
        cursor.Fail(RejectReason.WrongType, $"expected {node.TypeName}, got Avro's {type}");
}

/// <summary>Avro's null.</summary>
internal sealed class NullStep(JsonNode node) : AvroStep
{
    public override bool Read(ref AvroCursor cursor, int repetition, int row)
    {
        if (node.Required)
        {
            return cursor.Fail(RejectReason.MissingRequired, $"expected {node.TypeName}, got null");
        }

        node.AddAbsent(node.NullDefinition, repetition, row);
        return true;
    }
}

/// <summary>One of several.</summary>
internal sealed class UnionStep(AvroStep[] branches) : AvroStep
{
    public override bool Read(ref AvroCursor cursor, int repetition, int row) =>
        cursor.TryLong(out long branch)
        && ((ulong)branch < (ulong)branches.Length ? branches[branch].Read(ref cursor, repetition, row) : cursor.Malformed($"one of {branches.Length} branches"));
}

/// <summary>A record: its fields in the order that they were written, then nulls for columns that it has not.</summary>
internal sealed class RecordStep((string Name, AvroStep Step)[] fields, (string Name, JsonNode Node)[] missing) : AvroStep
{
    public override bool Read(ref AvroCursor cursor, int repetition, int row)
    {
        foreach (var (name, step) in fields)
        {
            if (!step.Read(ref cursor, repetition, row))
            {
                return cursor.In(name);
            }
        }

        foreach (var (name, node) in missing)
        {
            if (node.Required)
            {
                cursor.Fail(RejectReason.MissingRequired, $"expected {node.TypeName}, got nothing");
                return cursor.In(name);
            }

            node.AddAbsent(node.NullDefinition, repetition, row);
        }

        return true;
    }
}

/// <summary>A list.</summary>
internal sealed class ArrayStep(JsonNode node, AvroStep item) : AvroStep
{
    public override bool Read(ref AvroCursor cursor, int repetition, int row)
    {
        long total = 0;
        for (int index = 0; ;)
        {
            if (!cursor.TryBlock(ref total, out long count))
            {
                return false;
            }

            if (count == 0)
            {
                if (index == 0)
                {
                    node.AddAbsent(node.Definition, repetition, row);
                }

                return true;
            }

            for (; count > 0; count--, index++)
            {
                if (!item.Read(ref cursor, repetition, row))
                {
                    return cursor.In(string.Create(CultureInfo.InvariantCulture, $"[{index}]"));
                }

                repetition = node.ElementRepetition;
            }
        }
    }
}

/// <summary>A map with keys of type string.</summary>
internal sealed class MapStep(JsonNode node, AvroStep value) : AvroStep
{
    private int[] _table = [];

    public override bool Read(ref AvroCursor cursor, int repetition, int row)
    {
        var keys = node.Key!.Leaf!;
        int first = keys.Value;
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
                if (!BytesStep.TryText(ref cursor, out var key))
                {
                    return false;
                }

                KafkaBytes.Add(keys, key, repetition);
                if (!value.Read(ref cursor, repetition, row))
                {
                    return cursor.In($"[\"{System.Text.Encoding.UTF8.GetString(key)}\"]");
                }

                repetition = node.ElementRepetition;
            }
        }

        if (keys.Value == first)
        {
            node.AddAbsent(node.Definition, repetition, row);
            return true;
        }

        return JsonKeys.AreDistinct(keys, first, ref _table) || cursor.Fail(RejectReason.WrongType, "expected keys that are all different, got one twice");
    }
}

/// <summary>A value, or null where it does not fit.</summary>
internal sealed class GuardStep(JsonNode node, AvroType type, AvroStep inner, List<JsonNode> nulled) : AvroStep
{
    public override bool Read(ref AvroCursor cursor, int repetition, int row)
    {
        int start = cursor.At;
        int before = nulled.Count;
        int[] marks = node.Marks;
        for (int i = 0; i < node.Leaves.Length; i++)
        {
            marks[2 * i] = node.Leaves[i].Slot;
            marks[(2 * i) + 1] = node.Leaves[i].Value;
        }

        if (inner.Read(ref cursor, repetition, row))
        {
            return true;
        }

        if (cursor.Reason is RejectReason.MalformedAvro or RejectReason.TooDeep)
        {
            return false;
        }

        for (int i = 0; i < node.Leaves.Length; i++)
        {
            node.Leaves[i].Slot = marks[2 * i];
            node.Leaves[i].Value = marks[(2 * i) + 1];
        }

        nulled.RemoveRange(before, nulled.Count - before);
        cursor.At = start;
        cursor.Path = null;
        if (!cursor.Skip(type))
        {
            return false;
        }

        node.AddAbsent(node.NullDefinition, repetition, row);
        nulled.Add(node);
        return true;
    }
}
