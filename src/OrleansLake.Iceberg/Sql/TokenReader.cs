using System.Globalization;

namespace OrleansLake.Iceberg.Sql;

/// <summary>Reads tokens in order and says what was expected where they are others.</summary>
internal sealed class TokenReader(IReadOnlyList<Token> tokens)
{
    private int _position;

    public Token Next => tokens[_position];

    public IReadOnlyList<Token> All => tokens;

    public Token Take() => tokens[_position < tokens.Count - 1 ? _position++ : _position];

    public DdlException Expected(string what, Token? at = null)
    {
        var token = at ?? Next;
        return new DdlException(token.Line, token.Column, $"expected {what}, got {token.Shown}");
    }

    public static DdlException Error(Token at, string problem) => new(at.Line, at.Column, problem);

    public bool TryWord(string word)
    {
        if (!Next.IsWord(word))
        {
            return false;
        }

        Take();
        return true;
    }

    /// <summary>All of these words in a row, or none is taken.</summary>
    public bool TryWords(params ReadOnlySpan<string> words)
    {
        for (int i = 0; i < words.Length; i++)
        {
            if (_position + i >= tokens.Count || !tokens[_position + i].IsWord(words[i]))
            {
                return false;
            }
        }

        _position += words.Length;
        return true;
    }

    public bool TrySymbol(char symbol)
    {
        if (!Next.IsSymbol(symbol))
        {
            return false;
        }

        Take();
        return true;
    }

    public void Word(string word)
    {
        if (!TryWord(word))
        {
            throw Expected(word);
        }
    }

    public void Symbol(char symbol, string? instead = null)
    {
        if (!TrySymbol(symbol))
        {
            throw Expected(instead ?? $"'{symbol}'");
        }
    }

    public Token Name(string what) => Next.Kind is TokenKind.Word or TokenKind.Quoted ? Take() : throw Expected(what);

    public string Text(string what) => Next.Kind == TokenKind.Text ? Take().Text : throw Expected(what);

    public int Number(string what) =>
        Next.Kind == TokenKind.Number && int.TryParse(Next.Text, NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            ? Taken(number)
            : throw Expected(what);

    public List<Token> Path(string what)
    {
        var path = new List<Token> { Name(what) };
        while (TrySymbol('.'))
        {
            path.Add(Name(what));
        }

        return path;
    }

    /// <summary>Items with commas between, up to a symbol that is taken too.</summary>
    public List<T> List<T>(char end, Func<T> item)
    {
        var items = new List<T>();
        do
        {
            items.Add(item());
        }
        while (TrySymbol(','));
        Symbol(end, $"',' or '{end}'");
        return items;
    }

    public void End()
    {
        TrySymbol(';');
        if (Next.Kind != TokenKind.End)
        {
            throw Expected("the end of the statement");
        }
    }

    private T Taken<T>(T value)
    {
        Take();
        return value;
    }
}
