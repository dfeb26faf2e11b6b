namespace OrleansLake.Ingest.Commit;

/// <summary>
/// For which claims this committer has moved the dead-letter table on. Kept in memory: one that does not know does it again.
/// </summary>
internal sealed class Fences
{
    private readonly Dictionary<(string Key, TopicPartition TopicPartition), (string WriterId, long SequenceNumber)> _passed = [];

    /// <summary>
    /// True where no earlier claim's dead letters can come in any more: it was done for this writer, and the table has not gone
    /// back since from a snapshot that may have held another's claim.
    /// </summary>
    public bool Stands(DataWritten report, Lineage rows)
    {
        string key = CommittedOffsets.KeyOf(report.Pipeline, report.Generation);
        return report.Ranges.All(range => _passed.TryGetValue((key, range.TopicPartition), out var fence)
            && fence.WriterId == report.WriterId
            && rows.LastUnlistedSequenceNumber <= fence.SequenceNumber
            && rows.Table.Metadata.Snapshots.All(snapshot => snapshot.SequenceNumber <= fence.SequenceNumber || rows.SequenceNumbers.Contains(snapshot.SequenceNumber)));
    }

    /// <summary>The dead-letter table has moved on since the reports' writers claimed, in a state of the main one.</summary>
    public void Passed(IEnumerable<DataWritten> reports, Lineage rows)
    {
        foreach (DataWritten report in reports)
        {
            string key = CommittedOffsets.KeyOf(report.Pipeline, report.Generation);
            foreach (WrittenRange range in report.Ranges)
            {
                _passed[(key, range.TopicPartition)] = (report.WriterId, rows.Table.Metadata.LastSequenceNumber);
            }
        }
    }
}
