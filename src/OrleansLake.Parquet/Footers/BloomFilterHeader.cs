using OrleansLake.Parquet.Buffers;
using OrleansLake.Parquet.Thrift;

namespace OrleansLake.Parquet.Footers;

/// <summary>What stands before a Bloom filter. https://parquet.apache.org/docs/file-format/bloomfilter/</summary>
internal static class BloomFilterHeader
{
    // The only members that the unions have: split blocks, XXH64, not compressed.
    private const short Algorithm = 2, Hash = 3, Compression = 4, Only = 1;

    /// <summary>Appends the header of a filter of so many bytes.</summary>
    public static void Write(ByteBuffer destination, int filterBytes)
    {
        var writer = new ThriftWriter(destination);
        writer.BeginStruct();
        writer.Int32(1, filterBytes);
        foreach (short union in (ReadOnlySpan<short>)[Algorithm, Hash, Compression])
        {
            writer.BeginStruct(union);
            writer.EmptyStruct(Only);
            writer.EndStruct();
        }

        writer.EndStruct();
    }
}
