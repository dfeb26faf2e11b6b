namespace OrleansLake.Parquet;

/// <summary>What a reader puts up with.</summary>
public sealed record ParquetReaderOptions
{
    /// <summary>
    /// The largest page, before and after decompression; a header that names more is refused, as is one that names more than
    /// the page's bytes can become.
    /// </summary>
    public int LargestPageBytes { get; init; } = Array.MaxLength;

    /// <summary>The largest footer.</summary>
    public int LargestFooterBytes { get; init; } = 512 * 1024 * 1024;

    /// <summary>Slots of one column in one batch; a row of more is refused.</summary>
    public int LargestBatchSlots { get; init; } = 64 * 1024 * 1024;

    /// <summary>Whether checksums are compared where pages carry them.</summary>
    public bool VerifyChecksums { get; init; } = true;

    /// <summary>So much of the end of the file is read at once when it is opened; the footer mostly lies in it.</summary>
    public int TailBytes { get; init; } = 64 * 1024;

    /// <summary>Stretches of a file that lie no further apart than this are fetched as one.</summary>
    public int CoalesceBytes { get; init; } = 256 * 1024;

    /// <summary>
    /// Up to so many bytes of a row group are fetched before its first row is read; of a larger one each page by itself.
    /// What is read asynchronously is always fetched first.
    /// </summary>
    public long FetchBytes { get; init; } = 16 * 1024 * 1024;
}
