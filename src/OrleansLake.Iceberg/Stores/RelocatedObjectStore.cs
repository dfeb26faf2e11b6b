namespace OrleansLake.Iceberg;

/// <summary>A store for a table that was copied elsewhere: locations below its old place are looked for at its new one.</summary>
/// <param name="inner">Where the objects are.</param>
/// <param name="from">The old place, with a slash at the end.</param>
/// <param name="to">The new place, with a slash at the end.</param>
public sealed class RelocatedObjectStore(IObjectStore inner, string from, string to) : IObjectStore
{
    /// <inheritdoc />
    public Task<long> GetSizeAsync(string location, CancellationToken cancellationToken) => inner.GetSizeAsync(Moved(location), cancellationToken);

    /// <inheritdoc />
    public Task<ReadOnlyMemory<byte>> ReadAsync(string location, CancellationToken cancellationToken) => inner.ReadAsync(Moved(location), cancellationToken);

    /// <inheritdoc />
    public Task<ReadOnlyMemory<byte>> ReadRangeAsync(string location, long position, int length, CancellationToken cancellationToken) =>
        inner.ReadRangeAsync(Moved(location), position, length, cancellationToken);

    /// <inheritdoc />
    public ObjectWriter OpenWrite(string location) => inner.OpenWrite(Moved(location));

    /// <inheritdoc />
    public Task<bool> TryCreateAsync(string location, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) =>
        inner.TryCreateAsync(Moved(location), content, cancellationToken);

    /// <inheritdoc />
    public IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, CancellationToken cancellationToken) => inner.ListAsync(Moved(prefix), cancellationToken);

    /// <inheritdoc />
    public Task DeleteAsync(IReadOnlyCollection<string> locations, CancellationToken cancellationToken) =>
        inner.DeleteAsync([.. locations.Select(Moved)], cancellationToken);

    /// <inheritdoc />
    public Task<int> DeleteUnfinishedAsync(string prefix, DateTimeOffset begunBefore, CancellationToken cancellationToken) =>
        inner.DeleteUnfinishedAsync(Moved(prefix), begunBefore, cancellationToken);

    private string Moved(string location) => location.StartsWith(from, StringComparison.Ordinal) ? to + location[from.Length..] : location;
}
