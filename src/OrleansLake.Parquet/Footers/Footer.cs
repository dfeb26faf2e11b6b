namespace OrleansLake.Parquet.Footers;

/// <summary>What stands at the end of a file: its schema and where everything lies. https://parquet.apache.org/docs/file-format/metadata/</summary>
public sealed record Footer
{
    /// <summary>The format's version that the writer named.</summary>
    public int Version { get; init; } = 1;

    /// <summary>The fields and their columns.</summary>
    public required ParquetSchema Schema { get; init; }

    /// <summary>Rows in all row groups.</summary>
    public required long RowCount { get; init; }

    /// <summary>The row groups in the order of the rows.</summary>
    public required IReadOnlyList<RowGroup> RowGroups { get; init; }

    /// <summary>What the writer noted beside the data.</summary>
    public IReadOnlyDictionary<string, string> KeyValueMetadata { get; init; } = new Dictionary<string, string>();

    /// <summary>Which program wrote the file.</summary>
    public string? CreatedBy { get; init; }

    /// <summary>Whether the bounds of each column follow the order of its type; without it they mean nothing for most types.</summary>
    public IReadOnlyList<ColumnOrder> ColumnOrders { get; init; } = [];
}

/// <summary>What the bounds of a column are compared by.</summary>
public enum ColumnOrder
{
    /// <summary>Not told.</summary>
    Undefined = 0,

    /// <summary>The order that the type defines.</summary>
    TypeDefined = 1,

    /// <summary>IEEE 754 total order.</summary>
    Ieee754Total = 2,
}

/// <summary>A run of rows whose columns lie together.</summary>
public sealed record RowGroup
{
    /// <summary>One a column, in the order of the schema.</summary>
    public required IReadOnlyList<ColumnChunk> Columns { get; init; }

    /// <summary>Rows.</summary>
    public required long RowCount { get; init; }

    /// <summary>Bytes before compression.</summary>
    public long TotalByteSize { get; init; }

    /// <summary>Bytes in the file, where told.</summary>
    public long? TotalCompressedSize { get; init; }

    /// <summary>Position of the first byte, where told.</summary>
    public long? Position { get; init; }

    /// <summary>Its number in the file, where told.</summary>
    public short? Ordinal { get; init; }

    /// <summary>By what its rows are sorted, the first before the second; empty where the writer does not tell.</summary>
    public IReadOnlyList<SortingColumn> SortingColumns { get; init; } = [];
}

/// <summary>A column by which rows are sorted.</summary>
/// <param name="Column">Its number among the leaves.</param>
/// <param name="IsDescending">Whether the greatest value comes first.</param>
/// <param name="NullsFirst">Whether nulls come before all values.</param>
public readonly record struct SortingColumn(int Column, bool IsDescending, bool NullsFirst);

/// <summary>The pages of one column in one row group.</summary>
public sealed record ColumnChunk
{
    /// <summary>Which column.</summary>
    public required ColumnDescriptor Column { get; init; }

    /// <summary>How its pages are compressed.</summary>
    public required CompressionCodec Codec { get; init; }

    /// <summary>Encodings of levels and values in its pages.</summary>
    public IReadOnlyList<PageEncoding> Encodings { get; init; } = [];

    /// <summary>Slots, nulls included.</summary>
    public required long ValueCount { get; init; }

    /// <summary>Bytes before compression, page headers included.</summary>
    public required long UncompressedSizeBytes { get; init; }

    /// <summary>Bytes in the file, page headers included.</summary>
    public required long SizeBytes { get; init; }

    /// <summary>Position of the first data page.</summary>
    public required long DataPagePosition { get; init; }

    /// <summary>Position of the dictionary page, where there is one.</summary>
    public long? DictionaryPagePosition { get; init; }

    /// <summary>Bounds and counts.</summary>
    public ColumnStatistics? Statistics { get; init; }

    /// <summary>How many pages there are of each encoding.</summary>
    public IReadOnlyList<PageEncodingCount> PageEncodings { get; init; } = [];

    /// <summary>Where the offset index lies.</summary>
    public FileSection? OffsetIndex { get; init; }

    /// <summary>Where the column index lies.</summary>
    public FileSection? ColumnIndex { get; init; }

    /// <summary>How much memory its values take, where told.</summary>
    public SizeStatistics? SizeStatistics { get; init; }

    /// <summary>Where the Bloom filter lies; its length is 0 where the writer did not tell it.</summary>
    public FileSection? BloomFilter { get; init; }
}

/// <summary>A place in a file.</summary>
public readonly record struct FileSection(long Position, int Length);

/// <summary>Pages of one type and encoding in a column chunk.</summary>
public readonly record struct PageEncodingCount(PageType Page, PageEncoding Encoding, int Count);

/// <summary>Bounds and counts of a column chunk or page.</summary>
public sealed record ColumnStatistics
{
    /// <summary>A value that none lies below, plainly encoded without a length.</summary>
    public byte[]? Min { get; init; }

    /// <summary>A value that none lies above.</summary>
    public byte[]? Max { get; init; }

    /// <summary>Whether <see cref="Min"/> itself occurs, where told.</summary>
    public bool? IsMinExact { get; init; }

    /// <summary>Whether <see cref="Max"/> itself occurs, where told.</summary>
    public bool? IsMaxExact { get; init; }

    /// <summary>Slots without a value.</summary>
    public long? NullCount { get; init; }

    /// <summary>Different values.</summary>
    public long? DistinctCount { get; init; }

    /// <summary>Values that are not a number.</summary>
    public long? NanCount { get; init; }
}

/// <summary>
/// What a reader needs to foresee how much memory values and levels take. A histogram has a count for each level from 0 on;
/// one that tells nothing new is left out.
/// </summary>
public sealed record SizeStatistics
{
    /// <summary>Bytes of all byte arrays, without lengths; null for other types.</summary>
    public long? ByteArrayBytes { get; init; }

    /// <summary>Slots of each repetition level.</summary>
    public IReadOnlyList<long> RepetitionLevels { get; init; } = [];

    /// <summary>Slots of each definition level.</summary>
    public IReadOnlyList<long> DefinitionLevels { get; init; } = [];
}

/// <summary>How levels or values are laid out. https://parquet.apache.org/docs/file-format/data-pages/encodings/</summary>
public enum PageEncoding
{
    /// <summary>One value after the other.</summary>
    Plain = 0,

    /// <summary>Deprecated name of a dictionary and of the indices into it.</summary>
    PlainDictionary = 2,

    /// <summary>Runs and bit-packed groups.</summary>
    Rle = 3,

    /// <summary>Deprecated layout of levels.</summary>
    BitPacked = 4,

    /// <summary>Differences of integers.</summary>
    DeltaBinaryPacked = 5,

    /// <summary>Lengths as differences, then the bytes.</summary>
    DeltaLengthByteArray = 6,

    /// <summary>Prefixes shared with the value before.</summary>
    DeltaByteArray = 7,

    /// <summary>Indices into a dictionary.</summary>
    RleDictionary = 8,

    /// <summary>All first bytes, all second bytes, and so on.</summary>
    ByteStreamSplit = 9,
}

/// <summary>What a page holds.</summary>
public enum PageType
{
    /// <summary>Levels and values, compressed together.</summary>
    Data = 0,

    /// <summary>Never written by anyone.</summary>
    Index = 1,

    /// <summary>The dictionary of the pages behind it.</summary>
    Dictionary = 2,

    /// <summary>Levels, not compressed, and values.</summary>
    DataV2 = 3,
}
