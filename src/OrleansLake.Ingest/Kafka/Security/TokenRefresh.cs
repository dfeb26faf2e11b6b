using OrleansLake.Ingest.Kafka.Native;

namespace OrleansLake.Ingest.Kafka.Security;

/// <summary>
/// Brings a client its tokens whenever librdkafka asks for one: at its start, and when four fifths of a token's life are over.
/// It asks on a thread of its own, so that a client that nobody polls keeps its connections too.
/// </summary>
internal sealed class TokenRefresh(IBearerTokens tokens) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _stop = new();
    private nint _client;
    private Task _running = Task.CompletedTask;

    /// <summary>Begins: the client exists. What it asked for meanwhile waits in its queue.</summary>
    internal void Start(nint client)
    {
        _client = client;
        nint error = Librdkafka.SaslBackgroundCallbacksEnable(client);
        if (error == 0)
        {
            return;
        }

        string text = Text(error);
        Librdkafka.ErrorDestroy(error);
        throw new KafkaClientException($"Kafka tokens: {text}");
    }

    /// <summary>The client asks. Called by its background thread, which is not held up.</summary>
    internal void Ask()
    {
        lock (_lock)
        {
            if (!_stop.IsCancellationRequested && _running.IsCompleted)
            {
                _running = Task.Run(RunAsync, CancellationToken.None);
            }
        }
    }

    /// <summary>Ends it: the client is not touched afterwards.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _stop.Cancel();
            _client = 0;
        }
    }

    private async Task RunAsync()
    {
        try
        {
            BearerToken token = await tokens.NewAsync(_stop.Token).ConfigureAwait(false);
            lock (_lock)
            {
                if (_client != 0)
                {
                    Set(token);
                }
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The client ends.
        }
        catch (Exception failure)
        {
            Fail(failure.Message);
        }
    }

    private unsafe void Set(BearerToken token)
    {
        byte* error = stackalloc byte[512];
        if (Librdkafka.SetToken(_client, token.Value, token.Expires.ToUnixTimeMilliseconds(), token.Principal, null, 0, error, 512) != 0)
        {
            Librdkafka.SetTokenFailure(_client, Librdkafka.Text(error));
        }
    }

    private void Fail(string reason)
    {
        lock (_lock)
        {
            if (_client != 0)
            {
                Librdkafka.SetTokenFailure(_client, reason.ReplaceLineEndings(" "));
            }
        }
    }

    private static unsafe string Text(nint error) => Librdkafka.Text(Librdkafka.ErrorString(error));
}
