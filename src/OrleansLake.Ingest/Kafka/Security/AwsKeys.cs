namespace OrleansLake.Ingest.Kafka.Security;

/// <summary>What requests to AWS are signed with.</summary>
/// <param name="AccessKeyId">The key's id, which appears in signed requests.</param>
/// <param name="SecretAccessKey">The key.</param>
/// <param name="SessionToken">Goes with temporary keys, as those of a task role are; null: the key is a lasting one.</param>
public sealed record AwsKeys(string AccessKeyId, string SecretAccessKey, string? SessionToken)
{
    /// <summary>What may be shown of them.</summary>
    public override string ToString() => $"AWS key {AccessKeyId}";
}

/// <summary>Gives the keys that hold now: of a task role they change every few hours.</summary>
public delegate Task<AwsKeys> AwsKeySource(CancellationToken cancellationToken);
