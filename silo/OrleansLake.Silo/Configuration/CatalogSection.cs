using OrleansLake.Aws;

namespace OrleansLake.Silo.Configuration;

/// <summary>The sections <c>catalog</c> and <c>s3</c>, and the warehouse that they are about.</summary>
internal static class CatalogSection
{
    /// <summary>Reads them; a warehouse that is a directory is relative to <paramref name="directory"/>.</summary>
    public static LakeCatalogOptions Read(ConfigSection root, string directory)
    {
        string warehouse = root.Text("warehouse", required: true, expected: "the directory of the tables, or s3://bucket/prefix") ?? ".";
        return LakeCatalogOptions.Read(
            LakeCatalogOptions.IsS3(warehouse) ? warehouse.TrimEnd('/') : Path.GetFullPath(warehouse, directory),
            root.Flat("catalog"),
            root.Flat("s3"),
            (section, key, expected, found) => root.Fail(key.Length == 0 ? section : $"{section}.{key}", expected, found));
    }
}
