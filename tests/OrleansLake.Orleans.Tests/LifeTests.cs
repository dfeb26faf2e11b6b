using Microsoft.Extensions.DependencyInjection;
using Orleans.Concurrency;

namespace OrleansLake.Orleans.Tests;

/// <summary>How activations begin and end.</summary>
public sealed class LifeTests(SiloFixture silo)
{
    private readonly string key = Guid.NewGuid().ToString("N");

    private Journal Journal => silo.Services.GetRequiredService<Journal>();

    private ILifeGrain Grain => silo.Grains.GetGrain<ILifeGrain>(key);

    [Fact]
    public async Task The_first_call_activates_and_later_ones_find_the_same_activation()
    {
        var id = await Grain.Activation();
        Assert.Equal(id, await Grain.Activation());
        Assert.Equal(["constructed", "activated"], Journal.Read(key));
    }

    [Fact]
    public async Task DeactivateOnIdle_lets_running_calls_finish_and_sends_queued_ones_to_the_next_activation()
    {
        var first = await Grain.Activation();
        var running = Grain.DeactivateAndWait(key);
        await Gate.ReachedAsync(key);
        var queued = Grain.Activation();
        await Task.Delay(50, TestContext.Current.CancellationToken);
        Assert.False(queued.IsCompleted);
        Assert.DoesNotContain("deactivated ApplicationRequested", Journal.Read(key));

        Gate.Open(key);
        Assert.Equal(first, await running);
        Assert.NotEqual(first, await queued);
        Assert.Equal(["constructed", "activated", "deactivated ApplicationRequested", "disposed", "constructed", "activated"], Journal.Read(key));
    }

    [Fact]
    public async Task A_failed_activation_gives_its_own_exception_to_every_caller_and_is_tried_again()
    {
        FailingGrain.Failures[key] = 1;
        var grain = silo.Grains.GetGrain<IFailingGrain>(key);
        var calls = new[] { grain.Hello(), grain.Hello() };
        var exceptions = await Task.WhenAll(calls.Select(call => Assert.ThrowsAsync<PrivateException>(() => call)));
        Assert.All(exceptions, exception => Assert.Equal("not today", exception.Message));
        Assert.Equal("hello", await grain.Hello());
    }

    [Fact]
    public async Task A_constructor_that_throws_fails_the_call_with_its_exception_inside()
    {
        FailingGrain.Failures[key] = -1;
        var exception = await Assert.ThrowsAsync<InvalidOperationException>(() => silo.Grains.GetGrain<IFailingGrain>(key).Hello());
        Assert.Equal("not even made", Assert.IsType<PrivateException>(exception.InnerException).Message);
        FailingGrain.Failures[key] = 0;
        Assert.Equal("hello", await silo.Grains.GetGrain<IFailingGrain>(key).Hello());
    }

    [Fact]
    public async Task DeactivateOnIdle_while_activating_sends_the_call_to_the_next_activation()
    {
        HesitantGrain.Hesitations[key] = 1;
        Assert.Equal(2, await silo.Grains.GetGrain<IHesitantGrain>(key).Attempts());
    }

    [Fact]
    public async Task An_idle_activation_is_collected_and_one_that_is_kept_alive_is_not()
    {
        var first = await Grain.Activation();
        string keptKey = key + "kept";
        var kept = silo.Grains.GetGrain<ILifeGrain>(keptKey);
        var keptId = await kept.KeepFor(TimeSpan.FromHours(1));
        await SiloFixture.Until(async () =>
        {
            await silo.Management.ForceActivationCollection(TimeSpan.FromMilliseconds(1));
            return Journal.Read(key).Contains("deactivated ActivationIdle");
        });
        Assert.NotEqual(first, await Grain.Activation());
        Assert.Equal(keptId, await kept.Activation());
        Assert.DoesNotContain("deactivated ActivationIdle", Journal.Read(keptKey));
    }

    [Fact]
    public async Task An_activation_with_a_running_call_is_not_collected()
    {
        var running = Grain.Wait(key);
        await Gate.ReachedAsync(key);
        await silo.Management.ForceActivationCollection(TimeSpan.FromMilliseconds(1));
        Gate.Open(key);
        await running;
        Assert.DoesNotContain(Journal.Read(key), line => line.StartsWith("deactivated", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_grain_may_call_others_while_it_deactivates()
    {
        await Grain.CallWhileDeactivating(key + "other");
        await SiloFixture.Until(() => Task.FromResult(Journal.Read(key).Contains("called")));
        Assert.Contains("activated", Journal.Read(key + "other"));
    }

    [Fact]
    public async Task Deactivated_completes_and_the_next_activation_has_another_id()
    {
        await Grain.Activation();
        var context = LifeGrain.Contexts[key];
        Assert.False(context.Deactivated.IsCompleted);
        context.Deactivate(new(DeactivationReasonCode.ApplicationRequested, "by a test"));
        await context.Deactivated.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
        await Grain.Activation();
        Assert.NotEqual(context.ActivationId, LifeGrain.Contexts[key].ActivationId);
        Assert.Equal(context.GrainId, LifeGrain.Contexts[key].GrainId);
    }

    [Fact]
    public async Task Interleaving_calls_too_wait_for_the_next_activation_while_one_ends()
    {
        var running = Grain.DeactivateAndWait(key);
        await Gate.ReachedAsync(key);
        var interleaving = Grain.Interleaving();
        await Task.Delay(100, TestContext.Current.CancellationToken);
        bool early = interleaving.IsCompleted;
        Gate.Open(key);
        await running;
        await interleaving;
        Assert.False(early);
    }
}

public interface ILifeGrain : IGrainWithStringKey
{
    Task<Guid> Activation();
    Task<Guid> DeactivateAndWait(string door);
    Task<Guid> KeepFor(TimeSpan time);
    Task Wait(string door);
    Task CallWhileDeactivating(string other);

    [AlwaysInterleave]
    Task<Guid> Interleaving();
}

internal sealed class LifeGrain : Grain, ILifeGrain, IDisposable
{
    public static readonly System.Collections.Concurrent.ConcurrentDictionary<string, IGrainContext> Contexts = new();
    private readonly Guid id = Guid.NewGuid();
    private readonly Journal journal;
    private readonly string key;
    private string? callInTheEnd;

    public LifeGrain(Journal journal)
    {
        this.journal = journal;
        key = this.GetPrimaryKeyString();
        Contexts[key] = GrainContext;
        journal.Note(key, "constructed");
    }

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        journal.Note(key, "activated");
        return Task.CompletedTask;
    }

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        await Task.Yield();
        journal.Note(key, $"deactivated {reason.ReasonCode}");
        if (callInTheEnd is null) return;
        await GrainFactory.GetGrain<ILifeGrain>(callInTheEnd).Activation();
        journal.Note(key, "called");
    }

    public void Dispose() => journal.Note(key, "disposed");

    public Task<Guid> Activation() => Task.FromResult(id);

    public Task<Guid> Interleaving() => Task.FromResult(id);

    public async Task<Guid> DeactivateAndWait(string door)
    {
        DeactivateOnIdle();
        await Gate.PassAsync(door);
        return id;
    }

    public Task<Guid> KeepFor(TimeSpan time)
    {
        DelayDeactivation(time);
        return Task.FromResult(id);
    }

    public Task Wait(string door) => Gate.PassAsync(door);

    public Task CallWhileDeactivating(string other)
    {
        callInTheEnd = other;
        DeactivateOnIdle();
        return Task.CompletedTask;
    }
}

public interface IFailingGrain : IGrainWithStringKey
{
    Task<string> Hello();
}

internal sealed class FailingGrain : Grain, IFailingGrain
{
    public static readonly System.Collections.Concurrent.ConcurrentDictionary<string, int> Failures = new();

    public FailingGrain()
    {
        if (Failures.GetValueOrDefault(this.GetPrimaryKeyString()) < 0) throw new PrivateException("not even made");
    }

    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        // Long enough for a second call to wait for the same activation.
        await Task.Delay(100, cancellationToken);
        string key = this.GetPrimaryKeyString();
        if (Failures.GetValueOrDefault(key) is var left and > 0)
        {
            Failures[key] = left - 1;
            throw new PrivateException("not today");
        }
    }

    public Task<string> Hello() => Task.FromResult("hello");
}

public interface IHesitantGrain : IGrainWithStringKey
{
    Task<int> Attempts();
}

internal sealed class HesitantGrain : Grain, IHesitantGrain
{
    public static readonly System.Collections.Concurrent.ConcurrentDictionary<string, int> Hesitations = new();
    private static readonly System.Collections.Concurrent.ConcurrentDictionary<string, int> Attempted = new();

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        string key = this.GetPrimaryKeyString();
        if (Attempted.AddOrUpdate(key, 1, (_, attempts) => attempts + 1) <= Hesitations[key]) DeactivateOnIdle();
        return Task.CompletedTask;
    }

    public Task<int> Attempts() => Task.FromResult(Attempted[this.GetPrimaryKeyString()]);
}
