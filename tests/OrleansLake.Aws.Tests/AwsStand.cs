using Amazon.Runtime;
using Amazon.S3;
using OrleansLake.Iceberg;
using OrleansLake.Testing.Aws;

[assembly: AssemblyFixture(typeof(OrleansLake.Aws.Tests.AwsStand))]

namespace OrleansLake.Aws.Tests;

/// <summary>
/// The servers that the tests share: moto, before it one that checks signatures for S3 and fails when told. A test that
/// needs them skips where moto is absent.
/// </summary>
public sealed class AwsStand : IAsyncLifetime
{
    public const string AccessKey = "AKIATEST";
    public const string Secret = "s3cr3t/with+signs";
    public const string Region = "us-east-1";

    private int _buckets;
    private MotoServer? _moto;
    private AwsServer? _s3;

    public MotoServer Moto => _moto ?? throw new InvalidOperationException("moto is absent");

    /// <summary>S3, with signatures checked.</summary>
    public AwsServer S3 => _s3 ?? throw new InvalidOperationException("moto is absent");

    public S3StoreOptions Options => OptionsOf(S3);

    public static S3StoreOptions OptionsOf(AwsServer server) => new() { Endpoint = server.Address, PathStyle = true, AccessKeyId = AccessKey, SecretAccessKey = Secret, Region = Region };

    public static SigV4Check Signatures(string service) => new(id => id == AccessKey ? (Secret, null) : null, service, Region, TimeProvider.System);

    public static IdSource Ids(int seed = 1) => new(TimeProvider.System, new Random(seed));

    public static void SkipWithoutMoto() => Assert.SkipWhen(MotoServer.Absence is not null, MotoServer.Absence ?? "");

    public async ValueTask InitializeAsync()
    {
        // For what takes the SDK's default chain.
        Environment.SetEnvironmentVariable("AWS_ACCESS_KEY_ID", AccessKey);
        Environment.SetEnvironmentVariable("AWS_SECRET_ACCESS_KEY", Secret);
        if (MotoServer.Absence is null)
        {
            _moto = await MotoServer.StartAsync();
            _s3 = await AwsServer.StartBeforeAsync(_moto.Address, Signatures("s3"), isOneByOne: true); // of overlapping creations moto lets more than one succeed
        }
    }

    /// <summary>A bucket that nobody else has.</summary>
    public async Task<string> NewBucketAsync()
    {
        SkipWithoutMoto();
        string bucket = $"bucket-{Interlocked.Increment(ref _buckets)}";
        using var client = Client();
        await client.PutBucketAsync(bucket);
        return bucket;
    }

    /// <summary>The SDK's own client, to look and to prepare.</summary>
    public IAmazonS3 Client() => new AmazonS3Client(
        new BasicAWSCredentials(AccessKey, Secret), new AmazonS3Config { ServiceURL = S3.Address.ToString(), ForcePathStyle = true, AuthenticationRegion = Region });

    public S3ObjectStore Store(Func<S3StoreOptions, S3StoreOptions>? change = null) => new(change?.Invoke(Options) ?? Options, TimeProvider.System, Ids());

    public async ValueTask DisposeAsync()
    {
        if (_s3 is not null)
        {
            await _s3.DisposeAsync();
        }

        if (_moto is not null)
        {
            await _moto.DisposeAsync();
        }
    }
}
