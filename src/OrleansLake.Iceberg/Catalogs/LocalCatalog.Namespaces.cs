using System.Text.Json;
using OrleansLake.Iceberg.Json;

namespace OrleansLake.Iceberg;

/// <summary>
/// Namespaces are directories: one that was made has a file with its properties, one that holds a table is one by that.
/// </summary>
public sealed partial class LocalCatalog
{
    private const string PropertiesFile = ".namespace.json";

    /// <inheritdoc />
    public Task<IReadOnlyList<IReadOnlyList<string>>> ListNamespacesAsync(CancellationToken cancellationToken)
    {
        var namespaces = new List<IReadOnlyList<string>>();
        foreach (string below in Subdirectories(WarehousePath))
        {
            Collect(below, [Path.GetFileName(below)], namespaces, cancellationToken);
        }

        return Task.FromResult<IReadOnlyList<IReadOnlyList<string>>>(namespaces);
    }

    /// <inheritdoc />
    public async Task<bool> CreateNamespaceAsync(IReadOnlyList<string> @namespace, IReadOnlyDictionary<string, string> properties, CancellationToken cancellationToken)
    {
        using var held = await LocalLock.TakeAsync(LockPath(@namespace), cancellationToken).ConfigureAwait(false);
        return !IsNamespace(PathOf(@namespace), cancellationToken)
            && await _store.TryCreateAsync(PropertiesLocation(@namespace), Write(properties), cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc />
    public async Task<IReadOnlyDictionary<string, string>?> LoadNamespaceAsync(IReadOnlyList<string> @namespace, CancellationToken cancellationToken)
    {
        try
        {
            string location = PropertiesLocation(@namespace);
            return JsonCursor.Read(await _store.ReadAsync(location, cancellationToken).ConfigureAwait(false), location, "", at => at.TextMap());
        }
        catch (ObjectNotFoundException)
        {
            return IsNamespace(PathOf(@namespace), cancellationToken) ? new Dictionary<string, string>() : null;
        }
    }

    /// <inheritdoc />
    public async Task<bool> UpdateNamespaceAsync(
        IReadOnlyList<string> @namespace, IReadOnlyDictionary<string, string> updates, IReadOnlyCollection<string> removals, CancellationToken cancellationToken)
    {
        using var held = await LocalLock.TakeAsync(LockPath(@namespace), cancellationToken).ConfigureAwait(false);
        if (await LoadNamespaceAsync(@namespace, cancellationToken).ConfigureAwait(false) is not { } properties)
        {
            return false;
        }

        var changed = new Dictionary<string, string>(properties.Where(pair => !removals.Contains(pair.Key)));
        foreach (var (name, value) in updates)
        {
            changed[name] = value;
        }

        var writer = _store.OpenWrite(PropertiesLocation(@namespace));
        await using (writer.ConfigureAwait(false))
        {
            await writer.WriteAsync(Write(changed), cancellationToken).ConfigureAwait(false);
            await writer.CompleteAsync(cancellationToken).ConfigureAwait(false);
        }

        return true;
    }

    /// <inheritdoc />
    public async Task<bool> DropNamespaceAsync(IReadOnlyList<string> @namespace, CancellationToken cancellationToken)
    {
        using var held = await LocalLock.TakeAsync(LockPath(@namespace), cancellationToken).ConfigureAwait(false);
        string path = PathOf(@namespace);
        if (!IsNamespace(path, cancellationToken))
        {
            return false;
        }

        if (Subdirectories(path).Any(below => IsTable(below) || IsNamespace(below, cancellationToken)))
        {
            throw new NamespaceNotEmptyException(@namespace);
        }

        await _store.DeleteAsync([PropertiesLocation(@namespace)], cancellationToken).ConfigureAwait(false);
        if (!Directory.EnumerateFileSystemEntries(path).Any())
        {
            Directory.Delete(path);
        }

        return true;
    }

    private static bool Collect(string path, IReadOnlyList<string> levels, List<IReadOnlyList<string>> namespaces, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (WasTable(path))
        {
            return false;
        }

        int place = namespaces.Count;
        bool holds = File.Exists(Path.Combine(path, PropertiesFile));
        foreach (string below in Subdirectories(path))
        {
            holds |= IsTable(below) || Collect(below, [.. levels, Path.GetFileName(below)], namespaces, cancellationToken);
        }

        if (holds)
        {
            namespaces.Insert(place, levels);
        }

        return holds;
    }

    private static bool IsNamespace(string path, CancellationToken cancellationToken) => Directory.Exists(path) && Collect(path, [], [], cancellationToken);

    // What was dropped without purging is a directory still, and its data directories are no namespaces.
    private static bool WasTable(string path)
    {
        string metadata = Path.Combine(path, "metadata");
        return Directory.Exists(metadata) && Directory.EnumerateFiles(metadata, "*.metadata.json").Any();
    }

    private string PathOf(IReadOnlyList<string> @namespace) => LevelsOf(@namespace).Aggregate(WarehousePath, Path.Combine);

    private string PropertiesLocation(IReadOnlyList<string> @namespace) => LevelsOf(@namespace).Aggregate(_warehouse, (at, level) => at + "/" + level) + "/" + PropertiesFile;

    private string LockPath(IReadOnlyList<string> @namespace) => Path.Combine(WarehousePath, LockDirectory, string.Join('.', LevelsOf(@namespace)) + ".nslock");

    private static IEnumerable<string> LevelsOf(IReadOnlyList<string> @namespace) =>
        @namespace.Count > 0 ? @namespace.Select(Checked) : throw new ArgumentException("expected a namespace of one level or more, got none");

    private static byte[] Write(IReadOnlyDictionary<string, string> properties)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, TableMetadataJson.WriterOptions))
        {
            SnapshotJson.WriteTexts(json, properties);
        }

        return buffer.ToArray();
    }
}
