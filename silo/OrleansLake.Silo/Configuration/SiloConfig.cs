using System.Net;
using OrleansLake.Aws;
using OrleansLake.Contracts;
using OrleansLake.Silo.Telemetry;

namespace OrleansLake.Silo.Configuration;

/// <summary>All that a silo is told: read once, checked whole, then fixed.</summary>
internal sealed record SiloConfig
{
    /// <summary>Where the tables lie, and what silos keep beside them: an absolute directory, or <c>s3://bucket/prefix</c>.</summary>
    public required string Warehouse { get; init; }

    /// <summary>The catalog and its store; null: a local one in the warehouse.</summary>
    public LakeCatalogOptions? Tables { get; init; }

    /// <summary>The name under which the catalog's tables are known.</summary>
    public string Catalog { get; init; } = "local";

    /// <summary>Where the HTTP API listens.</summary>
    public Uri HttpUrl { get; init; } = new("http://127.0.0.1:8080");

    /// <summary>The cluster.</summary>
    public OrleansConfig Orleans { get; init; } = new();

    /// <summary>The dashboard.</summary>
    public DashboardConfig Dashboard { get; init; } = new();

    /// <summary>Bytes that buffered rows and open files may take on this silo.</summary>
    public long MemoryBudgetBytes { get; init; } = 256L << 20;

    /// <summary>Whether alerts are told to an Orleans stream.</summary>
    public bool AlertStream { get; init; }

    /// <summary>Where alerts are posted to.</summary>
    public IReadOnlyList<WebhookConfig> Webhooks { get; init; } = [];

    /// <summary>What is logged, and how.</summary>
    public LogConfig Logs { get; init; } = new();

    /// <summary>The upkeep of the tables.</summary>
    public MaintenanceConfig Maintenance { get; init; } = new();

    /// <summary>Where metrics go.</summary>
    public MetricsConfig Metrics { get; init; } = new();

    /// <summary>The pipelines.</summary>
    public required IReadOnlyList<PipelineConfig> Pipelines { get; init; }
}

/// <summary>How silos find one another.</summary>
internal enum Clustering
{
    /// <summary>One silo on this host, which knows no other.</summary>
    Localhost,

    /// <summary>Silos on one warehouse: the members of the cluster stand there.</summary>
    Warehouse,

    /// <summary>Silos on one table of DynamoDB, which holds the members of the cluster.</summary>
    DynamoDb,

    /// <summary>Silos that are told of one among them, which keeps the members in memory: without it there is no cluster.</summary>
    Development,
}

/// <summary>Where grain state and reminders are kept.</summary>
internal enum StateKeeping
{
    /// <summary>Beside the tables: a pause outlives the silo.</summary>
    Warehouse,

    /// <summary>In tables of DynamoDB.</summary>
    DynamoDb,

    /// <summary>In memory: all of it ends with the silo.</summary>
    Memory,
}

/// <summary>The cluster that a silo belongs to, and its place in it.</summary>
internal sealed record OrleansConfig
{
    /// <summary>How silos find one another.</summary>
    public Clustering Clustering { get; init; }

    /// <summary>Development: the silo that all of them are told of.</summary>
    public IPEndPoint? Primary { get; init; }

    /// <summary>Where other silos and clients reach this one.</summary>
    public IPAddress Address { get; init; } = IPAddress.Loopback;

    /// <summary>Whether <see cref="Address"/> is to be asked of Amazon ECS.</summary>
    public bool AddressFromEcs { get; init; }

    /// <summary>Port for other silos.</summary>
    public int SiloPort { get; init; } = 11111;

    /// <summary>Port for clients.</summary>
    public int GatewayPort { get; init; } = 30000;

    /// <summary>The cluster's id: silos of one id are one cluster.</summary>
    public string ClusterId { get; init; } = "orleanslake";

    /// <summary>The service's id: grain state and reminders belong to it.</summary>
    public string ServiceId { get; init; } = "orleanslake";

    /// <summary>How often silos look after one another; one that fails three times is taken for dead.</summary>
    public TimeSpan ProbeInterval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a silo that is gone stays among the members.</summary>
    public TimeSpan DeadSilos { get; init; } = TimeSpan.FromDays(7);

    /// <summary>Where grain state and reminders are kept.</summary>
    public StateKeeping State { get; init; }

    /// <summary>The tables of DynamoDB; null where none is used.</summary>
    public DynamoDbConfig? DynamoDb { get; init; }
}

/// <summary>The Orleans Dashboard.</summary>
internal sealed record DashboardConfig
{
    /// <summary>Where it listens; null: there is none.</summary>
    public Uri? Url { get; init; }
}

/// <summary>What is logged, and how.</summary>
internal sealed record LogConfig
{
    /// <summary>One JSON object a line instead of text.</summary>
    public bool Json { get; init; }

    /// <summary>The least level.</summary>
    public LogLevel Level { get; init; } = LogLevel.Information;

    /// <summary>A file instead of the console.</summary>
    public string? File { get; init; }
}

/// <summary>One pipeline, and how its brokers are reached.</summary>
/// <param name="Definition">What every silo may know.</param>
/// <param name="Kafka">Settings that go to librdkafka as they are; secrets among them, so never logged, never grain state.</param>
internal sealed record PipelineConfig(PipelineDefinition Definition, IReadOnlyDictionary<string, string> Kafka)
{
    /// <summary>Where the schemas of its records are, and how that is reached: likewise; null: nowhere.</summary>
    public OrleansLake.Ingest.Registry.SchemaRegistrySettings? Registry { get; init; }

    /// <summary>Settings of the upkeep of its table; null: none is kept on a schedule.</summary>
    public IReadOnlyDictionary<string, string>? Maintenance { get; init; }

    /// <summary>Where the login for Kafka is kept; null: in the settings, or there is none.</summary>
    public KafkaSecretConfig? Secret { get; init; }
}
