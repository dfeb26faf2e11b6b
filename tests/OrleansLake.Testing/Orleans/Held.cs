namespace OrleansLake.Testing.Orleans;

/// <summary>A grain's state as a storage provider is given it.</summary>
internal sealed class Held<T> : IGrainState<T>
    where T : new()
{
    [System.Diagnostics.CodeAnalysis.AllowNull]
    public T State { get; set; } = new();

    public string? ETag { get; set; }

    public bool RecordExists { get; set; }
}
