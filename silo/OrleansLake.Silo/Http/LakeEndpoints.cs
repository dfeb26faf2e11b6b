using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Http.HttpResults;
using OrleansLake.Contracts;
using OrleansLake.Silo.Telemetry;

namespace OrleansLake.Silo.Http;

/// <summary>What went wrong, in words.</summary>
/// <param name="Error">One line: what is wrong and what to do.</param>
internal sealed record ErrorBody(string Error);

/// <summary>The HTTP API: the way in for people's tools and for programs without an Orleans client.</summary>
internal static class LakeEndpoints
{
    /// <summary>Puts every route in its place.</summary>
    public static void MapLake(this WebApplication app)
    {
        app.MapHealthChecks("/health/live", new HealthCheckOptions { Predicate = check => check.Tags.Contains("live"), ResponseWriter = WriteHealthAsync });
        app.MapHealthChecks("/health/ready", new HealthCheckOptions { ResponseWriter = WriteHealthAsync });
        app.MapGet("/metrics", async (MetricsCollector metrics, PumpMetrics pumps, CancellationToken cancellationToken) =>
        {
            await pumps.RefreshAsync(cancellationToken);
            return Results.Text(PrometheusText.Write(metrics), PrometheusText.ContentType);
        });

        app.MapGet("/pipelines", async (LakeOperations lake) => await lake.PipelinesAsync());
        app.MapGet("/pipelines/{name}", async (string name, LakeOperations lake) =>
            Answer(await lake.PipelineAsync(name), () => NoPipeline(name)));
        app.MapPost("/pipelines/{name}/pause", async (string name, LakeOperations lake) =>
            Answer(await lake.PauseAsync(name) ? await lake.PipelineAsync(name) : null, () => NoPipeline(name)));
        app.MapPost("/pipelines/{name}/resume", async (string name, LakeOperations lake) =>
            Answer(await lake.ResumeAsync(name) ? await lake.PipelineAsync(name) : null, () => NoPipeline(name)));
        app.MapPost("/pipelines/{name}/flush", async (string name, LakeOperations lake) =>
            Answer(await lake.FlushAsync(name), () => NoPipeline(name)));
        app.MapPost("/pipelines/{name}/seek", async (string name, string to, string? topic, int? partition, LakeOperations lake) =>
            Answer(await lake.SeekAsync(name, new PipelineSeek(to, topic, partition)), () => NoPipeline(name)));
        app.MapPost("/pipelines/{name}/accept", async (string name, LakeOperations lake) =>
            Answer(await lake.AcceptAsync(name), () => NoPipeline(name)));

        app.MapDelete("/pipelines/{name}", async (string name, LakeOperations lake) =>
            Answer(await lake.RemoveAsync(name), () => NoPipeline(name)));

        app.MapGet("/tables", async (LakeOperations lake) => await lake.TablesAsync());
        app.MapGet("/tables/{name}", async (string name, LakeOperations lake) =>
            Answer(await lake.TableAsync(name), () => NoTable(name)));
        app.MapPost("/tables/{name}/schema/reload", async (string name, LakeOperations lake) =>
            Answer(await lake.ReloadSchemaAsync(name), () => NoTable(name)));
        app.MapDeadLetters();
    }

    /// <summary>Turns what a handler throws into one line and 503: the cluster could not answer just now.</summary>
    public static async Task OneLineErrorsAsync(HttpContext context, RequestDelegate next)
    {
        try
        {
            await next(context);
        }
        catch (Exception error) when (!context.Response.HasStarted && !context.RequestAborted.IsCancellationRequested)
        {
            context.RequestServices.GetRequiredService<ILogger<LakeOperations>>().LogRequestFailed(context.Request.Method, context.Request.Path, error);
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            await context.Response.WriteAsJsonAsync(new ErrorBody(Line(error)), LakeJson.Options);
        }
    }

    /// <summary>
    /// A page in somebody's browser can send to loopback without asking. Browsers say where a request comes from; whoever
    /// says nothing is no browser.
    /// </summary>
    public static async Task RefuseOtherSitesAsync(HttpContext context, RequestDelegate next)
    {
        string? site = context.Request.Headers["Sec-Fetch-Site"];
        if (!HttpMethods.IsGet(context.Request.Method) && !HttpMethods.IsHead(context.Request.Method) && site is not (null or "same-origin" or "none"))
        {
            context.Response.StatusCode = StatusCodes.Status403Forbidden;
            await context.Response.WriteAsJsonAsync(new ErrorBody("a page of another site may not change anything here"), LakeJson.Options);
            return;
        }

        await next(context);
    }

    // What Orleans says of a silo that is gone has a stack trace in its message.
    private static string Line(Exception error)
    {
        string first = error.Message.Split('\n', 2)[0].TrimEnd();
        return error is OrleansMessageRejectionException ? $"the cluster does not answer just now, a silo may have gone; ask again: {first}" : first;
    }

    internal static Results<Ok<T>, NotFound<ErrorBody>> Answer<T>(T? value, Func<ErrorBody> otherwise)
        where T : class => value is null ? TypedResults.NotFound(otherwise()) : TypedResults.Ok(value);

    private static ErrorBody NoPipeline(string name) => new($"no pipeline \"{name}\"; GET /pipelines lists them");

    internal static ErrorBody NoTable(string name) => new($"no pipeline writes to a table \"{name}\"; GET /tables lists them");

    private static Task WriteHealthAsync(HttpContext context, Microsoft.Extensions.Diagnostics.HealthChecks.HealthReport report) =>
        context.Response.WriteAsJsonAsync(
            new
            {
                Status = report.Status.ToString(),
                Checks = report.Entries.ToDictionary(entry => entry.Key, entry => new { Status = entry.Value.Status.ToString(), entry.Value.Description }),
            },
            LakeJson.Options);
}
