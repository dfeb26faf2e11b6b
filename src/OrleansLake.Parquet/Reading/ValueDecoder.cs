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

    public static ValueDecoder For(Encoding encoding, ColumnDescriptor column, ColumnBuffer? dictionary) => (encoding, column.PhysicalType) switch
    {
        (Encoding.Plain, PhysicalType.Boolean) => new PlainBooleanDecoder(),
        (Encoding.Plain, PhysicalType.ByteArray) => new PlainByteArrayDecoder(),
        (Encoding.Plain, _) => new PlainFixedDecoder(),
        (Encoding.PlainDictionary or Encoding.RleDictionary, _) => new DictionaryDecoder(
            dictionary ?? throw new ParquetFormatException("indices into a dictionary, but there is none")),
        (Encoding.Rle, PhysicalType.Boolean) => new RleBooleanDecoder(),
        (Encoding.DeltaBinaryPacked, PhysicalType.Int32 or PhysicalType.Int64) => new DeltaBinaryPackedDecoder(),
        (Encoding.DeltaLengthByteArray, PhysicalType.ByteArray) => new DeltaLengthByteArrayDecoder(),
        (Encoding.DeltaByteArray, PhysicalType.ByteArray or PhysicalType.FixedLenByteArray) => new DeltaByteArrayDecoder(),
        (Encoding.ByteStreamSplit, not (PhysicalType.Boolean or PhysicalType.ByteArray)) => new ByteStreamSplitDecoder(),
        _ => throw new ParquetFormatException(
            $"values of {column.PhysicalType} in encoding {(Enum.IsDefined(encoding) ? encoding : (int)encoding)}"),
    };

    protected static ParquetFormatException TooShort(long wanted, long left) =>
        new($"expected {wanted} more bytes of values, {left} are left of the page");
}
