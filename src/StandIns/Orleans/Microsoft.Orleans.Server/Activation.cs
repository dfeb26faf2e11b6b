using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Orleans.Runtime;

/// <summary>
/// One activation of a grain. Its turns run one after another on its scheduler; a request begins when the activation is
/// idle, when it may interleave, or when no blocking request runs. Requests that come while it ends go to its successor.
/// </summary>
internal sealed partial class Activation : IGrainContext, IReentrantSections
{
    private readonly Lock gate = new();
    private readonly List<IGrainRequest> waiting = [];
    private readonly List<IGrainRequest> running = [];
    private readonly Dictionary<Guid, int> reentrantSections = [];
    private readonly Dictionary<Type, object> components = [];
    private readonly TaskCompletionSource deactivated = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly HashSet<IDisposable> timers = [];
    private readonly AsyncServiceScope scope;
    private readonly ActivationLifecycle lifecycle;
    private IGrainRequest? blocking;
    private TaskCompletionSource? drained;
    private DeactivationReason? reason;
    private State state = State.Activating;

    public Activation(Silo silo, GrainId id, GrainClass grainClass)
    {
        (Silo, GrainId, Class) = (silo, id, grainClass);
        Scheduler = new ActivationScheduler(this);
        lifecycle = new ActivationLifecycle(silo.Logger);
        scope = silo.Services.CreateAsyncScope();
        GrainReference = GrainReference.Create(typeof(IAddressable), id, silo);
        Touch();
    }

    private enum State { Activating, Valid, Deactivating, Invalid }

    public Silo Silo { get; }
    public GrainClass Class { get; }
    public ActivationScheduler Scheduler { get; }
    public GrainReference GrainReference { get; }
    public GrainId GrainId { get; }
    public object? GrainInstance { get; private set; }
    public ActivationId ActivationId { get; } = ActivationId.NewId();
    public IServiceProvider ActivationServices => scope.ServiceProvider;
    public IGrainLifecycle ObservableLifecycle => lifecycle;
    public Task Deactivated => deactivated.Task;

    public int Load
    {
        get { lock (gate) return waiting.Count + running.Count; }
    }

    public TComponent? GetComponent<TComponent>() where TComponent : class
    {
        lock (gate) return components.GetValueOrDefault(typeof(TComponent)) as TComponent ?? GrainInstance as TComponent;
    }

    public void SetComponent<TComponent>(TComponent? value) where TComponent : class
    {
        lock (gate)
        {
            if (value is null) components.Remove(typeof(TComponent));
            else components[typeof(TComponent)] = value;
        }
    }

    public void Start(Dictionary<string, object>? requestContext) => _ = Scheduler.Run(() => ActivateAsync(requestContext));

    /// <summary>Takes a request in; false when the activation is gone and a successor has to be found.</summary>
    public bool TryReceive(IGrainRequest request)
    {
        lock (gate)
        {
            if (state == State.Invalid) return false;
            if (request.IsLocal && state == State.Deactivating) return true;
            waiting.Add(request);
        }

        Pump();
        return true;
    }

    /// <summary>A cancelled call that waits never begins; one that runs hears of it on a turn.</summary>
    public void Cancel(GrainCall call)
    {
        lock (gate)
        {
            if (waiting.RemoveAll(request => request.Invokable == call) > 0) return;
        }

        _ = Scheduler.Run(() =>
        {
            call.CancelCallee();
            return Task.CompletedTask;
        });
    }

    private void Pump()
    {
        while (true)
        {
            IGrainRequest? next = null;
            lock (gate)
            {
                if (state != State.Valid) return;
                for (int i = 0; i < waiting.Count && next is null; i++)
                {
                    if (waiting[i].Abandoned) waiting.RemoveAt(i--);
                    else if (MayRun(waiting[i])) next = waiting[i];
                }

                if (next is null) return;
                waiting.Remove(next);
                running.Add(next);
                if (blocking is null && !next.AlwaysInterleave) blocking = next;
                if (!next.IsLocal || next.KeepsAlive) Touch();
            }

            _ = Scheduler.Run(() => RunAsync(next));
        }
    }

    private bool MayRun(IGrainRequest request) =>
        running.Count == 0 || blocking is null || Class.Reentrant || request.AlwaysInterleave || (blocking.ReadOnly && request.ReadOnly)
        || (request.ReentrancyId is { } id && reentrantSections.ContainsKey(id))
        || (Class.MayInterleave is { } predicate && request.Invokable is { } invokable && predicate(GrainInstance!, invokable));

    private async Task RunAsync(IGrainRequest request)
    {
        var ending = await request.RunAsync(this);
        lock (gate)
        {
            running.Remove(request);
            if (blocking == request) blocking = null;
            if (!request.IsLocal || request.KeepsAlive) Touch();
            if (running.Count == 0) drained?.TrySetResult();
        }

        if (ending is { } code) Deactivate(code);
        request.Answer();
        Pump();
    }

    public void AddTimer(IDisposable timer)
    {
        lock (gate)
        {
            if (state is State.Activating or State.Valid)
            {
                timers.Add(timer);
                return;
            }
        }

        timer.Dispose();
    }

    public void RemoveTimer(IDisposable timer)
    {
        lock (gate) timers.Remove(timer);
    }

    void IReentrantSections.Enter(Guid id)
    {
        lock (gate) reentrantSections[id] = reentrantSections.GetValueOrDefault(id) + 1;
    }

    void IReentrantSections.Leave(Guid id)
    {
        lock (gate)
        {
            if (--reentrantSections[id] == 0) reentrantSections.Remove(id);
        }
    }

    private sealed class ActivationLifecycle(ILogger logger) : LifecycleSubject(logger), IGrainLifecycle;
}
