namespace OrleansLake.Grains;

/// <summary>Runs audits beside the grains, on the thread pool.</summary>
internal static class PublishRuns
{
    /// <summary>Runs one.</summary>
    public static Task<PublishOutcome> RunAsync(Func<Task<PublishOutcome>> publish, CancellationToken cancellationToken) => Task.Run(publish, cancellationToken);
}
