using OrleansLake.Aws;
using OrleansLake.Iceberg;

namespace OrleansLake.Cli.Commands;

/// <summary>The catalog that a silo's configuration names: its <c>warehouse</c>, <c>catalog</c> and <c>s3</c>.</summary>
internal static class ConfiguredCatalog
{
    /// <summary>Opens it.</summary>
    /// <exception cref="ConfiguredSettingsException">The configuration is wrong.</exception>
    public static LakeCatalog Open(string path) => Open(path, ConfiguredSettings.Read(path));

    /// <inheritdoc cref="Open(string)"/>
    public static LakeCatalog Open(string path, Dictionary<string, string> settings)
    {
        var errors = new List<string>();
        string warehouse = settings.GetValueOrDefault("warehouse", ".");
        var options = LakeCatalogOptions.Read(
            LakeCatalogOptions.IsS3(warehouse) ? warehouse : Path.GetFullPath(warehouse, Path.GetDirectoryName(Path.GetFullPath(path))!),
            settings.Below("catalog."),
            settings.Below("s3."),
            (section, key, expected, found) => errors.Add($"{(key.Length == 0 ? section : $"{section}.{key}")}: expected {expected}, found {(found is null ? "nothing" : $"\"{found}\"")}"));
        return errors.Count > 0
            ? throw new ConfiguredSettingsException(path, errors)
            : LakeCatalog.Open(options, TimeProvider.System, new IdSource(TimeProvider.System, new Random()));
    }
}
