using Orleans.DynamoDB;
using Orleans.Persistence.DynamoDB;
using Orleans.Storage;

namespace Orleans.Persistence.DynamoDB
{
    public class DynamoDBClientOptions
    {
        public string? AccessKey { get; set; }
        public string? SecretKey { get; set; }
        public string Service { get; set; } = null!;
        public string? Token { get; set; }
        public string? ProfileName { get; set; }
    }
}

namespace Orleans.Configuration
{
    public class DynamoDBStorageOptions : DynamoDBClientOptions, IStorageProviderSerializerOptions
    {
        public const int DEFAULT_INIT_STAGE = ServiceLifecycleStage.ApplicationServices;

        public string ServiceId { get; set; } = "";
        public string TableName { get; set; } = "OrleansGrainState";
        public bool CreateIfNotExists { get; set; } = true;
        public bool UpdateIfExists { get; set; } = true;
        public bool UseProvisionedThroughput { get; set; } = true;
        public int ReadCapacityUnits { get; set; } = 10;
        public int WriteCapacityUnits { get; set; } = 5;
        public bool DeleteStateOnClear { get; set; }
        public int InitStage { get; set; } = DEFAULT_INIT_STAGE;
        public TimeSpan? TimeToLive { get; set; }
        public IGrainStorageSerializer GrainStorageSerializer { get; set; } = null!;

        internal TableSettings Settings => new(Service, AccessKey, SecretKey, Token, ProfileName, TableName)
        {
            CreateIfNotExists = CreateIfNotExists, UpdateIfExists = UpdateIfExists, UseProvisionedThroughput = UseProvisionedThroughput,
            ReadCapacityUnits = ReadCapacityUnits, WriteCapacityUnits = WriteCapacityUnits,
        };
    }
}
