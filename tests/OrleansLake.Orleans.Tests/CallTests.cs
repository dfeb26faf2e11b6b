using Orleans.Serialization;

namespace OrleansLake.Orleans.Tests;

/// <summary>What crosses a call, and how calls end.</summary>
public sealed class CallTests(SiloFixture silo)
{
    private readonly string key = Guid.NewGuid().ToString("N");

    private ICallGrain Grain => silo.Grains.GetGrain<ICallGrain>(key);

    [Fact]
    public async Task Arguments_and_results_are_copies()
    {
        var sent = new Payload { Number = 1, Items = ["a"] };
        var received = await Grain.Keep(sent);
        Assert.NotSame(sent, received);
        Assert.Equal(["a"], received.Items);

        sent.Items.Add("b");
        received.Items.Add("c");
        Assert.Equal(["a"], (await Grain.Kept()).Items);
    }

    [Fact]
    public async Task What_is_marked_immutable_is_shared()
    {
        var sent = new Fixed("x");
        Assert.Same(sent, await Grain.EchoFixed(sent));
    }

    [Fact]
    public async Task A_member_without_an_id_does_not_cross() => Assert.Equal((7, 0), await Grain.Read(new Payload { Number = 7, Unmarked = 8 }));

    [Fact]
    public async Task A_positional_record_crosses_whole()
    {
        var sent = new Positional("name", 5, new Dictionary<string, int[]> { ["k"] = [1, 2] });
        var received = await Grain.EchoPositional(sent);
        Assert.Equal(("name", 5), (received.Name, received.Value));
        Assert.Equal([1, 2], received.Map["k"]);
        Assert.NotSame(sent.Map, received.Map);
    }

    [Fact]
    public async Task One_object_in_two_places_is_one_object_in_the_copy()
    {
        var shared = new Payload { Number = 1 };
        Assert.True(await Grain.AreSame(shared, shared));
        Assert.True(await Grain.HoldsTheSameTwice([shared, shared]));
        Assert.False(await Grain.AreSame(shared, new Payload { Number = 1 }));
    }

    [Fact]
    public async Task Collections_and_plain_values_cross()
    {
        var sent = new Everything
        {
            Set = ["x", "y"], Dictionary = new(StringComparer.OrdinalIgnoreCase) { ["K"] = 1 }, Queue = new([1, 2, 3]), Pair = (1, "one"),
            Bytes = [1, 2, 3], Grid = new[,] { { 1, 2 }, { 3, 4 } }, When = DateTimeOffset.UnixEpoch, Day = new DateOnly(2026, 1, 1),
            Id = Guid.NewGuid(), Maybe = 5, Kind = DayOfWeek.Friday, Big = decimal.MaxValue, Span = TimeSpan.FromSeconds(1),
            Address = new Uri("http://example/"), Sorted = new() { ["b"] = 2, ["a"] = 1 },
        };
        var received = await Grain.EchoEverything(sent);
        Assert.Equal(["x", "y"], received.Set.Order());
        Assert.Equal(1, received.Dictionary["k"]);
        Assert.Equal([1, 2, 3], received.Queue);
        Assert.Equal((1, "one"), received.Pair);
        Assert.Equal(sent.Bytes, received.Bytes);
        Assert.Equal(4, received.Grid[1, 1]);
        Assert.Equal(
            (sent.When, sent.Day, sent.Id, sent.Maybe, sent.Kind, sent.Big, sent.Span, sent.Address),
            (received.When, received.Day, received.Id, received.Maybe, received.Kind, received.Big, received.Span, received.Address));
        Assert.Equal(["a", "b"], received.Sorted.Keys);
    }

    [Fact]
    public async Task A_type_that_is_not_marked_does_not_cross() =>
        await Assert.ThrowsAsync<CodecNotFoundException>(() => Grain.EchoObject(new Stranger()));

    [Fact]
    public async Task A_reference_to_a_grain_crosses_and_can_be_called()
    {
        var other = silo.Grains.GetGrain<ICallGrain>(key + "other");
        Assert.Equal(key + "other", await Grain.KeyOf(other));
        Assert.Equal(other.GetGrainId(), silo.Grains.GetGrain<ICallGrain>(key + "other").GetGrainId());
    }

    [Fact]
    public async Task An_exception_arrives_as_the_same_instance()
    {
        var exception = await Assert.ThrowsAsync<PrivateException>(() => Grain.Throw(key));
        Assert.Same(ExceptionStore.Last[key], exception);
        Assert.Contains(nameof(CallGrain.Throw), exception.StackTrace);
    }

    [Fact]
    public async Task An_exception_before_the_first_await_fails_the_task_and_not_the_call()
    {
        var task = Grain.ThrowAtOnce();
        await Assert.ThrowsAsync<InvalidOperationException>(() => task);
        Assert.Equal(1, await Grain.One());
    }

    [Fact]
    public async Task Value_tasks_and_generic_methods_work()
    {
        Assert.Equal(3, await Grain.Add(1, 2));
        await Grain.Nothing();
        Assert.Equal("text", await Grain.Generic("text"));
        Assert.Equal(5, await Grain.Generic(5));
    }

    [Fact]
    public async Task A_call_without_an_answer_ends_in_a_timeout_and_the_grain_goes_on()
    {
        var exception = await Assert.ThrowsAsync<TimeoutException>(() => Grain.Slow(key));
        Assert.Contains("Response did not arrive on time", exception.Message);
        var next = Grain.One();
        Gate.Open(key);
        Assert.Equal(1, await next);
    }

    [Fact]
    public async Task A_token_that_is_already_cancelled_never_reaches_the_grain()
    {
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Grain.Cancellable(key, new CancellationToken(true)));
        Assert.Equal(1, await Grain.One());
        Assert.False(Gate.IsReached(key));
    }

    [Fact]
    public async Task Cancelling_releases_the_caller_at_once_and_tells_the_grain()
    {
        using var cancellation = new CancellationTokenSource();
        var call = Grain.Cancellable(key, cancellation.Token);
        await Gate.ReachedAsync(key);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        await SiloFixture.Until(() => Task.FromResult(Gate.IsReached(key + "cancelled")));
        Gate.Open(key);
        Gate.Open(key + "cancelled");
        Assert.Equal(1, await Grain.One());
    }

    [Fact]
    public async Task A_call_that_is_cancelled_while_it_waits_releases_its_caller_at_once()
    {
        var blocking = Grain.Wait(key + "blocking");
        await Gate.ReachedAsync(key + "blocking");
        using var cancellation = new CancellationTokenSource();
        var call = Grain.Cancellable(key, cancellation.Token);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        Assert.False(Gate.IsReached(key));
        Assert.False(blocking.IsCompleted);

        // Whether the call begins all the same is not promised: the grain is told later than the caller.
        Gate.Open(key);
        Gate.Open(key + "cancelled");
        Gate.Open(key + "blocking");
        await blocking;
        Assert.Equal(1, await Grain.One());
    }

    [Fact]
    public async Task An_operation_that_the_grain_cancels_itself_arrives_as_cancelled() =>
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Grain.CancelItself());

    [Fact]
    public void An_interface_that_no_class_implements_is_refused() =>
        Assert.Throws<ArgumentException>(() => silo.Grains.GetGrain<INobodyImplements>(key));

    [Fact]
    public async Task Keys_come_back_as_they_were_given()
    {
        Assert.Equal(-42, await silo.Grains.GetGrain<IIntegerKeyGrain>(-42).Key());
        var guid = Guid.NewGuid();
        Assert.Equal(guid, await silo.Grains.GetGrain<IGuidKeyGrain>(guid).Key());
        Assert.Equal("a/b c+d", await silo.Grains.GetGrain<ICallGrain>("a/b c+d").KeyOf(silo.Grains.GetGrain<ICallGrain>("a/b c+d")));
        Assert.Equal("named/x", (await silo.Grains.GetGrain<INamedGrain>("x").Id()).ToString());
        Assert.Equal("call/" + key, Grain.GetGrainId().ToString());
        Assert.Equal("integerkey/2A", silo.Grains.GetGrain<IIntegerKeyGrain>(42).GetGrainId().ToString());
        Assert.Equal(42, silo.Grains.GetGrain<IIntegerKeyGrain>(42).GetPrimaryKeyLong());
        Assert.Equal(guid, silo.Grains.GetGrain<IGuidKeyGrain>(guid).GetPrimaryKey());
    }

    [Fact]
    public async Task References_to_one_grain_are_equal()
    {
        Assert.Equal(Grain, silo.Grains.GetGrain<ICallGrain>(key));
        Assert.NotEqual(Grain, silo.Grains.GetGrain<ICallGrain>(key + "x"));
        Assert.Equal(1, await Grain.AsReference<ICallGrain>().One());
        Assert.Equal(1, await silo.Grains.GetGrain<ICallGrain>(Grain.GetGrainId()).One());
    }
}

internal static class ExceptionStore
{
    public static readonly System.Collections.Concurrent.ConcurrentDictionary<string, Exception> Last = new();
}

internal sealed class PrivateException(string message) : Exception(message);

#pragma warning disable ORLEANS0004 // the member without an id is what the test is about
[GenerateSerializer, Alias("tests.Payload")]
public sealed class Payload
#pragma warning restore ORLEANS0004
{
    [Id(0)]
    public int Number { get; set; }

    [Id(1)]
    public List<string> Items { get; set; } = [];

    public int Unmarked { get; set; }
}

[GenerateSerializer, Immutable, Alias("tests.Fixed")]
public sealed record Fixed([property: Id(0)] string Text);

[GenerateSerializer, Alias("tests.Positional")]
public sealed record Positional(string Name, int Value, Dictionary<string, int[]> Map);

[GenerateSerializer, Alias("tests.Everything")]
public sealed class Everything
{
    [Id(0)] public HashSet<string> Set { get; set; } = [];
    [Id(1)] public Dictionary<string, int> Dictionary { get; set; } = [];
    [Id(2)] public Queue<int> Queue { get; set; } = new();
    [Id(3)] public (int, string) Pair { get; set; }
    [Id(4)] public byte[] Bytes { get; set; } = [];
    [Id(5)] public int[,] Grid { get; set; } = new int[0, 0];
    [Id(6)] public DateTimeOffset When { get; set; }
    [Id(7)] public DateOnly Day { get; set; }
    [Id(8)] public Guid Id { get; set; }
    [Id(9)] public int? Maybe { get; set; }
    [Id(10)] public DayOfWeek Kind { get; set; }
    [Id(11)] public decimal Big { get; set; }
    [Id(12)] public TimeSpan Span { get; set; }
    [Id(13)] public Uri? Address { get; set; }
    [Id(14)] public SortedDictionary<string, int> Sorted { get; set; } = [];
}

public sealed class Stranger;

public interface INobodyImplements : IGrainWithStringKey;

public interface ICallGrain : IGrainWithStringKey
{
    Task<Payload> Keep(Payload payload);
    Task<Payload> Kept();
    Task<Fixed> EchoFixed(Fixed value);
    Task<(int Number, int Unmarked)> Read(Payload payload);
    Task<Positional> EchoPositional(Positional value);
    Task<bool> AreSame(Payload one, Payload other);
    Task<bool> HoldsTheSameTwice(Payload[] pair);
    Task<Everything> EchoEverything(Everything value);
    Task<object> EchoObject(object value);
    Task<string> KeyOf(ICallGrain grain);
    Task<string> OwnKey();
    Task Throw(string store);
    Task ThrowAtOnce();
    Task<int> One();
    ValueTask<int> Add(int one, int other);
    ValueTask Nothing();
    Task<T> Generic<T>(T value);

    [ResponseTimeout("00:00:00.5")]
    Task Slow(string door);

    Task Cancellable(string door, CancellationToken cancellationToken);
    Task Wait(string door);
    Task CancelItself();
}

internal sealed class CallGrain : Grain, ICallGrain
{
    private Payload kept = new();

    public Task<Payload> Keep(Payload payload) => Task.FromResult(kept = payload);

    public Task<Payload> Kept() => Task.FromResult(kept);

    public Task<Fixed> EchoFixed(Fixed value) => Task.FromResult(value);

    public Task<(int Number, int Unmarked)> Read(Payload payload) => Task.FromResult((payload.Number, payload.Unmarked));

    public Task<Positional> EchoPositional(Positional value) => Task.FromResult(value);

    public Task<bool> AreSame(Payload one, Payload other) => Task.FromResult(ReferenceEquals(one, other));

    public Task<bool> HoldsTheSameTwice(Payload[] pair) => Task.FromResult(ReferenceEquals(pair[0], pair[1]));

    public Task<Everything> EchoEverything(Everything value) => Task.FromResult(value);

    public Task<object> EchoObject(object value) => Task.FromResult(value);

    public Task<string> KeyOf(ICallGrain grain) => grain.GetPrimaryKeyString() == this.GetPrimaryKeyString() ? OwnKey() : grain.OwnKey();

    public Task<string> OwnKey() => Task.FromResult(this.GetPrimaryKeyString());

    public async Task Throw(string store)
    {
        await Task.Yield();
        throw ExceptionStore.Last[store] = new PrivateException("thrown in a grain");
    }

    public Task ThrowAtOnce() => throw new InvalidOperationException("at once");

    public Task<int> One() => Task.FromResult(1);

    public ValueTask<int> Add(int one, int other) => ValueTask.FromResult(one + other);

    public ValueTask Nothing() => ValueTask.CompletedTask;

    public Task<T> Generic<T>(T value) => Task.FromResult(value);

    public Task Slow(string door) => Gate.PassAsync(door);

    public async Task Cancellable(string door, CancellationToken cancellationToken)
    {
        int scheduler = TaskScheduler.Current.Id;
        using var registration = cancellationToken.Register(() =>
        {
            if (TaskScheduler.Current.Id == scheduler) _ = Gate.PassAsync(door + "cancelled");
        });
        await Gate.PassAsync(door);
    }

    public Task Wait(string door) => Gate.PassAsync(door);

    public Task CancelItself() => Task.FromCanceled(new CancellationToken(true));
}

public interface IIntegerKeyGrain : IGrainWithIntegerKey
{
    Task<long> Key();
}

internal sealed class IntegerKeyGrain : Grain, IIntegerKeyGrain
{
    public Task<long> Key() => Task.FromResult(this.GetPrimaryKeyLong());
}

public interface IGuidKeyGrain : IGrainWithGuidKey
{
    Task<Guid> Key();
}

internal sealed class GuidKeyGrain : Grain, IGuidKeyGrain
{
    public Task<Guid> Key() => Task.FromResult(this.GetPrimaryKey());
}

public interface INamedGrain : IGrainWithStringKey
{
    Task<GrainId> Id();
}

[GrainType("named")]
internal sealed class OddlyNamed : IGrainBase, INamedGrain
{
    public OddlyNamed(IGrainContext context) => GrainContext = context;

    public IGrainContext GrainContext { get; }

    public Task<GrainId> Id() => Task.FromResult(this.GetGrainId());
}
