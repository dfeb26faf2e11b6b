using System.Text.Json;
using Orleans.Storage;

namespace OrleansLake.Grains;

/// <summary>
/// Grain state as JSON for a storage provider that keeps bytes: <c>{"format":1,"value":{…}}</c>, read by silos that are a version
/// older or newer while a cluster is upgraded. Members that a version does not know are left out, those that it needs must be there.
/// </summary>
/// <remarks>
/// The value is what <see cref="ObjectStoreHosting"/> keeps in an object store, to the letter. A format that is not known is refused: a
/// change that older silos could not read takes a new number, and is read by one release before it is written.
/// </remarks>
public sealed class JsonGrainStateSerializer : IGrainStorageSerializer
{
    private const int Format = 1;

    /// <inheritdoc />
    public BinaryData Serialize<T>(T? input) => new(StateJson.Write(new Stored<T>(Format, input)));

    /// <inheritdoc />
    /// <exception cref="OrleansException">It is not what was written there.</exception>
    public T Deserialize<T>(BinaryData input)
    {
        try
        {
            Stored<T> stored = StateJson.Read<Stored<T>>(input.ToMemory().Span);
            return stored.Format == Format && stored.Value is { } value
                ? value
                : throw new OrleansException($"{typeof(T).Name}: expected state of format {Format} or a newer silo, found {(stored.Format == Format ? "no value" : $"format {stored.Format}")}");
        }
        catch (JsonException error)
        {
            throw new OrleansException($"{typeof(T).Name}: expected state as JSON, found {error.Message.TrimEnd('.')}", error);
        }
    }

    private sealed record Stored<T>(int Format, T? Value);
}
