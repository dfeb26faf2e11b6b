using System.Collections.Concurrent;
using Orleans.Concurrency;

namespace OrleansLake.Orleans.Tests;

/// <summary>Timers and reminders.</summary>
public sealed class TimerTests(SiloFixture silo)
{
    private readonly string key = Guid.NewGuid().ToString("N");

    private ITimerGrain Grain => silo.Grains.GetGrain<ITimerGrain>(key);

    private Task Ticks(int count) => SiloFixture.Until(() => Task.FromResult(TimerGrain.Ticks.GetValueOrDefault(key) >= count));

    [Fact]
    public async Task A_timer_ticks_on_turns_of_its_grain_until_it_is_disposed()
    {
        await Grain.Start(10, interleave: false);
        await Ticks(3);
        await Grain.Stop();
        int ticks = TimerGrain.Ticks[key];
        await Task.Delay(100, TestContext.Current.CancellationToken);
        Assert.Equal(ticks, TimerGrain.Ticks[key]);
        Assert.False(TimerGrain.OffScheduler.ContainsKey(key));
    }

    [Fact]
    public async Task A_tick_waits_for_a_running_call()
    {
        await Grain.Start(1, interleave: false);
        await Ticks(1);
        var blocking = Grain.Block(key);
        await Gate.ReachedAsync(key);
        int ticks = TimerGrain.Ticks[key];
        await Task.Delay(100, TestContext.Current.CancellationToken);
        Assert.Equal(ticks, TimerGrain.Ticks[key]);
        Gate.Open(key);
        await blocking;
        await Ticks(ticks + 2);
    }

    [Fact]
    public async Task An_interleaving_tick_runs_beside_a_call()
    {
        await Grain.Start(5, interleave: true);
        var blocking = Grain.Block(key);
        await Gate.ReachedAsync(key);
        await Ticks(TimerGrain.Ticks.GetValueOrDefault(key) + 3);
        Gate.Open(key);
        await blocking;
    }

    [Fact]
    public async Task Ticks_never_overlap_and_the_period_counts_from_the_end_of_a_tick()
    {
        var gaps = await Grain.MeasureGaps(periodMilliseconds: 60, workMilliseconds: 100, ticks: 3);
        Assert.False(TimerGrain.Overlapped.ContainsKey(key));
        // From the start of one tick to the start of the next: the work and the period.
        Assert.All(gaps, gap => Assert.True(gap >= 150, $"{gap} ms between the starts of two ticks"));
    }

    [Fact]
    public async Task A_tick_that_fails_does_not_end_the_timer()
    {
        await Grain.StartFailing(5);
        await Ticks(3);
        Assert.Equal(1, await Grain.One());
    }

    [Fact]
    public async Task Change_takes_effect_and_during_a_tick_after_it()
    {
        await Grain.StartThatSlowsItselfDown(5);
        await Ticks(1);
        await Task.Delay(200, TestContext.Current.CancellationToken);
        Assert.Equal(1, TimerGrain.Ticks[key]);
        await Grain.Change(5);
        await Ticks(3);
    }

    [Fact]
    public async Task A_period_that_is_infinite_ticks_once()
    {
        await Grain.StartOnce(5);
        await Ticks(1);
        await Task.Delay(100, TestContext.Current.CancellationToken);
        Assert.Equal(1, TimerGrain.Ticks[key]);
    }

    [Fact]
    public async Task A_tick_ends_before_its_activation_and_none_comes_after_it()
    {
        await Grain.StartWithToken(key);
        await Gate.ReachedAsync(key);
        await Grain.LeaveInterleaving();
        Assert.False(TimerGrain.Tokens[key].IsCancellationRequested);
        Gate.Open(key);
        await SiloFixture.Until(() => Task.FromResult(TimerGrain.Tokens[key].IsCancellationRequested));
        int ticks = TimerGrain.Ticks[key];
        await Task.Delay(100, TestContext.Current.CancellationToken);
        Assert.Equal(ticks, TimerGrain.Ticks[key]);
    }

    [Fact]
    public async Task Ticks_do_not_keep_a_grain_alive_unless_asked_to()
    {
        string keptKey = key + "kept";
        var first = await Grain.StartAndTell(5, keepAlive: false);
        var kept = await silo.Grains.GetGrain<ITimerGrain>(keptKey).StartAndTell(5, keepAlive: true);
        await SiloFixture.Until(async () =>
        {
            await silo.Management.ForceActivationCollection(TimeSpan.FromMilliseconds(300));
            return TimerGrain.Ended.ContainsKey(first);
        });
        Assert.False(TimerGrain.Ended.ContainsKey(kept));
    }

    [Fact]
    public async Task Times_out_of_range_are_refused()
    {
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => Grain.Start(-5, interleave: false));
        Assert.Equal(1, await Grain.One());
    }

    [Fact]
    public async Task A_reminder_ticks_brings_its_status_and_stops_when_unregistered()
    {
        var grain = silo.Grains.GetGrain<IReminderGrain>(key);
        await grain.Remind("daily", 20, 60);
        await SiloFixture.Until(() => Task.FromResult(ReminderGrain.Ticks.GetValueOrDefault(key) >= 3));
        var (name, period) = ReminderGrain.Last[key];
        Assert.Equal(("daily", TimeSpan.FromMilliseconds(60)), (name, period));
        Assert.Equal(["daily"], await grain.Names());
        await grain.Forget("daily");
        Assert.Empty(await grain.Names());
        int ticks = ReminderGrain.Ticks[key];
        await Task.Delay(200, TestContext.Current.CancellationToken);
        Assert.InRange(ReminderGrain.Ticks[key], ticks, ticks + 1);
    }

    [Fact]
    public async Task A_reminder_outlives_the_activation_and_brings_it_back()
    {
        var grain = silo.Grains.GetGrain<IReminderGrain>(key);
        await grain.Remind("daily", 200, 100);
        await grain.Leave();
        await SiloFixture.Until(() => Task.FromResult(ReminderGrain.Ticks.GetValueOrDefault(key) >= 2));
        Assert.Equal(2, ReminderGrain.Activations[key]);
        await grain.Forget("daily");
    }

    [Fact]
    public async Task A_reminder_does_not_interleave_with_a_call()
    {
        var grain = silo.Grains.GetGrain<IReminderGrain>(key);
        await grain.Remind("daily", 1, 50);
        var blocking = grain.Block(key);
        await Gate.ReachedAsync(key);
        int ticks = ReminderGrain.Ticks.GetValueOrDefault(key);
        await Task.Delay(200, TestContext.Current.CancellationToken);
        Assert.Equal(ticks, ReminderGrain.Ticks.GetValueOrDefault(key));
        Gate.Open(key);
        await blocking;
        await SiloFixture.Until(() => Task.FromResult(ReminderGrain.Ticks.GetValueOrDefault(key) > ticks));
        await grain.Forget("daily");
    }

    [Fact]
    public async Task A_reminder_that_fails_comes_again()
    {
        var grain = silo.Grains.GetGrain<IReminderGrain>(key);
        await grain.Remind("fails", 1, 50);
        await SiloFixture.Until(() => Task.FromResult(ReminderGrain.Ticks.GetValueOrDefault(key) >= 2));
        await grain.Forget("fails");
    }

    [Fact]
    public async Task A_period_below_the_minimum_is_refused()
    {
        var grain = silo.Grains.GetGrain<IReminderGrain>(key);
        await Assert.ThrowsAnyAsync<ArgumentException>(() => grain.Remind("hasty", 1, 10));
        Assert.Empty(await grain.Names());
    }

    [Fact]
    public async Task A_reminder_registered_again_changes_its_period_and_one_unknown_is_null()
    {
        var grain = silo.Grains.GetGrain<IReminderGrain>(key);
        Assert.False(await grain.Knows("daily"));
        await grain.Remind("daily", 60_000, 60_000);
        await grain.Remind("daily", 1, 50);
        Assert.True(await grain.Knows("daily"));
        Assert.Single(await grain.Names());
        await SiloFixture.Until(() => Task.FromResult(ReminderGrain.Ticks.GetValueOrDefault(key) >= 2));
        await grain.Forget("daily");
    }
}

public interface ITimerGrain : IGrainWithStringKey
{
    Task Start(int milliseconds, bool interleave);
    Task<Guid> StartAndTell(int milliseconds, bool keepAlive);
    Task StartFailing(int milliseconds);
    Task StartThatSlowsItselfDown(int milliseconds);
    Task StartOnce(int milliseconds);
    Task StartWithToken(string door);
    Task Change(int milliseconds);
    Task Stop();
    Task Block(string door);
    Task<long[]> MeasureGaps(int periodMilliseconds, int workMilliseconds, int ticks);
    Task<int> One();

    [AlwaysInterleave]
    Task LeaveInterleaving();
}

internal sealed class TimerGrain : Grain, ITimerGrain
{
    public static readonly ConcurrentDictionary<string, int> Ticks = new();
    public static readonly ConcurrentDictionary<string, bool> OffScheduler = new();
    public static readonly ConcurrentDictionary<string, bool> Overlapped = new();
    public static readonly ConcurrentDictionary<Guid, bool> Ended = new();
    public static readonly ConcurrentDictionary<string, CancellationToken> Tokens = new();
    private readonly Guid id = Guid.NewGuid();
    private IGrainTimer? timer;
    private int scheduler;
    private int inside;

    private string Key => this.GetPrimaryKeyString();

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        scheduler = TaskScheduler.Current.Id;
        return Task.CompletedTask;
    }

    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        Ended[id] = true;
        return Task.CompletedTask;
    }

    public Task Start(int milliseconds, bool interleave)
    {
        timer = this.RegisterGrainTimer(Tick, new()
        {
            DueTime = TimeSpan.FromMilliseconds(milliseconds), Period = TimeSpan.FromMilliseconds(milliseconds), Interleave = interleave,
        });
        return Task.CompletedTask;
    }

    public Task<Guid> StartAndTell(int milliseconds, bool keepAlive)
    {
        var time = TimeSpan.FromMilliseconds(milliseconds);
        timer = this.RegisterGrainTimer(Tick, new() { DueTime = time, Period = time, KeepAlive = keepAlive });
        return Task.FromResult(id);
    }

    public Task StartFailing(int milliseconds)
    {
        timer = this.RegisterGrainTimer(async () =>
        {
            await Tick();
            throw new InvalidOperationException("a tick that fails");
        }, TimeSpan.Zero, TimeSpan.FromMilliseconds(milliseconds));
        return Task.CompletedTask;
    }

    public Task StartThatSlowsItselfDown(int milliseconds)
    {
        timer = this.RegisterGrainTimer(async () =>
        {
            timer!.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            await Tick();
        }, TimeSpan.FromMilliseconds(milliseconds), TimeSpan.FromMilliseconds(milliseconds));
        return Task.CompletedTask;
    }

    public Task StartOnce(int milliseconds)
    {
        timer = this.RegisterGrainTimer(static (grain, _) => grain.Tick(), this, TimeSpan.FromMilliseconds(milliseconds), Timeout.InfiniteTimeSpan);
        return Task.CompletedTask;
    }

    public Task StartWithToken(string door)
    {
        timer = this.RegisterGrainTimer(async token =>
        {
            Tokens[Key] = token;
            await Gate.PassAsync(door);
            await Tick();
        }, TimeSpan.Zero, TimeSpan.FromMilliseconds(1));
        return Task.CompletedTask;
    }

    public Task Change(int milliseconds)
    {
        timer!.Dispose();
        return Start(milliseconds, interleave: false);
    }

    public Task Stop()
    {
        timer!.Dispose();
        return Task.CompletedTask;
    }

    public Task Block(string door) => Gate.PassAsync(door);

    public async Task<long[]> MeasureGaps(int periodMilliseconds, int workMilliseconds, int ticks)
    {
        var starts = new List<long>();
        var done = new TaskCompletionSource();
        using var measured = this.RegisterGrainTimer(async () =>
        {
            if (Interlocked.Increment(ref inside) != 1) Overlapped[Key] = true;
            starts.Add(Environment.TickCount64);
            await Task.Delay(workMilliseconds);
            Interlocked.Decrement(ref inside);
            if (starts.Count > ticks) done.TrySetResult();
        }, new() { DueTime = TimeSpan.Zero, Period = TimeSpan.FromMilliseconds(periodMilliseconds), Interleave = true });
        await done.Task;
        return [.. starts.Zip(starts.Skip(1), (one, next) => next - one).Take(ticks)];
    }

    public Task<int> One() => Task.FromResult(1);

    public Task LeaveInterleaving()
    {
        DeactivateOnIdle();
        return Task.CompletedTask;
    }

    private async Task Tick()
    {
        if (TaskScheduler.Current.Id != scheduler) OffScheduler[Key] = true;
        await Task.Yield();
        Ticks.AddOrUpdate(Key, 1, (_, ticks) => ticks + 1);
    }
}

public interface IReminderGrain : IGrainWithStringKey
{
    Task Remind(string name, int dueMilliseconds, int periodMilliseconds);
    Task Forget(string name);
    Task<string[]> Names();
    Task<bool> Knows(string name);
    Task Leave();
    Task Block(string door);
}

internal sealed class ReminderGrain : Grain, IReminderGrain, IRemindable
{
    public static readonly ConcurrentDictionary<string, int> Ticks = new();
    public static readonly ConcurrentDictionary<string, int> Activations = new();
    public static readonly ConcurrentDictionary<string, (string Name, TimeSpan Period)> Last = new();

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        Activations.AddOrUpdate(this.GetPrimaryKeyString(), 1, (_, count) => count + 1);
        return Task.CompletedTask;
    }

    public Task ReceiveReminder(string reminderName, TickStatus status)
    {
        Last[this.GetPrimaryKeyString()] = (reminderName, status.Period);
        Ticks.AddOrUpdate(this.GetPrimaryKeyString(), 1, (_, ticks) => ticks + 1);
        return reminderName == "fails" ? throw new InvalidOperationException("a reminder that fails") : Task.CompletedTask;
    }

    public Task Remind(string name, int dueMilliseconds, int periodMilliseconds) => this.RegisterOrUpdateReminder(
        name, TimeSpan.FromMilliseconds(dueMilliseconds), TimeSpan.FromMilliseconds(periodMilliseconds));

    public async Task Forget(string name) => await this.UnregisterReminder((await this.GetReminder(name))!);

    public async Task<string[]> Names() => [.. (await this.GetReminders()).Select(reminder => reminder.ReminderName)];

    public async Task<bool> Knows(string name) => await this.GetReminder(name) is not null;

    public Task Leave()
    {
        DeactivateOnIdle();
        return Task.CompletedTask;
    }

    public Task Block(string door) => Gate.PassAsync(door);
}
