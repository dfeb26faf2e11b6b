namespace Orleans.Clustering.DynamoDB
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
    using Orleans.Clustering.DynamoDB;
    using Orleans.DynamoDB;

    public class DynamoDBClusteringOptions : DynamoDBClientOptions
    {
        public string TableName { get; set; } = "OrleansSilos";
        public bool CreateIfNotExists { get; set; } = true;
        public bool UpdateIfExists { get; set; } = true;
        public bool UseProvisionedThroughput { get; set; } = true;
        public int ReadCapacityUnits { get; set; } = 10;
        public int WriteCapacityUnits { get; set; } = 5;

        internal TableSettings Settings => new(Service, AccessKey, SecretKey, Token, ProfileName, TableName)
        {
            CreateIfNotExists = CreateIfNotExists, UpdateIfExists = UpdateIfExists, UseProvisionedThroughput = UseProvisionedThroughput,
            ReadCapacityUnits = ReadCapacityUnits, WriteCapacityUnits = WriteCapacityUnits,
        };
    }

    public class DynamoDBGatewayOptions : DynamoDBClientOptions
    {
        public string TableName { get; set; } = "OrleansSilos";
        public bool CreateIfNotExists { get; set; } = true;
        public bool UpdateIfExists { get; set; } = true;
        public bool UseProvisionedThroughput { get; set; } = true;
        public int ReadCapacityUnits { get; set; } = 10;
        public int WriteCapacityUnits { get; set; } = 5;

        internal TableSettings Settings => new(Service, AccessKey, SecretKey, Token, ProfileName, TableName)
        {
            CreateIfNotExists = CreateIfNotExists, UpdateIfExists = UpdateIfExists, UseProvisionedThroughput = UseProvisionedThroughput,
            ReadCapacityUnits = ReadCapacityUnits, WriteCapacityUnits = WriteCapacityUnits,
        };
    }
}
