using OrleansLake.Ingest.Kafka.Publishing;

namespace OrleansLake.Benchmarks.Ingest;

/// <summary>The first so many records of a feed.</summary>
internal sealed class LimitedFeed(IRecordFeed feed, long count) : IRecordFeed
{
    private long _left = count;

    public long? Total { get; } = count;

    public void Fill(RecordChunk chunk, int limit)
    {
        int before = chunk.Count;
        feed.Fill(chunk, (int)Math.Min(limit, _left));
        _left -= chunk.Count - before;
    }

    public void Dispose() => feed.Dispose();
}
