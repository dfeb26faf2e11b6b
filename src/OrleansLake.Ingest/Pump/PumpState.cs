using OrleansLake.Ingest.Commit;

namespace OrleansLake.Ingest.Pump;

/// <summary>Ranges that were closed together: one report.</summary>
internal sealed class SealedSet(List<WrittenRange> ranges, DateTimeOffset sealedAt)
{
    internal List<WrittenRange> Ranges { get; } = ranges;

    internal DateTimeOffset SealedAt { get; } = sealedAt;

    /// <summary>Its files; null while they are being closed.</summary>
    internal WrittenFiles? Files { get; set; }

    /// <summary>The tables that its writer was opened for.</summary>
    internal required PumpTables Tables { get; init; }

    /// <summary>The table's last sequence number that was known before the first of its files was made.</summary>
    internal long SequenceNumber { get; set; }

    /// <summary>The writer, until its files are in a report: after that nobody may delete them (rule 6).</summary>
    internal IRowWriter? Writer { get; set; }

    internal long ClosingBytes { get; set; }

    /// <summary>Made before it is first sent, and never changed (rule 1).</summary>
    internal DataWritten? Report { get; set; }

    internal List<TaskCompletionSource<FlushResult>> Waiters { get; } = [];
}

/// <summary>A topic-partition that is to be read again.</summary>
/// <param name="Track">Which.</param>
/// <param name="First">The first position that was given up.</param>
internal readonly record struct Rewound(PartitionTrack Track, long First);

/// <summary>
/// What a pump has read and not yet seen in the table. No I/O, no clock, one thread. Invariants:
/// <list type="bullet">
/// <item>The ranges of one topic-partition, oldest sealed set first and open range last, follow each other without a hole
/// from the table's offset on; the last ends at its position.</item>
/// <item>At most the oldest sealed set has been sent, and what was sent is never changed (rule 1).</item>
/// <item>When a set is given up everything behind it is given up too, so a range is never reported whose predecessor is not
/// in the table (rule 3).</item>
/// <item>Rows + rejected + gap of a range is its length.</item>
/// </list>
/// </summary>
internal sealed class PumpState
{
    private readonly Dictionary<TopicPartition, PartitionTrack> _tracks = [];
    private readonly List<PartitionTrack> _open = [];
    private readonly List<SealedSet> _sealed = [];

    internal IReadOnlyCollection<PartitionTrack> Tracks => _tracks.Values;

    /// <summary>Oldest first.</summary>
    internal IReadOnlyList<SealedSet> Sealed => _sealed;

    /// <summary>Anything was read since the last seal, if only a gap.</summary>
    internal bool HasOpen => _open.Count > 0;

    /// <summary>Records, or the start of a topic-partition that must be remembered, wait for the next interval.</summary>
    internal bool HasOpenRecords { get; private set; }

    /// <summary>When the oldest open range began.</summary>
    internal DateTimeOffset OpenSince { get; private set; }

    internal PartitionTrack? Find(TopicPartition topicPartition) => _tracks.GetValueOrDefault(topicPartition);

    /// <summary>Begins with a topic-partition, or begins again with one that was stopped. Null: it is there already.</summary>
    internal PartitionTrack? Attach(TopicPartition topicPartition, StartPosition start)
    {
        if (_tracks.TryGetValue(topicPartition, out PartitionTrack? track))
        {
            switch (track.State)
            {
                case TrackState.Draining:
                    track.AttachNext = start;
                    return null;
                case TrackState.Stopped:
                    track.State = TrackState.Resuming;
                    track.Reason = null;
                    track.Refusals.Clear();
                    track.Misfits = 0;
                    return track;
                default:
                    return null;
            }
        }

        track = new PartitionTrack(topicPartition, start);
        _tracks.Add(topicPartition, track);
        return track;
    }

    internal void Remove(PartitionTrack track) => _tracks.Remove(track.TopicPartition);

    /// <summary>Takes the table's word, or, where it knows nothing, the start that the broker gave, and says from where to read.</summary>
    internal long Resume(PartitionTrack track, ResumePosition? position, long startOffset, DateTimeOffset now)
    {
        if (!track.IsSettled)
        {
            throw new InvalidOperationException($"{track.TopicPartition}: resumed while ranges of it are on their way");
        }

        bool isKnown = position is { Next: >= 0 };
        track.State = TrackState.Reading;
        track.CommittedNext = isKnown ? position!.Next : null;
        track.LeaderEpoch = position?.LeaderEpoch ?? -1;
        track.DeadLettersNext = position?.DeadLettersNext ?? 0;
        track.DeadLettersRows = position?.DeadLettersRows ?? 0;
        track.DeadLetters = position is { DeadLetterOffsets.Count: > 0 } ? position.DeadLetterOffsets.ToHashSet() : null;
        track.Position = isKnown ? position!.Next : startOffset;
        if (!isKnown)
        {
            if (track.Start.Offset < 0 && track.Start != StartPosition.Earliest)
            {
                // Reported with the next interval though nothing was read: should we crash first, "latest" would later mean
                // less, and a time too where a record came with an older one, and records would be left out that came while
                // the pipeline ran.
                Open(track, startOffset, now);
                HasOpenRecords = true;
            }

            track.Start = StartPosition.At(startOffset);
        }

        return track.Position;
    }

    /// <summary>Whether a batch starts where the last one ended.</summary>
    internal static bool Fits(PartitionTrack track, OffsetRange range) => range.First == track.Position;

    /// <summary>A batch has gone into the open writer; of <paramref name="known"/> records the dead letters were there already.</summary>
    internal void Appended(PartitionTrack track, OffsetRange range, int leaderEpoch, int records, AppendedRecords appended, int known, long? oldestTimestampMs, DateTimeOffset now)
    {
        long gap = range.Length - records;
        if (!Fits(track, range) || appended.Rows + appended.Rejected + appended.Skipped + known != records || gap < 0)
        {
            throw new InvalidOperationException(
                $"{track.TopicPartition}@{track.Position}: batch {range} of {records} records gave {appended.Rows} rows, {appended.Rejected} rejected, {appended.Skipped} skipped, {known} known");
        }

        if (range.Length == 0)
        {
            return;
        }

        if (!track.Open.Exists)
        {
            Open(track, range.First, now);
        }

        ref OpenRange open = ref track.Open;
        open.Next = range.Next;
        open.Rows += appended.Rows;
        open.Rejected += appended.Rejected + known;
        open.Known += known;
        if (leaderEpoch >= 0)
        {
            track.LeaderEpoch = leaderEpoch;
        }

        if (oldestTimestampMs is { } oldest)
        {
            open.OldestTimestampMs = Math.Min(oldest, open.OldestTimestampMs ?? long.MaxValue);
        }

        track.Position = range.Next;
        track.Misfits = 0;
        HasOpenRecords |= records > 0;
    }

    private void Open(PartitionTrack track, long first, DateTimeOffset now)
    {
        if (_open.Count == 0)
        {
            OpenSince = now;
        }

        track.Open = new OpenRange { Exists = true, First = first, Next = first };
        _open.Add(track);
    }

    /// <summary>Closes the open ranges: what follows goes into the next report.</summary>
    internal SealedSet Seal(PumpTables tables, DateTimeOffset now)
    {
        var ranges = new List<WrittenRange>(_open.Count);
        foreach (PartitionTrack track in _open)
        {
            OpenRange open = track.Open;
            ranges.Add(new WrittenRange
            {
                TopicPartition = track.TopicPartition,
                Range = new OffsetRange(open.First, open.Next),
                LeaderEpoch = track.LeaderEpoch,
                Rows = open.Rows,
                Rejected = open.Rejected,
                Gap = open.Next - open.First - open.Rows - open.Rejected,
                OldestTimestampMs = open.OldestTimestampMs,
                ContinuesTable = track.CommittedNext is not null || track.Outstanding > 0,
                DeadLetters = open.Rejected - open.Known,
                DeadLettersNext = track.DeadLettersNext > open.First ? track.DeadLettersNext : null,
                DeadLettersRows = track.DeadLettersNext > open.First ? track.DeadLettersRows : null,
            });
            track.DeadLettersRows += open.Rejected - open.Known;
            track.Open = default;
            track.Outstanding++;
        }

        _open.Clear();
        HasOpenRecords = false;
        var set = new SealedSet(ranges, now) { Tables = tables };
        _sealed.Add(set);
        return set;
    }

    /// <summary>The oldest sealed set is in the table.</summary>
    internal void Committed(SealedSet set)
    {
        if (_sealed.Count == 0 || _sealed[0] != set)
        {
            throw new InvalidOperationException("a report was answered that is not the one in flight");
        }

        _sealed.RemoveAt(0);
        foreach (WrittenRange range in set.Ranges)
        {
            PartitionTrack track = _tracks[range.TopicPartition];
            track.Outstanding--;
            track.CommittedNext = range.Range.Next;
            if (track.DeadLetters is not null && range.Range.Next >= track.DeadLettersNext)
            {
                track.DeadLetters = null;
            }
        }
    }

    /// <summary>
    /// Gives up the sealed sets from an index on, and the open ranges behind them. What had been read of them is to be read
    /// again: from the table's offset if any of it was sent, else from <see cref="Rewound.First"/>.
    /// </summary>
    internal List<Rewound> GiveUp(int fromIndex, List<SealedSet> givenUp)
    {
        var first = new Dictionary<PartitionTrack, long>();
        var order = new List<PartitionTrack>();
        for (int i = fromIndex; i < _sealed.Count; i++)
        {
            givenUp.Add(_sealed[i]);
            foreach (WrittenRange range in _sealed[i].Ranges)
            {
                PartitionTrack track = _tracks[range.TopicPartition];
                track.Outstanding--;
                track.DeadLettersRows -= range.DeadLetters ?? 0;
                if (first.TryAdd(track, range.Range.First))
                {
                    order.Add(track);
                }
            }
        }

        _sealed.RemoveRange(fromIndex, _sealed.Count - fromIndex);
        foreach (PartitionTrack track in _open)
        {
            if (first.TryAdd(track, track.Open.First))
            {
                order.Add(track);
            }

            track.Open = default;
        }

        _open.Clear();
        HasOpenRecords = false;
        return order.ConvertAll(track => new Rewound(track, first[track]));
    }

    /// <summary>A refusal blamed it: true when that has happened too often lately.</summary>
    internal static bool Blame(PartitionTrack track, PumpOptions options, DateTimeOffset now)
    {
        track.Refusals.RemoveAll(at => now - at > options.DuelWindow);
        track.Refusals.Add(now);
        return track.Refusals.Count >= options.DuelRefusals;
    }

    /// <summary>The oldest record of a topic-partition that was read and is not in the table.</summary>
    internal long? OldestUncommittedMs(PartitionTrack track)
    {
        if (track.Outstanding > 0)
        {
            foreach (SealedSet set in _sealed)
            {
                foreach (WrittenRange range in set.Ranges)
                {
                    if (range.TopicPartition == track.TopicPartition && range.OldestTimestampMs is { } oldest)
                    {
                        return oldest;
                    }
                }
            }
        }

        return track.Open.OldestTimestampMs;
    }
}
