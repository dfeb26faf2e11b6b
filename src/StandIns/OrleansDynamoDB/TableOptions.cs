using Amazon;
using Amazon.DynamoDBv2;
using Amazon.Runtime;
using Amazon.Runtime.CredentialManagement;

namespace Orleans.DynamoDB;

/// <summary>One table and how it is reached: what the options of the three packages have in common.</summary>
public abstract class DynamoDBTableOptions(string tableName)
{
    public string? AccessKey { get; set; }
    public string? SecretKey { get; set; }
    public string Service { get; set; } = null!;
    public string? Token { get; set; }
    public string? ProfileName { get; set; }
    public string TableName { get; set; } = tableName;
    public bool CreateIfNotExists { get; set; } = true;
    public bool UpdateIfExists { get; set; } = true;
    public bool UseProvisionedThroughput { get; set; } = true;
    public int ReadCapacityUnits { get; set; } = 10;
    public int WriteCapacityUnits { get; set; } = 5;

    /// <summary>A service is a region, or the address of a DynamoDB on this machine, which takes any credentials.</summary>
    public AmazonDynamoDBClient Connect()
    {
        if (string.IsNullOrWhiteSpace(Service))
            throw new ArgumentException($"table {TableName}: expected a region or an address as Service, found nothing");
        if (Service.StartsWith("http://", StringComparison.OrdinalIgnoreCase) || Service.StartsWith("https://", StringComparison.OrdinalIgnoreCase))
            return new(new BasicAWSCredentials("local", "local"), new AmazonDynamoDBConfig { ServiceURL = Service });
        var config = new AmazonDynamoDBConfig { RegionEndpoint = RegionEndpoint.GetBySystemName(Service) };
        bool keys = !string.IsNullOrEmpty(AccessKey) && !string.IsNullOrEmpty(SecretKey);
        if (keys)
            return new(string.IsNullOrEmpty(Token) ? new BasicAWSCredentials(AccessKey, SecretKey) : new SessionAWSCredentials(AccessKey, SecretKey, Token), config);
        if (string.IsNullOrEmpty(ProfileName))
            return new(config);
        return new CredentialProfileStoreChain().TryGetAWSCredentials(ProfileName, out AWSCredentials credentials)
            ? new(credentials, config)
            : throw new InvalidOperationException($"table {TableName}: expected credentials in the profile {ProfileName}, found none");
    }
}
