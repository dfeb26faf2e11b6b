using OrleansLake.Ingest.Commit;
using OrleansLake.Ingest.Pump;

namespace OrleansLake.Ingest.Backfill;

/// <summary>
/// A committer without a grain around it: its calls come from one logical thread, as <see cref="TableCommitter"/> wants it, and it
/// commits by its own clock until it is disposed of.
/// </summary>
internal sealed class SerialCommitter : ICommitter, IAsyncDisposable
{
    private readonly TaskScheduler _turns = new ConcurrentExclusiveSchedulerPair().ExclusiveScheduler;
    private readonly TableCommitter _committer;
    private readonly CancellationTokenSource _ended = new();
    private readonly Task _running;

    public SerialCommitter(TableCommitter committer)
    {
        _committer = committer;
        _running = OnTurn(async () =>
        {
            await committer.RunAsync(_ended.Token);
            return true;
        });
    }

    /// <inheritdoc />
    public Task EnqueueAsync(DataWritten report, CancellationToken cancellationToken) => OnTurn(async () =>
    {
        await _committer.EnqueueAsync(report, cancellationToken);
        return true;
    });

    /// <inheritdoc />
    public Task<ReportAnswer> OutcomeAsync(Guid reportId, CancellationToken cancellationToken) => OnTurn(() => _committer.OutcomeAsync(reportId, cancellationToken));

    /// <inheritdoc />
    public Task<ResumePoint> ResumeAsync(
        string pipeline, string generation, IReadOnlyList<TopicPartition> topicPartitions, IReadOnlyDictionary<string, string> topicIds, CancellationToken cancellationToken) =>
        OnTurn(() => _committer.ResumeAsync(pipeline, generation, topicPartitions, topicIds, cancellationToken));

    /// <summary>Anything else that is asked of the committer.</summary>
    public Task<T> OnTurn<T>(Func<Task<T>> call) => Task.Factory.StartNew(call, CancellationToken.None, TaskCreationOptions.DenyChildAttach, _turns).Unwrap();

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync().ConfigureAwait(false);
        try
        {
            await _running.ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // Told to.
        }

        _ended.Dispose();
    }
}
