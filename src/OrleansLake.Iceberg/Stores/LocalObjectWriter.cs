namespace OrleansLake.Iceberg;

/// <summary>A file that is being written beside the place where it will stand.</summary>
internal sealed class LocalObjectWriter : ObjectWriter
{
    // What comes in larger pieces goes to the system as it is; of small ones few are written, by hundreds of files at once.
    private const int BufferBytes = 4 * 1024;

    private readonly string _location;
    private readonly string _path;
    private readonly string _temporary;
    private readonly FileStream _file;
    private bool _completed;
    private bool _disposed;

    public LocalObjectWriter(string location, string path, string temporary)
    {
        _location = location;
        _path = path;
        _temporary = temporary;
        LocalFiles.CreateDirectory(Path.GetDirectoryName(path)!);
        _file = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, BufferBytes);
    }

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => !_completed && !_disposed;

    public override long Length => _file.Length;

    public override long Position
    {
        get => _file.Position;
        set => throw new NotSupportedException("an object is written front to back");
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        try
        {
            _file.Write(buffer);
        }
        catch (IOException e)
        {
            throw LocalObjectStore.Named(_location, e);
        }
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
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
            _file.Flush(flushToDisk: true);
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
            try
            {
                _file.Dispose();
            }
            catch (IOException) when (!_completed)
            {
                // The disk is full and the last of the buffer does not fit: the file goes anyway.
            }

            if (!_completed)
            {
                File.Delete(_temporary);
            }
        }

        base.Dispose(disposing);
    }
}
