using System.Text;

namespace OrleansLake.Iceberg.Sql;

internal enum TokenKind
{
    Word,
    Quoted,
    Text,
    Number,
    Symbol,
    End,
}

/// <summary>A piece of a statement and where it starts.</summary>
internal readonly record struct Token(TokenKind Kind, string Text, int Line, int Column)
{
    public bool IsWord(string word) => Kind == TokenKind.Word && Text.Equals(word, StringComparison.OrdinalIgnoreCase);

    public bool IsSymbol(char symbol) => Kind == TokenKind.Symbol && Text[0] == symbol;

    public string Shown => Kind switch
    {
        TokenKind.End => "the end",
        TokenKind.Text => $"'{Text}'",
        _ => $"\"{Text}\"",
    };
}

/// <summary>Cuts a statement into tokens: words, names in double quotes or backticks, texts in single quotes, numbers, symbols.</summary>
internal sealed class DdlLexer(string sql)
{
    private int _position;
    private int _line = 1;
    private int _column = 1;

    /// <summary>Whether a name stands in backticks, which only Spark has.</summary>
    public bool HasBackticks { get; private set; }

    public List<Token> Tokens()
    {
        var tokens = new List<Token>();
        for (; ; )
        {
            SkipBlank();
            var (line, column) = (_line, _column);
            if (_position == sql.Length)
            {
                tokens.Add(new Token(TokenKind.End, "", line, column));
                return tokens;
            }

            char c = sql[_position];
            if (c is '"' or '`' or '\'')
            {
                HasBackticks |= c == '`';
                tokens.Add(new Token(c == '\'' ? TokenKind.Text : TokenKind.Quoted, Enclosed(c), line, column));
            }
            else if (char.IsAsciiDigit(c))
            {
                string digits = While(char.IsAsciiLetterOrDigit);
                tokens.Add(new Token(digits.All(char.IsAsciiDigit) ? TokenKind.Number : TokenKind.Word, digits, line, column));
            }
            else if (IsWordStart(c))
            {
                tokens.Add(new Token(TokenKind.Word, While(one => IsWordStart(one) || char.IsDigit(one)), line, column));
            }
            else if ("(),<>[]=:;.-".Contains(c))
            {
                Advance();
                tokens.Add(new Token(TokenKind.Symbol, c.ToString(), line, column));
            }
            else
            {
                throw new DdlException(line, column, $"expected a name, a number or one of ( ) , < > [ ] = : . ;, got '{c}'");
            }
        }
    }

    private static bool IsWordStart(char c) => char.IsLetter(c) || c is '_' or '$' or '@' || char.IsSurrogate(c);

    private void SkipBlank()
    {
        while (_position < sql.Length)
        {
            if (char.IsWhiteSpace(sql[_position]))
            {
                Advance();
            }
            else if (Sees("--"))
            {
                While(c => c != '\n');
            }
            else if (Sees("/*"))
            {
                var (line, column) = (_line, _column);
                while (!Sees("*/"))
                {
                    if (_position == sql.Length)
                    {
                        throw new DdlException(line, column, "expected a comment that ends with */, got the end");
                    }

                    Advance();
                }

                Advance();
                Advance();
            }
            else
            {
                return;
            }
        }
    }

    /// <summary>A name or text up to the closing quote; twice the quote stands for one.</summary>
    private string Enclosed(char quote)
    {
        var (line, column) = (_line, _column);
        var text = new StringBuilder();
        Advance();
        while (_position < sql.Length)
        {
            char c = sql[_position];
            Advance();
            if (c != quote)
            {
                text.Append(c);
            }
            else if (_position < sql.Length && sql[_position] == quote)
            {
                text.Append(quote);
                Advance();
            }
            else
            {
                return text.ToString();
            }
        }

        throw new DdlException(line, column, $"expected a closing {quote}, got the end");
    }

    private string While(Func<char, bool> holds)
    {
        int start = _position;
        while (_position < sql.Length && holds(sql[_position]))
        {
            Advance();
        }

        return sql[start.._position];
    }

    private bool Sees(string text) => string.CompareOrdinal(sql, _position, text, 0, text.Length) == 0;

    private void Advance()
    {
        if (_position < sql.Length && sql[_position++] == '\n')
        {
            _line++;
            _column = 1;
        }
        else
        {
            _column++;
        }
    }
}
