using OrleansLake.Ingest.Forward;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Ingest.Kafka.Publishing;
using OrleansLake.Ingest.Kafka.Security;
using OrleansLake.Testing.Kafka;
using static OrleansLake.Ingest.Tests.Kafka.TestKafka;

namespace OrleansLake.Ingest.Tests.Kafka;

/// <summary>Clients before a gate that asks for what a secured cluster asks for: real TLS, SASL by its RFCs.</summary>
public sealed class SecurityTests : IDisposable
{
    private const string Secret = "correct horse battery staple";

    private readonly TestCertificates _certificates = new();
    private readonly EmbeddedBroker _broker = new();

    public SecurityTests() => _broker.CreateTopic("events", 1);

    public void Dispose()
    {
        _broker.Dispose();
        _certificates.Dispose();
    }

    [Fact]
    public async Task Tls_with_a_client_certificate_lets_records_through_both_ways()
    {
        await using var gate = new SecureKafka(_broker.BootstrapServers, new SecureKafkaOptions { Certificate = _certificates.Server, ClientAuthority = _certificates.Authority });
        await RoundTripAsync(gate, Ssl(
            ("ssl.certificate.location", _certificates.ClientFile), ("ssl.key.location", _certificates.ClientKeyFile), ("ssl.key.password", _certificates.ClientKeyPassword)));
    }

    [Fact]
    public async Task A_server_of_an_unknown_authority_is_not_believed()
    {
        await using var gate = new SecureKafka(_broker.BootstrapServers, new SecureKafkaOptions { Certificate = _certificates.Server });
        string trouble = TroubleOf(gate, new() { ["security.protocol"] = "ssl" });
        Assert.Contains("certificate", trouble, StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("PLAIN")]
    [InlineData("SCRAM-SHA-256")]
    [InlineData("SCRAM-SHA-512")]
    public async Task A_password_lets_in_and_a_wrong_one_is_told_without_its_words(string mechanism)
    {
        await using var gate = new SecureKafka(
            _broker.BootstrapServers, new SecureKafkaOptions { Certificate = _certificates.Server, Mechanism = mechanism, User = "loader", Password = Secret });
        Dictionary<string, string> settings = Ssl(("security.protocol", "sasl_ssl"), ("sasl.mechanism", mechanism), ("sasl.username", "loader"), ("sasl.password", Secret));
        await RoundTripAsync(gate, settings);
        Assert.All(gate.Admitted, user => Assert.Equal("loader", user));

        settings["sasl.password"] = "wrong " + Secret;
        var lines = new List<string>();
        string trouble = TroubleOf(gate, settings, lines);
        Assert.Contains("Authentication failed", trouble, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(Secret, string.Join('\n', [trouble, .. lines]), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Msk_iam_lets_in_with_a_presigned_connect_request()
    {
        await using var gate = new SecureKafka(
            _broker.BootstrapServers, new SecureKafkaOptions { Certificate = _certificates.Server, Mechanism = "OAUTHBEARER", AcceptsToken = token => SecuritySettingsTests.UrlOf(token).Contains("kafka-cluster", StringComparison.Ordinal) });
        Dictionary<string, string> settings = Ssl(("security.protocol", "sasl_ssl"), ("sasl.mechanism", KafkaSecurity.MskIam), ("aws.region", "eu-central-1"));
        string region = KafkaSecurity.MskRegionOf(gate.BootstrapServers, settings)!;
        var tokens = new MskIamTokens(_ => Task.FromResult(new AwsKeys("AKID", "secret", "session")), region, TimeProvider.System);
        await RoundTripAsync(gate, settings, tokens);

        // Dead letters to a topic too.
        int before = gate.Admitted.Count;
        using (var letters = new DeadLetterTopic("events", "t-msk", gate.BootstrapServers, settings, tokens: tokens))
        {
            Assert.Null(await letters.ConnectAsync("line", CancellationToken.None));
            var letter = new DeadLetterRecord(new TopicPartition("events", 0), 1, -1, null, [1], [], "wrong-type", "", "m", 0, "p", "1");
            await letters.SendAsync(new[] { letter }.ToAsyncEnumerable(), 1, CancellationToken.None);
            Assert.Equal(1, await letters.ConnectAsync("line", CancellationToken.None));
        }

        Assert.True(gate.Admitted.Count > before);
        Assert.All(gate.Admitted, token => Assert.StartsWith("https://kafka.eu-central-1.amazonaws.com/?Action=kafka-cluster%3AConnect&", SecuritySettingsTests.UrlOf(token), StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_token_is_renewed_before_it_ends_though_nobody_polls()
    {
        int asked = 0;
        var renewed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var tokens = new Tokens(() =>
        {
            if (Interlocked.Increment(ref asked) == 3)
            {
                renewed.SetResult();
            }

            return new BearerToken("abc", DateTimeOffset.UtcNow.AddSeconds(2), "test");
        });
        using var source = new KafkaSource(new KafkaSourceOptions { BootstrapServers = _broker.BootstrapServers, Settings = Bearer(), Tokens = tokens });
        await renewed.Task.WaitAsync(TimeSpan.FromSeconds(20));
    }

    [Fact]
    public async Task Why_there_is_no_token_is_told_as_trouble()
    {
        await using var gate = new SecureKafka(_broker.BootstrapServers, new SecureKafkaOptions { Mechanism = "OAUTHBEARER", AcceptsToken = _ => false });
        string trouble = TroubleOf(gate, Bearer(), tokens: new Tokens(() => throw new InvalidOperationException("the role is gone")));
        Assert.Contains("the role is gone", trouble, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Oidc_gets_its_token_from_the_identity_provider()
    {
        await using var provider = await TokenEndpoint.StartAsync("orleanslake", Secret);
        await using var gate = new SecureKafka(_broker.BootstrapServers, new SecureKafkaOptions { Mechanism = "OAUTHBEARER", AcceptsToken = token => token == provider.Token });
        await RoundTripAsync(gate, new()
        {
            ["security.protocol"] = "sasl_plaintext",
            ["sasl.mechanism"] = "OAUTHBEARER",
            ["sasl.oauthbearer.method"] = "oidc",
            ["sasl.oauthbearer.client.id"] = "orleanslake",
            ["sasl.oauthbearer.client.secret"] = Secret,
            ["sasl.oauthbearer.token.endpoint.url"] = provider.Url,
        });
    }

    private static Dictionary<string, string> Bearer() => new() { ["security.protocol"] = "sasl_plaintext", ["sasl.mechanism"] = "OAUTHBEARER" };

    private Dictionary<string, string> Ssl(params (string Name, string Value)[] more)
    {
        var settings = new Dictionary<string, string> { ["security.protocol"] = "ssl", ["ssl.ca.location"] = _certificates.AuthorityFile };
        foreach ((string name, string value) in more)
        {
            settings[name] = value;
        }

        return settings;
    }

    // Publisher, lookup and source: each makes clients of its own.
    private static async Task RoundTripAsync(SecureKafka gate, Dictionary<string, string> settings, IBearerTokens? tokens = null)
    {
        PublishResult sent = await new Publisher(new PublisherOptions { BootstrapServers = gate.BootstrapServers, Topic = "events", Settings = settings, Tokens = tokens })
            .PublishAsync(new SampleFeed(new SampleRecords(), 0, 100), null, CancellationToken.None);
        using var lookup = new KafkaLookup(gate.BootstrapServers, settings, tokens: tokens);
        TopicPartition events = new("events", 0);
        Assert.Equal(sent.Ranges[events].Next, (await lookup.LatestAsync([events], CancellationToken.None))[events]);
        Assert.NotNull(await lookup.ClusterIdAsync(CancellationToken.None));
        using var source = new KafkaSource(new KafkaSourceOptions { BootstrapServers = gate.BootstrapServers, Settings = settings, Tokens = tokens });
        source.Assign(events, 0);
        int read = 0;
        PollUntil(source, () => read == 100, batch => read += batch.Count);
    }

    private static string TroubleOf(SecureKafka gate, Dictionary<string, string> settings, List<string>? lines = null, IBearerTokens? tokens = null)
    {
        using var source = new KafkaSource(new KafkaSourceOptions
        {
            BootstrapServers = gate.BootstrapServers,
            Settings = settings,
            Tokens = tokens,
            Log = line =>
            {
                lock (gate)
                {
                    lines?.Add(line.Text);
                }
            },
        });
        source.Assign(new TopicPartition("events", 0), 0);
        PollUntil(source, () => source.Trouble is not null && !source.Trouble.Contains("Disconnected", StringComparison.Ordinal));
        return source.Trouble!;
    }

    private sealed class Tokens(Func<BearerToken> next) : IBearerTokens
    {
        public Task<BearerToken> NewAsync(CancellationToken cancellationToken) => Task.FromResult(next());
    }
}
