using Amazon.S3;
using Amazon.S3.Model;

namespace OrleansLake.Aws;

/// <summary>Requests that make objects, with all that the options ask of one.</summary>
internal sealed class S3Requests(S3StoreOptions options)
{
    /// <summary>Tells a write from every other, so that one whose answer was lost can be found again.</summary>
    public const string WriteId = "orleanslake-write-id";

    // Over TLS the body need not be hashed a second time.
    private readonly bool _isPlain = options.Endpoint is { Scheme: "http" };

    /// <summary>Who pays; null: the owner.</summary>
    public RequestPayer? Payer => options.RequesterPays ? RequestPayer.Requester : null;

    /// <summary>One request for a whole object.</summary>
    public PutObjectRequest Put(S3Location at, ArraySegment<byte> content, string? writeId)
    {
        var request = new PutObjectRequest
        {
            BucketName = at.Bucket,
            Key = at.Key,
            InputStream = new MemoryStream(content.Array!, content.Offset, content.Count, writable: false),
            AutoCloseStream = false,
            UseChunkEncoding = false,
            DisablePayloadSigning = _isPlain ? null : true,
            ChecksumCRC32C = options.Checksums ? Crc32C.HeaderOf(content) : null,
            RequestPayer = Payer,
            TagSet = Tags(),
            StorageClass = Class,
            ServerSideEncryptionMethod = Method,
            ServerSideEncryptionKeyManagementServiceKeyId = Key,
        };
        request.Headers.ContentLength = content.Count;
        if (options.BucketKey is { } bucketKey && UsesKms)
        {
            request.BucketKeyEnabled = bucketKey;
        }

        if (writeId is not null)
        {
            request.Metadata.Add(WriteId, writeId);
        }

        return request;
    }

    /// <summary>Begins an object of parts.</summary>
    public InitiateMultipartUploadRequest Initiate(S3Location at, string writeId)
    {
        var request = new InitiateMultipartUploadRequest
        {
            BucketName = at.Bucket,
            Key = at.Key,
            ChecksumAlgorithm = options.Checksums ? ChecksumAlgorithm.CRC32C : null,
            RequestPayer = Payer,
            TagSet = Tags(),
            StorageClass = Class,
            ServerSideEncryptionMethod = Method,
            ServerSideEncryptionKeyManagementServiceKeyId = Key,
        };
        if (options.BucketKey is { } bucketKey && UsesKms)
        {
            request.BucketKeyEnabled = bucketKey;
        }

        request.Metadata.Add(WriteId, writeId);
        return request;
    }

    /// <summary>One of its parts.</summary>
    public UploadPartRequest Part(S3Location at, string uploadId, int number, ArraySegment<byte> content, string? checksum) => new()
    {
        BucketName = at.Bucket,
        Key = at.Key,
        UploadId = uploadId,
        PartNumber = number,
        PartSize = content.Count,
        InputStream = new MemoryStream(content.Array!, content.Offset, content.Count, writable: false),
        UseChunkEncoding = false,
        DisablePayloadSigning = _isPlain ? null : true,
        ChecksumCRC32C = checksum,
        RequestPayer = Payer,
    };

    private bool UsesKms => options.Encryption is S3Encryption.Kms or S3Encryption.KmsDual;

    private string? Key => UsesKms ? options.KmsKeyId : null;

    private S3StorageClass? Class => options.StorageClass is { } name ? S3StorageClass.FindValue(name) : null;

    private ServerSideEncryptionMethod? Method => options.Encryption switch
    {
        S3Encryption.S3 => ServerSideEncryptionMethod.AES256,
        S3Encryption.Kms => ServerSideEncryptionMethod.AWSKMS,
        S3Encryption.KmsDual => ServerSideEncryptionMethod.AWSKMSDSSE,
        _ => null,
    };

    private List<Tag> Tags() => [.. options.WriteTags.Select(tag => new Tag { Key = tag.Key, Value = tag.Value })];
}
