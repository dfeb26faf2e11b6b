using System.Globalization;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Decode.Avro;

/// <summary>Reads one value of a writer's schema into the columns of one place of the table. What it needs was settled when it was compiled.</summary>
internal abstract class AvroStep
{
    /// <summary>Reads it; false: the record is refused, and the cursor says why.</summary>
    public abstract bool Read(ref AvroCursor cursor, int repetition, int row);
}

/// <summary>A value that never fits its column.</summary>
internal sealed class UnfitStep(AvroType type, JsonNode node) : AvroStep
{
    public override bool Read(ref AvroCursor cursor, int repetition, int row) =>
        cursor.Fail(node.HoldsRow ? RejectReason.NotAnObject : RejectReason.WrongType, $"expected {node.TypeName}, got {type.Format} {type}");
}

/// <summary>Avro's null.</summary>
internal sealed class NullStep(JsonNode node) : AvroStep
{
    public override bool Read(ref AvroCursor cursor, int repetition, int row) => Add(ref cursor, node, repetition, row, "null");

    /// <summary>Nothing where there could be a value.</summary>
    public static bool Add(ref AvroCursor cursor, JsonNode node, int repetition, int row, string found)
    {
        if (node.Required)
        {
            return cursor.Fail(node.HoldsRow ? RejectReason.NotAnObject : RejectReason.MissingRequired, $"expected {node.TypeName}, got {found}");
        }

        node.AddAbsent(node.NullDefinition, repetition, row);
        return true;
    }

    /// <summary>Nothing at all, not even null: what stands for it.</summary>
    public static bool AddMissing(ref AvroCursor cursor, JsonNode node, int repetition, int row)
    {
        if (node.IsNeeded)
        {
            return Add(ref cursor, node, repetition, row, "nothing");
        }

        node.AddMissing(repetition, row);
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

/// <summary>A record: its fields in the order that they were written, then defaults or nulls for columns that it has not.</summary>
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
            if (!NullStep.AddMissing(ref cursor, node, repetition, row))
            {
                return cursor.In(name);
            }
        }

        return true;
    }
}

/// <summary>A list. <paramref name="rescue"/>: told which element it is, where it may keep something of it.</summary>
internal sealed class ArrayStep(JsonNode node, AvroStep item, JsonRescue? rescue) : AvroStep
{
    public override bool Read(ref AvroCursor cursor, int repetition, int row)
    {
        long total = 0;
        int depth = rescue?.Enter() ?? 0;
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

                rescue?.Leave(depth);
                return true;
            }

            for (; count > 0; count--, index++)
            {
                rescue?.At(depth, index);
                if (!item.Read(ref cursor, repetition, row))
                {
                    return cursor.In(string.Create(CultureInfo.InvariantCulture, $"[{index}]"));
                }

                repetition = node.ElementRepetition;
            }
        }
    }
}

/// <summary>A map. <paramref name="tracing"/>: its rescue column is told which entry it is, where it may keep something of it.</summary>
internal sealed unsafe class MapStep(JsonNode node, AvroStep key, AvroStep value, JsonState? tracing) : AvroStep
{
    private int[] _table = [];

    public override bool Read(ref AvroCursor cursor, int repetition, int row)
    {
        var keys = node.Key!.Leaf!;
        int first = keys.Value;
        long total = 0;
        int depth = tracing?.Rescue!.Enter() ?? 0;
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
                if (!key.Read(ref cursor, repetition, row))
                {
                    return false;
                }

                if (tracing is not null)
                {
                    byte[] name = JsonRescue.Escape(KeyText());
                    tracing.Rescue!.At(depth, tracing.Texts.Keep(name), name.Length);
                }

                if (!value.Read(ref cursor, repetition, row))
                {
                    return cursor.In($"[\"{KeyText()}\"]");
                }

                repetition = node.ElementRepetition;
            }
        }

        tracing?.Rescue!.Leave(depth);
        if (keys.Value == first)
        {
            node.AddAbsent(node.Definition, repetition, row);
            return true;
        }

        return JsonKeys.AreDistinct(keys, first, ref _table) || cursor.Fail(RejectReason.WrongType, "expected keys that are all different, got one twice");

        string KeyText() => keys.Column.PhysicalType switch
        {
            PhysicalType.ByteArray => System.Text.Encoding.UTF8.GetString(keys.BytesOf(keys.Value - 1)),
            PhysicalType.Int64 => keys.Longs[keys.Value - 1].ToString(CultureInfo.InvariantCulture),
            PhysicalType.Int32 => keys.Ints[keys.Value - 1].ToString(CultureInfo.InvariantCulture),
            PhysicalType.Boolean => keys.Bytes[keys.Value - 1] == 0 ? "false" : "true",
            _ => Convert.ToHexString(keys.BytesOf(keys.Value - 1)),
        };
    }
}
