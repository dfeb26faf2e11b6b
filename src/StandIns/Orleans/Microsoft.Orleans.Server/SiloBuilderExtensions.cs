using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Runtime;
using Orleans.Runtime.Placement;

namespace Orleans.Runtime
{
    public interface IStartupTask
    {
        Task Execute(CancellationToken cancellationToken);
    }
}

namespace Orleans.Hosting
{
    public static class SiloBuilderExtensions
    {
        public static ISiloBuilder ConfigureServices(this ISiloBuilder builder, Action<IServiceCollection> configureDelegate)
        {
            configureDelegate(builder.Services);
            return builder;
        }

        public static ISiloBuilder Configure<TOptions>(this ISiloBuilder builder, Action<TOptions> configureOptions) where TOptions : class
        {
            builder.Services.Configure(configureOptions);
            return builder;
        }

        public static ISiloBuilder Configure<TOptions>(this ISiloBuilder builder, IConfiguration configuration) where TOptions : class
        {
            builder.Services.Configure<TOptions>(configuration);
            return builder;
        }

        public static ISiloBuilder ConfigureLogging(this ISiloBuilder builder, Action<ILoggingBuilder> configureLogging)
        {
            builder.Services.AddLogging(configureLogging);
            return builder;
        }
    }

    public static class CoreHostingExtensions
    {
        public static ISiloBuilder UseLocalhostClustering(
            this ISiloBuilder builder, int siloPort = EndpointOptions.DEFAULT_SILO_PORT, int gatewayPort = EndpointOptions.DEFAULT_GATEWAY_PORT,
            IPEndPoint? primarySiloEndpoint = null, string serviceId = "dev", string clusterId = "dev") => builder
                .Configure<EndpointOptions>(options =>
                    (options.AdvertisedIPAddress, options.SiloPort, options.GatewayPort) = (IPAddress.Loopback, siloPort, gatewayPort))
                .Configure<ClusterOptions>(options => (options.ServiceId, options.ClusterId) = (serviceId, clusterId));

        public static ISiloBuilder UseDevelopmentClustering(this ISiloBuilder builder, IPEndPoint primarySiloEndpoint) =>
            throw new OrleansConfigurationException($"{SiloHostedService.NoCluster}: development clustering with {primarySiloEndpoint} is not possible");
    }

    public static class EndpointOptionsExtensions
    {
        public static ISiloBuilder ConfigureEndpoints(
            this ISiloBuilder builder, IPAddress advertisedIP, int siloPort, int gatewayPort, bool listenOnAnyHostAddress = false) =>
            builder.Configure<EndpointOptions>(options =>
                (options.AdvertisedIPAddress, options.SiloPort, options.GatewayPort) = (advertisedIP, siloPort, gatewayPort));

        public static ISiloBuilder ConfigureEndpoints(
            this ISiloBuilder builder, int siloPort, int gatewayPort, AddressFamily addressFamily = AddressFamily.InterNetwork,
            bool listenOnAnyHostAddress = false) =>
            builder.ConfigureEndpoints(IPAddress.Loopback, siloPort, gatewayPort, listenOnAnyHostAddress);
    }

    public static class GrainCallFilterSiloBuilderExtensions
    {
        public static ISiloBuilder AddIncomingGrainCallFilter(this ISiloBuilder builder, IIncomingGrainCallFilter filter)
        {
            builder.Services.AddSingleton(filter);
            return builder;
        }

        public static ISiloBuilder AddIncomingGrainCallFilter<TImplementation>(this ISiloBuilder builder)
            where TImplementation : class, IIncomingGrainCallFilter
        {
            builder.Services.AddSingleton<IIncomingGrainCallFilter, TImplementation>();
            return builder;
        }

        public static ISiloBuilder AddIncomingGrainCallFilter(this ISiloBuilder builder, IncomingGrainCallFilterDelegate filter) =>
            builder.AddIncomingGrainCallFilter(new Incoming(filter));

        public static ISiloBuilder AddOutgoingGrainCallFilter(this ISiloBuilder builder, IOutgoingGrainCallFilter filter)
        {
            builder.Services.AddSingleton(filter);
            return builder;
        }

        public static ISiloBuilder AddOutgoingGrainCallFilter<TImplementation>(this ISiloBuilder builder)
            where TImplementation : class, IOutgoingGrainCallFilter
        {
            builder.Services.AddSingleton<IOutgoingGrainCallFilter, TImplementation>();
            return builder;
        }

        public static ISiloBuilder AddOutgoingGrainCallFilter(this ISiloBuilder builder, OutgoingGrainCallFilterDelegate filter) =>
            builder.AddOutgoingGrainCallFilter(new Outgoing(filter));

        private sealed class Incoming(IncomingGrainCallFilterDelegate filter) : IIncomingGrainCallFilter
        {
            public Task Invoke(IIncomingGrainCallContext context) => filter(context);
        }

        private sealed class Outgoing(OutgoingGrainCallFilterDelegate filter) : IOutgoingGrainCallFilter
        {
            public Task Invoke(IOutgoingGrainCallContext context) => filter(context);
        }
    }

    public static class SiloBuilderStartupExtensions
    {
        public static ISiloBuilder AddStartupTask<TStartup>(this ISiloBuilder builder, int stage = ServiceLifecycleStage.Active)
            where TStartup : class, IStartupTask =>
            builder.AddStartupTask((services, token) => ActivatorUtilities.GetServiceOrCreateInstance<TStartup>(services).Execute(token), stage);

        public static ISiloBuilder AddStartupTask(this ISiloBuilder builder, IStartupTask startupTask, int stage = ServiceLifecycleStage.Active) =>
            builder.AddStartupTask((_, token) => startupTask.Execute(token), stage);

        public static ISiloBuilder AddStartupTask(
            this ISiloBuilder builder, Func<IServiceProvider, CancellationToken, Task> startupTask, int stage = ServiceLifecycleStage.Active)
        {
            builder.Services.AddTransient<ILifecycleParticipant<ISiloLifecycle>>(services => new StartupTask(services, startupTask, stage));
            return builder;
        }

        private sealed class StartupTask(IServiceProvider services, Func<IServiceProvider, CancellationToken, Task> task, int stage)
            : ILifecycleParticipant<ISiloLifecycle>
        {
            public void Participate(ISiloLifecycle lifecycle) => lifecycle.Subscribe<StartupTask>(stage, token => task(services, token));
        }
    }

    public static class PlacementStrategyExtensions
    {
        public static ISiloBuilder AddPlacementDirector<TStrategy, TDirector>(this ISiloBuilder builder)
            where TStrategy : PlacementStrategy, new() where TDirector : class, IPlacementDirector
        {
            builder.Services.AddPlacementDirector<TStrategy, TDirector>();
            return builder;
        }

        public static ISiloBuilder AddPlacementDirector<TStrategy>(
            this ISiloBuilder builder, Func<IServiceProvider, IPlacementDirector> createDirector) where TStrategy : PlacementStrategy, new()
        {
            builder.Services.AddPlacementDirector<TStrategy>(createDirector);
            return builder;
        }

        public static void AddPlacementDirector<TStrategy, TDirector>(this IServiceCollection services)
            where TStrategy : PlacementStrategy, new() where TDirector : class, IPlacementDirector =>
            services.AddKeyedSingleton<IPlacementDirector, TDirector>(typeof(TStrategy));

        public static void AddPlacementDirector<TStrategy>(
            this IServiceCollection services, Func<IServiceProvider, IPlacementDirector> createDirector) where TStrategy : PlacementStrategy, new() =>
            services.AddKeyedSingleton(typeof(TStrategy), (provider, _) => createDirector(provider));
    }
}
