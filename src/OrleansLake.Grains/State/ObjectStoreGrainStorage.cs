using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Orleans.Storage;
using OrleansLake.Iceberg;

namespace OrleansLake.Grains;

/// <summary>
/// Grain state in an object store: one document a grain and state name, its version as ETag. What was cleared leaves an
/// empty version behind, so that a writer of before is still found out.
/// </summary>
internal sealed class ObjectStoreGrainStorage(IObjectStore objects, string root) : IGrainStorage
{
    private const int Format = 1;
    private const int LongestName = 180;

    private readonly VersionedObjects _documents = new(objects, root);

    /// <inheritdoc />
    public async Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        VersionedObjects.Version? version = await _documents.ReadAsync(NameOf(stateName, grainId), CancellationToken.None);
        Stored<T>? stored = version is null ? null : Check(StateJson.Read<Stored<T>>(version, $"the state \"{stateName}\" of grain {grainId}"), version, stateName, grainId);
        grainState.ETag = version?.Number.ToString(CultureInfo.InvariantCulture);
        grainState.RecordExists = stored is { Exists: true };
        grainState.State = stored is { Exists: true, Value: { } value } ? value : Activator.CreateInstance<T>();
    }

    /// <inheritdoc />
    public async Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        await WriteAsync(stateName, grainId, grainState, new Stored<T>(Format, grainId.ToString(), stateName, true, grainState.State));
        grainState.RecordExists = true;
    }

    /// <inheritdoc />
    public async Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        await WriteAsync(stateName, grainId, grainState, new Stored<T>(Format, grainId.ToString(), stateName, false, default));
        grainState.RecordExists = false;
        grainState.State = Activator.CreateInstance<T>();
    }

    private async Task WriteAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState, Stored<T> stored)
    {
        long known = grainState.ETag is { } etag ? long.Parse(etag, CultureInfo.InvariantCulture) : 0;
        if (!await _documents.TryWriteAsync(NameOf(stateName, grainId), known, StateJson.Write(stored), CancellationToken.None))
        {
            string? there = (await _documents.ReadAsync(NameOf(stateName, grainId), CancellationToken.None))?.Number.ToString(CultureInfo.InvariantCulture);
            throw new InconsistentStateException(
                $"state \"{stateName}\" of grain {grainId}: expected version {known} to be the newest, found {there}; another activation wrote it", there, grainState.ETag);
        }

        grainState.ETag = (known + 1).ToString(CultureInfo.InvariantCulture);
    }

    private static Stored<T> Check<T>(Stored<T> stored, VersionedObjects.Version version, string stateName, GrainId grainId) =>
        stored.Format != Format ? throw StateJson.Unreadable(version, $"format {Format} or a newer silo", $"format {stored.Format}")
        : stored.Grain != grainId.ToString() || stored.State != stateName
            ? throw StateJson.Unreadable(version, $"the state \"{stateName}\" of grain {grainId}", $"the state \"{stored.State}\" of grain {stored.Grain}")
        : stored is { Exists: true, Value: null } ? throw StateJson.Unreadable(version, $"the state \"{stateName}\" of grain {grainId}", "no value")
        : stored;

    // One directory a grain; a name that no file system would take is cut, and known by its hash.
    private static string NameOf(string stateName, GrainId grainId)
    {
        string name = Uri.EscapeDataString(grainId.ToString());
        return $"{stateName}/{(name.Length <= LongestName ? name : name[..(LongestName - 17)] + "-" + Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(name)))[..16])}";
    }

    private sealed record Stored<T>(int Format, string Grain, string State, bool Exists, T? Value);
}
