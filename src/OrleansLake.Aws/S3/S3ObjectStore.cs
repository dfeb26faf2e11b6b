using System.Net;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using OrleansLake.Iceberg;

namespace OrleansLake.Aws;

/// <summary>
/// Objects of S3, and of servers that speak its protocol. https://docs.aws.amazon.com/AmazonS3/latest/API/Welcome.html
/// </summary>
/// <remarks>
/// Invariants: an object is created by one conditional request (<c>If-None-Match: *</c>), so of many that create it one
/// succeeds; a write whose answer was lost is known by the id that it left in the object's metadata. An object of parts is
/// seen by nobody before its upload is completed. A body that breaks off is read on where it broke, of the same version.
/// </remarks>
public sealed class S3ObjectStore : IObjectStore, IDisposable
{
    private const int KeysAtOnce = 1000;
    private const int BodyAttempts = 5;
    private const int DeletesAtOnce = 4;
    private const int DeleteRounds = 6;

    private readonly S3Clients _clients;
    private readonly S3StoreOptions _options;
    private readonly IdSource _ids;
    private readonly TimeProvider _time;

    /// <summary>Objects by the options' own credentials, or those of the SDK's default chain.</summary>
    public S3ObjectStore(S3StoreOptions options, TimeProvider time, IdSource ids)
        : this(new OneS3Client(options), options, time, ids)
    {
    }

    private S3ObjectStore(S3Clients clients, S3StoreOptions options, TimeProvider time, IdSource ids) =>
        (_clients, _options, _time, _ids) = (clients, options, time, ids);

    /// <summary>
    /// Stores of a REST catalog's tables: with what it lends for each, over what these options say. For
    /// <see cref="RestCatalogOptions.Stores"/>.
    /// </summary>
    public static IReadOnlyDictionary<string, Func<LentStorage, IObjectStore>> Lent(S3StoreOptions options, TimeProvider time, IdSource ids) =>
        S3Location.Prefixes.ToDictionary(
            prefix => prefix, Func<LentStorage, IObjectStore> (_) => lent => new S3ObjectStore(new LentS3Clients(lent, options), options, time, ids));

    private RequestPayer? Payer => _options.RequesterPays ? RequestPayer.Requester : null;

    /// <inheritdoc />
    public async Task<long> GetSizeAsync(string location, CancellationToken cancellationToken)
    {
        var head = await HeadAsync(location, cancellationToken).ConfigureAwait(false) ?? throw new ObjectNotFoundException(location);
        return head.ContentLength;
    }

    /// <inheritdoc />
    public Task<ReadOnlyMemory<byte>> ReadAsync(string location, CancellationToken cancellationToken) => DownloadAsync(location, 0, null, cancellationToken);

    /// <inheritdoc />
    public async Task<ReadOnlyMemory<byte>> ReadRangeAsync(string location, long position, int length, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(position);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        if (length > 0)
        {
            return await DownloadAsync(location, position, length, cancellationToken).ConfigureAwait(false);
        }

        // HTTP has no range of no bytes.
        long size = await GetSizeAsync(location, cancellationToken).ConfigureAwait(false);
        return position <= size ? ReadOnlyMemory<byte>.Empty : throw PastEnd(location, position, length, size);
    }

    /// <inheritdoc />
    public ObjectWriter OpenWrite(string location) =>
        new S3ObjectWriter(location, S3Location.ParseObject(location), this, _options, _ids.NewUuid().ToString("N"));

    /// <inheritdoc />
    public async Task<bool> TryCreateAsync(string location, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        var at = S3Location.ParseObject(location);
        if (!MemoryMarshal.TryGetArray(content, out var bytes))
        {
            bytes = content.ToArray();
        }

        string writeId = _ids.NewUuid().ToString("N");
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                await CallAsync(location, s3 => s3.Client.PutObjectAsync(Request(s3.Requests), cancellationToken), cancellationToken).ConfigureAwait(false);
                return true;
            }
            catch (AwsException e) when (e.InnerException is AmazonS3Exception { StatusCode: HttpStatusCode.PreconditionFailed })
            {
                // It may have been sent twice: then what stands there is ours.
                return await IsOursAsync(location, writeId, cancellationToken).ConfigureAwait(false);
            }
            catch (AwsException e) when (e.InnerException is AmazonS3Exception { StatusCode: HttpStatusCode.Conflict } && attempt < _options.MostAttempts)
            {
                // Another conditional write was under way, and S3 did not wait to see which one wins.
                await PauseAsync(attempt, cancellationToken).ConfigureAwait(false);
            }
        }

        PutObjectRequest Request(S3Requests requests)
        {
            var request = requests.Put(at, bytes, writeId);
            request.IfNoneMatch = "*";
            return request;
        }
    }

    /// <inheritdoc />
    public async IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var at = ParsePrefix(prefix);
        string bucket = prefix[..(prefix.Length - at.Key.Length)];
        var request = new ListObjectsV2Request { BucketName = at.Bucket, Prefix = at.Key, MaxKeys = KeysAtOnce, RequestPayer = Payer };
        do
        {
            var page = await CallAsync(prefix, s3 => s3.Client.ListObjectsV2Async(request, cancellationToken), cancellationToken).ConfigureAwait(false);
            foreach (var one in page.S3Objects ?? [])
            {
                yield return new ObjectInfo(bucket + one.Key, one.Size ?? 0, new DateTimeOffset(one.LastModified?.ToUniversalTime() ?? default, TimeSpan.Zero));
            }

            request.ContinuationToken = page.IsTruncated == true ? page.NextContinuationToken : null;
        }
        while (request.ContinuationToken is not null);
    }

    /// <inheritdoc />
    public Task DeleteAsync(IReadOnlyCollection<string> locations, CancellationToken cancellationToken)
    {
        var batches = locations.Select(location => (Location: location, At: S3Location.ParseObject(location)))
            .GroupBy(one => one.At.Bucket)
            .SelectMany(bucket => bucket.Select(one => one.At.Key).Distinct().Chunk(KeysAtOnce).Select(keys => (Bucket: bucket.Key, Keys: keys)))
            .ToList();
        return Parallel.ForEachAsync(
            batches, new ParallelOptions { MaxDegreeOfParallelism = DeletesAtOnce, CancellationToken = cancellationToken },
            async (batch, token) => await DeleteAsync(batch.Bucket, batch.Keys, token).ConfigureAwait(false));
    }

    /// <inheritdoc />
    public async Task<int> DeleteUnfinishedAsync(string prefix, DateTimeOffset begunBefore, CancellationToken cancellationToken)
    {
        var at = ParsePrefix(prefix);
        var request = new ListMultipartUploadsRequest { BucketName = at.Bucket, Prefix = at.Key, RequestPayer = Payer };
        int deleted = 0;
        for (bool more = true; more;)
        {
            var page = await CallAsync(prefix, s3 => s3.Client.ListMultipartUploadsAsync(request, cancellationToken), cancellationToken).ConfigureAwait(false);
            foreach (var upload in page.MultipartUploads ?? [])
            {
                if (upload.Initiated?.ToUniversalTime() < begunBefore.UtcDateTime && await AbortAsync(new S3Location(at.Bucket, upload.Key), upload.UploadId, cancellationToken).ConfigureAwait(false))
                {
                    deleted++;
                }
            }

            more = page.IsTruncated == true;
            (request.KeyMarker, request.UploadIdMarker) = (page.NextKeyMarker, page.NextUploadIdMarker);
        }

        return deleted;
    }

    /// <inheritdoc />
    public void Dispose() => _clients.Dispose();

    /// <summary>Whether the object that stands at a location is the one that a write with this id made.</summary>
    internal async Task<bool> IsOursAsync(string location, string writeId, CancellationToken cancellationToken) =>
        await HeadAsync(location, cancellationToken).ConfigureAwait(false) is { } head && head.Metadata[S3Requests.WriteId] == writeId;

    /// <summary>Gives an upload up. False: it was done or given up already.</summary>
    internal async Task<bool> AbortAsync(S3Location at, string uploadId, CancellationToken cancellationToken)
    {
        try
        {
            await CallAsync(
                $"s3://{at.Bucket}/{at.Key}",
                s3 => s3.Client.AbortMultipartUploadAsync(
                    new AbortMultipartUploadRequest { BucketName = at.Bucket, Key = at.Key, UploadId = uploadId, RequestPayer = Payer }, cancellationToken),
                cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (ObjectNotFoundException)
        {
            return false;
        }
    }

    /// <summary>Sends a request; what goes wrong is said of a location.</summary>
    internal async Task<T> CallAsync<T>(string location, Func<S3Session, Task<T>> call, CancellationToken cancellationToken)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                return await call(await _clients.GetAsync(cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
            }
            catch (Exception e) when (AwsFailures.IsMissing(e))
            {
                throw new ObjectNotFoundException(location, e);
            }
            catch (AmazonClientException e) when (e.Message.Contains("capacity", StringComparison.Ordinal) && attempt < _options.MostAttempts)
            {
                // Adaptive mode gives up when it holds requests back for longer than it likes; nothing was sent meanwhile.
                await PauseAsync(attempt, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception e) when (AwsFailures.IsFailure(e, cancellationToken))
            {
                throw AwsFailures.Named(location, e);
            }
        }
    }

    /// <summary>A pause that grows, of a length that no two callers share.</summary>
    private Task PauseAsync(int attempt, CancellationToken cancellationToken)
    {
        int most = 50 << Math.Min(attempt, 8);
        return Task.Delay(TimeSpan.FromMilliseconds((most / 2) + (_ids.NewSnapshotId() % (most / 2))), _time, cancellationToken);
    }

    private async Task<GetObjectMetadataResponse?> HeadAsync(string location, CancellationToken cancellationToken)
    {
        var at = S3Location.ParseObject(location);
        try
        {
            return await CallAsync(
                location,
                s3 => s3.Client.GetObjectMetadataAsync(new GetObjectMetadataRequest { BucketName = at.Bucket, Key = at.Key, RequestPayer = Payer }, cancellationToken),
                cancellationToken).ConfigureAwait(false);
        }
        catch (ObjectNotFoundException)
        {
            return null;
        }
    }

    private async Task<ReadOnlyMemory<byte>> DownloadAsync(string location, long position, int? length, CancellationToken cancellationToken)
    {
        var at = S3Location.ParseObject(location);
        byte[]? bytes = null;
        string? etag = null;
        int filled = 0;
        for (int attempt = 1; ; attempt++)
        {
            var request = new GetObjectRequest { BucketName = at.Bucket, Key = at.Key, RequestPayer = Payer, EtagToMatch = etag };
            if (length is { } wanted)
            {
                request.ByteRange = new ByteRange(position + filled, position + wanted - 1);
            }
            else if (filled > 0)
            {
                request.ByteRange = new ByteRange(filled, bytes!.Length - 1);
            }

            try
            {
                using var response = await CallAsync(location, s3 => s3.Client.GetObjectAsync(request, cancellationToken), cancellationToken).ConfigureAwait(false);
                int rest = checked((int)response.ContentLength);
                if (bytes is null)
                {
                    if (length is { } all && rest < all)
                    {
                        throw PastEnd(location, position, all, position + rest);
                    }

                    bytes = GC.AllocateUninitializedArray<byte>(length ?? rest);
                    etag = response.ETag;
                }

                filled = await FillAsync(response.ResponseStream, bytes, filled, cancellationToken).ConfigureAwait(false);
                if (filled == bytes.Length)
                {
                    return length is null ? Checked(location, bytes, response) : bytes;
                }
            }
            catch (AwsException e) when (e.InnerException is AmazonS3Exception { StatusCode: HttpStatusCode.RequestedRangeNotSatisfiable })
            {
                throw PastEnd(location, position, length ?? 0, null);
            }
            catch (AmazonClientException e)
            {
                throw AwsFailures.Named(location, e); // the SDK compares what was read with the ETag where that is an MD5
            }
            catch (BrokenOffException e)
            {
                filled = e.Filled;
                if (attempt >= BodyAttempts)
                {
                    throw new AwsException(location, $"expected {bytes!.Length} bytes, got {filled} and then: {e.InnerException!.Message}", inner: e.InnerException);
                }
            }

            if (attempt >= BodyAttempts)
            {
                throw new AwsException(location, $"expected {bytes!.Length} bytes, got {filled}");
            }

            await PauseAsync(attempt, cancellationToken).ConfigureAwait(false);
        }
    }

    private static async Task<int> FillAsync(Stream body, byte[] bytes, int filled, CancellationToken cancellationToken)
    {
        try
        {
            while (filled < bytes.Length)
            {
                int read = await body.ReadAsync(bytes.AsMemory(filled), cancellationToken).ConfigureAwait(false);
                if (read == 0)
                {
                    break;
                }

                filled += read;
            }

            return filled;
        }
        catch (Exception e) when (AwsFailures.IsFailure(e, cancellationToken))
        {
            throw new BrokenOffException(filled, e);
        }
    }

    // Objects that were put whole have a checksum of all their bytes; those of parts have one of the parts' checksums, with a dash.
    private static byte[] Checked(string location, byte[] bytes, GetObjectResponse response)
    {
        if (response.ChecksumCRC32C is { Length: > 0 } expected && !expected.Contains('-', StringComparison.Ordinal) && response.ChecksumType != ChecksumType.COMPOSITE)
        {
            string found = Crc32C.HeaderOf(bytes);
            return found == expected ? bytes : throw new AwsException(location, $"expected bytes with the CRC-32C {expected}, got {found}");
        }

        return bytes;
    }

    private async Task DeleteAsync(string bucket, IReadOnlyList<string> keys, CancellationToken cancellationToken)
    {
        string place = $"s3://{bucket}/{keys[0]}" + (keys.Count > 1 ? $" and {keys.Count - 1} others" : "");
        for (int round = 1; ; round++)
        {
            List<DeleteError> errors = [];
            try
            {
                var request = new DeleteObjectsRequest { BucketName = bucket, Quiet = true, RequestPayer = Payer, Objects = [.. keys.Select(key => new KeyVersion { Key = key })] };
                await CallAsync(place, s3 => s3.Client.DeleteObjectsAsync(request, cancellationToken), cancellationToken).ConfigureAwait(false);
                return;
            }
            catch (AwsException e) when (e.InnerException is DeleteObjectsException partly)
            {
                errors = [.. (partly.Response.DeleteErrors ?? []).Where(error => error.Code != "NoSuchKey")];
            }

            if (errors.Count == 0)
            {
                return;
            }

            // A batch may succeed as a request and fail for some of its keys.
            if (round >= DeleteRounds || errors.Any(error => error.Code is not ("SlowDown" or "InternalError" or "ServiceUnavailable")))
            {
                throw new AwsException($"s3://{bucket}/{errors[0].Key}", $"not deleted, like {errors.Count - 1} others: {errors[0].Message}", errors[0].Code);
            }

            keys = [.. errors.Select(error => error.Key)];
            await PauseAsync(round, cancellationToken).ConfigureAwait(false);
        }
    }

    private static S3Location ParsePrefix(string prefix) =>
        prefix.EndsWith('/') ? S3Location.Parse(prefix) : throw new ArgumentException($"expected a prefix that ends with a slash, got {prefix}");

    private static EndOfStreamException PastEnd(string location, long position, int length, long? end) =>
        new($"{location}: expected {length} bytes from {position}, got the end{(end is { } at ? $" at {at}" : "")}");

    private sealed class BrokenOffException(int filled, Exception inner) : Exception(inner.Message, inner)
    {
        public int Filled => filled;
    }
}
