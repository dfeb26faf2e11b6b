using OrleansLake.Ingest.Kafka;
using OrleansLake.Ingest.Kafka.Publishing;
using OrleansLake.Testing.Processes;

namespace OrleansLake.Integration;

/// <summary>Numbered records that a test lets go little by little, so that they flow at the moment that it means.</summary>
/// <param name="count">How many there are.</param>
/// <param name="released">How many of them it gives before <see cref="Release"/> lets more go; all unless told.</param>
internal abstract class PacedFeed(long count, long? released = null) : IRecordFeed
{
    private readonly Lock _gate = new();
    private readonly ManualResetEventSlim _open = new(true);
    private long _released = released ?? count;
    private long _next;
    private volatile bool _ended;

    /// <inheritdoc />
    public long? Total { get; } = count;

    /// <summary>How many it gave so far.</summary>
    public long Given => Volatile.Read(ref _next);

    /// <summary>Sends its records to the topic <c>events</c>, as far as what is committed lets the broker forget.</summary>
    public Task<PublishResult> PublishAsync(EmbeddedBroker broker, CommittedFollower follower, double? recordsPerSecond) =>
        new Publisher(new PublisherOptions { BootstrapServers = broker.BootstrapServers, Topic = "events", Committed = follower.Of, RecordsPerSecond = recordsPerSecond }).PublishAsync(this, null, CancellationToken.None);

    /// <summary>Gives no more.</summary>
    public void End()
    {
        _ended = true;
        Release(count);
    }

    /// <summary>Lets so many records go, counted from the first.</summary>
    public void Release(long upTo)
    {
        lock (_gate)
        {
            _released = Math.Max(_released, upTo);
            _open.Set();
        }
    }

    /// <inheritdoc />
    public void Fill(RecordChunk chunk, int limit)
    {
        long most = WaitForRelease();
        for (; limit > 0 && _next < most && !_ended; limit--, _next++)
        {
            Add(chunk, _next);
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        End();
        _open.Dispose();
    }

    /// <summary>Adds the record of that number, counted from 0.</summary>
    protected abstract void Add(RecordChunk chunk, long number);

    private long WaitForRelease()
    {
        while (true)
        {
            lock (_gate)
            {
                if (_released > _next || _next == count)
                {
                    return _released;
                }

                _open.Reset();
            }

            _open.Wait();
        }
    }
}

/// <summary>The same documents over and over, none of them before it is released.</summary>
internal sealed class DocumentFeed(IReadOnlyList<byte[]> documents) : PacedFeed(long.MaxValue, released: 0)
{
    /// <summary>How often a document was given.</summary>
    public long TimesGiven(int document) => (Given / documents.Count) + (document < Given % documents.Count ? 1 : 0);

    /// <inheritdoc />
    protected override void Add(RecordChunk chunk, long number) => chunk.Add(documents[(int)(number % documents.Count)]);
}
