using System.Globalization;

namespace OrleansLake.Iceberg;

/// <summary>
/// Tables in a directory of this host: <c>warehouse/namespace/table/metadata/vN.metadata.json</c>, which engines open by path.
/// </summary>
/// <remarks>
/// Invariants: version N+1 is made by a link that fails when it stands, under the table's lock, by a writer that has seen
/// that N is the newest and is its base; so each version has one successor and none is lost. A version is visible whole or
/// not at all. The hint is only advice: every load lists. The lock is a <c>flock</c>: one host only, and no network file
/// system that does not honour it. A process that is frozen while it holds the lock holds up who wants to commit to that
/// table, until it wakes or dies: without the lock it could wake behind a version that was deleted, and commit beside the table.
/// </remarks>
public sealed partial class LocalCatalog : ICatalog
{
    private const string LockDirectory = ".locks";

    private readonly string _warehouse;
    private readonly TimeProvider _time;
    private readonly IdSource _ids;
    private readonly LocalObjectStore _store = new();

    /// <summary>A catalog of the tables below a directory.</summary>
    /// <param name="warehouseDirectory">A path, or <c>file:///…</c>: then the tables' locations begin so too. Made when it is missing.</param>
    /// <param name="time">Dates changes.</param>
    /// <param name="ids">Names tables.</param>
    public LocalCatalog(string warehouseDirectory, TimeProvider time, IdSource ids)
    {
        _warehouse = (warehouseDirectory.StartsWith("file:", StringComparison.OrdinalIgnoreCase) ? warehouseDirectory : Path.GetFullPath(warehouseDirectory)).TrimEnd('/');
        _time = time;
        _ids = ids;
    }

    private string WarehousePath => LocalObjectStore.PathOf(_warehouse + "/");

    /// <inheritdoc />
    public async Task<LoadedTable?> LoadTableAsync(TableIdentifier identifier, CancellationToken cancellationToken)
    {
        var directory = DirectoryOf(identifier);
        for (; ; )
        {
            if (directory.NewestVersion() is not long version)
            {
                return null;
            }

            try
            {
                return await LoadAsync(identifier, directory, version, cancellationToken).ConfigureAwait(false);
            }
            catch (ObjectNotFoundException) when (directory.NewestVersion() != version)
            {
                // The table moved on, and the version that was listed has been deleted since: the newer one is there.
            }
        }
    }

    /// <inheritdoc />
    public async Task<LoadedTable> CreateTableAsync(TableIdentifier identifier, TableCreation creation, CancellationToken cancellationToken)
    {
        var directory = DirectoryOf(identifier);
        if (creation.Location is { } location && location.TrimEnd('/') != directory.Location)
        {
            throw new ArgumentException($"{identifier}: a local catalog keeps its tables below {_warehouse}, got the location {location}");
        }

        using var held = await LocalLock.TakeAsync(LockPath(identifier), cancellationToken).ConfigureAwait(false);
        if (directory.NewestVersion() is not null)
        {
            throw new TableExistsException(identifier);
        }

        var metadata = TableMetadataCreation.Create(creation, directory.Location, _ids.NewUuid(), _time.GetUtcNow());
        if (!await _store.TryCreateAsync(directory.MetadataLocation(1), TableMetadataJson.Write(metadata), cancellationToken).ConfigureAwait(false))
        {
            throw new TableExistsException(identifier);
        }

        await directory.WriteHintAsync(1, cancellationToken).ConfigureAwait(false);
        return new LoadedTable(identifier, metadata, directory.MetadataLocation(1), _store);
    }

    /// <inheritdoc />
    public async Task<CommitResult> CommitTableAsync(TableCommit commit, CancellationToken cancellationToken)
    {
        try
        {
            return await CommitLockedAsync(commit, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The link may stand although what followed it failed, and the disk that failed cannot be asked.
            return new CommitResult.Unknown(e);
        }
    }

    /// <inheritdoc />
    public async Task<bool> DropTableAsync(TableIdentifier identifier, bool purge, CancellationToken cancellationToken)
    {
        var directory = DirectoryOf(identifier);
        using var held = await LocalLock.TakeAsync(LockPath(identifier), cancellationToken).ConfigureAwait(false);
        if (directory.NewestVersion() is null)
        {
            return false;
        }

        string path = LocalObjectStore.PathOf(directory.Location);
        if (purge)
        {
            // The metadata first, the newest last: whoever looks in the middle sees a table or none, never an older state.
            foreach (string file in Directory.EnumerateFiles(Path.Combine(path, "metadata")).OrderBy(file => LocalTableDirectory.VersionOf(Path.GetFileName(file)) ?? -1))
            {
                File.Delete(file);
            }

            Directory.Delete(path, recursive: true);
            return true;
        }

        // Files in a directory are a table by being there; forgotten is one whose metadata have other names.
        string forgotten = "dropped-" + _ids.NewUuid().ToString("N", CultureInfo.InvariantCulture) + "-";
        foreach (string file in Directory.EnumerateFiles(Path.Combine(path, "metadata"), "v*")
            .Where(file => Path.GetFileName(file) == "version-hint.text" || LocalTableDirectory.VersionOf(Path.GetFileName(file)) is not null)
            .OrderBy(file => LocalTableDirectory.VersionOf(Path.GetFileName(file)) ?? -1).ToList())
        {
            File.Move(file, Path.Combine(path, "metadata", forgotten + Path.GetFileName(file)));
        }

        LocalFiles.Sync(Path.Combine(path, "metadata"));
        return true;
    }

    /// <inheritdoc />
    public Task<IReadOnlyList<TableIdentifier>> ListTablesAsync(IReadOnlyList<string> @namespace, CancellationToken cancellationToken)
    {
        string path = @namespace.Aggregate(WarehousePath, (at, level) => Path.Combine(at, Checked(level)));
        IReadOnlyList<TableIdentifier> tables = [.. Subdirectories(path).Where(IsTable)
            .Select(table => new TableIdentifier(@namespace, Path.GetFileName(table)))];
        return Task.FromResult(tables);
    }

    /// <inheritdoc />
    public Task<bool> TableExistsAsync(TableIdentifier identifier, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult(DirectoryOf(identifier).NewestVersion() is not null);
    }

    /// <inheritdoc />
    /// <remarks>The table must lie where its name says; what was dropped without purging does.</remarks>
    public async Task<LoadedTable> RegisterTableAsync(TableIdentifier identifier, string metadataLocation, CancellationToken cancellationToken)
    {
        var directory = DirectoryOf(identifier);
        using var held = await LocalLock.TakeAsync(LockPath(identifier), cancellationToken).ConfigureAwait(false);
        if (directory.NewestVersion() is not null)
        {
            throw new TableExistsException(identifier);
        }

        var metadata = await MetadataFile.ReadAsync(_store, metadataLocation, cancellationToken).ConfigureAwait(false);
        if (LocalObjectStore.PathOf(metadata.Location + "/") != LocalObjectStore.PathOf(directory.Location + "/"))
        {
            throw new ArgumentException($"{identifier}: a local catalog registers a table that lies at {directory.Location}, got one at {metadata.Location}");
        }

        // Its log names versions that it had under this very directory: the new one comes after them all.
        long version = 1 + metadata.MetadataLog.Select(entry => entry.MetadataFile).Append(metadataLocation)
            .Max(file => LocalTableDirectory.VersionOf(file[(file.LastIndexOf('/') + 1)..]) ?? 0);
        if (!await _store.TryCreateAsync(directory.MetadataLocation(version), TableMetadataJson.Write(metadata), cancellationToken).ConfigureAwait(false))
        {
            throw new TableExistsException(identifier);
        }

        await directory.WriteHintAsync(version, CancellationToken.None).ConfigureAwait(false);
        return new LoadedTable(identifier, metadata, directory.MetadataLocation(version), _store);
    }

    /// <inheritdoc />
    public Task<bool> RenameTableAsync(TableIdentifier from, TableIdentifier to, CancellationToken cancellationToken) =>
        throw new NotSupportedException($"{from}: in a local catalog a table's name is its directory, and its manifests name files by it; it cannot become {to}");

    private async Task<CommitResult> CommitLockedAsync(TableCommit commit, CancellationToken cancellationToken)
    {
        var identifier = commit.Base.Identifier;
        var directory = DirectoryOf(identifier);
        using var held = await LocalLock.TakeAsync(LockPath(identifier), cancellationToken).ConfigureAwait(false);
        if (directory.NewestVersion() is not long version)
        {
            return new CommitResult.Conflict($"table {identifier} is gone");
        }

        string newest = directory.MetadataLocation(version);
        if (newest != commit.Base.MetadataLocation)
        {
            return new CommitResult.Conflict($"{identifier}: expected {commit.Base.MetadataLocation} to be the newest, got {newest}");
        }

        // The same name may by now hold another table: the uuid of what is there decides, not that of what was loaded.
        var current = await LoadAsync(identifier, directory, version, cancellationToken).ConfigureAwait(false);
        if (current.Metadata.TableUuid != commit.Base.Metadata.TableUuid)
        {
            return new CommitResult.Conflict($"{identifier}: expected table {commit.Base.Metadata.TableUuid}, got {current.Metadata.TableUuid}");
        }

        if (current.Metadata.Violated(commit.Requirements) is { } violated)
        {
            return new CommitResult.Conflict($"{identifier}: {violated}");
        }

        var (metadata, toDelete) = current.Metadata.Apply(commit.Updates, _time).After(current);
        return await SwapAsync(identifier, directory, version + 1, metadata, toDelete, cancellationToken).ConfigureAwait(false);
    }

    private async Task<CommitResult> SwapAsync(
        TableIdentifier identifier, LocalTableDirectory directory, long version, TableMetadata metadata, IReadOnlyList<string> toDelete, CancellationToken cancellationToken)
    {
        string location = directory.MetadataLocation(version);
        try
        {
            if (!await _store.TryCreateAsync(location, TableMetadataJson.Write(metadata), cancellationToken).ConfigureAwait(false))
            {
                return new CommitResult.Conflict($"{identifier}: expected no {location}, got one");
            }
        }
        catch (OperationCanceledException e) when (File.Exists(LocalObjectStore.PathOf(location)))
        {
            return new CommitResult.Unknown(e);
        }

        // From here the commit is in, whatever becomes of the rest: a hint that lags and an old file that stays harm nobody.
        try
        {
            await directory.WriteHintAsync(version, CancellationToken.None).ConfigureAwait(false);
            await _store.DeleteAsync([.. toDelete], CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            // To report a failure now would be to say that the commit may not be in. The next commit moves the hint again.
        }

        return new CommitResult.Committed(new LoadedTable(identifier, metadata, location, _store));
    }

    private async Task<LoadedTable> LoadAsync(TableIdentifier identifier, LocalTableDirectory directory, long version, CancellationToken cancellationToken)
    {
        string location = directory.MetadataLocation(version);
        return new LoadedTable(identifier, await MetadataFile.ReadAsync(_store, location, cancellationToken).ConfigureAwait(false), location, _store);
    }

    private LocalTableDirectory DirectoryOf(TableIdentifier identifier) =>
        new(identifier.Namespace.Append(identifier.Name).Aggregate(_warehouse, (at, level) => at + "/" + Checked(level)), _store);

    private string LockPath(TableIdentifier identifier) => Path.Combine(WarehousePath, LockDirectory, identifier + ".lock");

    private static IEnumerable<string> Subdirectories(string path) => Directory.Exists(path)
        ? Directory.EnumerateDirectories(path).Where(below => !Path.GetFileName(below).StartsWith('.'))
        : [];

    private static bool IsTable(string path)
    {
        string metadata = Path.Combine(path, "metadata");
        return Directory.Exists(metadata) && Directory.EnumerateFiles(metadata, "v*.metadata.json").Any();
    }

    private static string Checked(string level) =>
        level.Length > 0 && level[0] != '.' && level.IndexOfAny(['/', '\\', '\0', ':']) < 0
            ? level
            : throw new ArgumentException($"expected a name that can be a directory, got \"{level}\"");
}
