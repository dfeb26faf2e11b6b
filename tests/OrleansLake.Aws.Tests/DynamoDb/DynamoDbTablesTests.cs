using Amazon.DynamoDBv2;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Storage;
using OrleansLake.Testing;
using OrleansLake.Testing.Orleans;

namespace OrleansLake.Aws.Tests.DynamoDb;

/// <summary>The providers for DynamoDB, whichever packages are in use.</summary>
[Collection(DynamoDbStand.OneByOne)]
public sealed class DynamoDbTablesTests(DynamoDbStand stand) : IClassFixture<DynamoDbStand>
{
    public static TheoryData<string> OfMembers => [.. ConformanceSuite.CasesOf<MembershipConformance>()];

    public static TheoryData<string> OfReminders => [.. ConformanceSuite.CasesOf<ReminderConformance>()];

    public static TheoryData<string> OfState => [.. ConformanceSuite.CasesOf<GrainStateConformance>()];

    [Theory]
    [MemberData(nameof(OfMembers))]
    public async Task It_keeps_members(string name)
    {
        SkipWhereAbsent();
        await new MembershipConformance(cluster => Task.FromResult(stand.Members(cluster))).RunAsync(name);
    }

    [Theory]
    [MemberData(nameof(OfReminders))]
    public async Task It_keeps_reminders(string name)
    {
        SkipWhereAbsent();
        await new ReminderConformance(() => stand.Silo.GetRequiredService<IReminderTable>()).RunAsync(name);
    }

    [Theory]
    [MemberData(nameof(OfState))]
    public async Task It_keeps_the_state_of_grains(string name)
    {
        SkipWhereAbsent();
        await new GrainStateConformance(() => stand.Silo.GetRequiredKeyedService<IGrainStorage>(DynamoDbStand.Storage)).RunAsync(name);
    }

    [Fact]
    public async Task Tables_are_made_as_the_options_say()
    {
        SkipWhereAbsent();
        using AmazonDynamoDBClient client = stand.Client();
        var state = (await client.DescribeTableAsync("OrleansGrainState", Token)).Table;
        Assert.Equal(BillingMode.PAY_PER_REQUEST, state.BillingModeSummary.BillingMode);
        var expiry = (await client.DescribeTimeToLiveAsync("OrleansGrainState", Token)).TimeToLiveDescription;
        Assert.Equal((TimeToLiveStatus.ENABLED, "GrainTtl"), (expiry.TimeToLiveStatus, expiry.AttributeName));
        var reminders = (await client.DescribeTableAsync("OrleansReminders", Token)).Table;
        Assert.Equal((7, 5), (reminders.ProvisionedThroughput.ReadCapacityUnits, reminders.ProvisionedThroughput.WriteCapacityUnits));
        Assert.Equal(["ServiceIdGrainReferenceIndex", "ServiceIdIndex"], reminders.GlobalSecondaryIndexes.Select(index => index.IndexName).Order());
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static void SkipWhereAbsent() => Assert.SkipWhen(DynamoDbStand.Absence is not null, DynamoDbStand.Absence ?? "");
}
