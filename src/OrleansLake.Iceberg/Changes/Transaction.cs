namespace OrleansLake.Iceberg;

/// <summary>
/// Several changes of one table in one swap: each is made on the state that those before it leave, and all are in or none.
/// Staged for each attempt. Not for concurrent use.
/// </summary>
/// <param name="time">Dates the states between.</param>
public sealed class Transaction(TimeProvider time)
{
    private readonly List<Func<LoadedTable, CancellationToken, Task<StagedChange>>> _steps = [];

    /// <summary>Adds a change that makes a snapshot.</summary>
    public Transaction Then(SnapshotChange change, SnapshotExtras? extras = null) =>
        Then(async (table, cancellationToken) => await change.StageAsync(table, extras ?? new SnapshotExtras(), cancellationToken).ConfigureAwait(false));

    /// <summary>Adds a change of metadata, made anew on the state of each attempt: <c>metadata => new UpdateSchema(metadata).DropColumn("a")</c>.</summary>
    public Transaction Then(Func<TableMetadata, IMetadataChange> change) => Then((table, _) =>
    {
        var made = change(table.Metadata);
        return Task.FromResult(new StagedChange(made.Requirements, made.Updates));
    });

    /// <summary>Adds a change of any kind.</summary>
    public Transaction Then(Func<LoadedTable, CancellationToken, Task<StagedChange>> stage)
    {
        _steps.Add(stage);
        return this;
    }

    /// <summary>Stages every change on top of those before it; no updates where nothing changes.</summary>
    /// <exception cref="ChangeConflictException">What others committed since contradicts one of them.</exception>
    public async Task<StagedChange> StageAsync(LoadedTable @base, CancellationToken cancellationToken)
    {
        var requirements = new List<TableRequirement>();
        var updates = new List<TableUpdate>();
        var table = @base;
        foreach (var step in _steps)
        {
            var staged = await step(table, cancellationToken).ConfigureAwait(false);
            // One that does not hold of the base is about what an earlier step makes.
            requirements.AddRange(staged.Requirements.Where(requirement => !requirements.Contains(requirement) && @base.Metadata.Violated([requirement]) is null));
            updates.AddRange(staged.Updates);
            table = table with { Metadata = table.Metadata.Apply(staged.Updates, time) };
        }

        return new StagedChange(requirements, updates);
    }
}
