using System.Text;

namespace OrleansLake.Ingest.Decode;

/// <summary>How the words of a field name are put together.</summary>
public enum NameCase
{
    /// <summary><c>userName</c></summary>
    LowerCamel,

    /// <summary><c>UserName</c></summary>
    UpperCamel,

    /// <summary><c>user_name</c></summary>
    LowerUnderscore,

    /// <summary><c>USER_NAME</c></summary>
    UpperUnderscore,

    /// <summary><c>user-name</c></summary>
    LowerHyphen,
}

/// <summary>
/// Names from one case to another, as Guava's CaseFormat converts them, since loaders that people come from use it: words
/// end before each upper-case letter of camel case and at each separator, and only ASCII letters change.
/// </summary>
internal static class NameCases
{
    /// <summary>The word that stands for a case in settings.</summary>
    public static NameCase? Parse(string word) => word.ToUpperInvariant() switch
    {
        "LOWER_CAMEL" => NameCase.LowerCamel,
        "UPPER_CAMEL" => NameCase.UpperCamel,
        "LOWER_UNDERSCORE" => NameCase.LowerUnderscore,
        "UPPER_UNDERSCORE" => NameCase.UpperUnderscore,
        "LOWER_HYPHEN" => NameCase.LowerHyphen,
        _ => null,
    };

    /// <summary>A name that is in one case, in another.</summary>
    public static string Convert(string name, NameCase from, NameCase to)
    {
        switch (from, to)
        {
            case (_, _) when from == to:
                return name;
            case (NameCase.LowerHyphen, NameCase.LowerUnderscore):
                return name.Replace('-', '_');
            case (NameCase.LowerUnderscore, NameCase.LowerHyphen):
                return name.Replace('_', '-');
        }

        var result = new StringBuilder(name.Length + 8);
        bool isFirst = true;
        foreach (string word in Words(name, from))
        {
            if (!isFirst)
            {
                result.Append(to switch { NameCase.LowerUnderscore or NameCase.UpperUnderscore => "_", NameCase.LowerHyphen => "-", _ => "" });
            }

            result.Append(to switch
            {
                NameCase.UpperUnderscore => Upper(word),
                NameCase.LowerCamel when isFirst => Lower(word),
                NameCase.LowerCamel or NameCase.UpperCamel when word.Length > 0 => Upper(word[..1]) + Lower(word[1..]),
                _ => Lower(word),
            });
            isFirst = false;
        }

        return result.ToString();
    }

    private static IEnumerable<string> Words(string name, NameCase from)
    {
        if (from is NameCase.LowerUnderscore or NameCase.UpperUnderscore or NameCase.LowerHyphen)
        {
            foreach (string word in name.Split(from == NameCase.LowerHyphen ? '-' : '_'))
            {
                yield return word;
            }

            yield break;
        }

        int start = 0;
        for (int i = 1; i < name.Length; i++)
        {
            if (char.IsAsciiLetterUpper(name[i]))
            {
                yield return name[start..i];
                start = i;
            }
        }

        yield return name[start..];
    }

    // By hand: Ascii.ToLower stops at the first character that is not ASCII, and the culture must not matter.
    private static string Lower(string word) =>
        string.Create(word.Length, word, static (target, word) =>
        {
            for (int i = 0; i < word.Length; i++)
            {
                target[i] = char.IsAsciiLetterUpper(word[i]) ? (char)(word[i] | 0x20) : word[i];
            }
        });

    private static string Upper(string word) =>
        string.Create(word.Length, word, static (target, word) =>
        {
            for (int i = 0; i < word.Length; i++)
            {
                target[i] = char.IsAsciiLetterLower(word[i]) ? (char)(word[i] & ~0x20) : word[i];
            }
        });
}

/// <summary>Which column a name of a document means.</summary>
/// <param name="From">Case of the document's names, where they are converted.</param>
/// <param name="To">Case of the table's.</param>
/// <param name="IgnoreCase">Whether upper and lower case are alike (ordinal, so "İ" stays apart).</param>
internal sealed record NameMatching(NameCase? From, NameCase? To, bool IgnoreCase)
{
    /// <summary>What a name of a document is called in the table.</summary>
    public string Convert(string name) => From is { } from && To is { } to ? NameCases.Convert(name, from, to) : name;

    /// <summary>What a column is probably called in documents.</summary>
    public string Guess(string column) => From is { } from && To is { } to ? NameCases.Convert(column, to, from) : column;

    /// <summary>The columns of one struct by the names that documents give them.</summary>
    public Dictionary<string, int> Index(IReadOnlyList<string?> columns, string path)
    {
        var index = new Dictionary<string, int>(IgnoreCase ? StringComparer.OrdinalIgnoreCase : StringComparer.Ordinal);
        for (int i = 0; i < columns.Count; i++)
        {
            if (columns[i] is { } column && !index.TryAdd(column, i))
            {
                throw new NotSupportedException(
                    $"columns {JsonStruct.Join(path, columns[index[column]]!)} and {JsonStruct.Join(path, column)} differ in upper and lower case only, which ignoreCase cannot tell apart");
            }
        }

        return index;
    }
}
