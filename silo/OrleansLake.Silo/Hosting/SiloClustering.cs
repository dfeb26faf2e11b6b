using Orleans.Configuration;
using OrleansLake.Aws;
using OrleansLake.Grains;
using OrleansLake.Iceberg;
using OrleansLake.Silo.Configuration;

namespace OrleansLake.Silo.Hosting;

/// <summary>Puts a silo into its cluster, and says where grains keep their state.</summary>
internal static class SiloClustering
{
    // Catalogs and engines leave names with a dot out.
    private const string StateDirectory = ".orleanslake";

    private static readonly TimeSpan CleanupPeriod = TimeSpan.FromHours(1);

    /// <summary>By the configuration.</summary>
    public static void Add(ISiloBuilder silo, SiloConfig config)
    {
        OrleansConfig orleans = config.Orleans;
        // It lives as long as the silo, and is asked before and after the services are there.
        IObjectStore objects = LakeCatalog.OpenStore(LakeServices.TablesOf(config), TimeProvider.System, new IdSource(TimeProvider.System, new Random()));
        string root = $"{config.Warehouse}/{StateDirectory}/{orleans.ServiceId}";
        if (orleans.State == StateKeeping.Warehouse)
        {
            silo.UseObjectStoreState(objects, root);
        }
        else if (orleans is { State: StateKeeping.DynamoDb, DynamoDb: { } tables })
        {
            DynamoDbHosting.AddState(silo, tables, orleans.ServiceId);
        }
        else
        {
            silo.AddMemoryGrainStorage(GrainStorage.Name);
            silo.UseInMemoryReminderService();
        }

        if (orleans.Clustering == Clustering.Localhost)
        {
            silo.UseLocalhostClustering(orleans.SiloPort, orleans.GatewayPort, serviceId: orleans.ServiceId, clusterId: orleans.ClusterId);
            return;
        }

        silo.Configure<ClusterOptions>(options => (options.ServiceId, options.ClusterId) = (orleans.ServiceId, orleans.ClusterId));
        silo.ConfigureEndpoints(orleans.Address, orleans.SiloPort, orleans.GatewayPort);
        silo.Configure<ClusterMembershipOptions>(options =>
        {
            options.ProbeTimeout = orleans.ProbeInterval;
            (options.DefunctSiloExpiration, options.DefunctSiloCleanupPeriod) = (orleans.DeadSilos, orleans.DeadSilos < CleanupPeriod ? orleans.DeadSilos : CleanupPeriod);
        });
        if (orleans.Primary is { } primary)
        {
            silo.UseDevelopmentClustering(primary);
        }
        else if (orleans is { Clustering: Clustering.DynamoDb, DynamoDb: { } members })
        {
            DynamoDbHosting.AddMembers(silo, members);
        }
        else
        {
            silo.UseObjectStoreClustering(objects, $"{root}/clusters/{orleans.ClusterId}");
        }
    }
}
