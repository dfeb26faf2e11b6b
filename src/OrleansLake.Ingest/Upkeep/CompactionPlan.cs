using System.Globalization;
using OrleansLake.Iceberg;

namespace OrleansLake.Ingest.Upkeep;

/// <summary>Files of one partition that are written anew together.</summary>
public sealed record CompactionBin
{
    /// <summary>The spec of the files; what comes in their place has it too.</summary>
    public required int SpecId { get; init; }

    /// <summary>Their partition.</summary>
    public required PartitionKey Partition { get; init; }

    /// <summary>The partition for people; empty where the table is not partitioned.</summary>
    public required string PartitionName { get; init; }

    /// <summary>Why they are chosen.</summary>
    public required string Why { get; init; }

    /// <summary>The files and the deletes that apply to them, in the order of their rows.</summary>
    public required IReadOnlyList<FileScanTask> Tasks { get; init; }

    /// <summary>Bytes of the files.</summary>
    public long Bytes => Tasks.Sum(task => task.File.FileSizeBytes);

    /// <summary>Rows of the files, deleted ones included.</summary>
    public long Rows => Tasks.Sum(task => task.File.RecordCount);
}

/// <summary>What is rewritten and committed together: bins of bounded bytes in all.</summary>
/// <param name="Bins">The bins.</param>
public sealed record CompactionGroup(IReadOnlyList<CompactionBin> Bins)
{
    /// <summary>Bytes that are read.</summary>
    public long Bytes => Bins.Sum(bin => bin.Bytes);
}

/// <summary>A delete file that is of several data files: it goes with the last of them.</summary>
/// <param name="File">The delete file.</param>
/// <param name="DataFiles">How many data files it applies to; 0: none any more.</param>
public sealed record SharedDeletes(DataFile File, int DataFiles);

/// <summary>What compaction would rewrite.</summary>
public sealed record CompactionPlan : UpkeepPlan
{
    /// <inheritdoc />
    public override string Operation => "compaction";

    /// <summary>The groups, each a commit.</summary>
    public required IReadOnlyList<CompactionGroup> Groups { get; init; }

    /// <summary>Delete files that are of several data files, by location.</summary>
    public IReadOnlyDictionary<string, SharedDeletes> SharedDeletes { get; init; } = new Dictionary<string, SharedDeletes>();

    /// <summary>How they are rewritten.</summary>
    public required CompactionOptions Options { get; init; }

    /// <inheritdoc />
    public override IReadOnlyList<UpkeepStep> Steps =>
    [
        .. Groups.SelectMany(group => group.Bins).Select(bin => new UpkeepStep(
            bin.PartitionName.Length == 0 ? "whole table" : bin.PartitionName,
            string.Create(CultureInfo.InvariantCulture, $"{bin.Tasks.Count} files of {bin.Bytes:N0} bytes become about {Math.Max(1, (bin.Bytes + Options.TargetFileSizeBytes - 1) / Options.TargetFileSizeBytes)}"),
            bin.Why,
            bin.Tasks.Count,
            bin.Bytes)),
        .. Dangling.Select(file => new UpkeepStep(file.FilePath, "this file of deletes goes", "it applies to no data file any more", 1, file.FileSizeBytes)),
    ];

    /// <summary>Delete files that apply to nothing.</summary>
    internal IEnumerable<DataFile> Dangling => SharedDeletes.Values.Where(deletes => deletes.DataFiles == 0).Select(deletes => deletes.File);
}
