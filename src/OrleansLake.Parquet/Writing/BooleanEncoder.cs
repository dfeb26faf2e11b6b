using OrleansLake.Parquet.Encodings;
using OrleansLake.Parquet.Footers;
using OrleansLake.Parquet.Statistics;

namespace OrleansLake.Parquet.Writing;

/// <summary>One bit a value.</summary>
internal sealed class BooleanEncoder(ColumnDescriptor column, ParquetWriterOptions options) : ValueEncoder(column, options)
{
    public override EncodedValues Encode(ColumnBuffer source, int first, int count, EncoderScratch scratch)
    {
        var values = source.Bytes.AsSpan(first, count);
        int length = (count + 7) / 8;
        var target = scratch.Page.Reserve(length + BitPacking.Slack);
        int whole = count & ~7;
        BitPacking.Pack(values[..whole], 1, target);
        if (whole < count)
        {
            Span<byte> last = stackalloc byte[8];
            last.Clear();
            values[whole..].CopyTo(last);
            BitPacking.Pack(last, 1, target[(whole / 8)..]);
        }

        scratch.Page.Advance(length);
        return new EncodedValues(PageEncoding.Plain, PageBounds.Of(Order, source, first, count));
    }
}
