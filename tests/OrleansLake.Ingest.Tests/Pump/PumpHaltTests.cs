using OrleansLake.Ingest.Pump;
using OrleansLake.Testing.Simulation;
using static OrleansLake.Ingest.Tests.Pump.PumpStand;

namespace OrleansLake.Ingest.Tests.Pump;

/// <summary>A pipeline that halts at records which cannot be rows.</summary>
public sealed class PumpHaltTests
{
    [Fact]
    public void Topic_partition_stops_before_a_bad_record_and_goes_on_from_there_once_told()
    {
        var stand = new PumpStand();
        stand.Writers.HaltOnReject = true;
        stand.Publish(A, 30);
        stand.Publish(A, 1, ModelRecord.Bad);
        stand.Publish(A, 30);
        stand.Publish(B, 30);
        stand.Attach(A);
        stand.Attach(B);
        Assert.True(stand.RunUntil(() => stand.Committer.Next.GetValueOrDefault(A) == 30 && stand.Committer.Next.GetValueOrDefault(B) == 30));
        PumpEvent.Stopped stopped = stand.Events.OfType<PumpEvent.Stopped>().Single();
        Assert.Equal(A, stopped.TopicPartition);
        Assert.StartsWith("events-0@30 a bad record; mend", stopped.Message, StringComparison.Ordinal);
        Assert.Contains("pipeline resume p", stopped.Message, StringComparison.Ordinal);
        Assert.Contains("--to 31", stopped.Message, StringComparison.Ordinal);
        Assert.Equal(PartitionState.Stopped, stand[A].State);

        // Told to go on, and nothing was mended: it stops again, at the same record.
        stand.Attach(A);
        Assert.True(stand.RunUntil(() => stand.Events.OfType<PumpEvent.Stopped>().Count() == 2));
        Assert.Equal(30, stand.Committer.Next[A]);

        stand.Writers.HaltOnReject = false;
        stand.Attach(A);
        Assert.True(stand.RunUntil(() => stand.Committer.Next[A] == 61));
        Assert.Equal(Enumerable.Range(0, 61).Where(i => i != 30).Select(i => (long)i), stand.Committer.Taken.SelectMany(report => PumpReadingTests.RowsOf(stand, report).Where(_ => report.Ranges.Any(range => range.TopicPartition == A))).Distinct().Order());
        Assert.Equal(1, stand.Committer.Taken.Sum(report => report.Ranges.Where(range => range.TopicPartition == A).Sum(range => range.Rejected)));
    }

    [Fact]
    public void Bad_record_that_comes_first_leaves_nothing_to_report()
    {
        var stand = new PumpStand();
        stand.Writers.HaltOnReject = true;
        stand.Publish(A, 1, ModelRecord.Bad);
        stand.Publish(A, 5);
        stand.Attach(A);
        Assert.True(stand.RunUntil(() => stand.Events.OfType<PumpEvent.Stopped>().Any()));
        stand.Run(TimeSpan.FromSeconds(30));
        Assert.DoesNotContain(stand.Committer.Taken, report => report.Files.Count > 0);
    }
}
