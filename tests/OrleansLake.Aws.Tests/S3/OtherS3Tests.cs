using Amazon.Runtime;
using Amazon.S3;
using OrleansLake.Iceberg;
using OrleansLake.Testing;
using OrleansLake.Testing.Aws;
using OrleansLake.Testing.Iceberg;

namespace OrleansLake.Aws.Tests.S3;

/// <summary>
/// A server of S3 that others wrote and that checks signatures: Ceph's where it is installed, or any other by its address, bucket
/// and keys: ORLEANSLAKE_TEST_S3=http://key:secret@127.0.0.1:7480/bucket.
/// </summary>
public sealed class OtherS3 : IAsyncLifetime
{
    private RadosGateway? _ceph;

    /// <summary>Why there is none.</summary>
    public static string? Absence => Environment.GetEnvironmentVariable("ORLEANSLAKE_TEST_S3") is null ? RadosGateway.Absence : null;

    public S3StoreOptions Options { get; private set; } = new();

    public string Bucket { get; private set; } = "lake";

    public async ValueTask InitializeAsync()
    {
        if (Environment.GetEnvironmentVariable("ORLEANSLAKE_TEST_S3") is { } named)
        {
            var uri = new Uri(named);
            string[] keys = [.. uri.UserInfo.Split(':').Select(Uri.UnescapeDataString)];
            Bucket = uri.AbsolutePath.Trim('/');
            Options = OptionsOf(new Uri(uri.GetComponents(UriComponents.SchemeAndServer, UriFormat.UriEscaped)), keys[0], keys[1]);
        }
        else if (Absence is null)
        {
            _ceph = await RadosGateway.StartAsync();
            Options = OptionsOf(_ceph.Address, RadosGateway.AccessKey, RadosGateway.Secret);
            using var client = new AmazonS3Client(
                new BasicAWSCredentials(RadosGateway.AccessKey, RadosGateway.Secret), new AmazonS3Config { ServiceURL = _ceph.Address.ToString(), ForcePathStyle = true, AuthenticationRegion = Options.Region });
            await client.PutBucketAsync(Bucket);
        }
    }

    public ValueTask DisposeAsync() => _ceph?.DisposeAsync() ?? ValueTask.CompletedTask;

    private static S3StoreOptions OptionsOf(Uri endpoint, string key, string secret) => new()
    {
        Endpoint = endpoint, PathStyle = true, AccessKeyId = key, SecretAccessKey = secret, Region = "us-east-1", Checksums = false,
    };
}

public sealed class OtherS3Tests(OtherS3 other) : IClassFixture<OtherS3>
{
    public static TheoryData<string> Cases => [.. ConformanceSuite.CasesOf<ObjectStoreConformance>()];

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Another_server_is_a_store(string name)
    {
        Assert.SkipWhen(OtherS3.Absence is not null, OtherS3.Absence ?? "");
        using var store = new S3ObjectStore(other.Options, TimeProvider.System, new IdSource(TimeProvider.System, new Random()));
        await new ObjectStoreConformance(store, $"s3://{other.Bucket}/{Guid.NewGuid():N}").RunAsync(name);
    }

    [Fact]
    public async Task A_wrong_key_is_refused_and_told_without_it()
    {
        Assert.SkipWhen(OtherS3.Absence is not null, OtherS3.Absence ?? "");
        using var store = new S3ObjectStore(other.Options with { SecretAccessKey = "wr0ng" }, TimeProvider.System, AwsStand.Ids());
        AwsException refused = await Assert.ThrowsAsync<AwsException>(() => store.ReadAsync($"s3://{other.Bucket}/any", default));
        Assert.Equal("SignatureDoesNotMatch", refused.Code);
        Assert.DoesNotContain("wr0ng", refused.ToString());
    }
}
