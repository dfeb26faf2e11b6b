namespace OrleansLake.Ingest.Decode.Protobuf;

/// <summary>
/// Files that schemas import without any registry having them: the fields of the messages in google/protobuf
/// (https://protobuf.dev/reference/protobuf/google.protobuf/), google/type and Confluent's own.
/// </summary>
internal static class WellKnownFiles
{
    private static readonly Dictionary<string, string> Texts = new(StringComparer.Ordinal)
    {
        ["google/protobuf/any.proto"] = Google("message Any { string type_url = 1; bytes value = 2; }"),
        ["google/protobuf/duration.proto"] = Google("message Duration { int64 seconds = 1; int32 nanos = 2; }"),
        ["google/protobuf/empty.proto"] = Google("message Empty {}"),
        ["google/protobuf/field_mask.proto"] = Google("message FieldMask { repeated string paths = 1; }"),
        ["google/protobuf/timestamp.proto"] = Google("message Timestamp { int64 seconds = 1; int32 nanos = 2; }"),
        ["google/protobuf/struct.proto"] = Google(
            """
            message Struct { map<string, Value> fields = 1; }
            message Value { oneof kind { NullValue null_value = 1; double number_value = 2; string string_value = 3; bool bool_value = 4; Struct struct_value = 5; ListValue list_value = 6; } }
            message ListValue { repeated Value values = 1; }
            enum NullValue { NULL_VALUE = 0; }
            """),
        ["google/protobuf/wrappers.proto"] = Google(string.Concat(Wrapped().Select(one => $"message {one.Name} {{ {one.Word} value = 1; }}\n"))),

        // What is declared there are options, which change nothing of what is on the wire.
        ["google/protobuf/descriptor.proto"] = Google(""),
        ["confluent/meta.proto"] = "syntax = \"proto3\"; package confluent;",

        ["confluent/type/decimal.proto"] = "syntax = \"proto3\"; package confluent.type; message Decimal { bytes value = 1; uint32 precision = 2; int32 scale = 3; }",
        ["google/type/date.proto"] = "syntax = \"proto3\"; package google.type; message Date { int32 year = 1; int32 month = 2; int32 day = 3; }",
        ["google/type/latlng.proto"] = "syntax = \"proto3\"; package google.type; message LatLng { double latitude = 1; double longitude = 2; }",
        ["google/type/money.proto"] = "syntax = \"proto3\"; package google.type; message Money { string currency_code = 1; int64 units = 2; int32 nanos = 3; }",
        ["google/type/timeofday.proto"] = "syntax = \"proto3\"; package google.type; message TimeOfDay { int32 hours = 1; int32 minutes = 2; int32 seconds = 3; int32 nanos = 4; }",
    };

    /// <summary>A file's text; null: it is none of these.</summary>
    public static string? TextOf(string import) => Texts.GetValueOrDefault(import);

    /// <summary>What a message of wrappers.proto holds; null: it is none of them.</summary>
    public static ProtoKind? WrappedIn(string message)
    {
        foreach (var (name, kind, _) in Wrapped())
        {
            if (message.AsSpan().StartsWith("google.protobuf.", StringComparison.Ordinal) && message.AsSpan(16).SequenceEqual(name))
            {
                return kind;
            }
        }

        return null;
    }

    private static (string Name, ProtoKind Kind, string Word)[] Wrapped() =>
    [
        ("DoubleValue", ProtoKind.Double, "double"), ("FloatValue", ProtoKind.Float, "float"), ("Int64Value", ProtoKind.Int64, "int64"),
        ("UInt64Value", ProtoKind.UInt64, "uint64"), ("Int32Value", ProtoKind.Int32, "int32"), ("UInt32Value", ProtoKind.UInt32, "uint32"),
        ("BoolValue", ProtoKind.Bool, "bool"), ("StringValue", ProtoKind.String, "string"), ("BytesValue", ProtoKind.Bytes, "bytes"),
    ];

    private static string Google(string body) => $"syntax = \"proto3\"; package google.protobuf;\n{body}";
}
