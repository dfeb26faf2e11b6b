using OrleansLake.Testing;
using static OrleansLake.Parquet.Tests.Nodes;

namespace OrleansLake.Parquet.Tests;

/// <summary>Bytes that have changed or are missing: a clear error at worst, soon, and without much memory.</summary>
public sealed class CorruptFileTests
{
    [Fact]
    public void Every_truncation_is_refused()
    {
        byte[] file = Sample(CompressionCodec.Zstd, 1);
        for (int length = 0; length < file.Length; length += Math.Max(1, length / 50))
        {
            Assert.Throws<ParquetFormatException>(() => Files.Gather(ParquetReader.Open(file[..length])));
        }
    }

    [Theory]
    [InlineData(CompressionCodec.Uncompressed, 1)]
    [InlineData(CompressionCodec.Uncompressed, 2)]
    [InlineData(CompressionCodec.Zstd, 1)]
    [InlineData(CompressionCodec.Snappy, 1)]
    [InlineData(CompressionCodec.Gzip, 2)]
    [InlineData(CompressionCodec.Lz4Raw, 1)]
    [InlineData(CompressionCodec.Brotli, 1)]
    public void Changed_bytes_of_our_files_never_do_worse_than_an_error(CompressionCodec codec, int version) =>
        Mutate(Sample(codec, version), seed: (int)codec * 10 + version, times: 400);

    [Fact]
    public void Changed_bytes_of_files_of_others_never_do_worse_than_an_error()
    {
        string? folder = SharedData.Find("parquet-testing/data");
        Assert.SkipWhen(folder is null, "shared/data/parquet-testing is absent");
        foreach (string path in Directory.EnumerateFiles(folder, "*.parquet").Where(path => new FileInfo(path).Length < 20_000).Order())
        {
            Mutate(File.ReadAllBytes(path), seed: 3, times: 20);
        }
    }

    private static byte[] Sample(CompressionCodec codec, int version)
    {
        var schema = new ParquetSchema([.. RoundTripTests.AllLeaves(Repetition.Optional), List("l", Text("element")), Map("m", Text("key"), Leaf("value", PhysicalType.Double))]);
        var batch = new RandomRows(schema, 8, new RowShape { Distinct = 30 }).Make(120);
        return Files.Write(batch, new ParquetWriterOptions { Compression = codec, DataPageVersion = version, PageRows = 50, RowGroupRows = 70 });
    }

    private static void Mutate(byte[] file, int seed, int times)
    {
        var random = new Random(seed);
        var options = new ParquetReaderOptions { VerifyChecksums = false, LargestPageBytes = 16 * 1024 * 1024, LargestBatchSlots = 1 << 20 };
        for (int time = 0; time < times; time++)
        {
            byte[] changed = [.. file];
            for (int i = random.Next(1, 4); i > 0; i--)
            {
                // Half of the changes in the footer, which says where everything else lies.
                int at = random.Next(2) == 0 ? random.Next(changed.Length) : random.Next(changed.Length / 2, changed.Length);
                changed[at] = random.Next(3) switch { 0 => 0xFF, 1 => (byte)(changed[at] ^ (1 << random.Next(8))), _ => (byte)random.Next(256) };
            }

            long rows = 0;
            try
            {
                foreach (var batch in ParquetReader.Open(changed, options).Read())
                {
                    rows += batch.RowCount;
                    if (rows > 1_000_000)
                    {
                        break; // a changed count of rows, all null: legal, and without end
                    }
                }
            }
            catch (ParquetFormatException)
            {
                // what a broken file deserves
            }
            catch (Exception e)
            {
                Assert.Fail($"seed {seed}, time {time}: {e}");
            }
        }
    }
}
