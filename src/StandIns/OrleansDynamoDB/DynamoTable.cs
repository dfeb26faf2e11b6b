using System.Globalization;
using Amazon.DynamoDBv2;
using Amazon.DynamoDBv2.Model;

namespace Orleans.DynamoDB;

/// <summary>A table of DynamoDB: made or changed when the settings say so, and the few calls that the providers make.</summary>
internal sealed class DynamoTable(DynamoDBTableOptions settings)
{
    private const int BatchLimit = 25; // of BatchWriteItem
    private static readonly TimeSpan StatusPause = TimeSpan.FromMilliseconds(500);

    private readonly AmazonDynamoDBClient client = settings.Connect();

    // DynamoDB has known empty texts since 2020, DynamoDB Local since later.
    public static AttributeValue Text(string value) => value.Length > 0 ? new(value) : new() { NULL = true };

    public static AttributeValue Number(long value) => new() { N = value.ToString(CultureInfo.InvariantCulture) };

    public async Task InitializeAsync(
        (string Name, ScalarAttributeType Type) hash, (string Name, ScalarAttributeType Type) range, string? timeToLive, CancellationToken cancellationToken,
        params (string Index, string Hash, string Range, ScalarAttributeType RangeType)[] indexes)
    {
        if (!settings.CreateIfNotExists && !settings.UpdateIfExists)
            return;
        var table = await DescribeAsync(cancellationToken);
        if (table is null && settings.CreateIfNotExists)
            await CreateAsync(hash, range, indexes, cancellationToken);
        else if (table is not null && settings.UpdateIfExists)
            await UpdateAsync(await ActiveAsync(cancellationToken), cancellationToken);
        else
            return;
        await ActiveAsync(cancellationToken);
        if (timeToLive is not null)
            await ExpireByAsync(timeToLive, cancellationToken);
    }

    public async Task<Dictionary<string, AttributeValue>?> GetAsync(Dictionary<string, AttributeValue> key)
    {
        var response = await client.GetItemAsync(new GetItemRequest { TableName = settings.TableName, Key = key, ConsistentRead = true });
        return response.Item is { Count: > 0 } item ? item : null;
    }

    /// <summary>False: the condition does not hold.</summary>
    public Task<bool> PutAsync(Dictionary<string, AttributeValue> item, string? condition = null) => UnlessRefusedAsync(() => client.PutItemAsync(
        new PutItemRequest { TableName = settings.TableName, Item = item, ConditionExpression = condition }));

    /// <summary>False: the condition does not hold.</summary>
    public Task<bool> UpdateAsync(
        Dictionary<string, AttributeValue> key, Dictionary<string, AttributeValue> fields, string condition, Dictionary<string, AttributeValue>? values = null)
    {
        var (expression, names, all) = SetOf(fields, values);
        return UnlessRefusedAsync(() => client.UpdateItemAsync(new UpdateItemRequest
        {
            TableName = settings.TableName, Key = key, UpdateExpression = expression, ConditionExpression = condition,
            ExpressionAttributeNames = names, ExpressionAttributeValues = all,
        }));
    }

    /// <summary>False: the condition does not hold.</summary>
    public Task<bool> DeleteAsync(Dictionary<string, AttributeValue> key, string condition, Dictionary<string, AttributeValue>? values) => UnlessRefusedAsync(() =>
        client.DeleteItemAsync(new DeleteItemRequest { TableName = settings.TableName, Key = key, ConditionExpression = condition, ExpressionAttributeValues = values }));

    public Put PutOf(Dictionary<string, AttributeValue> item, string condition) => new() { TableName = settings.TableName, Item = item, ConditionExpression = condition };

    public Update UpdateOf(
        Dictionary<string, AttributeValue> key, Dictionary<string, AttributeValue> fields, string condition, Dictionary<string, AttributeValue> values)
    {
        var (expression, names, all) = SetOf(fields, values);
        return new()
        {
            TableName = settings.TableName, Key = key, UpdateExpression = expression, ConditionExpression = condition,
            ExpressionAttributeNames = names, ExpressionAttributeValues = all,
        };
    }

    /// <summary>All of them or none. False: a condition does not hold, or another transaction was at the same items.</summary>
    public async Task<bool> TransactAsync(params TransactWriteItem[] writes)
    {
        try
        {
            await client.TransactWriteItemsAsync(new TransactWriteItemsRequest { TransactItems = [.. writes] });
            return true;
        }
        catch (TransactionCanceledException cancelled) when (
            cancelled.Message.Contains("ConditionalCheckFailed", StringComparison.Ordinal) || cancelled.Message.Contains("TransactionConflict", StringComparison.Ordinal))
        {
            return false;
        }
    }

    public async Task<List<Dictionary<string, AttributeValue>>> QueryAsync(string expression, Dictionary<string, AttributeValue> values, string? index = null)
    {
        var items = new List<Dictionary<string, AttributeValue>>();
        Dictionary<string, AttributeValue>? from = null;
        do
        {
            var page = await client.QueryAsync(new QueryRequest
            {
                TableName = settings.TableName, IndexName = index, KeyConditionExpression = expression, ExpressionAttributeValues = values,
                ConsistentRead = index is null, ExclusiveStartKey = from,
            });
            items.AddRange(page.Items ?? []);
            from = page.LastEvaluatedKey;
        }
        while (from is { Count: > 0 });
        return items;
    }

    public async Task DeleteAllAsync(IEnumerable<Dictionary<string, AttributeValue>> keys)
    {
        foreach (var batch in keys.Chunk(BatchLimit))
        {
            Dictionary<string, List<WriteRequest>>? left = new() { [settings.TableName] = [.. batch.Select(key => new WriteRequest(new DeleteRequest(key)))] };
            while (left is { Count: > 0 })
                left = (await client.BatchWriteItemAsync(new BatchWriteItemRequest(left))).UnprocessedItems;
        }
    }

    private static async Task<bool> UnlessRefusedAsync<T>(Func<Task<T>> write)
    {
        try
        {
            await write();
            return true;
        }
        catch (ConditionalCheckFailedException)
        {
            return false;
        }
    }

    // Names stand as #0, #1: some words of DynamoDB's are reserved.
    private static (string Expression, Dictionary<string, string> Names, Dictionary<string, AttributeValue> Values) SetOf(
        Dictionary<string, AttributeValue> fields, Dictionary<string, AttributeValue>? values)
    {
        var names = new Dictionary<string, string>();
        var all = new Dictionary<string, AttributeValue>(values ?? []);
        foreach (var (name, value) in fields)
        {
            all[$":{names.Count}"] = value;
            names[$"#{names.Count}"] = name;
        }

        return ("SET " + string.Join(", ", Enumerable.Range(0, names.Count).Select(i => $"#{i} = :{i}")), names, all);
    }

    private async Task<TableDescription?> DescribeAsync(CancellationToken cancellationToken)
    {
        try
        {
            return (await client.DescribeTableAsync(settings.TableName, cancellationToken)).Table;
        }
        catch (ResourceNotFoundException)
        {
            return null;
        }
    }

    private async Task<TableDescription> ActiveAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var table = await DescribeAsync(cancellationToken) ?? throw new InvalidOperationException($"table {settings.TableName}: expected it to be there, found that it is gone");
            if (table.TableStatus == TableStatus.ACTIVE && (table.GlobalSecondaryIndexes ?? []).All(index => index.IndexStatus is null || index.IndexStatus == IndexStatus.ACTIVE))
                return table;
            if (table.TableStatus != TableStatus.ACTIVE && table.TableStatus != TableStatus.CREATING && table.TableStatus != TableStatus.UPDATING)
                throw new InvalidOperationException($"table {settings.TableName}: expected it to become active, found it {table.TableStatus}");
            await Task.Delay(StatusPause, cancellationToken);
        }
    }

    private async Task CreateAsync(
        (string Name, ScalarAttributeType Type) hash, (string Name, ScalarAttributeType Type) range,
        (string Index, string Hash, string Range, ScalarAttributeType RangeType)[] indexes, CancellationToken cancellationToken)
    {
        var attributes = new Dictionary<string, ScalarAttributeType> { [hash.Name] = hash.Type, [range.Name] = range.Type };
        foreach (var index in indexes)
        {
            attributes[index.Hash] = ScalarAttributeType.S;
            attributes[index.Range] = index.RangeType;
        }

        try
        {
            await client.CreateTableAsync(
                new CreateTableRequest
                {
                    TableName = settings.TableName,
                    KeySchema = KeysOf(hash.Name, range.Name),
                    AttributeDefinitions = [.. attributes.Select(attribute => new AttributeDefinition(attribute.Key, attribute.Value))],
                    BillingMode = Billing,
                    ProvisionedThroughput = Throughput,
                    GlobalSecondaryIndexes = indexes.Length == 0 ? null : [.. indexes.Select(index => new GlobalSecondaryIndex
                    {
                        IndexName = index.Index, KeySchema = KeysOf(index.Hash, index.Range), Projection = new Projection { ProjectionType = ProjectionType.ALL },
                        ProvisionedThroughput = Throughput,
                    })],
                },
                cancellationToken);
        }
        catch (ResourceInUseException)
        {
            // Another silo was faster.
        }
    }

    private async Task UpdateAsync(TableDescription table, CancellationToken cancellationToken)
    {
        bool isProvisioned = table.BillingModeSummary?.BillingMode != BillingMode.PAY_PER_REQUEST;
        if (isProvisioned == settings.UseProvisionedThroughput
            && (!isProvisioned || (table.ProvisionedThroughput?.ReadCapacityUnits == settings.ReadCapacityUnits && table.ProvisionedThroughput?.WriteCapacityUnits == settings.WriteCapacityUnits)))
            return;
        await client.UpdateTableAsync(
            new UpdateTableRequest
            {
                TableName = settings.TableName, BillingMode = Billing, ProvisionedThroughput = Throughput,
                GlobalSecondaryIndexUpdates = !settings.UseProvisionedThroughput || table.GlobalSecondaryIndexes is not { Count: > 0 } indexes ? null : [.. indexes.Select(index => new GlobalSecondaryIndexUpdate
                {
                    Update = new UpdateGlobalSecondaryIndexAction { IndexName = index.IndexName, ProvisionedThroughput = Throughput },
                })],
            },
            cancellationToken);
    }

    private async Task ExpireByAsync(string attribute, CancellationToken cancellationToken)
    {
        var description = (await client.DescribeTimeToLiveAsync(settings.TableName, cancellationToken)).TimeToLiveDescription;
        if (description.TimeToLiveStatus == TimeToLiveStatus.DISABLED)
        {
            await client.UpdateTimeToLiveAsync(
                new UpdateTimeToLiveRequest { TableName = settings.TableName, TimeToLiveSpecification = new TimeToLiveSpecification { AttributeName = attribute, Enabled = true } }, cancellationToken);
        }
    }

    private BillingMode Billing => settings.UseProvisionedThroughput ? BillingMode.PROVISIONED : BillingMode.PAY_PER_REQUEST;

    private ProvisionedThroughput? Throughput => settings.UseProvisionedThroughput ? new(settings.ReadCapacityUnits, settings.WriteCapacityUnits) : null;

    private static List<KeySchemaElement> KeysOf(string hash, string range) => [new(hash, KeyType.HASH), new(range, KeyType.RANGE)];
}
