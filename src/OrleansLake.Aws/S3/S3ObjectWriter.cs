using System.Buffers;
using Amazon.S3.Model;
using OrleansLake.Iceberg;

namespace OrleansLake.Aws;

/// <summary>
/// An object that is uploaded while it is being written: in parts, of which a few are in memory, or in one request when it is
/// smaller than a part. https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
/// </summary>
/// <remarks>One thread writes; uploads go on beside it, and a writer that is faster than they are waits.</remarks>
internal sealed class S3ObjectWriter : ObjectWriter
{
    private const int FirstBufferBytes = 64 << 10;

    // S3 takes 10,000 parts: each thousand of them is larger than the one before.
    private const int PartsOfOneSize = 1000;

    private readonly string _location;
    private readonly S3Location _at;
    private readonly S3ObjectStore _store;
    private readonly S3StoreOptions _options;
    private readonly string _writeId;
    private readonly SemaphoreSlim _slots;
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Task<PartETag>> _parts = [];
    private Task<string>? _upload;
    private byte[] _buffer = [];
    private int _buffered;
    private long _sendingBytes;
    private long _position;
    private bool _completed;
    private bool _disposed;

    public S3ObjectWriter(string location, S3Location at, S3ObjectStore store, S3StoreOptions options, string writeId)
    {
        (_location, _at, _store, _options, _writeId) = (location, at, store, options, writeId);
        _slots = new SemaphoreSlim(Math.Max(1, options.PartsAtOnce));
    }

    public override long HeldBytes => _buffer.Length + Interlocked.Read(ref _sendingBytes);

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => !_completed && !_disposed;

    public override long Length => _position;

    public override long Position
    {
        get => _position;
        set => throw new NotSupportedException("an object is written front to back");
    }

    private int PartBytes => checked(_options.PartSizeBytes * (1 + (_parts.Count / PartsOfOneSize)));

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        CheckWritable();
        while (buffer.Length > 0)
        {
            buffer = buffer[Fill(buffer)..];
            if (_buffered == PartBytes)
            {
                // The thread that writes is one of the caller's own: to wait here is to keep it from filling memory.
                _slots.Wait(_stop.Token);
                BeginPart();
            }
        }
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        CheckWritable();
        while (buffer.Length > 0)
        {
            buffer = buffer[Fill(buffer.Span)..];
            if (_buffered == PartBytes)
            {
                await _slots.WaitAsync(cancellationToken).ConfigureAwait(false);
                BeginPart();
            }
        }
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Flush()
    {
        // What was written is seen by nobody before it is complete: there is nothing that a flush would show.
    }

    public override async Task CompleteAsync(CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_completed)
        {
            throw new InvalidOperationException($"{_location} is complete already");
        }

        cancellationToken.ThrowIfCancellationRequested();
        if (_upload is null)
        {
            var content = new ArraySegment<byte>(_buffer, 0, _buffered);
            await _store.CallAsync(_location, s3 => s3.Client.PutObjectAsync(s3.Requests.Put(_at, content, writeId: null), cancellationToken), cancellationToken).ConfigureAwait(false);
        }
        else
        {
            if (_buffered > 0)
            {
                await _slots.WaitAsync(cancellationToken).ConfigureAwait(false);
                BeginPart();
            }

            var parts = await Task.WhenAll(_parts).WaitAsync(cancellationToken).ConfigureAwait(false);
            await CompleteUploadAsync(await _upload.ConfigureAwait(false), parts, cancellationToken).ConfigureAwait(false);
        }

        _completed = true;
        Return();
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override async ValueTask DisposeAsync()
    {
        if (!_disposed)
        {
            _disposed = true;
            await GiveUpAsync().ConfigureAwait(false);
        }

        await base.DisposeAsync().ConfigureAwait(false);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing && !_disposed)
        {
            _disposed = true;
            GiveUpAsync().GetAwaiter().GetResult();
        }

        base.Dispose(disposing);
    }

    private void CheckWritable()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_completed)
        {
            throw new InvalidOperationException($"{_location} is complete already");
        }

        // A part that failed for good is the failure of the whole, and told at once.
        if (_parts.Find(part => part.IsFaulted) is { } failed)
        {
            failed.GetAwaiter().GetResult();
        }
    }

    private int Fill(ReadOnlySpan<byte> from)
    {
        int part = PartBytes;
        int take = Math.Min(from.Length, part - _buffered);
        if (_buffered + take > _buffer.Length)
        {
            byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Min(part, Math.Max(FirstBufferBytes, Math.Max(_buffered + take, 2 * _buffer.Length))));
            _buffer.AsSpan(0, _buffered).CopyTo(larger);
            Return();
            _buffer = larger;
        }

        from[..take].CopyTo(_buffer.AsSpan(_buffered));
        _buffered += take;
        _position += take;
        return take;
    }

    /// <summary>Sends what is in the buffer on its way; a slot was taken for it.</summary>
    private void BeginPart()
    {
        _upload ??= InitiateAsync();
        Interlocked.Add(ref _sendingBytes, _buffer.Length);
        _parts.Add(UploadAsync(_upload, _parts.Count + 1, new ArraySegment<byte>(_buffer, 0, _buffered)));
        _buffer = [];
        _buffered = 0;
    }

    private async Task<string> InitiateAsync()
    {
        // Not to be stopped: an upload whose id never came back could not be given up.
        var response = await _store.CallAsync(
            _location, s3 => s3.Client.InitiateMultipartUploadAsync(s3.Requests.Initiate(_at, _writeId), CancellationToken.None), CancellationToken.None).ConfigureAwait(false);
        return response.UploadId;
    }

    private async Task<PartETag> UploadAsync(Task<string> upload, int number, ArraySegment<byte> content)
    {
        // Checksums are worked out beside the writer, not on its thread.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        try
        {
            string uploadId = await upload.ConfigureAwait(false);
            string? checksum = _options.Checksums ? Crc32C.HeaderOf(content) : null;
            var response = await _store.CallAsync(
                _location, s3 => s3.Client.UploadPartAsync(s3.Requests.Part(_at, uploadId, number, content, checksum), _stop.Token), _stop.Token).ConfigureAwait(false);
            return new PartETag(number, response.ETag) { ChecksumCRC32C = checksum };
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(content.Array!);
            Interlocked.Add(ref _sendingBytes, -content.Array!.Length);
            _slots.Release();
        }
    }

    private async Task CompleteUploadAsync(string uploadId, PartETag[] parts, CancellationToken cancellationToken)
    {
        var request = new CompleteMultipartUploadRequest
        {
            BucketName = _at.Bucket, Key = _at.Key, UploadId = uploadId, PartETags = [.. parts], RequestPayer = _options.RequesterPays ? Amazon.S3.RequestPayer.Requester : null,
        };
        try
        {
            await _store.CallAsync(_location, s3 => s3.Client.CompleteMultipartUploadAsync(request, cancellationToken), cancellationToken).ConfigureAwait(false);
        }
        catch (ObjectNotFoundException e)
        {
            // The upload is gone: by an earlier attempt of this request whose answer was lost, or by someone who cleans.
            if (!await _store.IsOursAsync(_location, _writeId, cancellationToken).ConfigureAwait(false))
            {
                throw new AwsException(_location, "its upload was given up by another before it was complete", "NoSuchUpload", e);
            }
        }
    }

    private async Task GiveUpAsync()
    {
        Return();
        if (!_completed && _upload is { } upload)
        {
            await _stop.CancelAsync().ConfigureAwait(false);
            try
            {
                await upload.ConfigureAwait(false);
                await Task.WhenAll(_parts).ConfigureAwait(false);
            }
            catch (Exception e) when (e is IOException or OperationCanceledException)
            {
                // Told to who wrote, or of no interest to who gives up.
            }

            if (upload.IsCompletedSuccessfully)
            {
                try
                {
                    await _store.AbortAsync(_at, await upload.ConfigureAwait(false), CancellationToken.None).ConfigureAwait(false);
                }
                catch (AwsException)
                {
                    // What stays is seen by nobody, and DeleteUnfinishedAsync finds it.
                }
            }
        }

        _stop.Dispose();
        _slots.Dispose();
    }

    private void Return()
    {
        if (_buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = [];
        }
    }
}
