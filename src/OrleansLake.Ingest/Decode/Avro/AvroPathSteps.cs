using System.Globalization;
using System.Text;

namespace OrleansLake.Ingest.Decode.Avro;

/// <summary>A value of several columns: read once for each.</summary>
internal sealed class ForkStep(AvroStep[] steps) : AvroStep
{
    public override bool Read(ref AvroCursor cursor, int repetition, int row)
    {
        int start = cursor.At;
        foreach (var step in steps)
        {
            cursor.At = start;
            if (!step.Read(ref cursor, repetition, row))
            {
                return false;
            }
        }

        return true;
    }
}

/// <summary>A value that a pointer cannot lead through, to columns that may be null.</summary>
internal sealed class NowhereStep(AvroType type, JsonNode node) : AvroStep
{
    public override bool Read(ref AvroCursor cursor, int repetition, int row)
    {
        node.AddMissing(repetition, row);
        return cursor.Skip(type);
    }
}

/// <summary>A record of which the first of some fields that is not null is the row.</summary>
internal sealed class EitherStep(JsonNode node, AvroType type, AvroStep?[] rows, int[] order) : AvroStep
{
    private readonly int[] _at = new int[rows.Length];

    public override bool Read(ref AvroCursor cursor, int repetition, int row)
    {
        for (int i = 0; i < rows.Length; i++)
        {
            var (name, field) = type.Fields[i];
            _at[i] = rows[i] is not null && !cursor.IsNothing(field) ? cursor.At : -1;
            if (!cursor.Skip(field))
            {
                return cursor.In(name);
            }
        }

        foreach (int i in order)
        {
            if (_at[i] >= 0)
            {
                int end = cursor.At;
                cursor.At = _at[i];
                if (!rows[i]!.Read(ref cursor, repetition, row))
                {
                    return cursor.In(type.Fields[i].Name);
                }

                cursor.At = end;
                return true;
            }
        }

        return cursor.Fail(RejectReason.NotAnObject, $"expected {node.TypeName}, got {type.Format} {type} without");
    }
}

/// <summary>An array of which pointers lead to some elements.</summary>
internal sealed class PathArrayStep(AvroType item, (int Index, AvroStep Step, JsonNode Node)[] elements) : AvroStep
{
    public override bool Read(ref AvroCursor cursor, int repetition, int row)
    {
        long total = 0;
        int wanted = 0;
        for (int index = 0; ;)
        {
            if (!cursor.TryBlock(ref total, out long count))
            {
                return false;
            }

            if (count == 0)
            {
                break;
            }

            for (; count > 0; count--, index++)
            {
                bool isWanted = wanted < elements.Length && elements[wanted].Index == index;
                if (!(isWanted ? elements[wanted++].Step.Read(ref cursor, repetition, row) : cursor.Skip(item)))
                {
                    return cursor.In(string.Create(CultureInfo.InvariantCulture, $"[{index}]"));
                }
            }
        }

        for (; wanted < elements.Length; wanted++)
        {
            if (!NullStep.AddMissing(ref cursor, elements[wanted].Node, repetition, row))
            {
                return cursor.In(string.Create(CultureInfo.InvariantCulture, $"[{elements[wanted].Index}]"));
            }
        }

        return true;
    }
}

/// <summary>A map of which pointers lead to some values, by their keys.</summary>
internal sealed class PathMapStep : AvroStep
{
    private readonly AvroType _type;
    private readonly (byte[] Key, AvroStep Step, JsonNode Node)[] _values;
    private readonly bool[] _met;

    public PathMapStep(JsonNode node, AvroType type, Func<AvroType, JsonNode, AvroStep> compile)
    {
        _type = type;
        _values = [.. node.Struct!.Fields.Select(field => (field.Name, compile(type.Items!, field.Node!), field.Node!))];
        _met = new bool[_values.Length];
    }

    public override bool Read(ref AvroCursor cursor, int repetition, int row)
    {
        Array.Clear(_met);
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
                if (!TryWanted(ref cursor, out int wanted))
                {
                    return false;
                }

                if (wanted >= 0 && _met[wanted])
                {
                    return cursor.Fail(RejectReason.WrongType, "expected keys that are all different, got one twice");
                }

                if (!(wanted >= 0 ? _values[wanted].Step.Read(ref cursor, repetition, row) : cursor.Skip(_type.Items!)))
                {
                    return wanted >= 0 && cursor.In($"[\"{Encoding.UTF8.GetString(_values[wanted].Key)}\"]");
                }

                if (wanted >= 0)
                {
                    _met[wanted] = true;
                }
            }
        }

        for (int i = 0; i < _values.Length; i++)
        {
            if (!_met[i] && !NullStep.AddMissing(ref cursor, _values[i].Node, repetition, row))
            {
                return cursor.In($"[\"{Encoding.UTF8.GetString(_values[i].Key)}\"]");
            }
        }

        return true;
    }

    private bool TryWanted(ref AvroCursor cursor, out int wanted)
    {
        if (_type.Keys is { } keys)
        {
            bool isKey = KeyTextStep.TryKey(ref cursor, keys, out string text);
            wanted = IndexOf(Encoding.ASCII.GetBytes(text));
            return isKey;
        }

        bool isText = BytesStep.TryText(ref cursor, out var key);
        wanted = IndexOf(key);
        return isText;
    }

    private int IndexOf(ReadOnlySpan<byte> key)
    {
        for (int i = 0; i < _values.Length; i++)
        {
            if (key.SequenceEqual(_values[i].Key))
            {
                return i;
            }
        }

        return -1;
    }
}
