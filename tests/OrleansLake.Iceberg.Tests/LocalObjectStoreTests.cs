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
}
