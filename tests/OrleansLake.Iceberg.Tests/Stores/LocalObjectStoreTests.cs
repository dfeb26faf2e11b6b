namespace OrleansLake.Iceberg.Tests;

public sealed class LocalObjectStoreTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("lake-store-").FullName;
    private readonly LocalObjectStore _store = new();

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task What_a_killed_writer_left_is_not_listed()
    {
        System.IO.File.WriteAllText(Path.Combine(_directory, ".abc123.tmp"), "half");
        System.IO.File.WriteAllText(Path.Combine(_directory, "whole"), "x");
        var listed = new List<string>();
        await foreach (var one in _store.ListAsync(_directory + "/", default))
        {
            listed.Add(one.Location);
        }

        Assert.Equal([_directory + "/whole"], listed);
    }

    [Fact]
    public async Task A_place_that_cannot_be_written_is_named_in_one_line()
    {
        System.IO.File.WriteAllText(Path.Combine(_directory, "file"), "x");
        string location = _directory + "/file/below";
        var create = await Assert.ThrowsAsync<IOException>(() => _store.TryCreateAsync(location, new byte[1], default));
        var write = Assert.Throws<IOException>(() => _store.OpenWrite(location));
        Assert.StartsWith(location + ": ", create.Message);
        Assert.StartsWith(location + ": ", write.Message);
    }

    [Fact]
    public async Task A_catalog_on_a_disk_that_cannot_be_written_does_not_say_that_a_commit_is_in()
    {
        var catalog = new LocalCatalog(_directory, TimeProvider.System, TestTables.Ids());
        var table = await catalog.CreateTableAsync(TestTables.Events, TestTables.Creation(), default);
        Directory.Delete(Path.Combine(_directory, ".locks"), recursive: true);
        System.IO.File.WriteAllText(Path.Combine(_directory, ".locks"), "in the way");
        var commit = new TableCommit(table, [], [new TableUpdate.SetProperties(new Dictionary<string, string> { ["a"] = "b" })]);
        var unknown = Assert.IsType<CommitResult.Unknown>(await catalog.CommitTableAsync(commit, default));
        Assert.Contains(".locks", unknown.Cause.Message);
    }

    [Theory]
    [InlineData("relative/path")]
    [InlineData("s3://bucket/key")]
    [InlineData("")]
    public async Task Locations_of_other_stores_are_refused(string location) =>
        await Assert.ThrowsAsync<ArgumentException>(() => _store.ReadAsync(location, default));

    [Fact]
    public async Task Files_are_the_same_by_path_and_by_uri()
    {
        Assert.True(await _store.TryCreateAsync($"file://{_directory}/a b", new byte[] { 1 }, default));
        Assert.Equal(1, await _store.GetSizeAsync($"{_directory}/a b", default));
        Assert.Equal(1, await _store.GetSizeAsync($"file:{_directory}/a b", default));
    }

    [Fact]
    public async Task A_location_is_taken_letter_by_letter()
    {
        Assert.True(await _store.TryCreateAsync($"file://{_directory}/a%20b", new byte[] { 1 }, default));
        Assert.True(System.IO.File.Exists(Path.Combine(_directory, "a%20b")));
        Assert.True(await _store.TryCreateAsync($"file://localhost{_directory}/a b", new byte[] { 2, 2 }, default));
        Assert.Equal(2, await _store.GetSizeAsync($"{_directory}/a b", default));
        await Assert.ThrowsAsync<ArgumentException>(() => _store.ReadAsync("file://elsewhere/share", default));
        await Assert.ThrowsAsync<ArgumentException>(() => _store.ReadAsync(_directory + "/a\0b", default));
    }

    [Fact]
    public async Task Links_are_read_through_and_not_listed()
    {
        string real = Directory.CreateDirectory(Path.Combine(_directory, "real")).FullName;
        System.IO.File.WriteAllText(Path.Combine(real, "x"), "x");
        string warehouse = Directory.CreateDirectory(Path.Combine(_directory, "warehouse")).FullName;
        Directory.CreateSymbolicLink(Path.Combine(warehouse, "elsewhere"), real);
        Directory.CreateSymbolicLink(Path.Combine(warehouse, "circle"), warehouse);
        System.IO.File.CreateSymbolicLink(Path.Combine(warehouse, "file"), Path.Combine(real, "x"));
        System.IO.File.WriteAllText(Path.Combine(warehouse, "own"), "y");
        Assert.Equal([warehouse + "/own"], await ListAsync(warehouse + "/"));
        Assert.Equal(1, await _store.GetSizeAsync(warehouse + "/elsewhere/x", default));
        Assert.Equal(1, (await _store.ReadAsync(warehouse + "/circle/circle/file", default)).Length);
        Directory.CreateSymbolicLink(Path.Combine(_directory, "root"), warehouse);
        Assert.Equal([_directory + "/root/own"], await ListAsync(_directory + "/root/"));
    }

    [Fact]
    public async Task What_dead_writers_left_goes_by_its_age()
    {
        string old = Path.Combine(Directory.CreateDirectory(Path.Combine(_directory, "db", "t")).FullName, ".abc.tmp");
        System.IO.File.WriteAllText(old, "half");
        System.IO.File.SetLastWriteTimeUtc(old, DateTime.UtcNow.AddDays(-4));
        System.IO.File.WriteAllText(Path.Combine(_directory, ".new.tmp"), "half");
        System.IO.File.WriteAllText(Path.Combine(_directory, ".hidden"), "someone's own");
        System.IO.File.SetLastWriteTimeUtc(Path.Combine(_directory, ".hidden"), DateTime.UtcNow.AddDays(-4));
        await using var writer = _store.OpenWrite(_directory + "/alive");
        Assert.Equal(1, await _store.DeleteUnfinishedAsync(_directory + "/", DateTimeOffset.UtcNow.AddDays(-3), default));
        Assert.False(System.IO.File.Exists(old));
        // Whatever its age: a writer that lives keeps its file.
        Assert.Equal(1, await _store.DeleteUnfinishedAsync(_directory + "/", DateTimeOffset.UtcNow.AddDays(1), default));
        await writer.CompleteAsync(default);
        Assert.Equal([_directory + "/.hidden", _directory + "/alive"], (await ListAsync(_directory + "/")).Order(StringComparer.Ordinal));
    }

    private async Task<List<string>> ListAsync(string prefix)
    {
        var listed = new List<string>();
        await foreach (var one in _store.ListAsync(prefix, default))
        {
            listed.Add(one.Location);
        }

        return listed;
    }
}
