using Orleans.DynamoDB;
using Orleans.Storage;

namespace Orleans.Configuration;

public class DynamoDBStorageOptions() : DynamoDBTableOptions("OrleansGrainState"), IStorageProviderSerializerOptions
{
    public const int DEFAULT_INIT_STAGE = ServiceLifecycleStage.ApplicationServices;

    public string ServiceId { get; set; } = "";
    public bool DeleteStateOnClear { get; set; }
    public int InitStage { get; set; } = DEFAULT_INIT_STAGE;
    public TimeSpan? TimeToLive { get; set; }
    public IGrainStorageSerializer GrainStorageSerializer { get; set; } = null!;
}
