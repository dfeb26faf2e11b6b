using System.Globalization;
using System.Text;
using OrleansLake.Iceberg;

namespace OrleansLake.Ingest.Decode.Avro;

/// <summary>A value that nobody wants.</summary>
internal sealed class SkipStep(AvroType type) : AvroStep
{
    public override bool Read(ref AvroCursor cursor, int repetition, int row) => cursor.Skip(type);
}

/// <summary>
/// A field that the table does not have: counted, kept as JSON where there is a column for that, made a column where records may.
/// <paramref name="column"/> is what that would be. Null is nothing.
/// </summary>
internal sealed class UnknownStep(JsonMember member, AvroType type, JsonState state, IcebergType? column) : AvroStep
{
    public override bool Read(ref AvroCursor cursor, int repetition, int row)
    {
        if (cursor.IsNothing(type))
        {
            return cursor.Skip(type);
        }

        state.Unknown.Add(member);
        if (column is not null)
        {
            state.New!.Add(member, column);
        }

        return state.Rescue is null ? cursor.Skip(type) : Keep(ref cursor, state, type, null, member);
    }

    /// <summary>Keeps a value as JSON, of a field of the table or of one that it has not.</summary>
    public static unsafe bool Keep(ref AvroCursor cursor, JsonState state, AvroType type, FieldPath? path, JsonMember? member)
    {
        if (!AvroJson.TryWrite(ref cursor, type, state.Texts.Begin(), 0))
        {
            return false;
        }

        byte* text = state.Texts.End(out int length);
        if (member is not null)
        {
            state.Rescue!.Add(member, text, text + length);
        }
        else
        {
            state.Rescue!.Add(path!, text, text + length);
        }

        return true;
    }
}

/// <summary>
/// Values of Protocol Buffers that no field takes, by their numbers; of a group, which nobody reads, by <paramref name="name"/>.
/// They are counted, and kept as far as their bytes tell what they are; of one number the last.
/// </summary>
internal sealed unsafe class UnreadStep(JsonStruct fields, string? name, JsonState state) : AvroStep
{
    public override bool Read(ref AvroCursor cursor, int repetition, int row)
    {
        while (cursor.TryLong(out long number))
        {
            if (number == 0)
            {
                return true;
            }

            if (!cursor.TryBytes(out var text))
            {
                return false;
            }

            var member = fields.Find(Encoding.UTF8.GetBytes(name ?? string.Create(CultureInfo.InvariantCulture, $"#{number}")));
            if (member.Node is null && member.Owner is not null)
            {
                state.Unknown.Add(member);
                if (state.Rescue is { } rescue)
                {
                    byte* kept = state.Texts.Keep(text);
                    rescue.Add(member, kept, kept + text.Length);
                }
            }
        }

        return false;
    }
}

/// <summary>A value, or null where it does not fit.</summary>
internal sealed class GuardStep(JsonNode node, AvroType type, AvroStep inner, JsonState state) : AvroStep
{
    public override bool Read(ref AvroCursor cursor, int repetition, int row)
    {
        int start = cursor.At;
        int unknown = state.Unknown.Count;
        int changed = state.Changed.Count;
        int met = state.New?.Mark ?? 0;
        var rescued = state.Rescue?.Mark() ?? default;
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

        state.Unknown.RemoveRange(unknown, state.Unknown.Count - unknown);
        state.Changed.RemoveRange(changed, state.Changed.Count - changed);
        state.Rescue?.GoBack(rescued);
        state.New?.GoBack(met);
        cursor.At = start;
        cursor.Path = null;
        if (!(state.Rescue is null ? cursor.Skip(type) : UnknownStep.Keep(ref cursor, state, type, node.Path, null)))
        {
            return false;
        }

        node.AddAbsent(node.NullDefinition, repetition, row);
        state.Changed.Add(node);
        return true;
    }
}
