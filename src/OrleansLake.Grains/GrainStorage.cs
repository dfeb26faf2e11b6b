namespace OrleansLake.Grains;

/// <summary>Where grains keep their state.</summary>
public static class GrainStorage
{
    /// <summary>The name of the storage provider that the host registers; <see cref="ObjectStoreHosting"/> has one.</summary>
    public const string Name = "orleanslake";
}
