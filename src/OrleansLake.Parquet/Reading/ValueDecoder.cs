using OrleansLake.Parquet.Footers;

namespace OrleansLake.Parquet.Reading;

/// <summary>Reads the values of a page into a column, as many at a time as asked for.</summary>
/// <remarks>
/// <see cref="Read"/> writes behind the column's last value, into room that the caller has reserved and will count.
/// </remarks>
internal abstract class ValueDecoder
{
    /// <summary>Takes the values of a page, from one position to another, <paramref name="slots"/> at most.</summary>
    public abstract void Start(byte[] page, int start, int end, int slots);

    /// <summary>Reads the next values; throws where there are fewer.</summary>
    public abstract void Read(ColumnBuffer into, int count);

    public static ValueDecoder For(PageEncoding encoding, ColumnDescriptor column) => (encoding, column.PhysicalType) switch
    {
        (PageEncoding.Plain, PhysicalType.Boolean) => new PlainBooleanDecoder(),
        (PageEncoding.Plain, PhysicalType.ByteArray) => new PlainByteArrayDecoder(),
        (PageEncoding.Plain, _) => new PlainFixedDecoder(),
        (PageEncoding.PlainDictionary or PageEncoding.RleDictionary, _) => new DictionaryDecoder(),
        (PageEncoding.Rle, PhysicalType.Boolean) => new RleBooleanDecoder(),
        (PageEncoding.DeltaBinaryPacked, PhysicalType.Int32 or PhysicalType.Int64) => new DeltaBinaryPackedDecoder(),
        (PageEncoding.DeltaLengthByteArray, PhysicalType.ByteArray) => new DeltaLengthByteArrayDecoder(),
        (PageEncoding.DeltaByteArray, PhysicalType.ByteArray or PhysicalType.FixedLenByteArray) => new DeltaByteArrayDecoder(),
        (PageEncoding.ByteStreamSplit, not (PhysicalType.Boolean or PhysicalType.ByteArray)) => new ByteStreamSplitDecoder(),
        _ => throw new ParquetFormatException(
            $"values of {column.PhysicalType} in encoding {(Enum.IsDefined(encoding) ? encoding : (int)encoding)}"),
    };

    protected static ParquetFormatException TooShort(long wanted, long left) =>
        new($"expected {wanted} more bytes of values, {left} are left of the page");
}
