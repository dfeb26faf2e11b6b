using System.Text;

namespace OrleansLake.Iceberg.Expressions;

/// <summary>A pattern of SQL's LIKE: % for any text, _ for one character (code point), what follows the escape for itself.</summary>
internal sealed class LikePattern
{
    private const int AnyText = -1;
    private const int OneCharacter = -2;

    private readonly int[] _pattern;

    private LikePattern(string text, int[] pattern)
    {
        Text = text;
        _pattern = pattern;
        var prefix = new StringBuilder();
        foreach (int one in pattern.TakeWhile(one => one >= 0))
        {
            prefix.Append(char.ConvertFromUtf32(one));
        }

        Prefix = prefix.ToString();
    }

    /// <summary>As it was written.</summary>
    public string Text { get; }

    /// <summary>What every matching text begins with.</summary>
    public string Prefix { get; }

    /// <summary>Whether only the prefix itself matches.</summary>
    public bool IsExact => !_pattern.Any(one => one < 0);

    /// <summary>Whether whatever begins with the prefix matches.</summary>
    public bool IsPrefix => _pattern is [.., AnyText] && _pattern.Count(one => one < 0) == 1;

    /// <exception cref="FormatException">The pattern ends in its escape, or holds half a character.</exception>
    public static LikePattern Parse(string text, char? escape)
    {
        var pattern = new List<int>();
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == escape)
            {
                if (++i == text.Length)
                {
                    throw new FormatException($"LIKE pattern '{text}': expected a character behind the escape {escape}, got the end");
                }

                pattern.Add(text[i]);
            }
            else if (text[i] == '%')
            {
                // Several in a row say no more than one.
                if (pattern is not [.., AnyText])
                {
                    pattern.Add(AnyText);
                }
            }
            else if (text[i] == '_')
            {
                pattern.Add(OneCharacter);
            }
            else if (Rune.TryGetRuneAt(text, i, out var rune))
            {
                pattern.Add(rune.Value);
                i += rune.Utf16SequenceLength - 1;
            }
            else
            {
                throw new FormatException($"LIKE pattern '{text}': expected whole characters, got half of one");
            }
        }

        return new LikePattern(text, [.. pattern]);
    }

    public bool Matches(string text)
    {
        // Greedy with one way back: to the last %.
        int at = 0, next = 0, wayBack = -1, from = 0;
        while (at < text.Length)
        {
            int length = Rune.TryGetRuneAt(text, at, out var rune) ? rune.Utf16SequenceLength : 1;
            if (next < _pattern.Length && _pattern[next] == AnyText)
            {
                wayBack = ++next;
                from = at;
            }
            else if (next < _pattern.Length && (_pattern[next] == OneCharacter || _pattern[next] == (length == 1 ? text[at] : rune.Value)))
            {
                next++;
                at += length;
            }
            else if (wayBack >= 0)
            {
                next = wayBack;
                from += Rune.TryGetRuneAt(text, from, out var skipped) ? skipped.Utf16SequenceLength : 1;
                at = from;
            }
            else
            {
                return false;
            }
        }

        return next == _pattern.Length || (next == _pattern.Length - 1 && _pattern[next] == AnyText);
    }
}
