using OrleansLake.Ingest.Commit;
using OrleansLake.Ingest.Pump;
using OrleansLake.Testing.Iceberg;
using OrleansLake.Testing.Simulation;
using static OrleansLake.Ingest.Tests.Pump.PumpStand;

namespace OrleansLake.Ingest.Tests.Pump;

public sealed class PumpHandOverTests
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    [Fact]
    public void A_topic_partition_that_moves_is_flushed_reported_and_answered_first()
    {
        var stand = new PumpStand();
        stand.Publish(A, 10);
        stand.Publish(B, 10);
        stand.Attach(A);
        stand.Attach(B);
        Assert.True(stand.RunUntil(() => stand.Source.PositionOf(A) == 10 && stand.Source.PositionOf(B) == 10));
        HandOver handOver = stand.Result(stand.Ask<HandOver>(answer => stand.Loop.Detach(A, answer)), Interval / 4);
        Assert.Equal(new HandOver(10, true), handOver);
        Assert.Equal([B], stand.Source.Assigned);
        Assert.Equal([B], stand.Loop.PublishStatus().Partitions.Select(partition => partition.TopicPartition));
    }

    [Fact]
    public void A_hand_over_without_an_answer_ends_after_its_time()
    {
        var stand = new PumpStand();
        stand.Publish(A, 10);
        stand.Attach(A);
        Assert.True(stand.RunUntil(() => stand.Source.PositionOf(A) == 10));
        stand.Committer.IsUndecided = true;
        HandOver handOver = stand.Result(stand.Ask<HandOver>(answer => stand.Loop.Detach(A, answer)), TimeSpan.FromSeconds(16));
        Assert.False(handOver.IsClean);

        // Attached again meanwhile, it goes on once the answer is there.
        stand.Attach(A);
        stand.Publish(A, 5);
        stand.Run(Interval);
        Assert.Equal(PartitionState.Draining, stand[A].State);
        stand.Committer.IsUndecided = false;
        Assert.True(stand.RunUntil(() => stand.Committer.Next.GetValueOrDefault(A) == 15));
    }

    [Fact]
    public void Letting_go_of_what_is_not_there_is_done_at_once()
    {
        var stand = new PumpStand();
        Assert.True(stand.Result(stand.Ask<HandOver>(answer => stand.Loop.Detach(A, answer))).IsClean);
    }

    [Fact]
    public void A_stop_closes_reports_and_awaits_the_answer()
    {
        var stand = new PumpStand();
        stand.Publish(A, 10);
        stand.Attach(A);
        Assert.True(stand.RunUntil(() => stand.Source.PositionOf(A) == 10));
        stand.Loop.Post(stand.Loop.Stop);
        Assert.True(stand.Result(stand.Loop.Stopped, Interval / 4));
        Assert.Equal(10, stand.Committer.Next[A]);
        Assert.True(stand.Source.IsDisposed);
        Assert.IsType<FlushResult.GivenUp>(AskStopped(stand));

        static FlushResult AskStopped(PumpStand stand)
        {
            var answer = new TaskCompletionSource<FlushResult>();
            stand.Loop.Flush(answer);
            return answer.Task.Result;
        }
    }

    [Fact]
    public void A_stop_without_an_answer_ends_after_its_time_and_deletes_nothing_that_was_reported()
    {
        var stand = new PumpStand();
        stand.Publish(A, 10);
        stand.Attach(A);
        stand.Committer.IsUndecided = true;
        Assert.True(stand.RunUntil(() => stand.Committer.Received.Count == 1));
        stand.Publish(A, 10);
        Assert.True(stand.RunUntil(() => stand.Source.PositionOf(A) == 20));
        stand.Loop.Post(stand.Loop.Stop);
        Assert.False(stand.Result(stand.Loop.Stopped, TimeSpan.FromSeconds(16)));
        Assert.Equal(10, Assert.Single(stand.Files.Files).Value.Rows.Count);
        Assert.Equal(stand.Committer.Received[0].Files[0].FilePath, stand.Files.Files.Keys.Single());
    }

    [Fact]
    public void Short_memory_flushes_the_largest_pauses_and_goes_on()
    {
        var memory = new MemoryBudget(100_000);
        var scheduler = new SimulatedScheduler(5);
        var large = new PumpStand(memory: memory, scheduler: scheduler);
        var small = new PumpStand(memory: memory, scheduler: scheduler);
        large.Committer.IsUndecided = true;
        large.Publish(A, 3000);
        small.Publish(A, 100);
        large.Attach(A);
        small.Attach(A);
        large.Writers.CloseTime = TimeSpan.FromSeconds(1);
        large.Source.MaxBatch = 100;
        small.RunUntil(static () => true);
        Assert.True(large.RunUntil(() => large.Committer.Received.Count > 0, Interval * 0.95));
        Assert.Empty(small.Committer.Received);
        Assert.True(memory.UsedBytes <= 110_000);

        // Two reports wait and nobody answers: the rest stays in Kafka.
        large.Run(Interval * 6);
        Assert.True(large.Source.IsPaused(A));
        Assert.True(memory.UsedBytes <= 110_000);
        Assert.True(large.Source.PositionOf(A) < 3000);
        Assert.Equal(PartitionState.Held, large[A].State);

        large.Committer.IsUndecided = false;
        Assert.True(large.RunUntil(() => large.Committer.Next.GetValueOrDefault(A) == 3000));
        Assert.Equal(100, small.Committer.Next[A]);
        large.Run(TimeSpan.FromSeconds(2));
        Assert.Equal(0, memory.UsedBytes);
    }

    [Fact]
    public async Task The_thread_reads_reports_and_stops()
    {
        var stand = new PumpStand();
        stand.Publish(A, 10_000);
        var committed = new TaskCompletionSource();
        var committer = new ImmediateCommitter(stand.Table.TableUuid);
        await using var pump = new Ingest.Pump.Pump(
            Options with { FlushInterval = TimeSpan.FromMilliseconds(100) },
            new ModelSource(stand.Broker, new Random(1)) { MaxBatch = 1000 },
            new ImmediateWriters(),
            committer,
            new NoFacts(),
            _ => Task.FromResult(new PumpTables(
                new Iceberg.LoadedTable(Iceberg.TableIdentifier.Parse("db.t"), stand.Table, "m", new InMemoryObjectStore(TimeProvider.System)),
                new Iceberg.LoadedTable(Iceberg.TableIdentifier.Parse("db.d"), stand.Table, "m", new InMemoryObjectStore(TimeProvider.System)))),
            new MemoryBudget(1 << 20),
            TimeProvider.System,
            new Iceberg.IdSource(TimeProvider.System, new Random(1)),
            e =>
            {
                if (e is PumpEvent.Committed { Report.Ranges: [{ Range.Next: 10_000 }] })
                {
                    committed.TrySetResult();
                }
            });
        pump.Attach(A, StartPosition.Earliest);
        await committed.Task.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
        PumpStatus status = await pump.StatusAsync(TestContext.Current.CancellationToken);
        Assert.Equal((10_000, 10_000L), (status.Rows, status.Partitions[0].CommittedNext));
        await pump.SeekAsync(A, _ =>
        {
            committer.Next = 9_000;
            return Task.CompletedTask;
        }, TestContext.Current.CancellationToken);
        Assert.True((await pump.DetachAsync(A, TestContext.Current.CancellationToken)).IsClean);
        Assert.True(await pump.StopAsync(TestContext.Current.CancellationToken));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => pump.FlushAsync(TestContext.Current.CancellationToken));
    }

    private sealed class NoFacts : IClusterFacts
    {
        public Task<IReadOnlyDictionary<TopicPartition, long>> StartOffsetsAsync(IReadOnlyCollection<TopicPartition> topicPartitions, StartPosition start, CancellationToken cancellationToken) =>
            Task.FromResult<IReadOnlyDictionary<TopicPartition, long>>(topicPartitions.ToDictionary(tp => tp, _ => 0L));

        public Task<TopicIdentities> IdentitiesAsync(IReadOnlyCollection<string> topics, CancellationToken cancellationToken) => Task.FromResult(TopicIdentities.Unknown);
    }

    private sealed class ImmediateCommitter(Guid tableUuid) : ICommitter
    {
        private readonly System.Collections.Concurrent.ConcurrentDictionary<Guid, ReportAnswer> _answers = new();

        public long Next { get; set; }

        public Task EnqueueAsync(DataWritten report, CancellationToken cancellationToken)
        {
            _answers.GetOrAdd(report.ReportId, _ =>
            {
                Assert.Equal(Next, report.Ranges[0].Range.First);
                Next = report.Ranges[0].Range.Next;
                return new ReportAnswer.Committed(1, 1, 0);
            });
            return Task.CompletedTask;
        }

        public Task<ReportAnswer> OutcomeAsync(Guid reportId, CancellationToken cancellationToken) => Task.FromResult(_answers[reportId]);

        public Task<ResumePoint> ResumeAsync(string pipeline, string generation, IReadOnlyList<TopicPartition> topicPartitions, IReadOnlyDictionary<string, string> topicIds, CancellationToken cancellationToken) =>
            Task.FromResult(new ResumePoint(tableUuid, 1, 0, Next == 0 ? [] : topicPartitions.Select(tp => new ResumePosition(tp, Next, -1, Next, [])).ToList()));
    }

    private sealed class ImmediateWriters : IRowWriterFactory
    {
        public IRowWriter Open(Iceberg.LoadedTable table, Iceberg.LoadedTable deadLetters) => new Writer();

        private sealed class Writer : IRowWriter
        {
            private int _rows;

            public long BufferedBytes => _rows;

            public long LargestFileBytes => _rows;

            public AppendedRecords Append(OrleansLake.Ingest.Kafka.KafkaBatch batch, string? topicId)
            {
                _rows += batch.Count;
                return new AppendedRecords(batch.Count, 0);
            }

            public Task<WrittenFiles> CloseAsync(CancellationToken cancellationToken) => Task.FromResult(new WrittenFiles([], []));

            public ValueTask DisposeAsync() => ValueTask.CompletedTask;
        }
    }
}
