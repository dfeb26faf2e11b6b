using System.Globalization;
using System.Text;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Ingest.Kafka.Publishing;
using OrleansLake.Testing.Processes;

namespace OrleansLake.Integration;

/// <summary>
/// Records that carry their own number, so that a missing or doubled one can be named; every thousandth cannot be a row
/// (its id is text) and belongs in the dead letters.
/// </summary>
/// <param name="count">How many there are.</param>
/// <param name="released">How many of them it gives before <see cref="Release"/> lets more go; all unless told.</param>
internal sealed class NumberedFeed(long count, long? released = null) : IRecordFeed
{
    /// <summary>The table that they fit.</summary>
    public const string Columns = "id BIGINT NOT NULL, at TIMESTAMP(6) WITH TIME ZONE, name VARCHAR, amount DOUBLE";

    private const long BadEvery = 1000;
    private static readonly CompositeFormat Format = CompositeFormat.Parse(
        "{{\"id\":{0},\"at\":\"2026-03-0{1}T10:20:{2:00}.{3:000000}Z\",\"name\":\"name {4}\",\"amount\":{5}.25}}");

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

    /// <summary>Of the first so many records, those that cannot be rows.</summary>
    public static long BadAmong(long records) => (records + BadEvery - 1) / BadEvery;

    /// <inheritdoc />
    public void Fill(RecordChunk chunk, int limit)
    {
        Span<char> text = stackalloc char[256];
        long most = WaitForRelease();
        for (; limit > 0 && _next < most && !_ended; limit--, _next++)
        {
            bool bad = _next % BadEvery == 0;
            string id = _next.ToString(CultureInfo.InvariantCulture);
            text.TryWrite(
                CultureInfo.InvariantCulture, Format, out int written,
                bad ? $"\"bad {id}\"" : id, 1 + (_next % 3), _next % 60, _next % 1_000_000, _next % 4099, _next % 977);
            chunk.Commit(Encoding.UTF8.GetBytes(text[..written], chunk.Reserve(512)));
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        End();
        _open.Dispose();
    }

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
