using System.Text;

namespace OrleansLake.Iceberg.Expressions;

internal enum WhereTokenKind
{
    Word,
    Quoted,
    Text,
    Binary,
    Number,
    Symbol,
    End,
}

/// <summary>A piece of a condition and where it starts, from 1.</summary>
internal readonly record struct WhereToken(WhereTokenKind Kind, string Text, int Column)
{
    public bool IsWord(string word) => Kind == WhereTokenKind.Word && Text.Equals(word, StringComparison.OrdinalIgnoreCase);

    public bool IsSymbol(string symbol) => Kind == WhereTokenKind.Symbol && Text == symbol;

    public string Shown => Kind switch
    {
        WhereTokenKind.End => "the end",
        WhereTokenKind.Text => $"'{Text}'",
        _ => $"\"{Text}\"",
    };
}

/// <summary>Cuts a condition into words, quoted names, texts, numbers and symbols.</summary>
internal static class WhereLexer
{
    private static readonly string[] Symbols = ["<=", ">=", "<>", "!=", "==", "<", ">", "=", "(", ")", ",", ".", "-", "+"];

    public static List<WhereToken> Tokens(string text)
    {
        var tokens = new List<WhereToken>();
        int at = 0;
        for (; ; )
        {
            while (at < text.Length && char.IsWhiteSpace(text[at]))
            {
                at++;
            }

            int start = at;
            if (at == text.Length)
            {
                tokens.Add(new WhereToken(WhereTokenKind.End, "", start + 1));
                return tokens;
            }

            char c = text[at];
            if (c is '\'' or '"' or '`')
            {
                tokens.Add(new WhereToken(c == '\'' ? WhereTokenKind.Text : WhereTokenKind.Quoted, Enclosed(text, ref at), start + 1));
            }
            else if (c is 'x' or 'X' && at + 1 < text.Length && text[at + 1] == '\'')
            {
                at++;
                tokens.Add(new WhereToken(WhereTokenKind.Binary, Enclosed(text, ref at), start + 1));
            }
            else if (char.IsAsciiDigit(c) || (c == '.' && at + 1 < text.Length && char.IsAsciiDigit(text[at + 1]) && tokens is not [.., { Kind: WhereTokenKind.Word or WhereTokenKind.Quoted }]))
            {
                tokens.Add(new WhereToken(WhereTokenKind.Number, Number(text, ref at), start + 1));
            }
            else if (char.IsLetter(c) || c is '_' or '$' or '@' || char.IsSurrogate(c))
            {
                while (at < text.Length && (char.IsLetterOrDigit(text[at]) || text[at] is '_' or '$' or '@' || char.IsSurrogate(text[at])))
                {
                    at++;
                }

                tokens.Add(new WhereToken(WhereTokenKind.Word, text[start..at], start + 1));
            }
            else if (Array.Find(Symbols, symbol => string.CompareOrdinal(text, start, symbol, 0, symbol.Length) == 0) is { } symbol)
            {
                at += symbol.Length;
                tokens.Add(new WhereToken(WhereTokenKind.Symbol, symbol, start + 1));
            }
            else
            {
                throw Error(start + 1, $"expected a name, a value or an operator, got '{c}'");
            }
        }
    }

    public static FormatException Error(int column, string problem) => new(FormattableString.Invariant($"condition, column {column}: {problem}"));

    private static string Enclosed(string text, ref int at)
    {
        int start = at;
        char quote = text[at++];
        var content = new StringBuilder();
        while (at < text.Length)
        {
            char c = text[at++];
            if (c != quote)
            {
                content.Append(c);
            }
            else if (at < text.Length && text[at] == quote)
            {
                content.Append(quote);
                at++;
            }
            else
            {
                return content.ToString();
            }
        }

        throw Error(start + 1, $"expected a closing {quote}, got the end");
    }

    private static string Number(string text, ref int at)
    {
        int start = at;
        Digits(text, ref at);
        if (at < text.Length && text[at] == '.')
        {
            at++;
            Digits(text, ref at);
        }

        int exponent = at;
        if (at < text.Length && text[at] is 'e' or 'E')
        {
            at++;
            if (at < text.Length && text[at] is '+' or '-')
            {
                at++;
            }

            int digits = at;
            Digits(text, ref at);
            if (at == digits)
            {
                throw Error(exponent + 1, "expected digits behind the exponent");
            }
        }

        return at == text.Length || !(char.IsLetterOrDigit(text[at]) || text[at] == '_') ? text[start..at] : throw Error(at + 1, $"expected the end of a number, got '{text[at]}'");
    }

    private static void Digits(string text, ref int at)
    {
        while (at < text.Length && char.IsAsciiDigit(text[at]))
        {
            at++;
        }
    }
}
