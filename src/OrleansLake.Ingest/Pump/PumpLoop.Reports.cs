using OrleansLake.Iceberg;
using OrleansLake.Ingest.Commit;

namespace OrleansLake.Ingest.Pump;

// Seal → close → report → answer.
internal sealed partial class PumpLoop
{
    // One in flight, and one that is closed early (a size, a schema, a hand-over) and waits for its turn.
    private const int SealedLimit = 2;

    private readonly List<TaskCompletionSource<FlushResult>> _flushWaiters = [];
    private bool _flushWanted;
    private BackOff _refusalBackOff;
    private Guid? _tableUuid;
    private long _sequenceNumber;
    private TopicIdentities _identities = TopicIdentities.Unknown;

    private bool IsFull => _writer is { } writer && (writer.LargestFileBytes >= _options.TargetFileSizeBytes || _memory.FlushWanted);

    private void SealWhenDue(DateTimeOffset now)
    {
        long tick = TickOf(now);
        bool intervalPassed = tick != _flushTick;
        if (_state.HasOpen)
        {
            bool mayWait = _state.Sealed.Count < SealedLimit;
            bool due = intervalPassed && (_state.HasOpenRecords || now - _state.OpenSince >= _options.GapInterval);
            if ((due && _state.Sealed.Count == 0) || (mayWait && (_flushWanted || _nextTables is not null || IsFull)))
            {
                Seal(now);
                _flushTick = tick;
            }
            else if (intervalPassed && !due)
            {
                _flushTick = tick;
            }
        }
        else
        {
            _flushTick = tick;
            _flushWanted = false;
            if (_writer is not null && _nextTables is not null)
            {
                Drop(_writer); // opened, but nothing came of it
                _writer = null;
            }

            if (_state.Sealed.Count > 0)
            {
                _state.Sealed[^1].Waiters.AddRange(_flushWaiters);
                _flushWaiters.Clear();
            }
            else
            {
                AnswerAll(_flushWaiters, new FlushResult.Nothing());
            }
        }

        if (_nextTables is not null && !_state.HasOpen)
        {
            SwitchTables();
        }
    }

    private void Seal(DateTimeOffset now)
    {
        SealedSet set = _state.Seal(_tables!, now);
        set.SequenceNumber = _writer is null ? _sequenceNumber : _sequenceNumberAtOpen;
        _flushWanted = false;
        set.Waiters.AddRange(_flushWaiters);
        _flushWaiters.Clear();
        IRowWriter? writer = _writer;
        _writer = null;
        if (writer is null)
        {
            Closed(set, new WrittenFiles([], []));
            return;
        }

        set.Writer = writer;
        set.ClosingBytes = writer.BufferedBytes;
        _closingBytes += set.ClosingBytes;
        _ = CloseAsync(set, writer);
    }

    private async Task CloseAsync(SealedSet set, IRowWriter writer)
    {
        bool posted;
        try
        {
            WrittenFiles files = await writer.CloseAsync(_ended.Token);
            posted = Post(() => Closed(set, files));
        }
        catch (Exception e)
        {
            posted = Post(() => CloseFailed(set, e));
        }

        if (!posted)
        {
            await DropAsync(writer);
        }
    }

    private void Closed(SealedSet set, WrittenFiles files)
    {
        _closingBytes -= set.ClosingBytes;
        if (!_state.Sealed.Contains(set))
        {
            Drop(set.Writer); // given up meanwhile
            return;
        }

        set.Files = files;
        if (set.Writer is not null && set.SealedAt > _writerTroubleAt)
        {
            _writerTrouble = null; // files that were made after it are whole
        }

        SendOldest();
    }

    private void CloseFailed(SealedSet set, Exception e)
    {
        _closingBytes -= set.ClosingBytes;
        Drop(set.Writer);
        set.Writer = null;
        int index = _state.Sealed.ToList().IndexOf(set);
        if (index >= 0)
        {
            WriterFailed(index, e.Message, _time.GetUtcNow());
        }
    }

    private void SendOldest()
    {
        if (_state.Sealed.Count == 0 || _state.Sealed[0] is not { Files: not null, Report: null } set)
        {
            return;
        }

        _ = PrepareAndSendAsync(set);
    }

    // Which topics these are is asked just before the report is first sent.
    private async Task PrepareAndSendAsync(SealedSet set)
    {
        TopicIdentities? identities = await AskIdentitiesAsync(set.Ranges.ConvertAll(static range => range.TopicPartition));
        Post(() =>
        {
            _identities = identities ?? _identities;
            Send(set);
        });
    }

    // Null: a broker that is out of reach has not made a topic anew; what was learned before still holds.
    private async Task<TopicIdentities?> AskIdentitiesAsync(List<TopicPartition> topicPartitions)
    {
        try
        {
            return await _cluster.IdentitiesAsync(topicPartitions.Select(static topicPartition => topicPartition.Topic).Distinct().ToList(), _ended.Token)
                .WaitAsync(_options.FactsTimeout, _time, _ended.Token);
        }
        catch (Exception) when (!_ended.IsCancellationRequested)
        {
            return null;
        }
    }

    private void Send(SealedSet set)
    {
        if (_state.Sealed.Count == 0 || _state.Sealed[0] != set || set.Report is not null)
        {
            return; // given up meanwhile
        }

        if (set.Ranges.Find(IsOfEarlierTopic) is { } earlier)
        {
            // Nobody can tell which of its records are of which topic. Read again, they are of the one that stands there now,
            // and the table says whether its offsets are.
            foreach (Rewound rewound in GiveUp(0, $"topic {earlier.TopicPartition.Topic} was made anew while it was read"))
            {
                if (rewound.Track.State == TrackState.Reading)
                {
                    rewound.Track.State = TrackState.Resuming;
                    _reading--;
                    _source.Unassign(rewound.Track.TopicPartition);
                }
            }

            _resumeWanted = true;
            return;
        }

        TableMetadata metadata = set.Tables.Table.Metadata;
        set.Report = new DataWritten
        {
            ReportId = _ids.NewUuid(),
            WriterId = WriterId,
            Pipeline = _options.Pipeline,
            Generation = _options.Generation,
            ClusterId = _identities.ClusterId,
            TopicIds = set.Ranges.Select(range => range.TopicPartition.Topic).Distinct().Where(_identities.TopicIds.ContainsKey)
                .ToDictionary(topic => topic, topic => _identities.TopicIds[topic]),
            TableUuid = metadata.TableUuid,
            Branch = _options.Branch,
            SchemaId = metadata.CurrentSchemaId,
            FieldIds = [.. Commit.FieldIds.Of(metadata.CurrentSchema).Order()],
            // Known before its first file was made: what others have since done, even if they undid it, may have been to that
            // file, if this report had to wait for the one before it.
            LastSequenceNumber = _tableUuid == metadata.TableUuid ? Math.Min(set.SequenceNumber, _sequenceNumber) : set.SequenceNumber,
            FirstSentMs = _time.GetUtcNow().ToUnixTimeMilliseconds(),
            Files = set.Files!.Files,
            DeadLetterFiles = set.Files.DeadLetterFiles,
            Ranges = set.Ranges,
        };
        if (_rules.KeepReportedFiles)
        {
            set.Writer = null;
        }

        _ = DeliverAsync(set);
    }

    private bool IsOfEarlierTopic(WrittenRange range) =>
        _state.Find(range.TopicPartition)?.TopicId is { } read && _identities.TopicIds.GetValueOrDefault(range.TopicPartition.Topic) is { } now && read != now;

    private async Task DeliverAsync(SealedSet set)
    {
        try
        {
            ReportAnswer answer = await _delivery.DeliverAsync(set.Report!, _ended.Token);
            Post(() => Answered(set, answer));
        }
        catch (OperationCanceledException) when (_ended.IsCancellationRequested)
        {
            // The pump has ended; whether the report came in is in the table, where the next one looks.
        }
    }

    private void Answered(SealedSet set, ReportAnswer answer)
    {
        DateTimeOffset now = _time.GetUtcNow();
        switch (answer)
        {
            case ReportAnswer.Committed(var snapshotId, var sequenceNumber, var schemaId):
                _state.Committed(set);
                Learn(set.Report!.TableUuid, sequenceNumber);
                _refusalBackOff.Reset();
                _writerBackOff.Reset();
                _refusalTrouble = null;
                _loadWanted |= schemaId != _tables?.Table.Metadata.CurrentSchemaId;
                AnswerAll(set.Waiters, new FlushResult.Committed(snapshotId));
                _onEvent?.Invoke(new PumpEvent.Committed(set.Report, snapshotId, now - set.SealedAt));
                SendOldest();
                break;
            case ReportAnswer.Refused refused:
                Refused(set, refused, now);
                break;
            default:
                throw new InvalidOperationException($"report {set.Report!.ReportId}: {answer} is no answer");
        }

        _resumeWanted = true; // what waited for the answer
    }

    private void Refused(SealedSet set, ReportAnswer.Refused refused, DateTimeOffset now)
    {
        var blamed = refused.Ranges.Count > 0
            ? refused.Ranges.Select(range => range.TopicPartition).ToList()
            : set.Ranges.ConvertAll(range => range.TopicPartition);
        _refusalTrouble = $"report refused ({refused.Reason}): {refused.Message}";
        _onEvent?.Invoke(new PumpEvent.Refused(set.Report!, refused.Reason, refused.Ranges, refused.Message));
        foreach (Rewound rewound in GiveUp(0, refused.Message))
        {
            if (rewound.Track.State != TrackState.Reading)
            {
                continue;
            }

            if (!_rules.ResumeFromTable)
            {
                AssignAt(rewound.Track, rewound.First);
                continue;
            }

            rewound.Track.State = TrackState.Resuming;
            _reading--;
            _source.Unassign(rewound.Track.TopicPartition);
        }

        switch (refused.Reason)
        {
            case RefusalReason.Stale or RefusalReason.Gap or RefusalReason.NotYet or RefusalReason.Malformed:
                foreach (TopicPartition topicPartition in blamed)
                {
                    if (_state.Find(topicPartition) is { } track && PumpState.Blame(track, _options, now))
                    {
                        StopPartition(topicPartition, refused.Reason, refused.Reason == RefusalReason.Stale
                            ? $"{topicPartition}: another writer commits it for pipeline {_options.Pipeline} too: {refused.Message}"
                            : refused.Message);
                    }
                }

                break;
            case RefusalReason.OtherTable:
                foreach (PartitionTrack track in _state.Tracks.ToList())
                {
                    StopPartition(track.TopicPartition, refused.Reason, refused.Message);
                }

                break;
            case RefusalReason.OtherTopic:
                blamed.ForEach(topicPartition => StopPartition(topicPartition, refused.Reason, refused.Message));
                break;
            case RefusalReason.FieldGone:
                _loadWanted = true;
                break;
            case RefusalReason.Rewound:
                _recheckAt = now; // those that were not in the report went back as well
                break;
        }

        // The first time at once: most refusals are over when the table was asked.
        bool isFirst = _refusalBackOff.Failures == 0;
        TimeSpan wait = _refusalBackOff.Next();
        _resumeAfter = isFirst ? now : now + wait;
    }

    private void Learn(Guid tableUuid, long sequenceNumber)
    {
        _sequenceNumber = _tableUuid == tableUuid ? Math.Max(_sequenceNumber, sequenceNumber) : sequenceNumber;
        _tableUuid = tableUuid;
    }
}
