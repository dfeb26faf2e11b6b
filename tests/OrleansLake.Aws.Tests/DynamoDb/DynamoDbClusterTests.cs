#pragma warning disable CS0618 // What the providers implement; the methods with a cancellation token hand on to these.
using System.Collections.Concurrent;
using System.Text.RegularExpressions;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orleans.Configuration;
using Orleans.Placement;
using OrleansLake.Testing.Processes;

namespace OrleansLake.Aws.Tests.DynamoDb;

/// <summary>Silos that know nothing of one another but three tables.</summary>
[Collection(DynamoDbStand.OneByOne)]
public sealed partial class DynamoDbClusterTests(DynamoDbStand stand, ITestOutputHelper output) : IClassFixture<DynamoDbStand>
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Of_two_silos_the_one_that_is_left_has_the_state_and_the_reminders()
    {
        Assert.SkipWhen(DynamoDbStand.Absence is not null, DynamoDbStand.Absence ?? "");
        Assert.SkipWhen(DynamoDbStand.IsAlone, "Orleans is a stand-in, which is no cluster");
        int before = stand.Server.Requests.Count;
        using IHost first = Silo();
        using IHost second = Silo();
        await first.StartAsync(Token);
        await second.StartAsync(Token);
        (SiloAddress one, SiloAddress two) = (AddressOf(first), AddressOf(second));
        IMembershipTable members = second.Services.GetRequiredService<IMembershipTable>();
        await UntilAsync(async () => (await members.ReadAll()).Members.Count(member => member.Item1.Status == SiloStatus.Active) == 2, "both silos to be active");

        IKeeper keeper = first.Services.GetRequiredService<IGrainFactory>().GetGrain<IKeeper>(Guid.NewGuid());
        await keeper.KeepAsync(42);
        Assert.Equal(one, await keeper.WhereAsync());

        // At once: nothing is handed over.
        await first.StopAsync(new CancellationToken(canceled: true));
        IKeeper seen = second.Services.GetRequiredService<IGrainFactory>().GetGrain<IKeeper>(keeper.GetPrimaryKey());
        await UntilAsync(() => Task.FromResult(Keeper.Ticks.Contains((keeper.GetPrimaryKey(), two))), "the reminder to come on the second silo");
        Assert.Equal((42, two), (await seen.KeptAsync(), await seen.WhereAsync()));
        Assert.Equal(SiloStatus.Dead, (await members.ReadAll()).Members.Single(member => member.Item1.SiloAddress.Equals(one)).Item1.Status);

        // As Orleans does minutes after a silo has begun, and then in every period.
        await members.CleanupDefunctSiloEntries(DateTimeOffset.UtcNow.AddSeconds(1));
        Assert.Equal(two, Assert.Single((await members.ReadAll()).Members).Item1.SiloAddress);
        await second.StopAsync(Token);

        // What was asked is what deploy/terraform allows; the tables are there before, as they are where it made them.
        string[] allowed = [.. Actions().Matches(await File.ReadAllTextAsync(Path.Combine(Repository.Root, "deploy/terraform/modules/access/main.tf"), Token)).Select(match => match.Groups[1].Value).Distinct()];
        string[] asked = [.. stand.Server.Requests.Skip(before).SelectMany(request => RightsOf(request.Action)).Distinct().Order()];
        output.WriteLine(string.Join(' ', asked));
        Assert.Empty(asked.Except(allowed));
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    // A transaction needs the rights of what is in it.
    private static string[] RightsOf(string action) => action switch
    {
        "TransactGetItems" => ["GetItem"],
        "TransactWriteItems" => ["PutItem", "UpdateItem"],
        _ => [action],
    };

    [GeneratedRegex("\"dynamodb:([A-Za-z]+)\"")]
    private static partial Regex Actions();

    private static SiloAddress AddressOf(IHost host) => host.Services.GetRequiredService<ILocalSiloDetails>().SiloAddress;

    private static async Task UntilAsync(Func<Task<bool>> isSo, string what)
    {
        using var limit = new CancellationTokenSource(Patience);
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        while (!await isSo())
        {
            Assert.False(limit.IsCancellationRequested, $"waited for {what}");
            await timer.WaitForNextTickAsync(Token);
        }
    }

    private IHost Silo() => stand.Build(
        "pair",
        silo =>
        {
            silo.Configure<ClusterMembershipOptions>(options => options.ProbeTimeout = TimeSpan.FromMilliseconds(500));
            silo.Configure<ReminderOptions>(options => options.MinimumReminderPeriod = TimeSpan.FromMilliseconds(100));
        },
        createTables: false);

    /// <summary>What a keeper keeps.</summary>
    public sealed class Counted
    {
        public int Count { get; set; }
    }

    public interface IKeeper : IGrainWithGuidKey
    {
        Task KeepAsync(int value);

        Task<int> KeptAsync();

        Task<SiloAddress> WhereAsync();
    }

    [PreferLocalPlacement]
    public sealed class Keeper([PersistentState("kept", DynamoDbStand.Storage)] IPersistentState<Counted> state, ILocalSiloDetails silo) : Grain, IKeeper, IRemindable
    {
        /// <summary>Which reminders came where.</summary>
        public static readonly ConcurrentBag<(Guid Grain, SiloAddress Silo)> Ticks = [];

        public async Task KeepAsync(int value)
        {
            state.State.Count = value;
            await state.WriteStateAsync();
            await this.RegisterOrUpdateReminder("tick", TimeSpan.FromMilliseconds(500), TimeSpan.FromMilliseconds(500));
        }

        public Task<int> KeptAsync() => Task.FromResult(state.State.Count);

        public Task<SiloAddress> WhereAsync() => Task.FromResult(silo.SiloAddress);

        public Task ReceiveReminder(string reminderName, TickStatus status)
        {
            Ticks.Add((this.GetPrimaryKey(), silo.SiloAddress));
            return Task.CompletedTask;
        }
    }
}
