using Amazon;
using Amazon.Runtime;
using Amazon.S3;
using OrleansLake.Iceberg;

namespace OrleansLake.Aws;

/// <summary>A client, and the requests that go with what it was made of.</summary>
internal sealed record S3Session(IAmazonS3 Client, S3Requests Requests);

/// <summary>Gives the client to use now.</summary>
internal abstract class S3Clients : IDisposable
{
    /// <summary>The client, with credentials that are good.</summary>
    public abstract ValueTask<S3Session> GetAsync(CancellationToken cancellationToken);

    public abstract void Dispose();

    /// <summary>A client by options and whatever credentials they or the SDK's default chain have.</summary>
    internal static AmazonS3Client Create(S3StoreOptions options, AWSCredentials? credentials = null)
    {
        var config = new AmazonS3Config
        {
            // Both make pauses that grow, with jitter; adaptive also sends fewer requests a second while the server says SlowDown.
            RetryMode = options.AdaptiveRetries ? RequestRetryMode.Adaptive : RequestRetryMode.Standard,
            MaxErrorRetry = Math.Max(0, options.MostAttempts - 1),
            Timeout = options.RequestTimeout,
            ForcePathStyle = options.PathStyle,
            // Checksums are ours, as CRC-32C: the SDK's own would be a second one.
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
        };
        if (options.Endpoint is { } endpoint)
        {
            config.ServiceURL = endpoint.OriginalString;
            config.AuthenticationRegion = options.Region ?? "us-east-1";
        }
        else if (options.Region is { } region)
        {
            config.RegionEndpoint = RegionEndpoint.GetBySystemName(region);
        }

        credentials ??= options.AccessKeyId is { } id
            ? options.SessionToken is { } token ? new SessionAWSCredentials(id, options.SecretAccessKey, token) : new BasicAWSCredentials(id, options.SecretAccessKey)
            : null;
        return credentials is null ? new AmazonS3Client(config) : new AmazonS3Client(credentials, config);
    }
}

/// <summary>One client for good.</summary>
internal sealed class OneS3Client(S3StoreOptions options) : S3Clients
{
    private readonly S3Session _session = new(Create(options), new S3Requests(options));

    public override ValueTask<S3Session> GetAsync(CancellationToken cancellationToken) => new(_session);

    public override void Dispose() => _session.Client.Dispose();
}

/// <summary>Clients with what a catalog lends: a new one when it lends something else, as it does when credentials are renewed.</summary>
internal sealed class LentS3Clients(LentStorage lent, S3StoreOptions own) : S3Clients
{
    private readonly Lock _lock = new();
    private (S3StoreOptions Options, S3Session Session)? _newest;

    public override async ValueTask<S3Session> GetAsync(CancellationToken cancellationToken)
    {
        var config = await lent.GetConfigAsync(cancellationToken).ConfigureAwait(false);
        if (config.GetValueOrDefault("s3.remote-signing-enabled") == "true" && !config.ContainsKey("s3.access-key-id"))
        {
            throw new NotSupportedException("this catalog signs requests to S3 itself (s3.remote-signing-enabled), which is not supported: have it lend credentials");
        }

        var options = own.With(config);
        lock (_lock)
        {
            // The one before is not disposed: requests may be under way on it, and it holds no handle of its own.
            if (_newest is not { } newest || !IsSame(newest.Options, options))
            {
                _newest = newest = (options, new S3Session(Create(options), new S3Requests(options)));
            }

            return newest.Session;
        }
    }

    public override void Dispose()
    {
        lock (_lock)
        {
            _newest?.Session.Client.Dispose();
            _newest = null;
        }
    }

    private static bool IsSame(S3StoreOptions before, S3StoreOptions now) =>
        before with { WriteTags = now.WriteTags } == now && before.WriteTags.OrderBy(tag => tag.Key).SequenceEqual(now.WriteTags.OrderBy(tag => tag.Key));
}
