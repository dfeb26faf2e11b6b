using OrleansLake.Iceberg;
using OrleansLake.Ingest;
using OrleansLake.Ingest.Commit;

namespace OrleansLake.Testing.Simulation;

/// <summary>What a person does once in a run, and what the pipeline must notice.</summary>
internal enum OperatorDeed
{
    None,

    /// <summary>Drops the table and makes another of the same name.</summary>
    RecreateTable,

    /// <summary>CREATE OR REPLACE: the uuid and the properties stay, the history does not.</summary>
    ReplaceTable,

    /// <summary>Rolls back and picks one of our snapshots from what was rolled off.</summary>
    CherryPick,

    /// <summary>Deletes the topic and makes it again.</summary>
    RecreateTopic,

    /// <summary>Deletes the pipeline and makes it again.</summary>
    RemakePipeline,

    /// <summary>
    /// Alters the table while dead letters are on their way, and starts a pump that has every topic-partition too: it takes what
    /// the other rejected.
    /// </summary>
    RaceSchemas,
}

/// <summary>
/// A person with rights to everything, in a share of the seeds; and the one who does what a pipeline that stopped says.
/// </summary>
internal sealed class Operators(SimulationWorld world, IReadOnlyList<TopicPartition> topicPartitions, Strangers strangers, Func<ModelRecord> nextRecord, Action startNewcomer, Action remakePipeline, Action addPartition)
{
    private readonly OperatorDeed _deed = DeedOf(world.Options.Seed);
    private bool _isStopped;
    private Guid? _moveId;

    /// <summary>Six seeds of twenty.</summary>
    public static OperatorDeed DeedOf(int seed) => seed % 20 is >= 9 and <= 14 and var number ? (OperatorDeed)(number - 8) : OperatorDeed.None;

    public void Begin()
    {
        if (_deed != OperatorDeed.None)
        {
            world.Scheduler.After(_deed == OperatorDeed.RaceSchemas ? TimeSpan.Zero : TimeSpan.FromSeconds(20) + world.UpTo(50), Act);
        }
    }

    /// <summary>A topic-partition was stopped: someone is told.</summary>
    public void Stopped() => _isStopped = true;

    private void Act()
    {
        LoadedTable table = world.Load(SimulationWorld.Rows)!;
        Lineage lineage = LineageOf(table);
        bool isReady = _deed switch
        {
            OperatorDeed.CherryPick => CherryPick(table),
            OperatorDeed.RaceSchemas => true,
            _ => !lineage.Offsets.Pipelines.IsEmpty,
        };
        if (!isReady)
        {
            if (world.IsFaulty)
            {
                world.Scheduler.After(world.UpTo(6), Act);
            }

            return;
        }

        world.Count($"operator: {_deed}");
        switch (_deed)
        {
            case OperatorDeed.RecreateTable:
                Purge(table);
                world.Recreate(SimulationWorld.Rows);
                if (world.Random.Next(2) == 0)
                {
                    Purge(world.Load(SimulationWorld.Dead)!);
                    world.Recreate(SimulationWorld.Dead);
                }

                RedeliverFirst();
                world.RedeliverSome();
                break;
            case OperatorDeed.ReplaceTable:
                Replace(table);
                world.RedeliverSome();
                break;
            case OperatorDeed.RecreateTopic:
                RecreateTopic();
                break;
            case OperatorDeed.RaceSchemas:
                world.SlowDeadLetters = true;
                world.WhileDeadLettersAreOnTheirWay = () =>
                {
                    for (int changes = 1; changes == 1 || world.Load(SimulationWorld.Rows)!.Metadata.CurrentSchemaId % 2 == 0; changes++)
                    {
                        strangers.ChangeSchema();
                    }

                    startNewcomer();
                };
                break;
            case OperatorDeed.RemakePipeline:
                world.HeldGeneration = world.GenerationNumber;
                addPartition();
                world.Scheduler.After(TimeSpan.FromSeconds(3) + world.UpTo(12), () =>
                {
                    remakePipeline();
                    RedeliverFirst();
                    RedeliverHeldWhenBegun();
                });
                break;
        }
    }

    /// <summary>Files that the table's snapshots list go with it.</summary>
    private void Purge(LoadedTable table)
    {
        foreach (string path in table.Metadata.Snapshots.SelectMany(snapshot => world.Checker.PathsOf(table, snapshot)).ToHashSet())
        {
            world.Files.Files.Remove(path);
            world.Files.Deleted.Add(path);
        }
    }

    private void Replace(LoadedTable table)
    {
        var append = new AppendFiles("replacement", world.Ids, world.Scheduler.Time);
        StagedSnapshot staged = SimulationWorld.Sync(append.StageAsync(table with { Store = new ProcessStore(world, null) }, new SnapshotExtras(), default));
        Swap(table, new TableUpdate.AddSnapshot(staged.Snapshot), new TableUpdate.SetSnapshotRef(SnapshotRef.Main, new SnapshotRef(staged.Snapshot.SnapshotId, false)));
    }

    private bool CherryPick(LoadedTable table)
    {
        List<Snapshot> line = [];
        for (Snapshot? at = table.Metadata.FindRef(SnapshotRef.Main); at is not null; at = table.Metadata.FindSnapshot(at.ParentSnapshotId))
        {
            line.Add(at);
        }

        int picked = line.FindIndex(static snapshot => LineageReader.IsOurs(snapshot) && snapshot.Summary.GetValueOrDefault(SummaryKeys.AddedRecords, "0") != "0");
        if (picked < 0 || picked + 1 >= line.Count || world.IsUnderRepair)
        {
            return false;
        }

        // Back to before it, or only to it: then its rows are there twice at once.
        Snapshot base_ = world.Random.Next(3) == 0 ? line[picked] : line[picked + 1];
        var main = new TableUpdate.SetSnapshotRef(SnapshotRef.Main, new SnapshotRef(base_.SnapshotId, false));
        if (base_.SnapshotId != table.Metadata.CurrentSnapshotId && Swap(table, main) is null)
        {
            return false;
        }

        LoadedTable back = world.Load(SimulationWorld.Rows)!;
        var append = new AppendFiles(SnapshotRef.Main, world.Ids, world.Scheduler.Time);
        foreach (DataFile file in world.Checker.AddedBy(table, line[picked]))
        {
            append.Add(file);
        }

        var extras = new SnapshotExtras { Summary = new Dictionary<string, string> { [SummaryKeys.SourceSnapshotId] = $"{line[picked].SnapshotId}" } };
        StagedSnapshot staged = SimulationWorld.Sync(append.StageAsync(back with { Store = new ProcessStore(world, null) }, extras, default));
        world.IsUnderRepair = true;
        world.Swap(new TableCommit(back, staged.Requirements, staged.Updates), "operator");

        // Its rows are not as they should be, so the table is set back to before, once someone has seen that nothing moves.
        world.Scheduler.After(TimeSpan.FromSeconds(25) + world.UpTo(15), () =>
        {
            LoadedTable now = world.Load(SimulationWorld.Rows)!;
            world.IsUnderRepair = false;
            if (LineageOf(now).Stop is not null)
            {
                world.Count("operator: sets back a cherry-pick");
                Swap(now, main);
            }
        });
        return true;
    }

    private void RecreateTopic()
    {
        world.Broker.Recreate(topicPartitions[0].Topic);
        foreach (TopicPartition topicPartition in topicPartitions)
        {
            ModelLog log = world.Broker.LogOf(topicPartition);
            for (long left = world.Random.Next(2 * (int)world.Broker.LogOf(topicPartition, log.Life - 1).End + 1); left > 0; left--)
            {
                log.Append(nextRecord(), world.Scheduler.Time.GetUtcNow());
            }
        }

        _isStopped = false;
        world.Scheduler.After(world.UpTo(15), SeekWhenStopped);
    }

    /// <summary>Does what the message says: ./lake pipeline seek p --to earliest.</summary>
    private void SeekWhenStopped()
    {
        world.Scheduler.After(TimeSpan.FromSeconds(5) + world.UpTo(10), SeekWhenStopped);
        Lineage lineage = LineageOf(world.Load(SimulationWorld.Rows)!);
        string topic = topicPartitions[0].Topic;
        string id = world.Broker.IdOf(topic);
        if (lineage.Offsets.FindTopic(SimulationWorld.Pipeline, world.Generation, topic)?.TopicId is not { } known || known == id)
        {
            (_isStopped, _moveId) = (false, null);
            return;
        }

        if (!_isStopped || world.Committers[world.Random.Next(2)] is not { } committer)
        {
            return;
        }

        world.Count("operator: seeks to earliest");
        _moveId ??= world.Ids.NewUuid();
        _ = MoveAsync(committer, new OffsetMove
        {
            MoveId = _moveId.Value,
            Pipeline = SimulationWorld.Pipeline,
            Generation = world.Generation,
            Reason = MoveReason.Seek,
            TopicIds = new Dictionary<string, string> { [topic] = id },
            Positions = [.. topicPartitions.Select(tp => new MovedPosition(tp, 0, From: lineage.Offsets.Find(SimulationWorld.Pipeline, world.Generation, tp)?.Next))],
        });
    }

    private async Task MoveAsync(TableCommitter committer, OffsetMove move)
    {
        try
        {
            ReportAnswer answer = await committer.MoveAsync(move, CancellationToken.None);
            world.Trace(() => $"operator hears: {answer}");
        }
        catch (Exception e)
        {
            world.Trace(() => $"operator hears: {e.Message}"); // and asks again with the same id
        }
    }

    /// <summary>The network brings reports that were the first of a topic-partition once more.</summary>
    private void RedeliverFirst()
    {
        foreach (DataWritten report in world.Reports.Values.Where(report => report.Ranges.Any(range => range.ContinuesTable == false)).ToList())
        {
            world.Count("first report repeated");
            world.Redeliver(report, world.UpTo(8));
        }
    }

    /// <summary>What the network kept comes in when the next generation has begun.</summary>
    private void RedeliverHeldWhenBegun()
    {
        if (TableChecker.GenerationsOf(LineageOf(world.Load(SimulationWorld.Rows)!)).LastOrDefault() <= world.HeldGeneration)
        {
            world.Scheduler.After(world.UpTo(3), RedeliverHeldWhenBegun);
            return;
        }

        foreach (DataWritten report in world.Held.Values)
        {
            world.Redeliver(report, world.UpTo(3));
        }
    }

    private LoadedTable? Swap(LoadedTable table, params TableUpdate[] updates) =>
        world.Swap(new TableCommit(table, [new TableRequirement.AssertTableUuid(table.Metadata.TableUuid)], updates), "operator") is CommitResult.Committed(var after) ? after : null;

    private Lineage LineageOf(LoadedTable table) => SimulationWorld.Sync(new LineageReader().ReadAsync(table, SnapshotRef.Main, 0, default));
}
