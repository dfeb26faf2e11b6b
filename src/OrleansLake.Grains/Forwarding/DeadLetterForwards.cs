using OrleansLake.Contracts;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Forward;
using OrleansLake.Ingest.Write;

namespace OrleansLake.Grains;

/// <summary>Sends dead letters of pipelines to their topics, beside the grains.</summary>
public sealed class DeadLetterForwards(Catalogs catalogs, KafkaConnections connections, IdSource ids, TimeProvider time)
{
    /// <summary>Sends what stands in the table of a pipeline's dead letters and was not sent: on the thread pool, since it reads files.</summary>
    public Task<int> RunAsync(PipelineDefinition definition, CancellationToken cancellationToken) => connections.DeadLettersOf(definition) is not { } topic
        ? Task.FromResult(0)
        : Task.Run(
            () => new DeadLetterForward(catalogs.Find(definition.Catalog), DeadLetterSchema.Of(TableIdentifier.Parse(definition.Table)), definition.Name, topic, ids, time).RunAsync(cancellationToken),
            cancellationToken);
}

/// <summary>The pipelines of each table whose dead letters are sent to a topic.</summary>
public sealed class ForwardedPipelines(IReadOnlyDictionary<string, IReadOnlySet<string>> byKey)
{
    /// <summary>Those of a table.</summary>
    public IReadOnlySet<string> Of(string catalog, TableIdentifier table) => byKey.GetValueOrDefault(GrainKeys.Table(catalog, table.ToString())) ?? new HashSet<string>();
}
