using OrleansLake.Iceberg;
using OrleansLake.Ingest.Commit;

namespace OrleansLake.Ingest.Pump;

// What the table is, and where it says to go on.
internal sealed partial class PumpLoop
{
    private readonly List<TaskCompletionSource<PumpEvent.SchemaApplied>> _schemaWaiters = [];
    private PumpTables? _nextTables;
    private bool _loadWanted;
    private bool _loading;
    private DateTimeOffset _loadAfter;
    private BackOff _loadBackOff;
    private string? _loadTrouble;

    private bool _resumeWanted;
    private bool _resuming;
    private DateTimeOffset _resumeAfter;
    private BackOff _resumeBackOff;
    private string? _resumeTrouble;
    private string? _startTrouble;
    private bool _rechecking;
    private DateTimeOffset _recheckAt;

    private void LoadTablesWhenWanted(DateTimeOffset now)
    {
        if (!_loadWanted || _loading || _nextTables is not null || now < _loadAfter)
        {
            return;
        }

        _loadWanted = false;
        _loading = true;
        _ = LoadAsync();
    }

    private async Task LoadAsync()
    {
        try
        {
            PumpTables tables = await _loadTables(_ended.Token).WaitAsync(_options.CallTimeout, _time, _ended.Token);
            Post(() => Loaded(tables));
        }
        catch (Exception e)
        {
            Post(() =>
            {
                _loading = false;
                _loadWanted = true;
                _loadAfter = _time.GetUtcNow() + _loadBackOff.Next();
                _loadTrouble = $"table: {e.Message}";
            });
        }
    }

    private void Loaded(PumpTables tables)
    {
        _loading = false;
        _loadTrouble = null;
        _loadBackOff.Reset();
        TableMetadata metadata = tables.Table.Metadata;
        if (_tables is { Table.Metadata: var before } && before.TableUuid != metadata.TableUuid)
        {
            if (_state.Sealed.Count > 0 || _state.HasOpen || _reading > 0)
            {
                string message = $"another table stands at {tables.Table.Identifier} now: expected {before.TableUuid}, found {metadata.TableUuid}";
                foreach (PartitionTrack track in _state.Tracks.ToList())
                {
                    StopPartition(track.TopicPartition, RefusalReason.OtherTable, message);
                }
            }
        }

        if (_tables is { } current
            && current.Table.Metadata.TableUuid == metadata.TableUuid
            && current.Table.Metadata.CurrentSchemaId == metadata.CurrentSchemaId
            && current.Table.Metadata.DefaultSpecId == metadata.DefaultSpecId)
        {
            AnswerAll(_schemaWaiters, SchemaNow());
            return;
        }

        _nextTables = tables;
    }

    /// <summary>Nothing is open: what comes is written by the new schema.</summary>
    private void SwitchTables()
    {
        bool isFirst = _tables is null;
        _tables = _nextTables!;
        _nextTables = null;
        foreach (PartitionTrack track in _state.Tracks)
        {
            track.SchemaFrom = track.State == TrackState.Reading ? track.Position : -1;
        }

        PumpEvent.SchemaApplied applied = SchemaNow();
        AnswerAll(_schemaWaiters, applied);
        if (!isFirst)
        {
            _onEvent?.Invoke(applied);
        }
    }

    private PumpEvent.SchemaApplied SchemaNow() => new(
        _tables!.Table.Metadata.CurrentSchemaId,
        _state.Tracks.Where(track => track is { State: TrackState.Reading, SchemaFrom: >= 0 }).ToDictionary(track => track.TopicPartition, track => track.SchemaFrom));

    private void ResumeWhenWanted(DateTimeOffset now)
    {
        if (!_resumeWanted || _resuming || _stopping || now < _resumeAfter || _tables is null)
        {
            return;
        }

        var tracks = new List<PartitionTrack>();
        bool others = false;
        foreach (PartitionTrack track in _state.Tracks)
        {
            if (track.State == TrackState.Resuming)
            {
                if (track.IsSettled)
                {
                    tracks.Add(track);
                }
                else
                {
                    others = true;
                }
            }
        }

        _resumeWanted = others;
        if (tracks.Count > 0)
        {
            _resuming = true;
            _ = ResumeAsync(tracks);
        }
    }

    /// <summary>A table that was rolled back takes the idle topic-partitions with it too (rule 11).</summary>
    private void RecheckWhenDue(DateTimeOffset now)
    {
        if (now < _recheckAt || _rechecking || _stopping || _reading == 0)
        {
            return;
        }

        _recheckAt = now + _options.RecheckInterval;
        var tracks = new List<(PartitionTrack, long)>();
        foreach (PartitionTrack track in _state.Tracks)
        {
            if (track is { State: TrackState.Reading, IsSettled: true, CommittedNext: { } next })
            {
                tracks.Add((track, next));
            }
        }

        if (tracks.Count > 0)
        {
            _rechecking = true;
            _ = RecheckAsync(tracks);
        }
    }

    private async Task RecheckAsync(List<(PartitionTrack Track, long Next)> tracks)
    {
        ResumePoint? point;
        try
        {
            point = await _committer
                .ResumeAsync(_options.Pipeline, _options.Generation, tracks.ConvertAll(asked => asked.Track.TopicPartition), _identities.TopicIds, _ended.Token)
                .WaitAsync(_options.CallTimeout, _time, _ended.Token);
        }
        catch (Exception)
        {
            point = null; // whoever has something to report will say what is wrong; asked again in a while
        }

        Post(() => Rechecked(tracks, point));
    }

    private void Rechecked(List<(PartitionTrack Track, long Next)> tracks, ResumePoint? point)
    {
        _rechecking = false;
        if (point is null || point.TableUuid != _tables!.Table.Metadata.TableUuid)
        {
            return;
        }

        Learn(point.TableUuid, point.LastSequenceNumber);
        _loadWanted |= point.SchemaId != _tables.Table.Metadata.CurrentSchemaId;
        var positions = point.Partitions.ToDictionary(position => position.TopicPartition, position => position.Next);
        foreach ((PartitionTrack track, long next) in tracks)
        {
            bool isAsAsked = track.State == TrackState.Reading && track.IsSettled && track.CommittedNext == next && _state.Find(track.TopicPartition) == track;
            if (isAsAsked && (!positions.TryGetValue(track.TopicPartition, out long found) || found != next))
            {
                track.State = TrackState.Resuming;
                _reading--;
                _source.Unassign(track.TopicPartition);
                _resumeWanted = true;
            }
        }
    }

    private async Task ResumeAsync(List<PartitionTrack> tracks)
    {
        try
        {
            // Before anything is read: whether a topic was made anew meanwhile shows by asking again before the report.
            TopicIdentities known = _identities;
            TopicIdentities? identities = await AskIdentitiesAsync(tracks.ConvertAll(static track => track.TopicPartition));
            if (identities is null && tracks.Find(track => !known.TopicIds.ContainsKey(track.TopicPartition.Topic)) is { } nameless)
            {
                // Dead letters that do not name their topic's id would not be known again after a crash.
                throw new IOException($"the broker does not tell the id of topic {nameless.TopicPartition.Topic}");
            }

            ResumePoint point = await _committer
                .ResumeAsync(_options.Pipeline, _options.Generation, tracks.ConvertAll(track => track.TopicPartition), (identities ?? known).TopicIds, _ended.Token)
                .WaitAsync(_options.CallTimeout, _time, _ended.Token);
            var starts = new Dictionary<TopicPartition, long>();
            var positions = point.Partitions.Where(position => position.Next >= 0).Select(position => position.TopicPartition).ToHashSet();
            foreach (IGrouping<StartPosition, PartitionTrack> group in tracks.Where(track => !positions.Contains(track.TopicPartition)).GroupBy(track => track.Start))
            {
                if (group.Key.Offset >= 0)
                {
                    foreach (PartitionTrack track in group)
                    {
                        starts[track.TopicPartition] = group.Key.Offset;
                    }

                    continue;
                }

                var unknown = group.Select(track => track.TopicPartition).ToList();
                try
                {
                    foreach ((TopicPartition topicPartition, long offset) in await _cluster.StartOffsetsAsync(unknown, group.Key, _ended.Token)
                        .WaitAsync(_options.CallTimeout, _time, _ended.Token))
                    {
                        starts[topicPartition] = offset;
                    }
                }
                catch (Exception e) when (!_ended.IsCancellationRequested)
                {
                    // The others go on; these are asked for again.
                    Post(() => _startTrouble = $"source: offsets of {unknown[0]} and {unknown.Count - 1} more: {e.Message}");
                }
            }

            Post(() =>
            {
                _identities = identities ?? _identities;
                Resumed(tracks, point, starts);
            });
        }
        catch (PipelineStoppedException e)
        {
            // The table does not say where to go on (rule 11): a person must, and then attaches it again.
            Post(() =>
            {
                _resuming = false;
                foreach (PartitionTrack track in tracks.Where(track => track.State == TrackState.Resuming))
                {
                    StopPartition(track.TopicPartition, null, e.Message);
                }
            });
        }
        catch (Exception e)
        {
            Post(() => ResumeFailed($"committer: where to go on is not known: {e.Message}"));
        }
    }

    private void ResumeFailed(string message)
    {
        _resuming = false;
        _resumeWanted = true;
        _resumeAfter = _time.GetUtcNow() + _resumeBackOff.Next();
        _resumeTrouble = message;
    }

    private void Resumed(List<PartitionTrack> tracks, ResumePoint point, Dictionary<TopicPartition, long> starts)
    {
        if (point.TableUuid != _tables!.Table.Metadata.TableUuid)
        {
            _loadWanted = true;
            ResumeFailed($"table {_tables.Table.Identifier}: loaded {_tables.Table.Metadata.TableUuid}, its committer has {point.TableUuid}");
            return;
        }

        _resuming = false;
        _resumeTrouble = null;
        Learn(point.TableUuid, point.LastSequenceNumber);
        _loadWanted |= point.SchemaId != _tables.Table.Metadata.CurrentSchemaId;
        DateTimeOffset now = _time.GetUtcNow();
        var positions = point.Partitions.ToDictionary(position => position.TopicPartition);
        bool isWhole = true;
        foreach (PartitionTrack track in tracks)
        {
            // Asked about, and still the same wish: one that was let go meanwhile is another track, or none.
            if (_stopping || track.State != TrackState.Resuming || _state.Find(track.TopicPartition) != track || !track.IsSettled)
            {
                continue;
            }

            ResumePosition? position = positions.GetValueOrDefault(track.TopicPartition);
            if (position is { Next: >= 0 } || starts.ContainsKey(track.TopicPartition))
            {
                track.TopicId = _identities.TopicIds.GetValueOrDefault(track.TopicPartition.Topic);
                long from = _state.Resume(track, position, starts.GetValueOrDefault(track.TopicPartition), now);
                _reading++;
                AssignAt(track, from);
            }
            else
            {
                isWhole = false;
            }
        }

        if (isWhole)
        {
            _startTrouble = null;
            _resumeBackOff.Reset();
        }
        else
        {
            _resumeWanted = true;
            _resumeAfter = now + _resumeBackOff.Next();
        }
    }
}
