using System.Collections.Concurrent;
using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Runtime.Placement;
using Orleans.Serialization;

namespace Orleans.Runtime;

/// <summary>The one silo of a process: who is activated, and how calls find them.</summary>
internal sealed partial class Silo : ICallRuntime, ILocalSiloDetails, IGrainRuntime
{
    private readonly ConcurrentDictionary<GrainId, Activation> activations = new();
    private readonly ConcurrentDictionary<GrainId, WorkerPool> workers = new();
    private readonly Lazy<GrainClasses> classes = new(() => new GrainClasses());
    private readonly SiloMessagingOptions messaging;
    private readonly ClusterOptions cluster;
    private readonly EndpointOptions endpoints;
    private readonly SiloOptions options;
    private readonly IIncomingGrainCallFilter[] incomingFilters;

    public Silo(
        IServiceProvider services, TimeProvider time, DeepCopier copier, ILoggerFactory loggers, IOptions<SiloMessagingOptions> messaging,
        IOptions<ClusterOptions> cluster, IOptions<EndpointOptions> endpoints, IOptions<GrainCollectionOptions> collection,
        IOptions<SiloOptions> options, IEnumerable<IIncomingGrainCallFilter> incomingFilters, IEnumerable<IOutgoingGrainCallFilter> outgoingFilters)
    {
        (Services, Time, Copier, Logger) = (services, time, copier, loggers.CreateLogger("Orleans.StandIn.Silo"));
        (this.messaging, this.cluster, this.endpoints, this.options) = (messaging.Value, cluster.Value, endpoints.Value, options.Value);
        Collection = collection.Value;
        OutgoingFilters = [.. outgoingFilters];
        this.incomingFilters = [.. incomingFilters];
        int generation = (int)(time.GetUtcNow().ToUnixTimeSeconds() - new DateTimeOffset(2022, 1, 1, 0, 0, 0, TimeSpan.Zero).ToUnixTimeSeconds());
        SiloAddress = SiloAddress.New(new IPEndPoint(this.endpoints.AdvertisedIPAddress ?? IPAddress.Loopback, this.endpoints.SiloPort), generation);
        GatewayAddress = SiloAddress.New(new IPEndPoint(SiloAddress.Endpoint.Address, this.endpoints.GatewayPort), 0);
    }

    public IServiceProvider Services { get; }
    public TimeProvider Time { get; }
    public DeepCopier Copier { get; }
    public ILogger Logger { get; }
    public GrainCollectionOptions Collection { get; }
    public SiloStatus Status { get; private set; } = SiloStatus.Created;
    public TimeSpan ResponseTimeout => messaging.ResponseTimeout;
    public bool CancelRequestOnTimeout => messaging.CancelRequestOnTimeout;
    public int MaxForwardCount => messaging.MaxForwardCount;
    public IReadOnlyList<IOutgoingGrainCallFilter> OutgoingFilters { get; }
    public IEnumerable<Activation> Activations => activations.Values.Concat(workers.Values.SelectMany(pool => pool.Activations));

    public string Name => options.SiloName ?? "Silo_" + GatewayAddress.Endpoint.Port;
    public string ClusterId => cluster.ClusterId;
    public string DnsHostName => Dns.GetHostName();
    public SiloAddress SiloAddress { get; }
    public SiloAddress GatewayAddress { get; }

    public string SiloIdentity => SiloAddress.ToString();
    public IGrainFactory GrainFactory => Services.GetRequiredService<IGrainFactory>();
    public Timers.ITimerRegistry TimerRegistry => Services.GetRequiredService<Timers.ITimerRegistry>();
    IServiceProvider IGrainRuntime.ServiceProvider => Services;
    TimeProvider IGrainRuntime.TimeProvider => Time;

    public void DeactivateOnIdle(IGrainContext grainContext) =>
        grainContext.Deactivate(new(DeactivationReasonCode.ApplicationRequested, "DeactivateOnIdle was called"));
    public void DelayDeactivation(IGrainContext grainContext, TimeSpan timeSpan) => ((Activation)grainContext).DelayDeactivation(timeSpan);
    public Core.IStorage<TGrainState> GetStorage<TGrainState>(IGrainContext grainContext) => States.For<TGrainState>(grainContext);

    public GrainType GrainTypeOf(Type grainInterface, string? classNamePrefix) => classes.Value.Find(grainInterface, classNamePrefix);
    public GrainClass ClassOf(GrainType type) => classes.Value[type];

    public void Send(GrainCall call) =>
        Send(call.Target, new CallRequest(call), call.RequestContext, activation => call.Cancel = activation.Cancel);

    /// <summary>Gives a request to the activation of a grain, a new one where there is none.</summary>
    public void Send(GrainId target, IGrainRequest request, Dictionary<string, object>? requestContext = null, Action<Activation>? found = null)
    {
        try
        {
            while (true)
            {
                var activation = Find(target, requestContext);
                found?.Invoke(activation);
                if (activation.TryReceive(request)) return;
                Remove(activation);
            }
        }
        catch (Exception exception)
        {
            request.Reject(exception);
        }
    }

    public void Remove(Activation activation)
    {
        if (workers.TryGetValue(activation.GrainId, out var pool)) pool.Remove(activation);
        else activations.TryRemove(new(activation.GrainId, activation));
    }

    /// <summary>The filters of a call, the grain's own last.</summary>
    public IReadOnlyList<IIncomingGrainCallFilter> FiltersFor(object grain) =>
        grain is IIncomingGrainCallFilter own ? [.. incomingFilters, own] : incomingFilters;

    public CancellationTokenSource LimitedTime(TimeSpan limit) => new(limit, Time);

    /// <summary>A director may say what it likes: it is asked, and its answer has to be the one silo there is.</summary>
    public async Task CheckPlacement(PlacementStrategy strategy, GrainId id, Dictionary<string, object>? requestContext)
    {
        if (Services.GetKeyedService<IPlacementDirector>(strategy.GetType()) is not { } director) return;
        var place = await director.OnAddActivation(strategy, new PlacementTarget(id, requestContext, default, 0), new OneSilo(this));
        if (!SiloAddress.Equals(place)) throw new OrleansException($"{director.GetType()} placed {id} on {place}, which is not in the cluster");
    }

    private Activation Find(GrainId id, Dictionary<string, object>? requestContext)
    {
        if (activations.TryGetValue(id, out var activation)) return activation;
        if (Status is SiloStatus.Created or SiloStatus.Stopping or SiloStatus.Dead)
            throw new SiloUnavailableException($"No grain is activated while the silo is {Status}: {id}");
        var grainClass = ClassOf(id.Type);
        if (grainClass.MaxLocalWorkers is { } limit)
            return workers.GetOrAdd(id, static _ => new WorkerPool()).Choose(limit, () => Create(id, grainClass, requestContext));

        var created = new Activation(this, id, grainClass);
        activation = activations.GetOrAdd(id, created);
        if (activation == created) created.Start(requestContext);
        return activation;
    }

    private Activation Create(GrainId id, GrainClass grainClass, Dictionary<string, object>? requestContext)
    {
        var created = new Activation(this, id, grainClass);
        created.Start(requestContext);
        return created;
    }

    private sealed class OneSilo(Silo silo) : IPlacementContext
    {
        public SiloAddress LocalSilo => silo.SiloAddress;
        public SiloStatus LocalSiloStatus => silo.Status;
        public SiloAddress[] GetCompatibleSilos(PlacementTarget target) => [silo.SiloAddress];
    }

    /// <summary>The activations of one stateless worker: an idle one, else a new one, else the least loaded.</summary>
    private sealed class WorkerPool
    {
        private readonly List<Activation> members = [];

        public IReadOnlyList<Activation> Activations
        {
            get { lock (members) return [.. members]; }
        }

        public Activation Choose(int limit, Func<Activation> create)
        {
            lock (members)
            {
                var best = members.MinBy(member => member.Load);
                if (best is not null && (best.Load == 0 || members.Count >= limit)) return best;
                var created = create();
                members.Add(created);
                return created;
            }
        }

        public void Remove(Activation activation)
        {
            lock (members) members.Remove(activation);
        }
    }
}

internal sealed class SiloGrainFactory(Silo silo) : GrainFactory, IClusterClient
{
    public IServiceProvider ServiceProvider => silo.Services;
    protected override ICallRuntime Runtime => silo;
}
