using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging.Console;
using OrleansLake.Contracts;
using OrleansLake.Grains;
using OrleansLake.Silo.Configuration;
using OrleansLake.Silo.Http;
using OrleansLake.Silo.Telemetry;

namespace OrleansLake.Silo.Hosting;

/// <summary>Builds a silo from its configuration: grains, pumps, catalog, HTTP, logs.</summary>
internal static class SiloHost
{
    // Longer than the drain, so that the host does not cut it short.
    internal static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(45);

    /// <summary>Builds it. <paramref name="configure"/> comes last: a test or the demo may replace a service.</summary>
    public static WebApplication Build(SiloConfig config, Action<IServiceCollection>? configure = null)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        // What this process is told is in SiloConfig, and nowhere else.
        builder.Configuration.Sources.Clear();
        builder.Configuration.AddInMemoryCollection();
        builder.WebHost.UseUrls([config.HttpUrl.ToString(), .. config.Dashboard.Url is { } dashboard ? [dashboard.ToString()] : Array.Empty<string>()]);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.AddServerHeader = false);
        AddLogs(builder.Logging, config.Logs);

        builder.UseOrleans(silo =>
        {
            SiloClustering.Add(silo, config);
            DashboardHosting.Add(silo, config.Dashboard);
            silo.AddOrleansLakeGrains();
            if (config.AlertStream)
            {
                silo.AddMemoryGrainStorage("PubSubStore"); // who listens; asked for by this name
                silo.AddMemoryStreams(LakeAlert.StreamProvider);
            }
        });

        IServiceCollection services = builder.Services;
        services.Configure<HostOptions>(options => options.ShutdownTimeout = StopLimit);
        services.AddSingleton(config);
        services.AddSingleton(TimeProvider.System);
        LakeServices.Add(services, config);
        services.AddSingleton(provider => new LakeOperations(provider.GetRequiredService<IGrainFactory>()));
        services.AddSingleton(provider => new MaintenanceOperations(provider.GetRequiredService<IGrainFactory>()));
        services.AddSingleton<ILifecycleParticipant<ISiloLifecycle>, MaintenanceStarter>();
        services.AddSingleton<MetricsCollector>();
        services.AddSingleton<PumpMetrics>();
        if (config.Metrics.CloudWatchNamespace is not null)
        {
            services.AddHostedService<CloudWatchWriter>();
        }

        services.AddSingleton<PipelineStarter>();
        services.AddSingleton<ILifecycleParticipant<ISiloLifecycle>>(provider => provider.GetRequiredService<PipelineStarter>());
        services.ConfigureHttpJsonOptions(options => LakeJson.Configure(options.SerializerOptions));
        services.AddHealthChecks()
            .AddCheck("process", () => HealthCheckResult.Healthy(), ["live"])
            .AddCheck<PipelineHealth>("pipelines", tags: ["ready"]);
        configure?.Invoke(services);

        WebApplication app = builder.Build();
        app.Services.GetRequiredService<MetricsCollector>(); // listens from the first measurement on
        app.Services.GetRequiredService<PumpMetrics>();
        app.Use(next => context => LakeEndpoints.OneLineErrorsAsync(context, next));
        app.Use(next => context => LakeEndpoints.RefuseOtherSitesAsync(context, next));
        app.MapLake();
        app.MapMaintenance();
        ConsolePage.Map(app, config.Dashboard);
        DashboardHosting.Map(app, config.Dashboard);
        return app;
    }

    /// <summary>Where the HTTP API of a started silo listens.</summary>
    public static Uri HttpAddress(this WebApplication app) =>
        new(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());

    private static void AddLogs(ILoggingBuilder logging, LogConfig config)
    {
        logging.ClearProviders();
        logging.SetMinimumLevel(config.Level);
        // What Orleans and ASP.NET tell at this level is of use to their makers; what goes wrong is told at Warning.
        logging.AddFilter("Orleans", Max(config.Level, LogLevel.Warning));
        logging.AddFilter("Orleans.Runtime.Silo", Max(config.Level, LogLevel.Error)); // at each start, that the collector is not the server one
        logging.AddFilter("Orleans.Runtime.Watchdog", Max(config.Level, LogLevel.Error)); // at each start, that it has not looked since boot
        logging.AddFilter("OrleansLake", config.Level);
        logging.AddFilter("Microsoft.Extensions.Diagnostics.HealthChecks", LogLevel.Critical); // the answer to who asks says it
        logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.Critical); // a failed start is thrown, and told in one line
        logging.AddFilter("Microsoft", Max(config.Level, LogLevel.Warning));
        logging.AddFilter("Polly", Max(config.Level, LogLevel.Warning));
        if (config.File is { } file)
        {
            logging.AddProvider(new FileLoggerProvider(file, TimeProvider.System));
        }
        else if (config.Json)
        {
            logging.AddJsonConsole(options =>
            {
                options.UseUtcTimestamp = true;
                options.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ";
            });
        }
        else
        {
            logging.AddSimpleConsole(options =>
            {
                options.SingleLine = true;
                options.UseUtcTimestamp = true;
                options.TimestampFormat = "yyyy-MM-dd HH:mm:ss.fff ";
                options.ColorBehavior = LoggerColorBehavior.Disabled;
            });
        }
    }

    private static LogLevel Max(LogLevel a, LogLevel b) => a > b ? a : b;
}
