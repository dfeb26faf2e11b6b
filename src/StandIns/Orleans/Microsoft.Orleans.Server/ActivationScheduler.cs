namespace Orleans.Runtime;

/// <summary>
/// The turns of one activation: one task at a time, in order, never inline, with no execution context of whoever asked.
/// </summary>
internal sealed class ActivationScheduler(IGrainContext activation) : TaskScheduler, IThreadPoolWorkItem
{
    private static readonly TimeSpan Quantum = TimeSpan.FromMilliseconds(100);
    private readonly Lock gate = new();
    private readonly Queue<Task> queue = new();
    private bool running;

    public override int MaximumConcurrencyLevel => 1;

    /// <summary>Runs work on a turn of this activation, outside any context of the caller.</summary>
    public Task Run(Func<Task> work)
    {
        if (ExecutionContext.IsFlowSuppressed()) return Start();
        using (ExecutionContext.SuppressFlow())
            return Start();

        Task Start() => Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.DenyChildAttach, this).Unwrap();
    }

    public void Execute()
    {
        long began = Environment.TickCount64;
        while (true)
        {
            Task task;
            lock (gate)
            {
                if (queue.Count == 0)
                {
                    running = false;
                    return;
                }

                if (Environment.TickCount64 - began > Quantum.TotalMilliseconds) break;
                task = queue.Dequeue();
            }

            var outer = RuntimeContext.Current;
            RuntimeContext.Current = activation;
            try
            {
                TryExecuteTask(task);
            }
            finally
            {
                RuntimeContext.Current = outer;
            }
        }

        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    protected override void QueueTask(Task task)
    {
        lock (gate)
        {
            queue.Enqueue(task);
            if (running) return;
            running = true;
        }

        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) => false;

    protected override IEnumerable<Task> GetScheduledTasks()
    {
        lock (gate) return [.. queue];
    }
}
