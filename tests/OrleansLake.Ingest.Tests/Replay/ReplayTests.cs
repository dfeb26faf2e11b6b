using OrleansLake.Iceberg;
using OrleansLake.Ingest.Commit;
using OrleansLake.Ingest.Pump;
using OrleansLake.Ingest.Replay;
using OrleansLake.Testing.Commit;

namespace OrleansLake.Ingest.Tests.Replay;

public sealed class ReplayTests
{
    private const string Open = "replay_id IS NULL AND resolved_at IS NULL";
    private const string Resolved = "replay_id IS NOT NULL AND resolved_at IS NOT NULL";

    /// <summary>Ten ids: 2, 5 and 8 do not fit before the column is widened; two documents never will.</summary>
    private static async Task<ReplayStand> BadAsync()
    {
        ReplayStand stand = await ReplayStand.CreateAsync();
        await stand.IngestAsync("{\"id\":0}", "{\"id\":1,\"price\":7}", "{\"id\":2,\"price\":3000000000}", "{\"id\":3}", "{\"id\":}");
        await stand.IngestAsync("{\"id\":4}", "{\"id\":5,\"price\":-3000000000}", "{\"id\":6}", "{\"id\":7}", "[]", "{\"id\":8,\"price\":4000000000}", "{\"id\":9}");
        return stand;
    }

    [Fact]
    public async Task Dead_letters_that_fit_todays_schema_become_rows_and_the_others_stay()
    {
        ReplayStand stand = await BadAsync();
        ReplayResult nothing = await stand.ReplayAsync();
        Assert.Equal((5, 0, 5), (nothing.Examined, nothing.Replayed, nothing.StillBad));
        Assert.Equal(3, nothing.StillBadBecause["out-of-range"]);

        await stand.WidenAsync();
        ReplayResult dry = await stand.ReplayAsync(dryRun: true);
        Assert.Equal((5, 3, 2), (dry.Examined, dry.Replayed, dry.StillBad));
        Assert.Equal(5, await stand.CountAsync(Open));

        ReplayResult result = await stand.ReplayAsync();
        Assert.Equal((5, 3, 2), (result.Examined, result.Replayed, result.StillBad));
        Assert.Single(result.Snapshots);
        await stand.AssertRowsAsync(10);
        Assert.Equal(3, await stand.CountAsync(Resolved));
        Assert.Equal(2, await stand.CountAsync(Open));
        await stand.AssertProvedAsync();

        ReplayResult again = await stand.ReplayAsync();
        Assert.Equal((2, 0, 2), (again.Examined, again.Replayed, again.StillBad));
        await stand.AssertRowsAsync(10);
    }

    [Fact]
    public async Task Condition_chooses_what_is_replayed()
    {
        ReplayStand stand = await BadAsync();
        await stand.WidenAsync();
        ReplayResult result = await stand.ReplayAsync("error_class = 'out-of-range' AND offset < 7");
        Assert.Equal((2, 2, 0), (result.Examined, result.Replayed, result.StillBad));
        Assert.Equal([0L, 1, 2, 3, 4, 5, 6, 7, 9], await stand.IdsAsync());
        await stand.AssertProvedAsync();
    }

    [Fact]
    public async Task Offsets_of_resolved_dead_letters_are_known_to_whoever_resumes_below_them()
    {
        ReplayStand stand = await BadAsync();
        long start = (await stand.TableAsync(ReplayStand.Events)).Metadata.Snapshots.First(snapshot => snapshot.Summary.GetValueOrDefault("added-records") == "3").SnapshotId;
        await stand.WidenAsync();
        await stand.ReplayAsync();
        await stand.RollBackAsync(ReplayStand.Events, start);
        ResumePoint point = await stand.NewCommitter().ResumeAsync("events", "g1", [new TopicPartition("events", 0)], new Dictionary<string, string> { ["events"] = "topic-1" }, default);
        Assert.Equal([6L, 9, 10], point.Partitions[0].DeadLetterOffsets);
    }

    [Fact]
    public async Task Table_that_went_back_behind_a_replay_has_its_dead_letters_open_again()
    {
        ReplayStand stand = await BadAsync();
        long before = (await stand.TableAsync(ReplayStand.Events)).Metadata.CurrentSnapshotId!.Value;
        await stand.WidenAsync();
        await stand.ReplayAsync();
        await stand.RollBackAsync(ReplayStand.Events, before);
        ReplayResult result = await stand.ReplayAsync();
        Assert.Contains("open again", Assert.Single(result.Settled), StringComparison.Ordinal);
        Assert.Equal(3, result.Replayed);
        await stand.AssertRowsAsync(10);
        Assert.Equal(3, await stand.CountAsync(Resolved));
    }

    [Fact]
    public async Task Dead_letter_table_that_went_back_behind_a_replay_is_not_believed()
    {
        ReplayStand stand = await BadAsync();
        long before = (await stand.TableAsync(ReplayStand.Letters)).Metadata.CurrentSnapshotId!.Value;
        await stand.WidenAsync();
        await stand.ReplayAsync();
        await stand.RollBackAsync(ReplayStand.Letters, before);
        ReplayException error = await Assert.ThrowsAsync<ReplayException>(() => stand.ReplayAsync());
        Assert.Contains("went back behind snapshot", error.Message, StringComparison.Ordinal);
        await stand.AssertRowsAsync(10);
    }

    [Fact]
    public async Task Dead_letters_of_a_generation_that_has_ended_are_left_to_its_successor()
    {
        ReplayStand stand = await BadAsync();
        await stand.WidenAsync();
        await stand.IngestAsync("g2", ["{\"id\":2,\"price\":3000000000}", "{}"]);
        ReplayResult result = await stand.ReplayAsync();
        Assert.Equal((6, 0, 1, 5), (result.Examined, result.Replayed, result.StillBad, result.OfEndedGenerations));
    }

    [Fact]
    public async Task Chunks_of_one_row_each_make_a_snapshot_each_and_no_row_twice()
    {
        ReplayStand stand = await BadAsync();
        await stand.WidenAsync();
        ReplayResult result = await stand.NewReplay().RunAsync(new ReplayRequest { RowsPerCommit = 1 }, default);
        Assert.Equal((5, 3, 2), (result.Examined, result.Replayed, result.StillBad));
        Assert.Equal(2, result.Snapshots.Count); // a file is taken whole
        await stand.AssertRowsAsync(10);
        await stand.AssertProvedAsync();
    }

    /// <summary>Each swap and each write in turn is the last thing that a process does, done or not done.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Process_that_dies_at_any_step_leaves_what_the_next_replay_brings_to_its_end(bool isDone)
    {
        int step = 1;
        for (bool died = true; died; step++)
        {
            ReplayStand stand = await BadAsync();
            await stand.WidenAsync();
            died = await DieAtAsync(stand, step, isDone);
            await stand.ReplayAsync();
            Assert.Equal((step, 3), (step, await stand.CountAsync(Resolved)));
            Assert.Equal(2, await stand.CountAsync(Open));
            await stand.AssertRowsAsync(10);
            await stand.AssertProvedAsync();
        }

        Assert.InRange(step, 12, 200);
    }

    /// <summary>The one that was taken for dead goes on after another has ended it.</summary>
    [Fact]
    public async Task Replay_that_another_one_has_ended_adds_nothing()
    {
        ReplayStand stand = await BadAsync();
        await stand.WidenAsync();
        bool isOvertaken = false;
        stand.Catalog.BeforeSwap = async commit =>
        {
            bool isRows = commit.Updates.OfType<TableUpdate.AddSnapshot>().Any(added => added.Snapshot.Summary.GetValueOrDefault(SummaryKeys.Reason) == "replay");
            if (isRows && !isOvertaken)
            {
                isOvertaken = true;
                ReplayResult other = await stand.ReplayAsync();
                Assert.Equal(3, other.Replayed);
                Assert.Contains("is not in the table", Assert.Single(other.Settled), StringComparison.Ordinal);
            }
        };
        ReplayException error = await Assert.ThrowsAsync<ReplayException>(() => stand.ReplayAsync());
        Assert.Contains("another replay has ended it", error.Message, StringComparison.Ordinal);
        await stand.AssertRowsAsync(10);
        Assert.Equal(3, await stand.CountAsync(Resolved));
        await stand.AssertProvedAsync();
    }

    [Fact]
    public async Task Replays_side_by_side_and_a_pump_that_goes_on_make_each_row_once()
    {
        for (int seed = 1; seed <= 5; seed++)
        {
            ReplayStand stand = await BadAsync();
            await stand.WidenAsync();
            var random = new Random(seed);
            stand.Catalog.Next = commit => random.Next(6) == 0 ? SwapFault.FailAfter : random.Next(6) == 0 ? SwapFault.Conflict : SwapFault.None;
            Task[] replays = [ReplayUntilDoneAsync(stand), ReplayUntilDoneAsync(stand), IngestMoreAsync(stand)];
            await Task.WhenAll(replays);
            stand.Catalog.Next = static _ => SwapFault.None;
            await stand.ReplayAsync();
            await stand.AssertRowsAsync(16);
            Assert.Equal(6, await stand.CountAsync(Resolved));
            Assert.Equal(2, await stand.CountAsync(Open));
            await stand.AssertProvedAsync();
        }
    }

    private static async Task IngestMoreAsync(ReplayStand stand)
    {
        // Bad when they were read: as a pump that still has the schema of before would reject them.
        for (int id = 10; id < 16; id += 2)
        {
            await stand.IngestWithSchemaAsync(0, $"{{\"id\":{id}}}", $"{{\"id\":{id + 1},\"price\":5000000000}}");
        }
    }

    private static async Task ReplayUntilDoneAsync(ReplayStand stand)
    {
        for (int attempt = 0; ; attempt++)
        {
            try
            {
                await stand.ReplayAsync();
                return;
            }
            catch (ReplayException) when (attempt < 50)
            {
                // The other one has ended it.
            }
        }
    }

    private static async Task<bool> DieAtAsync(ReplayStand stand, int step, bool isDone)
    {
        using var killed = new CancellationTokenSource();
        int steps = 0;
        bool Dies()
        {
            if (++steps == step)
            {
                killed.Cancel();
            }

            return steps >= step;
        }

        stand.Catalog.Next = _ => !Dies() ? SwapFault.None : isDone && steps == step ? SwapFault.HangAfter : SwapFault.HangBefore;
        stand.Store.Next = (call, _) => call is StoreCall.Read or StoreCall.List || !Dies() ? StoreFault.None : isDone && steps == step ? StoreFault.FailAfter : StoreFault.FailBefore;
        try
        {
            await stand.ReplayAsync(cancellationToken: killed.Token);
        }
        catch (Exception error) when (killed.IsCancellationRequested && error is not Xunit.Sdk.XunitException)
        {
            // Dead.
        }
        finally
        {
            stand.Catalog.Next = static _ => SwapFault.None;
            stand.Store.Next = static (_, _) => StoreFault.None;
        }

        return killed.IsCancellationRequested;
    }
}
