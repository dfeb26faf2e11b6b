using OrleansLake.Parquet.Footers;

namespace OrleansLake.Parquet.Reading;

/// <summary>The distinct values of a column chunk.</summary>
internal static class DictionaryPage
{
    private const int Step = 4096;

    public static ColumnBuffer Read(PageHeader header, ColumnMemory memory, byte[] page, int start, int end)
    {
        if (header.Encoding is not (PageEncoding.Plain or PageEncoding.PlainDictionary))
        {
            throw new ParquetFormatException($"a dictionary in encoding {header.Encoding}");
        }

        var decoder = memory.Decoder(PageEncoding.Plain);
        decoder.Start(page, start, end, header.ValueCount);
        var dictionary = memory.Dictionary();

        // Only as many at a time as the bytes can hold: the count is only what the header says.
        int left = header.ValueCount;
        while (left > 0)
        {
            int take = Math.Min(left, Step);
            dictionary.Reserve(take);
            decoder.Read(dictionary, take);
            dictionary.ValueCount += take;
            dictionary.SlotCount += take;
            left -= take;
        }

        return dictionary;
    }
}
