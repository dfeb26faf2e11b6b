using System.Buffers;

namespace OrleansLake.Iceberg;

/// <summary>A file that is being written beside the place where it will stand.</summary>
internal sealed class LocalObjectWriter : ObjectWriter
{
    private const int BufferBytes = 64 * 1024;

    /// <summary>What comes in such pieces goes to the system as it is.</summary>
    private const int PieceBytes = 4 * 1024;

    private readonly string _location;
    private readonly string _path;
    private readonly string _temporary;
    private readonly FileStream _file;
    private byte[] _buffer = [];
    private int _buffered;
    private bool _completed;
    private bool _disposed;

    public LocalObjectWriter(string location, string path, string temporary)
    {
        _location = location;
        _path = path;
        _temporary = temporary;
        LocalFiles.CreateDirectory(Path.GetDirectoryName(path)!);
        _file = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0);
    }

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => !_completed && !_disposed;

    public override long Length => _file.Length + _buffered;

    public override long Position
    {
        get => _file.Position + _buffered;
        set => throw new NotSupportedException("an object is written front to back");
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        ObjectDisposedException.ThrowIf(!CanWrite, this);
        try
        {
            if (_buffered + buffer.Length > BufferBytes || (_buffered == 0 && buffer.Length >= PieceBytes))
            {
                Flush(toDisk: false);
                if (buffer.Length >= PieceBytes)
                {
                    _file.Write(buffer);
                    return;
                }
            }

            if (_buffer.Length == 0)
            {
                _buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
            }

            buffer.CopyTo(_buffer.AsSpan(_buffered));
            _buffered += buffer.Length;
        }
        catch (IOException e)
        {
            throw LocalObjectStore.Named(_location, e);
        }
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.Length < PieceBytes)
        {
            Write(buffer.Span);
            return;
        }

        ObjectDisposedException.ThrowIf(!CanWrite, this);
        try
        {
            await _file.WriteAsync(_buffer.AsMemory(0, _buffered), cancellationToken).ConfigureAwait(false);
            _buffered = 0;
            await _file.WriteAsync(buffer, cancellationToken).ConfigureAwait(false);
        }
        catch (IOException e)
        {
            throw LocalObjectStore.Named(_location, e);
        }
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Flush()
    {
        // What was written is seen by nobody before it is complete: there is nothing that a flush would show.
    }

    public override Task CompleteAsync(CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_completed)
        {
            throw new InvalidOperationException($"{_location} is complete already");
        }

        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            Flush(toDisk: true);
            _file.Dispose();
            File.Move(_temporary, _path, overwrite: true);
            _completed = true;
            LocalFiles.Sync(Path.GetDirectoryName(_path)!);
            return Task.CompletedTask;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw LocalObjectStore.Named(_location, e);
        }
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing && !_disposed)
        {
            _disposed = true;
            _file.Dispose();
            GiveBack();
            if (!_completed)
            {
                File.Delete(_temporary);
            }
        }

        base.Dispose(disposing);
    }

    private void Flush(bool toDisk)
    {
        if (_buffered > 0)
        {
            _file.Write(_buffer.AsSpan(0, _buffered));
            _buffered = 0;
        }

        if (toDisk)
        {
            _file.Flush(flushToDisk: true);
            GiveBack();
        }
    }

    private void GiveBack()
    {
        if (_buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
            (_buffer, _buffered) = ([], 0);
        }
    }
}
