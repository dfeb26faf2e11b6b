using System.Reflection;
using Amazon.DynamoDBv2;
using Amazon.Runtime;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;
using OrleansLake.Grains;
using OrleansLake.Testing.Aws;
using OrleansLake.Testing.Processes;

namespace OrleansLake.Aws.Tests.DynamoDb;

/// <summary>
/// DynamoDB as moto has it, or as another server that is named, such as DynamoDB Local (ORLEANSLAKE_TEST_DYNAMODB=http://127.0.0.1:8000),
/// behind one that notes what it is asked, and silos that keep everything there.
/// </summary>
public sealed class DynamoDbStand(AwsStand aws) : IAsyncLifetime
{
    public const string Storage = "state";

    /// <summary>
    /// The tests of one stand after those of another: moto takes a transaction that fails back by what all tables held when it
    /// began, and with it what others wrote meanwhile.
    /// </summary>
    public const string OneByOne = "DynamoDB";

    // Stands share moto and its tables; each sees what is of its own service.
    private readonly string _serviceId = "tests-" + Guid.NewGuid().ToString("N");

    private AwsServer? _server;
    private IHost? _silo;

    /// <summary>Why there is nothing to test with; null: there is.</summary>
    public static string? Absence => Named is null ? MotoServer.Absence : null;

    private static string? Named => Environment.GetEnvironmentVariable("ORLEANSLAKE_TEST_DYNAMODB");

    /// <summary>Whether Orleans itself is a stand-in, which is no cluster.</summary>
    public static bool IsAlone => (typeof(IGrainFactory).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "").Contains("standin", StringComparison.Ordinal);

    public AwsServer Server => _server ?? throw new InvalidOperationException("moto is absent");

    /// <summary>A silo that runs: its providers have been started.</summary>
    public IServiceProvider Silo => _silo!.Services;

    public async ValueTask InitializeAsync()
    {
        if (Absence is not null)
        {
            return;
        }

        _server = await AwsServer.StartBeforeAsync(Named is { } named ? new Uri(named) : aws.Moto.Address, isOneByOne: true);
        _silo = Build("shared", silo => silo.Services.AddSingleton(TimeProvider.System));
        await _silo.StartAsync();
    }

    /// <summary>A silo with its state and reminders in DynamoDB, and its cluster too where Orleans is one.</summary>
    public IHost Build(string cluster, Action<ISiloBuilder> configure, bool createTables = true)
    {
        int[] ports = FreePorts.Take(2);
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Logging.ClearProviders();
        builder.UseOrleans(silo =>
        {
            if (IsAlone)
            {
                silo.UseLocalhostClustering(ports[0], ports[1], serviceId: _serviceId, clusterId: cluster);
            }
            else
            {
                silo.Configure<ClusterOptions>(options => (options.ServiceId, options.ClusterId) = (_serviceId, cluster));
                silo.ConfigureEndpoints(System.Net.IPAddress.Loopback, ports[0], ports[1]);
                UseMembers(silo, createTables);
            }

            silo.AddDynamoDBGrainStorage(Storage, options =>
            {
                options.Service = Server.Address.ToString();
                options.ServiceId = _serviceId;
                options.UseProvisionedThroughput = false;
                options.CreateIfNotExists = options.UpdateIfExists = createTables;
                options.TimeToLive = TimeSpan.FromDays(1);
                options.GrainStorageSerializer = new JsonGrainStateSerializer();
            });
            silo.UseDynamoDBReminderService(options =>
            {
                options.Service = Server.Address.ToString();
                options.CreateIfNotExists = options.UpdateIfExists = createTables;
                options.ReadCapacityUnits = 7;
            });
            configure(silo);
        });
        return builder.Build();
    }

    /// <summary>The members of a cluster of its own, as a silo would see them.</summary>
    public IMembershipTable Members(string cluster)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Logging.ClearProviders();
        builder.UseOrleans(silo =>
        {
            silo.Configure<ClusterOptions>(options => (options.ServiceId, options.ClusterId) = (_serviceId, cluster));
            UseMembers(silo, createTables: true);
        });
        return builder.Build().Services.GetRequiredService<IMembershipTable>();
    }

    /// <summary>The SDK's own client, to look.</summary>
    public AmazonDynamoDBClient Client() => new(new BasicAWSCredentials("any", "any"), new AmazonDynamoDBConfig { ServiceURL = Server.Address.ToString() });

    public async ValueTask DisposeAsync()
    {
        if (_silo is not null)
        {
            await _silo.StopAsync();
            _silo.Dispose();
        }

        if (_server is not null)
        {
            await _server.DisposeAsync();
        }
    }

    private void UseMembers(ISiloBuilder silo, bool createTables) => silo.UseDynamoDBClustering((DynamoDBClusteringOptions options) =>
    {
        options.Service = Server.Address.ToString();
        options.UseProvisionedThroughput = false;
        options.CreateIfNotExists = options.UpdateIfExists = createTables;
    });
}
