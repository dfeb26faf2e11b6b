using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace OrleansLake.Grains;

/// <summary>Which pipelines that live on this silo have something in their way. One that never began has no pump to tell of it.</summary>
public sealed class PipelineTroubles : IDisposable
{
    /// <summary>The meter's name.</summary>
    public const string MeterName = "OrleansLake.Pipeline";

    private readonly Meter _meter = new(MeterName);
    private readonly ConcurrentDictionary<string, bool> _inTrouble = new(StringComparer.Ordinal);

    /// <summary>Makes the instrument.</summary>
    public PipelineTroubles() => _meter.CreateObservableGauge(
        "orleanslake.pipeline.trouble", () => _inTrouble.Select(one => new Measurement<int>(one.Value ? 1 : 0, new KeyValuePair<string, object?>("pipeline", one.Key))), "{pipeline}", "1: something stands in the pipeline's way");

    /// <inheritdoc />
    public void Dispose() => _meter.Dispose();

    internal void Keep(string pipeline, bool isInTrouble) => _inTrouble[pipeline] = isInTrouble;

    internal void Forget(string pipeline) => _inTrouble.TryRemove(pipeline, out _);
}
