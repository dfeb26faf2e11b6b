using System.Globalization;
using OrleansLake.Iceberg;

namespace OrleansLake.Ingest.Upkeep;

/// <summary>Files of one partition that retention takes: whole, or the old rows of them.</summary>
/// <param name="PartitionName">The partition for people; empty where the table is not partitioned.</param>
/// <param name="Tasks">The files, and the deletes that apply to them.</param>
public sealed record RetentionBin(string PartitionName, IReadOnlyList<FileScanTask> Tasks)
{
    /// <summary>Bytes of the files.</summary>
    public long Bytes => Tasks.Sum(task => task.File.FileSizeBytes);
}

/// <summary>What retention would remove.</summary>
public sealed record RetentionPlan : UpkeepPlan
{
    /// <inheritdoc />
    public override string Operation => "retention";

    /// <summary>What is kept.</summary>
    public required RetentionOptions Options { get; init; }

    /// <summary>Rows of before are too old; null where nothing is removed.</summary>
    public RetentionCutoff? Cutoff { get; init; }

    /// <summary>Files all of whose rows are too old, by metadata alone.</summary>
    public IReadOnlyList<RetentionBin> Whole { get; init; } = [];

    /// <summary>Files some of whose rows may be too old.</summary>
    public IReadOnlyList<RetentionBin> Boundary { get; init; } = [];

    /// <inheritdoc />
    public override IReadOnlyList<UpkeepStep> Steps =>
    [
        .. Whole.Select(bin => Step(bin, "go", "every row is older")),
        .. Boundary.Select(bin => Step(bin, Options.Boundary == RetentionBoundary.Delete ? "get their old rows marked as deleted" : "are written anew without their old rows", "rows may be older")),
    ];

    private UpkeepStep Step(RetentionBin bin, string what, string why) => new(
        bin.PartitionName.Length == 0 ? "whole table" : bin.PartitionName,
        string.Create(CultureInfo.InvariantCulture, $"{bin.Tasks.Count} files of {bin.Bytes:N0} bytes {what}"),
        string.Create(CultureInfo.InvariantCulture, $"{why} than {Cutoff?.Day:yyyy-MM-dd} in {Options.TimeZone}"),
        bin.Tasks.Count,
        bin.Bytes);
}
