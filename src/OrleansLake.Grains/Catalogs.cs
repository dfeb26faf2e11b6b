using OrleansLake.Iceberg;

namespace OrleansLake.Grains;

/// <summary>The catalogs that this silo knows, by name.</summary>
public sealed class Catalogs(IReadOnlyDictionary<string, ICatalog> byName)
{
    /// <summary>The catalog of a name.</summary>
    /// <exception cref="PipelineTroubleException">There is none.</exception>
    public ICatalog Find(string name) => byName.TryGetValue(name, out ICatalog? catalog)
        ? catalog
        : throw new PipelineTroubleException($"catalog \"{name}\": expected one of {string.Join(", ", byName.Keys)}; see \"catalog\" in the configuration of this silo");
}
