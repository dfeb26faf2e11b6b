using Microsoft.Extensions.Logging.Abstractions;
using OrleansLake.Contracts;
using OrleansLake.Iceberg;
using OrleansLake.Ingest;
using OrleansLake.Ingest.Commit;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Ingest.Pump;

namespace OrleansLake.Grains.Tests;

public sealed class PumpHostTests
{
    private static readonly TopicPartition First = new("events", 0);
    private static readonly TopicPartition Second = new("events", 1);
    private static readonly PipelineDefinition Definition = new() { Name = "p", Topics = ["events"], Table = "db.events" };

    private readonly IdlePumps _factory = new();
    private readonly PumpHost _host;

    public PumpHostTests() => _host = new PumpHost(_factory, TimeProvider.System, NullLogger<PumpHost>.Instance);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Topic_partitions_of_a_pipeline_share_one_pump_until_the_last_has_gone()
    {
        PumpLease first = _host.Attach(Definition, First, paused: false, () => { })!;
        PumpLease second = _host.Attach(Definition with { Topics = ["events"] }, Second, paused: false, () => { })!;
        Assert.Equal(1, _factory.Made);
        var (_, status) = Assert.Single(await _host.StatusesAsync(Token));
        Assert.Equal([First, Second], status.Partitions.Select(partition => partition.TopicPartition));

        Assert.True(await first.DetachAsync(Token));
        Assert.False(first.IsValid);
        Assert.Single(await _host.StatusesAsync(Token));
        Assert.True(await second.DetachAsync(Token));
        Assert.Empty(await _host.StatusesAsync(Token));
    }

    [Fact]
    public async Task A_pipeline_with_another_definition_gets_another_pump()
    {
        PumpLease before = _host.Attach(Definition, First, paused: false, () => { })!;
        PumpLease after = _host.Attach(Definition with { FlushInterval = TimeSpan.FromSeconds(3) }, Second, paused: false, () => { })!;
        Assert.Equal(2, _factory.Made);
        await before.DetachAsync(Token);
        Assert.True(after.IsValid);
        Assert.Equal(TimeSpan.FromSeconds(3), Assert.Single(await _host.StatusesAsync(Token)).Definition.FlushInterval);
        await _host.DrainAsync(Token);
    }

    [Fact]
    public async Task A_lease_that_is_not_renewed_is_given_up_and_one_that_is_stays()
    {
        PumpLease forsaken = _host.Attach(Definition, First, paused: false, () => { })!;
        PumpLease held = _host.Attach(Definition, Second, paused: false, () => { })!;
        await _host.StopForsakenAsync(TimeSpan.FromMinutes(1), Token);
        Assert.True(forsaken.IsValid);

        long until = Environment.TickCount64 + 30;
        SpinWait.SpinUntil(() => Environment.TickCount64 > until);
        held.Renew();
        await _host.StopForsakenAsync(TimeSpan.FromMilliseconds(25), Token);
        Assert.False(forsaken.IsValid);
        Assert.True(held.IsValid);
        await _host.DrainAsync(Token);
    }

    [Fact]
    public async Task A_newcomer_takes_the_lease_and_the_former_holder_cannot_detach_it()
    {
        PumpLease former = _host.Attach(Definition, First, paused: false, () => { })!;
        PumpLease newcomer = _host.Attach(Definition, First, paused: false, () => { })!;
        Assert.False(former.IsValid);
        await former.DetachAsync(Token);
        Assert.True(newcomer.IsValid);
        Assert.Single(Assert.Single(await _host.StatusesAsync(Token)).Status.Partitions);
        await _host.DrainAsync(Token);
    }

    [Fact]
    public async Task Flushes_with_one_id_are_one_flush_and_what_is_seen_after_it_is_not_from_before()
    {
        var host = new PumpHost(_factory, new StandingClock(), NullLogger<PumpHost>.Instance); // by this clock a status never gets old
        PumpLease first = host.Attach(Definition, First, paused: false, () => { })!;
        PumpLease second = host.Attach(Definition, Second, paused: false, () => { })!;
        PumpStatus before = Assert.Single(await host.StatusesAsync(Token)).Status;
        Assert.Same(before, Assert.Single(await host.StatusesAsync(Token)).Status);

        Guid flush = Guid.NewGuid();
        Task<FlushResult> one = host.FlushAsync(first.Pump, flush);
        Assert.Same(one, host.FlushAsync(second.Pump, flush));
        Assert.IsType<FlushResult.Nothing>(await one);
        Assert.NotSame(before, Assert.Single(await host.StatusesAsync(Token)).Status);
        Assert.NotSame(one, host.FlushAsync(second.Pump, Guid.NewGuid()));
        await host.DrainAsync(Token);
    }

    [Fact]
    public async Task A_draining_silo_attaches_nothing_any_more()
    {
        PumpLease lease = _host.Attach(Definition, First, paused: false, () => { })!;
        await _host.DrainAsync(Token);
        Assert.False(lease.IsValid);
        Assert.Null(_host.Attach(Definition, First, paused: false, () => { }));
        Assert.Empty(await _host.StatusesAsync(Token));
    }

    /// <summary>Pumps whose table never loads: what is attached stays at asking where to begin.</summary>
    private sealed class IdlePumps : IPumpFactory
    {
        public int Made { get; private set; }

        public Pump Create(PipelineDefinition definition, Action<PumpEvent> onEvent)
        {
            Made++;
            return new Pump(
                new PumpOptions { Pipeline = definition.Name, Generation = definition.Generation, Silo = "test" },
                new NoSource(), new NoWriters(), new NoCommitter(), new NoFacts(),
                async token =>
                {
                    await Task.Delay(Timeout.Infinite, token);
                    throw new InvalidOperationException("never");
                },
                new MemoryBudget(1 << 20), TimeProvider.System, new IdSource(TimeProvider.System, new Random(1)), onEvent);
        }
    }

    private sealed class StandingClock : TimeProvider
    {
        public override long GetTimestamp() => 0;
    }

    private sealed class NoSource : IRecordSource
    {
        public string? Trouble => null;

        public void Assign(TopicPartition topicPartition, long position)
        {
        }

        public void Unassign(TopicPartition topicPartition)
        {
        }

        public void SetPaused(TopicPartition topicPartition, bool paused)
        {
        }

        public KafkaBatch? Poll(TimeSpan timeout, CancellationToken cancellationToken) => null;

        public PartitionEnds? EndsOf(TopicPartition topicPartition) => null;

        public void Dispose()
        {
        }
    }

    private sealed class NoWriters : IRowWriterFactory
    {
        public IRowWriter Open(LoadedTable table, LoadedTable deadLetters) => throw new InvalidOperationException("nothing is read here");
    }

    private sealed class NoCommitter : ICommitter
    {
        public Task EnqueueAsync(DataWritten report, CancellationToken cancellationToken) => throw new InvalidOperationException("nothing is reported here");

        public Task<ReportAnswer> OutcomeAsync(Guid reportId, CancellationToken cancellationToken) => throw new InvalidOperationException("nothing is reported here");

        public Task<ResumePoint> ResumeAsync(string pipeline, string generation, IReadOnlyList<TopicPartition> topicPartitions, IReadOnlyDictionary<string, string> topicIds, CancellationToken cancellationToken) =>
            throw new InvalidOperationException("the table never loads");
    }

    private sealed class NoFacts : IClusterFacts
    {
        public Task<IReadOnlyDictionary<TopicPartition, long>> StartOffsetsAsync(
            IReadOnlyCollection<TopicPartition> topicPartitions, StartPosition start, CancellationToken cancellationToken) => throw new InvalidOperationException("nobody asks");

        public Task<TopicIdentities> IdentitiesAsync(IReadOnlyCollection<string> topics, CancellationToken cancellationToken) => Task.FromResult(TopicIdentities.Unknown);
    }
}
