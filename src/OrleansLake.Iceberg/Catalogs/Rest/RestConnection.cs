using System.Net.Http.Headers;

namespace OrleansLake.Iceberg.Rest;

/// <summary>Sends requests, as often as they may be sent; every end that says nothing is an exception that says so.</summary>
/// <remarks>
/// <list type="bullet">
/// <item>401 and 419 mean "not done": the token is made anew and the request repeated once, whatever it is.</item>
/// <item>429 means "not done, come later"; nobody's request goes out before the time that the server asked for.</item>
/// <item>500, 502, 503, 504, a time-out and a broken connection say nothing. (503 too: proxies give it for connections that
/// broke when the request was through.) Only a request that may be done twice is repeated.</item>
/// </list>
/// </remarks>
internal sealed class RestConnection(HttpClient http, RestCatalogOptions options, TimeProvider time, IdSource ids, RestSecrets secrets)
{
    private long _closedUntil;

    public required Uri Base { get; init; }

    /// <summary>Headers that configuration adds to every request.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Headers { get; init; } = [];

    public OAuthTokens? Tokens { get; init; }

    public async Task<RestReply> SendAsync(RestCall call, CancellationToken cancellationToken)
    {
        bool hasNewToken = false;
        for (int attempt = 0; ; attempt++)
        {
            await WaitUntilOpenAsync(cancellationToken).ConfigureAwait(false);
            string? token = call.Authorization ?? (Tokens is null ? null : await Tokens.GetAsync(cancellationToken).ConfigureAwait(false));
            var (reply, failure, retryAfter) = await TryAsync(call, token, cancellationToken).ConfigureAwait(false);
            if (reply is { Status: 401 or 419 })
            {
                if (hasNewToken || call.Authorization is not null || Tokens is null || !Tokens.Reject(token))
                {
                    throw reply.Error();
                }

                hasNewToken = true;
                attempt--;
                continue;
            }

            if (reply is { Status: not 429 and < 500 })
            {
                return reply;
            }

            bool notDone = reply is { Status: 429 } || failure is { MayHaveHappened: false };
            failure ??= reply!.Error(mayHaveHappened: !notDone && call.Method != HttpMethod.Get && call.Method != HttpMethod.Head, retryAfter);
            bool mayRepeat = call.Repeat == Repeat.Always || (call.Repeat == Repeat.WhenNotDone && notDone);
            if (!mayRepeat || attempt >= options.MostRetries)
            {
                throw failure;
            }

            if (retryAfter is null)
            {
                await Task.Delay(Pause(attempt), time, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private async Task<(RestReply? Reply, RestCatalogException? Failure, TimeSpan? RetryAfter)> TryAsync(RestCall call, string? token, CancellationToken cancellationToken)
    {
        string name = $"{call.Method} {NameOf(AddressOf(call))}";
        using var limit = new CancellationTokenSource(options.RequestTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        using var request = Request(call, token);
        try
        {
            if (options.Signer is { } signer && call.Address is null)
            {
                await signer.SignAsync(request, call.Body ?? default, either.Token).ConfigureAwait(false);
            }

            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token).ConfigureAwait(false);
            var body = await ReadAsync(response, name, either.Token).ConfigureAwait(false);
            int status = (int)response.StatusCode;
            var retryAfter = status is 429 or 503 ? RetryAfter(response.Headers.RetryAfter) : null;
            if (retryAfter is { } pause)
            {
                Interlocked.Exchange(ref _closedUntil, (time.GetUtcNow() + pause).UtcTicks);
            }

            return (new RestReply(name, status, body, response.Headers.ETag?.ToString(), secrets), null, retryAfter);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            return (null, Failure(call, $"no answer within {options.RequestTimeout.TotalSeconds:0.#} s", true, e), null);
        }
        catch (HttpRequestException e)
        {
            bool sent = e.HttpRequestError is not (HttpRequestError.NameResolutionError or HttpRequestError.ConnectionError
                or HttpRequestError.SecureConnectionError or HttpRequestError.ProxyTunnelError);
            return (null, Failure(call, e.Message, sent, e), null);
        }
        catch (IOException e) when (e is not RestCatalogException)
        {
            return (null, Failure(call, e.Message, true, e), null);
        }

        RestCatalogException Failure(RestCall call, string what, bool sent, Exception e) =>
            new(secrets.Hide($"{name}: {what}"), mayHaveHappened: sent && call.Method != HttpMethod.Get && call.Method != HttpMethod.Head, inner: e);
    }

    private async Task<ReadOnlyMemory<byte>> ReadAsync(HttpResponseMessage response, string name, CancellationToken cancellationToken)
    {
        if (response.Content.Headers.ContentLength > options.MostAnswerBytes)
        {
            throw new IOException($"{name}: expected an answer of at most {options.MostAnswerBytes} bytes, got {response.Content.Headers.ContentLength}");
        }

        var stream = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        await using (stream.ConfigureAwait(false))
        {
            var body = new MemoryStream();
            var buffer = new byte[64 * 1024];
            for (int read; (read = await stream.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0;)
            {
                // What is counted is what comes out of gzip.
                if (body.Length + read > options.MostAnswerBytes)
                {
                    throw new IOException($"{name}: expected an answer of at most {options.MostAnswerBytes} bytes, got more");
                }

                body.Write(buffer, 0, read);
            }

            return body.GetBuffer().AsMemory(0, (int)body.Length);
        }
    }

    private HttpRequestMessage Request(RestCall call, string? token)
    {
        var request = new HttpRequestMessage(call.Method, AddressOf(call));
        if (call.Body is { } body)
        {
            request.Content = new ReadOnlyMemoryContent(body);
            request.Content.Headers.ContentType = new MediaTypeHeaderValue(call.ContentType);
        }

        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        foreach (var (header, value) in call.Address is null ? [.. Headers, .. call.Headers] : call.Headers)
        {
            request.Headers.Remove(header);
            request.Headers.TryAddWithoutValidation(header, value);
        }

        if (!string.IsNullOrEmpty(token))
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        }

        return request;
    }

    // Paths go out as they were made: names of tables may well hold what a URI would fold away.
    private Uri AddressOf(RestCall call) => call.Address
        ?? new Uri(Base.GetLeftPart(UriPartial.Path).TrimEnd('/') + "/" + call.PathAndQuery, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });

    private static string NameOf(Uri address)
    {
        string text = address.GetComponents(UriComponents.SchemeAndServer, UriFormat.UriEscaped) + address.PathAndQuery;
        int query = text.IndexOf('?', StringComparison.Ordinal);
        return query < 0 ? text : text[..query];
    }

    private async Task WaitUntilOpenAsync(CancellationToken cancellationToken)
    {
        for (; ; )
        {
            long wait = Interlocked.Read(ref _closedUntil) - time.GetUtcNow().UtcTicks;
            if (wait <= 0)
            {
                return;
            }

            await Task.Delay(TimeSpan.FromTicks(Math.Min(wait, options.LongestPause.Ticks)), time, cancellationToken).ConfigureAwait(false);
        }
    }

    private TimeSpan? RetryAfter(RetryConditionHeaderValue? header)
    {
        var asked = header?.Delta ?? (header?.Date is { } date ? date - time.GetUtcNow() : null);
        return asked is not { } pause ? null : pause < TimeSpan.Zero ? TimeSpan.Zero : pause > options.LongestPause ? options.LongestPause : pause;
    }

    private TimeSpan Pause(int attempt)
    {
        double most = Math.Min(options.LongestPause.TotalMilliseconds, options.FirstPause.TotalMilliseconds * Math.Pow(2, Math.Min(attempt, 20)));
        return TimeSpan.FromMilliseconds(most * (0.5 + (ids.NewSnapshotId() % 1000 / 2000.0)));
    }
}
