using System.Text.Json;

namespace OrleansLake.Silo.Telemetry;

/// <summary>
/// The metrics that alarms and scaling want, as lines in CloudWatch's embedded metric format: CloudWatch Logs makes metrics of
/// them, so that a silo needs neither an agent beside it nor a permission for that. One line for each pipeline and table, small
/// enough to be cheap: topic-partitions are added up here.
/// </summary>
/// <remarks>https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html</remarks>
internal sealed class CloudWatchLines(string @namespace, string clusterId, string silo)
{
    /// <summary>The silos' cluster, in every line.</summary>
    public const string ClusterDimension = "Cluster";

    private const string PipelineDimension = "Pipeline";
    private const string TableDimension = "Table";

    private static readonly Metric[] Metrics =
    [
        new(["orleanslake.pump.lag"], "Lag", "Count", PipelineDimension, "pipeline", Combine.Sum),
        new(["orleanslake.pump.freshness"], "Freshness", "Seconds", PipelineDimension, "pipeline", Combine.Max),
        new(["orleanslake.pump.stopped"], "StoppedPartitions", "Count", PipelineDimension, "pipeline", Combine.Sum),
        new(["orleanslake.pump.trouble", "orleanslake.pipeline.trouble"], "PumpsInTrouble", "Count", PipelineDimension, "pipeline", Combine.Sum),
        new(["orleanslake.pump.rows"], "Rows", "Count", PipelineDimension, "pipeline", Combine.Growth),
        new(["orleanslake.pump.rejected"], "DeadLetters", "Count", PipelineDimension, "pipeline", Combine.Growth),
        new(["orleanslake.commit.failed_swaps"], "FailedCommits", "Count", TableDimension, "table", Combine.Growth),
        new(["orleanslake.commit.rows"], "CommittedRows", "Count", TableDimension, "table", Combine.Growth),
        new(["orleanslake.commit.files"], "CommittedFiles", "Count", TableDimension, "table", Combine.Growth),
    ];

    // Counters only grow; what they grew by since the last line is what CloudWatch can add up over silos.
    private readonly Dictionary<(string Metric, string Labels), double> _before = [];

    private enum Combine
    {
        Sum,
        Max,
        Growth,
    }

    /// <summary>Names and what they are told apart by: alarms and dashboards may use no others.</summary>
    public static IReadOnlyDictionary<string, string> Names { get; } = Metrics.ToDictionary(metric => metric.Name, metric => metric.Dimension);

    /// <summary>
    /// When lines are due next: in the middle of an interval, so that each minute of CloudWatch's has one line of each silo, however
    /// late a timer is, and lag, which alarms and scaling add up over silos, is counted once.
    /// </summary>
    public static DateTimeOffset NextAfter(DateTimeOffset now, TimeSpan interval) =>
        now.AddTicks(interval.Ticks - ((now.UtcTicks + (interval.Ticks / 2)) % interval.Ticks));

    /// <summary>The lines of this moment.</summary>
    public IReadOnlyList<string> Write(MetricsCollector collector, DateTimeOffset now)
    {
        var lines = new SortedDictionary<(string Dimension, string Of), Dictionary<Metric, double>>();
        collector.Visit((instrument, series) =>
        {
            if (Array.Find(Metrics, metric => metric.Instruments.Contains(instrument.Name)) is { } metric)
            {
                foreach (MetricsCollector.Series one in series)
                {
                    Add(lines, metric, one);
                }
            }
        });

        // A pipeline that has read everything has no oldest record; its table is as fresh as can be. One that knows no lag knows nothing.
        foreach (((string dimension, _), Dictionary<Metric, double> values) in lines)
        {
            if (dimension == PipelineDimension && values.ContainsKey(Metrics[0]))
            {
                values.TryAdd(Metrics[1], 0);
            }
        }

        return [.. lines.Select(line => Line(line.Key.Dimension, line.Key.Of, line.Value, now))];
    }

    private void Add(SortedDictionary<(string, string), Dictionary<Metric, double>> lines, Metric metric, MetricsCollector.Series series)
    {
        if (Label(series.Labels, metric.Label) is not { } of)
        {
            return;
        }

        if (!lines.TryGetValue((metric.Dimension, of), out Dictionary<Metric, double>? values))
        {
            lines.Add((metric.Dimension, of), values = []);
        }

        double value = series.Value;
        if (metric.Combine == Combine.Growth)
        {
            double before = _before.GetValueOrDefault((metric.Name, series.Labels));
            _before[(metric.Name, series.Labels)] = value;
            value = value < before ? value : value - before; // a pump that began anew counts from zero
        }

        values[metric] = !values.TryGetValue(metric, out double so) ? value : metric.Combine == Combine.Max ? Math.Max(so, value) : so + value;
    }

    private string Line(string dimension, string of, Dictionary<Metric, double> values, DateTimeOffset now)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteStartObject("_aws");
            json.WriteNumber("Timestamp", now.ToUnixTimeMilliseconds());
            json.WriteStartArray("CloudWatchMetrics");
            json.WriteStartObject();
            json.WriteString("Namespace", @namespace);
            json.WriteStartArray("Dimensions");
            WriteList(json, ClusterDimension, dimension);
            WriteList(json, ClusterDimension);
            json.WriteEndArray();
            json.WriteStartArray("Metrics");
            foreach (Metric metric in values.Keys)
            {
                json.WriteStartObject();
                json.WriteString("Name", metric.Name);
                json.WriteString("Unit", metric.Unit);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
            json.WriteEndArray();
            json.WriteEndObject();
            json.WriteString(ClusterDimension, clusterId);
            json.WriteString(dimension, of);
            json.WriteString("Silo", silo);
            foreach ((Metric metric, double value) in values)
            {
                json.WriteNumber(metric.Name, value);
            }

            json.WriteEndObject();
        }

        return System.Text.Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length);
    }

    private static void WriteList(Utf8JsonWriter json, params ReadOnlySpan<string> names)
    {
        json.WriteStartArray();
        foreach (string name in names)
        {
            json.WriteStringValue(name);
        }

        json.WriteEndArray();
    }

    // Names of pipelines and tables have no character that labels escape.
    private static string? Label(string labels, string name)
    {
        string begin = $"{name}=\"";
        int at = labels.StartsWith(begin, StringComparison.Ordinal) ? 0 : labels.IndexOf("," + begin, StringComparison.Ordinal) + 1;
        if (!labels.AsSpan(at).StartsWith(begin, StringComparison.Ordinal))
        {
            return null;
        }

        at += begin.Length;
        return labels[at..labels.IndexOf('"', at)];
    }

    private sealed record Metric(string[] Instruments, string Name, string Unit, string Dimension, string Label, Combine Combine);
}
