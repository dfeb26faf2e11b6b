using OrleansLake.Iceberg;
using OrleansLake.Ingest.Commit;
using static OrleansLake.Ingest.Tests.Commit.World;

namespace OrleansLake.Ingest.Tests.Commit;

/// <summary>The committer lends its turn to the upkeep, and ingestion goes first.</summary>
public sealed class UpkeepTurnTests
{
    [Fact]
    public void A_turn_is_lent_when_no_report_waits_and_holds_commits_until_it_is_returned() => Run(async world =>
    {
        TableCommitter committer = world.NewCommitter();
        DataWritten first = await world.ReportAsync(0, 10);
        await committer.EnqueueAsync(first, CancellationToken.None);
        Task<UpkeepTurn> lent = committer.LendTurnAsync(TimeSpan.FromSeconds(20), CancellationToken.None);
        Assert.False(lent.IsCompleted);
        await committer.CommitAsync(CancellationToken.None);
        UpkeepTurn turn = await lent;
        Assert.IsType<ReportAnswer.Committed>(await committer.OutcomeAsync(first.ReportId, CancellationToken.None));

        DataWritten second = await world.ReportAsync(10, 20);
        await committer.EnqueueAsync(second, CancellationToken.None);
        Task<CommitRound> round = committer.CommitAsync(CancellationToken.None);
        await Task.Delay(TimeSpan.FromSeconds(5), world.Time);
        Assert.False(round.IsCompleted);
        Assert.Single((await world.TableAsync()).Metadata.Snapshots);

        // What was swapped in meanwhile is no conflict for what comes after.
        await world.ForeignAppendAsync();
        turn.Return();
        turn.Return();
        Assert.Equal(1, (await round).Snapshots);
        Assert.IsType<ReportAnswer.Committed>(await committer.OutcomeAsync(second.ReportId, CancellationToken.None));
        Assert.DoesNotContain(world.Catalog.Asked, commit => commit.Base.Metadata.LastSequenceNumber == 1 && commit.Updates.OfType<TableUpdate.AddSnapshot>().Any());
    });

    [Fact]
    public void A_turn_that_is_not_returned_is_taken_back() => Run(async world =>
    {
        TableCommitter committer = world.NewCommitter();
        await committer.LendTurnAsync(TimeSpan.FromSeconds(5), CancellationToken.None);
        DateTimeOffset lent = world.Time.GetUtcNow();
        await world.CommittedAsync(committer, 0, 10);
        Assert.Equal(TimeSpan.FromSeconds(5), world.Time.GetUtcNow() - lent);
    });

    [Fact]
    public void Reports_that_wait_for_ever_hold_the_upkeep_up_for_half_a_minute() => Run(async world =>
    {
        TableCommitter committer = world.NewCommitter();
        await committer.EnqueueAsync(await world.ReportAsync(0, 10) with { LastSequenceNumber = 7 }, CancellationToken.None);
        DateTimeOffset asked = world.Time.GetUtcNow();
        (await committer.LendTurnAsync(TimeSpan.FromSeconds(5), CancellationToken.None)).Return();
        Assert.Equal(TimeSpan.FromSeconds(30), world.Time.GetUtcNow() - asked);
    });
}
