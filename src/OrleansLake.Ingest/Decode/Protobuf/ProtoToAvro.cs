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
            var field = index >= 0 && fields[index].Takes(wire) ? fields[index] : null;
            int chain = frame + (2 * (field is null ? fields.Length : index));
            if (field is { Oneof: >= 0 })
            {
                ref int set = ref _chains[oneofs + field.Oneof];
                if (set >= 0 && set != index)
                {
                    _chains[frame + (2 * set)] = _chains[frame + (2 * set) + 1] = -1;
                }

                set = index;
            }

            if (_metCount == _met.Length)
            {
                Array.Resize(ref _met, 2 * _met.Length);
            }

            ref var met = ref _met[_metCount];
            (met.Start, met.End, met.Number, met.Wire, met.Next) = (start, at, number, wire, -1);
            if (_chains[chain] < 0 || field is { LastCounts: true })
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

        return Merged(field, data, first, depth);
    }

    /// <summary>To merge messages is to read them as if they were one behind the other.</summary>
    private bool Merged(FieldLayout field, ReadOnlySpan<byte> data, int first, int depth)
    {
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
        int count = 0;
        for (int i = first; i >= 0; i = _met[i].Next)
        {
            ref var met = ref _met[i];
            if (!Entry(field, data[met.Start..met.End], out met.Key, out met.Value))
            {
                return false;
            }

            count++;
        }

        if (count > 1)
        {
            count -= DropRepeated(data, first, count);
        }

        if (count > 0)
        {
            PutLong(count);
        }

        for (int i = first; i >= 0; i = _met[i].Next)
        {
            var met = _met[i];
            if (met.Number < 0)
            {
                continue;
            }

            // What is not there and what is empty are alike: the default.
            var entry = data[met.Start..met.End];
            if (!Scalar(field.MapKey!.Value, entry[met.Key]) || !Value(field, entry[met.Value], depth))
            {
                return false;
            }
        }

        Put(0);
        return true;
    }

    /// <summary>Marks entries whose key comes again; how many they are.</summary>
    private int DropRepeated(ReadOnlySpan<byte> data, int first, int count)
    {
        const int MostCompared = 8;
        int dropped = 0;
        _keys.Clear();
        for (int i = _met[first].Next, before = 1; i >= 0; i = _met[i].Next, before++)
        {
            var key = KeyOf(data, i);
            if (count > MostCompared)
            {
                var hash = default(HashCode);
                hash.AddBytes(key);
                if (before == 1)
                {
                    var firstHash = default(HashCode);
                    firstHash.AddBytes(KeyOf(data, first));
                    _keys.Add(firstHash.ToHashCode(), first);
                }

                if (_keys.TryAdd(hash.ToHashCode(), i))
                {
                    continue;
                }
            }

            for (int other = first; other != i; other = _met[other].Next)
            {
                if (_met[other].Number >= 0 && key.SequenceEqual(KeyOf(data, other)))
                {
                    _met[other].Number = -1;
                    dropped++;
                }
            }
        }

        return dropped;
    }

    private ReadOnlySpan<byte> KeyOf(ReadOnlySpan<byte> data, int met) => data[_met[met].Start.._met[met].End][_met[met].Key];

    private struct Occurrence
    {
        public int Start, End, Number, Wire, Next;

        /// <summary>Of an entry of a map.</summary>
        public Range Key, Value;
    }
}
