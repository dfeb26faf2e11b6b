using Google.Protobuf.Reflection;
using OrleansLake.Ingest.Decode.Protobuf;

namespace OrleansLake.Ingest.Tests.Decode.Protobuf;

/// <summary>Schemas as Google's own compiler understands them.</summary>
public sealed class ProtoParserTests
{
    private const string Proto2 = """
        // A comment; /* not a block
        syntax = "proto2";
        package shop.v1; /* another
          one */
        import "google/protobuf/descriptor.proto";
        option java_package = "com.example" ".shop";
        option (my_file) = { name: "x" nested { a: 1 } };
        extend google.protobuf.FileOptions { optional Mine my_file = 50000; }
        extend google.protobuf.FieldOptions { optional string note = 50001; repeated int32 marks = 50002; }
        message Mine { optional string name = 1; optional Deep nested = 2; message Deep { optional int32 a = 1; } }
        enum Kind { option allow_alias = true; UNSET = 0; NEW = 1; FRESH = 1; NEGATIVE = -5; HEX = 0x10; reserved 7, 9 to 11; reserved "OLD"; }
        message Order {
          option deprecated = false;
          reserved 2, 15, 9 to 11, 1000 to max;
          reserved "foo", 'bar';
          extensions 100 to 199;
          required int64 id = 1;
          optional string name = 3 [default = "a \" quoted; } text", (note) = 'it' 's', deprecated = true];
          repeated int32 packed = 4 [packed = true, (marks) = 1, (marks) = -2];
          repeated sint64 loose = 0x5;
          optional Kind kind = 6 [default = NEW];
          optional float ratio = 7 [default = -1.5e-3];
          optional double infinite = 8 [default = -inf];
          oneof what { option (label) = "x"; string text = 20; Line line = 21; .shop.v1.Order parent = 22; }
          message Line { optional string sku = 1; enum Color { RED = 3; BLUE = 4; } optional Color color = 2; repeated Order.Line below = 3; }
          map<string, Line> lines = 30;
          map<int32, Kind> kinds = 31;
          optional group Result = 40 { required string url = 1; optional fixed32 hash = 2; }
          optional bytes message = 41;
          optional bool option = 42;
          repeated fixed64 optional = 43;
          optional sfixed32 map = 44;
          optional sfixed64 enum = 45;
          optional uint32 reserved = 46;
          optional uint64 oneof = 47;
          optional sint32 extend = 48;
          extend Order { optional int32 extra = 100; }
          enum Inner { A = 0; }
          optional Inner inner = 49;
        }
        extend google.protobuf.OneofOptions { optional string label = 50003; }
        service Orders { rpc Get (Mine) returns (stream Order) { option deprecated = true; } }
        ;
        """;

    private const string Proto3 = """
        syntax = 'proto3';
        import public "google/protobuf/timestamp.proto";
        import "google/protobuf/wrappers.proto";
        message M {
          int32 a = 1; optional int32 b = 2; google.protobuf.Timestamp at = 3; repeated google.protobuf.Int64Value w = 4;
          N n = 5; oneof o { int32 x = 6; M m = 7; } oneof p { string y = 8; }
          message N { M back = 1; E e = 2; message O { N n = 1; } O o = 3; }
        }
        enum E { E_ZERO = 0; }
        """;

    private const string Edition = """
        edition = "2023";
        package e;
        option features.field_presence = IMPLICIT;
        message M { int32 a = 1; int32 b = 2 [features.field_presence = EXPLICIT]; M m = 3 [features.message_encoding = DELIMITED]; repeated int32 r = 4 [features.repeated_field_encoding = EXPANDED]; }
        message N { string s = 1; }
        """;

    [Theory]
    [InlineData(Proto2)]
    [InlineData(Proto3)]
    [InlineData(Edition)]
    public void Schemas_are_read_as_their_own_compiler_reads_them(string text)
    {
        using var protoc = new Protoc(("schema.proto", text));
        var expected = protoc.Describe("schema.proto");
        var file = ProtoParser.Parse("schema.proto", text);
        bool isImplicit = text.Contains("IMPLICIT", StringComparison.Ordinal) || text == Proto3;
        Assert.Equal(expected.Package, file.Package);
        Assert.Equal(expected.Dependency, file.Imports);
        string prefix = file.Package.Length > 0 ? file.Package + "." : "";
        Assert.Equal(expected.MessageType.SelectMany(message => Lines(message, prefix, isImplicit)), file.Messages.SelectMany(Lines));
        Assert.Equal(expected.EnumType.Select(one => Line(one, prefix)), file.Enums.Select(Line));
    }

    [Theory]
    [InlineData("syntax = \"proto4\";", "expected syntax proto2 or proto3, got \"proto4\"")]
    [InlineData("syntax = \"proto3\";\nmessage M {\n int32 a = 0; }", "schema line 3: expected a number from 1 to 536870911 for a before this, got \";\"")]
    [InlineData("message M { int32 a = 1 }", "schema line 1: expected \";\", got \"}\"")]
    [InlineData("message M { int32 a = 1;", "schema line 1: expected a field, got the end")]
    [InlineData("message M { map<bytes, int32> a = 1; }", "schema line 1: expected a whole number, bool or string as a key's type before this, not bytes, got \",\"")]
    [InlineData("{\"type\":\"record\"}", "schema line 1: expected a declaration, got \"{\"")]
    [InlineData("message M { string a = 1 [default = \"x]; }", "schema line 1: expected the end of a text, got \"=\"")]
    [InlineData("option x = {", "schema line 1: expected \"{\" and \"}\", got the end")]
    public void What_is_no_schema_says_where_and_why(string text, string message) =>
        Assert.Equal(message, Assert.Throws<FormatException>(() => ProtoParser.Parse("schema", text)).Message);

    private static IEnumerable<string> Lines(ProtoMessage message)
    {
        yield return $"message {message.Name}";
        foreach (var field in message.Fields)
        {
            string type = field.Kind is { } kind ? kind.ToString() : field.TypeName!.Split('.')[^1];
            yield return $"{field.Name} {field.Number} {(field.IsRepeated ? "repeated " : "")}{(field.MapKey is { } key ? $"map {key} " : "")}{type} oneof {field.Oneof} {field.HasPresence && field.Kind is not null and not ProtoKind.Group}";
        }

        foreach (string line in message.Enums.Select(Line).Concat(message.Described.SelectMany(one => one is null ? ["the entry of a map"] : Lines(one))))
        {
            yield return line;
        }
    }

    private static string Line(ProtoEnum one) => $"enum {one.Name} {string.Join(", ", one.Names.Select(name => $"{name.Value}={name.Key}"))}";

    private static IEnumerable<string> Lines(DescriptorProto message, string prefix, bool isImplicit)
    {
        string full = prefix + message.Name;
        yield return $"message {full}";
        foreach (var field in message.Field)
        {
            var entry = message.NestedType.FirstOrDefault(type => type.Options is { MapEntry: true } && field.TypeName.EndsWith("." + type.Name, StringComparison.Ordinal));
            var value = entry?.Field[1] ?? field;
            bool isRepeated = field.Label == FieldDescriptorProto.Types.Label.Repeated;
            bool isGroup = field.Type == FieldDescriptorProto.Types.Type.Group || field.Options?.Features?.MessageEncoding == FeatureSet.Types.MessageEncoding.Delimited;
            string type = isGroup ? "Group" : value.TypeName.Length > 0 ? value.TypeName.Split('.')[^1] : value.Type.ToString().ToUpperInvariant();
            bool isOneof = field.HasOneofIndex && !field.Proto3Optional;
            bool hasPresence = !isRepeated && value.TypeName.Length == 0
                && (!isImplicit || isOneof || field.Proto3Optional || field.Options?.Features?.FieldPresence == FeatureSet.Types.FieldPresence.Explicit);
            string kind = Enum.TryParse<ProtoKind>(type, ignoreCase: true, out var known) && (value.TypeName.Length == 0 || isGroup) ? known.ToString() : type;
            yield return $"{field.Name} {field.Number} {(isRepeated ? "repeated " : "")}{(entry is null ? "" : $"map {Enum.Parse<ProtoKind>(entry.Field[0].Type.ToString(), ignoreCase: true)} ")}{kind} oneof {(isOneof ? field.OneofIndex : -1)} {hasPresence}";
        }

        foreach (string line in message.EnumType.Select(one => Line(one, full + ".")).Concat(message.NestedType.SelectMany(type => type.Options is { MapEntry: true } ? ["the entry of a map"] : Lines(type, full + ".", isImplicit))))
        {
            yield return line;
        }
    }

    private static string Line(EnumDescriptorProto one, string prefix) =>
        $"enum {prefix}{one.Name} {string.Join(", ", one.Value.DistinctBy(value => value.Number).Select(value => $"{value.Name}={value.Number}"))}";
}
