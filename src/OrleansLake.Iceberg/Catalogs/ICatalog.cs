namespace OrleansLake.Iceberg;

/// <summary>A table's name: one or more namespace levels, and its own.</summary>
public sealed record TableIdentifier(IReadOnlyList<string> Namespace, string Name)
{
    /// <summary>Reads <c>namespace.table</c>.</summary>
    /// <exception cref="FormatException">The text has no dot, or an empty part.</exception>
    public static TableIdentifier Parse(string text)
    {
        string[] parts = text.Split('.');
        if (parts.Length < 2 || parts.Any(string.IsNullOrWhiteSpace))
        {
            throw new FormatException($"table identifier: expected namespace.table, got \"{text}\"");
        }

        return new TableIdentifier(parts[..^1], parts[^1]);
    }

    /// <inheritdoc />
    public bool Equals(TableIdentifier? other) =>
        other is not null && Name == other.Name && Namespace.SequenceEqual(other.Namespace);

    /// <inheritdoc />
    public override int GetHashCode() => Namespace.Aggregate(Name.GetHashCode(StringComparison.Ordinal), HashCode.Combine);

    /// <inheritdoc />
    public override string ToString() => string.Join('.', Namespace.Append(Name));
}

/// <summary>A table as a catalog gave it.</summary>
/// <param name="Identifier">Its name.</param>
/// <param name="Metadata">Its metadata.</param>
/// <param name="MetadataLocation">The file that holds them.</param>
/// <param name="Store">Where its files lie, with the credentials that the catalog lent for it.</param>
public sealed record LoadedTable(TableIdentifier Identifier, TableMetadata Metadata, string MetadataLocation, IObjectStore Store);

/// <summary>What a new table shall be.</summary>
public sealed record TableCreation
{
    /// <summary>Its schema; field ids are assigned anew from 1.</summary>
    public required Schema Schema { get; init; }

    /// <summary>Its spec, by source ids of <see cref="Schema"/>.</summary>
    public PartitionSpec? PartitionSpec { get; init; }

    /// <summary>Its order, by source ids of <see cref="Schema"/>.</summary>
    public SortOrder? SortOrder { get; init; }

    /// <summary>Where it shall lie; the catalog decides when null.</summary>
    public string? Location { get; init; }

    /// <summary>1 is refused; 2 by default; 3.</summary>
    public int FormatVersion { get; init; } = 2;

    /// <summary>Its properties.</summary>
    public IReadOnlyDictionary<string, string> Properties { get; init; } = new Dictionary<string, string>();
}

/// <summary>
/// One change of one table: applied whole if every requirement holds and nothing else was swapped in since
/// <paramref name="Base"/>, else not at all.
/// </summary>
/// <param name="Base">The state that the change was made on.</param>
/// <param name="Requirements">What must still hold (all that a REST catalog checks).</param>
/// <param name="Updates">The change, in order.</param>
public sealed record TableCommit(LoadedTable Base, IReadOnlyList<TableRequirement> Requirements, IReadOnlyList<TableUpdate> Updates);

/// <summary>How a swap ended.</summary>
public abstract record CommitResult
{
    private CommitResult() { }

    /// <summary>It is in, and this is the table with it.</summary>
    public sealed record Committed(LoadedTable Table) : CommitResult;

    /// <summary>It is not in and will not be: the base had moved or a requirement did not hold.</summary>
    public sealed record Conflict(string Reason) : CommitResult;

    /// <summary>It may be in, may come in yet, or not. Nothing that it names may be deleted.</summary>
    public sealed record Unknown(Exception Cause) : CommitResult;
}

/// <summary>Knows which metadata a table has, and swaps them.</summary>
public interface ICatalog
{
    /// <summary>The table, freshly read; null when there is none.</summary>
    Task<LoadedTable?> LoadTableAsync(TableIdentifier identifier, CancellationToken cancellationToken);

    /// <summary>
    /// Creates a table. <see cref="TableExistsException"/> when there is one; <see cref="NamespaceNotFoundException"/> when the
    /// namespace is missing, unless this catalog makes it by itself.
    /// </summary>
    Task<LoadedTable> CreateTableAsync(TableIdentifier identifier, TableCreation creation, CancellationToken cancellationToken);

    /// <summary>Swaps a table's metadata. Never retried inside; throws only for what is wrong with the commit itself.</summary>
    Task<CommitResult> CommitTableAsync(TableCommit commit, CancellationToken cancellationToken);

    /// <summary>Forgets a table; with <paramref name="purge"/> its files go too. False when there is none.</summary>
    Task<bool> DropTableAsync(TableIdentifier identifier, bool purge, CancellationToken cancellationToken);

    /// <summary>Whether there is a table of that name, without reading it.</summary>
    Task<bool> TableExistsAsync(TableIdentifier identifier, CancellationToken cancellationToken);

    /// <summary>
    /// Takes up a table by one of its metadata files. <see cref="TableExistsException"/> when the name is taken,
    /// <see cref="IcebergFormatException"/> when the file is none.
    /// </summary>
    Task<LoadedTable> RegisterTableAsync(TableIdentifier identifier, string metadataLocation, CancellationToken cancellationToken);

    /// <summary>
    /// Gives a table another name; its files stay where they are. False when there is none.
    /// <see cref="TableExistsException"/> when the name is taken; <see cref="NotSupportedException"/> where a table's name is its place.
    /// </summary>
    Task<bool> RenameTableAsync(TableIdentifier from, TableIdentifier to, CancellationToken cancellationToken);

    /// <summary>The tables of a namespace.</summary>
    Task<IReadOnlyList<TableIdentifier>> ListTablesAsync(IReadOnlyList<string> @namespace, CancellationToken cancellationToken);

    /// <summary>The namespaces, at every level.</summary>
    Task<IReadOnlyList<IReadOnlyList<string>>> ListNamespacesAsync(CancellationToken cancellationToken);

    /// <summary>Makes a namespace. False: there is one, and it was not touched.</summary>
    Task<bool> CreateNamespaceAsync(IReadOnlyList<string> @namespace, IReadOnlyDictionary<string, string> properties, CancellationToken cancellationToken);

    /// <summary>A namespace's properties; null when there is no such namespace.</summary>
    Task<IReadOnlyDictionary<string, string>?> LoadNamespaceAsync(IReadOnlyList<string> @namespace, CancellationToken cancellationToken);

    /// <summary>Sets and removes properties of a namespace; removing what is not there is no error. False when there is no such namespace.</summary>
    Task<bool> UpdateNamespaceAsync(
        IReadOnlyList<string> @namespace, IReadOnlyDictionary<string, string> updates, IReadOnlyCollection<string> removals, CancellationToken cancellationToken);

    /// <summary>Forgets an empty namespace. False when there is none; <see cref="NamespaceNotEmptyException"/> when something is in it.</summary>
    Task<bool> DropNamespaceAsync(IReadOnlyList<string> @namespace, CancellationToken cancellationToken);
}

/// <summary>A table of that name stands already.</summary>
public sealed class TableExistsException(TableIdentifier identifier) : Exception($"table {identifier} exists already");

/// <summary>A namespace is not there.</summary>
public sealed class NamespaceNotFoundException(IReadOnlyList<string> @namespace) : Exception($"namespace {string.Join('.', @namespace)} does not exist");

/// <summary>A namespace holds tables or other namespaces.</summary>
public sealed class NamespaceNotEmptyException(IReadOnlyList<string> @namespace) : Exception($"namespace {string.Join('.', @namespace)} is not empty");
