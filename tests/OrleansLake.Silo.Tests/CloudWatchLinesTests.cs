using System.Diagnostics.Metrics;
using System.Text.Json.Nodes;
using OrleansLake.Silo.Telemetry;

namespace OrleansLake.Silo.Tests;

public sealed class CloudWatchLinesTests : IDisposable
{
    private static readonly DateTimeOffset Now = new(2026, 11, 22, 22, 0, 0, TimeSpan.Zero);

    private readonly Meter _meter = new("OrleansLake.CloudWatchLinesTests");
    private readonly MetricsCollector _collector = new();
    private readonly CloudWatchLines _lines = new("OrleansLake", "blue", "silo-1");

    public void Dispose()
    {
        _collector.Dispose();
        _meter.Dispose();
    }

    [Fact]
    public void Topic_partitions_of_a_pipeline_are_one_line_that_cloudwatch_understands()
    {
        _meter.CreateObservableGauge("orleanslake.pump.lag", () => Partitions(10L, 32L), "{record}");
        _meter.CreateObservableGauge("orleanslake.pump.freshness", () => Partitions(1.5, 7.25), "s");
        JsonObject line = Line("Pipeline", "cw.events");
        Assert.Equal((42, 7.25), (line["Lag"]!.GetValue<double>(), line["Freshness"]!.GetValue<double>()));
        Assert.Equal(("blue", "silo-1"), (line["Cluster"]!.GetValue<string>(), line["Silo"]!.GetValue<string>()));
        JsonNode directive = line["_aws"]!["CloudWatchMetrics"]![0]!;
        Assert.Equal(Now.ToUnixTimeMilliseconds(), line["_aws"]!["Timestamp"]!.GetValue<long>());
        Assert.Equal("""[["Cluster","Pipeline"],["Cluster"]]""", directive["Dimensions"]!.ToJsonString());
        Assert.Equal(["Freshness", "Lag"], directive["Metrics"]!.AsArray().Select(metric => metric!["Name"]!.GetValue<string>()).Order());
        Assert.All(directive["Metrics"]!.AsArray(), metric => Assert.NotNull(line[metric!["Name"]!.GetValue<string>()]));
    }

    [Fact]
    public void A_counter_is_told_by_what_it_grew_and_one_that_began_anew_by_what_it_has()
    {
        long rows = 100;
        _meter.CreateObservableCounter("orleanslake.pump.rejected", () => new Measurement<long>(rows, new KeyValuePair<string, object?>("pipeline", "cw.events")));
        var told = new List<double>();
        foreach (long value in new long[] { 100, 130, 130, 5 })
        {
            rows = value;
            told.Add(Line("Pipeline", "cw.events")["DeadLetters"]!.GetValue<double>());
        }

        Assert.Equal([100, 30, 0, 5], told);
    }

    [Fact]
    public void A_pipeline_that_has_read_everything_is_fresh()
    {
        _meter.CreateObservableGauge("orleanslake.pump.lag", () => Partitions(0L), "{record}");
        Assert.Equal(0, Line("Pipeline", "cw.events")["Freshness"]!.GetValue<double>());
    }

    [Fact]
    public void A_pipeline_that_could_not_begin_is_in_trouble_and_nobody_knows_how_fresh()
    {
        var pipeline = new KeyValuePair<string, object?>("pipeline", "cw.events");
        _meter.CreateObservableGauge("orleanslake.pipeline.trouble", () => new Measurement<int>(1, pipeline));
        Assert.Equal(1, Line("Pipeline", "cw.events")["PumpsInTrouble"]!.GetValue<double>());
        Assert.Null(Line("Pipeline", "cw.events")["Freshness"]);
        _meter.CreateObservableGauge("orleanslake.pump.trouble", () => new Measurement<int>(2, pipeline));
        Assert.Equal(3, Line("Pipeline", "cw.events")["PumpsInTrouble"]!.GetValue<double>());
    }

    [Fact]
    public void Commits_are_told_by_table()
    {
        Counter<long> failed = _meter.CreateCounter<long>("orleanslake.commit.failed_swaps");
        failed.Add(2, new("table", "cw.db.events"), new("end", "conflict"));
        failed.Add(1, new("table", "cw.db.events"), new("end", "unknown"));
        Assert.Equal(3, Line("Table", "cw.db.events")["FailedCommits"]!.GetValue<double>());
    }

    private static IEnumerable<Measurement<T>> Partitions<T>(params T[] values)
        where T : struct => values.Select((value, i) => new Measurement<T>(value, new("pipeline", "cw.events"), new("topic", "events"), new("partition", i)));

    // Other tests of this process measure too; theirs are other pipelines.
    private JsonObject Line(string dimension, string of) =>
        Assert.Single(_lines.Write(_collector, Now).Select(line => JsonNode.Parse(line)!.AsObject()), line => line[dimension]?.GetValue<string>() == of);
}
