using OrleansLake.Iceberg;
using OrleansLake.Ingest.Backfill;
using OrleansLake.Ingest.Commit;
using OrleansLake.Ingest.Tests.Replay;
using OrleansLake.Testing.Commit;

namespace OrleansLake.Ingest.Tests.Backfill;

public sealed class BackfillTests(BackfillBroker broker) : IClassFixture<BackfillBroker>
{
    private const int All = BackfillBroker.PerPartition;

    [Fact]
    public async Task Range_goes_into_a_branch_while_the_pipeline_goes_on_and_main_takes_it_in_once()
    {
        ReplayStand stand = await ReplayStand.CreateAsync();
        await stand.IngestAsync("{\"id\":0}", "{\"id\":1}", "{\"id\":}");
        BackfillCounts counts = await BackfillStand.RunAsync(stand, broker, "15", "48");
        Assert.Equal((66, 60, 6, true), (counts.Offsets, counts.Rows, counts.Rejected, counts.IsComplete));
        await stand.IngestAsync("{\"id\":2}", "{\"id\":3}");

        Assert.Equal([0, 1, .. BackfillStand.Expected(15, 48)], await BackfillStand.IdsAsync(stand, BackfillStand.Branch));
        Assert.Equal([0, 1, 2, 3], await BackfillStand.IdsAsync(stand, SnapshotRef.Main));
        Assert.Equal(6, await stand.CountAsync("pipeline = 'events@jan'"));
        await BackfillStand.AssertProvedAsync(stand, BackfillStand.Branch);
        await BackfillStand.AssertProvedAsync(stand, SnapshotRef.Main);

        BackfillPublished published = await BackfillStand.PublishAsync(stand);
        Assert.Equal(60, published.Rows);
        await stand.IngestAsync("{\"id\":4}");
        Assert.Equal([0, 1, 2, 3, 4, .. BackfillStand.Expected(15, 48)], await BackfillStand.IdsAsync(stand, SnapshotRef.Main));
        await BackfillStand.AssertProvedAsync(stand, SnapshotRef.Main);
        TableMetadata metadata = (await stand.TableAsync(ReplayStand.Events)).Metadata;
        Assert.DoesNotContain(BackfillStand.Branch, metadata.Refs.Keys);
        Assert.DoesNotContain(metadata.Properties.Keys, static name => name.Contains("backfill", StringComparison.Ordinal) || name.StartsWith("orleanslake.offsets.jan", StringComparison.Ordinal));

        // Another one of that name is another one.
        await BackfillStand.RunAsync(stand, broker, "0", "15");
        await BackfillStand.PublishAsync(stand);
        Assert.Equal([0, 1, 2, 3, 4, .. BackfillStand.Expected(0, 48).Order()], await BackfillStand.IdsAsync(stand, SnapshotRef.Main));
        await stand.IngestAsync("{\"id\":5}");
        await BackfillStand.AssertProvedAsync(stand, SnapshotRef.Main);
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task Process_that_dies_at_any_step_leaves_what_the_next_run_goes_on_from(bool isDone)
    {
        bool died = true;
        int resumed = 0;
        // Of neighbouring steps one dies before and one after it is done.
        for (int step = isDone ? 1 : 2; died; step += 2)
        {
            ReplayStand stand = await ReplayStand.CreateAsync();
            await stand.IngestAsync("{\"id\":0}");
            died = await DieAtAsync(stand, step, isDone, token => BackfillStand.RunAllAsync(stand, broker, token));
            resumed += died && (await stand.TableAsync(ReplayStand.Events)).Metadata.Refs.ContainsKey(BackfillStand.Branch) ? 1 : 0;
            await stand.IngestAsync("{\"id\":1}");
            BackfillCounts counts = await BackfillStand.RunAllAsync(stand, broker, default);
            Assert.Equal((2 * All, 108, 12), (counts.Offsets, counts.Rows, counts.Rejected));
            Assert.Equal([0, .. BackfillStand.Expected(0, All)], (await BackfillStand.IdsAsync(stand, BackfillStand.Branch)).Where(static id => id != 1));
            Assert.Equal(12, await stand.CountAsync("pipeline = 'events@jan'"));
            await BackfillStand.AssertProvedAsync(stand, BackfillStand.Branch);
            await BackfillStand.AssertProvedAsync(stand, SnapshotRef.Main);
        }

        Assert.True(resumed > 3, $"{resumed} runs were resumed");
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task Publication_that_dies_at_any_step_is_in_once_when_it_is_asked_for_again(bool isDone)
    {
        bool died = true;
        int step = 1;
        for (; died; step++)
        {
            ReplayStand stand = await ReplayStand.CreateAsync();
            await BackfillStand.RunAllAsync(stand, broker, default);
            await stand.IngestAsync("{\"id\":0}");
            died = await DieAtAsync(stand, step, isDone, token => BackfillStand.PublishAsync(stand, keep: step % 2 == 0, token));
            if (BackfillPlan.Find((await stand.TableAsync(ReplayStand.Events)).Metadata.Properties, BackfillStand.Branch) is not null)
            {
                await BackfillStand.PublishAsync(stand, keep: step % 2 == 0);
            }

            await stand.IngestAsync("{\"id\":1}");
            Assert.Equal([0, 1, .. BackfillStand.Expected(0, All)], await BackfillStand.IdsAsync(stand, SnapshotRef.Main));
            await BackfillStand.AssertProvedAsync(stand, SnapshotRef.Main);
        }

        Assert.True(step > 3, $"{step} steps");
    }

    [Fact]
    public async Task Swaps_that_fail_and_others_that_commit_do_no_harm()
    {
        for (int seed = 1; seed <= 3; seed++)
        {
            ReplayStand stand = await ReplayStand.CreateAsync();
            var random = new Random(seed);
            await stand.IngestAsync("{\"id\":0}");
            BackfillPlan plan = await BackfillStand.OpenAsync(stand, broker, "0", "40");
            stand.Catalog.Next = _ => random.Next(4) == 0 ? SwapFault.FailAfter : random.Next(4) == 0 ? SwapFault.Conflict : SwapFault.None;
            Task backfill = BackfillRun.RunAsync(BackfillStand.Parts(stand, broker, plan), default);
            for (int id = 1; id < 6; id++)
            {
                await stand.IngestAsync($"{{\"id\":{id}}}", "{}");
            }

            await backfill;
            stand.Catalog.Next = static _ => SwapFault.None;
            await BackfillStand.PublishAsync(stand);
            Assert.Equal([0, 1, 2, 3, 4, 5, .. BackfillStand.Expected(0, 40)], await BackfillStand.IdsAsync(stand, SnapshotRef.Main));
            await BackfillStand.AssertProvedAsync(stand, SnapshotRef.Main);
        }
    }

    [Fact]
    public async Task Branch_begins_a_table_that_has_no_snapshot_and_main_may_be_moved_to_it()
    {
        ReplayStand stand = await ReplayStand.CreateAsync();
        await BackfillStand.RunAsync(stand, broker, "5", "latest", static partition => partition == 1);
        await BackfillStand.AssertProvedAsync(stand, BackfillStand.Branch);
        var forward = await new TableChanges(stand.Catalog, stand.Ids, TimeProvider.System).CommitAsync(ReplayStand.Events, static now => new ManageSnapshots(now).FastForward(SnapshotRef.Main, BackfillStand.Branch), default);
        Assert.IsType<CommitResult.Committed>(forward);
        await stand.IngestAsync("{\"id\":0}");
        BackfillPublished published = await BackfillStand.PublishAsync(stand);
        Assert.Null(published.SnapshotId);
        Assert.Equal([0, .. BackfillStand.Expected(5, All).Where(static id => id >= 2000)], await BackfillStand.IdsAsync(stand, SnapshotRef.Main));
        await BackfillStand.AssertProvedAsync(stand, SnapshotRef.Main);
        Assert.True(await BackfillStand.Branches(stand).DropAsync(ReplayStand.Events, BackfillStand.Branch, default));
        Assert.False(await BackfillStand.Branches(stand).DropAsync(ReplayStand.Events, BackfillStand.Branch, default));
    }

    [Fact]
    public async Task Branch_of_something_else_and_a_branch_that_somebody_changed_are_refused()
    {
        ReplayStand stand = await ReplayStand.CreateAsync();
        await stand.IngestAsync("{\"id\":0}");
        var changes = new TableChanges(stand.Catalog, stand.Ids, TimeProvider.System);
        await changes.CommitAsync(ReplayStand.Events, static now => new ManageSnapshots(now).CreateBranch(BackfillStand.Branch), default);
        Assert.Contains("not of a backfill", (await Assert.ThrowsAsync<BackfillException>(() => BackfillStand.OpenAsync(stand, broker, "0", "5"))).Message, StringComparison.Ordinal);
        await changes.CommitAsync(ReplayStand.Events, static now => new ManageSnapshots(now).Remove(BackfillStand.Branch), default);

        BackfillPlan plan = await BackfillStand.OpenAsync(stand, broker, "0", "10");
        Assert.Contains("is not at its end", (await Assert.ThrowsAsync<BackfillException>(() => BackfillStand.PublishAsync(stand))).Message, StringComparison.Ordinal);
        Assert.Contains("from 0 to 10", (await Assert.ThrowsAsync<BackfillException>(() => BackfillStand.OpenAsync(stand, broker, "0", "5"))).Message, StringComparison.Ordinal);
        Assert.Equal(plan.Id, (await BackfillStand.OpenAsync(stand, broker, "0", "10")).Id);
        await BackfillRun.RunAsync(BackfillStand.Parts(stand, broker, plan), default);

        LoadedTable table = await stand.TableAsync(ReplayStand.Events);
        ManifestEntry own = await SnapshotFiles.LiveAsync(table, table.Metadata.FindRef(BackfillStand.Branch)!, default).FirstAsync(entry => entry.FileSequenceNumber > plan.BaseSequenceNumber);
        var delete = new DeleteFiles(BackfillStand.Branch, stand.Ids, TimeProvider.System);
        delete.Remove(own.DataFile);
        await changes.CommitAsync(ReplayStand.Events, delete, null, default);
        Assert.Contains("is of somebody else", (await Assert.ThrowsAsync<BackfillException>(() => BackfillStand.PublishAsync(stand))).Message, StringComparison.Ordinal);
        Assert.Equal([0], await BackfillStand.IdsAsync(stand, SnapshotRef.Main));
    }

    [Fact]
    public async Task Broker_without_the_records_and_a_record_that_halts_end_a_backfill_with_the_place()
    {
        ReplayStand stand = await ReplayStand.CreateAsync();
        Assert.Contains("asked for offsets [0, 90), the broker has [0, 60)", (await Assert.ThrowsAsync<BackfillException>(() => BackfillStand.OpenAsync(stand, broker, "0", "90"))).Message, StringComparison.Ordinal);
        BackfillException halted = await Assert.ThrowsAsync<BackfillException>(() => BackfillStand.RunAsync(stand, broker, "10", "20", haltOnReject: true));
        Assert.Contains("@13 id: wrong-type", halted.Message, StringComparison.Ordinal);
        Assert.Contains("run the backfill again", halted.Message, StringComparison.Ordinal);
        await BackfillStand.RunAsync(stand, broker, "10", "20");
        Assert.Equal(BackfillStand.Expected(10, 20), await BackfillStand.IdsAsync(stand, BackfillStand.Branch));
        await BackfillStand.AssertProvedAsync(stand, BackfillStand.Branch);
    }

    [Fact]
    public async Task Dead_letters_of_a_backfill_are_replayed_once_its_rows_are_in()
    {
        ReplayStand stand = await ReplayStand.CreateAsync();
        await stand.IngestAsync("{\"id\":0}");
        await BackfillStand.RunAsync(stand, broker, "0", "20");
        Assert.Equal((4, 0, 4L), (await stand.ReplayAsync(dryRun: true)) is var before ? (before.Examined, before.Replayed, before.OfEndedGenerations) : default);
        await BackfillStand.PublishAsync(stand);
        Assert.Equal((4, 0, 4L), (await stand.ReplayAsync(dryRun: true)) is var after ? (after.Examined, after.Replayed, after.StillBad) : default);
    }

    private static async Task<bool> DieAtAsync(ReplayStand stand, int step, bool isDone, Func<CancellationToken, Task> work)
    {
        using var killed = new CancellationTokenSource();
        int steps = 0;
        bool Dies(out bool isLast)
        {
            int now = Interlocked.Increment(ref steps);
            isLast = now == step && isDone;
            if (now == step)
            {
                killed.Cancel();
            }

            return now >= step;
        }

        stand.Catalog.Next = _ => !Dies(out bool isLast) ? SwapFault.None : isLast ? SwapFault.HangAfter : SwapFault.HangBefore;
        stand.Store.Next = (call, _) => call is StoreCall.Read or StoreCall.List || !Dies(out bool isLast) ? StoreFault.None : isLast ? StoreFault.FailAfter : StoreFault.FailBefore;
        try
        {
            await work(killed.Token);
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
