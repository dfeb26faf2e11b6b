using OrleansLake.Iceberg.Json;
using OrleansLake.Iceberg.Rest;

namespace OrleansLake.Iceberg;

/// <summary>Namespaces and listings, page by page.</summary>
public sealed partial class RestCatalog
{
    private const string NamespaceEndpoint = "/v1/{prefix}/namespaces/{namespace}";

    /// <inheritdoc />
    public async Task<IReadOnlyList<TableIdentifier>> ListTablesAsync(IReadOnlyList<string> @namespace, CancellationToken cancellationToken)
    {
        var session = await SessionAsync(cancellationToken).ConfigureAwait(false);
        var pages = await PagesAsync(session, session.PathOf(@namespace) + "/tables", "", "identifiers", RestJson.ReadIdentifier, [404], cancellationToken).ConfigureAwait(false);
        return pages ?? [];
    }

    /// <inheritdoc />
    public async Task<IReadOnlyList<IReadOnlyList<string>>> ListNamespacesAsync(CancellationToken cancellationToken)
    {
        var session = await SessionAsync(cancellationToken).ConfigureAwait(false);
        session.Require("GET /v1/{prefix}/namespaces");
        var all = new List<IReadOnlyList<string>>();
        var open = new Queue<IReadOnlyList<string>>([[]]);
        while (open.TryDequeue(out var parent))
        {
            // Below the first level, 400 is what servers with one level say; and some ignore the parent altogether.
            string query = parent.Count == 0 ? "" : "parent=" + session.Encoded(parent);
            int[] none = parent.Count == 0 ? [] : [400, 404, 406];
            var below = await PagesAsync(session, session.Path("namespaces"), query, "namespaces", RestJson.ReadLevels, none, cancellationToken).ConfigureAwait(false);
            foreach (var one in (below ?? []).Where(one => one.Count == parent.Count + 1 && one.Take(parent.Count).SequenceEqual(parent)))
            {
                all.Add(one);
                open.Enqueue(one);
            }
        }

        return all;
    }

    /// <inheritdoc />
    public async Task<bool> CreateNamespaceAsync(IReadOnlyList<string> @namespace, IReadOnlyDictionary<string, string> properties, CancellationToken cancellationToken)
    {
        var session = await SessionAsync(cancellationToken).ConfigureAwait(false);
        session.Require("POST /v1/{prefix}/namespaces");
        _ = session.Encoded(@namespace);
        var call = Keyed(session, RestCall.Post(session.Path("namespaces"), Repeat.WhenNotDone, json =>
        {
            json.WriteStartObject();
            json.WritePropertyName("namespace");
            RestJson.Write(json, @namespace);
            json.WritePropertyName("properties");
            SnapshotJson.WriteTexts(json, properties);
            json.WriteEndObject();
        }));
        for (int attempt = 0; ; attempt++)
        {
            try
            {
                var reply = await session.SendAsync(call, cancellationToken).ConfigureAwait(false);
                return reply.Status switch
                {
                    // After an answer that was lost, the namespace that stands there is taken for the one that was asked for.
                    409 => attempt > 0,
                    404 => throw new NamespaceNotFoundException([.. @namespace.SkipLast(1)]),
                    _ => reply.IsSuccess ? true : throw reply.Error(),
                };
            }
            catch (RestCatalogException e) when (e.MayHaveHappened && attempt < _options.MostRetries)
            {
                if (await LoadNamespaceAsync(@namespace, cancellationToken).ConfigureAwait(false) is not null)
                {
                    return true;
                }
            }
        }
    }

    /// <inheritdoc />
    public async Task<IReadOnlyDictionary<string, string>?> LoadNamespaceAsync(IReadOnlyList<string> @namespace, CancellationToken cancellationToken)
    {
        var session = await SessionAsync(cancellationToken).ConfigureAwait(false);
        var reply = await session.SendAsync(RestCall.Get(session.PathOf(@namespace)), cancellationToken).ConfigureAwait(false);
        return reply.Status == 404 ? null
            : !reply.IsSuccess ? throw reply.Error()
            : reply.Read(at => at.TryGet("properties", out var properties) ? properties.TextMap() : []);
    }

    /// <inheritdoc />
    public async Task<bool> UpdateNamespaceAsync(
        IReadOnlyList<string> @namespace, IReadOnlyDictionary<string, string> updates, IReadOnlyCollection<string> removals, CancellationToken cancellationToken)
    {
        var session = await SessionAsync(cancellationToken).ConfigureAwait(false);
        session.Require("POST " + NamespaceEndpoint + "/properties");
        // Setting and removing twice is doing it once.
        var call = Keyed(session, RestCall.Post(session.PathOf(@namespace) + "/properties", Repeat.Always, json =>
        {
            json.WriteStartObject();
            json.WritePropertyName("removals");
            RestJson.Write(json, [.. removals]);
            json.WritePropertyName("updates");
            SnapshotJson.WriteTexts(json, updates);
            json.WriteEndObject();
        }));
        var reply = await session.SendAsync(call, cancellationToken).ConfigureAwait(false);
        return reply.Status switch
        {
            404 => false,
            422 => throw new ArgumentException(reply.Error().Message, reply.Error()),
            _ => reply.IsSuccess ? true : throw reply.Error(),
        };
    }

    /// <inheritdoc />
    public async Task<bool> DropNamespaceAsync(IReadOnlyList<string> @namespace, CancellationToken cancellationToken)
    {
        var session = await SessionAsync(cancellationToken).ConfigureAwait(false);
        session.Require("DELETE " + NamespaceEndpoint);
        var call = Keyed(session, new RestCall(HttpMethod.Delete, session.PathOf(@namespace), Repeat.WhenNotDone));
        for (int attempt = 0; ; attempt++)
        {
            try
            {
                var reply = await session.SendAsync(call, cancellationToken).ConfigureAwait(false);
                return reply.Status switch
                {
                    404 => attempt > 0,
                    // The specification has 409; Java's own server said 400 for long.
                    409 => throw new NamespaceNotEmptyException(@namespace),
                    400 when reply.ErrorType == "NamespaceNotEmptyException" => throw new NamespaceNotEmptyException(@namespace),
                    _ => reply.IsSuccess ? true : throw reply.Error(),
                };
            }
            catch (RestCatalogException e) when (e.MayHaveHappened && attempt < _options.MostRetries)
            {
                // Only an empty one is dropped, so a repetition harms nobody.
            }
        }
    }

    private static async Task<List<T>?> PagesAsync<T>(
        RestSession session, string path, string query, string field, Func<JsonCursor, T> read, IReadOnlyCollection<int> none, CancellationToken cancellationToken)
    {
        var all = new List<T>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        string? token = session.PageSize is null ? null : "";
        do
        {
            string[] parts =
            [
                .. query.Length == 0 ? Array.Empty<string>() : [query],
                .. token is null ? Array.Empty<string>() : ["pageToken=" + Uri.EscapeDataString(token)],
                .. session.PageSize is not long size ? Array.Empty<string>() : [FormattableString.Invariant($"pageSize={size}")],
            ];
            var reply = await session.SendAsync(RestCall.Get(parts.Length == 0 ? path : path + "?" + string.Join('&', parts)), cancellationToken).ConfigureAwait(false);
            if (!reply.IsSuccess)
            {
                return none.Contains(reply.Status) ? null : throw reply.Error();
            }

            string? next = reply.Read(at =>
            {
                all.AddRange(at.Get(field).Items(field).Select(read));
                return at.TextOrNull("next-page-token");
            });
            if (!string.IsNullOrEmpty(next) && !seen.Add(next))
            {
                throw new RestCatalogException($"{reply.Request}: expected each page to have another token, got one twice");
            }

            token = string.IsNullOrEmpty(next) ? null : next;
        }
        while (token is not null);
        return all;
    }
}
