using Orleans.Configuration;
using OrleansLake.Grains;
using OrleansLake.Silo.Configuration;

namespace OrleansLake.Silo.Hosting;

/// <summary>Members, grain state and reminders in DynamoDB, by Orleans' own providers.</summary>
/// <remarks>https://learn.microsoft.com/dotnet/orleans/grains/grain-persistence/dynamodb-storage</remarks>
internal static class DynamoDbHosting
{
    /// <summary>Grain state, as JSON that older and newer silos read too, and reminders.</summary>
    public static void AddState(ISiloBuilder silo, DynamoDbConfig config, string serviceId)
    {
        silo.AddDynamoDBGrainStorage(GrainStorage.Name, options =>
        {
            (options.Service, options.AccessKey, options.SecretKey, options.Token, options.ProfileName) = Login(config);
            options.TableName = config.StateTable;
            options.ServiceId = serviceId;
            options.CreateIfNotExists = options.UpdateIfExists = config.CreateTables;
            (options.UseProvisionedThroughput, options.ReadCapacityUnits, options.WriteCapacityUnits) = Throughput(config);
            options.GrainStorageSerializer = new JsonGrainStateSerializer();
        });
        silo.UseDynamoDBReminderService(options =>
        {
            (options.Service, options.AccessKey, options.SecretKey, options.Token, options.ProfileName) = Login(config);
            options.TableName = config.RemindersTable;
            options.CreateIfNotExists = options.UpdateIfExists = config.CreateTables;
            (options.UseProvisionedThroughput, options.ReadCapacityUnits, options.WriteCapacityUnits) = Throughput(config);
        });
    }

    /// <summary>The members of the cluster.</summary>
    public static void AddMembers(ISiloBuilder silo, DynamoDbConfig config) => silo.UseDynamoDBClustering((DynamoDBClusteringOptions options) =>
    {
        (options.Service, options.AccessKey, options.SecretKey, options.Token, options.ProfileName) = Login(config);
        options.TableName = config.MembersTable;
        options.CreateIfNotExists = options.UpdateIfExists = config.CreateTables;
        (options.UseProvisionedThroughput, options.ReadCapacityUnits, options.WriteCapacityUnits) = Throughput(config);
    });

    private static (string Service, string? AccessKey, string? SecretKey, string? Token, string? Profile) Login(DynamoDbConfig config) =>
        (config.Service, config.AccessKeyId, config.SecretAccessKey, config.SessionToken, config.Profile);

    // The units are looked at even where they are not used.
    private static (bool IsProvisioned, int Read, int Write) Throughput(DynamoDbConfig config) => (config.Capacity is not null, config.Capacity?.Read ?? 1, config.Capacity?.Write ?? 1);
}
