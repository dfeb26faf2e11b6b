using System.Globalization;

namespace OrleansLake.Iceberg;

/// <summary>Finds the state of a table that a reader asks for.</summary>
public static class SnapshotSelection
{
    /// <summary>
    /// The snapshot that was current at a time, by the log of main; null where the table had none yet.
    /// https://iceberg.apache.org/spec/#point-in-time-reads-time-travel
    /// </summary>
    public static Snapshot? SnapshotAsOf(this TableMetadata metadata, DateTimeOffset time)
    {
        long ms = time.ToUnixTimeMilliseconds();
        long? found = null;
        foreach (var entry in metadata.SnapshotLog)
        {
            if (entry.TimestampMs <= ms)
            {
                found = entry.SnapshotId;
            }
        }

        return metadata.FindSnapshot(found);
    }

    /// <summary>
    /// The snapshot that a text names: the id of one, a branch or tag, or a time (2025-01-31, 2025-01-31T12:30:00Z; UTC where it
    /// has no zone). Null or empty: the current one.
    /// </summary>
    /// <exception cref="ArgumentException">There is no such snapshot.</exception>
    public static Snapshot? SnapshotAt(this TableMetadata metadata, string? text)
    {
        if (string.IsNullOrEmpty(text))
        {
            return metadata.FindSnapshot(metadata.CurrentSnapshotId);
        }

        if (metadata.FindRef(text) is { } named)
        {
            return named;
        }

        if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long id) && metadata.FindSnapshot(id) is { } snapshot)
        {
            return snapshot;
        }

        if (Expressions.TimeParser.TryTimestamp(text, out var time))
        {
            long ms = (long)Expressions.TimeParser.FloorDivide(time.Nanos, 1_000_000);
            return metadata.SnapshotAsOf(DateTimeOffset.FromUnixTimeMilliseconds(Math.Clamp(ms, DateTimeOffset.MinValue.ToUnixTimeMilliseconds(), DateTimeOffset.MaxValue.ToUnixTimeMilliseconds())))
                ?? throw new ArgumentException($"the table had no snapshot at {text}");
        }

        throw new ArgumentException($"expected a snapshot id, a branch or tag ({string.Join(", ", metadata.Refs.Keys.Order(StringComparer.Ordinal).DefaultIfEmpty("there is none"))}) or a time, got \"{text}\"");
    }
}
