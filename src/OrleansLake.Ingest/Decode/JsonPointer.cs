namespace OrleansLake.Ingest.Decode;

/// <summary>A JSON Pointer as RFC 6901 writes it: <c>/data/items/0</c>; empty for the whole document.</summary>
internal static class JsonPointer
{
    /// <summary>The reference tokens, unescaped; null where the text is no pointer (section 3).</summary>
    public static string[]? Parse(string pointer)
    {
        if (pointer.Length == 0)
        {
            return [];
        }

        if (pointer[0] != '/')
        {
            return null;
        }

        string[] tokens = pointer[1..].Split('/');
        for (int i = 0; i < tokens.Length; i++)
        {
            string token = tokens[i];
            for (int at = token.IndexOf('~'); at >= 0; at = token.IndexOf('~', at + 1))
            {
                if (at + 1 == token.Length || token[at + 1] is not ('0' or '1'))
                {
                    return null;
                }
            }

            // In this order: "~01" is "~1", not "/" (section 4).
            tokens[i] = token.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);
        }

        return tokens;
    }

    /// <summary>The element that a token means where it meets an array; null where it can mean none (section 4: no leading zeros).</summary>
    public static int? ElementOf(string token) =>
        token.Length is > 0 and < 10 && token.All(char.IsAsciiDigit) && (token.Length == 1 || token[0] != '0')
            ? int.Parse(token, System.Globalization.CultureInfo.InvariantCulture)
            : null;
}
