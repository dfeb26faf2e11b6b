using System.Text.Json.Nodes;
using Amazon.S3;
using OrleansLake.Aws;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Commit;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Ingest.Kafka.Publishing;
using OrleansLake.Testing.Aws;
using OrleansLake.Testing.Processes;

namespace OrleansLake.Integration;

/// <summary>
/// A silo by configuration alone on S3 and Glue, as moto serves them behind servers that check signatures: records flow, the
/// audit proves them, the command line and ClickHouse read them through the catalog.
/// </summary>
[Collection(Collections.Working)]
public sealed class AwsTests(ITestOutputHelper output) : IDisposable
{
    private const string AccessKey = "AKIALAKE";
    private const string Secret = "secret/of+the+lake";
    private const string Region = "eu-central-1";
    private const string Table = "lake.events";
    private const long Records = 60_000;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(90); // of deploy/terraform
    private static readonly Dictionary<string, string> Credentials = new()
    {
        ["AWS_ACCESS_KEY_ID"] = AccessKey, ["AWS_SECRET_ACCESS_KEY"] = Secret, ["AWS_EC2_METADATA_DISABLED"] = "true",
    };

    private readonly TestWarehouse _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public async Task Records_flow_with_a_tasks_role_into_a_table_of_Glue_on_S3_each_once()
    {
        Assert.SkipWhen(MotoServer.Absence is not null, MotoServer.Absence ?? "");
        await using var moto = await MotoServer.StartAsync();
        await using var role = await TaskRole.StartAsync();
        await using var s3 = await AwsServer.StartBeforeAsync(moto.Address, Check("s3", role));
        await using var glue = await AwsServer.StartBeforeAsync(moto.Address, Check("glue", role));
        await MakeBucketAsync(s3.Address);
        using var broker = new EmbeddedBroker();
        broker.CreateTopic("events", 4);
        var setup = Setup(broker, s3.Address, glue.Address) with { Environment = role.Environment };
        using (var lake = LakeCatalog.Open(OptionsOf(setup), TimeProvider.System, new IdSource(TimeProvider.System, new Random(1))))
        {
            Assert.True(await lake.Catalog.CreateNamespaceAsync(["lake"], new Dictionary<string, string>(), default));
        }

        await using (var silo = SiloProcess.Start(setup, logs: _files.Path))
        {
            using var feed = new NumberedFeed(Records, released: Records / 2);
            var publishing = Task.Run(() => new Publisher(new PublisherOptions { BootstrapServers = broker.BootstrapServers, Topic = "events" }).PublishAsync(feed, null, CancellationToken.None));
            await silo.WaitAsync("a commit", status => SiloProcess.CommittedOf(status).Any(one => one.Next > 0), Patience);
            role.Renew();
            feed.Release(Records);
            await WaitForAllAsync(silo, await publishing.WaitAsync(Patience));
            Assert.Equal((2, 2), (role.UsedAt(s3), role.UsedAt(glue)));
            Assert.Equal(0, await silo.Process.TerminateAsync(TimeSpan.FromSeconds(60)));
        }

        await AuditAsync(setup, Records);
        await AskTheCommandLineAsync(Path.Combine(_files.Path, "silo.json"), role.Environment);
        Assert.False(role.IsTold(await File.ReadAllTextAsync(Path.Combine(_files.Path, "silo.log"))));
        await AskClickHouseAsync(moto.Address);
    }

    [Fact]
    public async Task Silos_on_S3_DynamoDB_and_a_Glue_that_fails_are_one_cluster_and_lose_nothing_when_one_is_killed_and_one_is_deployed_anew()
    {
        Assert.SkipWhen(MotoServer.Absence is not null, MotoServer.Absence ?? "");
        const long Many = 200_000;
        var fake = new FakeGlue(); // moto's compares no versions
        await using var moto = await MotoServer.StartAsync();
        await using var s3 = await AwsServer.StartBeforeAsync(moto.Address, Check("s3"));
        await using var glue = await AwsServer.StartAsync(fake.AnswerAsync, Check("glue"));
        await MakeBucketAsync(s3.Address);
        await using var dynamo = await AwsServer.StartBeforeAsync(moto.Address, isOneByOne: true);
        using var broker = new EmbeddedBroker();
        broker.CreateTopic("events", 8);
        var setup = Setup(broker, s3.Address, glue.Address) with
        {
            ClusterId = "aws",
            Orleans = new JsonObject { ["clustering"] = "dynamodb", ["dynamodb"] = new JsonObject { ["endpoint"] = dynamo.Address.ToString() } },
        };
        using (var lake = LakeCatalog.Open(OptionsOf(setup), TimeProvider.System, new IdSource(TimeProvider.System, new Random(1))))
        {
            Assert.True(await lake.Catalog.CreateNamespaceAsync(["lake"], new Dictionary<string, string>(), default));
        }

        bool IsSwap(AwsRequest request) => request.Action == "UpdateTable";
        glue.Fail(
            new AwsFault(IsSwap) { LosesAnswer = true, Times = 2 },
            new AwsFault(IsSwap) { Instead = AwsReply.JsonError(400, "ThrottlingException", "Rate exceeded"), Times = 2 },
            new AwsFault(IsSwap) { After = AwsReply.JsonError(500, "InternalServiceException", "sorry") },
            new AwsFault(IsSwap) { Instead = AwsReply.JsonError(400, "ConcurrentModificationException", "busy") },
            new AwsFault(IsSwap) { Instead = AwsReply.JsonError(503, "ServiceUnavailable", "sorry") });
        s3.Fail(new AwsFault(request => request.Method == "PUT") { Instead = AwsReply.S3Error(503, "SlowDown", "slow"), Times = 3 }, new AwsFault(request => request.Method == "PUT") { LosesAnswer = true, Times = 3 });

        SiloProcess first = SiloProcess.Start(setup, "first", _files.Path);
        await using var owned = first;
        await using var second = SiloProcess.Start(setup, "second", _files.Path);
        SiloProcess? followed = second;
        await using var follower = new CommittedFollower(() => followed);
        using var feed = new NumberedFeed(Many, released: Many / 4);
        var publishing = Task.Run(() => new Publisher(new PublisherOptions { BootstrapServers = broker.BootstrapServers, Topic = "events", Committed = follower.Of, RecordsPerSecond = 15_000 })
            .PublishAsync(feed, null, CancellationToken.None));
        await second.WaitAsync("both silos to read", status => IsReadBy(status, first) && IsReadBy(status, second), Patience);
        await ReleaseAsync(second, Many / 2);
        await first.Process.KillAsync();

        // As ECS deploys: the new one is there before the old one is told to end, and has the time of stopTimeout for it.
        await using var third = SiloProcess.Start(setup, "third", _files.Path);
        await third.WaitAsync("the new silo to read", status => IsReadBy(status, third), Patience);
        followed = third;
        await ReleaseAsync(third, Many);
        Assert.Equal(0, await second.Process.TerminateAsync(StopTimeout));
        await WaitForAllAsync(third, await publishing.WaitAsync(Patience));
        Assert.Equal(0, await third.Process.TerminateAsync(StopTimeout));
        await AuditAsync(setup, Many);
        Assert.Equal(0, fake.Archived);
        Assert.Contains(dynamo.Requests, request => request.Action == "TransactWriteItems");
        Assert.DoesNotContain(s3.Requests, request => request.RawPath.Contains(".orleanslake/orleanslake/", StringComparison.Ordinal)); // all state is in DynamoDB

        // Lets more records go, and waits until the first of them are committed.
        async Task ReleaseAsync(SiloProcess silo, long upTo)
        {
            long before = follower.Total;
            feed.Release(upTo);
            await silo.WaitAsync("a commit", _ => follower.Total > before, Patience);
        }
    }

    [Fact]
    public async Task A_silo_whose_bucket_is_missing_says_so_in_one_line_and_ends()
    {
        Assert.SkipWhen(MotoServer.Absence is not null, MotoServer.Absence ?? "");
        await using var moto = await MotoServer.StartAsync();
        var setup = new SiloSetup
        {
            Warehouse = "s3://no-such-bucket/warehouse",
            BootstrapServers = "127.0.0.1:1",
            Topics = ["events"],
            Table = Table,
            Ddl = $"CREATE TABLE {Table} ({NumberedFeed.Columns})",
            Catalog = new JsonObject { ["type"] = "glue", ["region"] = Region, ["endpoint"] = moto.Address.ToString() },
            S3 = new JsonObject { ["region"] = Region, ["endpoint"] = moto.Address.ToString(), ["pathStyle"] = true },
            Environment = Credentials,
        };
        await using var silo = SiloProcess.Start(setup, logs: _files.Path);
        Assert.Equal(1, await silo.Process.WaitAsync(Patience));
        Assert.Contains("NoSuchBucket", silo.Process.Errors);
        Assert.DoesNotContain("   at ", silo.Process.Errors);
    }

    [Fact]
    public async Task Secrets_stand_in_no_log_status_state_or_error()
    {
        const string First = "geheim-eins-4711";
        const string Second = "geheim-zwei-4712";
        const string Key = "geheim-drei-4713";
        string secret = Path.Combine(Path.GetTempPath(), $"lake-secret-{Guid.NewGuid():N}.json");
        try
        {
            await WriteAsync(First);
            // A broker that wants no login, so that every attempt fails, and much is said about it.
            using var broker = new EmbeddedBroker();
            broker.CreateTopic("events", 2);
            var setup = new SiloSetup
            {
                Warehouse = _files.Path,
                BootstrapServers = broker.BootstrapServers,
                Topics = ["events"],
                Table = Table,
                Ddl = $"CREATE TABLE {Table} ({NumberedFeed.Columns})",
                Kafka = new Dictionary<string, string> { ["security.protocol"] = "sasl_plaintext", ["sasl.mechanism"] = "PLAIN", ["debug"] = "security,broker", ["ssl.key.password"] = Key },
                KafkaSecret = new JsonObject { ["name"] = "file:" + secret, ["refresh"] = "1s", ["usernameField"] = "user", ["passwordField"] = "password" },
            };
            var said = new List<string>();
            await using (var silo = SiloProcess.Start(setup, logs: _files.Path))
            {
                var status = await silo.WaitAsync("trouble with the login", status => status["trouble"] is not null, Patience);
                await WriteAsync(Second);
                using var limit = new CancellationTokenSource(Patience);
                while (!silo.ReadLog().Contains("connections from now on use it", StringComparison.Ordinal))
                {
                    await Task.Delay(100, limit.Token);
                }

                said.AddRange([status.ToJsonString(), (await silo.StatusAsync(limit.Token))!.ToJsonString(), await silo.GetAsync("/metrics", limit.Token), await silo.GetAsync("/pipelines", limit.Token)]);
                Assert.Equal(0, await silo.Process.TerminateAsync(TimeSpan.FromSeconds(60)));
                said.AddRange([silo.Process.Output, silo.Process.Errors]);
            }

            foreach (string file in Directory.EnumerateFiles(_files.Path, "*", SearchOption.AllDirectories).Where(file => Path.GetFileName(file) != "silo.json"))
            {
                said.Add($"{file}: {await File.ReadAllTextAsync(file)}");
            }

            Assert.Contains(said, one => one.Contains("file:" + secret, StringComparison.Ordinal)); // the secret's name may be said
            Assert.Contains(said, one => one.Contains(".orleanslake", StringComparison.Ordinal)); // and state is among what was looked at
            foreach (string value in (string[])[First, Second, Key])
            {
                Assert.All(said, one => Assert.DoesNotContain(value, one));
            }
        }
        finally
        {
            File.Delete(secret);
        }

        Task WriteAsync(string password) => File.WriteAllTextAsync(secret, new JsonObject { ["user"] = "lake", ["password"] = password }.ToJsonString());
    }

    private static bool IsReadBy(JsonNode status, SiloProcess silo) =>
        status["topicPartitions"]!.AsArray().Any(one => one!["silo"]?.ToString().Contains($":{silo.SiloPort}", StringComparison.Ordinal) == true);

    private static SigV4Check Check(string service, TaskRole? role = null) => new(id => id == AccessKey ? (Secret, null) : role?.SecretOf(id), service, Region, TimeProvider.System);

    private static LakeCatalogOptions OptionsOf(SiloSetup setup) => new()
    {
        Type = CatalogType.Glue,
        Warehouse = setup.Warehouse,
        S3 = new S3StoreOptions { Endpoint = new Uri((string)setup.S3!["endpoint"]!), PathStyle = true, Region = Region, AccessKeyId = AccessKey, SecretAccessKey = Secret },
        Glue = new GlueCatalogOptions { Warehouse = setup.Warehouse, Endpoint = new Uri((string)setup.Catalog!["endpoint"]!), Region = Region, AccessKeyId = AccessKey, SecretAccessKey = Secret },
    };

    private static async Task MakeBucketAsync(Uri s3)
    {
        using var client = new AmazonS3Client(AccessKey, Secret, new AmazonS3Config { ServiceURL = s3.ToString(), ForcePathStyle = true, AuthenticationRegion = Region });
        await client.PutBucketAsync(new Amazon.S3.Model.PutBucketRequest { BucketName = "lake", BucketRegionName = Region });
    }

    private static SiloSetup Setup(EmbeddedBroker broker, Uri s3, Uri glue) => new()
    {
        Warehouse = "s3://lake/warehouse",
        BootstrapServers = broker.BootstrapServers,
        Topics = ["events"],
        Table = Table,
        Ddl = $"CREATE TABLE {Table} ({NumberedFeed.Columns}) WITH (partitioning = ARRAY['day(at)'])",
        Catalog = new JsonObject { ["name"] = "glue", ["type"] = "glue", ["region"] = Region, ["endpoint"] = glue.ToString() },
        S3 = new JsonObject { ["region"] = Region, ["endpoint"] = s3.ToString(), ["pathStyle"] = true, ["encryption"] = "s3", ["tags"] = new JsonObject { ["team"] = "lake" } },
        Environment = Credentials,
    };

    private static Task WaitForAllAsync(SiloProcess silo, PublishResult published) => silo.WaitAsync(
        "everything published to be committed",
        status =>
        {
            var committed = SiloProcess.CommittedOf(status).ToDictionary(pair => pair.TopicPartition, pair => pair.Next);
            return published.Ranges.All(range => committed.GetValueOrDefault(range.Key, -1) >= range.Value.Next);
        },
        Patience);

    private async Task AuditAsync(SiloSetup setup, long records)
    {
        using var lake = LakeCatalog.Open(OptionsOf(setup), TimeProvider.System, new IdSource(TimeProvider.System, new Random(2)));
        var table = (await lake.Catalog.LoadTableAsync(TableIdentifier.Parse(Table), default))!;
        var letters = await lake.Catalog.LoadTableAsync(TableIdentifier.Parse(Table + "__dead_letters"), default);
        AuditResult audit = await Audit.RunAsync(table, letters);
        output.WriteLine(audit.ToString());
        Assert.Equal(AuditVerdict.Proved, audit.Verdict);
        Assert.Equal(records - NumberedFeed.BadAmong(records), audit.Rows);
    }

    private async Task AskTheCommandLineAsync(string config, IReadOnlyDictionary<string, string> environment)
    {
        await using var audit = new LakeProcess(
            "dotnet", ["exec", Repository.Assembly("client", "OrleansLake.Cli"), "table", "audit", Table, "--config", config, "--dead-letters", Table + "__dead_letters"], environment);
        int code = await audit.WaitAsync(Patience);
        output.WriteLine(audit.Output + audit.Errors);
        Assert.Equal(0, code);
        await using var rows = new LakeProcess(
            "dotnet", ["exec", Repository.Assembly("client", "OrleansLake.Cli"), "table", "rows", Table, "--config", config, "--where", "id = 4242", "--json"], environment);
        Assert.Equal(0, await rows.WaitAsync(Patience));
        Assert.Contains("4242", rows.Output);
        await using var replay = new LakeProcess(
            "dotnet", ["exec", Repository.Assembly("client", "OrleansLake.Cli"), "deadletters", "replay", Table, "--config", config, "--dry-run", "--json"], environment);
        Assert.True(await replay.WaitAsync(Patience) == 0, replay.Errors);
        JsonNode status = JsonNode.Parse(replay.Output)!;
        Assert.Equal((NumberedFeed.BadAmong(Records), NumberedFeed.BadAmong(Records)), (status["examined"]!.GetValue<long>(), status["stillBad"]!.GetValue<long>()));
    }

    private async Task AskClickHouseAsync(Uri moto)
    {
        Assert.SkipWhen(ForeignReaders.ClickHouseAbsent is not null, ForeignReaders.ClickHouseAbsent ?? "");
        JsonArray rows = await ForeignReaders.ClickHouseAsync(
            _files.Path,
            "SET allow_database_glue_catalog = 1",
            $"CREATE DATABASE glue ENGINE = DataLakeCatalog('{moto}') SETTINGS catalog_type = 'glue', region = '{Region}', aws_access_key_id = '{AccessKey}', aws_secret_access_key = '{Secret}', storage_endpoint = '{moto}lake'",
            $"SELECT count(*) AS n, count(DISTINCT id) AS ids, sum(id) AS total FROM glue.`{Table}` WHERE id >= 0");
        output.WriteLine(rows.ToJsonString());
        long bad = NumberedFeed.BadAmong(Records);
        Assert.Equal((Records - bad).ToString(), rows[0]!["n"]!.ToString());
        Assert.Equal((Records - bad).ToString(), rows[0]!["ids"]!.ToString());
    }
}
