using OrleansLake.Parquet.Thrift;

namespace OrleansLake.Parquet.Footers;

/// <summary>Takes the page index of a column chunk out of Thrift and checks what skipping pages relies on.</summary>
internal static class PageIndexReader
{
    /// <summary>The offset index; pages in the order of their rows, the first of them with row 0.</summary>
    public static PageLocation[] Offsets(ReadOnlySpan<byte> bytes, long chunkStart, long chunkEnd, long rowCount)
    {
        PageLocation[] pages = [];
        Guarded("offset index", bytes, (ref ThriftReader reader) => pages = ReadOffsets(ref reader));
        long row = 0;
        long end = chunkStart;
        for (int i = 0; i < pages.Length; i++)
        {
            var page = pages[i];
            if (page.Position < end || page.SizeBytes <= 0 || page.SizeBytes > chunkEnd - page.Position || page.FirstRow < row || page.FirstRow > rowCount || (i == 0 && page.FirstRow != 0))
            {
                throw new ParquetFormatException(
                    $"offset index: page {i} has {page.SizeBytes} bytes at {page.Position} from row {page.FirstRow} on, in a column from {chunkStart} to {chunkEnd} of {rowCount} rows");
            }

            row = page.FirstRow;
            end = page.Position + page.SizeBytes;
        }

        return pages;
    }

    /// <summary>The column index of a chunk of so many pages.</summary>
    public static ColumnIndex Bounds(ReadOnlySpan<byte> bytes, int pages)
    {
        bool[] nullPages = [];
        byte[][] mins = [], maxes = [];
        long[]? nulls = null, nans = null;
        Guarded("column index", bytes, (ref ThriftReader reader) =>
        {
            short id = 0;
            while (reader.NextField(ref id))
            {
                switch (id)
                {
                    case 1: nullPages = Bools(ref reader); break;
                    case 2: mins = Binaries(ref reader); break;
                    case 3: maxes = Binaries(ref reader); break;
                    case 5: nulls = Longs(ref reader); break;
                    case 8: nans = Longs(ref reader); break;
                    default: reader.Skip(); break;
                }
            }
        });
        if (nullPages.Length != pages || mins.Length != pages || maxes.Length != pages || (nulls?.Length ?? pages) != pages || (nans?.Length ?? pages) != pages)
        {
            throw new ParquetFormatException(
                $"column index: {nullPages.Length} flags, {mins.Length} lower and {maxes.Length} upper bounds, {nulls?.Length ?? pages} counts of nulls for {pages} pages");
        }

        return new ColumnIndex { NullPages = nullPages, Mins = mins, Maxes = maxes, NullCounts = nulls, NanCounts = nans };
    }

    private delegate void Reading(ref ThriftReader reader);

    private static void Guarded(string place, ReadOnlySpan<byte> bytes, Reading read)
    {
        try
        {
            var reader = new ThriftReader(bytes);
            read(ref reader);
        }
        catch (EndOfThriftException e)
        {
            throw new ParquetFormatException($"{place}: {e.Message}", e);
        }
        catch (ParquetFormatException e)
        {
            throw e.In(place);
        }
    }

    private static PageLocation[] ReadOffsets(ref ThriftReader reader)
    {
        PageLocation[] pages = [];
        short id = 0;
        while (reader.NextField(ref id))
        {
            if (id != 1)
            {
                reader.Skip();
                continue;
            }

            pages = new PageLocation[reader.List(ThriftType.Struct)];
            for (int i = 0; i < pages.Length; i++)
            {
                pages[i] = ReadLocation(ref reader);
            }
        }

        return pages;
    }

    private static PageLocation ReadLocation(ref ThriftReader reader)
    {
        long position = -1, row = -1;
        int size = -1;
        short id = 0;
        while (reader.NextField(ref id))
        {
            switch (id)
            {
                case 1: position = reader.Int64(); break;
                case 2: size = reader.Int32(); break;
                case 3: row = reader.Int64(); break;
                default: reader.Skip(); break;
            }
        }

        return new PageLocation(position, size, row);
    }

    private static bool[] Bools(ref ThriftReader reader)
    {
        var values = new bool[reader.List(ThriftType.True)];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = reader.BoolElement();
        }

        return values;
    }

    private static byte[][] Binaries(ref ThriftReader reader)
    {
        var values = new byte[reader.List(ThriftType.Binary)][];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = reader.Binary().ToArray();
        }

        return values;
    }

    private static long[] Longs(ref ThriftReader reader)
    {
        var values = new long[reader.List(ThriftType.Int64)];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = reader.Int64();
        }

        return values;
    }
}
