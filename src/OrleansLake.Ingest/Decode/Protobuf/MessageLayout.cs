using OrleansLake.Ingest.Decode.Avro;

namespace OrleansLake.Ingest.Decode.Protobuf;

/// <summary>How a field's value is told in Avro.</summary>
internal enum ProtoShape
{
    /// <summary>A number, boolean, string, bytes, or an enum's number.</summary>
    Scalar,

    /// <summary>A record.</summary>
    Message,

    /// <summary>A message around one scalar (google/protobuf/wrappers.proto): the scalar, or null.</summary>
    Wrapper,

    /// <summary>Seconds and nanoseconds: google.protobuf.Timestamp and Duration.</summary>
    Seconds,

    /// <summary>JSON in messages: google.protobuf.Struct.</summary>
    JsonObject,

    /// <summary>google.protobuf.Value.</summary>
    JsonValue,

    /// <summary>google.protobuf.ListValue.</summary>
    JsonList,

    /// <summary>A group: passed over, counted as a field that the table does not have.</summary>
    Unread,
}

/// <summary>One field of a message as it is read.</summary>
internal sealed class FieldLayout
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>Its number on the wire.</summary>
    public required int Number { get; init; }

    /// <summary>What its values are; of a wrapper what is in it.</summary>
    public required ProtoKind Kind { get; init; }

    /// <summary>How they are told.</summary>
    public required ProtoShape Shape { get; init; }

    /// <summary>Whether there may be several.</summary>
    public required bool IsRepeated { get; init; }

    /// <summary>Keys, of a map.</summary>
    public ProtoKind? MapKey { get; init; }

    /// <summary>Whether it may be null.</summary>
    public required bool HasPresence { get; init; }

    /// <summary>The oneof that it belongs to; −1: none.</summary>
    public required int Oneof { get; init; }

    /// <summary>Fields of a message.</summary>
    public MessageLayout? Message { get; init; }

    /// <summary>How its values are on the wire, unless they are packed.</summary>
    public int Wire { get; private set; }

    /// <summary>Whether its values may be packed.</summary>
    public bool MayBePacked { get; private set; }

    /// <summary>Whether of several values the last is all that counts.</summary>
    public bool LastCounts { get; private set; }

    /// <summary>Whether a value of a wire type is one of this field; if not it is as a field that nobody knows.</summary>
    public bool Takes(int wire) => wire == Wire || IsPacked(wire) || Shape == ProtoShape.Unread;

    /// <summary>Whether a value of a wire type is several.</summary>
    public bool IsPacked(int wire) => wire == 2 && MayBePacked;

    /// <summary>Settles what follows from the rest.</summary>
    public FieldLayout Settle()
    {
        Wire = MapKey is null && Shape == ProtoShape.Scalar ? WireOf(Kind) : 2;
        MayBePacked = IsRepeated && MapKey is null && Shape == ProtoShape.Scalar && Wire != 2;
        LastCounts = !IsRepeated && Shape == ProtoShape.Scalar;
        return this;
    }

    /// <summary>How a kind is on the wire (https://protobuf.dev/programming-guides/encoding/#structure).</summary>
    public static int WireOf(ProtoKind kind) => kind switch
    {
        ProtoKind.Double or ProtoKind.Fixed64 or ProtoKind.SFixed64 => 1,
        ProtoKind.String or ProtoKind.Bytes or ProtoKind.Message => 2,
        ProtoKind.Group => 3,
        ProtoKind.Float or ProtoKind.Fixed32 or ProtoKind.SFixed32 => 5,
        _ => 0,
    };
}

/// <summary>The fields of a message by their numbers, and the record that it is in Avro.</summary>
internal sealed class MessageLayout
{
    private const int MostDirect = 1024;

    private readonly Dictionary<int, int> _others = [];
    private short[] _direct = [];

    /// <summary>The record.</summary>
    public required AvroType Type { get; init; }

    /// <summary>How many oneofs it has.</summary>
    public required int Oneofs { get; init; }

    /// <summary>Fields in the order of the record's.</summary>
    public FieldLayout[] Fields { get; private set; } = [];

    /// <summary>Says which they are.</summary>
    public void Complete(FieldLayout[] fields)
    {
        Fields = fields;
        _direct = new short[Math.Min(MostDirect, fields.Select(field => field.Number).DefaultIfEmpty().Max() + 1)];
        Array.Fill(_direct, (short)-1);
        for (int i = 0; i < fields.Length; i++)
        {
            if (fields[i].Number < _direct.Length && i <= short.MaxValue)
            {
                _direct[fields[i].Number] = (short)i;
            }
            else
            {
                _others[fields[i].Number] = i;
            }
        }
    }

    /// <summary>The index of a field; −1: there is none.</summary>
    public int IndexOf(int number) => (uint)number < (uint)_direct.Length && _direct[number] is var index and >= 0 ? index : _others.GetValueOrDefault(number, -1);
}
