using System.Buffers.Text;
using System.Text;

namespace OrleansLake.Ingest.Kafka.Security;

/// <summary>
/// Tokens for Amazon MSK with IAM: a presigned request for <c>kafka-cluster:Connect</c>, in base 64 for URLs. The broker sends
/// it on to learn who signed it. https://docs.aws.amazon.com/msk/latest/developerguide/iam-access-control.html
/// </summary>
public sealed class MskIamTokens(AwsKeySource keys, string region, TimeProvider time) : IBearerTokens
{
    // What brokers take at most.
    private static readonly TimeSpan Life = TimeSpan.FromMinutes(15);

    /// <inheritdoc />
    public async Task<BearerToken> NewAsync(CancellationToken cancellationToken)
    {
        AwsKeys found = await keys(cancellationToken).ConfigureAwait(false);
        DateTimeOffset now = time.GetUtcNow();
        string url = PresignedUrl.Create(
            found, region, "kafka-cluster", $"kafka.{region}.amazonaws.com", "/", [new("Action", "kafka-cluster:Connect")], PresignedUrl.EmptyPayload, now, Life);
        // Not signed: it tells the broker's owner whose client this is.
        string token = Base64Url.EncodeToString(Encoding.UTF8.GetBytes(url + "&User-Agent=orleanslake"));
        return new BearerToken(token, now + Life, $"msk-iam {found.AccessKeyId}");
    }
}
