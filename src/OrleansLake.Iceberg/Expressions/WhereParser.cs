using System.Globalization;
using System.Numerics;

namespace OrleansLake.Iceberg.Expressions;

/// <summary>
/// Reads what users of Trino and Spark type behind WHERE: comparisons of a column with a literal, BETWEEN, IN, LIKE, IS NULL,
/// is_nan, starts_with, with AND, OR, NOT and parentheses. Literals: numbers, 'text', TRUE, FALSE, DATE '…', TIME '…',
/// TIMESTAMP '…', UUID '…', X'…'.
/// </summary>
internal sealed class WhereParser(string text)
{
    private const int MaxDepth = 200;
    private const int MaxExponent = 400;

    private static readonly string[] Reserved =
        ["and", "or", "not", "in", "is", "like", "between", "null", "true", "false", "case", "when", "then", "else", "end", "exists", "select", "from", "where"];

    private readonly List<WhereToken> _tokens = WhereLexer.Tokens(text);
    private int _position;
    private int _depth;

    private WhereToken Next => _tokens[_position];

    public Expression Parse()
    {
        var expression = Or();
        return Next.Kind == WhereTokenKind.End ? expression : throw Expected("AND, OR or the end");
    }

    private Expression Or()
    {
        if (++_depth > MaxDepth)
        {
            throw WhereLexer.Error(Next.Column, $"expected conditions nested at most {MaxDepth} deep");
        }

        var operands = new List<Expression> { And() };
        while (TryWord("or"))
        {
            operands.Add(And());
        }

        _depth--;
        return operands is [var only] ? only : new Expression.Or(operands);
    }

    private Expression And()
    {
        var operands = new List<Expression> { Not() };
        while (TryWord("and"))
        {
            operands.Add(Not());
        }

        return operands is [var only] ? only : new Expression.And(operands);
    }

    private Expression Not()
    {
        bool negated = false;
        while (TryWord("not"))
        {
            negated = !negated;
        }

        var operand = Condition();
        return negated ? !operand : operand;
    }

    private Expression Condition()
    {
        if (TrySymbol("("))
        {
            var inner = Or();
            Symbol(")");
            return inner;
        }

        if (Function() is { } function)
        {
            return function;
        }

        if (Next.Kind is not WhereTokenKind.Quoted && TryLiteral() is { } left)
        {
            if (Operator() is not { } turned)
            {
                return left is bool value ? value ? Expression.AlwaysTrue : Expression.AlwaysFalse : throw Expected("an operator behind the value");
            }

            return Compare(Column(), Turned(turned), left);
        }

        string column = Column();
        if (Operator() is { } operation)
        {
            return Compare(column, operation, Literal());
        }

        if (TryWord("is"))
        {
            bool isNot = TryWord("not");
            var test = TryWord("null") ? Expression.IsNull(column)
                : TryWord("nan") ? Expression.IsNan(column)
                : TryWord("true") ? Expression.Equal(column, true)
                : TryWord("false") ? Expression.Equal(column, false)
                : throw Expected("NULL, NAN, TRUE or FALSE");
            // IS NOT TRUE holds for null as well.
            return !isNot ? test : test is Expression.Predicate { Operation: PredicateOperation.Equal } ? !test | Expression.IsNull(column) : !test;
        }

        bool negated = TryWord("not");
        var condition = TryWord("in") ? In(column) : TryWord("like") ? Like(column) : TryWord("between") ? Between(column) : null;
        if (condition is not null)
        {
            return negated ? !condition : condition;
        }

        if (negated)
        {
            throw Expected("IN, LIKE or BETWEEN");
        }

        // A column of truth values needs no operator.
        return Next.Kind == WhereTokenKind.End || Next.IsWord("and") || Next.IsWord("or") || Next.IsSymbol(")")
            ? Expression.Equal(column, true)
            : throw Expected("an operator");
    }

    private Expression? Function()
    {
        if (Next.Kind != WhereTokenKind.Word || !_tokens[_position + 1].IsSymbol("(") || Array.Exists(Reserved, Next.IsWord))
        {
            return null;
        }

        var name = Take();
        Take();
        string column = Column();
        Expression result;
        switch (name.Text.ToLowerInvariant())
        {
            case "is_nan" or "isnan":
                result = Expression.IsNan(column);
                break;
            case "isnull":
                result = Expression.IsNull(column);
                break;
            case "isnotnull":
                result = Expression.NotNull(column);
                break;
            case "starts_with" or "startswith":
                Symbol(",");
                result = Expression.StartsWith(column, Next.Kind == WhereTokenKind.Text ? Take().Text : throw Expected("a text"));
                break;
            default:
                throw WhereLexer.Error(name.Column, $"expected one of the functions is_nan, isnull, isnotnull, starts_with, got {name.Shown}");
        }

        Symbol(")");
        return result;
    }

    private Expression In(string column)
    {
        Symbol("(");
        var values = new List<object>();
        do
        {
            values.Add(Literal());
        }
        while (TrySymbol(","));
        Symbol(")");
        return Expression.In(column, values);
    }

    private Expression Like(string column)
    {
        var pattern = Next.Kind == WhereTokenKind.Text ? Take() : throw Expected("a pattern in single quotes");
        char? escape = null;
        if (TryWord("escape"))
        {
            escape = Next is { Kind: WhereTokenKind.Text, Text.Length: 1 } ? Take().Text[0] : throw Expected("one character in single quotes");
        }

        try
        {
            return Expression.Like(column, pattern.Text, escape);
        }
        catch (FormatException e)
        {
            throw WhereLexer.Error(pattern.Column, e.Message);
        }
    }

    private Expression Between(string column)
    {
        object low = Literal();
        if (!TryWord("and"))
        {
            throw Expected("AND");
        }

        return Expression.GreaterThanOrEqual(column, low) & Expression.LessThanOrEqual(column, Literal());
    }

    private static Expression Compare(string column, PredicateOperation operation, object value) => new Expression.Predicate(column, operation, [value]);

    private PredicateOperation? Operator()
    {
        PredicateOperation? operation = Next.Kind != WhereTokenKind.Symbol ? null : Next.Text switch
        {
            "=" or "==" => PredicateOperation.Equal,
            "<>" or "!=" => PredicateOperation.NotEqual,
            "<" => PredicateOperation.LessThan,
            "<=" => PredicateOperation.LessThanOrEqual,
            ">" => PredicateOperation.GreaterThan,
            ">=" => PredicateOperation.GreaterThanOrEqual,
            _ => null,
        };
        if (operation is not null)
        {
            Take();
        }

        return operation;
    }

    private static PredicateOperation Turned(PredicateOperation operation) => operation switch
    {
        PredicateOperation.LessThan => PredicateOperation.GreaterThan,
        PredicateOperation.LessThanOrEqual => PredicateOperation.GreaterThanOrEqual,
        PredicateOperation.GreaterThan => PredicateOperation.LessThan,
        PredicateOperation.GreaterThanOrEqual => PredicateOperation.LessThanOrEqual,
        _ => operation,
    };

    private string Column()
    {
        var path = new List<string>();
        do
        {
            path.Add(Next.Kind == WhereTokenKind.Quoted || (Next.Kind == WhereTokenKind.Word && !Array.Exists(Reserved, Next.IsWord)) ? Take().Text : throw Expected("the name of a column"));
        }
        while (TrySymbol("."));
        return string.Join('.', path);
    }

    private object Literal()
    {
        if (Next.IsWord("null"))
        {
            throw WhereLexer.Error(Next.Column, "nothing compares with NULL: ask whether the column IS NULL");
        }

        return TryLiteral() ?? throw Expected("a value");
    }

    private object? TryLiteral()
    {
        var token = Next;
        switch (token.Kind)
        {
            case WhereTokenKind.Text:
                return Take().Text;
            case WhereTokenKind.Binary:
                Take();
                try
                {
                    return Convert.FromHexString(token.Text);
                }
                catch (FormatException)
                {
                    throw WhereLexer.Error(token.Column, $"expected hexadecimal digits, got '{token.Text}'");
                }

            case WhereTokenKind.Number:
                return Number(Take(), negative: false);
            case WhereTokenKind.Symbol when token.Text is "-" or "+":
                Take();
                return Next.Kind == WhereTokenKind.Number ? Number(Take(), token.Text == "-") : throw Expected("a number");
            case WhereTokenKind.Word when token.IsWord("true") || token.IsWord("false"):
                return Take().IsWord("true");
            case WhereTokenKind.Word when _tokens[_position + 1].Kind == WhereTokenKind.Text:
                return Typed();
            default:
                return null;
        }
    }

    private object? Typed()
    {
        var token = Next;
        string value = _tokens[_position + 1].Text;
        object? literal = token.Text.ToLowerInvariant() switch
        {
            "date" => TimeParser.TryDate(value, out int days) ? new DateLiteral(days) : throw Wrong("a date like 2025-01-31"),
            "time" => TimeParser.TryTime(value, out long nanos) ? new TimeLiteral(nanos) : throw Wrong("a time like 12:30:15"),
            "timestamp" or "timestamptz" => TimeParser.TryTimestamp(value, out var time) ? time : throw Wrong("a timestamp like 2025-01-31 12:30:15"),
            "uuid" => Guid.TryParse(value, out var uuid) ? uuid : throw Wrong("a UUID"),
            _ => null,
        };
        if (literal is not null)
        {
            _position += 2;
        }

        return literal;

        FormatException Wrong(string what) => WhereLexer.Error(_tokens[_position + 1].Column, $"expected {what}, got '{value}'");
    }

    /// <summary>Digits are exact; with an exponent they are floating.</summary>
    private static object Number(WhereToken token, bool negative)
    {
        string digits = token.Text;
        if (digits.Contains('e', StringComparison.OrdinalIgnoreCase))
        {
            double number = double.Parse(digits, NumberStyles.Float, CultureInfo.InvariantCulture);
            return negative ? -number : number;
        }

        if (digits.Length > MaxExponent)
        {
            throw WhereLexer.Error(token.Column, $"expected a number of at most {MaxExponent} digits");
        }

        int point = digits.IndexOf('.', StringComparison.Ordinal);
        var unscaled = BigInteger.Parse(digits.Replace(".", "", StringComparison.Ordinal), CultureInfo.InvariantCulture);
        return new NumberLiteral(negative ? -unscaled : unscaled, point < 0 ? 0 : digits.Length - point - 1);
    }

    private WhereToken Take() => _tokens[_position < _tokens.Count - 1 ? _position++ : _position];

    private bool TryWord(string word)
    {
        if (!Next.IsWord(word))
        {
            return false;
        }

        Take();
        return true;
    }

    private bool TrySymbol(string symbol)
    {
        if (!Next.IsSymbol(symbol))
        {
            return false;
        }

        Take();
        return true;
    }

    private void Symbol(string symbol)
    {
        if (!TrySymbol(symbol))
        {
            throw Expected($"'{symbol}'");
        }
    }

    private FormatException Expected(string what) => WhereLexer.Error(Next.Column, $"expected {what}, got {Next.Shown}");
}
