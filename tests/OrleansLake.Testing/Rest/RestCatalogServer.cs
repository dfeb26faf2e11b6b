using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using OrleansLake.Iceberg;
using OrleansLake.Testing.Iceberg;

namespace OrleansLake.Testing.Rest;

/// <summary>
/// A REST catalog over HTTP on this machine, as the specification has it, with faults. Its tables are those of an
/// <see cref="InMemoryCatalog"/> that checks requirements and nothing else.
/// https://github.com/apache/iceberg/blob/main/open-api/rest-catalog-open-api.yaml
/// </summary>
public sealed class RestCatalogServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly RestRoutes _routes;
    private readonly Lock _lock = new();
    private readonly List<RestFault> _faults = [];
    private readonly List<RestRequest> _late = [];
    private readonly List<RestRequest> _requests = [];
    private readonly CancellationTokenSource _stopping = new();

    private RestCatalogServer(WebApplication app, RestCatalogServerOptions options, IObjectStore store, TimeProvider time)
    {
        _app = app;
        Options = options;
        Catalog = new InMemoryCatalog(store, time, new IdSource(time, new Random(77)), options.Warehouse, comparesBase: false);
        Tokens = new TokenDesk(time);
        _routes = new RestRoutes(Catalog, options, time);
    }

    public RestCatalogServerOptions Options { get; }

    /// <summary>What the server serves.</summary>
    public InMemoryCatalog Catalog { get; }

    /// <summary>Its OAuth2 half.</summary>
    public TokenDesk Tokens { get; }

    public Uri Address => new(_app.Urls.First());

    /// <summary>Every request that came, tokens' too.</summary>
    public IReadOnlyList<RestRequest> Requests
    {
        get
        {
            lock (_lock)
            {
                return [.. _requests];
            }
        }
    }

    public int LateCount
    {
        get
        {
            lock (_lock)
            {
                return _late.Count;
            }
        }
    }

    public static async Task<RestCatalogServer> StartAsync(RestCatalogServerOptions options, IObjectStore store, TimeProvider? time = null)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(System.Net.IPAddress.Loopback, 0);
            kestrel.Limits.MaxRequestBodySize = null;
        });
        var app = builder.Build();
        var server = new RestCatalogServer(app, options, store, time ?? TimeProvider.System);
        app.Run(server.ServeAsync);
        await app.StartAsync();
        return server;
    }

    public void Fail(params RestFault[] faults)
    {
        lock (_lock)
        {
            _faults.AddRange(faults);
        }
    }

    /// <summary>Requests that were held back are done now; the statuses that they would have got.</summary>
    public async Task<IReadOnlyList<int>> ApplyLateAsync()
    {
        List<RestRequest> late;
        lock (_lock)
        {
            late = [.. _late];
            _late.Clear();
        }

        var statuses = new List<int>();
        foreach (var request in late)
        {
            statuses.Add((await _routes.AnswerAsync(request)).Status);
        }

        return statuses;
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _app.StopAsync();
        await _app.DisposeAsync();
        _stopping.Dispose();
    }

    private async Task ServeAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        var request = new RestRequest(
            context.Request.Method,
            context.Features.Get<IHttpRequestFeature>()!.RawTarget,
            context.Request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase),
            body.ToArray());
        RestFault? fault;
        lock (_lock)
        {
            _requests.Add(request);
            int at = _faults.FindIndex(one => one.Method == request.Method && request.RawPath.EndsWith(one.PathEnd, StringComparison.Ordinal));
            fault = at < 0 ? null : _faults[at];
            if (at >= 0)
            {
                _faults.RemoveAt(at);
            }

            if (fault?.Moment == FaultMoment.Late)
            {
                _late.Add(request);
            }
        }

        if (fault is null)
        {
            await WriteAsync(context, await AnswerAsync(request), half: false);
            return;
        }

        RestAnswer answer = fault.Moment == FaultMoment.After
            ? await AnswerAsync(request)
            : RestAnswer.Error(500, "InternalServerError", "nothing was done");
        switch (fault.Answer)
        {
            case FaultAnswer.Abort:
                context.Abort();
                return;
            case FaultAnswer.Hang:
                await HangAsync(context);
                return;
            case FaultAnswer.Half:
                await WriteAsync(context, answer, half: true);
                return;
            default:
                if (fault.RetryAfterSeconds is int seconds)
                {
                    context.Response.Headers.RetryAfter = seconds.ToString(System.Globalization.CultureInfo.InvariantCulture);
                }

                if (fault.Body is { } text)
                {
                    context.Response.StatusCode = fault.Status;
                    await context.Response.WriteAsync(text);
                    return;
                }

                await WriteAsync(context, RestAnswer.Error(fault.Status, fault.Status >= 500 ? "CommitStateUnknownException" : "SlowDownException", "a fault"), half: false);
                return;
        }
    }

    private async Task<RestAnswer> AnswerAsync(RestRequest request) =>
        Options.Credential is not null && request.RawPath.EndsWith("/oauth/tokens", StringComparison.Ordinal) ? Tokens.Answer(request, Options.Credential)
        : Options.Credential is not null && !Tokens.Accepts(request) ? RestAnswer.Error(401, "NotAuthorizedException", $"Bad token: {request.Headers.GetValueOrDefault("Authorization")}")
        : await _routes.AnswerAsync(request);

    private async Task HangAsync(HttpContext context)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, _stopping.Token);
        var gone = new TaskCompletionSource();
        await using var registration = either.Token.Register(gone.SetResult);
        await gone.Task;
        context.Abort();
    }

    private static async Task WriteAsync(HttpContext context, RestAnswer answer, bool half)
    {
        context.Response.StatusCode = answer.Status;
        if (answer.ETag is { } tag)
        {
            context.Response.Headers.ETag = tag;
        }

        if (answer.Body is null || answer.Status is 204 or 304 || context.Request.Method == "HEAD")
        {
            return;
        }

        byte[] bytes = System.Text.Json.JsonSerializer.SerializeToUtf8Bytes(answer.Body);
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = bytes.Length;
        await context.Response.Body.WriteAsync(half ? bytes.AsMemory(0, bytes.Length / 2) : bytes);
        if (half)
        {
            await context.Response.Body.FlushAsync();
            context.Abort();
        }
    }
}

/// <summary>What a server is like.</summary>
public sealed record RestCatalogServerOptions
{
    /// <summary>Where tables lie.</summary>
    public string Warehouse { get; init; } = "memory://warehouse";

    /// <summary>A part of every path, percent-encoded, that clients learn from the configuration.</summary>
    public string? Prefix { get; init; }

    /// <summary>Names a page; null: all at once.</summary>
    public int? PageSize { get; init; }

    /// <summary>Whether states have tags that a load may name.</summary>
    public bool ServesETags { get; init; }

    /// <summary>Client id and secret; null: everybody may.</summary>
    public (string Id, string Secret)? Credential { get; init; }

    /// <summary>Endpoints that are told; null: none are.</summary>
    public IReadOnlyList<string>? Endpoints { get; init; }

    /// <summary>Properties below those of clients.</summary>
    public IReadOnlyDictionary<string, string> Defaults { get; init; } = new Dictionary<string, string>();

    /// <summary>Properties above those of clients.</summary>
    public IReadOnlyDictionary<string, string> Overrides { get; init; } = new Dictionary<string, string>();

    /// <summary>Whether <c>Idempotency-Key</c> is honoured.</summary>
    public bool TakesIdempotencyKeys { get; init; }

    /// <summary>Credentials that are lent with each table: a prefix and its configuration.</summary>
    public Func<IReadOnlyList<(string Prefix, IReadOnlyDictionary<string, string> Config)>> Lends { get; init; } = static () => [];
}
