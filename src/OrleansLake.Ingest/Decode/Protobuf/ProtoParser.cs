using System.Collections.Frozen;

namespace OrleansLake.Ingest.Decode.Protobuf;

/// <summary>
/// Reads <c>.proto</c> files of proto2, proto3 and editions as far as they say how messages are written
/// (https://protobuf.dev/reference/protobuf/proto3-spec/); services, extensions and options that change nothing of it are passed over.
/// </summary>
internal sealed class ProtoParser
{
    private const int MaxDepth = 64;

    private static readonly FrozenDictionary<string, ProtoKind> Scalars = new Dictionary<string, ProtoKind>
    {
        ["double"] = ProtoKind.Double, ["float"] = ProtoKind.Float, ["int32"] = ProtoKind.Int32, ["int64"] = ProtoKind.Int64,
        ["uint32"] = ProtoKind.UInt32, ["uint64"] = ProtoKind.UInt64, ["sint32"] = ProtoKind.SInt32, ["sint64"] = ProtoKind.SInt64,
        ["fixed32"] = ProtoKind.Fixed32, ["fixed64"] = ProtoKind.Fixed64, ["sfixed32"] = ProtoKind.SFixed32, ["sfixed64"] = ProtoKind.SFixed64,
        ["bool"] = ProtoKind.Bool, ["string"] = ProtoKind.String, ["bytes"] = ProtoKind.Bytes,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    private readonly ProtoLexer _lexer;
    private readonly ProtoFile _file = new();
    private bool _isProto3;
    private bool _hasPresence = true;

    private ProtoParser(string name, string text) => _lexer = new ProtoLexer(name, text);

    /// <summary>Reads one file. <paramref name="name"/> is for messages.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static ProtoFile Parse(string name, string text)
    {
        var parser = new ProtoParser(name, text);
        parser.File();
        return parser._file;
    }

    private void File()
    {
        if (_lexer.Kind == ProtoTokenKind.Name && _lexer.Token is "syntax" or "edition")
        {
            bool isEdition = _lexer.Token == "edition";
            _lexer.Next();
            _lexer.Expect("=");
            string version = _lexer.Text();
            _isProto3 = version == "proto3";
            if (!isEdition && version is not ("proto2" or "proto3"))
            {
                throw new FormatException($"expected syntax proto2 or proto3, got \"{version}\"");
            }

            _hasPresence = !_isProto3;
            _lexer.Expect(";");
        }

        while (_lexer.Kind != ProtoTokenKind.End)
        {
            if (_lexer.Take(";"))
            {
                continue;
            }

            switch (_lexer.Name("a declaration"))
            {
                case "package":
                    _file.Package = _lexer.FullName("a package");
                    _lexer.Expect(";");
                    break;
                case "import":
                    if (_lexer.Kind == ProtoTokenKind.Name)
                    {
                        _lexer.Next(); // public, weak, option
                    }

                    _file.Imports.Add(_lexer.Text());
                    _lexer.Expect(";");
                    break;
                case "option":
                    _hasPresence = Option(_hasPresence);
                    _lexer.Expect(";");
                    break;
                case "message":
                    _file.Messages.Add(Message(_file.Package, _hasPresence, 0));
                    break;
                case "enum":
                    _file.Enums.Add(Enum(_file.Package));
                    break;
                case "service" or "extend":
                    _lexer.FullName("a name");
                    Block();
                    break;
                default:
                    throw _lexer.Unexpected("package, import, option, message, enum, service or extend before this");
            }
        }
    }

    private ProtoMessage Message(string around, bool hasPresence, int depth)
    {
        var message = new ProtoMessage(Join(around, _lexer.Name("a message's name")));
        Body(message, hasPresence, depth);
        return message;
    }

    private void Body(ProtoMessage message, bool hasPresence, int depth)
    {
        if (depth > MaxDepth)
        {
            throw new FormatException($"expected at most {MaxDepth} messages within each other");
        }

        _lexer.Expect("{");
        while (!_lexer.Take("}"))
        {
            if (_lexer.Take(";"))
            {
                continue;
            }

            string word = _lexer.FullName("a field");
            // Each of these words may also be the name of a type; what is behind tells.
            switch (word)
            {
                case "message" when _lexer.Kind == ProtoTokenKind.Name:
                    message.Messages.Add(Message(message.Name, hasPresence, depth + 1));
                    message.Described.Add(message.Messages[^1]);
                    break;
                case "enum" when _lexer.Kind == ProtoTokenKind.Name:
                    message.Enums.Add(Enum(message.Name));
                    break;
                case "oneof" when _lexer.Kind == ProtoTokenKind.Name:
                    Oneof(message, hasPresence, depth);
                    break;
                case "option" when _lexer.Kind == ProtoTokenKind.Name || _lexer.Token == "(":
                    hasPresence = Option(hasPresence);
                    _lexer.Expect(";");
                    break;
                case "extend":
                    _lexer.FullName("a message");
                    Block();
                    break;
                case "reserved" or "extensions":
                    Until(";");
                    break;
                case "map" when _lexer.Take("<"):
                    message.Fields.Add(Map(message));
                    message.Described.Add(null);
                    break;
                case "optional" or "required" or "repeated" when _lexer.Kind == ProtoTokenKind.Name || _lexer.Token == ".":
                    message.Fields.Add(Field(message, _lexer.FullName("a type"), word == "repeated", hasPresence || word != "repeated", -1, hasPresence, depth));
                    break;
                default:
                    message.Fields.Add(Field(message, word, isRepeated: false, hasPresence, -1, hasPresence, depth));
                    break;
            }
        }
    }

    private void Oneof(ProtoMessage message, bool hasPresence, int depth)
    {
        _lexer.Name("a oneof's name");
        int oneof = message.Oneofs++;
        _lexer.Expect("{");
        while (!_lexer.Take("}"))
        {
            if (_lexer.Take(";"))
            {
                continue;
            }

            string type = _lexer.FullName("a type");
            if (type == "option")
            {
                Option(hasPresence);
                _lexer.Expect(";");
            }
            else
            {
                message.Fields.Add(Field(message, type, isRepeated: false, hasPresence: true, oneof, groupHasPresence: hasPresence, depth));
            }
        }
    }

    private ProtoField Map(ProtoMessage message)
    {
        string key = _lexer.Name("a key's type");
        if (!Scalars.TryGetValue(key, out var kind) || kind is ProtoKind.Double or ProtoKind.Float or ProtoKind.Bytes)
        {
            throw _lexer.Unexpected($"a whole number, bool or string as a key's type before this, not {key}");
        }

        _lexer.Expect(",");
        string value = _lexer.FullName("a type");
        _lexer.Expect(">");
        return Field(message, value, isRepeated: true, hasPresence: false, oneof: -1, groupHasPresence: false, depth: 0) with { MapKey = kind };
    }

    private ProtoField Field(ProtoMessage message, string type, bool isRepeated, bool hasPresence, int oneof, bool groupHasPresence, int depth)
    {
        string name = _lexer.Name("a field's name");
        _lexer.Expect("=");
        long number = _lexer.Integer("a field's number");
        if (number is < 1 or > 536_870_911)
        {
            throw _lexer.Unexpected($"a number from 1 to 536870911 for {name} before this");
        }

        bool isGroup = false;
        if (_lexer.Take("["))
        {
            do
            {
                (hasPresence, bool isDelimited) = FieldOption(hasPresence);
                isGroup |= isDelimited;
            }
            while (_lexer.Take(","));
            _lexer.Expect("]");
        }

        if (type == "group" && _lexer.Token == "{")
        {
            var group = new ProtoMessage(Join(message.Name, name));
            Body(group, groupHasPresence, depth + 1);
            message.Described.Add(group);
            return new ProtoField { Name = name.ToLowerInvariant(), Number = (int)number, Kind = ProtoKind.Group, IsRepeated = isRepeated, Oneof = oneof };
        }

        _lexer.Expect(";");
        return new ProtoField
        {
            Name = name,
            Number = (int)number,
            Kind = isGroup ? ProtoKind.Group : Scalars.TryGetValue(type, out var kind) ? kind : null,
            TypeName = type,
            IsRepeated = isRepeated,
            HasPresence = hasPresence && !isRepeated,
            Oneof = oneof,
        };
    }

    private ProtoEnum Enum(string around)
    {
        var made = new ProtoEnum(Join(around, _lexer.Name("an enum's name")));
        _lexer.Expect("{");
        while (!_lexer.Take("}"))
        {
            if (_lexer.Take(";"))
            {
                continue;
            }

            string name = _lexer.Name("an enum's value");
            if (name == "option" && _lexer.Token != "=")
            {
                Option(false);
            }
            else if (name == "reserved" && _lexer.Token != "=")
            {
                Until(";");
                continue;
            }
            else
            {
                _lexer.Expect("=");
                long number = _lexer.Integer("an enum's number");
                made.Names.TryAdd(checked((int)number), name);
                if (_lexer.Take("["))
                {
                    Until("]");
                }
            }

            _lexer.Expect(";");
        }

        return made;
    }

    /// <summary>An option; what it makes of whether scalars know that they are not set (editions).</summary>
    private bool Option(bool hasPresence)
    {
        string name = OptionName();
        _lexer.Expect("=");
        string value = Value();
        return name == "features.field_presence" ? value != "IMPLICIT" : hasPresence;
    }

    private (bool HasPresence, bool IsDelimited) FieldOption(bool hasPresence)
    {
        string name = OptionName();
        _lexer.Expect("=");
        string value = Value();
        return (name == "features.field_presence" ? value != "IMPLICIT" : hasPresence, name == "features.message_encoding" && value == "DELIMITED");
    }

    private string OptionName()
    {
        string name = "";
        do
        {
            if (_lexer.Take("("))
            {
                name += $"({_lexer.FullName("an option's name")})";
                _lexer.Expect(")");
            }
            else
            {
                name += _lexer.Name("an option's name");
            }

            name += _lexer.Token == "." ? "." : "";
        }
        while (_lexer.Take("."));
        return name;
    }

    /// <summary>An option's value; of one in braces nothing matters.</summary>
    private string Value()
    {
        if (_lexer.Token == "{" && _lexer.Kind == ProtoTokenKind.Symbol)
        {
            Block();
            return "";
        }

        if (_lexer.Kind == ProtoTokenKind.Text)
        {
            return _lexer.Text();
        }

        _ = _lexer.Take("-") || _lexer.Take("+");
        string value = _lexer.Token;
        if (_lexer.Kind is ProtoTokenKind.Symbol or ProtoTokenKind.End)
        {
            throw _lexer.Unexpected("an option's value");
        }

        _lexer.Next();
        return value;
    }

    private void Block()
    {
        int open = 0;
        do
        {
            if (_lexer.Kind == ProtoTokenKind.End || (open == 0 && _lexer.Token != "{"))
            {
                throw _lexer.Unexpected("\"{\" and \"}\"");
            }

            open += _lexer.Kind != ProtoTokenKind.Symbol ? 0 : _lexer.Token == "{" ? 1 : _lexer.Token == "}" ? -1 : 0;
            _lexer.Next();
        }
        while (open > 0);
    }

    private void Until(string end)
    {
        while (!_lexer.Take(end))
        {
            if (_lexer.Kind == ProtoTokenKind.End)
            {
                throw _lexer.Unexpected($"\"{end}\"");
            }

            _lexer.Next();
        }
    }

    private static string Join(string around, string name) => around.Length == 0 ? name : $"{around}.{name}";
}
