using Amazon.Glue.Model;
using OrleansLake.Iceberg;

namespace OrleansLake.Aws;

/// <content>Namespaces are databases: <c>location</c> and <c>comment</c> have fields of their own, the rest are parameters.</content>
public sealed partial class GlueCatalog
{
    private const string Location = "location";
    private const string Comment = "comment";

    /// <inheritdoc />
    public async Task<IReadOnlyList<IReadOnlyList<string>>> ListNamespacesAsync(CancellationToken cancellationToken)
    {
        var names = new List<IReadOnlyList<string>>();
        await foreach (var database in _glue.DatabasesAsync(cancellationToken).ConfigureAwait(false))
        {
            names.Add([database.Name]);
        }

        return names;
    }

    /// <inheritdoc />
    public async Task<bool> CreateNamespaceAsync(IReadOnlyList<string> @namespace, IReadOnlyDictionary<string, string> properties, CancellationToken cancellationToken)
    {
        CheckDatabase(@namespace);
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                await _glue.CreateDatabaseAsync(InputOf(@namespace[0], properties), cancellationToken).ConfigureAwait(false);
                return true;
            }
            catch (AwsException e) when (e.InnerException is AlreadyExistsException)
            {
                // After an answer that was lost, what stands there may well be ours; to say that it was there harms nobody.
                return attempt > 1 && await LoadNamespaceAsync(@namespace, cancellationToken).ConfigureAwait(false) is { } found
                    && found.Count == properties.Count && properties.All(pair => found.GetValueOrDefault(pair.Key) == pair.Value);
            }
            catch (AwsException e) when (GlueCalls.SaysNothing(e) && attempt < _options.MostAttempts)
            {
                await _glue.PauseAsync(attempt, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <inheritdoc />
    public async Task<IReadOnlyDictionary<string, string>?> LoadNamespaceAsync(IReadOnlyList<string> @namespace, CancellationToken cancellationToken)
    {
        if (@namespace.Count != 1 || await _glue.FindDatabaseAsync(@namespace[0], cancellationToken).ConfigureAwait(false) is not { } database)
        {
            return null;
        }

        var properties = new Dictionary<string, string>(database.Parameters ?? []);
        if (database.LocationUri is { Length: > 0 } location)
        {
            properties[Location] = location;
        }

        if (database.Description is { Length: > 0 } comment)
        {
            properties[Comment] = comment;
        }

        return properties;
    }

    /// <inheritdoc />
    /// <remarks>Glue replaces a database's properties whole and compares nothing: of two who change them at once, the last one wins.</remarks>
    public async Task<bool> UpdateNamespaceAsync(
        IReadOnlyList<string> @namespace, IReadOnlyDictionary<string, string> updates, IReadOnlyCollection<string> removals, CancellationToken cancellationToken)
    {
        if (await LoadNamespaceAsync(@namespace, cancellationToken).ConfigureAwait(false) is not { } properties)
        {
            return false;
        }

        var changed = new Dictionary<string, string>(properties.Where(pair => !removals.Contains(pair.Key)));
        foreach (var (name, value) in updates)
        {
            changed[name] = value;
        }

        try
        {
            await _glue.UpdateDatabaseAsync(InputOf(@namespace[0], changed), cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (AwsException e) when (e.InnerException is EntityNotFoundException)
        {
            return false;
        }
    }

    /// <inheritdoc />
    public async Task<bool> DropNamespaceAsync(IReadOnlyList<string> @namespace, CancellationToken cancellationToken)
    {
        if (await LoadNamespaceAsync(@namespace, cancellationToken).ConfigureAwait(false) is null)
        {
            return false;
        }

        // Glue would drop the tables too, those of Hive among them.
        await foreach (var _ in _glue.TablesAsync(@namespace[0], cancellationToken).ConfigureAwait(false))
        {
            throw new NamespaceNotEmptyException(@namespace);
        }

        try
        {
            await _glue.DeleteDatabaseAsync(@namespace[0], cancellationToken).ConfigureAwait(false);
        }
        catch (AwsException e) when (e.InnerException is EntityNotFoundException)
        {
            // By an earlier attempt of this request, or by another: gone all the same.
        }

        return true;
    }

    private static DatabaseInput InputOf(string name, IReadOnlyDictionary<string, string> properties) => new()
    {
        Name = name,
        LocationUri = properties.GetValueOrDefault(Location),
        Description = properties.GetValueOrDefault(Comment),
        Parameters = properties.Where(pair => pair.Key is not (Location or Comment)).ToDictionary(),
    };
}
