using OrleansLake.Parquet.Buffers;
using OrleansLake.Parquet.Encodings;
using OrleansLake.Parquet.Footers;
using OrleansLake.Parquet.Statistics;

namespace OrleansLake.Parquet.Writing;

/// <summary>One bit a value, or runs where the options ask for them.</summary>
internal sealed class BooleanEncoder(ColumnDescriptor column, ParquetWriterOptions options) : ValueEncoder(column, options)
{
    public override EncodedValues Encode(ColumnBuffer source, int first, int count, EncoderScratch scratch)
    {
        var values = source.Bytes.AsSpan(first, count);
        var bounds = PageBounds.Of(Order, source, first, count);
        if (Forced == PageEncoding.Rle)
        {
            int start = scratch.Page.Length;
            scratch.Page.WriteInt32(0);
            RleEncoder.Encode(values, 1, scratch.Page);
            scratch.Page.PatchInt32(start, scratch.Page.Length - start - sizeof(int));
            return new EncodedValues(PageEncoding.Rle, bounds);
        }

        WriteBits(values, scratch.Page);
        return new EncodedValues(PageEncoding.Plain, bounds);
    }

    private static void WriteBits(ReadOnlySpan<byte> values, ByteBuffer page)
    {
        int length = (values.Length + 7) / 8;
        var target = page.Reserve(length + BitPacking.Slack);
        int whole = values.Length & ~7;
        BitPacking.Pack(values[..whole], 1, target);
        if (whole < values.Length)
        {
            Span<byte> last = stackalloc byte[8];
            last.Clear();
            values[whole..].CopyTo(last);
            BitPacking.Pack(last, 1, target[(whole / 8)..]);
        }

        page.Advance(length);
    }
}
