using System.Collections;
using System.Text.Json;
using OrleansLake.Terminal;

namespace OrleansLake.Cli.Commands;

/// <summary>A configuration does not say what a command needs; each error stands on its own line.</summary>
internal sealed class ConfiguredSettingsException(string source, IReadOnlyList<string> errors) : ListedErrorsException(source, errors);

/// <summary>A silo's configuration as texts by their paths (<c>pipelines.0.table</c>), with the environment's variables over them.</summary>
internal static class ConfiguredSettings
{
    private const string EnvironmentPrefix = "ORLEANSLAKE__";

    /// <summary>Reads it.</summary>
    /// <exception cref="ConfiguredSettingsException">It is no JSON.</exception>
    public static Dictionary<string, string> Read(string path)
    {
        var settings = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(path), new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
            Add(document.RootElement, "");
        }
        catch (JsonException error)
        {
            throw new ConfiguredSettingsException(path, [$"expected JSON, found: {error.Message}"]);
        }

        foreach (DictionaryEntry variable in Environment.GetEnvironmentVariables())
        {
            if (((string)variable.Key).StartsWith(EnvironmentPrefix, StringComparison.OrdinalIgnoreCase))
            {
                settings[((string)variable.Key)[EnvironmentPrefix.Length..].Replace("__", ".", StringComparison.Ordinal)] = (string)variable.Value!;
            }
        }

        return settings;

        void Add(JsonElement element, string at)
        {
            switch (element.ValueKind)
            {
                case JsonValueKind.Object:
                    foreach (JsonProperty member in element.EnumerateObject())
                    {
                        Add(member.Value, Below(member.Name));
                    }

                    break;
                case JsonValueKind.Array:
                    foreach ((int index, JsonElement item) in element.EnumerateArray().Index())
                    {
                        Add(item, Below(index.ToString(System.Globalization.CultureInfo.InvariantCulture)));
                    }

                    break;
                case not JsonValueKind.Null:
                    settings[at] = element.ToString();
                    break;
            }

            string Below(string name) => at.Length == 0 ? name : $"{at}.{name}";
        }
    }

    /// <summary>What stands below a path, by the rest of its own.</summary>
    public static Dictionary<string, string> Below(this Dictionary<string, string> settings, string prefix) => settings
        .Where(pair => pair.Key.StartsWith(prefix, StringComparison.OrdinalIgnoreCase))
        .ToDictionary(pair => pair.Key[prefix.Length..], pair => pair.Value, StringComparer.OrdinalIgnoreCase);

    /// <summary>The pipelines, each with what stands below it.</summary>
    public static IEnumerable<Dictionary<string, string>> Pipelines(this Dictionary<string, string> settings)
    {
        for (int index = 0; ; index++)
        {
            Dictionary<string, string> pipeline = settings.Below($"pipelines.{index}.");
            if (pipeline.Count == 0)
            {
                yield break;
            }

            yield return pipeline;
        }
    }
}
