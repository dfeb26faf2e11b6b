using OrleansLake.Parquet.Footers;

namespace OrleansLake.Parquet;

/// <summary>Which encodings a writer may choose from, by what it sees of a column.</summary>
public enum EncodingChoice
{
    /// <summary>
    /// PLAIN and dictionaries: what every reader knows. Iceberg's own vectorised reader in Spark knew nothing else before
    /// 1.10 (https://github.com/apache/iceberg/issues/7162).
    /// </summary>
    Classic,

    /// <summary>Those, DELTA_BINARY_PACKED, DELTA_LENGTH_BYTE_ARRAY and DELTA_BYTE_ARRAY.</summary>
    Delta,

    /// <summary>Those and BYTE_STREAM_SPLIT of floating-point numbers (of other types DuckDB does not read it).</summary>
    All,
}

/// <summary>How one column is written where it differs from the others.</summary>
public sealed record ParquetColumnOptions
{
    /// <summary>Whether it may have a dictionary.</summary>
    public bool Dictionary { get; init; } = true;

    /// <summary>The encoding of all its values, without a dictionary; null: whatever the writer finds best.</summary>
    public PageEncoding? Encoding { get; init; }

    /// <summary>Whether the footer and the column index have its bounds.</summary>
    public bool Statistics { get; init; } = true;

    /// <summary>
    /// How often a Bloom filter may say that a value occurs which does not, between 0 and 1; null for no filter. Booleans
    /// never have one. https://parquet.apache.org/docs/file-format/bloomfilter/
    /// </summary>
    public double? BloomFilterFpp { get; init; }
}

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
    public int DictionarySizeBytes { get; init; } = 2 * 1024 * 1024;

    /// <summary>1 or 2.</summary>
    public int DataPageVersion { get; init; } = 1;

    /// <summary>Which encodings there are to choose from.</summary>
    public EncodingChoice Encodings { get; init; } = EncodingChoice.Classic;

    /// <summary>Columns that are written otherwise, by their path with dots.</summary>
    public IReadOnlyDictionary<string, ParquetColumnOptions> Columns { get; init; } = new Dictionary<string, ParquetColumnOptions>();

    /// <summary>A Bloom filter takes so many bytes at most, however many values it holds.</summary>
    public int BloomFilterMaxBytes { get; init; } = 1024 * 1024;

    /// <summary>By what the rows of each row group are sorted: what the caller promises, never checked.</summary>
    public IReadOnlyList<SortingColumn> SortingColumns { get; init; } = [];

    /// <summary>Bounds of text and bytes in the footer and in the column index are cut to so many bytes.</summary>
    public int BoundLengthBytes { get; init; } = 64;

    /// <summary>Whether each page carries a checksum.</summary>
    public bool PageChecksums { get; init; } = true;

    /// <summary>Whether the bounds and places of all pages are written before the footer.</summary>
    public bool PageIndex { get; init; } = true;

    /// <summary>The program that readers find in the footer.</summary>
    public string CreatedBy { get; init; } = DefaultCreatedBy;

    /// <summary>Whatever else shall stand in the footer.</summary>
    public IReadOnlyDictionary<string, string> KeyValueMetadata { get; init; } = new Dictionary<string, string>();

    internal ParquetColumnOptions Of(ColumnDescriptor column) => Columns.GetValueOrDefault(column.ToString()) ?? ColumnDefaults;

    private static readonly ParquetColumnOptions ColumnDefaults = new();

    internal void Validate()
    {
        Require(BloomFilterMaxBytes >= 32, nameof(BloomFilterMaxBytes), BloomFilterMaxBytes);
        Require(Enum.IsDefined(Encodings), nameof(Encodings), Encodings);
        foreach (var (path, column) in Columns)
        {
            Require(column.BloomFilterFpp is null or (> 0 and < 1), $"{path}: {nameof(ParquetColumnOptions.BloomFilterFpp)}", column.BloomFilterFpp);
        }

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

    private static void Require(bool holds, string name, object? value)
    {
        if (!holds)
        {
            throw new ArgumentOutOfRangeException(name, value, $"{name} cannot be {value}");
        }
    }
}
