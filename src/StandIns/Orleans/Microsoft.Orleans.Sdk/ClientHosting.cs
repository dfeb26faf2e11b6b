using System.Net;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Hosting;
using Orleans.Runtime;

namespace Orleans.Configuration
{
    public class ClusterOptions
    {
        public const string DefaultClusterId = "default";
        public const string DefaultServiceId = "default";

        public string ClusterId { get; set; } = DefaultClusterId;
        public string ServiceId { get; set; } = DefaultServiceId;
    }

    public abstract class MessagingOptions
    {
        public TimeSpan ResponseTimeout { get; set; } = TimeSpan.FromSeconds(30);
        public bool CancelRequestOnTimeout { get; set; } = true;
        public bool DropExpiredMessages { get; set; } = true;
    }

    public class ClientMessagingOptions : MessagingOptions;

    public class StaticGatewayListProviderOptions
    {
        public List<Uri> Gateways { get; set; } = [];
    }
}

namespace Orleans
{
    /// <summary>Asked when no silo answers: whether to try again.</summary>
    public interface IClientConnectionRetryFilter
    {
        Task<bool> ShouldRetryConnectionAttempt(Exception exception, CancellationToken cancellationToken);
    }
}

namespace Orleans.Hosting
{
    public interface IClientBuilder
    {
        IServiceCollection Services { get; }
        IConfiguration Configuration { get; }
    }

    public static class ClientBuilderExtensions
    {
        public static IClientBuilder ConfigureServices(this IClientBuilder builder, Action<IServiceCollection> configureDelegate)
        {
            configureDelegate(builder.Services);
            return builder;
        }

        public static IClientBuilder Configure<TOptions>(this IClientBuilder builder, Action<TOptions> configureOptions) where TOptions : class
        {
            builder.Services.Configure(configureOptions);
            return builder;
        }

        public static IClientBuilder Configure<TOptions>(this IClientBuilder builder, IConfiguration configuration) where TOptions : class
        {
            builder.Services.Configure<TOptions>(configuration);
            return builder;
        }

        public static IClientBuilder UseLocalhostClustering(
            this IClientBuilder builder, int gatewayPort = 30000, string serviceId = "dev", string clusterId = "dev") =>
            builder.UseLocalhostClustering([gatewayPort], serviceId, clusterId);

        public static IClientBuilder UseLocalhostClustering(
            this IClientBuilder builder, int[] gatewayPorts, string serviceId = "dev", string clusterId = "dev") => builder
                .Configure<ClusterOptions>(options => (options.ServiceId, options.ClusterId) = (serviceId, clusterId))
                .UseStaticClustering([.. gatewayPorts.Select(port => new IPEndPoint(IPAddress.Loopback, port))]);

        public static IClientBuilder UseStaticClustering(this IClientBuilder builder, params IPEndPoint[] endpoints) =>
            builder.Configure<StaticGatewayListProviderOptions>(options =>
                options.Gateways = [.. endpoints.Select(endpoint => new Uri($"gwy.tcp://{endpoint}/0"))]);

        public static IClientBuilder UseConnectionRetryFilter(
            this IClientBuilder builder, Func<Exception, CancellationToken, Task<bool>> connectionRetryFilter)
        {
            builder.Services.AddSingleton<IClientConnectionRetryFilter>(new DelegateRetryFilter(connectionRetryFilter));
            return builder;
        }

        public static IClientBuilder UseConnectionRetryFilter(this IClientBuilder builder, IClientConnectionRetryFilter connectionRetryFilter)
        {
            builder.Services.AddSingleton(connectionRetryFilter);
            return builder;
        }

        public static IClientBuilder UseConnectionRetryFilter<TConnectionRetryFilter>(this IClientBuilder builder)
            where TConnectionRetryFilter : class, IClientConnectionRetryFilter
        {
            builder.Services.AddSingleton<IClientConnectionRetryFilter, TConnectionRetryFilter>();
            return builder;
        }

        private sealed class DelegateRetryFilter(Func<Exception, CancellationToken, Task<bool>> filter) : IClientConnectionRetryFilter
        {
            public Task<bool> ShouldRetryConnectionAttempt(Exception exception, CancellationToken cancellationToken) =>
                filter(exception, cancellationToken);
        }
    }

    public static class ClientBuilderGrainCallFilterExtensions
    {
        public static IClientBuilder AddOutgoingGrainCallFilter(this IClientBuilder builder, IOutgoingGrainCallFilter filter)
        {
            builder.Services.AddSingleton(filter);
            return builder;
        }

        public static IClientBuilder AddOutgoingGrainCallFilter<TImplementation>(this IClientBuilder builder)
            where TImplementation : class, IOutgoingGrainCallFilter
        {
            builder.Services.AddSingleton<IOutgoingGrainCallFilter, TImplementation>();
            return builder;
        }
    }
}

namespace Microsoft.Extensions.Hosting
{
    public static class OrleansClientGenericHostExtensions
    {
        public static IHostApplicationBuilder UseOrleansClient(this IHostApplicationBuilder hostAppBuilder) =>
            hostAppBuilder.UseOrleansClient(_ => { });

        public static HostApplicationBuilder UseOrleansClient(this HostApplicationBuilder hostAppBuilder) =>
            hostAppBuilder.UseOrleansClient(_ => { });

        public static IHostApplicationBuilder UseOrleansClient(
            this IHostApplicationBuilder hostAppBuilder, Action<IClientBuilder> configureDelegate)
        {
            hostAppBuilder.Services.AddOrleansClient(hostAppBuilder.Configuration, configureDelegate);
            return hostAppBuilder;
        }

        public static HostApplicationBuilder UseOrleansClient(
            this HostApplicationBuilder hostAppBuilder, Action<IClientBuilder> configureDelegate)
        {
            hostAppBuilder.Services.AddOrleansClient(hostAppBuilder.Configuration, configureDelegate);
            return hostAppBuilder;
        }

        public static IHostBuilder UseOrleansClient(this IHostBuilder hostBuilder, Action<IClientBuilder> configureDelegate) =>
            hostBuilder.UseOrleansClient((_, client) => configureDelegate(client));

        public static IHostBuilder UseOrleansClient(
            this IHostBuilder hostBuilder, Action<HostBuilderContext, IClientBuilder> configureDelegate) =>
            hostBuilder.ConfigureServices((context, services) =>
                services.AddOrleansClient(context.Configuration, client => configureDelegate(context, client)));

        public static IServiceCollection AddOrleansClient(this IServiceCollection services, Action<IClientBuilder> configureDelegate) =>
            services.AddOrleansClient(new ConfigurationBuilder().Build(), configureDelegate);

        public static IServiceCollection AddOrleansClient(
            this IServiceCollection services, IConfiguration configuration, Action<IClientBuilder> configureDelegate)
        {
            if (!services.Any(service => service.ServiceType == typeof(ClusterClient)))
            {
                services.AddOptions();
                services.AddLogging();
                services.TryAddSingleton(TimeProvider.System);
                services.AddSingleton<Orleans.Serialization.DeepCopier>();
                services.AddSingleton<ClusterClient>();
                services.AddSingleton<Orleans.IClusterClient>(provider => provider.GetRequiredService<ClusterClient>());
                services.AddSingleton<Orleans.IGrainFactory>(provider => provider.GetRequiredService<ClusterClient>());
                services.AddHostedService(provider => provider.GetRequiredService<ClusterClient>());
            }

            configureDelegate(new Builder(services, configuration));
            return services;
        }

        private sealed record Builder(IServiceCollection Services, IConfiguration Configuration) : IClientBuilder;
    }
}
