using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace OrleansLake.Silo.Configuration.Import;

/// <summary>
/// The property groups of a Flink application as they lie about: the JSON of Amazon Managed Service for Apache Flink (a list of
/// <c>PropertyGroupId</c> and <c>PropertyMap</c>, wherever it stands in an answer or request of that service), or a
/// <c>.properties</c> file whose keys begin with the group's name, or the command that starts the loader locally, <c>-Dname=value</c>.
/// </summary>
/// <remarks>https://docs.aws.amazon.com/managed-flink/latest/apiv2/API_PropertyGroup.html</remarks>
internal static partial class PropertyGroups
{
    /// <summary>Reads either; in order, group, name and value.</summary>
    /// <exception cref="FormatException">It is neither.</exception>
    public static IReadOnlyList<(string Group, string Name, string Value)> Parse(string text) =>
        text.AsSpan().TrimStart() is ['[' or '{', ..] ? ParseJson(text)
        : ParseCommand(text) is { Count: > 0 } command ? command
        : [.. ParseProperties(text).Select(Split)];

    // What begins with exec is for Maven's plug-in, which starts it.
    private static List<(string, string, string)> ParseCommand(string text) =>
    [
        .. from line in text.Split('\n')
           where !line.TrimStart().StartsWith('#')
           from Match word in CommandWord().Matches(line)
           let name = word.Groups[1].Value
           where !name.StartsWith("exec.", StringComparison.Ordinal)
           select ("", name, word.Groups[2].Value.Trim('"', '\'')),
    ];

    private static List<(string, string, string)> ParseJson(string text)
    {
        var found = new List<(string, string, string)>();
        try
        {
            using JsonDocument document = JsonDocument.Parse(text, new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
            Collect(document.RootElement, found);
        }
        catch (JsonException error)
        {
            throw new FormatException($"expected JSON, found: {error.Message}");
        }

        return found.Count > 0 ? found : throw new FormatException("expected property groups (\"PropertyGroupId\", \"PropertyMap\"), found none");
    }

    private static void Collect(JsonElement element, List<(string, string, string)> found)
    {
        if (element.ValueKind == JsonValueKind.Array)
        {
            foreach (JsonElement item in element.EnumerateArray())
            {
                Collect(item, found);
            }
        }
        else if (element.ValueKind == JsonValueKind.Object)
        {
            if (element.TryGetProperty("PropertyGroupId", out JsonElement id) && element.TryGetProperty("PropertyMap", out JsonElement map) && map.ValueKind == JsonValueKind.Object)
            {
                found.AddRange(map.EnumerateObject().Select(property => (id.ToString(), property.Name, property.Value.ToString())));
                return;
            }

            foreach (JsonProperty property in element.EnumerateObject())
            {
                Collect(property.Value, found);
            }
        }
    }

    // "S3Properties.region"; what has no such beginning stands in the group of no name.
    private static (string, string, string) Split((string Key, string Value) property)
    {
        int dot = property.Key.IndexOf('.', StringComparison.Ordinal);
        return dot > 0 && property.Key.AsSpan(0, dot).IndexOfAnyInRange('A', 'Z') == 0
            ? (property.Key[..dot], property.Key[(dot + 1)..], property.Value)
            : ("", property.Key, property.Value);
    }

    /// <summary>https://docs.oracle.com/en/java/javase/21/docs/api/java.base/java/util/Properties.html#load(java.io.Reader)</summary>
    private static IEnumerable<(string Key, string Value)> ParseProperties(string text)
    {
        using var reader = new StringReader(text);
        while (reader.ReadLine() is { } natural)
        {
            string line = natural.TrimStart(' ', '\t', '\f');
            if (line.Length == 0 || line[0] is '#' or '!')
            {
                continue;
            }

            while (EndsInOddBackslashes(line) && reader.ReadLine() is { } more)
            {
                line = line[..^1] + more.TrimStart(' ', '\t', '\f');
            }

            int end = 0;
            while (end < line.Length && line[end] is not ('=' or ':' or ' ' or '\t' or '\f'))
            {
                end += line[end] == '\\' ? 2 : 1;
            }

            end = Math.Min(end, line.Length);
            string rest = line[end..].TrimStart(' ', '\t', '\f');
            if (rest is ['=' or ':', ..])
            {
                rest = rest[1..].TrimStart(' ', '\t', '\f');
            }

            yield return (Unescape(line[..end]), Unescape(rest));
        }
    }

    private static bool EndsInOddBackslashes(string line) => (line.Length - line.TrimEnd('\\').Length) % 2 == 1;

    private static string Unescape(string text)
    {
        if (!text.Contains('\\', StringComparison.Ordinal))
        {
            return text;
        }

        var result = new StringBuilder(text.Length);
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] != '\\' || ++i == text.Length)
            {
                if (i < text.Length)
                {
                    result.Append(text[i]);
                }

                continue;
            }

            switch (text[i])
            {
                case 't': result.Append('\t'); break;
                case 'n': result.Append('\n'); break;
                case 'r': result.Append('\r'); break;
                case 'f': result.Append('\f'); break;
                case 'u':
                    if (i + 4 >= text.Length || !ushort.TryParse(text.AsSpan(i + 1, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ushort code))
                    {
                        throw new FormatException($"expected four hexadecimal digits after \\u, found {text}");
                    }

                    result.Append((char)code);
                    i += 4;
                    break;
                default: result.Append(text[i]); break;
            }
        }

        return result.ToString();
    }

    [GeneratedRegex("""(?<=^|\s)-D([^\s=]+)=("[^"]*"|'[^']*'|\S*)""")]
    private static partial Regex CommandWord();
}
