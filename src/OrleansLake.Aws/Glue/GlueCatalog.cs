using Amazon.Glue.Model;
using OrleansLake.Iceberg;
using TableIdentifier = OrleansLake.Iceberg.TableIdentifier;
using GlueTable = Amazon.Glue.Model.Table;

namespace OrleansLake.Aws;

/// <summary>
/// Tables that the Glue Data Catalog knows, as Athena, Trino, Spark and Flink keep them there: a table of Glue names the
/// metadata file. https://iceberg.apache.org/docs/latest/aws/#glue-catalog
/// </summary>
/// <remarks>
/// Invariants: a swap is one <c>UpdateTable</c> with the <c>VersionId</c> that was read, sent once (again only when it was
/// refused for being too many); Glue compares and swaps. An end that says nothing is looked up in what stands there and in
/// its log; it is a Conflict only when the version has moved on without it, else Unknown. What others wrote into the table
/// of Glue stays. Names are lower-case and databases have one level, as Glue has them.
/// </remarks>
public sealed partial class GlueCatalog : ICatalog, IDisposable
{
    private const string TableType = "table_type";
    private const string MetadataLocation = "metadata_location";
    private const string PreviousMetadataLocation = "previous_metadata_location";
    private const string Iceberg = "ICEBERG";
    private const int LongestDescription = 2048;

    private readonly GlueCatalogOptions _options;
    private readonly IObjectStore _store;
    private readonly TimeProvider _time;
    private readonly IdSource _ids;
    private readonly GlueCalls _glue;

    /// <summary>A catalog whose tables lie in a store.</summary>
    public GlueCatalog(GlueCatalogOptions options, IObjectStore store, TimeProvider time, IdSource ids)
    {
        (_options, _store, _time, _ids) = (options, store, time, ids);
        _glue = new GlueCalls(options, time, ids);
    }

    /// <inheritdoc />
    public async Task<LoadedTable?> LoadTableAsync(TableIdentifier identifier, CancellationToken cancellationToken)
    {
        for (; ; )
        {
            if (await FindAsync(identifier, cancellationToken).ConfigureAwait(false) is not { } found)
            {
                return null;
            }

            string location = LocationOf(identifier, found);
            try
            {
                return new LoadedTable(identifier, await MetadataFile.ReadAsync(_store, location, cancellationToken).ConfigureAwait(false), location, _store);
            }
            catch (ObjectNotFoundException)
            {
                // It may have been replaced and deleted since; if Glue still names it, it is lost.
                var now = await FindAsync(identifier, cancellationToken).ConfigureAwait(false);
                if (now is null || LocationOf(identifier, now) == location)
                {
                    throw;
                }
            }
        }
    }

    /// <inheritdoc />
    public async Task<LoadedTable> CreateTableAsync(TableIdentifier identifier, TableCreation creation, CancellationToken cancellationToken)
    {
        Check(identifier);
        string location = creation.Location?.TrimEnd('/') ?? await PlaceOfAsync(identifier, cancellationToken).ConfigureAwait(false);
        var metadata = TableMetadataCreation.Create(creation, location, _ids.NewUuid(), _time.GetUtcNow());
        string file = await WriteAsync(metadata, null, cancellationToken).ConfigureAwait(false);
        return await CreateAsync(identifier, metadata, file, isNew: true, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc />
    public async Task<LoadedTable> RegisterTableAsync(TableIdentifier identifier, string metadataLocation, CancellationToken cancellationToken)
    {
        Check(identifier);
        if (await FindAsync(identifier, cancellationToken).ConfigureAwait(false) is not null)
        {
            throw new TableExistsException(identifier);
        }

        var metadata = await MetadataFile.ReadAsync(_store, metadataLocation, cancellationToken).ConfigureAwait(false);
        return await CreateAsync(identifier, metadata, metadataLocation, isNew: false, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc />
    public async Task<bool> TableExistsAsync(TableIdentifier identifier, CancellationToken cancellationToken) =>
        await FindAsync(identifier, cancellationToken).ConfigureAwait(false) is { } table && IsIceberg(table);

    /// <inheritdoc />
    public async Task<bool> DropTableAsync(TableIdentifier identifier, bool purge, CancellationToken cancellationToken)
    {
        // Which table it is must be known before: another of that name must not be dropped by a repetition.
        if (await FindAsync(identifier, cancellationToken).ConfigureAwait(false) is not { } found)
        {
            return false;
        }

        // Metadata that are lost do not keep a table from being forgotten, only from being purged.
        string location = LocationOf(identifier, found);
        var metadata = purge ? await MetadataFile.ReadAsync(_store, location, cancellationToken).ConfigureAwait(false) : null;
        await DeleteAsync(identifier, found, cancellationToken).ConfigureAwait(false);
        if (metadata is not null)
        {
            await PurgeAsync(metadata, cancellationToken).ConfigureAwait(false);
        }

        return true;
    }

    /// <inheritdoc />
    /// <remarks>
    /// Glue has no request for it: the new name is made, then the old one dropped, and taken back when the table moved on
    /// meanwhile. A commit by the old name in the very moment of the drop would be lost, so writers should rest.
    /// </remarks>
    public async Task<bool> RenameTableAsync(TableIdentifier from, TableIdentifier to, CancellationToken cancellationToken)
    {
        Check(to);
        if (await FindAsync(from, cancellationToken).ConfigureAwait(false) is not { } found)
        {
            return false;
        }

        string location = LocationOf(from, found);
        await CreateAsync(to, InputOf(found, to.Name), location, isNew: false, cancellationToken).ConfigureAwait(false);
        if (await FindAsync(from, cancellationToken).ConfigureAwait(false) is not { } now || now.VersionId != found.VersionId || LocationOf(from, now) != location)
        {
            await _glue.DeleteTableAsync(to, cancellationToken).ConfigureAwait(false);
            throw new AwsException($"table {from}", $"it was changed while it became {to}; it keeps its name: try again");
        }

        await DeleteAsync(from, found, cancellationToken).ConfigureAwait(false);
        return true;
    }

    /// <inheritdoc />
    public async Task<IReadOnlyList<TableIdentifier>> ListTablesAsync(IReadOnlyList<string> @namespace, CancellationToken cancellationToken)
    {
        var tables = new List<TableIdentifier>();
        if (@namespace.Count == 1)
        {
            await foreach (var table in _glue.TablesAsync(@namespace[0], cancellationToken).ConfigureAwait(false))
            {
                if (IsIceberg(table))
                {
                    tables.Add(new TableIdentifier(@namespace, table.Name));
                }
            }
        }

        return tables;
    }

    /// <inheritdoc />
    public void Dispose() => _glue.Dispose();

    private async Task<GlueTable?> FindAsync(TableIdentifier identifier, CancellationToken cancellationToken) =>
        identifier.Namespace.Count == 1 ? await _glue.FindTableAsync(identifier, cancellationToken).ConfigureAwait(false) : null;

    private async Task<LoadedTable> CreateAsync(TableIdentifier identifier, TableMetadata metadata, string file, bool isNew, CancellationToken cancellationToken)
    {
        try
        {
            await CreateAsync(identifier, Described(new TableInput { Name = identifier.Name }, metadata, file, null), file, isNew, cancellationToken).ConfigureAwait(false);
            return new LoadedTable(identifier, metadata, file, _store);
        }
        catch (Exception e) when (isNew && (e is TableExistsException or NamespaceNotFoundException))
        {
            // Surely named by nobody.
            await _store.DeleteAsync([file], CancellationToken.None).ConfigureAwait(false);
            throw;
        }
    }

    private async Task CreateAsync(TableIdentifier identifier, TableInput input, string file, bool isNew, CancellationToken cancellationToken)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                await _glue.CreateTableAsync(identifier, input, cancellationToken).ConfigureAwait(false);
                return;
            }
            catch (AwsException e) when (e.InnerException is EntityNotFoundException)
            {
                throw new NamespaceNotFoundException(identifier.Namespace);
            }
            catch (AwsException e) when (e.InnerException is AlreadyExistsException || (GlueCalls.SaysNothing(e) && attempt < _options.MostAttempts))
            {
                // What stands there may well be ours: by a request whose answer was lost. A file that is new is named by nobody else.
                if (await FindAsync(identifier, cancellationToken).ConfigureAwait(false) is { } found)
                {
                    if (found.Parameters?.GetValueOrDefault(MetadataLocation) == file && (isNew || attempt > 1 || GlueCalls.SaysNothing(e)))
                    {
                        return;
                    }

                    throw new TableExistsException(identifier);
                }

                await _glue.PauseAsync(attempt, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private async Task DeleteAsync(TableIdentifier identifier, GlueTable which, CancellationToken cancellationToken)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                await _glue.DeleteTableAsync(identifier, cancellationToken).ConfigureAwait(false);
                return;
            }
            catch (AwsException e) when (e.InnerException is EntityNotFoundException)
            {
                return;
            }
            catch (AwsException e) when (GlueCalls.SaysNothing(e) && attempt < _options.MostAttempts)
            {
                var now = await FindAsync(identifier, cancellationToken).ConfigureAwait(false);
                if (now is null || now.CreateTime != which.CreateTime)
                {
                    return;
                }

                await _glue.PauseAsync(attempt, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private async Task PurgeAsync(TableMetadata metadata, CancellationToken cancellationToken)
    {
        var locations = new List<string>();
        await foreach (var one in _store.ListAsync(metadata.Location + "/", cancellationToken).ConfigureAwait(false))
        {
            locations.Add(one.Location);
        }

        await _store.DeleteAsync(locations, cancellationToken).ConfigureAwait(false);
    }

    private async Task<string> PlaceOfAsync(TableIdentifier identifier, CancellationToken cancellationToken)
    {
        var database = await _glue.FindDatabaseAsync(identifier.Namespace[0], cancellationToken).ConfigureAwait(false) ?? throw new NamespaceNotFoundException(identifier.Namespace);
        return database.LocationUri is { Length: > 0 } own ? $"{own.TrimEnd('/')}/{identifier.Name}"
            : _options.Warehouse is { } warehouse ? $"{warehouse.TrimEnd('/')}/{identifier.Namespace[0]}.db/{identifier.Name}"
            : throw new ArgumentException($"{identifier}: expected a warehouse, or a location of the database {identifier.Namespace[0]} (LocationUri), got neither");
    }

    private async Task<string> WriteAsync(TableMetadata metadata, string? previous, CancellationToken cancellationToken)
    {
        string file = MetadataFile.LocationOf(metadata, previous, _ids.NewUuid());
        return await _store.TryCreateAsync(file, MetadataFile.Write(metadata), cancellationToken).ConfigureAwait(false)
            ? file
            : throw new AwsException(file, "expected nothing there, found an object");
    }

    private static bool IsIceberg(GlueTable table) => Iceberg.Equals(table.Parameters?.GetValueOrDefault(TableType), StringComparison.OrdinalIgnoreCase);

    private static string LocationOf(TableIdentifier identifier, GlueTable table) =>
        !IsIceberg(table) ? throw new NotSupportedException($"{identifier} is a table of Glue, but none of Iceberg: its {TableType} is \"{table.Parameters?.GetValueOrDefault(TableType)}\"")
        : table.Parameters.GetValueOrDefault(MetadataLocation) is { Length: > 0 } location ? location
        : throw new NotSupportedException($"{identifier}: expected a parameter {MetadataLocation} in Glue, got none");

    private static void Check(TableIdentifier identifier)
    {
        CheckDatabase(identifier.Namespace);
        CheckName(identifier.Name, "table");
    }

    private static void CheckDatabase(IReadOnlyList<string> @namespace)
    {
        if (@namespace.Count != 1)
        {
            throw new ArgumentException($"expected a namespace of one level, which is all that Glue has, got {string.Join('.', @namespace)}");
        }

        CheckName(@namespace[0], "database");
    }

    // https://docs.aws.amazon.com/athena/latest/ug/tables-databases-columns-names.html
    private static void CheckName(string name, string what)
    {
        if (name.Length is 0 or > 255 || name.Any(one => one is not (>= 'a' and <= 'z' or >= '0' and <= '9' or '_')))
        {
            throw new ArgumentException($"{what} {name}: expected lower-case letters, digits and underscores, as Glue and Athena want names");
        }
    }
}
