using System.Globalization;

namespace OrleansLake.Aws;

/// <summary>How S3 encrypts what is written. https://docs.aws.amazon.com/AmazonS3/latest/userguide/serv-side-encryption.html</summary>
public enum S3Encryption
{
    /// <summary>As the bucket is set up.</summary>
    BucketDefault,

    /// <summary>With keys of S3 itself (SSE-S3).</summary>
    S3,

    /// <summary>With a key of KMS (SSE-KMS).</summary>
    Kms,

    /// <summary>Twice, with a key of KMS (DSSE-KMS).</summary>
    KmsDual,
}

/// <summary>How objects of S3, or of a server that speaks its protocol, are reached and written.</summary>
public sealed record S3StoreOptions
{
    /// <summary>The region; null: as the SDK finds it (<c>AWS_REGION</c>, profile, the machine's own).</summary>
    public string? Region { get; init; }

    /// <summary>Another server than AWS's: MinIO, Ceph.</summary>
    public Uri? Endpoint { get; init; }

    /// <summary>Whether buckets are in the path and not in the host's name.</summary>
    public bool PathStyle { get; init; }

    /// <summary>The access key; null: the SDK's default chain, an ECS task's role included.</summary>
    public string? AccessKeyId { get; init; }

    /// <summary>Its secret.</summary>
    public string? SecretAccessKey { get; init; }

    /// <summary>The token of temporary credentials.</summary>
    public string? SessionToken { get; init; }

    /// <summary>Whether the requester agrees to pay: buckets of others ask for it.</summary>
    public bool RequesterPays { get; init; }

    /// <summary>How what is written is encrypted.</summary>
    public S3Encryption Encryption { get; init; }

    /// <summary>The key of KMS; null: the account's own for S3.</summary>
    public string? KmsKeyId { get; init; }

    /// <summary>Whether KMS is asked once a bucket and while, not for each object; null: as the bucket is set up.</summary>
    public bool? BucketKey { get; init; }

    /// <summary>The storage class of what is written; null: the bucket's.</summary>
    public string? StorageClass { get; init; }

    /// <summary>Tags of every object that is written.</summary>
    public IReadOnlyDictionary<string, string> WriteTags { get; init; } = new Dictionary<string, string>();

    /// <summary>Whether what is written carries a CRC-32C, which the server checks. Old servers do not know it.</summary>
    public bool Checksums { get; init; } = true;

    /// <summary>Bytes of a part: what is larger is uploaded in parts while it is being written.</summary>
    public int PartSizeBytes { get; init; } = 8 << 20;

    /// <summary>How many parts of one object are under way at a time; each is in memory until it is through.</summary>
    public int PartsAtOnce { get; init; } = 3;

    /// <summary>How often a request is tried.</summary>
    public int MostAttempts { get; init; } = 8;

    /// <summary>
    /// Whether this client sends fewer requests a second while the server says SlowDown. It slows all prefixes of all buckets
    /// for one that is too busy, so it is not the default. https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
    /// </summary>
    public bool AdaptiveRetries { get; init; }

    /// <summary>How long one attempt may take.</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// Takes what properties say by the names that Iceberg's clients share over what these options say: <c>s3.endpoint</c>,
    /// <c>s3.path-style-access</c>, <c>s3.access-key-id</c>, <c>client.region</c>, <c>s3.sse.type</c>, <c>s3.write.tags.…</c>.
    /// https://iceberg.apache.org/docs/latest/aws/#s3-fileio
    /// </summary>
    /// <exception cref="ArgumentException">One of them is not what it should be.</exception>
    public S3StoreOptions With(IReadOnlyDictionary<string, string> properties)
    {
        bool hasKey = properties.ContainsKey("s3.access-key-id");
        const string tag = "s3.write.tags.";
        var tags = properties.Where(pair => pair.Key.StartsWith(tag, StringComparison.Ordinal)).ToDictionary(pair => pair.Key[tag.Length..], pair => pair.Value);
        return this with
        {
            Region = Text("client.region") ?? Text("s3.region") ?? Region,
            Endpoint = Text("s3.endpoint") is not { } endpoint ? Endpoint
                : Uri.TryCreate(endpoint, UriKind.Absolute, out var address) && address.Scheme is "http" or "https" ? new Uri(endpoint)
                : throw Wrong("s3.endpoint", "an http or https address", endpoint),
            PathStyle = Flag("s3.path-style-access") ?? PathStyle,
            AccessKeyId = hasKey ? Text("s3.access-key-id") : AccessKeyId,
            SecretAccessKey = hasKey ? Text("s3.secret-access-key") : SecretAccessKey,
            SessionToken = hasKey ? Text("s3.session-token") : SessionToken,
            RequesterPays = Flag("s3.requester-pays") ?? RequesterPays,
            Encryption = Text("s3.sse.type") switch
            {
                null => Encryption,
                "none" => S3Encryption.BucketDefault,
                "s3" => S3Encryption.S3,
                "kms" => S3Encryption.Kms,
                "dsse-kms" => S3Encryption.KmsDual,
                var other => throw Wrong("s3.sse.type", "none, s3, kms or dsse-kms", other),
            },
            KmsKeyId = Text("s3.sse.key") ?? KmsKeyId,
            BucketKey = Flag("s3.sse.bucket-key-enabled") ?? BucketKey,
            StorageClass = Text("s3.write.storage-class") ?? StorageClass,
            WriteTags = tags.Count > 0 ? tags : WriteTags,
            PartSizeBytes = Text("s3.multipart.part-size-bytes") is not { } size ? PartSizeBytes
                : int.TryParse(size, NumberStyles.None, CultureInfo.InvariantCulture, out int bytes) && bytes >= LeastPartBytes ? bytes
                : throw Wrong("s3.multipart.part-size-bytes", $"a number of at least {LeastPartBytes}", size),
        };

        string? Text(string name) => properties.TryGetValue(name, out string? value) && value.Length > 0 ? value : null;

        bool? Flag(string name) => Text(name) is not { } text ? null : bool.TryParse(text, out bool flag) ? flag : throw Wrong(name, "true or false", text);

        static ArgumentException Wrong(string name, string expected, string found) => new($"property {name}: expected {expected}, got \"{found}\"");
    }

    /// <summary>The least that S3 takes as a part that is not the last.</summary>
    internal const int LeastPartBytes = 5 << 20;

    /// <summary>Where, and nothing that is secret.</summary>
    public override string ToString() => Endpoint?.GetLeftPart(UriPartial.Path) ?? Region ?? "S3";
}
