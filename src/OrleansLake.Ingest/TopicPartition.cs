namespace OrleansLake.Ingest;

/// <summary>One partition of a Kafka topic.</summary>
public readonly record struct TopicPartition(string Topic, int Partition)
{
    /// <inheritdoc />
    public override string ToString() => $"{Topic}-{Partition}";
}

/// <summary>
/// Consumer positions from the first record wanted to the next one after the last: half open. Control records, aborted
/// transactions and compaction leave gaps in it, so its length is no count of records.
/// </summary>
public readonly record struct OffsetRange
{
    /// <summary>A range. <paramref name="next"/> may equal <paramref name="first"/>: nothing was read.</summary>
    public OffsetRange(long first, long next)
    {
        if (first < 0 || next < first)
        {
            throw new ArgumentOutOfRangeException(nameof(next), $"offset range: expected 0 <= first <= next, got [{first}, {next})");
        }

        First = first;
        Next = next;
    }

    /// <summary>The position before the first record.</summary>
    public long First { get; }

    /// <summary>The position behind the last record: what a reader resumes from.</summary>
    public long Next { get; }

    /// <summary>Positions covered, gaps included.</summary>
    public long Length => Next - First;

    /// <inheritdoc />
    public override string ToString() => $"[{First}, {Next})";
}
