using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace OrleansLake.Testing.Aws;

/// <summary>A service of AWS on this machine: checks signatures, remembers requests, and fails as it is told to.</summary>
public sealed partial class AwsServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly Func<AwsRequest, CancellationToken, Task<AwsReply>> _answer;
    private readonly SigV4Check? _signatures;
    private readonly Lock _lock = new();
    private readonly List<(AwsFault Fault, int Left)> _faults = [];
    private readonly List<AwsRequest> _requests = [];
    private readonly List<AwsRequest> _late = [];

    private AwsServer(WebApplication app, Func<AwsRequest, CancellationToken, Task<AwsReply>> answer, SigV4Check? signatures) => (_app, _answer, _signatures) = (app, answer, signatures);

    public Uri Address => new(_app.Urls.First());

    public IReadOnlyList<AwsRequest> Requests
    {
        get
        {
            lock (_lock)
            {
                return [.. _requests];
            }
        }
    }

    /// <summary>Starts it. <paramref name="answer"/> does what a request asks for; <paramref name="signatures"/> null: whoever asks may.</summary>
    public static async Task<AwsServer> StartAsync(Func<AwsRequest, CancellationToken, Task<AwsReply>> answer, SigV4Check? signatures = null)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(System.Net.IPAddress.Loopback, 0);
            kestrel.Limits.MaxRequestBodySize = null;
        });
        var app = builder.Build();
        var server = new AwsServer(app, answer, signatures);
        app.Run(server.ServeAsync);
        await app.StartAsync();
        return server;
    }

    /// <summary>
    /// A server that passes on what it is asked, byte for byte; <paramref name="isOneByOne"/>: one request at a time, since
    /// changes that overlap, transactions of DynamoDB and conditional writes of S3, are not kept apart by moto;
    /// <paramref name="passesAs"/>: in whose region moto shall look.
    /// </summary>
    public static async Task<AwsServer> StartBeforeAsync(Uri server, SigV4Check? signatures = null, bool isOneByOne = false, string? passesAs = null)
    {
        var turn = new SemaphoreSlim(1);
        var http = new HttpClient(new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false });
        return await StartAsync(
            async (request, cancellationToken) =>
            {
                var address = new Uri(server.GetLeftPart(UriPartial.Authority) + request.RawTarget, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
                using var message = new HttpRequestMessage(new HttpMethod(request.Method), address) { Content = new ByteArrayContent(request.Body) };
                foreach (var (name, came) in request.Headers.Where(header => header.Key is not ("Connection" or "Content-Length" or "Expect")))
                {
                    string value = name == "Authorization" && passesAs is not null ? RegionOf().Replace(came, passesAs) : came;
                    if (!message.Headers.TryAddWithoutValidation(name, value))
                    {
                        message.Content.Headers.TryAddWithoutValidation(name, value);
                    }
                }

                using var response = await SendAsync(message, cancellationToken);
                var headers = response.Headers.Concat(response.Content.Headers)
                    .Where(header => header.Key is not ("Transfer-Encoding" or "Connection" or "Server" or "Date"))
                    .ToDictionary(header => header.Key, header => string.Join(",", header.Value));
                return new AwsReply((int)response.StatusCode, headers, await response.Content.ReadAsByteArrayAsync(cancellationToken));
            },
            signatures);

        async Task<HttpResponseMessage> SendAsync(HttpRequestMessage message, CancellationToken cancellationToken)
        {
            if (!isOneByOne)
            {
                return await http.SendAsync(message, cancellationToken);
            }

            await turn.WaitAsync(cancellationToken);
            try
            {
                return await http.SendAsync(message, CancellationToken.None);
            }
            finally
            {
                turn.Release();
            }
        }
    }

    public void Fail(params AwsFault[] faults)
    {
        lock (_lock)
        {
            _faults.AddRange(faults.Select(fault => (fault, fault.Times)));
        }
    }

    /// <summary>Requests that were held back are done now; the statuses that they would have got.</summary>
    public async Task<IReadOnlyList<int>> ApplyLateAsync()
    {
        List<AwsRequest> late;
        lock (_lock)
        {
            late = [.. _late];
            _late.Clear();
        }

        var statuses = new List<int>();
        foreach (var request in late)
        {
            statuses.Add((await _answer(request, CancellationToken.None)).Status);
        }

        return statuses;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }

    private async Task ServeAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        var request = new AwsRequest(
            context.Request.Method,
            context.Features.Get<IHttpRequestFeature>()!.RawTarget,
            context.Request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase),
            body.ToArray());
        AwsFault? fault = Note(request);
        if (fault?.IsLate == true)
        {
            context.Abort();
            return;
        }

        AwsReply? refusal = _signatures?.Refuse(request) ?? fault?.Instead;
        AwsReply reply = refusal ?? await _answer(request, context.RequestAborted);
        if (refusal is null && fault is { LosesAnswer: true })
        {
            context.Abort();
            return;
        }

        reply = refusal is null && fault?.After is { } after ? after : reply;
        context.Response.StatusCode = reply.Status;
        foreach (var (name, value) in reply.Headers.Where(header => header.Key != "Content-Length"))
        {
            context.Response.Headers[name] = value;
        }

        bool hasBody = request.Method != "HEAD" && reply.Status != 204;
        context.Response.ContentLength = hasBody ? reply.Body.Length : request.Method == "HEAD" && reply.Headers.TryGetValue("Content-Length", out string? length) ? long.Parse(length) : null;
        if (hasBody && refusal is null && fault?.BreaksAfterBytes is { } bytes)
        {
            await context.Response.Body.WriteAsync(reply.Body.AsMemory(0, Math.Min(bytes, reply.Body.Length)));
            await context.Response.Body.FlushAsync();
            context.Abort();
            return;
        }

        if (hasBody)
        {
            await context.Response.Body.WriteAsync(reply.Body);
        }
    }

    // Credential=ID/20260101/REGION/service/aws4_request
    [GeneratedRegex("(?<=Credential=[^/]+/[0-9]+/)[^/]+")]
    private static partial Regex RegionOf();

    private AwsFault? Note(AwsRequest request)
    {
        lock (_lock)
        {
            _requests.Add(request);
            int at = _faults.FindIndex(one => one.Fault.Matches(request));
            if (at < 0)
            {
                return null;
            }

            var (fault, left) = _faults[at];
            if (left <= 1)
            {
                _faults.RemoveAt(at);
            }
            else
            {
                _faults[at] = (fault, left - 1);
            }

            if (fault.IsLate)
            {
                _late.Add(request);
            }

            return fault;
        }
    }
}
