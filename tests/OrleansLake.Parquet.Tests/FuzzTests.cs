using OrleansLake.Testing;
using static OrleansLake.Parquet.Tests.Nodes;

namespace OrleansLake.Parquet.Tests;

/// <summary>Files of ours and of others with changed bytes, read in every way there is; <c>./lake bench fuzz-parquet</c> goes on for longer.</summary>
public sealed class FuzzTests
{
    private const int Seeds = 6000;

    [Fact]
    public void Changed_files_never_do_worse_than_a_clear_error()
    {
        var fuzz = new ParquetFuzz(Files());
        for (int seed = 0; seed < Seeds; seed++)
        {
            Assert.Null(fuzz.Run(seed));
        }

        Assert.True(fuzz.Refused > Seeds / 10 && fuzz.Survived > Seeds / 20, $"{fuzz.Refused} refused, {fuzz.Survived} read");
    }

    private static List<(string, byte[])> Files()
    {
        var files = new List<(string, byte[])>();
        foreach (var codec in (CompressionCodec[])[CompressionCodec.Uncompressed, CompressionCodec.Zstd, CompressionCodec.Snappy, CompressionCodec.Gzip, CompressionCodec.Lz4Raw, CompressionCodec.Brotli])
        {
            files.Add(($"ours {codec}", Ours(codec, 1 + files.Count % 2)));
        }

        foreach (string folder in (string[])["parquet-testing/data", "parquet-testing/bad_data", "parquet-testing/shredded_variant"])
        {
            if (SharedData.Find(folder) is { } path)
            {
                files.AddRange(Directory.EnumerateFiles(path, "*.parquet").Where(file => new FileInfo(file).Length < 20_000).Order().Select(file => (Path.GetFileName(file), File.ReadAllBytes(file))));
            }
        }

        return files;
    }

    private static byte[] Ours(CompressionCodec codec, int version)
    {
        var schema = new ParquetSchema([.. RoundTripTests.AllLeaves(Repetition.Optional), List("l", Text("element")), Map("m", Text("key"), Leaf("value", PhysicalType.Double))]);
        var batch = new RandomRows(schema, 8, new RowShape { Distinct = 30 }).Make(100);
        return Tests.Files.Write(batch, new ParquetWriterOptions
        {
            Compression = codec,
            DataPageVersion = version,
            PageRows = 20,
            RowGroupRows = 60,
            Encodings = version == 2 ? EncodingChoice.All : EncodingChoice.Classic,
            Columns = schema.Columns.Where(column => column.PhysicalType != PhysicalType.Boolean).ToDictionary(column => column.ToString(), _ => new ParquetColumnOptions { BloomFilterFpp = 0.1 }),
        });
    }
}
