using System.Text;
using OrleansLake.Iceberg;
using OrleansLake.Testing.Iceberg;

namespace OrleansLake.Grains.Tests;

public sealed class VersionedObjectsTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("orleanslake-state-").FullName;
    private readonly VersionedObjects _documents;

    public VersionedObjectsTests() => _documents = new VersionedObjects(new LocalObjectStore(), _directory);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task The_newest_version_is_the_document_and_old_ones_go()
    {
        Assert.Null(await _documents.ReadAsync("one", Token));
        for (int number = 0; number < 10; number++)
        {
            Assert.True(await WriteAsync(number, $"text {number + 1}"));
        }

        VersionedObjects.Version version = (await _documents.ReadAsync("one", Token))!;
        Assert.Equal((10, "text 10"), (version.Number, Encoding.UTF8.GetString(version.Content.Span)));
        Assert.InRange(Directory.GetFiles(Path.Combine(_directory, "one")).Length, 1, 3);
        Assert.Null(await _documents.ReadAsync("on", Token));
    }

    [Fact]
    public async Task A_writer_that_did_not_see_the_newest_is_told_so()
    {
        Assert.True(await WriteAsync(0, "a"));
        Assert.False(await WriteAsync(0, "b"));
        Assert.True(await WriteAsync(1, "c"));
        Assert.Equal("c", await ReadAsync());
    }

    [Fact]
    public async Task A_writer_that_slept_until_its_version_had_been_made_and_tidied_away_is_told_so_and_changes_nothing()
    {
        for (int number = 0; number < 9; number++)
        {
            Assert.True(await WriteAsync(number, $"{number + 1}"));
        }

        Assert.False(await WriteAsync(1, "late")); // its place, 2, is free again
        Assert.Equal("9", await ReadAsync());
        Assert.True(await WriteAsync(9, "10"));
        Assert.Equal("10", await ReadAsync());
    }

    [Fact]
    public async Task Of_many_writers_each_change_is_made_once()
    {
        await Task.WhenAll(Enumerable.Range(0, 8).Select(writer => Task.Run(async () =>
        {
            var documents = new VersionedObjects(new LocalObjectStore(), _directory);
            for (int i = 0; i < 10; i++)
            {
                while (true)
                {
                    VersionedObjects.Version? before = await documents.ReadAsync("one", Token);
                    string text = (before is null ? "" : Encoding.UTF8.GetString(before.Content.Span)) + (char)('a' + writer);
                    if (await documents.TryWriteAsync("one", before?.Number ?? 0, Encoding.UTF8.GetBytes(text), Token))
                    {
                        break;
                    }

                    // Lost, or read by the winner before it was known: in neither case may the change be made once more by us.
                    if (await ReadAsync() is { } now && now.StartsWith(text, StringComparison.Ordinal))
                    {
                        break;
                    }
                }
            }
        })));

        string letters = (await ReadAsync())!;
        Assert.Equal(80, letters.Length);
        Assert.All(Enumerable.Range(0, 8), writer => Assert.Equal(10, letters.Count(letter => letter == 'a' + writer)));
    }

    [Fact]
    public async Task Any_store_will_do()
    {
        var documents = new VersionedObjects(new InMemoryObjectStore(), "memory://state");
        Assert.True(await documents.TryWriteAsync("one", 0, "x"u8.ToArray(), Token));
        Assert.False(await documents.TryWriteAsync("one", 0, "y"u8.ToArray(), Token));
        Assert.Equal(1, (await documents.ReadAsync("one", Token))!.Number);
    }

    private Task<bool> WriteAsync(long number, string text) => _documents.TryWriteAsync("one", number, Encoding.UTF8.GetBytes(text), Token);

    private async Task<string?> ReadAsync() => await _documents.ReadAsync("one", Token) is { } version ? Encoding.UTF8.GetString(version.Content.Span) : null;
}
