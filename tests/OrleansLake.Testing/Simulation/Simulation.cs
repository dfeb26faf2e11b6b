using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging.Abstractions;
using OrleansLake.Iceberg;
using OrleansLake.Ingest;
using OrleansLake.Ingest.Commit;
using OrleansLake.Ingest.Pump;

namespace OrleansLake.Testing.Simulation;

/// <summary>
/// The whole line on one seed: topics, pumps, two committers, the real commit code on a table in memory; crashes, freezes,
/// lost, late and repeated messages, swaps whose end nobody knows, and strangers. What must hold is in
/// <see cref="TableChecker"/>; here it only happens.
/// </summary>
internal sealed class Simulation
{
    private static readonly Meter Meter = new("simulation");
    private readonly SimulationWorld _world;
    private readonly Strangers _strangers;
    private readonly SimulatedPump?[] _pumps;
    private readonly SimulatedProcess?[] _committerProcesses = new SimulatedProcess?[2];
    private readonly List<TopicPartition> _topicPartitions = [];
    private readonly Dictionary<TopicPartition, int> _owners = [];
    private readonly bool _isMoody;
    private Operators? _operators;

    private Simulation(SimulationOptions options)
    {
        _world = new SimulationWorld(options);
        _strangers = new Strangers(_world);
        _pumps = new SimulatedPump?[2 + _world.Random.Next(2)];
        _isMoody = _world.Random.Next(2) == 0 || Operators.DeedOf(options.Seed) == OperatorDeed.RaceSchemas;
        int count = 1 + _world.Random.Next(4);
        for (int partition = 0; partition < count; partition++)
        {
            _topicPartitions.Add(new TopicPartition("events", partition));
        }

        _world.Kill = Kill;
    }

    public static SimulationResult Run(SimulationOptions options)
    {
        var simulation = new Simulation(options);
        simulation.Run();
        SimulationWorld world = simulation._world;
        return new SimulationResult(options.Seed, world.Violation, world.TraceLines, world.Scheduler.Steps, world.Load(SimulationWorld.Rows)!.Metadata.LastSequenceNumber, world.Faults) { Audit = simulation.AuditVerdict };
    }

    /// <summary>The first seed of a range that a checker finds fault with; null when none does.</summary>
    public static SimulationResult? FirstFailure(IEnumerable<int> seeds, Func<int, SimulationOptions> options) =>
        seeds.Select(seed => Run(options(seed))).FirstOrDefault(result => result.Violation is not null);

    private AuditVerdict? AuditVerdict { get; set; }

    private void Run()
    {
        SimulatedScheduler scheduler = _world.Scheduler;
        foreach (TopicPartition topicPartition in _topicPartitions)
        {
            _world.Broker.LogOf(topicPartition);
            _owners[topicPartition] = _world.Random.Next(_pumps.Length);
        }

        scheduler.After(TimeSpan.Zero, () =>
        {
            for (int i = 0; i < 2; i++)
            {
                StartCommitter(i);
            }

            for (int i = 0; i < _pumps.Length; i++)
            {
                StartPump(i);
            }
        });
        var operators = new Operators(_world, _topicPartitions, _strangers, NextRecord, StartNewcomer, RemakePipeline, AddPartition);
        _operators = operators;
        Every(1, 2, Publish);
        Every(5, 10, _world.Checker.Check, always: true);
        Every(20, 40, () => KillSome());
        Every(10, 40, Freeze);
        Every(8, 30, Move);
        int mask = _world.Random.Next(64);
        void Maybe(int bit, int from, int to, Action action)
        {
            if ((mask & (1 << bit)) != 0)
            {
                Every(from, to, action);
            }
        }

        Maybe(0, 15, 50, _strangers.Append);
        Maybe(1, 15, 60, _strangers.RollBack);
        Maybe(2, 15, 60, _strangers.Expire);
        Maybe(3, 15, 60, _strangers.ChangeSchema);
        Maybe(4, 20, 60, _strangers.RemoveOrphans);
        operators.Begin();

        try
        {
            scheduler.Run(() => _world.Violation is not null, _world.Options.FaultsUntil);
            _world.Trace(static () => "no more faults");
            foreach (ModelLog log in _world.Broker.Logs)
            {
                log.LastStable = null;
            }

            bool isDone = scheduler.Run(() => _world.Violation is not null || (scheduler.Now > _world.Options.FaultsUntil + TimeSpan.FromSeconds(65) && _world.Checker.IsComplete()), _world.Options.QuietLimit);
            _world.Checker.Check();
            _world.Checker.CheckHistory();
            AuditVerdict = _world.Checker.Audit();
            if (!isDone)
            {
                _world.Fail($"not everything arrived: {string.Join(", ", _topicPartitions.Select(tp => $"{tp} at {_world.Checker.Next.GetValueOrDefault(tp)} of {_world.Broker.LogOf(tp).End}"))}"
                    + $"{(_world.Checker.Stop is { } stop ? $"; {stop}" : "")}; {string.Join(" ", _pumps.Select(pump => pump?.Loop.PublishStatus().Trouble))}");
            }
        }
        catch (Exception e)
        {
            _world.Fail($"{e}");
        }
    }

    private void Every(int fromSeconds, int toSeconds, Action action, bool always = false)
    {
        void Next()
        {
            _world.Scheduler.After(TimeSpan.FromMilliseconds(_world.Random.Next(fromSeconds * 1000, toSeconds * 1000)), () =>
            {
                if (always || _world.IsFaulty)
                {
                    action();
                    Next();
                }
            });
        }

        Next();
    }

    private void Publish()
    {
        DateTimeOffset now = _world.Scheduler.Time.GetUtcNow();
        ModelLog log = _world.Broker.LogOf(_topicPartitions[_world.Random.Next(_topicPartitions.Count)]);
        for (int left = _world.Random.Next(1, 12); left > 0; left--)
        {
            log.Append(NextRecord(), now);
        }

        log.LastStable = _world.Random.Next(6) == 0 ? log.End - 1 : null;
    }

    private ModelRecord NextRecord() => _world.Random.Next(10) switch
    {
        0 => ModelRecord.Gap,
        1 or 2 when _isMoody => ModelRecord.Moody,
        3 when _isMoody && !_world.SlowDeadLetters => ModelRecord.Bad,
        _ => ModelRecord.Row,
    };

    private void StartCommitter(int index)
    {
        var process = new SimulatedProcess(_world, $"committer {index}");
        _committerProcesses[index] = process;
        var committer = new TableCommitter(
            new TableCommitterOptions { Table = SimulationWorld.Rows, DeadLetters = SimulationWorld.Dead },
            new ProcessCatalog(_world, process),
            _world.Ids,
            process.Time,
            new CommitMetrics(Meter),
            NullLogger.Instance,
            new DeadLetterReader(_world),
            _world.Options.Rules);
        _world.Committers[index] = committer;
        _ = WatchAsync(committer.RunAsync(process.Ended.Token), process);
    }

    private async Task WatchAsync(Task run, SimulatedProcess process)
    {
        try
        {
            await run;
        }
        catch (Exception e)
        {
            if (process.IsAlive)
            {
                _world.Fail($"{process.Name} fell over: {e}");
            }
        }
    }

    private void StartPump(int index)
    {
        var pump = new SimulatedPump(_world, index, OnPumpEvent);
        _pumps[index] = pump;
        foreach (TopicPartition topicPartition in _topicPartitions.Where(tp => _owners[tp] == index))
        {
            pump.Attach(topicPartition);
        }
    }

    private void OnPumpEvent(SimulatedPump pump, PumpEvent pumpEvent)
    {
        _world.Trace(() => $"{pump.Process.Name}: {Describe(pumpEvent)}");
        if (pumpEvent is PumpEvent.Stopped(var topicPartition, _, _))
        {
            _world.Count("topic-partition stopped");
            _operators!.Stopped();
            _world.Scheduler.After(TimeSpan.FromSeconds(3) + _world.UpTo(10), () =>
            {
                if (_owners[topicPartition] == pump.Index && _pumps[pump.Index] == pump)
                {
                    pump.Attach(topicPartition);
                }
            });
        }
    }

    private static string Describe(PumpEvent pumpEvent) => pumpEvent switch
    {
        PumpEvent.Committed(var report, _, _) => $"committed {report.ReportId.ToString("N")[^6..]}",
        PumpEvent.Refused(var report, var reason, _, var message) => $"refused {report.ReportId.ToString("N")[^6..]} {reason}: {message}",
        PumpEvent.SchemaApplied(var id, _) => $"schema {id}",
        var other => other.ToString(),
    };

    private void KillSome()
    {
        int which = _world.Random.Next(_pumps.Length + 2);
        SimulatedProcess? process = which < 2 ? _committerProcesses[which] : _pumps[which - 2]?.Process;
        if (process is not null)
        {
            Kill(process);
        }
    }

    private void Kill(SimulatedProcess process)
    {
        if (!process.IsAlive)
        {
            return;
        }

        _world.Count($"kill {(process.Name.StartsWith('c') ? "committer" : "pump")}");
        _world.Trace(() => $"kill {process.Name}");
        process.Kill();
        TimeSpan pause = _world.UpTo(15);
        int index = Array.IndexOf(_committerProcesses, process);
        if (index >= 0)
        {
            _world.Committers[index] = null;
            _committerProcesses[index] = null;
            _world.Scheduler.After(pause, () => StartCommitter(index));
            return;
        }

        index = Array.FindIndex(_pumps, pump => pump?.Process == process);
        if (index < 0)
        {
            return; // of a pipeline that was made anew
        }

        _pumps[index] = null;
        _world.Scheduler.After(pause, () => StartPump(index));
    }

    /// <summary>
    /// The pipeline is deleted and made again with another generation; not every silo hears of it at once, and a pump of the
    /// old one lives on where it was not heard.
    /// </summary>
    private void RemakePipeline()
    {
        _world.GenerationNumber++;
        for (int i = 0; i < _pumps.Length; i++)
        {
            if (_pumps[i] is not { } old)
            {
                continue;
            }

            if (_world.Random.Next(4) == 0)
            {
                old.Process.Kill();
            }
            else
            {
                old.Process.FrozenUntil = _world.Scheduler.Now + _world.UpTo(30);
                _world.Scheduler.After(TimeSpan.FromSeconds(50), old.Process.Kill);
            }

            StartPump(i);
        }
    }

    /// <summary>One pump begins anew, and believes that it has every topic-partition.</summary>
    private void StartNewcomer()
    {
        int index = _world.Random.Next(_pumps.Length);
        if (_pumps[index] is { } old)
        {
            old.Process.Kill();
            StartPump(index);
            _topicPartitions.ForEach(_pumps[index]!.Attach);
        }
    }

    private void AddPartition()
    {
        var topicPartition = new TopicPartition("events", _topicPartitions.Count);
        _world.Broker.LogOf(topicPartition);
        _topicPartitions.Add(topicPartition);
        int owner = _owners[topicPartition] = _world.Random.Next(_pumps.Length);
        for (int left = 5; left > 0; left--)
        {
            _world.Broker.LogOf(topicPartition).Append(NextRecord(), _world.Scheduler.Time.GetUtcNow());
        }

        _pumps[owner]?.Attach(topicPartition);
    }

    private void Freeze()
    {
        int which = _world.Random.Next(_pumps.Length + 2);
        SimulatedProcess? process = which < 2 ? _committerProcesses[which] : _pumps[which - 2]?.Process;
        if (process is not null)
        {
            _world.Count("freeze");
            process.FrozenUntil = _world.Scheduler.Now + _world.UpTo(40);
            _world.Trace(() => $"freeze {process.Name} until {process.FrozenUntil.TotalSeconds:F3}");
        }
    }

    private void Move()
    {
        TopicPartition topicPartition = _topicPartitions[_world.Random.Next(_topicPartitions.Count)];
        int from = _owners[topicPartition];
        int to = (from + 1 + _world.Random.Next(_pumps.Length - 1)) % _pumps.Length;
        _owners[topicPartition] = to;
        SimulatedPump? old = _pumps[from];
        bool isClean = _world.Random.Next(2) == 0;
        _world.Count(isClean ? "moved" : "two owners");
        _world.Trace(() => $"{topicPartition} moves from pump {from} to pump {to}, {(isClean ? "handed over" : "both have it for a while")}");
        if (isClean && old is not null)
        {
            var done = new TaskCompletionSource<HandOver>();
            old.Loop.Post(() => old.Loop.Detach(topicPartition, done));
            _ = AttachAfterAsync();

            async Task AttachAfterAsync()
            {
                await done.Task;
                if (_owners[topicPartition] == to)
                {
                    _pumps[to]?.Attach(topicPartition);
                }
            }

            // One that died before it was done hands nothing over.
            _world.Scheduler.After(TimeSpan.FromSeconds(20), () =>
            {
                if (_owners[topicPartition] == to)
                {
                    _pumps[to]?.Attach(topicPartition);
                }
            });
            return;
        }

        _pumps[to]?.Attach(topicPartition);
        if (old is not null)
        {
            _world.Scheduler.After(_world.UpTo(60), () =>
            {
                if (_owners[topicPartition] != from)
                {
                    old.Loop.Post(() => old.Loop.Detach(topicPartition, new TaskCompletionSource<HandOver>()));
                }
            });
        }
    }

    private sealed class DeadLetterReader(SimulationWorld world) : IDeadLetterOffsets
    {
        public Task<IReadOnlyList<long>> ReadAsync(LoadedTable deadLetters, DeadLetterQuery query, CancellationToken cancellationToken) =>
            Task.FromResult(world.Checker.DeadLettersOf(deadLetters, query));
    }
}
