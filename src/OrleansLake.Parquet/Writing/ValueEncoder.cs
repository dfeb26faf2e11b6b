using OrleansLake.Parquet.Buffers;
using OrleansLake.Parquet.Codecs;
using OrleansLake.Parquet.Footers;
using OrleansLake.Parquet.Statistics;

namespace OrleansLake.Parquet.Writing;

/// <summary>How the values of a page were encoded, and their bounds.</summary>
internal readonly record struct EncodedValues(PageEncoding Encoding, PageBounds Bounds);

/// <summary>
/// Encodes the values of one column, a page at a time, and decides how. What it decided holds until the row group ends.
/// </summary>
internal abstract class ValueEncoder
{
    /// <summary>So many values tell whether a dictionary can help, before a whole page is tried in vain.</summary>
    protected const int Probe = 4096;

    private readonly bool _mayUseDictionary;

    protected ValueEncoder(ColumnDescriptor column, ParquetWriterOptions options)
    {
        var own = options.Of(column);
        Column = column;
        Options = options;
        Order = ValueOrders.Of(column);
        Forced = own.Encoding;
        _mayUseDictionary = own.Dictionary && own.Encoding is null && options.DictionarySizeBytes > 0;
        Dictionary = _mayUseDictionary ? DictionaryUse.Undecided : DictionaryUse.No;
    }

    protected ColumnDescriptor Column { get; }

    protected ParquetWriterOptions Options { get; }

    protected ValueOrder Order { get; }

    /// <summary>The encoding that the options name for the column.</summary>
    protected PageEncoding? Forced { get; }

    protected DictionaryUse Dictionary { get; set; }

    /// <summary>Bytes of the dictionary page so far; 0 where there is none.</summary>
    public virtual int DictionaryPageLength => 0;

    /// <summary>Entries of the dictionary page.</summary>
    public virtual int DictionaryCount => 0;

    /// <summary>Memory held.</summary>
    public virtual long BufferedBytes => 0;

    /// <summary>Appends the values to the page.</summary>
    public abstract EncodedValues Encode(ColumnBuffer source, int first, int count, EncoderScratch scratch);

    /// <summary>Appends the dictionary to the page.</summary>
    public virtual void WriteDictionary(ByteBuffer page) => throw new InvalidOperationException($"{Column} has no dictionary");

    /// <summary>Adds the entries of the dictionary to a filter.</summary>
    public virtual void AddDictionary(BloomFilterBuilder filter) => throw new InvalidOperationException($"{Column} has no dictionary");

    /// <summary>Forgets the row group.</summary>
    public virtual void Clear() => Dictionary = _mayUseDictionary ? DictionaryUse.Undecided : DictionaryUse.No;

    /// <exception cref="ArgumentException">The options name an encoding that the column's type does not have.</exception>
    public static ValueEncoder For(ColumnDescriptor column, ParquetWriterOptions options, IPageCodec? codec)
    {
        if (options.Of(column).Encoding is { } forced && !Fits(forced, column.PhysicalType))
        {
            throw new ArgumentException($"{column}: values of {column.PhysicalType} cannot be written in encoding {forced}", nameof(options));
        }

        return column.PhysicalType switch
        {
            PhysicalType.Boolean => new BooleanEncoder(column, options),
            PhysicalType.Int32 or PhysicalType.Float => new NumberEncoder<int>(column, options, codec),
            PhysicalType.Int64 or PhysicalType.Double => new NumberEncoder<long>(column, options, codec),
            PhysicalType.ByteArray or PhysicalType.FixedLenByteArray => new ByteArrayEncoder(column, options, codec),
            _ => throw new ArgumentException($"{column}: {column.PhysicalType} is read and never written", nameof(column)),
        };
    }

    protected static void WriteIndices(ReadOnlySpan<int> indices, int dictionaryCount, ByteBuffer page)
    {
        int width = Encodings.RleEncoder.BitWidth(Math.Max(dictionaryCount - 1, 0));
        page.WriteByte((byte)width);
        Encodings.RleEncoder.Encode(indices, width, page);
    }

    /// <summary>Bytes of so many indices, runs left out of account.</summary>
    protected static long IndexBytes(int count, int dictionaryCount) =>
        1 + ((long)count * Encodings.RleEncoder.BitWidth(Math.Max(dictionaryCount - 1, 0)) + 7) / 8;

    private static bool Fits(PageEncoding encoding, PhysicalType type) => encoding switch
    {
        PageEncoding.Plain => true,
        PageEncoding.Rle => type == PhysicalType.Boolean,
        PageEncoding.DeltaBinaryPacked => type is PhysicalType.Int32 or PhysicalType.Int64,
        PageEncoding.DeltaLengthByteArray => type == PhysicalType.ByteArray,
        PageEncoding.DeltaByteArray => type is PhysicalType.ByteArray or PhysicalType.FixedLenByteArray,
        PageEncoding.ByteStreamSplit => type is not (PhysicalType.Boolean or PhysicalType.ByteArray),
        _ => false,
    };

    protected enum DictionaryUse
    {
        Undecided,
        Yes,
        No,
    }
}
