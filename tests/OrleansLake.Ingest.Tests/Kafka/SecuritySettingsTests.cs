using System.Buffers.Text;
using System.Text;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Ingest.Kafka.Security;

namespace OrleansLake.Ingest.Tests.Kafka;

/// <summary>What is said of a cluster's security before any broker is asked.</summary>
public sealed class SecuritySettingsTests
{
    /// <summary>botocore 1.43.11, SigV4QueryAuth, gave these.</summary>
    [Theory]
    [InlineData(null, "us-east-1", "https://kafka.us-east-1.amazonaws.com/?Action=kafka-cluster%3AConnect&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20261122%2Fus-east-1%2Fkafka-cluster%2Faws4_request&X-Amz-Date=20261122T221030Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host&X-Amz-Signature=4931f854bc883b4592a29fc9f2df6a64c9bcc08e6a5d9f4511e1eaaa65328d66")]
    [InlineData("FwoGZXIvYXdzEBYaD/a+b==", "eu-west-3", "https://kafka.eu-west-3.amazonaws.com/?Action=kafka-cluster%3AConnect&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20261122%2Feu-west-3%2Fkafka-cluster%2Faws4_request&X-Amz-Date=20261122T221030Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host&X-Amz-Security-Token=FwoGZXIvYXdzEBYaD%2Fa%2Bb%3D%3D&X-Amz-Signature=7e5ce4aaf6d773e4cc39425fdf86e7f2433437d28c05956b7c5aa88178188216")]
    public async Task A_token_of_msk_is_what_another_implementation_signs(string? session, string region, string expected)
    {
        var time = new DateTimeOffset(2026, 11, 22, 22, 10, 30, TimeSpan.Zero);
        BearerToken token = await new MskIamTokens(
            _ => Task.FromResult(new AwsKeys("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", session)), region, new At(time)).NewAsync(CancellationToken.None);
        Assert.Equal((expected + "&User-Agent=orleanslake").Split('?', '&').Order(), UrlOf(token.Value).Split('?', '&').Order()); // sorted in what is signed, in any order in the URL
        Assert.Equal(time.AddMinutes(15), token.Expires);
        Assert.DoesNotContain(token.Value, token.ToString(), StringComparison.Ordinal);
    }

    /// <summary>https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html has this example.</summary>
    [Fact]
    public void A_signature_is_the_one_that_amazon_publishes() => Assert.EndsWith(
        "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404",
        PresignedUrl.Create(
            new AwsKeys("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", null), "us-east-1", "s3", "examplebucket.s3.amazonaws.com", "/test.txt", [], "UNSIGNED-PAYLOAD",
            new DateTimeOffset(2013, 5, 24, 0, 0, 0, TimeSpan.Zero), TimeSpan.FromDays(1)),
        StringComparison.Ordinal);

    [Theory]
    [InlineData("b-1.demo.a1b2c3.c2.kafka.eu-west-1.amazonaws.com:9098,b-2.demo.a1b2c3.c2.kafka.eu-west-1.amazonaws.com:9098", "eu-west-1")]
    [InlineData("boot-a1b2.c1.kafka-serverless.us-gov-west-1.amazonaws.com:9098", "us-gov-west-1")]
    public void The_region_of_a_cluster_stands_in_its_brokers_names(string bootstrap, string region) =>
        Assert.Equal(region, KafkaSecurity.MskRegionOf(bootstrap, new Dictionary<string, string> { ["sasl.mechanism"] = "AWS_MSK_IAM" }));

    [Theory]
    [InlineData("security.protocol", "expected sasl_ssl", "sasl.username=a", "sasl.password=b")]
    [InlineData("sasl.mechanism", "found nothing", "security.protocol=SASL_SSL")]
    [InlineData("ssl.ca.location", "found none at /no/such.pem", "security.protocol=ssl", "ssl.ca.location=/no/such.pem")]
    [InlineData("aws.region", "found nothing", "security.protocol=sasl_ssl", "sasl.mechanism=AWS_MSK_IAM")]
    [InlineData("security.protocol", "takes no other", "security.protocol=sasl_plaintext", "sasl.mechanism=AWS_MSK_IAM", "aws.region=eu-west-1")]
    public void Settings_that_contradict_one_another_are_refused_before_a_broker_is_asked(string setting, string expected, params string[] settings)
    {
        var refused = Assert.Throws<KafkaSettingException>(() => KafkaSettings.OfConsumer("127.0.0.1:9", settings.Select(s => s.Split('=')).ToDictionary(s => s[0], s => s[1])));
        Assert.Equal(setting, refused.Setting);
        Assert.Contains(expected, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Who_has_no_credentials_for_tokens_is_told_so()
    {
        var refused = Assert.Throws<KafkaSettingException>(() => new KafkaSource(new KafkaSourceOptions { BootstrapServers = "127.0.0.1:9", Settings = new Dictionary<string, string> { ["security.protocol"] = "sasl_plaintext", ["sasl.mechanism"] = "OAUTHBEARER" } }));
        Assert.Contains("AWS credentials", refused.Message, StringComparison.Ordinal);
    }

    internal static string UrlOf(string token) => Encoding.UTF8.GetString(Base64Url.DecodeFromChars(token));

    private sealed class At(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }
}
