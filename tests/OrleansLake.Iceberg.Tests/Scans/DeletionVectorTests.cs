using System.Buffers.Binary;
using System.Globalization;
using OrleansLake.Iceberg.Deletes;
using OrleansLake.Iceberg.Puffin;
using OrleansLake.Testing.Iceberg;
using OrleansLake.Testing.Processes;

namespace OrleansLake.Iceberg.Tests.Scans;

/// <summary>https://iceberg.apache.org/puffin-spec/#deletion-vector-v1-blob-type</summary>
public sealed class DeletionVectorTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Every_set_comes_back_and_says_what_is_in_it(int seed)
    {
        var random = new Random(seed);
        for (int round = 0; round < 30; round++)
        {
            var expected = RandomPositions(random);
            var there = expected.ToHashSet();
            var set = new PositionSet();
            foreach (long position in expected.OrderBy(_ => random.Next()))
            {
                Assert.True(set.Add(position));
            }

            Assert.Equal(expected.Count, set.Count);
            byte[] blob = DeletionVector.ToBlob(set);
            var back = DeletionVector.FromBlob(blob, "f");
            Assert.Equal(expected, back.Positions());
            Assert.Equal(blob, DeletionVector.ToBlob(back));
            Assert.All(Enumerable.Range(0, 200), _ =>
            {
                long position = random.NextInt64(0, expected.LastOrDefault() + 3);
                Assert.Equal(there.Contains(position), back.Contains(position));
            });
            long first = expected.FirstOrDefault() - random.Next(100);
            bool[] keep = [.. Enumerable.Repeat(true, 70_000)];
            back.Unmark(Math.Max(first, 0), keep);
            Assert.True(Enumerable.Range(0, keep.Length).All(i => keep[i] != there.Contains(Math.Max(first, 0) + i)));
        }
    }

    [Fact]
    public void The_bytes_are_those_of_the_specification()
    {
        var set = new PositionSet();
        foreach (long position in new[] { 1L, 3, 0x1_0000, (5L << 32) | 7 })
        {
            set.Add(position);
        }

        byte[] blob = DeletionVector.ToBlob(set);
        Assert.Equal(blob.Length - 8, BinaryPrimitives.ReadInt32BigEndian(blob));
        Assert.Equal("D1D33964", Convert.ToHexString(blob[4..8]));
        // Two bitmaps: key 0 with containers 0 {1, 3} and 1 {0}, key 5 with container 0 {7}; little endian.
        Assert.Equal(
            "0200000000000000"
            + "00000000" + "3A30000002000000" + "00000100" + "01000000" + "18000000" + "1C000000" + "01000300" + "0000"
            + "05000000" + "3A30000001000000" + "00000000" + "10000000" + "0700",
            Convert.ToHexString(blob[8..^4]));
        Assert.Equal(0xCBF43926u, Crc32.Of("123456789"u8));
        Assert.Equal(Crc32.Of(blob.AsSpan(4, blob.Length - 8)), BinaryPrimitives.ReadUInt32BigEndian(blob.AsSpan(blob.Length - 4)));
    }

    [Fact]
    public void Runs_are_written_where_they_are_shorter_and_read()
    {
        var set = new PositionSet();
        for (long i = 0; i < 300_000; i++)
        {
            set.Add(i);
        }

        byte[] blob = DeletionVector.ToBlob(set);
        Assert.InRange(blob.Length, 50, 150);
        Assert.Equal(300_000, DeletionVector.FromBlob(blob, "f").Count);
    }

    [Fact]
    public void Damage_is_refused()
    {
        var random = new Random(5);
        var set = new PositionSet();
        for (int i = 0; i < 5000; i++)
        {
            set.Add(random.NextInt64(1 << 20));
        }

        byte[] blob = DeletionVector.ToBlob(set);
        for (int round = 0; round < 500; round++)
        {
            byte[] damaged = [.. blob];
            damaged[random.Next(damaged.Length)] ^= (byte)random.Next(1, 256);
            Assert.Throws<IcebergFormatException>(() => DeletionVector.FromBlob(damaged, "f"));
        }

        // With a checksum that is right again, nothing worse than an error may come of it.
        for (int round = 0; round < 2000; round++)
        {
            byte[] damaged = [.. blob];
            for (int flips = random.Next(1, 4); flips > 0; flips--)
            {
                damaged[random.Next(8, Math.Min(60, damaged.Length - 4))] ^= (byte)random.Next(1, 256);
            }

            BinaryPrimitives.WriteUInt32BigEndian(damaged.AsSpan(damaged.Length - 4), Crc32.Of(damaged.AsSpan(4, damaged.Length - 8)));
            try
            {
                DeletionVector.FromBlob(damaged, "f");
            }
            catch (IcebergFormatException e)
            {
                Assert.Contains("f: deletion vector", e.Message);
            }
        }
    }

    [Fact]
    public async Task Vectors_of_several_files_share_a_Puffin_file_that_says_whose_they_are()
    {
        var store = new InMemoryObjectStore();
        var (one, two) = (new PositionSet(), new PositionSet());
        one.Add(5);
        two.Add(6);
        two.Add(7);
        var described = await DeletionVector.WriteAsync(store, "memory://dv.puffin", [(TestTables.File("memory://a"), one), (TestTables.File("memory://b"), two)], default);
        Assert.Equal([("memory://a", 1), ("memory://b", 2)], described.Select(file => (file.ReferencedDataFile!, file.RecordCount)));
        Assert.Equal([6, 7], (await DeletionVector.ReadAsync(store, described[1], default)).Positions());
        var puffin = await PuffinReader.OpenAsync(store, "memory://dv.puffin", default);
        Assert.Equal(puffin.SizeBytes, described[0].FileSizeBytes);
        Assert.Equal(described.Select(file => file.ContentPosition), puffin.Blobs.Select(blob => (long?)blob.Position));
        Assert.Equal(
            ["deletion-vector-v1 memory://a 1 -1", "deletion-vector-v1 memory://b 2 -1"],
            puffin.Blobs.Select(blob => $"{blob.Type} {blob.Properties["referenced-data-file"]} {blob.Properties["cardinality"]} {blob.SnapshotId}"));
    }

    /// <summary>The implementation in C that Roaring's own project keeps, with a reader of Puffin apart from ours.</summary>
    [Fact]
    public async Task CRoaring_reads_our_vectors_and_we_read_its_bitmaps()
    {
        Assert.SkipWhen(ForeignReaders.RoaringAbsent is not null, ForeignReaders.RoaringAbsent ?? "");
        var random = new Random(12);
        List<SortedSet<long>> sets =
        [
            [0], [5, 65_535, 65_536, int.MaxValue, 1L << 31, (1L << 32) - 1, 1L << 32, (7L << 32) | 9],
            // A container of bits, one of exactly the most numbers that an array has, one more than that.
            [.. Enumerable.Range(0, 20_000).Select(i => 3L * i)], [.. Enumerable.Range(0, 4096).Select(i => 16L * i)], [.. Enumerable.Range(0, 4097).Select(i => 15L * i)],
            // Runs: in three containers (no offsets) and in five (offsets), beside arrays.
            [.. Enumerable.Range(0, 70_000).Select(i => 100L + i)], [.. Enumerable.Range(0, 5).SelectMany(part => Enumerable.Range(0, part % 2 == 0 ? 3000 : 3).Select(i => (part * 65_536L) + (part % 2 == 0 ? i : 7 * i)))],
            RandomPositions(random), RandomPositions(random), RandomPositions(random),
        ];
        string path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.puffin");
        try
        {
            var vectors = sets.Select((positions, i) =>
            {
                var set = new PositionSet();
                foreach (long position in positions)
                {
                    set.Add(position);
                }

                return (TestTables.File($"memory://{i}"), set);
            }).ToList();
            var described = await DeletionVector.WriteAsync(new LocalObjectStore(), path, vectors, default);
            var found = await ForeignReaders.RoaringAsync(path);
            Assert.Equal(sets.Count, found.Count);
            for (int i = 0; i < sets.Count; i++)
            {
                Assert.Equal(($"memory://{i}", sets[i].Count), (found[i]!["referenced-data-file"]!.GetValue<string>(), int.Parse(found[i]!["cardinality"]!.GetValue<string>(), CultureInfo.InvariantCulture)));
                Assert.Equal(sets[i], found[i]!["positions"]!.AsArray().Select(position => long.Parse(position!.GetValue<string>(), CultureInfo.InvariantCulture)));
                byte[] theirs = Convert.FromBase64String(found[i]!["written"]!.GetValue<string>());
                Assert.Equal(sets[i], RoaringFormat.Read(theirs, "theirs", "bitmap").Positions());
                Assert.Equal(theirs, RoaringFormat.Write(vectors[i].Item2));
                Assert.Equal(sets[i], (await DeletionVector.ReadAsync(new LocalObjectStore(), described[i], default)).Positions());
            }
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static SortedSet<long> RandomPositions(Random random)
    {
        var positions = new SortedSet<long>();
        for (int part = random.Next(4); part > 0; part--)
        {
            long start = random.Next(3) switch { 0 => 0, 1 => random.NextInt64(1 << 20), _ => random.NextInt64(PositionSet.MaxPosition - (1 << 20)) };
            int count = random.Next(1, 9000);
            int step = random.Next(1, 40);
            for (int i = 0; i < count; i++)
            {
                positions.Add(start += random.Next(3) == 0 ? random.Next(1, step + 1) : 1);
            }
        }

        return positions;
    }
}
