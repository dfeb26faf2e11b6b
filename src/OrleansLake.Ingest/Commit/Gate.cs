namespace OrleansLake.Ingest.Commit;

/// <summary>
/// Something that is awaited by several and happens once. Whoever waits goes on in the context that it came from: none of
/// <c>WaitAsync</c> and <c>WhenAny</c>, which would hop to the thread pool on the way and spoil a seeded run.
/// </summary>
internal sealed class Gate<T>
{
    private readonly List<TaskCompletionSource<bool>> _waiting = [];
    private T? _value;

    /// <summary>True after <see cref="Open"/>.</summary>
    public bool IsOpen { get; private set; }

    /// <summary>Lets all go on.</summary>
    public void Open(T value)
    {
        if (IsOpen)
        {
            return;
        }

        (IsOpen, _value) = (true, value);
        foreach (TaskCompletionSource<bool> waiting in _waiting)
        {
            waiting.TrySetResult(true);
        }
    }

    /// <summary>Waits for it; false: the time has passed.</summary>
    public async Task<(bool IsOpen, T? Value)> WaitAsync(TimeSpan timeout, TimeProvider time, CancellationToken cancellationToken)
    {
        if (!IsOpen)
        {
            TaskCompletionSource<bool> own = new(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting.Add(own);
            try
            {
                await Timed.FirstAsync(own, timeout, time, cancellationToken);
            }
            finally
            {
                _waiting.Remove(own);
            }
        }

        return (IsOpen, _value);
    }
}

/// <summary>Calls of the outside world: each ends in time, also one that does not heed its token.</summary>
internal static class Timed
{
    /// <exception cref="TimeoutException">The call took too long; what becomes of it is not known.</exception>
    public static async Task<T> CallAsync<T>(Func<CancellationToken, Task<T>> call, TimeSpan timeout, TimeProvider time, CancellationToken cancellationToken)
    {
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task<T> task = call(linked.Token);
        if (!task.IsCompleted)
        {
            TaskCompletionSource<bool> ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
            _ = TellAsync(task, ended);
            if (!await FirstAsync(ended, timeout, time, cancellationToken))
            {
                linked.Cancel();
                throw new TimeoutException($"no answer within {timeout.TotalSeconds:F0} s");
            }
        }

        return await task;
    }

    /// <summary>True: it was set; false: the time has passed first.</summary>
    public static async Task<bool> FirstAsync(TaskCompletionSource<bool> source, TimeSpan timeout, TimeProvider time, CancellationToken cancellationToken)
    {
        using CancellationTokenRegistration registration = cancellationToken.UnsafeRegister(static (state, token) => ((TaskCompletionSource<bool>)state!).TrySetCanceled(token), source);
        using ITimer? timer = timeout == Timeout.InfiniteTimeSpan ? null : time.CreateTimer(static state => ((TaskCompletionSource<bool>)state!).TrySetResult(false), source, timeout, Timeout.InfiniteTimeSpan);
        return await source.Task;
    }

    private static async Task TellAsync(Task task, TaskCompletionSource<bool> ended)
    {
        try
        {
            await task;
        }
        catch (Exception)
        {
            // Whoever still waits for the call gets it from there; who has given up did not want it.
        }

        ended.TrySetResult(true);
    }
}
