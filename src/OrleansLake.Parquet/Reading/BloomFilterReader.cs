using System.Runtime.InteropServices;
using OrleansLake.Parquet.Footers;
using OrleansLake.Parquet.Statistics;
using OrleansLake.Parquet.Thrift;

namespace OrleansLake.Parquet.Reading;

/// <summary>Reads the Bloom filter of a column chunk. https://parquet.apache.org/docs/file-format/bloomfilter/</summary>
internal static class BloomFilterReader
{
    private const int LargestHeaderBytes = 256;
    private const int LargestFilterBytes = 128 * 1024 * 1024;

    /// <returns>The words of the filter, whole blocks.</returns>
    public static uint[] Read(ByteSource source, FileSection section)
    {
        if (section.Position < 0 || section.Position >= source.Length)
        {
            throw new ParquetFormatException($"it lies at {section.Position} in a file of {source.Length}");
        }

        var head = new byte[(int)Math.Min(LargestHeaderBytes, source.Length - section.Position)];
        source.Read(section.Position, head);
        int length, headerLength;
        try
        {
            var reader = new ThriftReader(head);
            length = ReadHeader(ref reader);
            headerLength = reader.Position;
        }
        catch (EndOfThriftException e)
        {
            throw new ParquetFormatException($"header: {e.Message}", e);
        }

        if (length <= 0 || length % BloomFilter.BlockBytes != 0 || length > LargestFilterBytes || length > source.Length - section.Position - headerLength)
        {
            throw new ParquetFormatException($"it has {length} bytes at {section.Position + headerLength} in a file of {source.Length}");
        }

        var words = new uint[length / sizeof(uint)];
        source.Read(section.Position + headerLength, MemoryMarshal.AsBytes(words.AsSpan()));
        return words;
    }

    private static int ReadHeader(ref ThriftReader reader)
    {
        int length = -1;
        bool isBlock = false, isXxHash = false, isPlain = false;
        short id = 0;
        while (reader.NextField(ref id))
        {
            switch (id)
            {
                case 1: length = reader.Int32(); break;
                case 2: isBlock = FirstChoice(ref reader); break;
                case 3: isXxHash = FirstChoice(ref reader); break;
                case 4: isPlain = FirstChoice(ref reader); break;
                default: reader.Skip(); break;
            }
        }

        return isBlock && isXxHash && isPlain
            ? length
            : throw new ParquetFormatException("its algorithm, hash or compression is none of those that the format defines");
    }

    /// <summary>Whether a union holds its first member: the only one that each of these has so far.</summary>
    private static bool FirstChoice(ref ThriftReader reader)
    {
        reader.ExpectStruct();
        bool first = false;
        short id = 0;
        while (reader.NextField(ref id))
        {
            first |= id == 1;
            reader.Skip();
        }

        return first;
    }
}
