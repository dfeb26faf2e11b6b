using OrleansLake.Ingest;

namespace OrleansLake.Testing.Processes;

/// <summary>
/// What the table has of one topic, as silos come and go: a publisher that follows it waits while none is there. The
/// greatest offset that any silo told counts, since a table's offsets only grow in these tests.
/// </summary>
public sealed class CommittedFollower : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Dictionary<TopicPartition, long> _committed = [];
    private readonly Func<SiloProcess?> _silo;
    private readonly string? _pipeline;
    private readonly Task _looking;

    /// <summary>Asks whichever silo the function names, five times a second, of its pipeline or one beside it.</summary>
    public CommittedFollower(Func<SiloProcess?> silo, string? pipeline = null)
    {
        _silo = silo;
        _pipeline = pipeline;
        _looking = Task.Run(LookAsync);
    }

    /// <summary>The next offset of a topic-partition by the table; −1 when none was told.</summary>
    public long Of(TopicPartition topicPartition)
    {
        lock (_committed)
        {
            return _committed.GetValueOrDefault(topicPartition, -1);
        }
    }

    /// <summary>The sum over all topic-partitions.</summary>
    public long Total
    {
        get
        {
            lock (_committed)
            {
                return _committed.Values.Sum();
            }
        }
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _looking;
        _stop.Dispose();
    }

    private async Task LookAsync()
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(200));
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token))
            {
                if (_silo() is { Process.HasExited: false } silo && await silo.StatusAsync(_stop.Token, _pipeline) is { } status)
                {
                    lock (_committed)
                    {
                        foreach ((TopicPartition topicPartition, long next) in SiloProcess.CommittedOf(status))
                        {
                            _committed[topicPartition] = Math.Max(next, _committed.GetValueOrDefault(topicPartition, -1));
                        }
                    }
                }
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // the end
        }
    }
}
