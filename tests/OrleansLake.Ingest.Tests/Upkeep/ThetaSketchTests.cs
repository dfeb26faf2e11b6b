using System.Buffers.Binary;
using System.Text;
using OrleansLake.Iceberg;
using OrleansLake.Iceberg.Puffin;

namespace OrleansLake.Ingest.Tests.Upkeep;

/// <summary>Sketches of distinct values. https://iceberg.apache.org/puffin-spec/#apache-datasketches-theta-v1-blob-type</summary>
public sealed class ThetaSketchTests
{
    [Fact]
    public void The_hash_is_murmur3_and_the_default_seed_has_the_known_check()
    {
        Assert.Equal(0xE34BBC7BBC071B6CUL, Murmur128.Hash("The quick brown fox jumps over the lazy dog"u8, 0));
        Span<byte> seed = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(seed, 9001);
        Assert.Equal(0x93CCUL, Murmur128.Hash(seed, 0) & 0xFFFF);
    }

    [Fact]
    public void Bytes_are_laid_out_as_compact_sketches_are()
    {
        var sketch = new ThetaSketch();
        Assert.Equal("01030300001ECC93", Convert.ToHexString(sketch.ToBytes()));
        sketch.Add("a"u8);
        sketch.Add("a"u8);
        sketch.Add([]);
        byte[] one = sketch.ToBytes();
        Assert.Equal(("01030300003ACC93", 16), (Convert.ToHexString(one, 0, 8), one.Length));
        Assert.Equal((long)(Murmur128.Hash("a"u8, 9001) >> 1), BinaryPrimitives.ReadInt64LittleEndian(one.AsSpan(8)));
        sketch.Add("b"u8);
        Assert.Equal("02030300001ACC9302000000" + "0000803F", Convert.ToHexString(sketch.ToBytes(), 0, 16));
        Assert.Equal(2, sketch.Estimate);
    }

    /// <summary>
    /// What Apache DataSketches makes of the same values: update sketches of 4,096 nominal entries, united, compact and ordered. It
    /// reads our bytes, which differ from those of its C++ library in what that leaves unset: the sampling probability, and the flag of
    /// a single hash, both of which its Java library sets as we do.
    /// </summary>
    [Theory]
    [InlineData(1, 1, null, "2338584F239A1B3EFFF8874FA264B586")]
    [InlineData(2, 2, null, "7E6ABA51B23B82A7F284DE652B427195")]
    [InlineData(1000, 1000, null, "B1A665B3652225CFCC33202FFACE5BF9")]
    [InlineData(4096, 4096, null, "DFD8ADE6CC86BC315921AF7DF9890142")]
    [InlineData(4097, 4096, 9222931605267840197L, "65864B3EFA5E958A9A02D8B4E9E90900")]
    [InlineData(200_000, 4096, 189392378651257123L, "DAE1C027F9A8A7CF268660797A3A702D")]
    public void Hashes_count_and_theta_are_those_of_Apache_DataSketches(int values, int retained, long? theta, string digest)
    {
        var sketch = new ThetaSketch();
        for (int i = 0; i < values; i++)
        {
            sketch.Add(Encoding.UTF8.GetBytes($"value {i}"));
        }

        byte[] bytes = sketch.ToBytes();
        int hashes = 8 * bytes[0];
        Assert.Equal(retained, bytes[0] == 1 ? 1 : BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(8)));
        Assert.Equal(theta, bytes[0] == 3 ? BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(16)) : null);
        Assert.Equal(digest, Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(bytes.AsSpan(hashes)), 0, 16));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(1000)]
    [InlineData(200_000)]
    public void What_is_read_back_and_united_estimates_the_same(int count)
    {
        var sketch = new ThetaSketch();
        var (left, right) = (new ThetaSketch(), new ThetaSketch());
        for (int i = 0; i < count; i++)
        {
            byte[] value = Encoding.UTF8.GetBytes($"value {i}");
            sketch.Add(value);
            (i % 3 == 0 ? left : right).Add(value);
        }

        byte[] bytes = sketch.ToBytes();
        var read = ThetaSketch.FromBytes(bytes, "test");
        Assert.Equal(bytes, read.ToBytes());
        Assert.InRange(sketch.Estimate, count * 0.95, count * 1.05);
        left.UnionWith(right);
        Assert.InRange(left.Estimate, count * 0.95, count * 1.05);
        Assert.InRange(bytes.Length, 8, 24 + (4096 * 8));
        if (count > 4096)
        {
            Assert.Equal(3, bytes[0]);
            long theta = BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(16));
            Assert.All(Enumerable.Range(0, 4096), i => Assert.InRange(BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(24 + (8 * i))), 1, theta - 1));
        }
    }

    [Fact]
    public void What_is_none_is_refused()
    {
        foreach (byte[] bytes in new byte[][] { [], [1, 2, 3], [2, 3, 3, 0, 0, 0x1A, 0xCC, 0x93], [2, 3, 3, 0, 0, 0x1A, 0xCC, 0x93, 255, 255, 255, 127, 0, 0, 128, 63], [1, 3, 3, 0, 0, 0x3A, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8] })
        {
            Assert.Throws<IcebergFormatException>(() => ThetaSketch.FromBytes(bytes, "test"));
        }
    }
}
