using System.Diagnostics.Metrics;
using OrleansLake.Silo.Telemetry;

namespace OrleansLake.Silo.Tests;

public sealed class PrometheusTextTests
{
    [Fact]
    public void Counters_gauges_and_histograms_are_written_in_prometheus_text_format()
    {
        using var collector = new MetricsCollector();
        using var meter = new Meter("OrleansLake.Test");
        Counter<long> rows = meter.CreateCounter<long>("test.rows", "{row}", "Rows so far");
        rows.Add(3, new KeyValuePair<string, object?>("table", "db.\"t\"\\"));
        rows.Add(4, new KeyValuePair<string, object?>("table", "db.\"t\"\\"));
        Histogram<double> duration = meter.CreateHistogram<double>("test.duration", "s");
        duration.Record(0.2);
        duration.Record(7);
        long lag = 12;
        meter.CreateObservableGauge("test.lag", () => new Measurement<long>(lag, new KeyValuePair<string, object?>("partition", 3)));
        string text = PrometheusText.Write(collector);
        Assert.Contains("# HELP test_rows_total Rows so far\n# TYPE test_rows_total counter\ntest_rows_total{table=\"db.\\\"t\\\"\\\\\"} 7\n", text, StringComparison.Ordinal);
        Assert.Contains("# TYPE test_duration_seconds histogram\n", text, StringComparison.Ordinal);
        Assert.Contains("test_duration_seconds_bucket{le=\"0.1\"} 0\ntest_duration_seconds_bucket{le=\"0.25\"} 1\n", text, StringComparison.Ordinal);
        Assert.Contains("test_duration_seconds_bucket{le=\"+Inf\"} 2\ntest_duration_seconds_sum 7.2\ntest_duration_seconds_count 2\n", text, StringComparison.Ordinal);
        Assert.Contains("test_lag{partition=\"3\"} 12\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public void What_an_observable_instrument_no_longer_tells_is_no_longer_written()
    {
        using var collector = new MetricsCollector();
        using var meter = new Meter("OrleansLake.Test.Gone");
        bool there = true;
        meter.CreateObservableGauge("test.gone", () => there ? [new Measurement<long>(1)] : Array.Empty<Measurement<long>>());
        Assert.Contains("test_gone 1\n", PrometheusText.Write(collector), StringComparison.Ordinal);
        there = false;
        Assert.DoesNotContain("test_gone", PrometheusText.Write(collector), StringComparison.Ordinal);
    }

    [Fact]
    public void Meters_of_others_are_left_out()
    {
        using var collector = new MetricsCollector();
        using var meter = new Meter("Somebody.Else");
        meter.CreateCounter<int>("else.count").Add(1);
        Assert.DoesNotContain("else_count", PrometheusText.Write(collector), StringComparison.Ordinal);
    }
}
