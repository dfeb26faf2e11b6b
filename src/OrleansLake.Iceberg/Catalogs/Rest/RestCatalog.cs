using System.Net;
using OrleansLake.Iceberg.Rest;

namespace OrleansLake.Iceberg;

/// <summary>
/// A catalog behind the REST protocol: Polaris, Lakekeeper, Nessie, Unity, and with a signer Glue's and S3 Tables' endpoints.
/// https://github.com/apache/iceberg/blob/main/open-api/rest-catalog-open-api.yaml
/// </summary>
/// <remarks>
/// Invariants: a swap is sent once (again only when it was refused for its token); 409 and 404 are Conflict, any end that says
/// nothing is Unknown. Every swap asserts the table's uuid. Other changes whose answer was lost are looked up before they
/// are sent again, and what they say in the end is what was found.
/// </remarks>
public sealed partial class RestCatalog : ICatalog, IDisposable
{
    private const string TableEndpoint = "/v1/{prefix}/namespaces/{namespace}/tables/{table}";

    private readonly RestCatalogOptions _options;
    private readonly TimeProvider _time;
    private readonly IdSource _ids;
    private readonly HttpClient _http;
    private readonly KnownTables _known;
    private readonly Lock _lock = new();
    private Task<RestSession>? _session;

    /// <summary>A catalog; the server is asked for its configuration when it is first used, and again as long as that fails.</summary>
    /// <param name="options">Where and how.</param>
    /// <param name="time">For waits and the ends of tokens.</param>
    /// <param name="ids">For idempotency keys and the jitter of pauses.</param>
    public RestCatalog(RestCatalogOptions options, TimeProvider time, IdSource ids)
    {
        (_options, _time, _ids) = (options, time, ids);
        _known = new KnownTables(options.Stores, time, LendAsync);
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false, // a redirected POST loses its body, and a signature its meaning
            AutomaticDecompression = DecompressionMethods.All,
            PooledConnectionLifetime = TimeSpan.FromMinutes(5), // names move
            ConnectTimeout = TimeSpan.FromSeconds(10),
        };
        _http = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
        _http.DefaultRequestHeaders.UserAgent.ParseAdd("OrleansLake");
    }

    /// <inheritdoc />
    public void Dispose() => _http.Dispose();

    /// <inheritdoc />
    public async Task<LoadedTable?> LoadTableAsync(TableIdentifier identifier, CancellationToken cancellationToken)
    {
        var session = await SessionAsync(cancellationToken).ConfigureAwait(false);
        var call = Delegated(session, RestCall.Get(session.PathOf(identifier) + "?snapshots=" + session.Snapshots));
        var cached = _known.Find(identifier);
        var reply = await session.SendAsync(cached is null ? call : call.With("If-None-Match", cached.ETag), cancellationToken).ConfigureAwait(false);
        return reply.Status switch
        {
            304 when cached is not null => cached.Table,
            404 => Forgotten(identifier),
            _ when reply.IsSuccess => Loaded(identifier, reply),
            _ => throw reply.Error(),
        };
    }

    /// <inheritdoc />
    public async Task<bool> TableExistsAsync(TableIdentifier identifier, CancellationToken cancellationToken)
    {
        var session = await SessionAsync(cancellationToken).ConfigureAwait(false);
        bool hasHead = session.Serves("HEAD " + TableEndpoint);
        var call = hasHead ? new RestCall(HttpMethod.Head, session.PathOf(identifier), Repeat.Always) : RestCall.Get(session.PathOf(identifier) + "?snapshots=refs");
        var reply = await session.SendAsync(call, cancellationToken).ConfigureAwait(false);
        return reply.IsSuccess || (reply.Status == 404 ? false : throw reply.Error());
    }

    /// <inheritdoc />
    public async Task<LoadedTable> CreateTableAsync(TableIdentifier identifier, TableCreation creation, CancellationToken cancellationToken)
    {
        var session = await SessionAsync(cancellationToken).ConfigureAwait(false);
        session.Require("POST /v1/{prefix}/namespaces/{namespace}/tables");
        var call = CreateCall(session, identifier, creation, isStaged: false, Repeat.WhenNotDone);
        for (int attempt = 0; ; attempt++)
        {
            try
            {
                var reply = await session.SendAsync(call, cancellationToken).ConfigureAwait(false);
                return reply.Status switch
                {
                    404 => throw new NamespaceNotFoundException(identifier.Namespace),
                    // After an answer that was lost, what stands there may well be ours.
                    409 when attempt > 0 && await LoadTableAsync(identifier, cancellationToken).ConfigureAwait(false) is { } found && IsAsAsked(found.Metadata, creation) => found,
                    409 => throw new TableExistsException(identifier),
                    400 or 422 => throw new ArgumentException(reply.Error().Message, reply.Error()),
                    _ when reply.IsSuccess => Loaded(identifier, reply),
                    _ => throw reply.Error(),
                };
            }
            catch (RestCatalogException e) when (e.MayHaveHappened && attempt < _options.MostRetries)
            {
                if (await LoadTableAsync(identifier, cancellationToken).ConfigureAwait(false) is { } found)
                {
                    return IsAsAsked(found.Metadata, creation) ? found : throw new TableExistsException(identifier);
                }
            }
        }
    }

    /// <summary>
    /// A table that is to be made in a transaction: the server says where it shall lie and which ids it has, and remembers
    /// nothing. It is made by a commit with <see cref="CreationOf"/> and whatever else shall be in it from the first.
    /// </summary>
    /// <exception cref="TableExistsException">There is one.</exception>
    public async Task<LoadedTable> StageCreateAsync(TableIdentifier identifier, TableCreation creation, CancellationToken cancellationToken)
    {
        var session = await SessionAsync(cancellationToken).ConfigureAwait(false);
        var reply = await session.SendAsync(CreateCall(session, identifier, creation, isStaged: true, Repeat.Always), cancellationToken).ConfigureAwait(false);
        return reply.Status switch
        {
            404 => throw new NamespaceNotFoundException(identifier.Namespace),
            409 => throw new TableExistsException(identifier),
            400 or 422 => throw new ArgumentException(reply.Error().Message, reply.Error()),
            _ when reply.IsSuccess => Loaded(identifier, reply),
            _ => throw reply.Error(),
        };
    }

    /// <summary>The updates that make a staged table, to be committed with <see cref="TableRequirement.AssertCreate"/>.</summary>
    public static IReadOnlyList<TableUpdate> CreationOf(LoadedTable staged)
    {
        var metadata = staged.Metadata;
        return
        [
            new TableUpdate.AssignUuid(metadata.TableUuid),
            new TableUpdate.UpgradeFormatVersion(metadata.FormatVersion),
            new TableUpdate.AddSchema(metadata.CurrentSchema),
            new TableUpdate.SetCurrentSchema(-1),
            new TableUpdate.AddPartitionSpec(metadata.DefaultSpec),
            new TableUpdate.SetDefaultSpec(-1),
            new TableUpdate.AddSortOrder(metadata.SortOrders.FirstOrDefault(order => order.OrderId == metadata.DefaultSortOrderId) ?? new SortOrder { OrderId = 0, Fields = [] }),
            new TableUpdate.SetDefaultSortOrder(-1),
            new TableUpdate.SetLocation(metadata.Location),
            new TableUpdate.SetProperties(metadata.Properties),
        ];
    }

    /// <inheritdoc />
    public async Task<bool> DropTableAsync(TableIdentifier identifier, bool purge, CancellationToken cancellationToken)
    {
        var session = await SessionAsync(cancellationToken).ConfigureAwait(false);
        session.Require("DELETE " + TableEndpoint);
        // Which table it is must be known before: another of that name must not be dropped by a repetition.
        if (await LoadTableAsync(identifier, cancellationToken).ConfigureAwait(false) is not { } table)
        {
            return false;
        }

        var call = Keyed(session, new RestCall(HttpMethod.Delete, session.PathOf(identifier) + (purge ? "?purgeRequested=true" : ""), Repeat.WhenNotDone));
        for (int attempt = 0; ; attempt++)
        {
            try
            {
                var reply = await session.SendAsync(call, cancellationToken).ConfigureAwait(false);
                if (!reply.IsSuccess && reply.Status != 404)
                {
                    throw reply.Error();
                }

                _known.Forget(identifier);
                return true;
            }
            catch (RestCatalogException e) when (e.MayHaveHappened && attempt < _options.MostRetries)
            {
                var now = await LoadTableAsync(identifier, cancellationToken).ConfigureAwait(false);
                if (now?.Metadata.TableUuid != table.Metadata.TableUuid)
                {
                    return true;
                }
            }
        }
    }

    /// <inheritdoc />
    public async Task<LoadedTable> RegisterTableAsync(TableIdentifier identifier, string metadataLocation, CancellationToken cancellationToken)
    {
        var session = await SessionAsync(cancellationToken).ConfigureAwait(false);
        session.Require("POST /v1/{prefix}/namespaces/{namespace}/register");
        var call = Keyed(session, Delegated(session, RestCall.Post(session.PathOf(identifier.Namespace) + "/register", Repeat.WhenNotDone, json =>
        {
            json.WriteStartObject();
            json.WriteString("name", identifier.Name);
            json.WriteString("metadata-location", metadataLocation);
            json.WriteEndObject();
        })));
        for (int attempt = 0; ; attempt++)
        {
            try
            {
                var reply = await session.SendAsync(call, cancellationToken).ConfigureAwait(false);
                return reply.Status switch
                {
                    404 => throw new NamespaceNotFoundException(identifier.Namespace),
                    409 when attempt > 0 && await LoadTableAsync(identifier, cancellationToken).ConfigureAwait(false) is { } found && found.MetadataLocation == metadataLocation => found,
                    409 => throw new TableExistsException(identifier),
                    _ when reply.IsSuccess => Loaded(identifier, reply),
                    _ => throw reply.Error(),
                };
            }
            catch (RestCatalogException e) when (e.MayHaveHappened && attempt < _options.MostRetries)
            {
                if (await LoadTableAsync(identifier, cancellationToken).ConfigureAwait(false) is { } found)
                {
                    return found.MetadataLocation == metadataLocation ? found : throw new TableExistsException(identifier);
                }
            }
        }
    }

    /// <inheritdoc />
    public async Task<bool> RenameTableAsync(TableIdentifier from, TableIdentifier to, CancellationToken cancellationToken)
    {
        var session = await SessionAsync(cancellationToken).ConfigureAwait(false);
        session.Require("POST /v1/{prefix}/tables/rename");
        if (await LoadTableAsync(from, cancellationToken).ConfigureAwait(false) is not { } table)
        {
            return false;
        }

        var call = Keyed(session, RestCall.Post(session.Path("tables/rename"), Repeat.WhenNotDone, json =>
        {
            json.WriteStartObject();
            json.WritePropertyName("source");
            RestJson.Write(json, from);
            json.WritePropertyName("destination");
            RestJson.Write(json, to);
            json.WriteEndObject();
        }));
        for (int attempt = 0; ; attempt++)
        {
            try
            {
                var reply = await session.SendAsync(call, cancellationToken).ConfigureAwait(false);
                if (reply.IsSuccess || (reply.Status is 404 or 409 && attempt > 0 && await IsAtAsync(to, table, cancellationToken).ConfigureAwait(false)))
                {
                    _known.Forget(from);
                    return true;
                }

                return reply.Status switch
                {
                    404 when reply.ErrorType == "NoSuchNamespaceException" => throw new NamespaceNotFoundException(to.Namespace),
                    404 => false,
                    409 => throw new TableExistsException(to),
                    406 => throw new NotSupportedException(reply.Error().Message, reply.Error()),
                    _ => throw reply.Error(),
                };
            }
            catch (RestCatalogException e) when (e.MayHaveHappened && attempt < _options.MostRetries)
            {
                if (await IsAtAsync(to, table, cancellationToken).ConfigureAwait(false))
                {
                    _known.Forget(from);
                    return true;
                }
            }
        }
    }

    private async Task<bool> IsAtAsync(TableIdentifier identifier, LoadedTable table, CancellationToken cancellationToken) =>
        (await LoadTableAsync(identifier, cancellationToken).ConfigureAwait(false))?.Metadata.TableUuid == table.Metadata.TableUuid;

    // The server gives the uuid, so a table whose creation went unanswered is known by what was asked for.
    private static bool IsAsAsked(TableMetadata found, TableCreation asked) =>
        found.Snapshots.Count == 0
        && found.FormatVersion == asked.FormatVersion
        && (asked.Location is null || found.Location == asked.Location.TrimEnd('/'))
        && found.CurrentSchema.Fields.Select(Shape).SequenceEqual(asked.Schema.Fields.Select(Shape))
        && asked.Properties.All(pair => found.Properties.TryGetValue(pair.Key, out string? value) && value == pair.Value);

    // Ids are the server's to give; primitive types have none within.
    private static (string Name, bool Required, object Type) Shape(NestedField field) =>
        (field.Name, field.Required, field.Type is PrimitiveType ? field.Type : field.Type.GetType());

    private RestCall CreateCall(RestSession session, TableIdentifier identifier, TableCreation creation, bool isStaged, Repeat repeat)
    {
        var call = RestCall.Post(session.PathOf(identifier.Namespace) + "/tables", repeat, json => RestJson.WriteCreation(json, identifier.Name, creation, isStaged));
        return Keyed(session, Delegated(session, call));
    }

    // The header means "lend me credentials"; a server that does not ignores it.
    private static RestCall Delegated(RestSession session, RestCall call) =>
        session.Properties.GetValueOrDefault("access-delegation", "vended-credentials") is { Length: > 0 } ways
        && !session.Properties.Keys.Any(name => name.Equals("header.X-Iceberg-Access-Delegation", StringComparison.OrdinalIgnoreCase))
            ? call.With("X-Iceberg-Access-Delegation", ways)
            : call;

    private RestCall Keyed(RestSession session, RestCall call) => session.TakesIdempotencyKeys ? call.With("Idempotency-Key", _ids.NewUuid().ToString()) : call;

    private LoadedTable? Forgotten(TableIdentifier identifier)
    {
        _known.Forget(identifier);
        return null;
    }

    private LoadedTable Loaded(TableIdentifier identifier, RestReply reply)
    {
        var (metadata, location, loan) = reply.Read(at => (TableMetadataJson.Read(at.Get("metadata")), at.TextOrNull("metadata-location") ?? "", Loan.Read(at)));
        return _known.Learn(identifier, metadata, location, loan, reply.ETag);
    }

    private async Task<Loan> LendAsync(TableIdentifier identifier, CancellationToken cancellationToken)
    {
        var session = await SessionAsync(cancellationToken).ConfigureAwait(false);
        if (session.Serves("GET " + TableEndpoint + "/credentials"))
        {
            var lent = await session.SendAsync(RestCall.Get(session.PathOf(identifier) + "/credentials"), cancellationToken).ConfigureAwait(false);
            return lent.IsSuccess ? lent.Read(Loan.Read) : throw lent.Error();
        }

        var reply = await session.SendAsync(Delegated(session, RestCall.Get(session.PathOf(identifier) + "?snapshots=refs")), cancellationToken).ConfigureAwait(false);
        return reply.IsSuccess ? reply.Read(Loan.Read) : throw reply.Error();
    }

    private async Task<RestSession> SessionAsync(CancellationToken cancellationToken)
    {
        Task<RestSession> session;
        lock (_lock)
        {
            if (_session is null or { IsFaulted: true } or { IsCanceled: true })
            {
                _session = OpenAsync();
            }

            session = _session;
        }

        return await session.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    private async Task<RestSession> OpenAsync()
    {
        // Begun under the lock; and who asks first must not take the others down by giving up.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        return await RestSession.OpenAsync(_http, _options, _time, _ids, CancellationToken.None).ConfigureAwait(false);
    }
}
