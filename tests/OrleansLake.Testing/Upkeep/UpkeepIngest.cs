using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging.Abstractions;
using OrleansLake.Iceberg;
using OrleansLake.Ingest;
using OrleansLake.Ingest.Commit;
using OrleansLake.Ingest.Pump;

namespace OrleansLake.Testing.Upkeep;

/// <summary>Ingestion while the table is kept up: two writers with a topic-partition each, two committers with the real code, all of them mortal.</summary>
internal sealed class UpkeepIngest(UpkeepSimulationWorld world, long recordsOfPartition)
{
    private static readonly Meter Meter = new("upkeep simulation");
    private readonly (UpkeepProcess Process, TableCommitter Committer)[] _committers = new (UpkeepProcess, TableCommitter)[2];

    public void Begin()
    {
        for (int n = 0; n < _committers.Length; n++)
        {
            StartCommitter(n);
        }

        for (int partition = 0; partition < 2; partition++)
        {
            StartWriter(partition);
        }
    }

    /// <summary>Every record is in.</summary>
    public bool IsComplete() => world.Checker.Next.All(next => next == recordsOfPartition);

    private void StartCommitter(int number)
    {
        var process = new UpkeepProcess(world, $"committer {number}") { Expected = new Expected.Ingest(), Deed = "ingest" };
        var committer = new TableCommitter(
            new TableCommitterOptions
            {
                Table = UpkeepSimulationWorld.Rows, Interval = TimeSpan.FromSeconds(1), KeptSnapshots = 3, History = TimeSpan.FromSeconds(10),
                ProtectedSnapshots = () =>
                {
                    process.AskedAt = world.Scheduler.Now;
                    return [.. world.Bases.Values.Select(running => running.SnapshotId)];
                },
            },
            new UpkeepProcessCatalog(world, process), world.Ids, world.Scheduler.Time, new CommitMetrics(Meter), NullLogger.Instance, null, world.Options.CommitRules);
        _committers[number] = (process, committer);
        _ = RunAsync();
        world.Scheduler.After(TimeSpan.FromSeconds(2), Watch);

        async Task RunAsync()
        {
            try
            {
                await committer.RunAsync(process.Ended.Token);
            }
            catch (OperationCanceledException)
            {
                // it died
            }
        }

        void Watch()
        {
            if (process.IsAlive)
            {
                world.Scheduler.After(TimeSpan.FromSeconds(2), Watch);
            }
            else
            {
                StartCommitter(number);
            }
        }
    }

    private void StartWriter(int partition)
    {
        var process = new UpkeepProcess(world, $"writer {partition}");
        _ = WriteAsync(process, partition);
        world.Scheduler.After(TimeSpan.FromSeconds(2), Watch);

        void Watch()
        {
            if (process.IsAlive)
            {
                world.Scheduler.After(TimeSpan.FromSeconds(2), Watch);
            }
            else
            {
                StartWriter(partition);
            }
        }
    }

    private async Task WriteAsync(UpkeepProcess process, int partition)
    {
        var topicPartition = new TopicPartition("events", partition);
        var catalog = new UpkeepProcessCatalog(world, process);
        while (process.IsAlive && !IsComplete())
        {
            try
            {
                ResumePoint point = await AskAsync(process, committer => committer.ResumeAsync(UpkeepSimulationWorld.Pipeline, UpkeepSimulationWorld.Generation, [topicPartition], new Dictionary<string, string>(), default));
                long next = point.Partitions.Count == 0 ? 0 : point.Partitions[0].Next;
                bool goesOn = true;
                while (goesOn && next < recordsOfPartition)
                {
                    long to = Math.Min(recordsOfPartition, next + world.Random.Next(1, 6));
                    LoadedTable table = (await catalog.LoadTableAsync(UpkeepSimulationWorld.Rows, default))!;
                    IReadOnlyList<DataFile> files = await world.WriteAsync(table, UpkeepChecker.Records(partition, next, to));
                    await PauseAsync(process, world.Happens(0.05, "file lies about") ? TimeSpan.FromSeconds(20) + world.UpTo(30) : world.UpTo(2));
                    goesOn = await ReportAsync(process, new DataWritten
                    {
                        ReportId = world.Ids.NewUuid(),
                        WriterId = process.Name,
                        Pipeline = UpkeepSimulationWorld.Pipeline,
                        Generation = UpkeepSimulationWorld.Generation,
                        TableUuid = table.Metadata.TableUuid,
                        SchemaId = table.Metadata.CurrentSchemaId,
                        FieldIds = [.. FieldIds.Of(table.Metadata.CurrentSchema)],
                        LastSequenceNumber = table.Metadata.LastSequenceNumber,
                        FirstSentMs = world.Scheduler.Time.GetUtcNow().ToUnixTimeMilliseconds(),
                        Files = files,
                        Ranges = [new WrittenRange { TopicPartition = topicPartition, Range = new OffsetRange(next, to), Rows = to - next, Rejected = 0, Gap = 0, ContinuesTable = next > 0 }],
                    });
                    next = to;
                }
            }
            catch (Exception e) when (e is IOException or TimeoutException)
            {
                world.Trace(() => $"{process.Name}: {e.Message}");
            }
            catch (Exception e)
            {
                world.Fail($"{process.Name} cannot go on: {e.Message}");
                return;
            }

            await PauseAsync(process, world.UpTo(2));
        }
    }

    /// <summary>True: it is in.</summary>
    private async Task<bool> ReportAsync(UpkeepProcess process, DataWritten report)
    {
        await AskAsync(process, async committer =>
        {
            await committer.EnqueueAsync(report, default);
            return true;
        });
        while (true)
        {
            switch (await AskAsync(process, committer => committer.OutcomeAsync(report.ReportId, default)))
            {
                case ReportAnswer.Committed:
                    return true;
                case ReportAnswer.Refused refused:
                    world.Count($"report refused: {refused.Reason}");
                    world.Trace(() => $"{process.Name} hears: {refused.Message}");
                    return false;
                case ReportAnswer.NotKnown:
                    await AskAsync(process, async committer =>
                    {
                        await committer.EnqueueAsync(report, default);
                        return true;
                    });
                    break;
                default:
                    break;
            }

            await PauseAsync(process, world.UpTo(1));
        }
    }

    /// <summary>A call over the network, to one of the two: there and back, or no answer.</summary>
    private async Task<T> AskAsync<T>(UpkeepProcess process, Func<TableCommitter, Task<T>> call)
    {
        await PauseAsync(process, world.Latency());
        var (target, committer) = _committers[world.Happens(0.05, "committer changed") ? world.Random.Next(2) : 0];
        if (!target.IsAlive || world.Happens(0.01, "message lost"))
        {
            await PauseAsync(process, world.UpTo(4));
            throw new TimeoutException("no committer answers");
        }

        Task<T> answer = call(committer);
        Task<bool> tooLong = world.Scheduler.Later(TimeSpan.FromSeconds(40), static () => true);
        if (await Task.WhenAny(answer, tooLong) == tooLong)
        {
            throw new TimeoutException("no answer");
        }

        T result = await answer;
        await PauseAsync(process, world.Latency());
        return result;
    }

    private async Task PauseAsync(UpkeepProcess process, TimeSpan time)
    {
        await world.Scheduler.Later(time, static () => true);
        if (!process.IsAlive || process.Dies("a pause"))
        {
            await new TaskCompletionSource().Task;
        }
    }
}
