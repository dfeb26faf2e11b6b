using OrleansLake.Iceberg;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Read;

/// <summary>
/// An object of a store as the Parquet reader wants it: in ranges, asynchronously. What it did not foresee is waited for;
/// small objects are read whole, once.
/// </summary>
internal sealed class ObjectBytes : ByteSource
{
    private const int WholeBytes = 1 << 20;

    private readonly IObjectStore _store;
    private readonly string _location;
    private readonly CancellationToken _cancellationToken;

    private ObjectBytes(IObjectStore store, string location, long length, CancellationToken cancellationToken)
    {
        _store = store;
        _location = location;
        Length = length;
        _cancellationToken = cancellationToken;
    }

    /// <inheritdoc />
    public override long Length { get; }

    /// <summary>Opens an object of a known size.</summary>
    public static async Task<ByteSource> OpenAsync(IObjectStore store, string location, long length, CancellationToken cancellationToken) => length <= WholeBytes
        ? From(await store.ReadAsync(location, cancellationToken).ConfigureAwait(false))
        : new ObjectBytes(store, location, length, cancellationToken);

    /// <inheritdoc />
    public override void Read(long position, Span<byte> destination) =>
        _store.ReadRangeAsync(_location, position, destination.Length, _cancellationToken).GetAwaiter().GetResult().Span.CopyTo(destination);

    /// <inheritdoc />
    public override async ValueTask ReadAsync(long position, Memory<byte> destination, CancellationToken cancellationToken)
    {
        var bytes = await _store.ReadRangeAsync(_location, position, destination.Length, cancellationToken).ConfigureAwait(false);
        bytes.CopyTo(destination);
    }
}
