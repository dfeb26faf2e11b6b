using System.Buffers;
using OrleansLake.Iceberg;

namespace OrleansLake.Ingest.Write;

/// <summary>
/// An object that is opened in its store only when more than a few bytes are written: a file that has only begun costs
/// neither a buffer nor a handle. Small writes are gathered until <see cref="Flush"/>, so that a small file is one write.
/// </summary>
internal sealed class DeferredObject(IObjectStore store, string location) : Stream
{
    private const int FewBytes = 64;
    private const int GatheredBytes = 64 * 1024;

    private byte[] _held = new byte[FewBytes];
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

        Flush();
        var writer = Open();
        await writer.CompleteAsync(cancellationToken).ConfigureAwait(false);
        IsComplete = true;
        await writer.DisposeAsync().ConfigureAwait(false);
    }

    /// <inheritdoc />
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        if (_heldCount + buffer.Length > _held.Length)
        {
            bool isLarge = buffer.Length > GatheredBytes / 2;
            if (isLarge || _heldCount + buffer.Length > GatheredBytes)
            {
                Flush();
            }

            if (isLarge)
            {
                Open().Write(buffer);
                return;
            }

            if (_held.Length < GatheredBytes)
            {
                byte[] gathered = ArrayPool<byte>.Shared.Rent(GatheredBytes);
                _held.AsSpan(0, _heldCount).CopyTo(gathered);
                _held = gathered;
            }
        }

        buffer.CopyTo(_held.AsSpan(_heldCount));
        _heldCount += buffer.Length;
    }

    /// <inheritdoc />
    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <summary>Hands over what was gathered, and gives its memory back.</summary>
    public override void Flush()
    {
        if (_heldCount > 0)
        {
            Open().Write(_held.AsSpan(0, _heldCount));
            _heldCount = 0;
        }

        GiveBack();
    }

    /// <inheritdoc />
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc />
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc />
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc />
    public override async ValueTask DisposeAsync()
    {
        GiveBack();
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
            GiveBack();
            _writer?.Dispose();
        }

        base.Dispose(disposing);
    }

    private ObjectWriter Open() => _writer ??= store.OpenWrite(Location);

    private void GiveBack()
    {
        if (_held.Length >= GatheredBytes)
        {
            ArrayPool<byte>.Shared.Return(_held);
        }

        (_held, _heldCount) = ([], 0);
    }
}
