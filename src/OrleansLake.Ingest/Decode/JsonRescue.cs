using System.Buffers.Text;
using System.Runtime.InteropServices;
using System.Text.Json;
using OrleansLake.Ingest.Kafka;

namespace OrleansLake.Ingest.Decode;

/// <summary>
/// Keeps the values of a record that have no column, as one JSON object in a column of its own. A JSON Pointer (RFC 6901)
/// to such a value finds it here as it did in the row's document; elements of lists are members by their number. In a column of
/// type variant, what that type cannot say exactly is text.
/// </summary>
internal sealed unsafe class JsonRescue(JsonNode column)
{
    private readonly JsonState? _variants = column.Kind == JsonKind.Variant ? new JsonState() : null;
    private readonly List<Entry> _entries = [];
    private readonly List<Step> _kept = [];
    private readonly List<Step> _trail = [];
    private readonly List<int> _rows = [];
    private byte[] _text = Pinned(256);
    private int _length;

    /// <summary>How much there is, to go back to.</summary>
    public (int Entries, int Trail) Mark() => (_entries.Count, _trail.Count);

    /// <summary>Forgets what came after a mark.</summary>
    public void GoBack((int Entries, int Trail) mark)
    {
        _entries.RemoveRange(mark.Entries, _entries.Count - mark.Entries);
        _trail.RemoveRange(mark.Trail, _trail.Count - mark.Trail);
    }

    /// <summary>A list or map begins; the result is its place in the trail.</summary>
    public int Enter()
    {
        _trail.Add(default);
        return _trail.Count - 1;
    }

    /// <summary>The element that comes next.</summary>
    public void At(int depth, int index) => _trail[depth] = new Step { Index = index };

    /// <summary>The entry that comes next, by its key as it stands between quotes.</summary>
    public void At(int depth, byte* key, int length) => _trail[depth] = new Step { Key = key, Length = length };

    /// <summary>The list or map ends.</summary>
    public void Leave(int depth) => _trail.RemoveRange(depth, _trail.Count - depth);

    /// <summary>Keeps the value of a name that the table does not have; of one name the last.</summary>
    public void Add(JsonMember member, byte* from, byte* to)
    {
        int before = member.RescuedAt;
        if (before < _entries.Count && _entries[before].Member == member && TrailOf(_entries[before]).SequenceEqual(CollectionsMarshal.AsSpan(_trail)))
        {
            CollectionsMarshal.AsSpan(_entries)[before].SetValue(from, to);
            return;
        }

        member.RescuedAt = _entries.Count;
        Add(member.Owner!.Path, member, from, to);
    }

    /// <summary>Keeps a value that its field did not take.</summary>
    public void Add(FieldPath path, byte* from, byte* to) => Add(path, null, from, to);

    /// <summary>Writes what was kept of a row that was accepted.</summary>
    public void Finish(int row)
    {
        if (_entries.Count == 0)
        {
            return;
        }

        WriteObject();
        if (_variants is null)
        {
            _text.AsSpan(0, _length).CopyTo(MemoryMarshal.CreateSpan(ref column.Leaves[0].RoomForBytes(_length), _length));
            column.Leaves[0].AddBytes(_length, 0);
        }
        else
        {
            AddVariant(_variants);
        }

        _rows.Add(row);
        Drop();
    }

    /// <summary>Forgets a row that was not.</summary>
    public void Drop()
    {
        _entries.Clear();
        _kept.Clear();
        _trail.Clear();
    }

    /// <summary>Rows of which nothing was kept are null. Called once, when all of them are there.</summary>
    public void Complete(int firstRow, int endRow)
    {
        int next = 0;
        for (int row = firstRow; row < endRow; row++)
        {
            if (next < _rows.Count && _rows[next] == row)
            {
                next++;
            }
            else
            {
                column.AddAbsent(0, 0, row);
            }
        }

        _rows.Clear();
    }

    private void Add(FieldPath path, JsonMember? member, byte* from, byte* to)
    {
        var entry = new Entry { Path = path, Member = member, Trail = _kept.Count, TrailLength = _trail.Count };
        entry.SetValue(from, to);
        _kept.AddRange(_trail);
        _entries.Add(entry);
    }

    private ReadOnlySpan<Step> TrailOf(in Entry entry) => CollectionsMarshal.AsSpan(_kept).Slice(entry.Trail, entry.TrailLength);

    private void AddVariant(JsonState state)
    {
        _text.AsSpan(_length, KafkaBatch.Padding).Clear();
        byte* start = (byte*)System.Runtime.CompilerServices.Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_text));
        state.Failure.Start = start;
        if (JsonRows<ScanScalar>.Variant(column, start, start + _length, 0, state, exact: true) == null)
        {
            throw new InvalidOperationException($"what was read once was not read again: {state.Failure.Message}");
        }
    }

    private static byte[] Pinned(int length) => GC.AllocateUninitializedArray<byte>(length + KafkaBatch.Padding, pinned: true);

    private void WriteObject()
    {
        _length = 0;
        Put((byte)'{');
        int open = 0;
        bool isFirst = true;
        for (int i = 0; i < _entries.Count; i++)
        {
            var entry = _entries[i];
            int common = i == 0 ? 0 : Common(_entries[i - 1], entry);
            for (; open > common; open--)
            {
                Put((byte)'}');
            }

            for (; open < entry.Containers; open++)
            {
                PutKey(entry, open, ref isFirst);
                Put((byte)'{');
                isFirst = true;
            }

            PutKey(entry, open, ref isFirst);
            Put(new ReadOnlySpan<byte>(entry.Value, entry.ValueLength));
        }

        for (; open >= 0; open--)
        {
            Put((byte)'}');
        }
    }

    /// <summary>How many objects around the one are also around the other.</summary>
    private int Common(in Entry one, in Entry other)
    {
        int most = Math.Min(one.Containers, other.Containers);
        Span<byte> left = stackalloc byte[16], right = stackalloc byte[16];
        for (int i = 0; i < most; i++)
        {
            if (!StepOf(one, i, left).SequenceEqual(StepOf(other, i, right)))
            {
                return i;
            }
        }

        return most;
    }

    /// <summary>A step as it stands between quotes.</summary>
    private ReadOnlySpan<byte> StepOf(in Entry entry, int step, Span<byte> number)
    {
        if (step == entry.Path.Steps.Length)
        {
            return entry.Member!.Escaped ??= Escape(System.Text.Encoding.UTF8.GetString(entry.Member.Name));
        }

        if (entry.Path.Escaped[step] is { } name)
        {
            return name;
        }

        var element = TrailOf(entry)[entry.Path.Steps.AsSpan(0, step).Count((string?)null)];
        if (element.Key != null)
        {
            return new ReadOnlySpan<byte>(element.Key, element.Length);
        }

        Utf8Formatter.TryFormat(element.Index, number, out int written);
        return number[..written];
    }

    internal static byte[] Escape(string name) => JsonEncodedText.Encode(name, System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping).EncodedUtf8Bytes.ToArray();

    private void PutKey(in Entry entry, int step, ref bool isFirst)
    {
        if (!isFirst)
        {
            Put((byte)',');
        }

        isFirst = false;
        Span<byte> number = stackalloc byte[16];
        Put((byte)'"');
        Put(StepOf(entry, step, number));
        Put("\":"u8);
    }

    private void Put(byte one) => Put([one]);

    private void Put(ReadOnlySpan<byte> bytes)
    {
        if (_text.Length - KafkaBatch.Padding - _length < bytes.Length)
        {
            byte[] larger = Pinned(Math.Max(checked(_length + bytes.Length), 2 * _text.Length));
            _text.AsSpan(0, _length).CopyTo(larger);
            _text = larger;
        }

        bytes.CopyTo(_text.AsSpan(_length));
        _length += bytes.Length;
    }

    private struct Step : IEquatable<Step>
    {
        public int Index;
        public byte* Key;
        public int Length;

        public readonly bool Equals(Step other) => Index == other.Index && Key == other.Key;

        public override readonly bool Equals(object? obj) => obj is Step other && Equals(other);

        public override readonly int GetHashCode() => (Index * 397) ^ ((nint)Key).GetHashCode();
    }

    private struct Entry
    {
        public FieldPath Path;
        public JsonMember? Member;
        public int Trail, TrailLength;
        public byte* Value;
        public int ValueLength;

        /// <summary>Objects around the value: all steps to a struct, all but the last to a field.</summary>
        public readonly int Containers => Member is null ? Path.Steps.Length - 1 : Path.Steps.Length;

        public void SetValue(byte* from, byte* to)
        {
            Value = from;
            ValueLength = (int)(to - from);
        }
    }
}
