using Orleans.Concurrency;

namespace OrleansLake.Orleans.Tests;

/// <summary>Who may run in a grain at the same time as whom.</summary>
public sealed class TurnTests(SiloFixture silo)
{
    private readonly string key = Guid.NewGuid().ToString("N");

    private ITurnGrain Grain => silo.Grains.GetGrain<ITurnGrain>(key);

    [Fact]
    public async Task A_call_waits_until_the_one_before_it_has_ended()
    {
        var first = Grain.Blocking(key + "first");
        await Gate.ReachedAsync(key + "first");
        var second = Grain.Blocking(key + "second");
        await Task.Delay(100, TestContext.Current.CancellationToken);
        Assert.False(Gate.IsReached(key + "second"));

        Gate.Open(key + "first");
        await Gate.ReachedAsync(key + "second");
        Gate.Open(key + "second");
        await Task.WhenAll(first, second);
    }

    [Fact]
    public async Task An_interleaving_call_runs_while_a_blocking_one_waits()
    {
        var blocking = Grain.Blocking(key);
        await Gate.ReachedAsync(key);
        Assert.Equal(1, await Grain.Entered());
        Gate.Open(key);
        await blocking;
    }

    [Fact]
    public async Task A_blocking_call_begins_while_only_interleaving_ones_run()
    {
        var interleaving = Grain.Interleaving(key + "a");
        await Gate.ReachedAsync(key + "a");
        var blocking = Grain.Blocking(key + "b");
        await Gate.ReachedAsync(key + "b");
        Gate.Open(key + "a");
        Gate.Open(key + "b");
        await Task.WhenAll(interleaving, blocking);
    }

    [Fact]
    public async Task Read_only_calls_run_beside_each_other_and_not_beside_a_writer()
    {
        var one = Grain.Reading(key + "1");
        var two = Grain.Reading(key + "2");
        await Gate.ReachedAsync(key + "1");
        await Gate.ReachedAsync(key + "2");
        var writer = Grain.Blocking(key + "w");
        await Task.Delay(100, TestContext.Current.CancellationToken);
        Assert.False(Gate.IsReached(key + "w"));
        Gate.Open(key + "1");
        Gate.Open(key + "2");
        Gate.Open(key + "w");
        await Task.WhenAll(one, two, writer);
    }

    [Fact]
    public async Task A_reentrant_grain_takes_calls_while_others_wait()
    {
        var grain = silo.Grains.GetGrain<IReentrantGrain>(key);
        var first = grain.Blocking(key + "first");
        await Gate.ReachedAsync(key + "first");
        var second = grain.Blocking(key + "second");
        await Gate.ReachedAsync(key + "second");
        Gate.Open(key + "first");
        Gate.Open(key + "second");
        await Task.WhenAll(first, second);
    }

    [Fact]
    public async Task Turns_never_overlap_even_where_calls_interleave()
    {
        var grain = silo.Grains.GetGrain<IReentrantGrain>(key);
        await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => grain.CountWithYields(20)));
        Assert.Equal(100 * 20, await grain.Count());
        Assert.False(await grain.Overlapped());
    }

    [Fact]
    public async Task Calls_of_one_caller_arrive_in_order()
    {
        // The original may overtake while it looks for a place for the first call.
        await Grain.Entered();
        var calls = Enumerable.Range(0, 500).Select(Grain.Append).ToArray();
        await Task.WhenAll(calls);
        Assert.Equal(Enumerable.Range(0, 500), await Grain.Appended());
    }

    [Fact]
    public async Task What_follows_an_await_runs_on_the_grains_scheduler_again()
    {
        var (before, after, afterPool, onPool) = await Grain.Schedulers();
        Assert.Equal(before, after);
        Assert.Equal(before, afterPool);
        Assert.NotEqual(before, onPool);
    }

    [Fact]
    public async Task Tasks_started_in_a_grain_run_on_its_scheduler_but_not_inline() => Assert.True(await Grain.StartsTasksOnItsScheduler());

    [Fact]
    public async Task Nothing_ambient_of_the_caller_reaches_the_grain()
    {
        Ambient.Value.Value = "caller";
        Assert.Null(await Grain.ReadAmbient());
        Assert.Equal("caller", Ambient.Value.Value);
    }

    [Fact]
    public async Task What_a_call_leaves_ambient_is_gone_in_the_next()
    {
        await Grain.SetAmbient("left");
        Assert.Null(await Grain.ReadAmbient());
    }

    [Fact]
    public async Task The_request_context_travels_down_and_does_not_come_back()
    {
        RequestContext.Set("trace", "abc");
        try
        {
            Assert.Equal("abc", await Grain.ReadContextThrough(key + "next"));
            await Grain.SetContext("trace", "changed");
            Assert.Equal("abc", RequestContext.Get("trace"));
        }
        finally
        {
            RequestContext.Clear();
        }
    }

    [Fact]
    public async Task A_call_chain_that_comes_back_ends_in_a_timeout()
    {
        var exception = await Assert.ThrowsAsync<TimeoutException>(() => Grain.CallBackThrough(key + "other"));
        Assert.Contains("Response did not arrive on time", exception.Message);
    }

    [Fact]
    public async Task A_call_chain_comes_back_where_the_grain_allows_it() =>
        Assert.Equal(1, await Grain.CallBackAllowed(key + "other"));

    [Fact]
    public async Task Stateless_workers_run_beside_each_other_up_to_their_limit()
    {
        var worker = silo.Grains.GetGrain<IWorkerGrain>(0);
        var calls = Enumerable.Range(0, 3).Select(i => worker.Work(key + i)).ToArray();
        await SiloFixture.Until(() => Task.FromResult(Enumerable.Range(0, 3).Count(i => Gate.IsReached(key + i)) == 2));
        await Task.Delay(100, TestContext.Current.CancellationToken);
        Assert.Equal(2, Enumerable.Range(0, 3).Count(i => Gate.IsReached(key + i)));
        for (int i = 0; i < 3; i++) Gate.Open(key + i);
        var ids = await Task.WhenAll(calls);
        Assert.Equal(2, ids.Distinct().Count());
    }

    [Fact]
    public async Task A_one_way_call_returns_at_once_and_its_failure_stays_in_the_grain()
    {
        await Grain.FireAndForget(key);
        await Gate.ReachedAsync(key);
        Gate.Open(key);
        Assert.Equal(0, await Grain.Entered());
    }
}

internal static class Ambient
{
    public static readonly AsyncLocal<string?> Value = new();
}

public interface ITurnGrain : IGrainWithStringKey
{
    Task Blocking(string door);

    [AlwaysInterleave]
    Task Interleaving(string door);

    [ReadOnly]
    Task Reading(string door);

    [AlwaysInterleave]
    Task<int> Entered();

    Task Append(int value);
    Task<int[]> Appended();
    Task<(int Before, int After, int AfterPool, int OnPool)> Schedulers();
    Task<bool> StartsTasksOnItsScheduler();
    Task<string?> ReadAmbient();
    Task SetAmbient(string value);
    Task<string?> ReadContextThrough(string next);
    Task<string?> ReadContext();
    Task SetContext(string name, string value);

    [ResponseTimeout("00:00:01")]
    Task<int> CallBackThrough(string other);

    Task<int> CallBackAllowed(string other);

    // Short, so that a chain which cannot end does not hold the silo up when it stops.
    [ResponseTimeout("00:00:02")]
    Task<int> CallBack(ITurnGrain grain);

    [ResponseTimeout("00:00:02")]
    Task<int> Plain();

    [OneWay]
    Task FireAndForget(string door);
}

internal sealed class TurnGrain : Grain, ITurnGrain
{
    private readonly List<int> appended = [];
    private int entered;

    public async Task Blocking(string door)
    {
        entered++;
        await Gate.PassAsync(door);
    }

    public Task Interleaving(string door) => Gate.PassAsync(door);

    public Task Reading(string door) => Gate.PassAsync(door);

    public Task<int> Entered() => Task.FromResult(entered);

    public async Task Append(int value)
    {
        await Task.Yield();
        appended.Add(value);
    }

    public Task<int[]> Appended() => Task.FromResult(appended.ToArray());

    public async Task<(int Before, int After, int AfterPool, int OnPool)> Schedulers()
    {
        int before = TaskScheduler.Current.Id;
        await Task.Delay(1);
        int after = TaskScheduler.Current.Id;
        int onPool = await Task.Run(() => TaskScheduler.Current.Id);
        return (before, after, TaskScheduler.Current.Id, onPool);
    }

    public async Task<bool> StartsTasksOnItsScheduler()
    {
        bool ran = false;
        int scheduler = 0;
        var started = Task.Factory.StartNew(() => (ran, scheduler) = (true, TaskScheduler.Current.Id));
        bool inline = ran;
        await started;
        return !inline && scheduler == TaskScheduler.Current.Id;
    }

    public Task<string?> ReadAmbient() => Task.FromResult(Ambient.Value.Value);

    public Task SetAmbient(string value)
    {
        Ambient.Value.Value = value;
        return Task.CompletedTask;
    }

    public Task<string?> ReadContextThrough(string next) => GrainFactory.GetGrain<ITurnGrain>(next).ReadContext();

    public Task<string?> ReadContext() => Task.FromResult(RequestContext.Get("trace") as string);

    public Task SetContext(string name, string value)
    {
        RequestContext.Set(name, value);
        return Task.CompletedTask;
    }

    public Task<int> CallBackThrough(string other) => GrainFactory.GetGrain<ITurnGrain>(other).CallBack(this.AsReference<ITurnGrain>());

    public async Task<int> CallBackAllowed(string other)
    {
        using var section = RequestContext.AllowCallChainReentrancy();
        return await GrainFactory.GetGrain<ITurnGrain>(other).CallBack(this.AsReference<ITurnGrain>());
    }

    public Task<int> CallBack(ITurnGrain grain) => grain.Plain();

    public Task<int> Plain() => Task.FromResult(1);

    public async Task FireAndForget(string door)
    {
        await Gate.PassAsync(door);
        throw new InvalidOperationException("nobody hears of it");
    }
}

public interface IReentrantGrain : IGrainWithStringKey
{
    Task Blocking(string door);
    Task CountWithYields(int times);
    Task<int> Count();
    Task<bool> Overlapped();
}

[Reentrant]
internal sealed class ReentrantGrain : Grain, IReentrantGrain
{
    private int count;
    private int inside;
    private bool overlapped;

    public Task Blocking(string door) => Gate.PassAsync(door);

    public async Task CountWithYields(int times)
    {
        for (int i = 0; i < times; i++)
        {
            if (Interlocked.Increment(ref inside) != 1) overlapped = true;
            count++;
            Interlocked.Decrement(ref inside);
            await Task.Yield();
        }
    }

    public Task<int> Count() => Task.FromResult(count);

    public Task<bool> Overlapped() => Task.FromResult(overlapped);
}

public interface IWorkerGrain : IGrainWithIntegerKey
{
    Task<Guid> Work(string door);
}

[StatelessWorker(2)]
internal sealed class WorkerGrain : Grain, IWorkerGrain
{
    private readonly Guid id = Guid.NewGuid();

    public async Task<Guid> Work(string door)
    {
        await Gate.PassAsync(door);
        return id;
    }
}
