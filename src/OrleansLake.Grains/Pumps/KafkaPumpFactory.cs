using Microsoft.Extensions.Logging;
using OrleansLake.Contracts;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Ingest.Pump;

namespace OrleansLake.Grains;

/// <summary>Makes pumps that read Kafka and report to the grain of the pipeline's table.</summary>
public sealed class KafkaPumpFactory(
    string siloName,
    KafkaConnections connections,
    PipelineTables tables,
    PipelineWriters writers,
    IGrainFactory grains,
    MemoryBudget memory,
    TimeProvider time,
    IdSource ids,
    ILogger<PumpHost> logger) : IPumpFactory
{
    /// <inheritdoc />
    public Pump Create(PipelineDefinition definition, Action<PumpEvent> onEvent)
    {
        KafkaLookup lookup = connections.LookupOf(definition.Name);
        var groupOffsets = new GroupOffsets(definition.Name, connections.GroupOf(definition.Name), () => lookup, logger);
        return new Pump(
            new PumpOptions
            {
                Pipeline = definition.Name,
                Generation = definition.Generation,
                Silo = siloName,
                FlushInterval = definition.FlushInterval,
                TargetFileSizeBytes = definition.TargetFileSizeBytes,
            },
            connections.OpenSource(definition.Name),
            writers.Of(definition),
            new TableGrainCommitter(grains, GrainKeys.Table(definition.Catalog, definition.Table)),
            new KafkaClusterFacts(lookup),
            cancellationToken => tables.LoadAsync(definition, cancellationToken),
            memory,
            time,
            ids,
            pumpEvent =>
            {
                if (pumpEvent is PumpEvent.Committed committed)
                {
                    groupOffsets.Committed(committed.Report);
                }

                onEvent(pumpEvent);
            });
    }
}
