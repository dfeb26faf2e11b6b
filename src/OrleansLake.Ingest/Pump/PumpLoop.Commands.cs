namespace OrleansLake.Ingest.Pump;

// What others ask of the loop; each runs on its thread.
internal sealed partial class PumpLoop
{
    private static readonly TimeSpan RateSpan = TimeSpan.FromSeconds(1);
    private int _reading;
    private bool _holding;
    private int _draining;
    private long _rows;
    private long _rejected;
    private DateTimeOffset _rateAt;
    private long _rateRows;
    private double _rate;
    private volatile bool _statusAsked;
    private volatile PumpStatus _lastStatus;

    internal void Attach(TopicPartition topicPartition, StartPosition start)
    {
        if (_stopping)
        {
            return;
        }

        if (_reading == 0 && _state.Sealed.Count == 0 && !_state.HasOpen && _state.Tracks.All(track => track.State == TrackState.Stopped))
        {
            _loadWanted = true; // nobody was left to notice what became of the table
        }

        if (_state.Attach(topicPartition, start) is not null)
        {
            _resumeWanted = true;
        }
    }

    internal void Detach(TopicPartition topicPartition, TaskCompletionSource<HandOver> answer)
    {
        if (_stopped.Task.IsCompleted || _state.Find(topicPartition) is not { } track)
        {
            answer.TrySetResult(new HandOver(null, true));
            return;
        }

        track.DetachWaiters.Add(answer);
        track.AttachNext = null;
        if (track.State != TrackState.Draining)
        {
            Drain(track);
            track.DrainUntil = _time.GetUtcNow() + _options.HandOverTimeout;
        }
    }

    private void Drain(PartitionTrack track)
    {
        if (track.State == TrackState.Reading)
        {
            _reading--;
            _source.Unassign(track.TopicPartition);
        }

        track.State = TrackState.Draining;
        _draining++;
        _flushWanted |= track.Open.Exists;
    }

    private void HandOverWhenSettled(DateTimeOffset now)
    {
        if (_draining == 0)
        {
            return;
        }

        foreach (PartitionTrack track in _state.Tracks.Where(track => track.State == TrackState.Draining).ToList())
        {
            if (track.IsSettled)
            {
                // Where everything that was read is committed, the position says so.
                AnswerAll(track.DetachWaiters, new HandOver(track.CommittedNext, track.Position < 0 || track.Position == (track.CommittedNext ?? track.Start.Offset)));
                _state.Remove(track);
                _draining--;
                _refusalTrouble = _state.Tracks.Count == 0 ? null : _refusalTrouble;
                if (track.AttachNext is { } start)
                {
                    Attach(track.TopicPartition, start);
                }
            }
            else if (now >= track.DrainUntil)
            {
                // Correctness does not need the answer: the next owner asks the table.
                AnswerAll(track.DetachWaiters, new HandOver(track.CommittedNext, false));
            }
            else
            {
                _flushWanted |= track.Open.Exists;
            }
        }
    }

    internal void SetPaused(TopicPartition topicPartition, bool paused)
    {
        if (_state.Find(topicPartition) is { } track)
        {
            track.PausedByPerson = paused;
            PauseAtSource(track);
        }
    }

    private void PauseAtSource(PartitionTrack track)
    {
        bool paused = _holding || track.PausedByPerson;
        if (track.State == TrackState.Reading && track.PausedAtSource != paused)
        {
            _source.SetPaused(track.TopicPartition, paused);
            track.PausedAtSource = paused;
        }
    }

    private void HoldOrFlow(DateTimeOffset now)
    {
        bool hold = _tables is null || _nextTables is not null || now < _heldUntil || _memory.MustPause
            || (_state.Sealed.Count >= SealedLimit && IsFull);
        if (hold != _holding)
        {
            _holding = hold;
            foreach (PartitionTrack track in _state.Tracks)
            {
                PauseAtSource(track);
            }
        }
    }

    internal void Flush(TaskCompletionSource<FlushResult> answer)
    {
        if (_stopped.Task.IsCompleted)
        {
            answer.TrySetResult(new FlushResult.GivenUp("the pump has stopped"));
            return;
        }

        _flushWaiters.Add(answer);
        _flushWanted = true;
    }

    internal void ReloadSchema(TaskCompletionSource<PumpEvent.SchemaApplied> answer)
    {
        if (_stopped.Task.IsCompleted)
        {
            answer.TrySetException(new ObjectDisposedException(nameof(Pump), "the pump has stopped"));
            return;
        }

        _schemaWaiters.Add(answer);
        _loadWanted = true;
        _loadAfter = default;
    }

    internal void Stop()
    {
        if (_stopping)
        {
            return;
        }

        _stopping = true;
        _stopUntil = _time.GetUtcNow() + _options.HandOverTimeout;
        foreach (PartitionTrack track in _state.Tracks.Where(track => track.State != TrackState.Draining).ToList())
        {
            Drain(track);
            track.DrainUntil = _stopUntil;
        }
    }

    private bool StopIsOver(DateTimeOffset now)
    {
        bool settled = !_state.HasOpen && _state.Sealed.Count == 0;
        if (!settled && now < _stopUntil)
        {
            _flushWanted |= _state.HasOpen;
            return false;
        }

        HandOverWhenSettled(Later(now, _stopUntil));
        GiveUp(_state.Sealed is [{ Report: not null }, ..] ? 1 : 0, "the pump has stopped");
        Drop(_writer);
        _ended.Cancel();
        PublishStatus();
        _memory.Dispose();
        _source.Dispose();
        _stopped.TrySetResult(settled && !_lost);
        foreach (TaskCompletionSource<PumpEvent.SchemaApplied> waiter in _schemaWaiters)
        {
            waiter.TrySetException(new ObjectDisposedException(nameof(Pump), "the pump has stopped"));
        }

        while (_inbox.TryDequeue(out Action? action))
        {
            action();
        }

        return true;
    }

    private void MeasureRate(DateTimeOffset now)
    {
        TimeSpan since = now - _rateAt;
        if (since >= RateSpan)
        {
            // A mean that forgets over about ten seconds.
            double share = 1 - Math.Exp(-since.TotalSeconds / 10);
            _rate += share * (((_rows - _rateRows) / since.TotalSeconds) - _rate);
            _rateAt = now;
            _rateRows = _rows;
        }
    }

    /// <summary>The last snapshot; the asking makes a turn of a second later take another. Nobody asks: none is taken.</summary>
    internal PumpStatus LastStatus
    {
        get
        {
            _statusAsked = true;
            return _lastStatus;
        }
    }

    internal PumpStatus PublishStatus()
    {
        _statusAsked = false;
        return _lastStatus = TakeStatus();
    }

    private void PublishStatusWhenAsked(DateTimeOffset now)
    {
        if (_statusAsked && now - _lastStatus.At >= RateSpan)
        {
            PublishStatus();
        }
    }

    private PumpStatus TakeStatus()
    {
        DateTimeOffset now = _time.GetUtcNow();
        return new PumpStatus
        {
            WriterId = WriterId,
            At = now,
            Partitions = _state.Tracks.Select(track => StatusOf(track, now)).OrderBy(status => status.TopicPartition.Topic, StringComparer.Ordinal)
                .ThenBy(status => status.TopicPartition.Partition).ToList(),
            SchemaId = _tables?.Table.Metadata.CurrentSchemaId,
            RowsPerSecond = _rate,
            Rows = _rows,
            Rejected = _rejected,
            Counts = _writers.Counts,
            BufferedBytes = (_writer?.BufferedBytes ?? 0) + _closingBytes,
            UnansweredReports = _state.Sealed.Count,
            Trouble = _trouble,
        };
    }

    private PartitionStatus StatusOf(PartitionTrack track, DateTimeOffset now)
    {
        PartitionEnds? ends = track.State == TrackState.Reading ? _source.EndsOf(track.TopicPartition) : null;
        long? position = track.State == TrackState.Resuming || track.Position < 0 ? null : track.Position;
        PartitionState state = track.State switch
        {
            TrackState.Resuming => PartitionState.Resuming,
            TrackState.Draining => PartitionState.Draining,
            TrackState.Stopped => PartitionState.Stopped,
            _ when track.PausedByPerson => PartitionState.Paused,
            _ when ends is { } e && position >= e.HighWatermark => PartitionState.Idle,
            _ when ends is { } e && position >= e.LastStable => PartitionState.BlockedByTransaction,
            _ when _holding => PartitionState.Held,
            _ => PartitionState.Reading,
        };
        long? oldestMs = _state.OldestUncommittedMs(track);
        if (oldestMs is null && track.LastTimestampMs >= 0 && state != PartitionState.Idle && track.IsSettled)
        {
            oldestMs = track.LastTimestampMs; // what lies ahead is hardly older than what was last read
        }

        return new PartitionStatus
        {
            TopicPartition = track.TopicPartition,
            State = state,
            Position = position,
            CommittedNext = track.CommittedNext,
            Lag = ends is { } known ? Math.Max(0, known.HighWatermark - (track.CommittedNext ?? (track.Start.Offset >= 0 ? track.Start.Offset : known.LogStart))) : null,
            OldestUncommittedAge = oldestMs is { } ms ? now - DateTimeOffset.FromUnixTimeMilliseconds(ms) : null,
            Reason = track.Reason,
        };
    }
}
