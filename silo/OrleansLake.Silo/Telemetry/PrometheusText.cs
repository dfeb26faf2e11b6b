using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace OrleansLake.Silo.Telemetry;

/// <summary>
/// Writes metrics in Prometheus' text format.
/// https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
/// </summary>
internal static class PrometheusText
{
    /// <summary>The content type of the format.</summary>
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    /// <summary>Everything that the collector has.</summary>
    public static string Write(MetricsCollector collector)
    {
        var text = new StringBuilder();
        collector.Visit((instrument, series) => Write(text, instrument, series));
        return text.ToString();
    }

    /// <summary>Tags as labels: <c>a="1",b="2"</c>.</summary>
    public static string Labels(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (tags.IsEmpty)
        {
            return "";
        }

        var text = new StringBuilder();
        foreach ((string name, object? value) in tags)
        {
            text.Append(text.Length > 0 ? "," : "").Append(Name(name)).Append("=\"");
            foreach (char c in Convert.ToString(value, CultureInfo.InvariantCulture) ?? "")
            {
                text.Append(c switch { '\\' => "\\\\", '"' => "\\\"", '\n' => "\\n", _ => c.ToString() });
            }

            text.Append('"');
        }

        return text.ToString();
    }

    private static void Write(StringBuilder text, Instrument instrument, IReadOnlyCollection<MetricsCollector.Series> series)
    {
        bool counter = instrument.GetType().Name.StartsWith("Counter", StringComparison.Ordinal)
            || instrument.GetType().Name.StartsWith("ObservableCounter", StringComparison.Ordinal);
        bool histogram = series.First().Bounds is not null;
        string name = Name(instrument.Name) + Unit(instrument.Unit) + (counter ? "_total" : "");
        if (instrument.Description is { Length: > 0 } description)
        {
            text.Append("# HELP ").Append(name).Append(' ').Append(description.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal)).Append('\n');
        }

        text.Append("# TYPE ").Append(name).Append(' ').Append(histogram ? "histogram" : counter ? "counter" : "gauge").Append('\n');
        foreach (MetricsCollector.Series one in series)
        {
            if (one.Bounds is null)
            {
                Line(text, name, one.Labels, one.Value);
                continue;
            }

            string prefix = one.Labels.Length > 0 ? one.Labels + "," : "";
            long count = 0;
            for (int i = 0; i < one.Buckets.Length; i++)
            {
                count += one.Buckets[i];
                Line(text, name + "_bucket", $"{prefix}le=\"{(i < one.Bounds.Length ? Number(one.Bounds[i]) : "+Inf")}\"", count);
            }

            Line(text, name + "_sum", one.Labels, one.Value);
            Line(text, name + "_count", one.Labels, count);
        }
    }

    private static void Line(StringBuilder text, string name, string labels, double value)
    {
        text.Append(name);
        if (labels.Length > 0)
        {
            text.Append('{').Append(labels).Append('}');
        }

        text.Append(' ').Append(Number(value)).Append('\n');
    }

    private static string Number(double value) => value switch
    {
        double.PositiveInfinity => "+Inf",
        double.NegativeInfinity => "-Inf",
        _ => value.ToString("R", CultureInfo.InvariantCulture),
    };

    private static string Name(string name)
    {
        char[] characters = name.ToCharArray();
        for (int i = 0; i < characters.Length; i++)
        {
            bool allowed = char.IsAsciiLetter(characters[i]) || characters[i] == '_' || (i > 0 && char.IsAsciiDigit(characters[i]));
            characters[i] = allowed ? characters[i] : '_';
        }

        return new string(characters);
    }

    // Units are UCUM's; Prometheus wants the base unit's name at the end. Curly braces hold only a remark.
    private static string Unit(string? unit) => unit switch
    {
        "s" => "_seconds",
        "By" => "_bytes",
        _ => "",
    };
}
