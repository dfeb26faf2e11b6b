using OrleansLake.Iceberg.Rest;

namespace OrleansLake.Iceberg;

/// <summary>What a catalog lends a store for some of a table's files: an endpoint, a region, credentials that end.</summary>
public sealed class LentStorage
{
    private readonly TableStorage _storage;

    internal LentStorage(string prefix, TableStorage storage) => (Prefix, _storage) = (prefix, storage);

    /// <summary>The beginning of the locations that it is for; empty: all that nothing else was lent for.</summary>
    public string Prefix { get; }

    /// <summary>
    /// The configuration by the names that Iceberg's clients share (<c>s3.access-key-id</c>, <c>s3.session-token</c>,
    /// <c>s3.endpoint</c>, <c>client.region</c>, …), as good as it can be now. To be asked before each use: credentials are
    /// renewed five minutes before they end.
    /// </summary>
    public ValueTask<IReadOnlyDictionary<string, string>> GetConfigAsync(CancellationToken cancellationToken) => _storage.ConfigAsync(Prefix, cancellationToken);
}
