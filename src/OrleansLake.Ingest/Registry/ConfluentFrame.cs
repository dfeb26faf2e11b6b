using System.Buffers.Binary;

namespace OrleansLake.Ingest.Registry;

/// <summary>
/// What stands before a value that was written with a schema registry: a zero and the schema's id, big endian
/// (https://docs.confluent.io/platform/current/schema-registry/fundamentals/serdes-develop/index.html#wire-format).
/// </summary>
internal static class ConfluentFrame
{
    /// <summary>Its bytes.</summary>
    public const int Length = 5;

    /// <summary>The schema's id; false: the value has no frame.</summary>
    public static bool TryRead(ReadOnlySpan<byte> value, out int schemaId)
    {
        schemaId = value.Length >= Length ? BinaryPrimitives.ReadInt32BigEndian(value[1..]) : 0;
        return value.Length >= Length && value[0] == 0;
    }
}
