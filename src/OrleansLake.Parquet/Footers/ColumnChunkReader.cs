using OrleansLake.Parquet.Thrift;

namespace OrleansLake.Parquet.Footers;

/// <summary>Takes what the footer says of a column chunk out of Thrift.</summary>
internal static class ColumnChunkReader
{
    public static ColumnChunk Read(ref ThriftReader reader, ColumnDescriptor column, int rowGroup)
    {
        ColumnChunk? chunk = null;
        long? offsetIndex = null, columnIndex = null;
        int offsetIndexLength = 0, columnIndexLength = 0;
        short id = 0;
        while (reader.NextField(ref id))
        {
            switch (id)
            {
                case 1:
                    if (reader.String() is { Length: > 0 } path)
                    {
                        throw new ParquetFormatException($"row group {rowGroup}: {column} lies in another file, {path}");
                    }

                    break;
                case 3: chunk = ReadMetadata(ref reader, column, rowGroup); break;
                case 4: offsetIndex = reader.Int64(); break;
                case 5: offsetIndexLength = reader.Int32(); break;
                case 6: columnIndex = reader.Int64(); break;
                case 7: columnIndexLength = reader.Int32(); break;
                default: reader.Skip(); break;
            }
        }

        if (chunk is null)
        {
            throw new ParquetFormatException($"row group {rowGroup}: {column} has no metadata");
        }

        return chunk with
        {
            OffsetIndex = offsetIndex is { } offsets ? new FileSection(offsets, offsetIndexLength) : null,
            ColumnIndex = columnIndex is { } bounds ? new FileSection(bounds, columnIndexLength) : null,
        };
    }

    public static ColumnStatistics ReadStatistics(ref ThriftReader reader)
    {
        reader.ExpectStruct();
        byte[]? min = null, max = null;
        bool? minExact = null, maxExact = null;
        long? nulls = null, distinct = null, nans = null;
        short id = 0;
        while (reader.NextField(ref id))
        {
            switch (id)
            {
                case 3: nulls = reader.Int64(); break;
                case 4: distinct = reader.Int64(); break;
                case 5: max = reader.Binary().ToArray(); break;
                case 6: min = reader.Binary().ToArray(); break;
                case 7: maxExact = reader.Bool(); break;
                case 8: minExact = reader.Bool(); break;
                case 9: nans = reader.Int64(); break;
                default: reader.Skip(); break;
            }
        }

        return new ColumnStatistics
        {
            Min = min,
            Max = max,
            IsMinExact = minExact,
            IsMaxExact = maxExact,
            NullCount = nulls,
            DistinctCount = distinct,
            NanCount = nans,
        };
    }

    private static ColumnChunk ReadMetadata(ref ThriftReader reader, ColumnDescriptor column, int rowGroup)
    {
        reader.ExpectStruct();
        int type = -1, codec = -1;
        long values = -1, uncompressed = 0, compressed = -1, dataPage = -1;
        long? dictionaryPage = null, bloom = null;
        int bloomLength = 0;
        PageEncoding[] encodings = [];
        PageEncodingCount[] pages = [];
        ColumnStatistics? statistics = null;
        SizeStatistics? sizes = null;
        short id = 0;
        while (reader.NextField(ref id))
        {
            switch (id)
            {
                case 1: type = reader.Int32(); break;
                case 2:
                    encodings = new PageEncoding[reader.List(ThriftType.Int32)];
                    for (int i = 0; i < encodings.Length; i++)
                    {
                        encodings[i] = (PageEncoding)reader.Int32();
                    }

                    break;
                case 4: codec = reader.Int32(); break;
                case 5: values = reader.Int64(); break;
                case 6: uncompressed = reader.Int64(); break;
                case 7: compressed = reader.Int64(); break;
                case 9: dataPage = reader.Int64(); break;
                case 11: dictionaryPage = reader.Int64(); break;
                case 12: statistics = ReadStatistics(ref reader); break;
                case 13: pages = ReadPageEncodings(ref reader); break;
                // Dremio had lists of its own at these numbers.
                case 14 when reader.FieldType == ThriftType.Int64: bloom = reader.Int64(); break;
                case 15 when reader.FieldType == ThriftType.Int32: bloomLength = reader.Int32(); break;
                case 16 when reader.FieldType == ThriftType.Struct: sizes = ReadSizes(ref reader); break;
                default: reader.Skip(); break;
            }
        }

        if (type != (int)column.PhysicalType)
        {
            throw new ParquetFormatException($"row group {rowGroup}: {column} expected physical type {column.PhysicalType}, got {type}");
        }

        if (values < 0 || compressed < 0 || dataPage < 0)
        {
            throw new ParquetFormatException($"row group {rowGroup}: {column} has {values} values in {compressed} bytes at {dataPage}");
        }

        return new ColumnChunk
        {
            Column = column,
            Codec = (CompressionCodec)codec,
            Encodings = encodings,
            ValueCount = values,
            UncompressedSizeBytes = uncompressed,
            SizeBytes = compressed,
            DataPagePosition = dataPage,

            // Some writers put 0 where there is no dictionary; nothing can lie before the magic number.
            DictionaryPagePosition = dictionaryPage is > 0 ? dictionaryPage : null,
            Statistics = statistics,
            PageEncodings = pages,
            SizeStatistics = sizes,
            BloomFilter = bloom is { } at ? new FileSection(at, bloomLength) : null,
        };
    }

    private static SizeStatistics ReadSizes(ref ThriftReader reader)
    {
        reader.ExpectStruct();
        long? bytes = null;
        long[] repetition = [], definition = [];
        short id = 0;
        while (reader.NextField(ref id))
        {
            switch (id)
            {
                case 1: bytes = reader.Int64(); break;
                case 2: repetition = ReadCounts(ref reader); break;
                case 3: definition = ReadCounts(ref reader); break;
                default: reader.Skip(); break;
            }
        }

        return new SizeStatistics { ByteArrayBytes = bytes, RepetitionLevels = repetition, DefinitionLevels = definition };
    }

    private static long[] ReadCounts(ref ThriftReader reader)
    {
        var counts = new long[reader.List(ThriftType.Int64)];
        for (int i = 0; i < counts.Length; i++)
        {
            counts[i] = reader.Int64();
        }

        return counts;
    }

    private static PageEncodingCount[] ReadPageEncodings(ref ThriftReader reader)
    {
        var pages = new PageEncodingCount[reader.List(ThriftType.Struct)];
        for (int i = 0; i < pages.Length; i++)
        {
            int page = 0, encoding = 0, count = 0;
            short id = 0;
            while (reader.NextField(ref id))
            {
                switch (id)
                {
                    case 1: page = reader.Int32(); break;
                    case 2: encoding = reader.Int32(); break;
                    case 3: count = reader.Int32(); break;
                    default: reader.Skip(); break;
                }
            }

            pages[i] = new PageEncodingCount((PageType)page, (PageEncoding)encoding, count);
        }

        return pages;
    }
}
