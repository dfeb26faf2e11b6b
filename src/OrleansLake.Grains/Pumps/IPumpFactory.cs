using OrleansLake.Contracts;
using OrleansLake.Ingest.Pump;

namespace OrleansLake.Grains;

/// <summary>Makes the pump of a pipeline on this silo.</summary>
public interface IPumpFactory
{
    /// <summary>A pump without topic-partitions. <paramref name="onEvent"/> is called on its own thread. Never waits for a broker.</summary>
    Pump Create(PipelineDefinition definition, Action<PumpEvent> onEvent);
}
