using OrleansLake.Iceberg;

namespace OrleansLake.Testing.Iceberg;

/// <summary>What every store must do, on a place of it that nobody else uses.</summary>
/// <param name="store">The store.</param>
/// <param name="root">A prefix without a slash at the end; empty.</param>
public sealed class ObjectStoreConformance(IObjectStore store, string root) : ConformanceSuite
{
    private static readonly byte[] Ten = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

    public async Task What_was_written_is_read_whole_and_in_parts()
    {
        string location = root + "/a/b c/ü=%2F.bin";
        await WriteAsync(location, Ten);
        Expect((await store.ReadAsync(location, default)).Span.SequenceEqual(Ten));
        ExpectSame(10, await store.GetSizeAsync(location, default));
        Expect((await store.ReadRangeAsync(location, 3, 4, default)).Span.SequenceEqual(Ten.AsSpan(3, 4)));
        Expect((await store.ReadRangeAsync(location, 10, 0, default)).Length == 0);
    }

    public async Task A_large_object_is_written_in_pieces()
    {
        byte[] content = new byte[3_000_000];
        new Random(1).NextBytes(content);
        await using (var writer = store.OpenWrite(root + "/large"))
        {
            for (int at = 0; at < content.Length; at += 70_001)
            {
                await writer.WriteAsync(content.AsMemory(at, Math.Min(70_001, content.Length - at)));
            }

            ExpectSame(content.Length, writer.Position);
            await writer.CompleteAsync(default);
        }

        Expect((await store.ReadAsync(root + "/large", default)).Span.SequenceEqual(content));
    }

    public async Task Reading_past_the_end_is_an_error()
    {
        await WriteAsync(root + "/ten", Ten);
        await ExpectThrowsAsync<EndOfStreamException>(() => store.ReadRangeAsync(root + "/ten", 8, 3, default));
        await ExpectThrowsAsync<EndOfStreamException>(() => store.ReadRangeAsync(root + "/ten", 11, 1, default));
    }

    public async Task A_missing_object_is_said_to_be_missing()
    {
        await ExpectThrowsAsync<ObjectNotFoundException>(() => store.ReadAsync(root + "/none", default));
        await ExpectThrowsAsync<ObjectNotFoundException>(() => store.GetSizeAsync(root + "/no/ne", default));
        await ExpectThrowsAsync<ObjectNotFoundException>(() => store.ReadRangeAsync(root + "/none", 0, 1, default));
    }

    public async Task An_object_is_seen_by_nobody_before_it_is_complete()
    {
        await using (var writer = store.OpenWrite(root + "/open"))
        {
            await writer.WriteAsync(Ten);
            await writer.FlushAsync();
            await ExpectThrowsAsync<ObjectNotFoundException>(() => store.ReadAsync(root + "/open", default));
            ExpectSame(0, (await ListAsync()).Count);
            await writer.CompleteAsync(default);
            Expect((await store.ReadAsync(root + "/open", default)).Length == 10);
        }

        ExpectSame(1, (await ListAsync()).Count);
    }

    public async Task A_writer_that_is_disposed_before_leaves_nothing()
    {
        await WriteAsync(root + "/kept", Ten);
        await using (var writer = store.OpenWrite(root + "/kept"))
        {
            await writer.WriteAsync(new byte[3]);
        }

        Expect((await store.ReadAsync(root + "/kept", default)).Length == 10);
        ExpectSame(1, (await ListAsync()).Count);
    }

    public async Task Writing_replaces()
    {
        await WriteAsync(root + "/x", Ten);
        await WriteAsync(root + "/x", [7]);
        Expect((await store.ReadAsync(root + "/x", default)).Span.SequenceEqual(new byte[] { 7 }));
    }

    public async Task Creating_does_not_replace()
    {
        Expect(await store.TryCreateAsync(root + "/new/x", Ten, default));
        Expect(!await store.TryCreateAsync(root + "/new/x", new byte[] { 7 }, default));
        Expect((await store.ReadAsync(root + "/new/x", default)).Span.SequenceEqual(Ten));
    }

    public async Task Of_many_that_create_the_same_object_one_succeeds()
    {
        for (int round = 0; round < 10; round++)
        {
            string location = $"{root}/race/{round}";
            bool[] won = await Task.WhenAll(Enumerable.Range(0, 8).Select(writer => Task.Run(() => store.TryCreateAsync(location, new[] { (byte)writer }, default))));
            ExpectSame(1, won.Count(one => one));
            ExpectSame(Array.IndexOf(won, true), (await store.ReadAsync(location, default)).Span[0]);
        }
    }

    public async Task Listing_gives_every_object_below_a_prefix()
    {
        string[] names = ["/l/a", "/l/b/c", "/l/b/d/e", "/l/.hidden", "/lx/f"];
        foreach (string name in names)
        {
            await WriteAsync(root + name, Ten);
        }

        Expect((await ListAsync("/l")).Order(StringComparer.Ordinal).SequenceEqual(names[..4].Select(name => root + name).Order(StringComparer.Ordinal)));
        ExpectSame(0, (await ListAsync("/nothing")).Count);
    }

    public async Task Deleting_takes_what_is_there_and_forgives_what_is_not()
    {
        await WriteAsync(root + "/d/1", Ten);
        await WriteAsync(root + "/d/2", Ten);
        await store.DeleteAsync([root + "/d/1", root + "/d/none", root + "/no/ne"], default);
        Expect((await ListAsync()).SequenceEqual([root + "/d/2"]));
    }

    public async Task A_call_that_is_cancelled_does_nothing()
    {
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        await ExpectThrowsAsync<OperationCanceledException>(() => store.TryCreateAsync(root + "/c", Ten, cancelled.Token));
        ExpectSame(0, (await ListAsync()).Count);
    }

    private async Task WriteAsync(string location, byte[] content)
    {
        await using var writer = store.OpenWrite(location);
        await writer.WriteAsync(content);
        await writer.CompleteAsync(default);
    }

    private async Task<List<string>> ListAsync(string below = "")
    {
        var locations = new List<string>();
        await foreach (var one in store.ListAsync(root + below + "/", default))
        {
            locations.Add(one.Location);
        }

        return locations;
    }
}
