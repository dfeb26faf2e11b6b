using OrleansLake.Ingest.Decode.Avro;
using OrleansLake.Ingest.Registry;

namespace OrleansLake.Ingest.Decode.Protobuf;

/// <summary>The messages that a schema of the registry declares, with all that its imports do, and how each is read.</summary>
internal sealed class ProtoSchema
{
    private const int MaxDepth = 500;
    private const string Format = "Protobuf's";

    private readonly ProtoFile _main;
    private readonly Dictionary<string, ProtoMessage> _messages = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ProtoEnum> _enums = new(StringComparer.Ordinal);
    private readonly Dictionary<string, MessageLayout> _layouts = new(StringComparer.Ordinal);
    private int _depth;

    /// <summary>A schema and those that it refers to, by the names that it imports them by.</summary>
    /// <exception cref="FormatException">It is none, or imports what there is not.</exception>
    public ProtoSchema(string text, IEnumerable<SchemaReference> references)
    {
        var texts = references.ToLookup(one => one.Name, one => one.Text, StringComparer.Ordinal);
        _main = ProtoParser.Parse("schema", text);
        var open = new Queue<ProtoFile>([_main]);
        var met = new HashSet<string>(StringComparer.Ordinal);
        while (open.TryDequeue(out var file))
        {
            file.Messages.ForEach(Add);
            file.Enums.ForEach(one => _enums.TryAdd(one.Name, one));
            foreach (string import in file.Imports.Where(met.Add))
            {
                string imported = texts[import].FirstOrDefault() ?? WellKnownFiles.TextOf(import)
                    ?? throw new FormatException($"expected a reference of the schema for its import \"{import}\", got none");
                open.Enqueue(ProtoParser.Parse(import, imported));
            }
        }
    }

    /// <summary>
    /// The message that a list of indexes means: of the file's messages, then of those within
    /// (https://docs.confluent.io/platform/current/schema-registry/fundamentals/serdes-develop/index.html#wire-format).
    /// The registry's own serializer counts the messages that the text declares; others count as descriptors do, in which each map field is
    /// a message too. Where both would do, it is the registry's.
    /// </summary>
    /// <exception cref="FormatException">A type that it names is not there.</exception>
    public MessageLayout? Find(ReadOnlySpan<int> indexes) =>
        (Walk(indexes, static message => message.Messages) ?? Walk(indexes, static message => message.Described)) is { } found ? Layout(found) : null;

    private ProtoMessage? Walk(ReadOnlySpan<int> indexes, Func<ProtoMessage, IReadOnlyList<ProtoMessage?>> within)
    {
        IReadOnlyList<ProtoMessage?> messages = _main.Messages;
        ProtoMessage? message = null;
        foreach (int index in indexes)
        {
            message = (uint)index < (uint)messages.Count ? messages[index] : null;
            if (message is null)
            {
                return null;
            }

            messages = within(message);
        }

        return message;
    }

    private void Add(ProtoMessage message)
    {
        _messages.TryAdd(message.Name, message);
        foreach (var within in message.Described.OfType<ProtoMessage>())
        {
            Add(within);
        }

        message.Enums.ForEach(one => _enums.TryAdd(one.Name, one));
    }

    private MessageLayout Layout(ProtoMessage message)
    {
        if (_layouts.TryGetValue(message.Name, out var known))
        {
            return known;
        }

        if (++_depth > MaxDepth)
        {
            throw new FormatException($"expected at most {MaxDepth} messages that lead to each other, one more is {message.Name}");
        }

        // Known before its fields are: a message may be within itself.
        var type = new AvroType(AvroTypeKind.Record) { Format = Format, Name = message.Name };
        var layout = _layouts[message.Name] = new MessageLayout { Type = type, Oneofs = message.Oneofs };
        var fields = new List<FieldLayout>();
        var types = new List<(string, AvroType)>();
        foreach (var field in message.Fields)
        {
            var (one, its) = Field(message, field);
            fields.Add(one);
            types.Add((field.Name, its));
        }

        types.Add(("", AvroType.Unread));
        type.Fields = types;
        layout.Complete([.. fields]);
        _depth--;
        return layout;
    }

    private (FieldLayout Field, AvroType Type) Field(ProtoMessage message, ProtoField field)
    {
        var (kind, shape, value, within) = Value(message, field);
        bool isNullable = field.HasPresence || shape is not ProtoShape.Scalar;
        var layout = new FieldLayout
        {
            Name = field.Name, Number = field.Number, Kind = kind, Shape = shape, IsRepeated = field.IsRepeated, MapKey = field.MapKey, HasPresence = isNullable, Oneof = field.Oneof, Message = within,
        }.Settle();
        if (shape == ProtoShape.Unread)
        {
            return (layout, AvroType.Unread);
        }

        // Only google.protobuf.Value is null itself.
        var item = shape == ProtoShape.JsonValue ? AvroType.Optional(value) : value;
        var type = field.MapKey is { } key ? new AvroType(AvroTypeKind.Map) { Format = Format, Items = item, Keys = key == ProtoKind.String ? null : Scalar(key), IsNothingWhenEmpty = true }
            : field.IsRepeated ? new AvroType(AvroTypeKind.Array) { Format = Format, Items = item, IsNothingWhenEmpty = true }
            : isNullable ? AvroType.Optional(value) : value;
        return (layout, type);
    }

    private (ProtoKind Kind, ProtoShape Shape, AvroType Value, MessageLayout? Message) Value(ProtoMessage message, ProtoField field)
    {
        if (field.Kind == ProtoKind.Group)
        {
            return (ProtoKind.Group, ProtoShape.Unread, AvroType.Unread, null);
        }

        if (field.Kind is { } scalar)
        {
            return (scalar, ProtoShape.Scalar, Scalar(scalar, IsPlain(field)), null);
        }

        string name = Resolve(message.Name, field.TypeName!);
        if (_enums.TryGetValue(name, out var its))
        {
            return (ProtoKind.Enum, ProtoShape.Scalar, new AvroType(AvroTypeKind.Int) { Format = Format, Name = name, LogicalType = "enum", Numbers = its.Names, IsNothingWhenEmpty = IsPlain(field) }, null);
        }

        switch (name)
        {
            case "google.protobuf.Timestamp":
                return (ProtoKind.Message, ProtoShape.Seconds, new AvroType(AvroTypeKind.Fixed) { Format = Format, Name = name, LogicalType = "instant", Size = 12 }, null);
            case "google.protobuf.Duration":
                return (ProtoKind.Message, ProtoShape.Seconds, new AvroType(AvroTypeKind.Fixed) { Format = Format, Name = name, LogicalType = "seconds", Size = 12 }, null);
            case "google.protobuf.Struct":
                return (ProtoKind.Message, ProtoShape.JsonObject, AvroType.Json, null);
            case "google.protobuf.Value":
                return (ProtoKind.Message, ProtoShape.JsonValue, AvroType.Json, null);
            case "google.protobuf.ListValue":
                return (ProtoKind.Message, ProtoShape.JsonList, AvroType.Json, null);
        }

        return WellKnownFiles.WrappedIn(name) is { } wrapped
            ? (wrapped, ProtoShape.Wrapper, Scalar(wrapped), null)
            : Layout(_messages[name]) is var layout ? (ProtoKind.Message, ProtoShape.Message, layout.Type, layout) : default;
    }

    /// <summary>A name as it is meant in a message: of the innermost that has it.</summary>
    private string Resolve(string around, string name)
    {
        if (name.StartsWith('.'))
        {
            return Has(name[1..]) ? name[1..] : throw Missing(around, name);
        }

        for (string scope = around; ; scope = scope.LastIndexOf('.') is var dot and >= 0 ? scope[..dot] : "")
        {
            string full = scope.Length == 0 ? name : $"{scope}.{name}";
            if (Has(full))
            {
                return full;
            }

            if (scope.Length == 0)
            {
                throw Missing(around, name);
            }
        }
    }

    private bool Has(string name) => _messages.ContainsKey(name) || _enums.ContainsKey(name);

    private static FormatException Missing(string around, string name) => new($"message {around}: expected a message or enum called {name}, got none");

    /// <summary>Whether nothing tells a field's default from its absence.</summary>
    private static bool IsPlain(ProtoField field) => !field.HasPresence && !field.IsRepeated;

    private static AvroType Scalar(ProtoKind kind, bool isPlain = false)
    {
        var (type, logical) = kind switch
        {
            ProtoKind.Bool => (AvroTypeKind.Boolean, null),
            ProtoKind.Int32 or ProtoKind.SInt32 or ProtoKind.SFixed32 => (AvroTypeKind.Int, null),
            ProtoKind.UInt64 or ProtoKind.Fixed64 => (AvroTypeKind.Long, "unsigned"),
            ProtoKind.Float => (AvroTypeKind.Float, null),
            ProtoKind.Double => (AvroTypeKind.Double, null),
            ProtoKind.String => (AvroTypeKind.String, null),
            ProtoKind.Bytes => (AvroTypeKind.Bytes, null),
            _ => (AvroTypeKind.Long, (string?)null),
        };
        return new AvroType(type) { Format = Format, LogicalType = logical, IsNothingWhenEmpty = isPlain };
    }
}
