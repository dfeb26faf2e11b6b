namespace OrleansLake.Ingest.Decode.Protobuf;

/// <summary>What a field's values are, beyond messages and enums (https://protobuf.dev/programming-guides/proto3/#scalar).</summary>
internal enum ProtoKind
{
    Double,
    Float,
    Int32,
    Int64,
    UInt32,
    UInt64,
    SInt32,
    SInt64,
    Fixed32,
    Fixed64,
    SFixed32,
    SFixed64,
    Bool,
    String,
    Bytes,
    Enum,
    Message,

    /// <summary>A message between two tags (proto2): passed over.</summary>
    Group,
}

/// <summary>What a <c>.proto</c> file says of the messages that it declares.</summary>
internal sealed class ProtoFile
{
    /// <summary>Stands before its names.</summary>
    public string Package { get; set; } = "";

    /// <summary>Files that it imports, as it names them.</summary>
    public List<string> Imports { get; } = [];

    /// <summary>Messages, in their order, which numbers them.</summary>
    public List<ProtoMessage> Messages { get; } = [];

    /// <summary>Enums.</summary>
    public List<ProtoEnum> Enums { get; } = [];
}

/// <summary>A message.</summary>
/// <param name="name">With the package and the messages around it.</param>
internal sealed class ProtoMessage(string name)
{
    /// <summary>With the package and the messages around it.</summary>
    public string Name { get; } = name;

    /// <summary>Fields in their order.</summary>
    public List<ProtoField> Fields { get; } = [];

    /// <summary>Messages within, in their order, without those that groups are.</summary>
    public List<ProtoMessage> Messages { get; } = [];

    /// <summary>Those, groups, and null for the entry of each map, in the order in which a descriptor has them.</summary>
    public List<ProtoMessage?> Described { get; } = [];

    /// <summary>Enums within.</summary>
    public List<ProtoEnum> Enums { get; } = [];

    /// <summary>How many oneofs it has.</summary>
    public int Oneofs { get; set; }
}

/// <summary>An enum.</summary>
/// <param name="name">With the package and the messages around it.</param>
internal sealed class ProtoEnum(string name)
{
    /// <summary>With the package and the messages around it.</summary>
    public string Name { get; } = name;

    /// <summary>Names of its numbers; of several names of one number the first.</summary>
    public Dictionary<int, string> Names { get; } = [];
}

/// <summary>A field.</summary>
internal sealed record ProtoField
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>Its number on the wire.</summary>
    public required int Number { get; init; }

    /// <summary>What its values are; null: what <see cref="TypeName"/> means.</summary>
    public ProtoKind? Kind { get; init; }

    /// <summary>The message or enum, as the file names it.</summary>
    public string? TypeName { get; init; }

    /// <summary>Whether there may be several.</summary>
    public bool IsRepeated { get; init; }

    /// <summary>Keys, of a map.</summary>
    public ProtoKind? MapKey { get; init; }

    /// <summary>Whether a scalar that is not on the wire is known not to be set, rather than being its default.</summary>
    public bool HasPresence { get; init; }

    /// <summary>The oneof that it belongs to; −1: none.</summary>
    public int Oneof { get; init; } = -1;
}
