using Microsoft.Extensions.DependencyInjection;
using Orleans.Runtime.Hosting;
using OrleansLake.Iceberg;

namespace OrleansLake.Grains;

/// <summary>Has a silo keep in an object store what otherwise ends with it: grain state, reminders, the cluster's members.</summary>
public static class ObjectStoreHosting
{
    /// <summary>Grain state and reminders of a service below <paramref name="root"/>.</summary>
    public static ISiloBuilder UseObjectStoreState(this ISiloBuilder silo, IObjectStore objects, string root)
    {
        silo.Services.AddGrainStorage(GrainStorage.Name, (_, _) => new ObjectStoreGrainStorage(objects, root));
        silo.AddReminders();
        silo.Services.AddSingleton<IReminderTable>(new ObjectStoreReminderTable(objects, root));
        return silo;
    }

    /// <summary>The members of a cluster below <paramref name="root"/>: silos that share it find one another.</summary>
    public static ISiloBuilder UseObjectStoreClustering(this ISiloBuilder silo, IObjectStore objects, string root)
    {
        silo.Services.AddSingleton<IMembershipTable>(new ObjectStoreMembershipTable(objects, root));
        return silo;
    }
}
