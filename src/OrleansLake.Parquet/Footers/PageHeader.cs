using OrleansLake.Parquet.Thrift;

namespace OrleansLake.Parquet.Footers;

/// <summary>What stands before each page.</summary>
internal readonly record struct PageHeader
{
    public required PageType Type { get; init; }

    public required int UncompressedSize { get; init; }

    public required int CompressedSize { get; init; }

    public int? Crc { get; init; }

    /// <summary>Slots of a data page, entries of a dictionary page.</summary>
    public int ValueCount { get; init; }

    public PageEncoding Encoding { get; init; }

    public PageEncoding DefinitionLevelEncoding { get; init; }

    public PageEncoding RepetitionLevelEncoding { get; init; }

    public int NullCount { get; init; }

    public int RowCount { get; init; }

    public int DefinitionLevelsLength { get; init; }

    public int RepetitionLevelsLength { get; init; }

    public bool IsCompressed { get; init; }

    public void Write(ThriftWriter writer)
    {
        writer.BeginStruct();
        writer.Int32(1, (int)Type);
        writer.Int32(2, UncompressedSize);
        writer.Int32(3, CompressedSize);
        if (Crc is { } crc)
        {
            writer.Int32(4, crc);
        }

        switch (Type)
        {
            case PageType.Data:
                writer.BeginStruct(5);
                writer.Int32(1, ValueCount);
                writer.Int32(2, (int)Encoding);
                writer.Int32(3, (int)PageEncoding.Rle);
                writer.Int32(4, (int)PageEncoding.Rle);
                writer.EndStruct();
                break;
            case PageType.Dictionary:
                writer.BeginStruct(7);
                writer.Int32(1, ValueCount);
                writer.Int32(2, (int)Encoding);
                writer.EndStruct();
                break;
            case PageType.DataV2:
                writer.BeginStruct(8);
                writer.Int32(1, ValueCount);
                writer.Int32(2, NullCount);
                writer.Int32(3, RowCount);
                writer.Int32(4, (int)Encoding);
                writer.Int32(5, DefinitionLevelsLength);
                writer.Int32(6, RepetitionLevelsLength);
                writer.Bool(7, IsCompressed);
                writer.EndStruct();
                break;
        }

        writer.EndStruct();
    }

    public static PageHeader Read(ref ThriftReader reader)
    {
        int? type = null, uncompressed = null, compressed = null, crc = null;
        PageHeader? detail = null;
        short id = 0;
        while (reader.NextField(ref id))
        {
            switch (id)
            {
                case 1: type = reader.Int32(); break;
                case 2: uncompressed = reader.Int32(); break;
                case 3: compressed = reader.Int32(); break;
                case 4: crc = reader.Int32(); break;
                case 5: detail = ReadData(ref reader); break;
                case 7: detail = ReadDictionary(ref reader); break;
                case 8: detail = ReadDataV2(ref reader); break;
                default: reader.Skip(); break;
            }
        }

        if (type is null || uncompressed is not >= 0 || compressed is not >= 0)
        {
            throw new ParquetFormatException(
                $"page header: expected a type and sizes, got type {type}, uncompressed size {uncompressed}, compressed size {compressed}");
        }

        if (type == (int)PageType.Index)
        {
            detail = new PageHeader { Type = PageType.Index, UncompressedSize = 0, CompressedSize = 0 };
        }

        if (detail is not { } header || (int)header.Type != type)
        {
            throw new ParquetFormatException($"page header: type {type} lacks the struct that belongs to it");
        }

        return header.ValueCount >= 0
            ? header with { UncompressedSize = uncompressed.Value, CompressedSize = compressed.Value, Crc = crc }
            : throw new ParquetFormatException($"page header: expected a count of values, got {header.ValueCount}");
    }

    private static PageHeader ReadData(ref ThriftReader reader)
    {
        reader.ExpectStruct();
        int values = -1, encoding = 0, definition = (int)PageEncoding.Rle, repetition = (int)PageEncoding.Rle;
        short id = 0;
        while (reader.NextField(ref id))
        {
            switch (id)
            {
                case 1: values = reader.Int32(); break;
                case 2: encoding = reader.Int32(); break;
                case 3: definition = reader.Int32(); break;
                case 4: repetition = reader.Int32(); break;
                default: reader.Skip(); break;
            }
        }

        return new PageHeader
        {
            Type = PageType.Data,
            UncompressedSize = 0,
            CompressedSize = 0,
            ValueCount = values,
            Encoding = (PageEncoding)encoding,
            DefinitionLevelEncoding = (PageEncoding)definition,
            RepetitionLevelEncoding = (PageEncoding)repetition,
            IsCompressed = true,
        };
    }

    private static PageHeader ReadDictionary(ref ThriftReader reader)
    {
        reader.ExpectStruct();
        int values = -1, encoding = 0;
        short id = 0;
        while (reader.NextField(ref id))
        {
            switch (id)
            {
                case 1: values = reader.Int32(); break;
                case 2: encoding = reader.Int32(); break;
                default: reader.Skip(); break;
            }
        }

        return new PageHeader
        {
            Type = PageType.Dictionary,
            UncompressedSize = 0,
            CompressedSize = 0,
            ValueCount = values,
            Encoding = (PageEncoding)encoding,
            IsCompressed = true,
        };
    }

    private static PageHeader ReadDataV2(ref ThriftReader reader)
    {
        reader.ExpectStruct();
        int values = -1, nulls = 0, rows = 0, encoding = 0, definition = 0, repetition = 0;
        bool compressed = true;
        short id = 0;
        while (reader.NextField(ref id))
        {
            switch (id)
            {
                case 1: values = reader.Int32(); break;
                case 2: nulls = reader.Int32(); break;
                case 3: rows = reader.Int32(); break;
                case 4: encoding = reader.Int32(); break;
                case 5: definition = reader.Int32(); break;
                case 6: repetition = reader.Int32(); break;
                case 7: compressed = reader.Bool(); break;
                default: reader.Skip(); break;
            }
        }

        if (definition < 0 || repetition < 0)
        {
            throw new ParquetFormatException($"page header: expected lengths of levels, got {definition} and {repetition}");
        }

        return new PageHeader
        {
            Type = PageType.DataV2,
            UncompressedSize = 0,
            CompressedSize = 0,
            ValueCount = values,
            NullCount = nulls,
            RowCount = rows,
            Encoding = (PageEncoding)encoding,
            DefinitionLevelEncoding = PageEncoding.Rle,
            RepetitionLevelEncoding = PageEncoding.Rle,
            DefinitionLevelsLength = definition,
            RepetitionLevelsLength = repetition,
            IsCompressed = compressed,
        };
    }
}
