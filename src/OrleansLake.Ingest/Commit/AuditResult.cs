using System.Globalization;
using System.Text;
using System.Text.Json.Serialization;

namespace OrleansLake.Ingest.Commit;

/// <summary>What an audit says.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<AuditVerdict>))]
public enum AuditVerdict
{
    /// <summary>Every record from <see cref="AuditResult.SinceSnapshotId"/> on is in the table once.</summary>
    Proved,

    /// <summary>A record is missing or there twice; the findings say where.</summary>
    Refuted,

    /// <summary>The table does not hold what the question needs; the findings say what is missing.</summary>
    CannotTell,
}

/// <summary>One thing that an audit came upon.</summary>
/// <param name="SnapshotId">Where; null where it is not of one snapshot.</param>
/// <param name="Message">What.</param>
public sealed record AuditFinding(long? SnapshotId, string Message);

/// <summary>Where one topic-partition stands, and what was counted of it since its pipeline began.</summary>
public sealed record AuditedPartition(string Pipeline, string Generation, string Topic, int Partition, long Next, long Rows, long Rejected, long Gap);

/// <summary>The result of an audit, as it is printed and as JSON.</summary>
public sealed record AuditResult
{
    /// <summary>The table.</summary>
    public required string Table { get; init; }

    /// <summary>The branch.</summary>
    public required string Branch { get; init; }

    /// <summary>What it says.</summary>
    public required AuditVerdict Verdict { get; init; }

    /// <summary>The first snapshot that it looked at; null when there is none.</summary>
    public long? SinceSnapshotId { get; init; }

    /// <summary>True when that is the first of the table.</summary>
    public bool SinceBeginning { get; init; }

    /// <summary>The snapshot that it was asked of.</summary>
    public long? SnapshotId { get; init; }

    /// <summary>Commits with offsets that it compared.</summary>
    public int Commits { get; init; }

    /// <summary>Live data files of the snapshot, each listed once unless a finding says otherwise.</summary>
    public int Files { get; init; }

    /// <summary>Rows of those files.</summary>
    public long Rows { get; init; }

    /// <summary>Rows by the offsets' counts.</summary>
    public long RowsByOffsets { get; init; }

    /// <summary>Where each topic-partition stands.</summary>
    public IReadOnlyList<AuditedPartition> Partitions { get; init; } = [];

    /// <summary>What refutes it, or what is missing.</summary>
    public IReadOnlyList<AuditFinding> Findings { get; init; } = [];

    /// <summary>What is worth knowing and changes nothing: snapshots of others, offsets that someone moved.</summary>
    public IReadOnlyList<AuditFinding> Remarks { get; init; } = [];

    /// <summary>The verdict as a sentence.</summary>
    public string Sentence => Verdict switch
    {
        AuditVerdict.Proved => string.Create(CultureInfo.InvariantCulture, $"proved since {(SinceBeginning ? "the table's first snapshot" : $"snapshot {SinceSnapshotId}")}: {Commits} commits, {Files} files, {Rows} rows, each offset once"),
        AuditVerdict.Refuted => $"refuted: {Describe(Findings[0])}{More(Findings)}",
        _ => $"cannot tell: {Describe(Findings[0])}{More(Findings)}",
    };

    /// <summary>All of it, for people.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        text.Append(Table).Append(Branch == Iceberg.SnapshotRef.Main ? "" : $" ({Branch})").Append(": ").AppendLine(Sentence);
        foreach (AuditFinding finding in Findings)
        {
            text.Append("  ! ").AppendLine(Describe(finding));
        }

        foreach (AuditFinding remark in Remarks)
        {
            text.Append("  - ").AppendLine(Describe(remark));
        }

        foreach (AuditedPartition partition in Partitions)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"  {partition.Pipeline} {partition.Topic}-{partition.Partition}: next {partition.Next}, {partition.Rows} rows, {partition.Rejected} rejected, {partition.Gap} gaps");
        }

        return text.ToString().TrimEnd();
    }

    private static string Describe(AuditFinding finding) => finding.SnapshotId is { } id ? $"snapshot {id.ToString(CultureInfo.InvariantCulture)}: {finding.Message}" : finding.Message;

    private static string More(IReadOnlyList<AuditFinding> findings) => findings.Count > 1 ? $" (and {findings.Count - 1} more)" : "";
}
