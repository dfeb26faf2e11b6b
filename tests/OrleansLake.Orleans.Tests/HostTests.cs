using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orleans.Streams;

namespace OrleansLake.Orleans.Tests;

/// <summary>The silo in its host: lifecycle, filters, clients, streams.</summary>
public sealed class HostTests(SiloFixture silo)
{
    private readonly string key = Guid.NewGuid().ToString("N");

    [Fact]
    public async Task Lifecycle_stages_start_upwards_and_stop_downwards_and_grains_end_below_the_application()
    {
        var notes = new Notes();
        using var host = SiloFixture.Create(builder =>
        {
            builder.Services.AddSingleton(notes);
            builder.Services.AddSingleton<ILifecycleParticipant<ISiloLifecycle>>(new Participant(notes, "first", ServiceLifecycleStage.ApplicationServices));
            builder.Services.AddSingleton<ILifecycleParticipant<ISiloLifecycle>>(new Participant(notes, "second", ServiceLifecycleStage.Active + 1));
            builder.AddStartupTask((services, _) =>
            {
                notes.Lines.Enqueue("startup task");
                return Task.CompletedTask;
            });
        });
        await host.StartAsync(TestContext.Current.CancellationToken);
        var grain = host.Services.GetRequiredService<IGrainFactory>().GetGrain<IEndGrain>(key);
        await grain.Hello();
        await host.StopAsync(TestContext.Current.CancellationToken);
        Assert.Equal(
            ["first starts", "startup task", "second starts", "second stops", "grain ends ShuttingDown", "first stops"], notes.Lines);
    }

    [Fact]
    public async Task Grains_can_still_be_called_while_a_stage_above_them_stops()
    {
        string? answer = null;
        IServiceProvider? services = null;
        var notes = new Notes();
        using var host = SiloFixture.Create(builder =>
        {
            builder.Services.AddSingleton(notes);
            builder.Services.AddSingleton<ILifecycleParticipant<ISiloLifecycle>>(new Stopper(async () =>
                answer = await services!.GetRequiredService<IGrainFactory>().GetGrain<IEndGrain>(key).Hello()));
        });
        services = host.Services;
        await host.StartAsync(TestContext.Current.CancellationToken);
        await host.StopAsync(TestContext.Current.CancellationToken);
        Assert.Equal("hello", answer);
    }

    [Fact]
    public async Task A_stage_that_fails_to_start_fails_the_host()
    {
        using var host = SiloFixture.Create(builder => builder.AddStartupTask((_, _) => throw new PrivateException("no start")));
        var exception = await Assert.ThrowsAnyAsync<Exception>(() => host.StartAsync(TestContext.Current.CancellationToken));
        Assert.Contains("no start", exception.ToString());
    }

    [Fact]
    public async Task Filters_see_calls_in_both_directions_and_may_change_the_result()
    {
        var seen = new ConcurrentQueue<string>();
        using var host = SiloFixture.Create(builder => builder
            .ConfigureServices(services => services.AddSingleton(new Notes()))
            .AddOutgoingGrainCallFilter(async context =>
            {
                if (context.InterfaceMethod.DeclaringType == typeof(IEndGrain)) seen.Enqueue("out " + context.MethodName);
                await context.Invoke();
            })
            .AddIncomingGrainCallFilter(async context =>
            {
                await context.Invoke();
                if (context.Grain is not EndGrain) return;
                seen.Enqueue($"in {context.ImplementationMethod.Name} {context.Request.GetArgumentCount()} {context.TargetId.Key}");
                context.Result = context.Result + " filtered";
            }));
        await host.StartAsync(TestContext.Current.CancellationToken);
        Assert.Equal("hello filtered", await host.Services.GetRequiredService<IGrainFactory>().GetGrain<IEndGrain>(key).Hello());
        Assert.Equal(["out Hello", $"in Hello 0 {key}"], seen);
        await host.StopAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_client_of_its_own_reaches_the_silo_and_its_exceptions_are_those_of_the_grain()
    {
        using var host = SiloFixture.Create(builder => builder.Services.AddSingleton(new Notes()), out int port);
        await host.StartAsync(TestContext.Current.CancellationToken);
        var builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.UseOrleansClient(client => client.UseLocalhostClustering(port, serviceId: "tests", clusterId: "tests"));
        using (var outside = builder.Build())
        {
            await outside.StartAsync(TestContext.Current.CancellationToken);
            var grain = outside.Services.GetRequiredService<IClusterClient>().GetGrain<IEndGrain>(key);
            Assert.Equal("hello", await grain.Hello());
            await Assert.ThrowsAsync<InvalidOperationException>(() => grain.Fail());
            await outside.StopAsync(TestContext.Current.CancellationToken);
        }

        await host.StopAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Management_knows_the_silo_and_its_activations()
    {
        await silo.Grains.GetGrain<IIntegerKeyGrain>(77).Key();
        var hosts = await silo.Management.GetHosts(onlyActive: true);
        var details = silo.Services.GetRequiredService<ILocalSiloDetails>();
        Assert.Equal(SiloStatus.Active, hosts[details.SiloAddress]);
        Assert.True(await silo.Management.GetTotalActivationCount() > 0);
        Assert.Equal(
            SiloStatus.Active,
            silo.Services.GetRequiredService<IClusterMembershipService>().CurrentSnapshot.Members[details.SiloAddress].Status);
    }

    [Fact]
    public async Task A_subscription_outlives_the_activation_and_its_handler_comes_back_by_resuming()
    {
        var grain = silo.Grains.GetGrain<IListenerGrain>(key);
        await grain.Subscribe();
        var stream = silo.Services.GetRequiredService<IClusterClient>().GetStreamProvider("memory").GetStream<Payload>(StreamId.Create("tests", key));
        var sent = new Payload { Number = 1 };
        await stream.OnNextAsync(sent);
        await SiloFixture.Until(async () => (await grain.Heard()).SequenceEqual([1]));
        await grain.Leave();

        // An activation that was asked to leave may hear one more before it does.
        await SiloFixture.Until(async () => (await grain.Heard()).Length == 0);
        for (int number = 2; number <= 5; number++) await stream.OnNextAsync(new Payload { Number = number });
        await SiloFixture.Until(async () => (await grain.Heard()).SequenceEqual([2, 3, 4, 5]));
        await grain.Unsubscribe();
    }

    private sealed class Participant(Notes notes, string name, int stage) : ILifecycleParticipant<ISiloLifecycle>
    {
        public void Participate(ISiloLifecycle lifecycle) => lifecycle.Subscribe(name, stage, _ =>
        {
            notes.Lines.Enqueue(name + " starts");
            return Task.CompletedTask;
        }, _ =>
        {
            notes.Lines.Enqueue(name + " stops");
            return Task.CompletedTask;
        });
    }

    private sealed class Stopper(Func<Task> stop) : ILifecycleParticipant<ISiloLifecycle>
    {
        public void Participate(ISiloLifecycle lifecycle) =>
            lifecycle.Subscribe("stopper", ServiceLifecycleStage.Active + 1, _ => Task.CompletedTask, _ => stop());
    }
}

internal sealed class Notes
{
    public ConcurrentQueue<string> Lines { get; } = new();
}

public interface IEndGrain : IGrainWithStringKey
{
    Task<string> Hello();
    Task Fail();
}

internal sealed class EndGrain(Notes notes) : Grain, IEndGrain
{
    public Task<string> Hello() => Task.FromResult("hello");

    public Task Fail() => throw new InvalidOperationException("as asked");

    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        notes.Lines.Enqueue($"grain ends {reason.ReasonCode}");
        return Task.CompletedTask;
    }
}

public interface IListenerGrain : IGrainWithStringKey
{
    Task Subscribe();
    Task Unsubscribe();
    Task<int[]> Heard();
    Task Leave();
}

internal sealed class ListenerGrain : Grain, IListenerGrain
{
    private readonly List<int> heard = [];

    private IAsyncStream<Payload> Stream => this.GetStreamProvider("memory").GetStream<Payload>(StreamId.Create("tests", this.GetPrimaryKeyString()));

    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        foreach (var handle in await Stream.GetAllSubscriptionHandles()) await handle.ResumeAsync(Hear);
    }

    public Task Subscribe() => Stream.SubscribeAsync(Hear);

    public async Task Unsubscribe()
    {
        foreach (var handle in await Stream.GetAllSubscriptionHandles()) await handle.UnsubscribeAsync();
    }

    public Task<int[]> Heard() => Task.FromResult(heard.ToArray());

    public Task Leave()
    {
        DeactivateOnIdle();
        return Task.CompletedTask;
    }

    private Task Hear(Payload payload, StreamSequenceToken? token)
    {
        heard.Add(payload.Number);
        return Task.CompletedTask;
    }
}
