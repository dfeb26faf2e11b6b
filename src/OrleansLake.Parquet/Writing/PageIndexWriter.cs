using OrleansLake.Parquet.Buffers;
using OrleansLake.Parquet.Statistics;
using OrleansLake.Parquet.Thrift;

namespace OrleansLake.Parquet.Writing;

/// <summary>The bounds and places of the pages of a column chunk. https://parquet.apache.org/docs/file-format/pageindex/</summary>
internal static class PageIndexWriter
{
    /// <summary>The column index, or null where a page with values has no bounds, or none that shall be told.</summary>
    public static byte[]? ColumnIndex(ColumnChunkWriter chunk, ValueOrder order, ParquetWriterOptions options)
    {
        if (!chunk.HasBounds)
        {
            return null;
        }

        var pages = chunk.Pages;
        bool isText = IsText(chunk.Column);
        var mins = new byte[pages.Count][];
        var maxes = new byte[pages.Count][];
        for (int i = 0; i < pages.Count; i++)
        {
            if (!pages[i].HasValues)
            {
                mins[i] = maxes[i] = [];
                continue;
            }

            if (pages[i].Bounds is not { Min: { } min, Max: { } max }
                || Cut(chunk.Column, min, isText, upper: false, options) is not { } lower
                || Cut(chunk.Column, max, isText, upper: true, options) is not { } upper)
            {
                return null;
            }

            mins[i] = lower;
            maxes[i] = upper;
        }

        var buffer = new ByteBuffer();
        var writer = new ThriftWriter(buffer);
        writer.BeginStruct();
        writer.List(1, ThriftType.True, pages.Count);
        foreach (var page in pages)
        {
            writer.Bool(!page.HasValues);
        }

        WriteBinaries(writer, 2, mins);
        WriteBinaries(writer, 3, maxes);
        writer.Int32(4, BoundaryOrder(pages, order, mins, maxes));
        writer.List(5, ThriftType.Int64, pages.Count);
        foreach (var page in pages)
        {
            writer.Int(page.NullCount);
        }

        WriteHistogram(writer, 6, chunk.RepetitionHistogram);
        WriteHistogram(writer, 7, chunk.DefinitionHistogram);
        writer.EndStruct();
        return buffer.Written.ToArray();
    }

    public static byte[] OffsetIndex(ColumnChunkWriter chunk, long firstPagePosition)
    {
        var buffer = new ByteBuffer();
        var writer = new ThriftWriter(buffer);
        writer.BeginStruct();
        writer.List(1, ThriftType.Struct, chunk.Pages.Count);
        long position = firstPagePosition;
        long row = 0;
        foreach (var page in chunk.Pages)
        {
            writer.BeginStruct();
            writer.Int64(1, position);
            writer.Int32(2, page.SizeBytes);
            writer.Int64(3, row);
            writer.EndStruct();
            position += page.SizeBytes;
            row += page.RowCount;
        }

        if (chunk.ByteArrayBytes is not null)
        {
            writer.List(2, ThriftType.Int64, chunk.Pages.Count);
            foreach (var page in chunk.Pages)
            {
                writer.Int(page.ByteArrayBytes);
            }
        }

        writer.EndStruct();
        return buffer.Written.ToArray();
    }

    public static bool IsText(ColumnDescriptor column) =>
        column.Node.LogicalType is LogicalType.String or LogicalType.Enum or LogicalType.Json;

    /// <summary>A bound as an index or the footer holds it; null where it cannot be made short.</summary>
    public static byte[]? Cut(ColumnDescriptor column, byte[] bound, bool isText, bool upper, ParquetWriterOptions options)
    {
        // Numbers cannot be cut, however many bytes they take.
        if (column.PhysicalType != PhysicalType.ByteArray || column.Node.LogicalType is LogicalType.Decimal)
        {
            return bound;
        }

        return upper
            ? BoundTruncation.Upper(bound, options.BoundLengthBytes, isText)
            : BoundTruncation.Lower(bound, options.BoundLengthBytes, isText);
    }

    private static void WriteHistogram(ThriftWriter writer, short id, LevelHistogram? histogram)
    {
        if (histogram is not null)
        {
            writer.List(id, ThriftType.Int64, histogram.Pages.Count);
            foreach (long count in histogram.Pages)
            {
                writer.Int(count);
            }
        }
    }

    private static void WriteBinaries(ThriftWriter writer, short id, byte[][] values)
    {
        writer.List(id, ThriftType.Binary, values.Length);
        foreach (byte[] value in values)
        {
            writer.Binary(value);
        }
    }

    private static int BoundaryOrder(IReadOnlyList<WrittenPage> pages, ValueOrder order, byte[][] mins, byte[][] maxes)
    {
        const int unordered = 0, ascending = 1, descending = 2;
        bool up = true, down = true;
        int last = -1;
        for (int i = 0; i < pages.Count; i++)
        {
            if (!pages[i].HasValues)
            {
                continue;
            }

            if (last >= 0)
            {
                int min = ValueOrders.Compare(order, mins[last], mins[i]);
                int max = ValueOrders.Compare(order, maxes[last], maxes[i]);
                up &= min <= 0 && max <= 0;
                down &= min >= 0 && max >= 0;
            }

            last = i;
        }

        return up ? ascending : down ? descending : unordered;
    }
}
