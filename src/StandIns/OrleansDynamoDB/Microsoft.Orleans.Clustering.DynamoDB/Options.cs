using Orleans.DynamoDB;

namespace Orleans.Configuration;

public class DynamoDBClusteringOptions() : DynamoDBTableOptions("OrleansSilos");

public class DynamoDBGatewayOptions() : DynamoDBTableOptions("OrleansSilos");
