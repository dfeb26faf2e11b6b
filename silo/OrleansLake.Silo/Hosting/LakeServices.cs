using OrleansLake.Aws;
using OrleansLake.Contracts;
using OrleansLake.Grains;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Kafka.Security;
using OrleansLake.Ingest.Pump;
using OrleansLake.Silo.Configuration;
using OrleansLake.Silo.Telemetry;

namespace OrleansLake.Silo.Hosting;

/// <summary>What the grains are given on this silo: catalog, brokers, writers, budget, ids.</summary>
internal static class LakeServices
{
    /// <summary>The catalog that a configuration asks for.</summary>
    public static LakeCatalogOptions TablesOf(SiloConfig config) => config.Tables ?? new LakeCatalogOptions { Warehouse = config.Warehouse };

    // Those of the task's role, where there is one: they change every few hours.
    private static async Task<AwsKeys> AwsKeysAsync(CancellationToken cancellationToken)
    {
        (string id, string secret, string? token) = await AwsCredentialChain.GetAsync(cancellationToken);
        return new AwsKeys(id, secret, token);
    }

    /// <summary>Registers them.</summary>
    public static void Add(IServiceCollection services, SiloConfig config)
    {
        string siloName = $"{Environment.MachineName}:{config.Orleans.SiloPort}";
        services.AddSingleton(provider => new IdSource(provider.GetRequiredService<TimeProvider>(), new Random()));
        services.AddSingleton(_ => new MemoryBudget(config.MemoryBudgetBytes));
        services.AddSingleton(provider => LakeCatalog.Open(TablesOf(config), provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<IdSource>()));
        services.AddSingleton(provider => new Catalogs(new Dictionary<string, ICatalog> { [config.Catalog] = provider.GetRequiredService<LakeCatalog>().Catalog }));
        services.AddSingleton(config.Maintenance.Limits);
        services.AddSingleton<PipelineTables>();
        services.AddSingleton(provider => new PipelineWriters(
            config.Pipelines.ToDictionary(pipeline => pipeline.Definition.Name, pipeline => pipeline.Definition), provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<IdSource>(), provider.GetRequiredService<AlertHub>(),
            config.Pipelines.Where(pipeline => pipeline.Registry is not null).ToDictionary(pipeline => pipeline.Definition.Name, pipeline => pipeline.Registry!)));
        foreach (WebhookConfig webhook in config.Webhooks)
        {
            services.AddSingleton<IAlertSink>(provider => new WebhookAlerts(webhook, new HttpClient(), provider.GetRequiredService<TimeProvider>()));
        }

        if (config.AlertStream)
        {
            services.AddSingleton<IAlertSink, AlertStream>();
        }

        services.AddSingleton(new CommitBranches(config.Pipelines
            .Where(pipeline => pipeline.Definition.Quality.Publish is not null)
            .GroupBy(pipeline => GrainKeys.Table(pipeline.Definition.Catalog, pipeline.Definition.Table))
            .ToDictionary(group => group.Key, group => group.First().Definition.Quality.Publish!.Branch)));
        services.AddSingleton(new ForwardedPipelines(config.Pipelines
            .Where(pipeline => pipeline.Definition.DeadLetters.Mode == DeadLetterMode.Topic)
            .GroupBy(pipeline => GrainKeys.Table(pipeline.Definition.Catalog, pipeline.Definition.Table))
            .ToDictionary(group => group.Key, group => (IReadOnlySet<string>)group.Select(pipeline => pipeline.Definition.Name).ToHashSet())));
        services.AddSingleton(new CommitIntervals(config.Pipelines
            .GroupBy(pipeline => GrainKeys.Table(pipeline.Definition.Catalog, pipeline.Definition.Table))
            .ToDictionary(group => group.Key, group => group.Min(pipeline => pipeline.Definition.FlushInterval))));
        services.AddSingleton<SecretReader>();
        services.AddSingleton<KafkaSecrets>();
        services.AddSingleton<ILifecycleParticipant<ISiloLifecycle>>(provider => provider.GetRequiredService<KafkaSecrets>());
        services.AddSingleton(provider => new KafkaConnections(
            config.Pipelines.ToDictionary(pipeline => pipeline.Definition.Name, pipeline => pipeline.Kafka), provider.GetRequiredService<ILoggerFactory>(),
            AwsKeysAsync, provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<KafkaSecrets>()));
        services.AddSingleton<ITopicDirectory, KafkaTopics>();
        services.AddSingleton<IPumpFactory>(provider => ActivatorUtilities.CreateInstance<KafkaPumpFactory>(provider, siloName));
    }
}
