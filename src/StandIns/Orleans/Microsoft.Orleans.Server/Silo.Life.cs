using System.Reflection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Orleans.Runtime;

public interface ISiloLifecycle : ILifecycleObservable
{
    int HighestCompletedStage { get; }
    int LowestStoppedStage { get; }
}

internal sealed class SiloLifecycleSubject(ILoggerFactory loggers) : LifecycleSubject(loggers.CreateLogger("Orleans.StandIn.Silo")), ISiloLifecycle;

/// <summary>Runs the silo's lifecycle with the host's; says in one line what kind of silo this is.</summary>
internal sealed class SiloHostedService(
    Silo silo, SiloLifecycleSubject lifecycle, IEnumerable<ILifecycleParticipant<ISiloLifecycle>> participants, IEnumerable<IMembershipTable> memberships)
    : IHostedService
{
    public const string NoCluster = "This Orleans is a stand-in of one silo in one process and no cluster";

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        string version = typeof(SiloHostedService).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;
        silo.Logger.LogWarning(
            "Orleans stand-in {Version}: one silo in one process, no cluster. Nothing outside this process can join it or call its grains", version);
        if (memberships.Any())
            throw new OrleansConfigurationException($"{NoCluster}: it cannot join others through a membership table");
        silo.Participate(lifecycle);
        foreach (var participant in participants) participant.Participate(lifecycle);
        await lifecycle.OnStart(cancellationToken);
    }

    public Task StopAsync(CancellationToken cancellationToken) => lifecycle.OnStop(cancellationToken);
}

internal sealed partial class Silo
{
    private readonly CancellationTokenSource stopping = new();
    private Task collector = Task.CompletedTask;

    public void Participate(ISiloLifecycle lifecycle)
    {
        lifecycle.Subscribe("runtime", ServiceLifecycleStage.RuntimeInitialize, _ =>
        {
            classes.Value.Check();
            Status = SiloStatus.Joining;
            return Task.CompletedTask;
        }, _ =>
        {
            Status = SiloStatus.Dead;
            return Task.CompletedTask;
        });
        lifecycle.Subscribe("membership", ServiceLifecycleStage.BecomeActive, _ =>
        {
            Status = SiloStatus.Active;
            collector = Task.Run(CollectAsync, CancellationToken.None);
            return Task.CompletedTask;
        });
        lifecycle.Subscribe("activations", ServiceLifecycleStage.GrainDeactivation, _ => Task.CompletedTask, DeactivateAllAsync);
        lifecycle.Subscribe("gateway", ServiceLifecycleStage.Active, _ =>
        {
            if (endpoints.GatewayPort != 0 && !LocalGateways.TryOpen(ClusterId, cluster.ServiceId, endpoints.GatewayPort, this))
                throw new System.Net.Sockets.SocketException((int)System.Net.Sockets.SocketError.AddressAlreadyInUse);
            return Task.CompletedTask;
        }, _ =>
        {
            LocalGateways.Close(ClusterId, cluster.ServiceId, endpoints.GatewayPort);
            Status = SiloStatus.ShuttingDown;
            return Task.CompletedTask;
        });
    }

    /// <summary>Ends every activation that was idle for longer than an age; the runtime asks with each grain's own.</summary>
    public Task CollectAsync(Func<Activation, TimeSpan> age)
    {
        var idle = Activations.Where(activation => activation.IsIdle(age(activation))).ToList();
        foreach (var activation in idle) activation.Deactivate(new(DeactivationReasonCode.ActivationIdle, "Collected for being idle"));
        return Task.WhenAll(idle.Select(activation => activation.Deactivated));
    }

    private async Task CollectAsync()
    {
        using var timer = new PeriodicTimer(Collection.CollectionQuantum, Time);
        try
        {
            while (await timer.WaitForNextTickAsync(stopping.Token))
                await CollectAsync(activation => activation.Class.KeepAlive ? TimeSpan.MaxValue : AgeLimit(activation.Class));
        }
        catch (OperationCanceledException)
        {
            // the silo stops
        }
    }

    private TimeSpan AgeLimit(GrainClass grainClass) =>
        Collection.ClassSpecificCollectionAge.TryGetValue(grainClass.Type.FullName!, out var configured) ? configured
        : grainClass.AgeLimit ?? Collection.CollectionAge;

    private async Task DeactivateAllAsync(CancellationToken cancellationToken)
    {
        await stopping.CancelAsync();
        await collector;
        Status = SiloStatus.Stopping;
        while (Activations.ToList() is { Count: > 0 } left)
        {
            foreach (var activation in left) activation.Deactivate(new(DeactivationReasonCode.ShuttingDown, "This process is terminating"));
            await Task.WhenAll(left.Select(activation => activation.Deactivated)).WaitAsync(cancellationToken);
            foreach (var activation in left) Remove(activation);
        }
    }
}
