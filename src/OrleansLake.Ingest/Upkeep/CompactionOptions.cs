namespace OrleansLake.Ingest.Upkeep;

/// <summary>In which order compaction lays rows.</summary>
public enum CompactionStrategy
{
    /// <summary>File behind file; files that are sorted alike are merged, so that they stay sorted.</summary>
    BinPack,

    /// <summary>By the table's sort order. https://iceberg.apache.org/spec/#sorting</summary>
    Sort,

    /// <summary>Along a Z-order curve of some columns.</summary>
    Zorder,
}

/// <summary>Which files compaction takes, and what it makes of them.</summary>
public sealed record CompactionOptions
{
    /// <summary>The order of the rows (<c>compaction.strategy</c>).</summary>
    public CompactionStrategy Strategy { get; init; }

    /// <summary>The columns of the curve, for <see cref="CompactionStrategy.Zorder"/> (<c>compaction.zorder-columns</c>).</summary>
    public IReadOnlyList<string> ZorderColumns { get; init; } = [];

    /// <summary>
    /// Size of the files that are written (<c>compaction.target-file-size</c>; else Iceberg's
    /// <c>write.target-file-size-bytes</c>). Smaller than three quarters of it is small, larger than nine fifths too large.
    /// </summary>
    public long TargetFileSizeBytes { get; init; } = 512L << 20;

    /// <summary>Small files of one partition that are worth a rewrite (<c>compaction.min-input-files</c>).</summary>
    public int MinInputFiles { get; init; } = 5;

    /// <summary>Bytes read by one group at most: what one commit replaces, and what is lost if it fails (<c>compaction.group-size</c>).</summary>
    public long GroupSizeBytes { get; init; } = 2L << 30;

    /// <summary>Memory of a group that is sorted; beyond it runs are written and merged (<c>compaction.sort-memory</c>).</summary>
    public long SortMemoryBytes { get; init; } = 256L << 20;

    /// <summary>A partition that no rows came to for so long has stopped receiving (<c>compaction.quiet-period</c>).</summary>
    public TimeSpan QuietPeriod { get; init; } = TimeSpan.FromHours(1);

    /// <summary>So many small files make a partition be rewritten while it still receives (<c>compaction.hot-files</c>).</summary>
    public int HotFiles { get; init; } = 100;

    /// <summary>A file of which this share of rows is deleted is rewritten by itself (<c>compaction.delete-share</c>).</summary>
    public double DeleteShare { get; init; } = 0.1;

    /// <summary>A file that so many delete files apply to is rewritten by itself (<c>compaction.delete-files</c>).</summary>
    public int DeleteFiles { get; init; } = 10;

    /// <summary>Only partitions that may have rows of this condition, in SQL (<c>compaction.where</c>).</summary>
    public string? Where { get; init; }

    /// <summary>
    /// The condition of a scan, in SQL, whose cost is told before and after (<c>compaction.probe</c>); null: a scan of every row.
    /// </summary>
    public string? Probe { get; init; }

    /// <summary>Whether every file of a chosen partition is rewritten, small or not: after a change of order, say.</summary>
    public bool RewriteAll { get; init; }

    internal static CompactionOptions Read(UpkeepSettings settings)
    {
        var defaults = new CompactionOptions();
        long table = Write.TableProperty.Long(settings.TableProperties, "write.target-file-size-bytes", defaults.TargetFileSizeBytes);
        return new CompactionOptions
        {
            Strategy = settings.Choice("compaction.strategy", defaults.Strategy),
            ZorderColumns = settings.Names("compaction.zorder-columns"),
            TargetFileSizeBytes = Math.Max(1, settings.SizeBytes("compaction.target-file-size", table)),
            MinInputFiles = (int)Math.Min(int.MaxValue, settings.Number("compaction.min-input-files", defaults.MinInputFiles, least: 2)),
            GroupSizeBytes = Math.Max(1, settings.SizeBytes("compaction.group-size", defaults.GroupSizeBytes)),
            SortMemoryBytes = Math.Max(1 << 20, settings.SizeBytes("compaction.sort-memory", defaults.SortMemoryBytes)),
            QuietPeriod = settings.Duration("compaction.quiet-period", defaults.QuietPeriod),
            HotFiles = (int)Math.Min(int.MaxValue, settings.Number("compaction.hot-files", defaults.HotFiles, least: 2)),
            DeleteShare = settings.Share("compaction.delete-share", defaults.DeleteShare),
            DeleteFiles = (int)Math.Min(int.MaxValue, settings.Number("compaction.delete-files", defaults.DeleteFiles, least: 1)),
            Where = settings.Text("compaction.where"),
            Probe = settings.Text("compaction.probe"),
        };
    }
}
