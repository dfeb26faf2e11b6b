namespace OrleansLake.Ingest.Decode.Protobuf;

/// <summary>
/// Puts a message, whose fields come in any order, several times or not at all, into the order of its descriptor: as Avro's
/// binary encoding of the record that <see cref="MessageLayout"/> makes of it, which the steps for Avro read into columns. Here is
/// all that Protocol Buffers say of fields that come again: of a scalar and a oneof the last counts, messages are merged, elements
/// are packed or not (https://protobuf.dev/programming-guides/encoding/). What is out goes into one buffer that is used again.
/// </summary>
internal sealed partial class ProtoToAvro
{
    private const int MaxDepth = JsonPlanCompiler.MaxDepth;

    private readonly Dictionary<int, int> _keys = [];
    private readonly List<string> _path = [];
    private byte[] _out = new byte[1024];
    private int _length;
    private Occurrence[] _met = new Occurrence[64];
    private int _metCount;
    private int[] _chains = new int[256];
    private int _chainTop;

    /// <summary>Why a message was none.</summary>
    public RejectReason Reason { get; private set; }

    /// <summary>Expected and found.</summary>
    public string Message { get; private set; } = "";

    /// <summary>Where.</summary>
    public string Path => string.Concat(_path.AsEnumerable().Reverse().Select(step => "." + step)).TrimStart('.');

    /// <summary>Reads a message; the result is good until the next. False: it is none.</summary>
    public bool TryConvert(MessageLayout layout, ReadOnlySpan<byte> message, out ReadOnlySpan<byte> avro)
    {
        _length = _metCount = _chainTop = 0;
        _path.Clear();
        bool isMessage = Convert(layout, message, 0);
        avro = _out.AsSpan(0, isMessage ? _length : 0);
        return isMessage;
    }

    private bool Convert(MessageLayout layout, ReadOnlySpan<byte> data, int depth)
    {
        if (depth > MaxDepth)
        {
            return Fail(RejectReason.TooDeep, $"expected at most {MaxDepth} messages within each other");
        }

        // For each field the first and last of its values, then those that no field takes, then what each oneof is.
        var fields = layout.Fields;
        int frame = _chainTop;
        int firstMet = _metCount;
        int oneofs = frame + (2 * fields.Length) + 2;
        _chainTop = oneofs + layout.Oneofs;
        if (_chains.Length < _chainTop)
        {
            Array.Resize(ref _chains, 2 * _chainTop);
        }

        _chains.AsSpan(frame, _chainTop - frame).Fill(-1);
        if (!Scan(layout, data, frame, oneofs))
        {
            return false;
        }

        for (int i = 0; i < fields.Length; i++)
        {
            var field = fields[i];
            int first = _chains[frame + (2 * i)];
            bool isThere = field.Shape == ProtoShape.Unread ? Unread(data, first)
                : field.MapKey is not null ? Map(field, data, first, depth)
                : field.IsRepeated ? Repeated(field, data, first, depth)
                : Singular(field, data, first, _chains[frame + (2 * i) + 1], depth);
            if (!isThere)
            {
                _path.Add(field.Name);
                return false;
            }
        }

        bool isOver = Unread(data, _chains[frame + (2 * fields.Length)]);
        _chainTop = frame;
        _metCount = firstMet;
        return isOver;
    }

    /// <summary>Notes where the values of each field are.</summary>
    private bool Scan(MessageLayout layout, ReadOnlySpan<byte> data, int frame, int oneofs)
    {
        var fields = layout.Fields;
        for (int at = 0; at < data.Length;)
        {
            if (!TryTag(data, ref at, out int number, out int wire) || !TryValue(data, ref at, number, wire, out int start))
            {
                return false;
            }

            int index = layout.IndexOf(number);
            bool isKnown = index >= 0 && (fields[index].Shape == ProtoShape.Unread || fields[index].Takes(wire));
            int chain = frame + (2 * (isKnown ? index : fields.Length));
            if (isKnown && fields[index].Oneof is var oneof and >= 0)
            {
                if (_chains[oneofs + oneof] is var before and >= 0 && before != index)
                {
                    _chains[frame + (2 * before)] = _chains[frame + (2 * before) + 1] = -1;
                }

                _chains[oneofs + oneof] = index;
            }

            if (_metCount == _met.Length)
            {
                Array.Resize(ref _met, 2 * _met.Length);
            }

            _met[_metCount] = new Occurrence { Start = start, End = at, Number = number, Wire = wire, Next = -1 };
            bool replaces = isKnown && fields[index] is { IsRepeated: false, Shape: ProtoShape.Scalar };
            if (_chains[chain] < 0 || replaces)
            {
                _chains[chain] = _metCount;
            }
            else
            {
                _met[_chains[chain + 1]].Next = _metCount;
            }

            _chains[chain + 1] = _metCount++;
        }

        return true;
    }

    private bool Singular(FieldLayout field, ReadOnlySpan<byte> data, int first, int last, int depth)
    {
        if (first < 0)
        {
            if (field.HasPresence)
            {
                Put(0);
            }
            else
            {
                return Scalar(field.Kind, default);
            }

            return true;
        }

        if (field.HasPresence && field.Shape != ProtoShape.JsonValue)
        {
            Put(2);
        }

        if (first == last)
        {
            return Value(field, data[_met[first].Start.._met[first].End], depth);
        }

        // To merge messages is to read them as if they were one behind the other.
        using var merged = new MemoryStream();
        for (int i = first; i >= 0; i = _met[i].Next)
        {
            merged.Write(data[_met[i].Start.._met[i].End]);
        }

        return Value(field, merged.GetBuffer().AsSpan(0, (int)merged.Length), depth);
    }

    private bool Repeated(FieldLayout field, ReadOnlySpan<byte> data, int first, int depth)
    {
        long count = 0;
        for (int i = first; i >= 0; i = _met[i].Next)
        {
            count += field.IsPacked(_met[i].Wire) ? CountPacked(field.Kind, data[_met[i].Start.._met[i].End]) : 1;
        }

        if (count > 0)
        {
            PutLong(count);
        }

        for (int i = first; i >= 0; i = _met[i].Next)
        {
            var value = data[_met[i].Start.._met[i].End];
            if (!(field.IsPacked(_met[i].Wire) ? Packed(field.Kind, value) : Value(field, value, depth)))
            {
                return false;
            }
        }

        Put(0);
        return true;
    }

    private static int CountPacked(ProtoKind kind, ReadOnlySpan<byte> values) => FieldLayout.WireOf(kind) switch
    {
        0 => CountEnds(values),
        1 => values.Length / 8,
        _ => values.Length / 4,
    };

    /// <summary>Bytes that end a number.</summary>
    private static int CountEnds(ReadOnlySpan<byte> numbers)
    {
        int count = 0;
        foreach (byte one in numbers)
        {
            count += one < 0x80 ? 1 : 0;
        }

        return count;
    }

    private bool Packed(ProtoKind kind, ReadOnlySpan<byte> values)
    {
        int wire = FieldLayout.WireOf(kind);
        for (int at = 0; at < values.Length;)
        {
            int start = at;
            if (!TryValue(values, ref at, 0, wire, out _) || !Scalar(kind, values[start..at]))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>A map: messages of a key and a value, of which the last of a key counts.</summary>
    private bool Map(FieldLayout field, ReadOnlySpan<byte> data, int first, int depth)
    {
        long count = 0;
        _keys.Clear();
        for (int i = first; i >= 0; i = _met[i].Next)
        {
            if (!Entry(field, data[_met[i].Start.._met[i].End], out var key, out _))
            {
                return false;
            }

            count++;
            var hash = default(HashCode);
            hash.AddBytes(key);
            if (!_keys.TryAdd(hash.ToHashCode(), i) && Earlier(field, data, first, i, key) is var earlier and >= 0)
            {
                _met[earlier].Number = -1;
                count--;
            }
        }

        if (count > 0)
        {
            PutLong(count);
        }

        for (int i = first; i >= 0; i = _met[i].Next)
        {
            if (_met[i].Number < 0)
            {
                continue;
            }

            // What is not there and what is empty are alike: the default.
            Entry(field, data[_met[i].Start.._met[i].End], out var key, out var value);
            if (!Scalar(field.MapKey!.Value, key) || !Value(field, value, depth))
            {
                return false;
            }
        }

        Put(0);
        return true;
    }

    private int Earlier(FieldLayout field, ReadOnlySpan<byte> data, int first, int end, ReadOnlySpan<byte> key)
    {
        for (int i = first; i != end; i = _met[i].Next)
        {
            if (_met[i].Number >= 0 && Entry(field, data[_met[i].Start.._met[i].End], out var other, out _) && other.SequenceEqual(key))
            {
                return i;
            }
        }

        return -1;
    }

    private struct Occurrence
    {
        public int Start, End, Number, Wire, Next;
    }
}
