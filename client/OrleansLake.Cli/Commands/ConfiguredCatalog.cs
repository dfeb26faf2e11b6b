using System.Collections;
using System.Text.Json;
using OrleansLake.Aws;
using OrleansLake.Iceberg;
using OrleansLake.Terminal;

namespace OrleansLake.Cli.Commands;

/// <summary>The configuration does not name a catalog; each error stands on its own line.</summary>
internal sealed class CatalogConfigException(string source, IReadOnlyList<string> errors) : ListedErrorsException(source, errors);

/// <summary>The catalog that a silo's configuration names: its <c>warehouse</c>, <c>catalog</c> and <c>s3</c>, with the environment's variables over them.</summary>
internal static class ConfiguredCatalog
{
    private const string EnvironmentPrefix = "ORLEANSLAKE__";

    /// <summary>Opens it.</summary>
    /// <exception cref="CatalogConfigException">The configuration is wrong.</exception>
    public static LakeCatalog Open(string path)
    {
        var settings = Read(path);
        var errors = new List<string>();
        string warehouse = settings.GetValueOrDefault("warehouse", ".");
        var options = LakeCatalogOptions.Read(
            LakeCatalogOptions.IsS3(warehouse) ? warehouse : Path.GetFullPath(warehouse, Path.GetDirectoryName(Path.GetFullPath(path))!),
            Below(settings, "catalog."),
            Below(settings, "s3."),
            (section, key, expected, found) => errors.Add($"{(key.Length == 0 ? section : $"{section}.{key}")}: expected {expected}, found {(found is null ? "nothing" : $"\"{found}\"")}"));
        return errors.Count > 0
            ? throw new CatalogConfigException(path, errors)
            : LakeCatalog.Open(options, TimeProvider.System, new IdSource(TimeProvider.System, new Random()));
    }

    private static Dictionary<string, string> Read(string path)
    {
        var settings = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(path), new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
            Add(document.RootElement, "");
        }
        catch (JsonException error)
        {
            throw new CatalogConfigException(path, [$"expected JSON, found: {error.Message}"]);
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
            if (element.ValueKind == JsonValueKind.Object)
            {
                foreach (var member in element.EnumerateObject())
                {
                    Add(member.Value, at.Length == 0 ? member.Name : $"{at}.{member.Name}");
                }
            }
            else if (element.ValueKind is not (JsonValueKind.Null or JsonValueKind.Array))
            {
                settings[at] = element.ToString();
            }
        }
    }

    private static Dictionary<string, string> Below(Dictionary<string, string> settings, string prefix) => settings
        .Where(pair => pair.Key.StartsWith(prefix, StringComparison.OrdinalIgnoreCase))
        .ToDictionary(pair => pair.Key[prefix.Length..], pair => pair.Value);
}
