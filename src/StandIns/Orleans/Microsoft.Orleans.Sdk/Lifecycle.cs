using Microsoft.Extensions.Logging;

namespace Orleans;

public interface ILifecycleObserver
{
    Task OnStart(CancellationToken cancellationToken = default);
    Task OnStop(CancellationToken cancellationToken = default);
}

public interface ILifecycleObservable
{
    IDisposable Subscribe(string observerName, int stage, ILifecycleObserver observer);
}

public interface ILifecycleParticipant<TLifecycleObservable> where TLifecycleObservable : ILifecycleObservable
{
    void Participate(TLifecycleObservable lifecycle);
}

public static class ServiceLifecycleStage
{
    public const int First = int.MinValue;
    public const int RuntimeInitialize = 2000;
    public const int RuntimeServices = 4000;
    public const int RuntimeStorageServices = 6000;
    public const int RuntimeGrainServices = 8000;
    public const int AfterRuntimeGrainServices = 8100;
    public const int ApplicationServices = 10000;
    public const int ValidateInitialConnectivity = 19900;
    public const int GrainDirectoryShutdown = 19997;
    public const int GrainDeactivation = 19998;
    public const int BecomeActive = 19999;
    public const int Active = 20000;
    public const int Last = int.MaxValue;
}

public static class LifecycleExtensions
{
    public static IDisposable Subscribe(
        this ILifecycleObservable observable, string observerName, int stage,
        Func<CancellationToken, Task> onStart, Func<CancellationToken, Task>? onStop) =>
        observable.Subscribe(observerName, stage, new Observer(onStart, onStop));

    public static IDisposable Subscribe(
        this ILifecycleObservable observable, string observerName, int stage, Func<CancellationToken, Task> onStart) =>
        observable.Subscribe(observerName, stage, onStart, null);

    public static IDisposable Subscribe<TObserver>(this ILifecycleObservable observable, int stage, ILifecycleObserver observer) =>
        observable.Subscribe(typeof(TObserver).FullName!, stage, observer);

    public static IDisposable Subscribe<TObserver>(
        this ILifecycleObservable observable, int stage, Func<CancellationToken, Task> onStart, Func<CancellationToken, Task>? onStop) =>
        observable.Subscribe(typeof(TObserver).FullName!, stage, onStart, onStop);

    public static IDisposable Subscribe<TObserver>(
        this ILifecycleObservable observable, int stage, Func<CancellationToken, Task> onStart) =>
        observable.Subscribe(typeof(TObserver).FullName!, stage, onStart, null);

    private sealed class Observer(Func<CancellationToken, Task> onStart, Func<CancellationToken, Task>? onStop) : ILifecycleObserver
    {
        public Task OnStart(CancellationToken cancellationToken) => onStart(cancellationToken);
        public Task OnStop(CancellationToken cancellationToken) => onStop?.Invoke(cancellationToken) ?? Task.CompletedTask;
    }
}

/// <summary>
/// Stages start from the lowest, all observers of one at once; a stage that fails ends the start. They stop from the
/// highest that was reached; failures there are logged, and the rest stops all the same.
/// </summary>
internal class LifecycleSubject(ILogger logger) : ILifecycleObservable
{
    private readonly Lock gate = new();
    private readonly List<Subscription> subscriptions = [];
    private int? reached;

    public int HighestCompletedStage { get; private set; } = int.MinValue;
    public int LowestStoppedStage { get; private set; } = int.MaxValue;

    public IDisposable Subscribe(string observerName, int stage, ILifecycleObserver observer)
    {
        ArgumentNullException.ThrowIfNull(observer);
        lock (gate)
        {
            if (reached is not null) throw new InvalidOperationException("The lifecycle has already been started");
            var subscription = new Subscription(this, observerName, stage, observer);
            subscriptions.Add(subscription);
            return subscription;
        }
    }

    public async Task OnStart(CancellationToken cancellationToken)
    {
        foreach (var stage in Stages().OrderBy(group => group.Key))
        {
            cancellationToken.ThrowIfCancellationRequested();
            lock (gate) reached = stage.Key;
            await Task.WhenAll(stage.Select(subscription => Start(subscription, cancellationToken)));
            HighestCompletedStage = stage.Key;
        }

        lock (gate) reached ??= int.MaxValue;
    }

    public async Task OnStop(CancellationToken cancellationToken)
    {
        foreach (var stage in Stages().Where(group => reached is { } limit && group.Key <= limit).OrderByDescending(group => group.Key))
        {
            foreach (var task in stage.Select(subscription => Stop(subscription, cancellationToken)).ToArray())
                await task;
            LowestStoppedStage = stage.Key;
        }
    }

    private ILookup<int, Subscription> Stages()
    {
        lock (gate) return subscriptions.ToLookup(subscription => subscription.Stage);
    }

    private static async Task Start(Subscription subscription, CancellationToken cancellationToken) =>
        await subscription.Observer.OnStart(cancellationToken);

    private async Task Stop(Subscription subscription, CancellationToken cancellationToken)
    {
        try
        {
            await subscription.Observer.OnStop(cancellationToken);
        }
        catch (Exception exception)
        {
            logger.LogError(exception, "Lifecycle observer {Name} failed to stop at stage {Stage}", subscription.Name, subscription.Stage);
        }
    }

    private sealed class Subscription(LifecycleSubject subject, string name, int stage, ILifecycleObserver observer) : IDisposable
    {
        public string Name { get; } = name;
        public int Stage { get; } = stage;
        public ILifecycleObserver Observer { get; } = observer;

        public void Dispose()
        {
            lock (subject.gate) subject.subscriptions.Remove(this);
        }
    }
}
