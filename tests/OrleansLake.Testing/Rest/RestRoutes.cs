using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using OrleansLake.Iceberg;
using OrleansLake.Testing.Iceberg;

namespace OrleansLake.Testing.Rest;

/// <summary>What each endpoint does.</summary>
internal sealed class RestRoutes(InMemoryCatalog catalog, RestCatalogServerOptions options, TimeProvider time)
{
    private readonly ConcurrentDictionary<string, Task<RestAnswer>> _answered = new(StringComparer.Ordinal);

    private string Prefix => options.Prefix is { } prefix ? "v1/" + prefix + "/" : "v1/";

    public async Task<RestAnswer> AnswerAsync(RestRequest request)
    {
        try
        {
            string path = request.RawPath.TrimStart('/');
            if (path == "v1/config")
            {
                return Config();
            }

            if (!path.StartsWith(Prefix, StringComparison.Ordinal))
            {
                return RestAnswer.Error(404, "NotFoundException", $"no such route: {path}");
            }

            string[] parts = path[Prefix.Length..].Split('/');
            return options.TakesIdempotencyKeys && request.Headers.TryGetValue("Idempotency-Key", out string? key)
                ? await _answered.GetOrAdd(key, _ => RouteAsync(request, parts))
                : await RouteAsync(request, parts);
        }
        catch (Exception e) when (e is ArgumentException or IcebergFormatException or JsonException or InvalidOperationException)
        {
            return RestAnswer.Error(400, "BadRequestException", e.Message);
        }
        catch (TableExistsException e)
        {
            return RestAnswer.Error(409, "AlreadyExistsException", e.Message);
        }
        catch (NamespaceNotEmptyException e)
        {
            return RestAnswer.Error(409, "NamespaceNotEmptyException", e.Message);
        }
    }

    private Task<RestAnswer> RouteAsync(RestRequest request, string[] parts) => (request.Method, parts) switch
    {
        ("GET", ["namespaces"]) => ListNamespacesAsync(request),
        ("POST", ["namespaces"]) => CreateNamespaceAsync(request),
        ("GET" or "HEAD", ["namespaces", var levels]) => LoadNamespaceAsync(request, Levels(levels)),
        ("DELETE", ["namespaces", var levels]) => DropNamespaceAsync(Levels(levels)),
        ("POST", ["namespaces", var levels, "properties"]) => UpdateNamespaceAsync(request, Levels(levels)),
        ("GET", ["namespaces", var levels, "tables"]) => ListTablesAsync(request, Levels(levels)),
        ("POST", ["namespaces", var levels, "tables"]) => CreateTableAsync(request, Levels(levels)),
        ("POST", ["namespaces", var levels, "register"]) => RegisterAsync(request, Levels(levels)),
        ("GET", ["namespaces", var levels, "tables", var name]) => LoadAsync(request, Table(levels, name)),
        ("HEAD", ["namespaces", var levels, "tables", var name]) => ExistsAsync(Table(levels, name)),
        ("POST", ["namespaces", var levels, "tables", var name]) => CommitAsync(request, Table(levels, name)),
        ("DELETE", ["namespaces", var levels, "tables", var name]) => DropAsync(request, Table(levels, name)),
        ("GET", ["namespaces", var levels, "tables", var name, "credentials"]) => LendAsync(Table(levels, name)),
        ("POST", ["tables", "rename"]) => RenameAsync(request),
        ("POST", ["transactions", "commit"]) => CommitAllAsync(request),
        _ => Task.FromResult(RestAnswer.Error(404, "NotFoundException", $"no such route: {request.Method} {request.RawPath}")),
    };

    private RestAnswer Config()
    {
        var overrides = Map(options.Overrides);
        if (options.Prefix is { } prefix)
        {
            overrides["prefix"] = prefix;
        }

        var body = new JsonObject { ["defaults"] = Map(options.Defaults), ["overrides"] = overrides };
        if (options.Endpoints is { } endpoints)
        {
            body["endpoints"] = new JsonArray([.. endpoints.Select(one => (JsonNode)one)]);
        }

        if (options.TakesIdempotencyKeys)
        {
            body["idempotency-key-lifetime"] = "PT30M";
        }

        return new RestAnswer(200, body);
    }

    private async Task<RestAnswer> ListNamespacesAsync(RestRequest request)
    {
        string[] parent = request.Query.TryGetValue("parent", out string? text) && text.Length > 0 ? text.Split('\u001f') : [];
        var all = (await catalog.ListNamespacesAsync(default)).Where(one => one.Count == parent.Length + 1 && one.Take(parent.Length).SequenceEqual(parent));
        return Page(request, "namespaces", all.Select(one => (JsonNode)Array(one)));
    }

    private async Task<RestAnswer> CreateNamespaceAsync(RestRequest request)
    {
        string[] levels = [.. request.Json["namespace"]!.AsArray().Select(level => (string)level!)];
        var properties = Texts(request.Json["properties"]);
        return await catalog.CreateNamespaceAsync(levels, properties, default)
            ? new RestAnswer(200, new JsonObject { ["namespace"] = Array(levels), ["properties"] = Map(properties) })
            : RestAnswer.Error(409, "AlreadyExistsException", "Namespace already exists");
    }

    private async Task<RestAnswer> LoadNamespaceAsync(RestRequest request, string[] levels) =>
        await catalog.LoadNamespaceAsync(levels, default) is not { } properties ? NoNamespace(levels)
        : request.Method == "HEAD" ? new RestAnswer(204, null)
        : new RestAnswer(200, new JsonObject { ["namespace"] = Array(levels), ["properties"] = Map(properties) });

    private async Task<RestAnswer> DropNamespaceAsync(string[] levels) =>
        await catalog.DropNamespaceAsync(levels, default) ? new RestAnswer(204, null) : NoNamespace(levels);

    private async Task<RestAnswer> UpdateNamespaceAsync(RestRequest request, string[] levels)
    {
        string[] removals = [.. (request.Json["removals"]?.AsArray() ?? []).Select(one => (string)one!)];
        var updates = Texts(request.Json["updates"]);
        if (removals.Intersect(updates.Keys).Any())
        {
            return RestAnswer.Error(422, "UnprocessableEntityException", "a property both set and removed");
        }

        return await catalog.UpdateNamespaceAsync(levels, updates, removals, default)
            ? new RestAnswer(200, new JsonObject { ["updated"] = Array(updates.Keys), ["removed"] = Array(removals), ["missing"] = new JsonArray() })
            : NoNamespace(levels);
    }

    private async Task<RestAnswer> ListTablesAsync(RestRequest request, string[] levels) =>
        await catalog.LoadNamespaceAsync(levels, default) is null
            ? NoNamespace(levels)
            : Page(request, "identifiers", (await catalog.ListTablesAsync(levels, default)).Select(one => (JsonNode)new JsonObject { ["namespace"] = Array(one.Namespace), ["name"] = one.Name }));

    private async Task<RestAnswer> CreateTableAsync(RestRequest request, string[] levels)
    {
        if (await catalog.LoadNamespaceAsync(levels, default) is null)
        {
            return NoNamespace(levels);
        }

        var json = request.Json;
        var identifier = new TableIdentifier(levels, (string)json["name"]!);
        var properties = Texts(json["properties"]);
        // Schema, spec and order are read as they stand in metadata.
        var asked = TableMetadataJson.Read(JsonSerializer.SerializeToUtf8Bytes(new JsonObject
        {
            ["format-version"] = 2, ["table-uuid"] = Guid.Empty, ["location"] = "memory://asked", ["last-sequence-number"] = 0, ["last-updated-ms"] = 0,
            ["last-column-id"] = 0, ["current-schema-id"] = 0, ["schemas"] = new JsonArray(With(json["schema"]!, "schema-id", 0)),
            ["default-spec-id"] = 0, ["partition-specs"] = new JsonArray(With(json["partition-spec"] ?? new JsonObject { ["fields"] = new JsonArray() }, "spec-id", 0)),
            ["last-partition-id"] = 999, ["default-sort-order-id"] = json["write-order"] is null ? 0 : 1,
            ["sort-orders"] = new JsonArray(json["write-order"] is { } order ? With(order, "order-id", 1) : new JsonObject { ["order-id"] = 0, ["fields"] = new JsonArray() }),
        }), "create");
        properties.Remove("format-version", out string? version);
        var creation = new TableCreation
        {
            Schema = asked.CurrentSchema,
            PartitionSpec = asked.DefaultSpec,
            SortOrder = asked.SortOrders[0],
            Location = (string?)json["location"],
            FormatVersion = version is null ? 2 : int.Parse(version, CultureInfo.InvariantCulture),
            Properties = properties,
        };
        if ((bool?)json["stage-create"] != true)
        {
            return await TableAsync(await catalog.CreateTableAsync(identifier, creation, default));
        }

        if (await catalog.TableExistsAsync(identifier, default))
        {
            throw new TableExistsException(identifier);
        }

        string location = creation.Location ?? $"{options.Warehouse}/{string.Join('/', levels)}/{identifier.Name}";
        var staged = TableMetadataCreation.Create(creation, location, Guid.CreateVersion7(), time.GetUtcNow());
        return new RestAnswer(200, new JsonObject { ["metadata"] = JsonNode.Parse(TableMetadataJson.Write(staged)), ["config"] = new JsonObject() });

        static JsonNode With(JsonNode node, string name, int value)
        {
            var copy = node.DeepClone();
            copy[name] = value;
            return copy;
        }
    }

    private async Task<RestAnswer> RegisterAsync(RestRequest request, string[] levels) =>
        await catalog.LoadNamespaceAsync(levels, default) is null
            ? NoNamespace(levels)
            : await TableAsync(await catalog.RegisterTableAsync(new TableIdentifier(levels, (string)request.Json["name"]!), (string)request.Json["metadata-location"]!, default));

    private async Task<RestAnswer> LoadAsync(RestRequest request, TableIdentifier identifier)
    {
        if (await catalog.LoadTableAsync(identifier, default) is not { } table)
        {
            return NoTable(identifier);
        }

        string snapshots = request.Query.GetValueOrDefault("snapshots", "all");
        return options.ServesETags && request.Headers.GetValueOrDefault("If-None-Match") == TagOf(table, snapshots)
            ? new RestAnswer(304, null) { ETag = TagOf(table, snapshots) }
            : await TableAsync(table, snapshots);
    }

    private async Task<RestAnswer> ExistsAsync(TableIdentifier identifier) => await catalog.TableExistsAsync(identifier, default) ? new RestAnswer(204, null) : NoTable(identifier);

    private async Task<RestAnswer> CommitAsync(RestRequest request, TableIdentifier identifier)
    {
        var (_, requirements, updates) = TableCommitJson.Read(request.Element, "commit");
        var current = await catalog.LoadTableAsync(identifier, default);
        if (requirements.Any(requirement => requirement is TableRequirement.AssertCreate))
        {
            return current is null
                ? await TableAsync(await catalog.CreateTableAsync(identifier, Made(updates), default))
                : RestAnswer.Error(409, "CommitFailedException", "Requirement failed: table already exists");
        }

        if (current is null)
        {
            return NoTable(identifier);
        }

        return await catalog.CommitTableAsync(new TableCommit(current, requirements, updates), default) switch
        {
            CommitResult.Committed(var table) => await TableAsync(table),
            CommitResult.Conflict(var reason) => RestAnswer.Error(409, "CommitFailedException", "Requirement failed: " + reason),
            var other => throw new InvalidOperationException(other.ToString()),
        };
    }

    // Every part of a table that is made in a transaction comes as an update: the first metadata hold nothing.
    private TableMetadata Made(IReadOnlyList<TableUpdate> updates)
    {
        var uuid = updates.OfType<TableUpdate.AssignUuid>().Single().Uuid;
        string location = updates.OfType<TableUpdate.SetLocation>().Single().Location;
        int version = updates.OfType<TableUpdate.UpgradeFormatVersion>().Single().FormatVersion;
        var schema = updates.OfType<TableUpdate.AddSchema>().First().Schema;
        var spec = updates.OfType<TableUpdate.AddPartitionSpec>().First().Spec;
        var order = updates.OfType<TableUpdate.AddSortOrder>().First().SortOrder;
        var made = TableMetadataCreation.Create(new TableCreation { Schema = schema, PartitionSpec = spec, SortOrder = order, FormatVersion = version }, location, uuid, time.GetUtcNow());
        return made.Apply([.. updates.Where(update => update is not (TableUpdate.AssignUuid or TableUpdate.UpgradeFormatVersion or TableUpdate.AddSchema or TableUpdate.SetCurrentSchema
            or TableUpdate.AddPartitionSpec or TableUpdate.SetDefaultSpec or TableUpdate.AddSortOrder or TableUpdate.SetDefaultSortOrder or TableUpdate.SetLocation))], time);
    }

    private async Task<RestAnswer> DropAsync(RestRequest request, TableIdentifier identifier) =>
        await catalog.DropTableAsync(identifier, request.Query.GetValueOrDefault("purgeRequested") == "true", default) ? new RestAnswer(204, null) : NoTable(identifier);

    private async Task<RestAnswer> LendAsync(TableIdentifier identifier) =>
        await catalog.TableExistsAsync(identifier, default) ? new RestAnswer(200, new JsonObject { ["storage-credentials"] = Lent() }) : NoTable(identifier);

    private async Task<RestAnswer> RenameAsync(RestRequest request)
    {
        var (from, to) = (Identifier(request.Json["source"]!), Identifier(request.Json["destination"]!));
        return await catalog.LoadNamespaceAsync(to.Namespace, default) is null ? NoNamespace(to.Namespace)
            : await catalog.RenameTableAsync(from, to, default) ? new RestAnswer(204, null)
            : NoTable(from);
    }

    private async Task<RestAnswer> CommitAllAsync(RestRequest request)
    {
        var commits = new List<TableCommit>();
        foreach (var change in request.Element.GetProperty("table-changes").EnumerateArray())
        {
            var (identifier, requirements, updates) = TableCommitJson.Read(change, "commit");
            if (await catalog.LoadTableAsync(identifier!, default) is not { } table)
            {
                return NoTable(identifier!);
            }

            commits.Add(new TableCommit(table, requirements, updates));
        }

        return await catalog.CommitTablesAsync(commits, default) is { } reason ? RestAnswer.Error(409, "CommitFailedException", reason) : new RestAnswer(204, null);
    }

    private Task<RestAnswer> TableAsync(LoadedTable table, string snapshots = "all")
    {
        var metadata = table.Metadata;
        if (snapshots == "refs")
        {
            var named = metadata.Refs.Values.Select(reference => reference.SnapshotId).ToHashSet();
            metadata = metadata with { Snapshots = [.. metadata.Snapshots.Where(snapshot => named.Contains(snapshot.SnapshotId))] };
        }

        return Task.FromResult(new RestAnswer(200, new JsonObject
        {
            ["metadata-location"] = table.MetadataLocation,
            ["metadata"] = JsonNode.Parse(TableMetadataJson.Write(metadata)),
            ["config"] = new JsonObject { ["client.region"] = "us-east-1" },
            ["storage-credentials"] = Lent(),
        })
        { ETag = options.ServesETags ? TagOf(table, snapshots) : null });
    }

    private JsonArray Lent() => new([.. options.Lends().Select(one => (JsonNode)new JsonObject { ["prefix"] = one.Prefix, ["config"] = Map(one.Config) })]);

    private RestAnswer Page(RestRequest request, string field, IEnumerable<JsonNode> all)
    {
        var list = all.ToList();
        if (options.PageSize is not int size)
        {
            return new RestAnswer(200, new JsonObject { [field] = new JsonArray([.. list]) });
        }

        int from = request.Query.TryGetValue("pageToken", out string? token) && token.Length > 0 ? int.Parse(token.TrimStart('p'), CultureInfo.InvariantCulture) : 0;
        var body = new JsonObject { [field] = new JsonArray([.. list.Skip(from).Take(size)]) };
        body["next-page-token"] = from + size < list.Count ? string.Create(CultureInfo.InvariantCulture, $"p{from + size}") : null;
        return new RestAnswer(200, body);
    }

    private static string TagOf(LoadedTable table, string snapshots) => $"\"{table.MetadataLocation.GetHashCode(StringComparison.Ordinal):x}-{snapshots}\"";

    private static RestAnswer NoNamespace(IReadOnlyList<string> levels) => RestAnswer.Error(404, "NoSuchNamespaceException", $"Namespace does not exist: {string.Join('.', levels)}");

    private static RestAnswer NoTable(TableIdentifier identifier) => RestAnswer.Error(404, "NoSuchTableException", $"Table does not exist: {identifier}");

    private static string[] Levels(string encoded) => [.. encoded.Split("%1F").Select(Uri.UnescapeDataString)];

    private static TableIdentifier Table(string levels, string name) => new(Levels(levels), Uri.UnescapeDataString(name));

    private static TableIdentifier Identifier(JsonNode json) => new([.. json["namespace"]!.AsArray().Select(level => (string)level!)], (string)json["name"]!);

    private static JsonArray Array(IEnumerable<string> texts) => new([.. texts.Select(text => (JsonNode)text)]);

    private static JsonObject Map(IReadOnlyDictionary<string, string> texts) => new(texts.Select(pair => KeyValuePair.Create<string, JsonNode?>(pair.Key, pair.Value)));

    private static Dictionary<string, string> Texts(JsonNode? json) => json is null ? [] : json.AsObject().ToDictionary(pair => pair.Key, pair => (string)pair.Value!);
}
