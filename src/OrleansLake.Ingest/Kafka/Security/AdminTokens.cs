using Confluent.Kafka;

namespace OrleansLake.Ingest.Kafka.Security;

/// <summary>The same for the .NET client, which asks on the thread that it polls with.</summary>
internal static class AdminTokens
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>What it calls. That thread is its own and serves nothing else, so it is held until there is an answer.</summary>
    internal static Action<IProducer<TKey, TValue>, string> HandlerOf<TKey, TValue>(IBearerTokens tokens) => (client, _) => Give(client, tokens);

    /// <summary>Gives a client a token now.</summary>
    internal static void Give(IClient client, IBearerTokens tokens)
    {
        try
        {
            using var limit = new CancellationTokenSource(Patience);
            BearerToken token = tokens.NewAsync(limit.Token).GetAwaiter().GetResult();
            client.OAuthBearerSetToken(token.Value, token.Expires.ToUnixTimeMilliseconds(), token.Principal);
        }
        catch (Exception failure)
        {
            client.OAuthBearerSetTokenFailure(failure.Message.ReplaceLineEndings(" "));
        }
    }
}
