using OrleansLake.Iceberg;
using OrleansLake.Ingest.Write;

namespace OrleansLake.Ingest.Tests.Write;

public sealed class DeferredObjectTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("lake-object-").FullName;
    private readonly LocalObjectStore _store = new();

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task Pieces_of_any_size_stand_in_the_object_in_their_order_wherever_it_is_flushed()
    {
        for (int seed = 0; seed < 60; seed++)
        {
            var random = new Random(seed);
            var wanted = new MemoryStream();
            await using var target = new DeferredObject(_store, $"{_directory}/{seed}");
            for (int piece = random.Next(30); piece > 0; piece--)
            {
                byte[] bytes = new byte[random.Next(4) switch { 0 => random.Next(20), 1 => random.Next(3_000), 2 => random.Next(30_000, 34_000), _ => random.Next(150_000) }];
                random.NextBytes(bytes);
                wanted.Write(bytes);
                target.Write(bytes);
                if (random.Next(8) == 0)
                {
                    target.Flush();
                }
            }

            await target.CompleteAsync(TestContext.Current.CancellationToken);
            Assert.Equal(wanted.ToArray(), await File.ReadAllBytesAsync(target.Location, TestContext.Current.CancellationToken));
        }
    }

    [Fact]
    public async Task One_that_has_only_begun_is_nothing_in_the_store_and_holds_next_to_nothing()
    {
        await using var target = new DeferredObject(_store, $"{_directory}/begun");
        target.Write("PAR1"u8);
        Assert.InRange(target.HeldBytes, 1, 100);
        Assert.Empty(Directory.EnumerateFiles(_directory));
    }

    [Fact]
    public async Task What_was_handed_over_is_no_longer_held()
    {
        await using var target = new DeferredObject(_store, $"{_directory}/flushed");
        target.Write(new byte[20_000]);
        long gathered = target.HeldBytes;
        target.Flush();
        Assert.True(target.HeldBytes < gathered);
        Assert.Equal(20_000, new FileInfo(Directory.EnumerateFiles(_directory).Single()).Length);
    }
}
