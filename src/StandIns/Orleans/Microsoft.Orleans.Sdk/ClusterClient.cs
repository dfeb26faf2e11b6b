using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Serialization;

namespace Orleans.Runtime;

/// <summary>The silos of this process by cluster and gateway port: all that a client of the stand-in can reach.</summary>
internal static class LocalGateways
{
    private static readonly ConcurrentDictionary<(string Cluster, string Service, int Port), ICallRuntime> Silos = new();

    public static bool TryOpen(string cluster, string service, int port, ICallRuntime silo) => Silos.TryAdd((cluster, service, port), silo);
    public static void Close(string cluster, string service, int port) => Silos.TryRemove((cluster, service, port), out _);
    public static ICallRuntime? Find(string cluster, string service, IEnumerable<int> ports) =>
        ports.Select(port => Silos.GetValueOrDefault((cluster, service, port))).FirstOrDefault(silo => silo is not null);
}

/// <summary>A client beside the silo: its own time-out and filters, the silo's grains.</summary>
internal sealed class ClusterClient(
    IServiceProvider services, TimeProvider time, DeepCopier copier, IEnumerable<IOutgoingGrainCallFilter> filters,
    IOptions<ClusterOptions> cluster, IOptions<ClientMessagingOptions> messaging, IOptions<StaticGatewayListProviderOptions> gateways)
    : GrainFactory, IClusterClient, IHostedService, ICallRuntime
{
    private volatile ICallRuntime? silo;

    public IServiceProvider ServiceProvider => services;
    public DeepCopier Copier => copier;
    public TimeProvider Time => time;
    public TimeSpan ResponseTimeout => messaging.Value.ResponseTimeout;
    public bool CancelRequestOnTimeout => messaging.Value.CancelRequestOnTimeout;
    public IReadOnlyList<IOutgoingGrainCallFilter> OutgoingFilters { get; } = [.. filters];
    protected override ICallRuntime Runtime => this;
    private ICallRuntime Silo => silo ?? throw new InvalidOperationException("The client is not connected: start its host first");

    public GrainType GrainTypeOf(Type grainInterface, string? classNamePrefix) => Silo.GrainTypeOf(grainInterface, classNamePrefix);
    public void Send(GrainCall call) => Silo.Send(call);

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var retry = ServiceProvider.GetService<IClientConnectionRetryFilter>();
        int[] ports = [.. gateways.Value.Gateways.Select(gateway => gateway.Port)];
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            silo = LocalGateways.Find(cluster.Value.ClusterId, cluster.Value.ServiceId, ports);
            if (silo is not null) return;
            var missing = new SiloUnavailableException(
                $"No silo of cluster {cluster.Value.ClusterId} listens in this process on {string.Join(", ", ports)}. These are Orleans stand-in "
                + "packages, which reach no other process: use the silo's HTTP API, or build with the real packages");
            if (retry is null || !await retry.ShouldRetryConnectionAttempt(missing, cancellationToken)) throw missing;
        }
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        silo = null;
        return Task.CompletedTask;
    }
}
