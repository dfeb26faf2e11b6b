using Amazon;
using Amazon.DynamoDBv2;
using Amazon.Runtime;
using Amazon.Runtime.CredentialManagement;

namespace Orleans.DynamoDB;

/// <summary>One table and how it is reached: what the options of the three packages have in common.</summary>
internal sealed record TableSettings(string Service, string? AccessKey, string? SecretKey, string? Token, string? ProfileName, string TableName)
{
    public required bool CreateIfNotExists { get; init; }
    public required bool UpdateIfExists { get; init; }
    public required bool UseProvisionedThroughput { get; init; }
    public required int ReadCapacityUnits { get; init; }
    public required int WriteCapacityUnits { get; init; }

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
