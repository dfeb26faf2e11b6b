
namespace OrleansLake.Parquet;

/// <summary>How a file is written.</summary>
public sealed record ParquetWriterOptions
{
    /// <summary>What readers find as the name of the program.</summary>
    public const string DefaultCreatedBy = "orleanslake version 0.1.0";

    /// <summary>How pages are compressed.</summary>
    public CompressionCodec Compression { get; init; } = CompressionCodec.Zstd;

    /// <summary>The codec's level; null for the codec's own default.</summary>
    public int? CompressionLevel { get; init; }

    /// <summary>A row group is closed when it takes about so many bytes in the file.</summary>
    public long RowGroupSizeBytes { get; init; } = 128L * 1024 * 1024;

    /// <summary>A row group is closed at the latest with so many rows.</summary>
    public long RowGroupRows { get; init; } = long.MaxValue;

    /// <summary>A page is closed when its values take so many bytes before encoding and compression.</summary>
    public int PageSizeBytes { get; init; } = 1024 * 1024;

    /// <summary>A page is closed at the latest with so many rows.</summary>
    public int PageRows { get; init; } = 20_000;

    /// <summary>A dictionary larger than this is given up; 0 for no dictionaries.</summary>
    public int DictionarySizeBytes { get; init; } = 1024 * 1024;

    /// <summary>1 or 2.</summary>
    public int DataPageVersion { get; init; } = 1;

    /// <summary>Whether integers may be written as differences where that is smaller (DELTA_BINARY_PACKED).</summary>
    public bool DeltaEncoding { get; init; } = true;

    /// <summary>Bounds of text and bytes in the footer and in the column index are cut to so many bytes.</summary>
    public int BoundLengthBytes { get; init; } = 64;

    /// <summary>Whether each page carries a checksum.</summary>
    public bool PageChecksums { get; init; }

    /// <summary>Whether the bounds and places of all pages are written before the footer.</summary>
    public bool PageIndex { get; init; } = true;

    /// <summary>The program that readers find in the footer.</summary>
    public string CreatedBy { get; init; } = DefaultCreatedBy;

    /// <summary>Whatever else shall stand in the footer.</summary>
    public IReadOnlyDictionary<string, string> KeyValueMetadata { get; init; } = new Dictionary<string, string>();

    internal void Validate()
    {
        Require(RowGroupSizeBytes > 0, nameof(RowGroupSizeBytes), RowGroupSizeBytes);
        Require(RowGroupRows > 0, nameof(RowGroupRows), RowGroupRows);
        Require(PageSizeBytes > 0, nameof(PageSizeBytes), PageSizeBytes);
        Require(PageRows > 0, nameof(PageRows), PageRows);
        Require(DictionarySizeBytes >= 0, nameof(DictionarySizeBytes), DictionarySizeBytes);
        Require(DataPageVersion is 1 or 2, nameof(DataPageVersion), DataPageVersion);
        Require(BoundLengthBytes > 0, nameof(BoundLengthBytes), BoundLengthBytes);
        Require(
            Compression is not CompressionCodec.Lz4 and not CompressionCodec.Lzo && Enum.IsDefined(Compression),
            nameof(Compression),
            Compression);
    }

    private static void Require(bool holds, string name, object value)
    {
        if (!holds)
        {
            throw new ArgumentOutOfRangeException(name, value, $"{name} cannot be {value}");
        }
    }
}
