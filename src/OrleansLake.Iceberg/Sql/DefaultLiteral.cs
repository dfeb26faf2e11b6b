using System.Globalization;
using System.Numerics;
using OrleansLake.Iceberg.Expressions;

namespace OrleansLake.Iceberg.Sql;

/// <summary>
/// The value behind DEFAULT: a number, a text, TRUE, FALSE, NULL, DATE '…', TIME '…', TIMESTAMP '…', X'…'.
/// https://iceberg.apache.org/spec/#default-values
/// </summary>
internal static class DefaultLiteral
{
    /// <summary>Reads it; what it means depends on the type of its column.</summary>
    public static object? Read(TokenReader tokens)
    {
        if (tokens.TryWord("NULL"))
        {
            return null;
        }

        if (tokens.TryWord("TRUE"))
        {
            return true;
        }

        if (tokens.TryWord("FALSE"))
        {
            return false;
        }

        // Whatever is in the quotes is understood by the type; the words only say it twice.
        if (tokens.TryWord("DATE") || tokens.TryWord("TIME") || tokens.TryWord("TIMESTAMP"))
        {
            return tokens.Text("its value in single quotes");
        }

        if (tokens.Next.IsWord("X"))
        {
            tokens.Take();
            var at = tokens.Next;
            try
            {
                return Convert.FromHexString(tokens.Text("hexadecimal digits in single quotes"));
            }
            catch (FormatException)
            {
                throw TokenReader.Error(at, $"expected pairs of hexadecimal digits, got {at.Shown}");
            }
        }

        return tokens.Next.Kind == TokenKind.Text ? tokens.Take().Text : Number(tokens);
    }

    /// <summary>The value of a column of a type, in the form of <see cref="PartitionKey"/>.</summary>
    /// <exception cref="ArgumentException">It is no value of the type.</exception>
    public static object? As(object? value, IcebergType type)
    {
        if (value is null)
        {
            return null;
        }

        string expected = type is PrimitiveType primitive ? $"expected a default of {primitive.Spelling}, got {Shown(value)}" : "expected no default, since the column is nested";
        Literal literal;
        try
        {
            literal = Literal.Of(value, type);
        }
        catch (ArgumentException e)
        {
            throw new ArgumentException(expected, e);
        }

        return literal is { IsExact: true, Side: 0 } ? literal.Value : throw new ArgumentException(expected);
    }

    private static string Shown(object value) => value switch
    {
        string text => $"'{text}'",
        byte[] bytes => $"X'{Convert.ToHexString(bytes)}'",
        NumberLiteral(var unscaled, var scale) => scale == 0 ? unscaled.ToString(CultureInfo.InvariantCulture) : string.Create(CultureInfo.InvariantCulture, $"{unscaled}e-{scale}"),
        _ => value.ToString()!,
    };

    private static object Number(TokenReader tokens)
    {
        const string what = "a default: a number, a text in single quotes, TRUE, FALSE, NULL, DATE '…', TIMESTAMP '…' or X'…'";
        bool isNegative = tokens.TrySymbol('-');
        string digits = Digits();
        string fraction = tokens.TrySymbol('.') ? Digits() : "";
        var unscaled = BigInteger.Parse(digits + fraction, CultureInfo.InvariantCulture);
        return new NumberLiteral(isNegative ? -unscaled : unscaled, fraction.Length);

        string Digits() => tokens.Next.Kind == TokenKind.Number ? tokens.Take().Text : throw tokens.Expected(what);
    }
}
