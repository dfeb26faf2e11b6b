using System.Diagnostics;
using System.Security.Cryptography;
using static OrleansLake.Parquet.Tests.Nodes;

namespace OrleansLake.Parquet.Tests;

/// <summary>What the footer says of sizes and order, what the writer says of its own size, and what it costs.</summary>
public sealed class SizeTests
{
    private const string ExpectedHash = "ORLEANSLAKE_EXPECTED_HASH";

    [Fact]
    public void Size_statistics_count_levels_and_bytes()
    {
        var schema = new ParquetSchema([Text("flat"), Leaf("n", PhysicalType.Int64), List("l", Struct("s", Repetition.Optional, Text("t"), Leaf("x", PhysicalType.Int32)))]);
        var batch = new RandomRows(schema, 2).Make(2500);
        byte[] file = Files.Write(batch, new ParquetWriterOptions { PageRows = 300, RowGroupRows = 1200 });
        var groups = ParquetReader.Open(file).Footer.RowGroups;
        Assert.Equal(3, groups.Count);
        for (int i = 0; i < schema.Columns.Count; i++)
        {
            var column = batch.Columns[i];
            var sizes = groups.Select(group => group.Columns[i].SizeStatistics).ToList();
            if (column.Column is { MaxDefinitionLevel: 1, PhysicalType: not PhysicalType.ByteArray })
            {
                Assert.All(sizes, Assert.Null);
                continue;
            }

            Assert.Equal(column.Column.PhysicalType == PhysicalType.ByteArray ? column.Offsets[column.ValueCount] : null, sizes.Aggregate((long?)0, (sum, size) => sum + size!.ByteArrayBytes));
            AssertCounts(column.DefinitionLevels, column.Column.MaxDefinitionLevel > 1 ? column.Column.MaxDefinitionLevel : 0, [.. sizes.Select(size => size!.DefinitionLevels)]);
            AssertCounts(column.RepetitionLevels, column.Column.MaxRepetitionLevel, [.. sizes.Select(size => size!.RepetitionLevels)]);

            void AssertCounts(byte[] levels, int largest, List<IReadOnlyList<long>> found)
            {
                Assert.All(found, counts => Assert.Equal(largest == 0 ? 0 : largest + 1, counts.Count));
                if (largest == 0)
                {
                    return;
                }

                long[] expected = [.. Enumerable.Range(0, largest + 1).Select(level => (long)levels.AsSpan(0, column.SlotCount).Count((byte)level))];
                Assert.Equal(expected, Enumerable.Range(0, largest + 1).Select(level => found.Sum(counts => counts[level])));
            }
        }
    }

    [Fact]
    public void Every_row_group_says_what_its_rows_are_sorted_by()
    {
        var batch = new RandomRows(new ParquetSchema([Text("a"), Leaf("b", PhysicalType.Int64)]), 2).Make(300);
        Footers.SortingColumn[] sorting = [new(1, IsDescending: true, NullsFirst: false), new(0, IsDescending: false, NullsFirst: true)];
        byte[] file = Files.Write(batch, new ParquetWriterOptions { RowGroupRows = 100, SortingColumns = sorting });
        Assert.All(ParquetReader.Open(file).Footer.RowGroups, group => Assert.Equal(sorting, group.SortingColumns));
        Files.AssertEqual(batch, Files.ReadAll(file));
    }

    [Theory]
    [InlineData(0, CompressionCodec.Zstd)]
    [InlineData(50, CompressionCodec.Zstd)]
    [InlineData(5000, CompressionCodec.Snappy)]
    [InlineData(5000, CompressionCodec.Uncompressed)]
    public void A_file_that_is_closed_at_a_size_has_about_that_size(int distinct, CompressionCodec codec)
    {
        var schema = new ParquetSchema([Text("a"), Leaf("n", PhysicalType.Int64), Leaf("d", PhysicalType.Double), List("l", Text("element"))]);
        var batch = new RandomRows(schema, 2, new RowShape { Distinct = distinct }).Make(4096);
        var random = new Random(distinct);
        foreach (long target in (long[])[1_000_000, 3_000_000])
        {
            using var writer = new ParquetWriter(Stream.Null, schema, new ParquetWriterOptions { Compression = codec, CompressionLevel = 1, RowGroupSizeBytes = target / 2 });
            while (writer.EstimatedFileSizeBytes < target)
            {
                writer.Append(batch, random.Next(batch.RowCount - 64), 64);
            }

            long size = writer.Close().FileSizeBytes;
            Assert.InRange(size, target * 0.9, target * 1.1);
        }
    }

    [Fact]
    public void A_row_costs_no_memory_once_the_writer_has_written_a_file()
    {
        var schema = new ParquetSchema([Text("a"), Text("many"), Leaf("n", PhysicalType.Int64), Leaf("d", PhysicalType.Double), List("l", Text("element"))]);
        var batch = new RandomRows(schema, 2, new RowShape { Distinct = 200 }).Make(4096);
        using var writer = new ParquetWriter(Stream.Null, schema, new ParquetWriterOptions { CompressionLevel = 1 });
        double least = double.MaxValue;
        for (int file = 0; file < 6 && least >= 0.1; file++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 100; i++)
            {
                writer.Append(batch);
            }

            // Bounds of pages, and what stands in the footer: a few kilobytes a file, whatever its rows. The least of some files,
            // since a buffer of the shared pool that a collection took back is made again.
            double each = (GC.GetAllocatedBytesForCurrentThread() - before) / (100.0 * batch.RowCount);
            least = file == 0 ? least : Math.Min(least, each);
            writer.Close();
            writer.Reopen(Stream.Null);
        }

        Assert.True(least < 0.1, $"{least:F2} bytes a row");
    }

    [Fact]
    [Trait("Category", "Endurance")]
    public async Task The_same_bytes_are_written_whatever_the_processor_has()
    {
        var schema = new ParquetSchema([.. RoundTripTests.AllLeaves(Repetition.Optional), List("list", Text("element"))]);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (int distinct in (int[])[0, 400])
        {
            var batch = new RandomRows(schema, distinct, new RowShape { Distinct = distinct, NullRun = 30 }).Make(2500);
            foreach (var choice in Enum.GetValues<EncodingChoice>())
            {
                byte[] file = Files.Write(batch, new ParquetWriterOptions { PageRows = 1000, Encodings = choice, CompressionLevel = 1 });
                hash.AppendData(file);
                Files.AssertEqual(batch, Files.ReadAll(file));
            }
        }

        string found = Convert.ToHexString(hash.GetHashAndReset());
        if (Environment.GetEnvironmentVariable(ExpectedHash) is { } expected)
        {
            Assert.Equal(expected, found);
            return;
        }

        foreach (string[] missing in (string[][])[["EnableAVX512", "EnableAVX512F"], ["EnableAVX2"], ["EnableHWIntrinsic"]])
        {
            var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
            start.ArgumentList.Add("exec");
            start.ArgumentList.Add(typeof(SizeTests).Assembly.Location);
            start.ArgumentList.Add("-method");
            start.ArgumentList.Add($"{typeof(SizeTests).FullName}.{nameof(The_same_bytes_are_written_whatever_the_processor_has)}");
            start.Environment[ExpectedHash] = found;
            foreach (string name in missing)
            {
                start.Environment[$"DOTNET_{name}"] = "0";
            }

            using var child = Process.Start(start)!;
            var stop = TestContext.Current.CancellationToken;
            var errors = child.StandardError.ReadToEndAsync(stop);
            string output = await child.StandardOutput.ReadToEndAsync(stop);
            await child.WaitForExitAsync(stop);
            Assert.True(child.ExitCode == 0, $"without {missing[0]}: {output}{await errors}");
        }
    }
}
