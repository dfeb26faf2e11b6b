namespace OrleansLake.Iceberg;

/// <summary>Every id that the product makes, handed in so that one seed replays a run.</summary>
public sealed class IdSource(TimeProvider time, Random random)
{
    private readonly Lock _lock = new();

    /// <summary>A UUID of version 7: ordered by the time it was made.</summary>
    public Guid NewUuid()
    {
        Span<byte> bytes = stackalloc byte[16];
        lock (_lock)
        {
            random.NextBytes(bytes);
        }

        long ms = time.GetUtcNow().ToUnixTimeMilliseconds();
        for (int i = 5; i >= 0; i--, ms >>= 8)
        {
            bytes[i] = (byte)ms;
        }

        bytes[6] = (byte)((bytes[6] & 0x0F) | 0x70);
        bytes[8] = (byte)((bytes[8] & 0x3F) | 0x80);
        return new Guid(bytes, bigEndian: true);
    }

    /// <summary>A positive random number of 63 bits: a snapshot id.</summary>
    public long NewSnapshotId()
    {
        lock (_lock)
        {
            return random.NextInt64(1, long.MaxValue);
        }
    }
}
