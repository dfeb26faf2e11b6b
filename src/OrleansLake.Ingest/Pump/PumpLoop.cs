using System.Collections.Concurrent;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Commit;
using OrleansLake.Ingest.Kafka;

namespace OrleansLake.Ingest.Pump;

/// <summary>
/// What a pump does, turn by turn, on one thread: takes what was posted, asks the table where to go on, seals what is due,
/// polls one batch and appends it. Everything that waits runs beside it and posts its end. Invariants beyond
/// <see cref="PumpState"/>'s:
/// <list type="bullet">
/// <item>Before anything is read of a topic-partition the table is asked (rule 11), and nothing of it is on its way then.</item>
/// <item>A writer's records are of one schema; another schema begins with another writer.</item>
/// <item>A writer is disposed, and its files deleted, only if nothing of it was reported (rule 6).</item>
/// </list>
/// </summary>
internal sealed partial class PumpLoop
{
    private readonly PumpOptions _options;
    private readonly IRecordSource _source;
    private readonly IRowWriterFactory _writers;
    private readonly ICommitter _committer;
    private readonly IClusterFacts _cluster;
    private readonly Func<CancellationToken, Task<PumpTables>> _loadTables;
    private readonly MemoryBudget.Share _memory;
    private readonly TimeProvider _time;
    private readonly IdSource _ids;
    private readonly Action<PumpEvent>? _onEvent;
    private readonly PumpRules _rules;
    private readonly Action? _wake;
    private readonly PumpState _state = new();
    private readonly ReportDelivery _delivery;
    private readonly ConcurrentQueue<Action> _inbox = new();
    private readonly CancellationTokenSource _ended = new();
    private readonly TaskCompletionSource<bool> _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private PumpTables? _tables;
    private IRowWriter? _writer;
    private long _sequenceNumberAtOpen;
    private long _closingBytes;
    private long _flushTick;
    private bool _stopping;
    private DateTimeOffset _stopUntil;
    private bool _lost;

    // Held back after a failure, with what failed.
    private DateTimeOffset _heldUntil;
    private BackOff _writerBackOff;
    private string? _writerTrouble;
    private DateTimeOffset _writerTroubleAt;
    private BackOff _pollBackOff;
    private string? _pollTrouble;
    private string? _refusalTrouble;
    private string? _trouble;

    internal PumpLoop(
        PumpOptions options,
        IRecordSource source,
        IRowWriterFactory writers,
        ICommitter committer,
        IClusterFacts cluster,
        Func<CancellationToken, Task<PumpTables>> loadTables,
        MemoryBudget memory,
        TimeProvider time,
        IdSource ids,
        Action<PumpEvent>? onEvent,
        PumpRules rules,
        Action? wake)
    {
        _options = options;
        _source = source;
        _writers = writers;
        _committer = committer;
        _cluster = cluster;
        _loadTables = loadTables;
        _memory = memory.Join();
        _time = time;
        _ids = ids;
        _onEvent = onEvent;
        _rules = rules;
        _wake = wake;
        _writerBackOff = new BackOff(options);
        _pollBackOff = new BackOff(options);
        _resumeBackOff = new BackOff(options);
        _loadBackOff = new BackOff(options);
        _refusalBackOff = new BackOff(options);
        _delivery = new ReportDelivery(committer, options, rules, time, ids.NewUuid);
        WriterId = $"{options.Silo}/{ids.NewUuid():N}";
        _flushTick = TickOf(time.GetUtcNow());
        _rateAt = time.GetUtcNow();
        _lastStatus = TakeStatus();
        _recheckAt = time.GetUtcNow() + options.RecheckInterval;
    }

    internal string WriterId { get; }

    internal Task<bool> Stopped => _stopped.Task;

    /// <summary>Hands something to the loop's thread. False: it has stopped.</summary>
    internal bool Post(Action action)
    {
        if (_stopped.Task.IsCompleted)
        {
            return false;
        }

        _inbox.Enqueue(action);
        _wake?.Invoke();
        return true;
    }

    /// <summary>One turn. False: there is nothing to poll, so wait for a post.</summary>
    internal bool Turn(TimeSpan maxWait)
    {
        while (_inbox.TryDequeue(out Action? action))
        {
            action();
        }

        DateTimeOffset now = _time.GetUtcNow();
        if (_stopping && StopIsOver(now))
        {
            return true;
        }

        LoadTablesWhenWanted(now);
        ResumeWhenWanted(now);
        RecheckWhenDue(now);
        SealWhenDue(now);
        HandOverWhenSettled(now);
        HoldOrFlow(now);
        _memory.Set((_writer?.BufferedBytes ?? 0) + _closingBytes);
        MeasureRate(now);
        TellTrouble();
        PublishStatusWhenAsked(now);
        if (_reading == 0)
        {
            return false;
        }

        KafkaBatch? batch;
        try
        {
            batch = _source.Poll(maxWait, _ended.Token);
            if (_pollTrouble is not null)
            {
                _pollTrouble = null;
                _pollBackOff.Reset();
            }
        }
        catch (SourceStoppedException e)
        {
            StopPartition(e.TopicPartition, null, e.Message);
            return true;
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            _pollTrouble = $"source: {e.Message}";
            _heldUntil = Later(_heldUntil, now + _pollBackOff.Next());
            return false;
        }

        if (batch is not null)
        {
            using (batch)
            {
                Take(batch);
            }
        }

        return true;
    }

    private void Take(KafkaBatch batch)
    {
        if (_state.Find(batch.TopicPartition) is not { State: TrackState.Reading } track)
        {
            return; // let go while the source had it in hand
        }

        DateTimeOffset now = _time.GetUtcNow();
        if (!PumpState.Fits(track, batch.Range))
        {
            if (++track.Misfits >= 3)
            {
                StopPartition(track.TopicPartition, null,
                    $"{track.TopicPartition}@{track.Position}: expected a batch from there, got {batch.Range} again and again");
                return;
            }

            AssignAt(track, track.Position);
            return;
        }

        if (_tables is null || _nextTables is not null)
        {
            AssignAt(track, track.Position); // held, but the source had it in hand already
            return;
        }

        try
        {
            Append(track, batch, now);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            WriterFailed(_state.Sealed.Count, $"{track.TopicPartition}@{batch.Range.First}: {e.Message}", now);
            if (track.State == TrackState.Reading)
            {
                // Nothing of this batch was in the files that were given up, so nobody else reads it again.
                AssignAt(track, track.Position);
            }
        }
    }

    private void Append(PartitionTrack track, KafkaBatch batch, DateTimeOffset now)
    {
        AppendedRecords appended = default;
        OffsetRange range = batch.Range;
        int count = batch.Count;
        int known = 0;
        long? oldest = null;
        if (batch.Count > 0)
        {
            foreach (ref readonly KafkaRecord record in batch.Records)
            {
                if (record.TimestampMs >= 0 && (oldest is null || record.TimestampMs < oldest))
                {
                    oldest = record.TimestampMs;
                }
            }

            if (_writer is null)
            {
                _writer = _writers.Open(_tables!.Table, _tables.DeadLetters);
                _sequenceNumberAtOpen = _sequenceNumber;
            }

            using KafkaBatch? others = KnownDeadLetters.Without(batch, track.DeadLetters, out known);
            if (known < batch.Count)
            {
                appended = _writer.Append(others ?? batch, track.TopicId);
            }

            if (appended.Halted is { } halted)
            {
                range = new OffsetRange(range.First, halted.Offset);
                count = batch.CountBefore(halted.Offset);
                known = count - appended.Rows - appended.Rejected - appended.Skipped;
            }

            track.LastTimestampMs = Math.Max(track.LastTimestampMs, batch.Records[^1].TimestampMs);
        }

        _state.Appended(track, range, batch.LeaderEpoch, count, appended, known, oldest, now);
        _rows += appended.Rows;
        _rejected += appended.Rejected;
        if (appended.Halted is { } stop)
        {
            var (topic, partition) = track.TopicPartition;
            string remedy = _options.AfterHalt
                ?? $"mend the table or the pipeline, then ./lake pipeline resume {_options.Pipeline}; or skip it: ./lake pipeline seek {_options.Pipeline} --topic {topic} --partition {partition} --to {stop.Offset + 1}";
            StopPartition(track.TopicPartition, null, $"{track.TopicPartition}@{stop.Offset} {stop.Message}; {remedy}");
        }
    }

    /// <summary>Gives up unreported sets, and reads them again from where they began after a while.</summary>
    private void WriterFailed(int fromIndex, string message, DateTimeOffset now)
    {
        _writerTrouble = $"writer: {message}";
        _writerTroubleAt = now;
        _heldUntil = Later(_heldUntil, now + _writerBackOff.Next());
        foreach (Rewound rewound in GiveUp(fromIndex, message))
        {
            if (rewound.Track.State == TrackState.Reading)
            {
                AssignAt(rewound.Track, rewound.First);
            }
        }
    }

    private List<Rewound> GiveUp(int fromIndex, string message)
    {
        var sets = new List<SealedSet>();
        List<Rewound> rewound = _state.GiveUp(fromIndex, sets);
        _lost |= _stopping && rewound.Count > 0;
        foreach (SealedSet set in sets)
        {
            if (set.Files is not null)
            {
                Drop(set.Writer); // one that is still being closed is dropped once it is
                set.Writer = null;
            }

            AnswerAll(set.Waiters, new FlushResult.GivenUp(message));
        }

        Drop(_writer);
        _writer = null;
        AnswerAll(_flushWaiters, new FlushResult.GivenUp(message));
        return rewound;
    }

    // Nothing of it was reported, so its files may go.
    private void Drop(IRowWriter? writer)
    {
        if (writer is not null)
        {
            _ = DropAsync(writer);
        }
    }

    private async Task DropAsync(IRowWriter writer)
    {
        try
        {
            await writer.DisposeAsync();
        }
        catch (Exception e)
        {
            Post(() => _writerTrouble = $"writer: unreported files could not be deleted: {e.Message}");
        }
    }

    private void AssignAt(PartitionTrack track, long position)
    {
        track.Position = position;
        track.SchemaFrom = track.SchemaFrom < 0 ? position : Math.Min(track.SchemaFrom, position);
        try
        {
            _source.Assign(track.TopicPartition, position, track.LeaderEpoch);
            track.PausedAtSource = false;
            if (_holding || track.PausedByPerson)
            {
                _source.SetPaused(track.TopicPartition, true);
                track.PausedAtSource = true;
            }
        }
        catch (SourceStoppedException e)
        {
            StopPartition(track.TopicPartition, null, e.Message);
        }
    }

    private void StopPartition(TopicPartition topicPartition, RefusalReason? reason, string message)
    {
        if (_state.Find(topicPartition) is not { State: not TrackState.Stopped } track)
        {
            return;
        }

        if (track.State == TrackState.Reading)
        {
            _reading--;
            _source.Unassign(topicPartition);
        }

        if (track.State != TrackState.Draining)
        {
            track.State = TrackState.Stopped;
            track.Reason = message;
            _onEvent?.Invoke(new PumpEvent.Stopped(topicPartition, reason, message));
        }
    }

    private void TellTrouble()
    {
        string? trouble = _writerTrouble ?? _loadTrouble ?? _delivery.Trouble ?? _resumeTrouble ?? _startTrouble ?? _pollTrouble ?? _source.Trouble ?? _refusalTrouble;
        if (!string.Equals(trouble, _trouble, StringComparison.Ordinal))
        {
            _trouble = trouble;
            _onEvent?.Invoke(new PumpEvent.Trouble(trouble));
        }
    }

    private static void AnswerAll<T>(List<TaskCompletionSource<T>> waiters, T answer)
    {
        foreach (TaskCompletionSource<T> waiter in waiters)
        {
            waiter.TrySetResult(answer);
        }

        waiters.Clear();
    }

    private long TickOf(DateTimeOffset at) => at.UtcTicks / _options.FlushInterval.Ticks;

    private static DateTimeOffset Later(DateTimeOffset a, DateTimeOffset b) => a > b ? a : b;
}
