using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;
using OrleansLake.Orleans.Tests;

[assembly: AssemblyFixture(typeof(SiloFixture))]

namespace OrleansLake.Orleans.Tests;

/// <summary>One silo for all tests, through the generic host: the same against the original packages and the stand-ins.</summary>
public sealed class SiloFixture : IAsyncLifetime
{
    private IHost? host;

    public IGrainFactory Grains => Services.GetRequiredService<IGrainFactory>();
    public IServiceProvider Services => host!.Services;
    public IManagementGrain Management => Grains.GetGrain<IManagementGrain>(0);

    public async ValueTask InitializeAsync()
    {
        host = Create(silo => silo
            .AddMemoryGrainStorageAsDefault()
            .AddMemoryGrainStorage("other")
            .AddMemoryGrainStorage("PubSubStore")
            .AddMemoryStreams("memory")
            .UseInMemoryReminderService()
            .Configure<ReminderOptions>(options => options.MinimumReminderPeriod = TimeSpan.FromMilliseconds(50))
            .Configure<SiloMessagingOptions>(options => options.ResponseTimeout = TimeSpan.FromSeconds(20)));
        await host.StartAsync(TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        if (host is null) return;
        await host.StopAsync();
        await ((IAsyncDisposable)host).DisposeAsync();
    }

    /// <summary>A host with a silo on free ports.</summary>
    internal static IHost Create(Action<ISiloBuilder> configure) => Create(configure, out _);

    internal static IHost Create(Action<ISiloBuilder> configure, out int gatewayPort)
    {
        int siloPort = FreePort(), port = gatewayPort = FreePort();
        var builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.Services.AddSingleton<Journal>();
        builder.UseOrleans(silo =>
        {
            silo.UseLocalhostClustering(siloPort, port, serviceId: "tests", clusterId: "tests");
            configure(silo);
        });
        return builder.Build();
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>Waits for a condition that something else brings about; fails after 20 s.</summary>
    internal static async Task Until(Func<Task<bool>> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (!await condition()) await Task.Delay(10, limit.Token);
    }
}

/// <summary>What grains note down for tests to read, by key.</summary>
public sealed class Journal
{
    private readonly Dictionary<string, List<string>> lines = [];

    public void Note(string key, string line)
    {
        lock (lines)
        {
            if (!lines.TryGetValue(key, out var list)) lines[key] = list = [];
            list.Add(line);
        }
    }

    public string[] Read(string key)
    {
        lock (lines) return lines.TryGetValue(key, out var list) ? [.. list] : [];
    }
}
