using System.Diagnostics.Metrics;

namespace OrleansLake.Silo.Telemetry;

/// <summary>
/// Keeps the newest value of every instrument of this product's meters, so that a scrape can write them down. Counters add
/// up, gauges keep the last value, histograms fall into fixed buckets.
/// </summary>
internal sealed class MetricsCollector : IDisposable
{
    /// <summary>What the names of our meters begin with.</summary>
    public const string MeterPrefix = "OrleansLake";

    // Seconds from a millisecond to half an hour, and bytes from a kilobyte to a gigabyte: one set that serves both ends.
    private static readonly double[] SecondBounds = [0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800];
    private static readonly double[] ByteBounds = [1 << 10, 1 << 14, 1 << 17, 1 << 20, 1 << 22, 1 << 24, 1 << 26, 1 << 28, 1 << 29, 1 << 30];

    private readonly Lock _lock = new();
    private readonly MeterListener _listener = new();
    private readonly Dictionary<Instrument, Dictionary<string, Series>> _instruments = [];

    /// <summary>Begins to listen.</summary>
    public MetricsCollector()
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name.StartsWith(MeterPrefix, StringComparison.Ordinal))
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<byte>((instrument, value, tags, _) => Record(instrument, value, tags));
        _listener.SetMeasurementEventCallback<short>((instrument, value, tags, _) => Record(instrument, value, tags));
        _listener.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Record(instrument, value, tags));
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Record(instrument, value, tags));
        _listener.SetMeasurementEventCallback<float>((instrument, value, tags, _) => Record(instrument, value, tags));
        _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Record(instrument, value, tags));
        _listener.SetMeasurementEventCallback<decimal>((instrument, value, tags, _) => Record(instrument, (double)value, tags));
        _listener.Start();
    }

    /// <summary>Asks the observable instruments, and gives every series to a visitor, instrument by instrument in order of names.</summary>
    public void Visit(Action<Instrument, IReadOnlyCollection<Series>> visit)
    {
        lock (_lock)
        {
            // What an observable instrument no longer reports (a topic-partition that moved away) must not stand for ever.
            foreach ((Instrument instrument, Dictionary<string, Series> series) in _instruments)
            {
                if (instrument.IsObservable)
                {
                    series.Clear();
                }
            }

            _listener.RecordObservableInstruments();
            foreach ((Instrument instrument, Dictionary<string, Series> series) in _instruments.OrderBy(entry => entry.Key.Name, StringComparer.Ordinal))
            {
                if (series.Count > 0)
                {
                    visit(instrument, series.Values);
                }
            }
        }
    }

    /// <inheritdoc />
    public void Dispose() => _listener.Dispose();

    private static bool IsHistogram(Instrument instrument) =>
        instrument.GetType() is { IsGenericType: true } type && type.GetGenericTypeDefinition() == typeof(Histogram<>);

    private static bool AddsUp(Instrument instrument) =>
        instrument.GetType() is { IsGenericType: true } type && (type.GetGenericTypeDefinition() == typeof(Counter<>) || type.GetGenericTypeDefinition() == typeof(UpDownCounter<>));

    private void Record(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        string labels = PrometheusText.Labels(tags);
        lock (_lock)
        {
            if (!_instruments.TryGetValue(instrument, out Dictionary<string, Series>? series))
            {
                _instruments.Add(instrument, series = new Dictionary<string, Series>(StringComparer.Ordinal));
            }

            if (!series.TryGetValue(labels, out Series? one))
            {
                double[]? bounds = !IsHistogram(instrument) ? null : instrument.Unit == "By" ? ByteBounds : SecondBounds;
                series.Add(labels, one = new Series(labels, bounds));
            }

            one.Record(value, AddsUp(instrument));
        }
    }

    /// <summary>One instrument with one set of labels.</summary>
    internal sealed class Series(string labels, double[]? bounds)
    {
        /// <summary>The labels as Prometheus writes them, without braces.</summary>
        public string Labels { get; } = labels;

        /// <summary>The value, or the sum of a histogram.</summary>
        public double Value { get; private set; }

        /// <summary>Upper bounds of the buckets; null when this is no histogram.</summary>
        public double[]? Bounds { get; } = bounds;

        /// <summary>Measurements in each bucket, the last one for everything above.</summary>
        public long[] Buckets { get; } = new long[(bounds?.Length ?? -1) + 1];

        internal void Record(double value, bool add)
        {
            if (Bounds is null)
            {
                Value = add ? Value + value : value;
                return;
            }

            Value += value;
            int bucket = 0;
            while (bucket < Bounds.Length && value > Bounds[bucket])
            {
                bucket++;
            }

            Buckets[bucket]++;
        }
    }
}
