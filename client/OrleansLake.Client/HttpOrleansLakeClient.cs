using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using OrleansLake.Contracts;

namespace OrleansLake.Client;

/// <summary>Speaks to the HTTP API of a silo.</summary>
/// <param name="http">Its base address is the silo's, such as <c>http://127.0.0.1:8080/</c>.</param>
public sealed partial class HttpOrleansLakeClient(HttpClient http) : IOrleansLakeClient
{
    /// <inheritdoc />
    public async Task<IReadOnlyList<PipelineStatus>> ListPipelinesAsync(CancellationToken cancellationToken = default) =>
        await AskAsync<PipelineStatus[]>(HttpMethod.Get, "pipelines", cancellationToken) ?? [];

    /// <inheritdoc />
    public Task<PipelineStatus?> GetPipelineAsync(string name, CancellationToken cancellationToken = default) =>
        AskAsync<PipelineStatus>(HttpMethod.Get, $"pipelines/{Uri.EscapeDataString(name)}", cancellationToken);

    /// <inheritdoc />
    public Task<PipelineStatus?> PauseAsync(string name, CancellationToken cancellationToken = default) =>
        AskAsync<PipelineStatus>(HttpMethod.Post, $"pipelines/{Uri.EscapeDataString(name)}/pause", cancellationToken);

    /// <inheritdoc />
    public Task<PipelineStatus?> ResumeAsync(string name, CancellationToken cancellationToken = default) =>
        AskAsync<PipelineStatus>(HttpMethod.Post, $"pipelines/{Uri.EscapeDataString(name)}/resume", cancellationToken);

    /// <inheritdoc />
    public Task<PipelineFlush?> FlushAsync(string name, CancellationToken cancellationToken = default) =>
        AskAsync<PipelineFlush>(HttpMethod.Post, $"pipelines/{Uri.EscapeDataString(name)}/flush", cancellationToken);

    /// <inheritdoc />
    public Task<PipelineMove?> SeekAsync(string name, PipelineSeek seek, CancellationToken cancellationToken = default) =>
        AskAsync<PipelineMove>(
            HttpMethod.Post,
            $"pipelines/{Uri.EscapeDataString(name)}/seek?to={Uri.EscapeDataString(seek.To)}"
            + (seek.Topic is { } topic ? $"&topic={Uri.EscapeDataString(topic)}" : "")
            + (seek.Partition is { } partition ? FormattableString.Invariant($"&partition={partition}") : ""),
            cancellationToken);

    /// <inheritdoc />
    public Task<PipelineMove?> AcceptAsync(string name, CancellationToken cancellationToken = default) =>
        AskAsync<PipelineMove>(HttpMethod.Post, $"pipelines/{Uri.EscapeDataString(name)}/accept", cancellationToken);

    /// <inheritdoc />
    public Task<PipelineEntry?> RemoveAsync(string name, CancellationToken cancellationToken = default) =>
        AskAsync<PipelineEntry>(HttpMethod.Delete, $"pipelines/{Uri.EscapeDataString(name)}", cancellationToken);

    /// <inheritdoc />
    public async Task<IReadOnlyList<TableEntry>> ListTablesAsync(CancellationToken cancellationToken = default) =>
        await AskAsync<TableEntry[]>(HttpMethod.Get, "tables", cancellationToken) ?? [];

    /// <inheritdoc />
    public Task<TableStatus?> GetTableAsync(string table, CancellationToken cancellationToken = default) =>
        AskAsync<TableStatus>(HttpMethod.Get, $"tables/{Uri.EscapeDataString(table)}", cancellationToken);

    /// <inheritdoc />
    public Task<SchemaReload?> ReloadSchemaAsync(string table, CancellationToken cancellationToken = default) =>
        AskAsync<SchemaReload>(HttpMethod.Post, $"tables/{Uri.EscapeDataString(table)}/schema/reload", cancellationToken);

    /// <inheritdoc />
    public Task<ReplayStatus?> ReplayDeadLettersAsync(string table, ReplayOrder order, CancellationToken cancellationToken = default)
    {
        string path = $"tables/{Uri.EscapeDataString(table)}/dead-letters/replays/{order.ReplayId}";
        string query = $"?dryRun={(order.DryRun ? "true" : "false")}" + (order.Where is { } where ? $"&where={Uri.EscapeDataString(where)}" : "");
        return Replays.RunAsync(
            table, order, () => AskAsync<ReplayStatus>(HttpMethod.Post, path + query, cancellationToken), () => AskAsync<ReplayStatus>(HttpMethod.Get, path, cancellationToken));
    }

    private async Task<T?> AskAsync<T>(HttpMethod method, string path, CancellationToken cancellationToken)
        where T : class
    {
        using var request = new HttpRequestMessage(method, path);
        HttpResponseMessage response;
        try
        {
            response = await http.SendAsync(request, cancellationToken);
        }
        catch (HttpRequestException error)
        {
            throw new OrleansLakeClientException($"{http.BaseAddress}: no silo answers there: {error.Message}; is ./lake run up, and is that its \"http.url\"?", error);
        }
        catch (TaskCanceledException error) when (!cancellationToken.IsCancellationRequested)
        {
            throw new OrleansLakeClientException($"{http.BaseAddress}{path}: no answer within {http.Timeout.TotalSeconds:0} s", error);
        }

        using (response)
        {
            if (response.StatusCode == HttpStatusCode.NotFound)
            {
                return null;
            }

            if (!response.IsSuccessStatusCode)
            {
                throw new OrleansLakeClientException($"{http.BaseAddress}{path}: {(int)response.StatusCode}: {await ReasonAsync(response, cancellationToken)}");
            }

            try
            {
                return await response.Content.ReadFromJsonAsync<T>(LakeJson.Options, cancellationToken);
            }
            catch (JsonException error)
            {
                throw new OrleansLakeClientException($"{http.BaseAddress}{path}: expected {typeof(T).Name} as JSON: {error.Message}; is that a silo?", error);
            }
        }
    }

    private static async Task<string> ReasonAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        string body = await response.Content.ReadAsStringAsync(cancellationToken);
        try
        {
            using var json = JsonDocument.Parse(body);
            return json.RootElement.ValueKind == JsonValueKind.Object && json.RootElement.TryGetProperty("error", out JsonElement error) ? error.ToString() : body;
        }
        catch (JsonException)
        {
            return body.Length > 0 ? body : response.ReasonPhrase ?? "";
        }
    }
}

/// <summary>The cluster could not be asked, or could not answer; the message says which and what to do.</summary>
public sealed class OrleansLakeClientException(string message, Exception? inner = null) : Exception(message, inner);
