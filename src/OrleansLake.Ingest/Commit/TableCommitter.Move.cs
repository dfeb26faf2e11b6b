using System.Globalization;
using System.Text.Json.Nodes;
using OrleansLake.Iceberg;

namespace OrleansLake.Ingest.Commit;

// Snapshots without rows: offsets that move because someone said so, and offsets that are said again before they are lost.
public sealed partial class TableCommitter
{
    private async Task<ReportAnswer> MoveInTurnAsync(OffsetMove move, CancellationToken cancellationToken)
    {
        for (int lost = 0; ; lost++)
        {
            Lineage lineage = await _rows.ReadLineageAsync(await _rows.LoadAsync(cancellationToken), move.Branch, cancellationToken);
            int schemaId = lineage.Table.Metadata.CurrentSchemaId;
            if (lineage.Reports.TryGetValue(move.MoveId, out SnapshotPlace place))
            {
                return new ReportAnswer.Committed(place.SnapshotId, place.SequenceNumber, schemaId);
            }

            if (Refusal(move, lineage) is { } refused)
            {
                return refused;
            }

            if (move.Reason == MoveReason.Accept)
            {
                await AcceptDeadLettersAsync(move, lineage, cancellationToken);
            }

            if (await AddMoveAsync(lineage, move, cancellationToken) is SwapEnd.Landed landed)
            {
                return new ReportAnswer.Committed(landed.Place.SnapshotId, landed.Place.SequenceNumber, schemaId);
            }

            await _pauses.WaitAsync(lost, cancellationToken);
        }
    }

    private static ReportAnswer.Refused? Refusal(OffsetMove move, Lineage lineage)
    {
        if (lineage.Offsets.IsRetired(move.Pipeline, move.Generation))
        {
            return new ReportAnswer.Refused(RefusalReason.OtherTopic, [], $"pipeline {move.Pipeline} was made anew: generation {move.Generation} of it has ended");
        }

        if (lineage.Stop is { } stop && (lineage.OffsetsAreCorrupt ? move.Positions.Count == 0 : move.Reason is not (MoveReason.Accept or MoveReason.Reset or MoveReason.Seek)))
        {
            return new ReportAnswer.Refused(RefusalReason.Rewound, [], stop.Message);
        }

        List<RefusedRange> moved = [];
        foreach (MovedPosition position in move.Positions)
        {
            long? next = lineage.Offsets.Find(move.Pipeline, move.Generation, position.TopicPartition)?.Next;
            if (position.From is { } from && from != next)
            {
                moved.Add(new RefusedRange(position.TopicPartition, new OffsetRange(Math.Min(from, position.Next), Math.Max(from, position.Next)), next));
            }
        }

        return moved.Count == 0
            ? null
            : new ReportAnswer.Refused(RefusalReason.Stale, moved, $"{moved[0].TopicPartition}: expected the table's next offset to be {moved[0].Reported.First}, got {moved[0].CommittedNext?.ToString(CultureInfo.InvariantCulture) ?? "none"}");
    }

    private async Task<SwapEnd> AddMoveAsync(Lineage lineage, OffsetMove move, CancellationToken cancellationToken)
    {
        string reason = move.Reason switch
        {
            MoveReason.DataLoss => "data-loss",
            var other => other.ToString().ToLowerInvariant(),
        };
        var topics = new JsonObject();
        foreach (MovedPosition position in move.Positions)
        {
            var (topic, partition) = position.TopicPartition;
            topics[topic] ??= new JsonObject();
            long from = lineage.Offsets.Find(move.Pipeline, move.Generation, position.TopicPartition)?.Next ?? -1;
            topics[topic]![Text(partition)] = new JsonArray(from, position.Next);
        }

        Dictionary<string, string> summary = new()
        {
            [SummaryKeys.Reason] = reason,
            [SummaryKeys.Moved] = new JsonObject { [CommittedOffsets.KeyOf(move.Pipeline, move.Generation)] = topics }.ToJsonString(),
        };
        SwapEnd end = await AddSnapshotAsync(_rows, lineage, NewAppend(lineage.Branch, []), _ids.NewUuid(), lineage.Offsets.Move(move), [move.MoveId], summary, cancellationToken);
        if (end is SwapEnd.Landed landed)
        {
            SetTrouble(null);
            LogMoved(landed.Place.SnapshotId, _options.Table, reason, Describe(move.Positions, static position => $"{position.TopicPartition} to {position.Next}"));
        }

        return end;
    }

    /// <summary>What someone takes as it stands includes dead letters that are missing.</summary>
    private async Task AcceptDeadLettersAsync(OffsetMove move, Lineage rows, CancellationToken cancellationToken)
    {
        if (_deadLetters is null)
        {
            return;
        }

        for (int lost = 0; ; lost++)
        {
            Lineage lineage = await _deadLetters.ReadLineageAsync(await _deadLetters.LoadAsync(cancellationToken), SnapshotRef.Main, cancellationToken);
            CommittedOffsets offsets = lineage.Offsets.AcceptDeadLetters(move.Pipeline, move.Generation, rows.Offsets);
            if ((lineage.Stop is null && ReferenceEquals(offsets, lineage.Offsets)) || lineage.Reports.ContainsKey(move.MoveId))
            {
                return;
            }

            Dictionary<string, string> summary = new() { [SummaryKeys.DeadLetters] = "true", [SummaryKeys.Reason] = "accept" };
            if (await AddSnapshotAsync(_deadLetters, lineage, NewAppend(SnapshotRef.Main, []), _ids.NewUuid(), offsets, [move.MoveId], summary, cancellationToken) is SwapEnd.Landed)
            {
                return;
            }

            await _pauses.WaitAsync(lost, cancellationToken);
        }
    }

    private async Task<bool> AnchorInTurnAsync(string branch, CancellationToken cancellationToken)
    {
        bool anchored = await AnchorTableAsync(_rows, branch, [], cancellationToken);
        if (_deadLetters is not null)
        {
            anchored |= await AnchorTableAsync(_deadLetters, SnapshotRef.Main, new() { [SummaryKeys.DeadLetters] = "true" }, cancellationToken);
        }

        return anchored;
    }

    private async Task<bool> AnchorTableAsync(SwapTable table, string branch, Dictionary<string, string> summary, CancellationToken cancellationToken)
    {
        for (int lost = 0; ; lost++)
        {
            Lineage lineage = await table.ReadLineageAsync(await table.LoadAsync(cancellationToken), branch, cancellationToken);
            if (!NeedsAnchor(lineage))
            {
                return false;
            }

            Dictionary<string, string> anchor = new(summary) { [SummaryKeys.Reason] = "anchor" };
            if (await AddSnapshotAsync(table, lineage, NewAppend(branch, []), _ids.NewUuid(), lineage.Offsets, [], anchor, cancellationToken) is SwapEnd.Landed landed)
            {
                LogMoved(landed.Place.SnapshotId, lineage.Table.Identifier, "anchor", "as they were");
                return true;
            }

            await _pauses.WaitAsync(lost, cancellationToken);
        }
    }

    /// <summary>True when the metadata log is half way to forgetting the snapshot that our offsets stand in, or has begun to need it.</summary>
    private static bool NeedsAnchor(Lineage lineage)
    {
        if (lineage.Stop is not null || lineage.OffsetsAt is not { } at || lineage.Head?.SnapshotId == at.SnapshotId)
        {
            return false;
        }

        if (lineage.OffsetsAreUnlisted)
        {
            return true;
        }

        TableMetadata metadata = lineage.Table.Metadata;
        int most = int.TryParse(metadata.Properties.GetValueOrDefault("write.metadata.previous-versions-max"), NumberStyles.None, CultureInfo.InvariantCulture, out int set) ? Math.Max(1, set) : 100;
        long madeMs = lineage.Snapshots.First(snapshot => snapshot.SnapshotId == at.SnapshotId).TimestampMs;
        return metadata.MetadataLog.Count(entry => entry.TimestampMs > madeMs) * 2 >= most;
    }
}
