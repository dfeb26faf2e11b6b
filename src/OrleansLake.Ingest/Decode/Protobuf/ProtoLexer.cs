using System.Globalization;
using System.Text;

namespace OrleansLake.Ingest.Decode.Protobuf;

/// <summary>What a piece of a <c>.proto</c> file is.</summary>
internal enum ProtoTokenKind
{
    End,
    Name,
    Integer,
    Float,
    Text,
    Symbol,
}

/// <summary>
/// The pieces of a <c>.proto</c> file (https://protobuf.dev/reference/protobuf/edition-2023-spec/#lexical_elements): one is at
/// hand, the next comes by <see cref="Next"/>.
/// </summary>
internal sealed class ProtoLexer
{
    private readonly string _file;
    private readonly string _text;
    private int _at;

    /// <summary>Stands at the first piece.</summary>
    public ProtoLexer(string file, string text)
    {
        _file = file;
        _text = text.StartsWith('\uFEFF') ? text[1..] : text;
        Next();
    }

    /// <summary>What is at hand.</summary>
    public ProtoTokenKind Kind { get; private set; }

    /// <summary>As it stands there; of a text what it says.</summary>
    public string Token { get; private set; } = "";

    /// <summary>Goes on to the next piece.</summary>
    public void Next()
    {
        SkipBlanks();
        if (_at == _text.Length)
        {
            (Kind, Token) = (ProtoTokenKind.End, "");
            return;
        }

        char first = _text[_at];
        int start = _at;
        if (char.IsAsciiLetter(first) || first == '_')
        {
            while (_at < _text.Length && (char.IsAsciiLetterOrDigit(_text[_at]) || _text[_at] == '_'))
            {
                _at++;
            }

            (Kind, Token) = (ProtoTokenKind.Name, _text[start.._at]);
        }
        else if (char.IsAsciiDigit(first) || (first == '.' && _at + 1 < _text.Length && char.IsAsciiDigit(_text[_at + 1])))
        {
            Number(start);
        }
        else if (first is '"' or '\'')
        {
            (Kind, Token) = (ProtoTokenKind.Text, Text(first));
        }
        else
        {
            _at++;
            (Kind, Token) = (ProtoTokenKind.Symbol, first.ToString());
        }
    }

    /// <summary>Takes this symbol or word if it is at hand.</summary>
    public bool Take(string token)
    {
        bool isIt = Kind is ProtoTokenKind.Symbol or ProtoTokenKind.Name && Token == token;
        if (isIt)
        {
            Next();
        }

        return isIt;
    }

    /// <summary>Takes this symbol or word.</summary>
    public void Expect(string token)
    {
        if (!Take(token))
        {
            throw Unexpected($"\"{token}\"");
        }
    }

    /// <summary>Takes a name without dots.</summary>
    public string Name(string what)
    {
        if (Kind != ProtoTokenKind.Name)
        {
            throw Unexpected(what);
        }

        string name = Token;
        Next();
        return name;
    }

    /// <summary>Takes a name with dots, which may have one before.</summary>
    public string FullName(string what)
    {
        var name = new StringBuilder(Take(".") ? "." : "");
        name.Append(Name(what));
        while (Take("."))
        {
            name.Append('.').Append(Name(what));
        }

        return name.ToString();
    }

    /// <summary>Takes a whole number, in tens, eights or sixteens.</summary>
    public long Integer(string what)
    {
        bool isNegative = Take("-");
        if (Kind != ProtoTokenKind.Integer)
        {
            throw Unexpected(what);
        }

        string digits = Token;
        bool isRead = digits.StartsWith("0x", StringComparison.OrdinalIgnoreCase)
            ? ulong.TryParse(digits.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong value)
            : digits.Length > 1 && digits[0] == '0' ? TryOctal(digits, out value) : ulong.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out value);
        if (!isRead || value > long.MaxValue)
        {
            throw Unexpected(what);
        }

        Next();
        return isNegative ? -(long)value : (long)value;
    }

    /// <summary>Takes a text; texts behind each other are one.</summary>
    public string Text()
    {
        if (Kind != ProtoTokenKind.Text)
        {
            throw Unexpected("a text in quotes");
        }

        string text = "";
        for (; Kind == ProtoTokenKind.Text; Next())
        {
            text += Token;
        }

        return text;
    }

    /// <summary>Something else is expected here.</summary>
    public FormatException Unexpected(string expected)
    {
        int line = 1 + _text.AsSpan(0, Math.Min(_at, _text.Length)).Count('\n');
        return new FormatException($"{_file} line {line}: expected {expected}, got {(Kind == ProtoTokenKind.End ? "the end" : $"\"{Token}\"")}");
    }

    private static bool TryOctal(string digits, out ulong value)
    {
        value = 0;
        foreach (char digit in digits)
        {
            if (digit is < '0' or > '7' || value > ulong.MaxValue >> 3)
            {
                return false;
            }

            value = (value << 3) | (uint)(digit - '0');
        }

        return true;
    }

    private void Number(int start)
    {
        bool isHex = _text[start] == '0' && start + 1 < _text.Length && _text[start + 1] is 'x' or 'X';
        bool isFloat = false;
        for (; _at < _text.Length; _at++)
        {
            char one = _text[_at];
            bool isSign = one is '+' or '-' && !isHex && _text[_at - 1] is 'e' or 'E';
            if (!char.IsAsciiLetterOrDigit(one) && one != '.' && !isSign)
            {
                break;
            }

            isFloat |= !isHex && one is '.' or 'e' or 'E' && !isHex;
        }

        (Kind, Token) = (isFloat ? ProtoTokenKind.Float : ProtoTokenKind.Integer, _text[start.._at]);
    }

    private string Text(char quote)
    {
        int start = ++_at;
        while (_at < _text.Length && _text[_at] != quote && _text[_at] != '\n')
        {
            // What is escaped is read by nobody: names of files and defaults only matter here by where they end.
            _at += _text[_at] == '\\' ? 2 : 1;
        }

        if (_at >= _text.Length || _text[_at] != quote)
        {
            _at = Math.Min(_at, _text.Length);
            throw Unexpected("the end of a text");
        }

        return _text[start.._at++];
    }

    private void SkipBlanks()
    {
        while (_at < _text.Length)
        {
            if (char.IsWhiteSpace(_text[_at]))
            {
                _at++;
            }
            else if (_text.AsSpan(_at).StartsWith("//", StringComparison.Ordinal))
            {
                int end = _text.IndexOf('\n', _at);
                _at = end < 0 ? _text.Length : end;
            }
            else if (_text.AsSpan(_at).StartsWith("/*", StringComparison.Ordinal))
            {
                int end = _text.IndexOf("*/", _at + 2, StringComparison.Ordinal);
                _at = end < 0 ? _text.Length : end + 2;
            }
            else
            {
                return;
            }
        }
    }
}
