using OrleansLake.Contracts;
using OrleansLake.Iceberg;
using OrleansLake.Ingest;
using OrleansLake.Ingest.Backfill;
using OrleansLake.Ingest.Commit;
using OrleansLake.Ingest.Pump;

namespace OrleansLake.Grains;

/// <summary>Which records a backfill shall read.</summary>
/// <param name="From">The first.</param>
/// <param name="To">The first that it does not read any more.</param>
/// <param name="Topic">Only this topic of the pipeline's; null: all of them.</param>
/// <param name="Partition">Only this partition; null: all of them.</param>
public sealed record BackfillAsk(StartPosition From, StartPosition To, string? Topic = null, int? Partition = null)
{
    /// <inheritdoc />
    public override string ToString() => $"{Topic ?? "all topics"}{(Partition is { } partition ? $"-{partition}" : "")} from {From} to {To}";
}

/// <summary>
/// Backfills by the settings of pipelines: beside the grains, in this process, with a committer of its own. A second committer of a
/// table costs conflicts and nothing else.
/// </summary>
public sealed class PipelineBackfills(
    Catalogs catalogs, PipelineTables tables, PipelineWriters writers, KafkaConnections connections, ITopicDirectory topics, TableCommitters committers, MemoryBudget memory, TimeProvider time, IdSource ids)
{
    /// <summary>Reads into a branch until everything is there; begun before, it goes on.</summary>
    /// <param name="definition">The pipeline.</param>
    /// <param name="branch">The branch.</param>
    /// <param name="ask">What to read; null: what the branch's plan says.</param>
    /// <param name="onProgress">Told how far it is.</param>
    /// <param name="cancellationToken">Stops it; what was read is committed first.</param>
    /// <exception cref="BackfillException">It cannot go on.</exception>
    public async Task<(BackfillPlan Plan, BackfillCounts Counts)> RunAsync(PipelineDefinition definition, string branch, BackfillAsk? ask, Action<BackfillProgress> onProgress, CancellationToken cancellationToken)
    {
        await tables.EnsureAsync(definition, cancellationToken);
        BackfillPlan plan = await Branches(definition).OpenAsync(
            TableIdentifier.Parse(definition.Table), branch, definition.Name, ask?.ToString(), BranchOf(definition), token => RangesAsync(definition, ask!, token), cancellationToken);
        TableCommitter committer = committers.Create(definition.Catalog, TableIdentifier.Parse(definition.Table), branch: branch);
        BackfillCounts counts = await BackfillRun.RunAsync(
            new BackfillParts
            {
                Plan = plan,
                Pump = new PumpOptions
                {
                    Pipeline = plan.Reader,
                    Generation = plan.Generation,
                    Silo = "backfill",
                    FlushInterval = definition.FlushInterval,
                    TargetFileSizeBytes = definition.TargetFileSizeBytes,
                },
                Committer = committer,
                Source = connections.OpenSource(definition.Name),
                Writers = growth => writers.OfBackfill(definition, plan, growth),
                MostFields = definition.Records?.MostFields ?? RecordSettings.DefaultMostFields,
                Cluster = topics.FactsOf(definition.Name),
                LoadTables = token => tables.LoadAsync(definition, token),
                Memory = memory,
                Time = time,
                Ids = ids,
                OnProgress = onProgress,
            },
            cancellationToken);
        return (plan, counts);
    }

    /// <summary>Every backfill whose branch stands, with what is in it.</summary>
    public async Task<IReadOnlyList<(BackfillPlan Plan, BackfillCounts Counts)>> ListAsync(PipelineDefinition definition, CancellationToken cancellationToken)
    {
        TableIdentifier identifier = TableIdentifier.Parse(definition.Table);
        var found = new List<(BackfillPlan, BackfillCounts)>();
        if (await catalogs.Find(definition.Catalog).LoadTableAsync(identifier, cancellationToken) is { } table)
        {
            foreach (BackfillPlan plan in BackfillPlan.All(table.Metadata.Properties).Where(plan => plan.Pipeline == definition.Name && table.Metadata.Refs.ContainsKey(plan.Branch)))
            {
                found.Add((plan, await committers.Create(definition.Catalog, identifier).BackfillCountsAsync(plan, cancellationToken)));
            }
        }

        return found;
    }

    /// <summary>Takes the rows of a branch into the one that the pipeline writes to, once.</summary>
    /// <exception cref="BackfillException">There is none, it is not at its end, or not as it was left.</exception>
    public async Task<BackfillPublished> PublishAsync(PipelineDefinition definition, string branch, bool keep, CancellationToken cancellationToken)
    {
        TableIdentifier identifier = TableIdentifier.Parse(definition.Table);
        LoadedTable? table = await catalogs.Find(definition.Catalog).LoadTableAsync(identifier, cancellationToken);
        BackfillPlan plan = (table is null ? null : BackfillPlan.Find(table.Metadata.Properties, branch)) ?? throw new BackfillException($"table {identifier} has no backfill {branch}: it was published or dropped, or never begun");
        BackfillPublished published = await committers.Create(definition.Catalog, identifier).PublishAsync(plan, keep, cancellationToken);
        if (published.SnapshotId is null && !keep)
        {
            // It was in before, perhaps by a branch that was moved forward.
            await Branches(definition).DropAsync(identifier, branch, cancellationToken);
        }

        return published;
    }

    /// <summary>Gives a branch and its rows up. False: there was none.</summary>
    /// <exception cref="BackfillException">The branch is not of a backfill.</exception>
    public Task<bool> DropAsync(PipelineDefinition definition, string branch, CancellationToken cancellationToken) => Branches(definition).DropAsync(TableIdentifier.Parse(definition.Table), branch, cancellationToken);

    private BackfillBranch Branches(PipelineDefinition definition) => new(catalogs.Find(definition.Catalog), ids, time);

    private static string BranchOf(PipelineDefinition definition) => definition.Quality.Publish?.Branch ?? SnapshotRef.Main;

    private async Task<(IReadOnlyList<BackfillRange> Ranges, IReadOnlyDictionary<string, string> TopicIds)> RangesAsync(PipelineDefinition definition, BackfillAsk ask, CancellationToken cancellationToken)
    {
        IReadOnlyDictionary<string, int> known = definition.TopicPattern is null ? new Dictionary<string, int>() : await topics.TopicsAsync(definition.Name, cancellationToken);
        string[] read = [.. PipelineTopics.Of(definition, known.Keys).Where(topic => ask.Topic is null || topic == ask.Topic)];
        var places = new List<TopicPartition>();
        foreach (string topic in read)
        {
            int partitions = await topics.PartitionsOfAsync(definition.Name, topic, cancellationToken) ?? throw new BackfillException($"topic {topic} does not exist");
            places.AddRange(Enumerable.Range(0, partitions).Where(partition => ask.Partition is null || partition == ask.Partition).Select(partition => new TopicPartition(topic, partition)));
        }

        if (places.Count == 0)
        {
            throw new BackfillException($"pipeline {definition.Name} reads no topic-partition {ask.Topic ?? "of any topic"}{(ask.Partition is { } number ? $"-{number}" : "")}");
        }

        IReadOnlyList<BackfillRange> ranges = await BackfillRanges.BetweenAsync(connections.LookupOf(definition.Name), places, ask.From, ask.To, cancellationToken);
        TopicIdentities identities = await topics.FactsOf(definition.Name).IdentitiesAsync(read, cancellationToken);
        return (ranges, identities.TopicIds);
    }
}
