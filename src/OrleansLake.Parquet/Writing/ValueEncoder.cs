using OrleansLake.Parquet.Buffers;
using OrleansLake.Parquet.Footers;
using OrleansLake.Parquet.Statistics;

namespace OrleansLake.Parquet.Writing;

/// <summary>How the values of a page were encoded, and their bounds.</summary>
internal readonly record struct EncodedValues(PageEncoding Encoding, PageBounds Bounds);

/// <summary>
/// Encodes the values of one column, a page at a time, and decides how. What it decided holds until the row group ends.
/// </summary>
internal abstract class ValueEncoder(ColumnDescriptor column, ParquetWriterOptions options)
{
    /// <summary>So many values tell whether a dictionary can help, before a whole page is tried in vain.</summary>
    protected const int Probe = 4096;

    protected ColumnDescriptor Column { get; } = column;

    protected ParquetWriterOptions Options { get; } = options;

    protected ValueOrder Order { get; } = ValueOrders.Of(column);

    protected DictionaryUse Dictionary { get; set; } = options.DictionarySizeBytes > 0 ? DictionaryUse.Undecided : DictionaryUse.No;

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

    /// <summary>Forgets the row group.</summary>
    public virtual void Clear() =>
        Dictionary = Options.DictionarySizeBytes > 0 ? DictionaryUse.Undecided : DictionaryUse.No;

    public static ValueEncoder For(ColumnDescriptor column, ParquetWriterOptions options) => column.PhysicalType switch
    {
        PhysicalType.Boolean => new BooleanEncoder(column, options),
        PhysicalType.Int32 or PhysicalType.Float => new NumberEncoder<int>(column, options),
        PhysicalType.Int64 or PhysicalType.Double => new NumberEncoder<long>(column, options),
        PhysicalType.ByteArray or PhysicalType.FixedLenByteArray => new ByteArrayEncoder(column, options),
        _ => throw new ArgumentException($"{column}: {column.PhysicalType} is read and never written", nameof(column)),
    };

    protected static void WriteIndices(ReadOnlySpan<int> indices, int dictionaryCount, ByteBuffer page)
    {
        int width = Encodings.RleEncoder.BitWidth(Math.Max(dictionaryCount - 1, 0));
        page.WriteByte((byte)width);
        Encodings.RleEncoder.Encode(indices, width, page);
    }

    /// <summary>Bytes of so many indices, runs left out of account.</summary>
    protected static long IndexBytes(int count, int dictionaryCount) =>
        1 + ((long)count * Encodings.RleEncoder.BitWidth(Math.Max(dictionaryCount - 1, 0)) + 7) / 8;

    protected enum DictionaryUse
    {
        Undecided,
        Yes,
        No,
    }
}
