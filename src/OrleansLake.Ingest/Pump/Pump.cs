using OrleansLake.Iceberg;

namespace OrleansLake.Ingest.Pump;

/// <summary>
/// One pipeline on one silo: reads the topic-partitions that it was given through one source, writes their records into one
/// set of open files, reports what was closed, and follows the table's word. This class is the thread and the door; what is
/// decided, and in which order, is in <see cref="PumpLoop"/> and <see cref="PumpState"/>. Every member may be called from any
/// thread and none blocks.
/// </summary>
public sealed class Pump : IAsyncDisposable
{
    private static readonly TimeSpan PollTime = TimeSpan.FromMilliseconds(50);
    private readonly PumpLoop _loop;
    private readonly TimeProvider _time;
    private readonly ManualResetEventSlim _wake = new();
    private readonly Thread _thread;

    /// <summary>Starts a pump without topic-partitions.</summary>
    /// <param name="options">What it is told.</param>
    /// <param name="source">Its source; disposed with the pump.</param>
    /// <param name="writers">Opens its writers.</param>
    /// <param name="committer">Its table's committer.</param>
    /// <param name="cluster">What the source's cluster tells beside its records.</param>
    /// <param name="loadTables">Loads the tables afresh; called again after failures and when a schema has changed.</param>
    /// <param name="memory">The silo's budget.</param>
    /// <param name="time">The clock.</param>
    /// <param name="ids">Ids of the writer and of reports.</param>
    /// <param name="onEvent">Told what happens, on the pump's thread; takes it and returns at once.</param>
    public Pump(
        PumpOptions options,
        IRecordSource source,
        IRowWriterFactory writers,
        ICommitter committer,
        IClusterFacts cluster,
        Func<CancellationToken, Task<PumpTables>> loadTables,
        MemoryBudget memory,
        TimeProvider time,
        IdSource ids,
        Action<PumpEvent>? onEvent = null)
    {
        _time = time;
        _loop = new PumpLoop(options, source, writers, committer, cluster, loadTables, memory, time, ids, onEvent, new PumpRules(), _wake.Set);
        _thread = new Thread(Run) { IsBackground = true, Name = $"pump {options.Pipeline}" };
        _thread.Start();
    }

    /// <summary>This life of this pump, as it stands in its reports.</summary>
    public string WriterId => _loop.WriterId;

    /// <summary>Done when the pump has stopped.</summary>
    public Task Stopped => _loop.Stopped;

    /// <summary>
    /// Begins to read a topic-partition, where the table says, or at <paramref name="start"/> when the table knows nothing of
    /// it. One that is there already stays as it is; one that was stopped begins again.
    /// </summary>
    public void Attach(TopicPartition topicPartition, StartPosition start) => _loop.Post(() => _loop.Attach(topicPartition, start));

    /// <summary>
    /// Ceases to read a topic-partition, reports what was read of it, and awaits the answer, at most
    /// <see cref="PumpOptions.HandOverTimeout"/> (rule 16).
    /// </summary>
    public Task<HandOver> DetachAsync(TopicPartition topicPartition, CancellationToken cancellationToken = default) =>
        AskAsync<HandOver>(answer => _loop.Detach(topicPartition, answer), cancellationToken);

    /// <summary>Holds a topic-partition back, or lets it flow again.</summary>
    public void SetPaused(TopicPartition topicPartition, bool paused) => _loop.Post(() => _loop.SetPaused(topicPartition, paused));

    /// <summary>
    /// Moves a topic-partition: hands it over, lets <paramref name="commit"/> commit the new offset to the table (rule 14),
    /// and goes on from what the table then says.
    /// </summary>
    public async Task SeekAsync(TopicPartition topicPartition, Func<CancellationToken, Task> commit, CancellationToken cancellationToken = default)
    {
        await DetachAsync(topicPartition, cancellationToken);
        try
        {
            await commit(cancellationToken);
        }
        finally
        {
            Attach(topicPartition, StartPosition.Earliest);
        }
    }

    /// <summary>Closes and reports what was read, and awaits the answer.</summary>
    public Task<FlushResult> FlushAsync(CancellationToken cancellationToken = default) => AskAsync<FlushResult>(_loop.Flush, cancellationToken);

    /// <summary>The table may have another schema: loads it, and writes on with it. The answer says from which offsets on.</summary>
    public Task<PumpEvent.SchemaApplied> ReloadSchemaAsync(CancellationToken cancellationToken = default) =>
        AskAsync<PumpEvent.SchemaApplied>(_loop.ReloadSchema, cancellationToken);

    /// <summary>How it stood at its last turn but a second; asked for again it is newer.</summary>
    public PumpStatus Status => _loop.LastStatus;

    /// <summary>How it stands. When the pump's thread is held up, its last word with that as its trouble.</summary>
    public async Task<PumpStatus> StatusAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            return await AskAsync<PumpStatus>(answer => answer.TrySetResult(_loop.PublishStatus()), CancellationToken.None)
                .WaitAsync(TimeSpan.FromSeconds(2), _time, cancellationToken);
        }
        catch (TimeoutException)
        {
            PumpStatus last = _loop.LastStatus;
            return last with { Trouble = $"the pump has not turned since {last.At:HH:mm:ss} or before" };
        }
        catch (ObjectDisposedException)
        {
            return _loop.LastStatus;
        }
    }

    /// <summary>
    /// Stops: polls no more, closes, reports, awaits the answer at most <see cref="PumpOptions.HandOverTimeout"/>. True when
    /// everything that was read is in the table.
    /// </summary>
    public Task<bool> StopAsync(CancellationToken cancellationToken = default)
    {
        _loop.Post(_loop.Stop);
        return _loop.Stopped.WaitAsync(cancellationToken);
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        if (Thread.CurrentThread != _thread)
        {
            _thread.Join();
            _wake.Dispose();
        }
    }

    private Task<T> AskAsync<T>(Action<TaskCompletionSource<T>> command, CancellationToken cancellationToken)
    {
        var answer = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        if (!_loop.Post(() => command(answer)))
        {
            answer.TrySetException(new ObjectDisposedException(nameof(Pump), "the pump has stopped"));
        }

        return answer.Task.WaitAsync(cancellationToken);
    }

    private void Run()
    {
        while (!_loop.Stopped.IsCompleted)
        {
            _wake.Reset();
            if (!_loop.Turn(PollTime))
            {
                _wake.Wait(PollTime);
            }
        }
    }
}
