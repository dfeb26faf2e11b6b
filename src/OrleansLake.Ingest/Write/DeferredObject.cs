using OrleansLake.Iceberg;

namespace OrleansLake.Ingest.Write;

/// <summary>
/// An object that is opened in its store only when more than a few bytes are written: a file that has only begun costs
/// neither a buffer nor a handle.
/// </summary>
internal sealed class DeferredObject(IObjectStore store, string location) : Stream
{
    private readonly byte[] _held = new byte[64];
    private int _heldCount;
    private ObjectWriter? _writer;

    /// <summary>Where it will stand.</summary>
    public string Location { get; } = location;

    /// <summary>Whether it stands there.</summary>
    public bool IsComplete { get; private set; }

    /// <summary>Bytes of memory that it holds, and the store for it.</summary>
    public long HeldBytes => _held.Length + (_writer?.HeldBytes ?? 0);

    /// <inheritdoc />
    public override bool CanRead => false;

    /// <inheritdoc />
    public override bool CanSeek => false;

    /// <inheritdoc />
    public override bool CanWrite => true;

    /// <inheritdoc />
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc />
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Makes it visible, whole and durable.</summary>
    public async Task CompleteAsync(CancellationToken cancellationToken)
    {
        if (IsComplete)
        {
            return;
        }

        var writer = Open();
        await writer.CompleteAsync(cancellationToken).ConfigureAwait(false);
        IsComplete = true;
        await writer.DisposeAsync().ConfigureAwait(false);
    }

    /// <inheritdoc />
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        if (_writer is null && _heldCount + buffer.Length <= _held.Length)
        {
            buffer.CopyTo(_held.AsSpan(_heldCount));
            _heldCount += buffer.Length;
            return;
        }

        Open().Write(buffer);
    }

    /// <inheritdoc />
    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <inheritdoc />
    public override void Flush() => _writer?.Flush();

    /// <inheritdoc />
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc />
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc />
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc />
    public override async ValueTask DisposeAsync()
    {
        if (_writer is not null)
        {
            await _writer.DisposeAsync().ConfigureAwait(false);
        }

        await base.DisposeAsync().ConfigureAwait(false);
    }

    /// <inheritdoc />
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _writer?.Dispose();
        }

        base.Dispose(disposing);
    }

    private ObjectWriter Open()
    {
        if (_writer is null)
        {
            _writer = store.OpenWrite(Location);
            _writer.Write(_held.AsSpan(0, _heldCount));
        }

        return _writer;
    }
}
