using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Text;

namespace OrleansLake.Ingest.Decode;

/// <summary>What a decoder does at a place of the document.</summary>
internal enum JsonKind : byte
{
    String,
    Long,
    Double,
    Timestamp,
    Boolean,
    Int,
    Struct,
    List,
    Map,
    Float,
    Decimal,
    Date,
    Time,
    Uuid,
    Fixed,
    Binary,
    Nothing,

    /// <summary>An object or array of the document that pointers lead through: no column of its own.</summary>
    Path,

    /// <summary>An object of which the first member that is not null is the row.</summary>
    Either,

    /// <summary>A value that more than one column is made of.</summary>
    Fork,

    /// <summary>A value that becomes null where it does not fit.</summary>
    Guarded,

    /// <summary>A string, or the JSON text of anything else.</summary>
    StringOrJson,

    /// <summary>A list whose elements may hold what is rescued.</summary>
    TracedList,

    /// <summary>A map whose values may hold what is rescued.</summary>
    TracedMap,

    /// <summary>A value of any kind that keeps its type.</summary>
    Variant,
}

/// <summary>Where a field stands in the table.</summary>
/// <param name="Text">As messages have it: <c>order.lines[].price</c>.</param>
/// <param name="Steps">Names; null for an element of a list or map.</param>
internal sealed record FieldPath(string Text, string?[] Steps)
{
    /// <summary>The steps as JSON has them between quotes.</summary>
    public readonly byte[]?[] Escaped = [.. Steps.Select(step => step is null ? null : JsonRescue.Escape(step))];

    /// <summary>The row.</summary>
    public static readonly FieldPath Row = new("", []);

    /// <summary>A field of this struct.</summary>
    public FieldPath Field(string name) => new(JsonStruct.Join(Text, name), [.. Steps, name]);

    /// <summary>The elements of this list, or the values of this map.</summary>
    public FieldPath Elements() => new(Text + "[]", [.. Steps, null]);
}

/// <summary>One place of the schema: what may stand there, and the columns that it goes to.</summary>
internal sealed unsafe class JsonNode
{
    /// <summary>
    /// What reads a value here, in the form of every reader: its node, its first byte, the end of the document, the repetition level,
    /// what readers share; returns what stands behind the value, or null. Set by <see cref="JsonRows{TScan}.Prepare"/>.
    /// </summary>
    public delegate*<JsonNode, byte*, byte*, int, JsonState, byte*> Read = &Unprepared;

    /// <summary>What to do.</summary>
    public required JsonKind Kind;

    /// <summary>The type, for messages.</summary>
    public required string TypeName;

    /// <summary>Whether null is refused.</summary>
    public required bool Required;

    /// <summary>Containers around it: the document is 0, what stands in it is 1.</summary>
    public required int Depth;

    /// <summary>Definition level of what holds it: what its leaves get when it is null.</summary>
    public required int NullDefinition;

    /// <summary>Definition level of the node itself when it is there: what leaves of an empty list get.</summary>
    public int Definition;

    /// <summary>Repetition level of its second and later elements.</summary>
    public int ElementRepetition;

    /// <summary>The leaf of a primitive, the first leaf of anything else.</summary>
    public LeafColumn? Leaf;

    /// <summary>What its leaves get where a record says nothing of it; null: they are null, or the record is refused.</summary>
    public MissingValue? Missing;

    /// <summary>All leaves below, in order.</summary>
    public LeafColumn[] Leaves = [];

    /// <summary>Element of a list; value of a map; what is guarded.</summary>
    public JsonNode? Element;

    /// <summary>Key of a map.</summary>
    public JsonNode? Key;

    /// <summary>Fields of a struct, or of an object that pointers lead through.</summary>
    public JsonStruct? Struct;

    /// <summary>Elements that pointers lead to where an array stands, by their index, in order.</summary>
    public (int Index, JsonNode Node)[] Elements = [];

    /// <summary>What reads a value that several columns are made of.</summary>
    public JsonNode[] Nodes = [];

    /// <summary>Whether the row itself is this or below: without it there is nothing to make a row of.</summary>
    public bool HoldsRow;

    /// <summary>Where leaves stood before a guarded value: slot and value of each.</summary>
    public int[] Marks = [];

    /// <summary>Where it stands, of a value that may not fit.</summary>
    public FieldPath? Path;

    /// <summary>How often the value did not fit and became null or text, in accepted records.</summary>
    public long Count;

    /// <summary>Whether a string is read as the number or boolean that it says.</summary>
    public bool FromText;

    /// <summary>What a number counts in the place of a time.</summary>
    public EpochUnit Epoch;

    /// <summary>Digits of a decimal.</summary>
    public int Precision, Scale;

    /// <summary>Whether a timestamp is an instant (and must name its zone) or a wall clock (and must not).</summary>
    public bool WithZone;

    /// <summary>Whether a timestamp counts nanoseconds.</summary>
    public bool Nanos;

    /// <summary>The last date read here: its ten characters and its day.</summary>
    public ulong DateHead = Unsafe.ReadUnaligned<ulong>(in "1970-01-"u8[0]);

    /// <inheritdoc cref="DateHead" />
    public ushort DateTail = Unsafe.ReadUnaligned<ushort>(in "01"u8[0]);

    /// <inheritdoc cref="DateHead" />
    public int DateDays;

    private static byte* Unprepared(JsonNode node, byte* p, byte* end, int repetition, JsonState state) =>
        throw new InvalidOperationException($"the reader of {node.TypeName} was not chosen");

    /// <summary>The nodes right below it.</summary>
    public IEnumerable<JsonNode> Below
    {
        get
        {
            JsonNode?[] below = [Key, Element, .. Nodes, .. Elements.Select(element => element.Node), .. Struct?.Fields.Select(member => member.Node) ?? []];
            return below.OfType<JsonNode>();
        }
    }

    /// <summary>Whether a record that says nothing of it is refused.</summary>
    public bool IsNeeded => Required && Missing is null;

    /// <summary>Writes what stands for nothing at all; null unless there is a default.</summary>
    public void AddMissing(int repetition, int row)
    {
        if (Missing is null)
        {
            AddAbsent(NullDefinition, repetition, row);
        }
        else
        {
            Missing.Add(this, repetition, row);
        }
    }

    /// <summary>Writes null, or the absence of anything above, to every leaf.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void AddAbsent(int definition, int repetition, int row)
    {
        foreach (var leaf in Leaves)
        {
            leaf.AddAbsent(definition, repetition, row);
        }
    }
}

/// <summary>One field name that was met in a struct: of the schema (<see cref="Node"/>), or unknown and to be skipped.</summary>
internal sealed class JsonMember
{
    /// <summary>The name, unescaped.</summary>
    public required byte[] Name;

    /// <summary>Index among the struct's fields; −1 for an unknown one.</summary>
    public required int Index;

    /// <summary>What to do with the value; null: skip it.</summary>
    public JsonNode? Node;

    /// <summary>Bytes of <see cref="Expected"/>: the name between quotes and the colon.</summary>
    public int TokenLength;

    /// <summary>The whole token where it is longer than a vector.</summary>
    public byte[]? LongToken;

    /// <summary>The token, and ones where its bytes count; what no text begins with where it is longer than this.</summary>
    public Vector256<byte> Expected, Mask;

    /// <summary>The two members that were last seen to follow this one, the likelier first.</summary>
    public JsonMember First = null!, Second = null!;

    /// <summary>The last row in which <see cref="Second"/> followed.</summary>
    public int SecondRow = -2;

    /// <summary>Accepted records in which it was unknown.</summary>
    public long Count;

    /// <summary>Where it stands, for <see cref="IRecordDecoder.TakeUnknownFields"/>.</summary>
    public string Path = "";

    /// <summary>The struct that it is a member of, where it is unknown and counts; null where nobody asks for it.</summary>
    public JsonStruct? Owner;

    /// <summary>Whether it will never be a column.</summary>
    public bool IsDeclined;

    /// <summary>Where <see cref="JsonRescue"/> kept its last value.</summary>
    public int RescuedAt;

    /// <summary>Whose count is counted up, of a name that is not kept.</summary>
    public JsonMember? CountsAs;

    /// <summary>The name as JSON has it between quotes, once that was asked for.</summary>
    public byte[]? Escaped;

    public static JsonMember Create(byte[] name, int index, JsonNode? node, string path, bool isMet = true)
    {
        byte[] token = [(byte)'"', .. name, (byte)'"', (byte)':'];
        bool plain = isMet && name.All(b => b is >= 0x20 and not (byte)'"' and not (byte)'\\');
        Span<byte> expected = stackalloc byte[32];
        Span<byte> mask = stackalloc byte[32];
        bool isShort = plain && token.Length <= 32;
        expected.Fill(0xFF);
        mask[..(isShort ? token.Length : 1)].Fill(0xFF);
        if (isShort)
        {
            token.CopyTo(expected);
        }

        var member = new JsonMember
        {
            Name = name,
            Index = index,
            Node = node,
            TokenLength = isShort ? token.Length : 0,
            LongToken = plain && !isShort ? token : null,
            Expected = Vector256.Create<byte>(expected),
            Mask = Vector256.Create<byte>(mask),
            Path = path,
        };
        member.First = member.Second = member;
        return member;
    }
}

/// <summary>One field that a struct asks for.</summary>
/// <param name="Name">What the table calls it; of one that is <paramref name="IsExact"/>, what the document does.</param>
/// <param name="Node">What reads it.</param>
/// <param name="IsExact">Whether its name is the document's own and not converted.</param>
internal readonly record struct JsonField(string Name, JsonNode Node, bool IsExact = false);

/// <summary>The fields of a struct by name, and what order they came in.</summary>
internal sealed class JsonStruct
{
    private const int MaxUnknown = 256;

    private readonly NameMatching? _names;
    private readonly Dictionary<string, int>? _byColumn;
    private readonly bool _isPath;
    private readonly List<JsonMember> _members = [];
    private int[] _buckets;

    /// <summary>
    /// The fields of a struct. <paramref name="names"/>: how names of documents become those of columns; null: they are
    /// alike. <paramref name="isPath"/>: an object that pointers lead through, in which nothing else is asked for.
    /// </summary>
    public JsonStruct(IReadOnlyList<JsonField> fields, FieldPath path, NameMatching? names = null, bool isPath = false)
    {
        Path = path;
        _names = names;
        _isPath = isPath;
        _byColumn = names?.Index([.. fields.Select(field => field.IsExact ? null : field.Name)], path.Text);
        _buckets = new int[16];
        Fields = new JsonMember[fields.Count];
        for (int i = 0; i < Fields.Length; i++)
        {
            var (name, node, isExact) = fields[i];
            string guess = names is null || isExact ? name : names.Guess(name);
            bool isMet = names is null || isExact || Resolve(guess) == i;
            Fields[i] = JsonMember.Create(Encoding.UTF8.GetBytes(isMet ? guess : name), i, node, Join(path.Text, name), isMet);
            if (isMet)
            {
                Insert(Fields[i]);
            }
        }

        // Neither is a name that could stand in a document.
        Others = JsonMember.Create("\0*"u8.ToArray(), -1, null, Join(path.Text, "*"));
        Others.Owner = isPath ? null : this;
        Start = JsonMember.Create("\0"u8.ToArray(), -1, null, path.Text);

        // Until a record has been seen: the order of the schema.
        var previous = Start;
        foreach (var field in Fields)
        {
            previous.First = previous.Second = field;
            previous = field;
        }

        All = new ulong[Math.Max(1, (Fields.Length + 63) / 64)];
        Seen = Fields.Length > 64 ? new ulong[All.Length] : null;
        for (int i = 0; i < Fields.Length; i++)
        {
            All[i / 64] |= 1UL << (i % 64);
        }
    }

    /// <summary>Where the struct stands.</summary>
    public readonly FieldPath Path;

    /// <summary>The fields of the schema in its order.</summary>
    public readonly JsonMember[] Fields;

    /// <summary>Whether unknown values are kept with their names, however many there are.</summary>
    public bool KeepsNames;

    /// <summary>Columns of the row that its own fields are not: names that no new column can have.</summary>
    public IReadOnlyList<string> TakenNames = [];

    /// <summary>What precedes the first member.</summary>
    public readonly JsonMember Start;

    /// <summary>Stands for unknown names beyond those that are kept.</summary>
    public readonly JsonMember Others;

    /// <summary>
    /// One bit a field that was met in this object, where there are more than 64. A schema does not nest into itself, so there
    /// is one object at a time.
    /// </summary>
    public readonly ulong[]? Seen;

    /// <summary>Where the value of each field stands, while an object is read twice; 0 where it is absent.</summary>
    public nint[]? Positions;

    /// <summary>One bit a field that there is.</summary>
    public readonly ulong[] All;

    /// <summary>Every member with a name: fields, and unknown ones that were met.</summary>
    public IEnumerable<JsonMember> Unknown => _members.Where(member => member.Node is null).Append(Others);

    /// <summary>The member of that name; an unknown name is kept for next time while there are few.</summary>
    public JsonMember Find(ReadOnlySpan<byte> name)
    {
        for (int i = (int)Hash(name) & (_buckets.Length - 1); _buckets[i] != 0; i = (i + 1) & (_buckets.Length - 1))
        {
            var member = _members[_buckets[i] - 1];
            if (name.SequenceEqual(member.Name))
            {
                return member;
            }
        }

        bool isFull = _members.Count - Fields.Length >= MaxUnknown || name.Length > 256;
        if (_names is not null && Resolve(Encoding.UTF8.GetString(name)) is { } index)
        {
            var field = Fields[index];
            if (isFull)
            {
                return field;
            }

            // Converted once: from now on the name is known as it stands in documents.
            var alias = JsonMember.Create(name.ToArray(), index, field.Node, field.Path);
            Insert(alias);
            return alias;
        }

        if (isFull)
        {
            return Passing(name.ToArray());
        }

        var unknown = JsonMember.Create(name.ToArray(), -1, null, Join(Path.Text, Encoding.UTF8.GetString(name)));
        unknown.Owner = _isPath ? null : this;
        Insert(unknown);
        return unknown;
    }

    /// <summary>A name that is not kept for next time; <paramref name="escaped"/>: of one that no UTF-8 can hold, as it stands.</summary>
    public JsonMember Passing(byte[] name, byte[]? escaped = null)
    {
        if (!KeepsNames)
        {
            return Others;
        }

        var passing = JsonMember.Create(name, -1, null, Others.Path);
        (passing.Owner, passing.CountsAs, passing.Escaped) = (Others.Owner, Others, escaped);
        return passing;
    }

    /// <summary>What a column for an unknown member would be called.</summary>
    public string ColumnOf(JsonMember member)
    {
        string name = Encoding.UTF8.GetString(member.Name);
        return _names?.Convert(name) ?? name;
    }

    /// <summary>Whether no column can be added by that name: engines do not tell upper from lower case.</summary>
    public bool Takes(string name) =>
        name.Length == 0 || name.Any(char.IsControl) || TakenNames.Contains(name, StringComparer.OrdinalIgnoreCase)
        || Fields.Any(field => field.Path.Equals(Join(Path.Text, name), StringComparison.OrdinalIgnoreCase));

    private int? Resolve(string name) => _byColumn!.TryGetValue(_names!.Convert(name), out int index) ? index : null;

    public static string Join(string path, string name) => path.Length == 0 ? name : path + "." + name;

    private void Insert(JsonMember member)
    {
        _members.Add(member);
        if (_members.Count * 4 > _buckets.Length)
        {
            _buckets = new int[_buckets.Length * 2];
            for (int i = 0; i < _members.Count; i++)
            {
                Place(i);
            }
        }
        else
        {
            Place(_members.Count - 1);
        }
    }

    private void Place(int index)
    {
        int i = (int)Hash(_members[index].Name) & (_buckets.Length - 1);
        while (_buckets[i] != 0)
        {
            i = (i + 1) & (_buckets.Length - 1);
        }

        _buckets[i] = index + 1;
    }

    /// <summary>Over length, first and last eight bytes: names that agree in those are told apart by comparing.</summary>
    private static uint Hash(ReadOnlySpan<byte> name)
    {
        ulong head = 0, tail = 0;
        if (name.Length >= 8)
        {
            head = Unsafe.ReadUnaligned<ulong>(in name[0]);
            tail = Unsafe.ReadUnaligned<ulong>(in name[^8]);
        }
        else
        {
            foreach (byte b in name)
            {
                head = (head << 8) | b;
            }
        }

        return (uint)(((head * 0x9E3779B97F4A7C15) ^ (tail * 0xC2B2AE3D27D4EB4F) ^ ((ulong)name.Length * 0x165667B19E3779F9)) >> 32);
    }
}
