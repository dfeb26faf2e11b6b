using Microsoft.Extensions.Logging;
using OrleansLake.Contracts;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Decode;
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
        Pump? pump = null;
        string table = GrainKeys.Table(definition.Catalog, definition.Table);
        pump = new Pump(
            new PumpOptions
            {
                Pipeline = definition.Name,
                Generation = definition.Generation,
                Silo = siloName,
                Branch = definition.Quality.Publish?.Branch ?? SnapshotRef.Main,
                FlushInterval = definition.FlushInterval,
                TargetFileSizeBytes = definition.TargetFileSizeBytes,
            },
            connections.OpenSource(definition.Name),
            writers.Of(definition, new FieldGrowth(GrowAsync)),
            new TableGrainCommitter(grains, table),
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
        return pump;

        async Task<IReadOnlyList<string>> GrowAsync(IReadOnlyList<NewField> fields)
        {
            SchemaGrowthAnswer answer = await grains.GetGrain<ITableGrain>(table)
                .GrowSchemaAsync(new SchemaGrowth([.. fields.Select(GrowthForms.ToContract)], definition.Records?.MostFields ?? RecordSettings.DefaultMostFields));
            // Fields come from a writer of this pump, so there is one.
            await pump!.ReloadSchemaAsync();
            return answer.Declined;
        }
    }
}
