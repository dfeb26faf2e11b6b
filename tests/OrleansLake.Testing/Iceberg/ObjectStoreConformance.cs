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

    public async Task More_than_a_thousand_are_listed_and_deleted_at_once()
    {
        await Parallel.ForAsync(0, 1005, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (i, token) =>
        {
            await using var writer = store.OpenWrite($"{root}/many/{i % 7}/{i}");
            await writer.CompleteAsync(token);
        });
        var all = await ListAsync("/many");
        ExpectSame(1005, all.Distinct().Count());
        await store.DeleteAsync([.. all.Where(location => !location.EndsWith("/1000", StringComparison.Ordinal))], default);
        Expect((await ListAsync("/many")).SequenceEqual([root + "/many/6/1000"]));
    }

    public async Task An_empty_object_is_an_object()
    {
        await WriteAsync(root + "/empty", []);
        Expect(await store.TryCreateAsync(root + "/empty2", ReadOnlyMemory<byte>.Empty, default));
        ExpectSame(0, await store.GetSizeAsync(root + "/empty", default));
        ExpectSame(0, (await store.ReadAsync(root + "/empty2", default)).Length);
        ExpectSame(2, (await ListAsync()).Count);
    }

    public async Task Of_many_that_write_the_same_object_one_is_there_whole()
    {
        await Task.WhenAll(Enumerable.Range(1, 8).Select(writer => Task.Run(async () =>
        {
            for (int i = 0; i < 5; i++)
            {
                byte[] content = new byte[10_000 + (writer * 100)];
                Array.Fill(content, (byte)writer);
                await WriteAsync(root + "/same", content);
                var read = (await store.ReadAsync(root + "/same", default)).ToArray();
                ExpectSame(10_000 + (read[0] * 100), read.Length);
                Expect(read.All(one => one == read[0]));
            }
        })));
        ExpectSame(1, (await ListAsync()).Count);
    }

    public async Task A_writer_that_lives_loses_nothing_to_those_who_clean()
    {
        await using var writer = store.OpenWrite(root + "/u/alive");
        await writer.WriteAsync(new byte[1_000_000]);
        await store.DeleteUnfinishedAsync(root + "/u/", DateTimeOffset.UtcNow.AddDays(-1), default);
        await writer.WriteAsync(Ten);
        await writer.CompleteAsync(default);
        ExpectSame(1_000_010, await store.GetSizeAsync(root + "/u/alive", default));
        ExpectSame(0, await store.DeleteUnfinishedAsync(root + "/u/", DateTimeOffset.UtcNow.AddDays(1), default));
        ExpectSame(1, (await ListAsync("/u")).Count);
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
