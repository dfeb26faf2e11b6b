using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Orleans.Configuration;
using Orleans.Hosting;
using Orleans.Runtime;

namespace Orleans.Hosting
{
    public interface ISiloBuilder
    {
        IServiceCollection Services { get; }
        IConfiguration Configuration { get; }
    }
}

namespace Microsoft.Extensions.Hosting
{
    public static class OrleansSiloGenericHostExtensions
    {
        public static IHostApplicationBuilder UseOrleans(this IHostApplicationBuilder hostAppBuilder) => hostAppBuilder.UseOrleans(_ => { });

        public static HostApplicationBuilder UseOrleans(this HostApplicationBuilder hostAppBuilder) => hostAppBuilder.UseOrleans(_ => { });

        public static IHostApplicationBuilder UseOrleans(this IHostApplicationBuilder hostAppBuilder, Action<ISiloBuilder> configureDelegate)
        {
            configureDelegate(Builder(hostAppBuilder.Services, hostAppBuilder.Configuration));
            return hostAppBuilder;
        }

        public static HostApplicationBuilder UseOrleans(this HostApplicationBuilder hostAppBuilder, Action<ISiloBuilder> configureDelegate)
        {
            configureDelegate(Builder(hostAppBuilder.Services, hostAppBuilder.Configuration));
            return hostAppBuilder;
        }

        public static IHostBuilder UseOrleans(this IHostBuilder hostBuilder, Action<ISiloBuilder> configureDelegate) =>
            hostBuilder.UseOrleans((_, silo) => configureDelegate(silo));

        public static IHostBuilder UseOrleans(this IHostBuilder hostBuilder, Action<HostBuilderContext, ISiloBuilder> configureDelegate) =>
            hostBuilder.ConfigureServices((context, services) => configureDelegate(context, Builder(services, context.Configuration)));

        public static IServiceCollection AddOrleans(this IServiceCollection services, Action<ISiloBuilder> configureDelegate)
        {
            configureDelegate(Builder(services, new ConfigurationBuilder().Build()));
            return services;
        }

        private static SiloBuilder Builder(IServiceCollection services, IConfiguration configuration)
        {
            if (!services.Any(service => service.ServiceType == typeof(Silo))) AddRuntime(services);
            return new SiloBuilder(services, configuration);
        }

        private static void AddRuntime(IServiceCollection services)
        {
            services.AddOptions();
            services.AddLogging();
            services.TryAddSingleton(TimeProvider.System);
            services.AddSingleton<Orleans.Serialization.DeepCopier>();
            services.AddSingleton<Silo>();
            services.AddSingleton<ILocalSiloDetails>(provider => provider.GetRequiredService<Silo>());
            services.AddSingleton<IGrainRuntime>(provider => provider.GetRequiredService<Silo>());
            services.AddSingleton<SiloGrainFactory>();
            services.AddSingleton<Orleans.IGrainFactory>(provider => provider.GetRequiredService<SiloGrainFactory>());
            services.AddSingleton<Orleans.IClusterClient>(provider => provider.GetRequiredService<SiloGrainFactory>());
            services.AddSingleton<Orleans.Timers.ITimerRegistry, TimerRegistry>();
            services.AddSingleton<IGrainContextAccessor, GrainContextAccessor>();
            services.AddSingleton<IClusterMembershipService, OneMember>();
            services.AddSingleton<SiloLifecycleSubject>();
            services.AddSingleton<ISiloLifecycle>(provider => provider.GetRequiredService<SiloLifecycleSubject>());
            services.AddHostedService<SiloHostedService>();
        }

        private sealed record SiloBuilder(IServiceCollection Services, IConfiguration Configuration) : ISiloBuilder;

        private sealed class GrainContextAccessor : IGrainContextAccessor
        {
            public IGrainContext? GrainContext => RuntimeContext.Current;
        }
    }
}
