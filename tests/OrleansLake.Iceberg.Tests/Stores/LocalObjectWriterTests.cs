namespace OrleansLake.Iceberg.Tests;

public sealed class LocalObjectWriterTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("lake-store-").FullName;
    private readonly LocalObjectStore _store = new();

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task Pieces_of_any_size_stand_in_the_file_in_their_order()
    {
        for (int seed = 0; seed < 40; seed++)
        {
            var random = new Random(seed);
            var wanted = new MemoryStream();
            string location = $"{_directory}/{seed}";
            await using (ObjectWriter writer = _store.OpenWrite(location))
            {
                for (int piece = random.Next(30); piece > 0; piece--)
                {
                    byte[] bytes = new byte[random.Next(4) switch { 0 => random.Next(20), 1 => random.Next(5_000), 2 => random.Next(70_000), _ => random.Next(200_000) }];
                    random.NextBytes(bytes);
                    wanted.Write(bytes);
                    if (random.Next(3) == 0)
                    {
                        await writer.WriteAsync(bytes, TestContext.Current.CancellationToken);
                    }
                    else
                    {
                        writer.Write(bytes);
                    }

                    Assert.Equal(wanted.Length, writer.Position);
                    Assert.Equal(wanted.Length, writer.Length);
                }

                await writer.CompleteAsync(TestContext.Current.CancellationToken);
            }

            Assert.Equal(wanted.ToArray(), await System.IO.File.ReadAllBytesAsync(location, TestContext.Current.CancellationToken));
        }
    }

    [Fact]
    public async Task What_comes_after_the_end_is_refused()
    {
        await using ObjectWriter writer = _store.OpenWrite($"{_directory}/whole");
        writer.Write([1]);
        await writer.CompleteAsync(TestContext.Current.CancellationToken);
        Assert.Throws<ObjectDisposedException>(() => writer.Write([2]));
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await writer.WriteAsync(new byte[10_000]));
    }
}
