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
}
