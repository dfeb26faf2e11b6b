namespace OrleansLake.Iceberg;

/// <summary>
/// Objects by location: what the library asks of a file system or S3. A location is whatever the table's metadata says
/// (an absolute path, <c>file:///…</c>, <c>s3://bucket/key</c>). A missing object is an <see cref="ObjectNotFoundException"/>.
/// </summary>
public interface IObjectStore
{
    /// <summary>Size in bytes.</summary>
    Task<long> GetSizeAsync(string location, CancellationToken cancellationToken);

    /// <summary>The whole object.</summary>
    Task<ReadOnlyMemory<byte>> ReadAsync(string location, CancellationToken cancellationToken);

    /// <summary>A part of it. Reading past the end is an <see cref="EndOfStreamException"/>.</summary>
    Task<ReadOnlyMemory<byte>> ReadRangeAsync(string location, long position, int length, CancellationToken cancellationToken);

    /// <summary>
    /// Opens a new object for writing. It is seen by nobody before <see cref="ObjectWriter.CompleteAsync"/> returned, and
    /// whole and durable after; a writer that is disposed without it leaves nothing. An object that stands there is replaced.
    /// </summary>
    ObjectWriter OpenWrite(string location);

    /// <summary>Creates a whole object if none stands there. False: one does, and it was not touched.</summary>
    Task<bool> TryCreateAsync(string location, ReadOnlyMemory<byte> content, CancellationToken cancellationToken);

    /// <summary>Every object below a prefix that ends with a slash, in no order.</summary>
    IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, CancellationToken cancellationToken);

    /// <summary>Deletes objects; missing ones count as deleted.</summary>
    Task DeleteAsync(IReadOnlyCollection<string> locations, CancellationToken cancellationToken);

    /// <summary>
    /// Deletes what dead writers left below a prefix that ends with a slash: objects that were begun before a time and not
    /// completed, which no listing shows. Gives their number. A store in which nothing of them stays has nothing to do.
    /// </summary>
    Task<int> DeleteUnfinishedAsync(string prefix, DateTimeOffset begunBefore, CancellationToken cancellationToken) => Task.FromResult(0);
}

/// <summary>One object of a listing.</summary>
public readonly record struct ObjectInfo(string Location, long SizeBytes, DateTimeOffset LastModified);

/// <summary>An object that is being written, front to back.</summary>
public abstract class ObjectWriter : Stream
{
    /// <summary>Bytes of memory that it holds: what was written and is still on its way. Asked on the thread that writes.</summary>
    public virtual long HeldBytes => 0;

    /// <summary>Makes the object visible, whole and durable.</summary>
    public abstract Task CompleteAsync(CancellationToken cancellationToken);
}

/// <summary>Nothing stands at a location.</summary>
public sealed class ObjectNotFoundException(string location, Exception? inner = null)
    : IOException($"no object at {location}", inner)
{
    /// <summary>Where.</summary>
    public string Location { get; } = location;
}
