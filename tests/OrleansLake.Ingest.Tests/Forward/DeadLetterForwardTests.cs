using OrleansLake.Ingest.Forward;
using OrleansLake.Ingest.Tests.Replay;
using OrleansLake.Testing.Commit;

namespace OrleansLake.Ingest.Tests.Forward;

public sealed class DeadLetterForwardTests
{
    [Fact]
    public async Task Sender_that_dies_at_any_step_is_followed_by_one_that_sends_what_is_missing()
    {
        bool died = true;
        int step = 1;
        for (; died; step++)
        {
            ReplayStand stand = await BadAsync();
            var log = new MemoryLog();
            int steps = 0;
            died = false;
            bool Dies() => died |= ++steps == step;
            // A swap is in or not when its sender dies, one after the other.
            stand.Catalog.Next = _ => !Dies() ? SwapFault.None : step % 2 == 0 ? SwapFault.FailAfter : SwapFault.FailBefore;
            try
            {
                await Forward(stand, new MemoryTopic(log, _ => Dies())).RunAsync(default);
            }
            catch (IOException) when (died)
            {
                // Dead.
            }

            stand.Catalog.Next = static _ => SwapFault.None;
            await stand.IngestAsync("{\"id\":9}", "late");
            await Forward(stand, new MemoryTopic(log, static _ => false)).RunAsync(default);
            AssertSent(log, "x", "y", "late");
            Assert.DoesNotContain((await stand.TableAsync(ReplayStand.Letters)).Metadata.Properties.Keys, static name => name.StartsWith("orleanslake.forward.", StringComparison.Ordinal));
            await stand.AssertProvedAsync();
        }

        Assert.True(step > 6, $"{step} steps");
    }

    [Fact]
    public async Task Sender_that_was_frozen_while_another_took_over_sends_nothing_more()
    {
        ReplayStand stand = await BadAsync();
        var log = new MemoryLog();
        int steps = 0;
        DeadLetterForward other = Forward(stand, new MemoryTopic(log, static _ => false));
        bool Frozen(bool isIn)
        {
            // Before the end of its first transaction.
            if (++steps == 3)
            {
                Assert.Equal(2, other.RunAsync(default).GetAwaiter().GetResult());
            }

            return false;
        }

        await Assert.ThrowsAsync<IOException>(() => Forward(stand, new MemoryTopic(log, Frozen)).RunAsync(default));
        Assert.Equal(0, await Forward(stand, new MemoryTopic(log, static _ => false)).RunAsync(default));
        AssertSent(log, "x", "y");
    }

    [Fact]
    public async Task Committer_whose_swaps_fail_leaves_one_note_for_each_dead_letter()
    {
        for (int seed = 1; seed <= 5; seed++)
        {
            ReplayStand stand = await ReplayStand.CreateAsync();
            stand.Forwarded.Add("events");
            var random = new Random(seed);
            stand.Catalog.Next = _ => random.Next(3) == 0 ? SwapFault.FailAfter : random.Next(3) == 0 ? SwapFault.Conflict : SwapFault.None;
            for (int i = 0; i < 5; i++)
            {
                await stand.IngestAsync($"{{\"id\":{i}}}", $"bad{i}");
            }

            stand.Catalog.Next = static _ => SwapFault.None;
            var log = new MemoryLog();
            await Forward(stand, new MemoryTopic(log, static _ => false)).RunAsync(default);
            AssertSent(log, "bad0", "bad1", "bad2", "bad3", "bad4");
        }
    }

    [Fact]
    public async Task Dead_letters_that_a_replay_has_written_anew_are_sent_as_they_came_in()
    {
        ReplayStand stand = await ReplayStand.CreateAsync();
        stand.Forwarded.Add("events");
        await stand.IngestAsync("{\"id\":0}", "{\"id\":1,\"price\":3000000000}", "x");
        await stand.WidenAsync();
        Assert.Equal(1, (await stand.ReplayAsync()).Replayed);
        var log = new MemoryLog();
        Assert.Equal(1, await Forward(stand, new MemoryTopic(log, static _ => false)).RunAsync(default));
        AssertSent(log, "{\"id\":1,\"price\":3000000000}", "x");
        Assert.Equal(0, await Forward(stand, new MemoryTopic(log, static _ => false)).RunAsync(default));
    }

    [Fact]
    public async Task Table_that_is_made_anew_counts_from_the_beginning()
    {
        var log = new MemoryLog();
        for (int life = 0; life < 2; life++)
        {
            ReplayStand stand = await BadAsync();
            Assert.Equal(2, await Forward(stand, new MemoryTopic(log, static _ => false)).RunAsync(default));
        }

        AssertSent(log, "x", "y", "x", "y");
    }

    private static async Task<ReplayStand> BadAsync()
    {
        ReplayStand stand = await ReplayStand.CreateAsync();
        stand.Forwarded.Add("events");
        await stand.IngestAsync("{\"id\":0}", "x");
        await stand.IngestAsync("{\"id\":1}", "y");
        return stand;
    }

    private static DeadLetterForward Forward(ReplayStand stand, IDeadLetterTopic topic) => new(stand.Catalog, ReplayStand.Letters, "events", topic, stand.Ids, TimeProvider.System);

    private static void AssertSent(MemoryLog log, params string[] values) => Assert.Equal(values, log.Committed.Select(static record => System.Text.Encoding.UTF8.GetString(record.Value!)));
}
