using Microsoft.Extensions.DependencyInjection;
using Orleans.Providers;
using Orleans.Runtime.Hosting;
using Orleans.Storage;

namespace OrleansLake.Orleans.Tests;

/// <summary>What grains keep.</summary>
public sealed class StateTests(SiloFixture silo)
{
    private readonly string key = Guid.NewGuid().ToString("N");

    private IStateGrain Grain => silo.Grains.GetGrain<IStateGrain>(key);

    [Fact]
    public async Task A_state_that_was_never_written_is_new_and_does_not_exist()
    {
        var seen = await Grain.See();
        Assert.Equal((0, false, true), (seen.Number, seen.Exists, seen.Etag is null));
        Assert.Equal((0, false), await Grain.SeeOther());
    }

    [Fact]
    public async Task A_written_state_outlives_the_activation()
    {
        await Grain.Write(7);
        await Grain.WriteOther(8);
        await Grain.Leave();
        var seen = await Grain.See();
        Assert.Equal((7, true), (seen.Number, seen.Exists));
        Assert.Equal((8, true), await Grain.SeeOther());
    }

    [Fact]
    public async Task What_was_not_written_is_lost_with_the_activation()
    {
        await Grain.Write(7);
        await Grain.ChangeOnly(9);
        Assert.Equal(9, (await Grain.See()).Number);
        await Grain.Leave();
        Assert.Equal(7, (await Grain.See()).Number);
    }

    [Fact]
    public async Task Reading_again_brings_back_what_is_stored()
    {
        await Grain.Write(7);
        await Grain.ChangeOnly(9);
        await Grain.Read();
        Assert.Equal(7, (await Grain.See()).Number);
    }

    [Fact]
    public async Task Every_write_changes_the_etag()
    {
        await Grain.Write(1);
        string? first = (await Grain.See()).Etag;
        await Grain.Write(2);
        string? second = (await Grain.See()).Etag;
        Assert.NotNull(first);
        Assert.NotNull(second);
        Assert.NotEqual(first, second);
    }

    [Fact]
    public async Task A_write_behind_another_writer_is_refused_and_ends_the_activation()
    {
        await Grain.Write(1);
        await StoreAside(5);
        var exception = await Assert.ThrowsAnyAsync<InconsistentStateException>(() => Grain.Write(2));
        Assert.NotEqual(exception.StoredEtag, exception.CurrentEtag);
        Assert.Equal(5, (await Grain.See()).Number);
        await Grain.Write(6);
        Assert.Equal(6, (await Grain.See()).Number);
    }

    [Fact]
    public async Task A_grain_that_catches_the_refusal_stays_and_may_read_again()
    {
        await Grain.Write(1);
        var before = await Grain.Activation();
        await StoreAside(5);
        Assert.Equal(5, await Grain.WriteOrRead(2));
        Assert.Equal(before, await Grain.Activation());
    }

    [Fact]
    public async Task A_cleared_state_is_new_again_and_can_be_written_again()
    {
        await Grain.Write(7);
        await Grain.Clear();
        var seen = await Grain.See();
        Assert.Equal((0, false), (seen.Number, seen.Exists));
        await Grain.Write(3);
        await Grain.Leave();
        Assert.Equal(3, (await Grain.See()).Number);
    }

    [Fact]
    public async Task Stored_state_is_a_copy()
    {
        await Grain.WriteList(["a"]);
        await Grain.AddToListOnly("b");
        await Grain.Read();
        Assert.Equal(["a"], await Grain.List());
    }

    [Fact]
    public async Task A_storage_that_fails_on_read_fails_the_activation_wrapped()
    {
        var failing = silo.Services.GetRequiredKeyedService<IGrainStorage>("other");
        Assert.NotNull(failing);
        using var host = SiloFixture.Create(builder => builder.Services.AddGrainStorage("Default", (_, _) => new FaultyStorage(FaultyStorage.Fault.Read))
            .AddGrainStorage("other", (_, _) => new FaultyStorage(FaultyStorage.Fault.None)));
        await host.StartAsync(TestContext.Current.CancellationToken);
        var grain = host.Services.GetRequiredService<IGrainFactory>().GetGrain<IStateGrain>(key);
        var exception = await Assert.ThrowsAsync<OrleansException>(grain.See);
        Assert.IsType<IOException>(exception.InnerException);
        await host.StopAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_storage_that_fails_on_write_fails_the_call_wrapped_and_the_activation_stays()
    {
        using var host = SiloFixture.Create(builder => builder.Services.AddGrainStorage("Default", (_, _) => new FaultyStorage(FaultyStorage.Fault.Write))
            .AddGrainStorage("other", (_, _) => new FaultyStorage(FaultyStorage.Fault.None)));
        await host.StartAsync(TestContext.Current.CancellationToken);
        var grain = host.Services.GetRequiredService<IGrainFactory>().GetGrain<IStateGrain>(key);
        var before = await grain.Activation();
        var exception = await Assert.ThrowsAsync<OrleansException>(() => grain.Write(1));
        Assert.IsType<IOException>(exception.InnerException);
        Assert.Equal(before, await grain.Activation());
        await host.StopAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_provider_that_is_not_there_fails_the_activation_with_its_name()
    {
        var exception = await Assert.ThrowsAnyAsync<Exception>(() => silo.Grains.GetGrain<IOrphanGrain>(key).Hello());
        Assert.Contains("nowhere", exception.ToString());
    }

    [Fact]
    public async Task The_base_class_with_state_reads_writes_and_clears()
    {
        var grain = silo.Grains.GetGrain<IOldStyleGrain>(key);
        Assert.Equal(0, await grain.Number());
        await grain.Write(4);
        await grain.Leave();
        Assert.Equal(4, await grain.Number());
        await grain.Clear();
        Assert.Equal(0, await grain.Number());
    }

    private async Task StoreAside(int number)
    {
        var storage = silo.Services.GetRequiredService<IGrainStorage>();
        var state = new GrainState<Numbered>(new Numbered());
        await storage.ReadStateAsync("numbered", Grain.GetGrainId(), state);
        state.State = new Numbered { Number = number };
        await storage.WriteStateAsync("numbered", Grain.GetGrainId(), state);
    }
}

internal sealed class FaultyStorage(FaultyStorage.Fault fault) : IGrainStorage
{
    internal enum Fault { None, Read, Write }

    public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        fault == Fault.Read ? throw new IOException("no read") : Task.CompletedTask;

    public Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        fault == Fault.Write ? throw new IOException("no write") : Task.CompletedTask;

    public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) => Task.CompletedTask;
}

[GenerateSerializer, Alias("tests.Numbered")]
public sealed class Numbered
{
    [Id(0)]
    public int Number { get; set; }

    [Id(1)]
    public List<string> List { get; set; } = [];
}

[GenerateSerializer, Alias("tests.Seen")]
public sealed record Seen([property: Id(0)] int Number, [property: Id(1)] bool Exists, [property: Id(2)] string? Etag);

public interface IStateGrain : IGrainWithStringKey
{
    Task<Seen> See();
    Task<(int Number, bool Exists)> SeeOther();
    Task Write(int number);
    Task WriteOther(int number);
    Task ChangeOnly(int number);
    Task Read();
    Task Clear();
    Task Leave();
    Task<int> WriteOrRead(int number);
    Task<Guid> Activation();
    Task WriteList(string[] items);
    Task AddToListOnly(string item);
    Task<string[]> List();
}

internal sealed class StateGrain(
    [PersistentState("numbered")] IPersistentState<Numbered> state, [PersistentState("second", "other")] IPersistentState<Numbered> other)
    : Grain, IStateGrain
{
    private readonly Guid id = Guid.NewGuid();

    public Task<Seen> See() => Task.FromResult(new Seen(state.State.Number, state.RecordExists, state.Etag));

    public Task<(int Number, bool Exists)> SeeOther() => Task.FromResult((other.State.Number, other.RecordExists));

    public Task Write(int number)
    {
        state.State.Number = number;
        return state.WriteStateAsync();
    }

    public Task WriteOther(int number)
    {
        other.State.Number = number;
        return other.WriteStateAsync();
    }

    public Task ChangeOnly(int number)
    {
        state.State.Number = number;
        return Task.CompletedTask;
    }

    public Task Read() => state.ReadStateAsync();

    public Task Clear() => state.ClearStateAsync();

    public Task Leave()
    {
        DeactivateOnIdle();
        return Task.CompletedTask;
    }

    public async Task<int> WriteOrRead(int number)
    {
        try
        {
            await Write(number);
        }
        catch (InconsistentStateException)
        {
            await state.ReadStateAsync();
        }

        return state.State.Number;
    }

    public Task<Guid> Activation() => Task.FromResult(id);

    public Task WriteList(string[] items)
    {
        state.State.List = [.. items];
        return state.WriteStateAsync();
    }

    public Task AddToListOnly(string item)
    {
        state.State.List.Add(item);
        return Task.CompletedTask;
    }

    public Task<string[]> List() => Task.FromResult(state.State.List.ToArray());
}

public interface IOrphanGrain : IGrainWithStringKey
{
    Task<string> Hello();
}

internal sealed class OrphanGrain([PersistentState("state", "nowhere")] IPersistentState<Numbered> state) : Grain, IOrphanGrain
{
    public Task<string> Hello() => Task.FromResult("hello " + state.State.Number);
}

public interface IOldStyleGrain : IGrainWithStringKey
{
    Task<int> Number();
    Task Write(int number);
    Task Clear();
    Task Leave();
}

[StorageProvider(ProviderName = "other")]
internal sealed class OldStyleGrain : Grain<Numbered>, IOldStyleGrain
{
    public Task<int> Number() => Task.FromResult(State.Number);

    public Task Write(int number)
    {
        State.Number = number;
        return WriteStateAsync();
    }

    public Task Clear() => ClearStateAsync();

    public Task Leave()
    {
        DeactivateOnIdle();
        return Task.CompletedTask;
    }
}
