using System.Formats.Tar;
using System.IO.Compression;
using System.Text;
using System.Text.Json;

namespace OrleansLake.Testing;

/// <summary>Records that others wrote, and what must have become of them.</summary>
public static class RealRecords
{
    /// <summary>The tweets, each a document; null where they are absent.</summary>
    public static async Task<IReadOnlyList<byte[]>?> TweetsAsync()
    {
        if (SharedData.Find("twitter-statuses.ndjson.gz") is not { } path)
        {
            return null;
        }

        using var reader = new StreamReader(new GZipStream(File.OpenRead(path), CompressionMode.Decompress), Encoding.UTF8);
        return [.. (await reader.ReadToEndAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(Encoding.UTF8.GetBytes)];
    }

    /// <summary>The documents of the minefield, with their names; null where they are absent.</summary>
    public static async Task<IReadOnlyList<MinefieldDocument>?> MinefieldAsync()
    {
        if (SharedData.Find("json-minefield.tar.gz") is not { } path)
        {
            return null;
        }

        var documents = new List<MinefieldDocument>();
        await using var archive = new TarReader(new GZipStream(File.OpenRead(path), CompressionMode.Decompress));
        while (await archive.GetNextEntryAsync(copyData: true) is { } entry)
        {
            if (entry.EntryType == TarEntryType.RegularFile && Path.GetFileName(entry.Name) is ['y' or 'n' or 'i', '_', ..])
            {
                using var bytes = new MemoryStream();
                await (entry.DataStream ?? Stream.Null).CopyToAsync(bytes);
                documents.Add(new MinefieldDocument(Path.GetFileName(entry.Name), bytes.ToArray()));
            }
        }

        return documents;
    }

    /// <summary>
    /// What of a document is neither in its row nor in what was rescued of it, or not as it was; empty when nothing is lost.
    /// Columns that the document does not speak of are not asked for.
    /// </summary>
    public static IEnumerable<string> Lost(string path, JsonElement document, JsonElement row, JsonElement? rescued)
    {
        switch (document.ValueKind)
        {
            case JsonValueKind.Object when row.ValueKind == JsonValueKind.Object:
                foreach (JsonProperty member in document.EnumerateObject())
                {
                    string at = $"{path}.{member.Name}";
                    JsonElement? kept = rescued is { ValueKind: JsonValueKind.Object } some && some.TryGetProperty(member.Name, out JsonElement value) ? value : null;
                    if (row.TryGetProperty(member.Name, out JsonElement column))
                    {
                        foreach (string lost in Lost(at, member.Value, column, kept))
                        {
                            yield return lost;
                        }
                    }
                    else if (kept is null || !Same(member.Value, kept.Value))
                    {
                        yield return $"{at}: expected {member.Value.GetRawText()}, rescued {kept?.GetRawText() ?? "nothing"}";
                    }
                }

                break;
            case JsonValueKind.Array when row.ValueKind == JsonValueKind.Array && row.GetArrayLength() == document.GetArrayLength():
                for (int i = 0; i < document.GetArrayLength(); i++)
                {
                    foreach (string lost in Lost($"{path}[{i}]", document[i], row[i], Element(rescued, i)))
                    {
                        yield return lost;
                    }
                }

                break;
            default:
                if (!Same(document, row))
                {
                    yield return $"{path}: expected {document.GetRawText()}, got {row.GetRawText()}";
                }

                break;
        }
    }

    /// <summary>Whether two documents say the same, where of one name the last counts.</summary>
    public static bool Same(JsonElement left, JsonElement right) => (left.ValueKind, right.ValueKind) switch
    {
        (JsonValueKind.Object, JsonValueKind.Object) => Members(left) is var one && Members(right) is var other
            && one.Count == other.Count && one.All(pair => other.TryGetValue(pair.Key, out JsonElement value) && Same(pair.Value, value)),
        (JsonValueKind.Array, JsonValueKind.Array) => left.GetArrayLength() == right.GetArrayLength()
            && left.EnumerateArray().Zip(right.EnumerateArray()).All(pair => Same(pair.First, pair.Second)),
        _ => JsonElement.DeepEquals(left, right),
    };

    private static Dictionary<string, JsonElement> Members(JsonElement element)
    {
        var members = new Dictionary<string, JsonElement>();
        foreach (JsonProperty member in element.EnumerateObject())
        {
            members[member.Name] = member.Value;
        }

        return members;
    }

    private static JsonElement? Element(JsonElement? rescued, int index) => rescued switch
    {
        { ValueKind: JsonValueKind.Array } list when index < list.GetArrayLength() => list[index],
        { ValueKind: JsonValueKind.Object } byIndex when byIndex.TryGetProperty(index.ToString(System.Globalization.CultureInfo.InvariantCulture), out JsonElement kept) => kept,
        _ => null,
    };
}

/// <summary>A document of the minefield: <c>y_</c> is JSON, <c>n_</c> is not, of <c>i_</c> each reader may think what it likes.</summary>
/// <param name="Name">What its author called it.</param>
/// <param name="Bytes">The document.</param>
public sealed record MinefieldDocument(string Name, byte[] Bytes)
{
    /// <summary>Whether it must be a row: JSON, and an object.</summary>
    public bool IsRow => Name[0] == 'y' && Bytes.AsSpan().TrimStart(" \t\r\n"u8) is [(byte)'{', ..];

    /// <summary>Whether it must be a dead letter: no JSON, or no object.</summary>
    public bool IsDeadLetter => Name[0] == 'n' || (Name[0] == 'y' && !IsRow);
}
