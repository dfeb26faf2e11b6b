using System.Globalization;
using System.Text.Json.Nodes;
using Amazon.S3;
using OrleansLake.Aws;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Ingest.Kafka.Publishing;
using OrleansLake.Testing.Aws;
using OrleansLake.Testing.Kafka;
using OrleansLake.Testing.Processes;

namespace OrleansLake.Deploy.Tests;

/// <summary>
/// A silo as its task is defined, as near as a machine without containers comes to it: the task's command, variables and health
/// check, the image's user, every file system read-only but /tmp, no capability; its keys from the task's role, its address from the
/// task's metadata, brokers that want MSK's tokens over TLS. Services of AWS are those on which Terraform made its tables.
/// </summary>
internal sealed class SiloTask : IAsyncDisposable
{
    private const string Region = "eu-west-1";
    private const string Table = "db.events";

    /// <summary>Of aspnet's chiselled images, which is none of root's.</summary>
    private const string User = "1654";

    // Each file system of a name space of its own becomes read-only; what is executed last keeps the process id.
    private const string Script = """
        set -e
        awk '{ print $5 }' /proc/self/mountinfo | while read -r at; do mount -o remount,bind,ro "$at" 2>/dev/null || true; done
        mount -t tmpfs -o mode=1777 tmpfs /tmp
        cd "$1"
        user=$2
        shift 2
        exec setpriv --reuid="$user" --regid="$user" --clear-groups --no-new-privs --inh-caps=-all --bounding-set=-all env -i "$@"
        """;

    private readonly List<IAsyncDisposable> _servers = [];
    private readonly TestCertificates _certificates = new();
    private readonly EmbeddedBroker _broker = new();
    private readonly JsonObject _container;
    private readonly int _port = FreePorts.Take(1)[0];
    private AwsServer? _metadata;
    private LakeProcess? _process;

    private SiloTask(JsonObject container) => _container = container;

    /// <summary>Why it cannot be had here; null when it can.</summary>
    public static string? Absence { get; } = TerraformStand.Absence
        ?? (!Environment.IsPrivilegedProcess || !File.Exists("/usr/bin/unshare") || !File.Exists("/usr/bin/setpriv") ? "file systems cannot be made read-only here: this wants root, unshare and setpriv" : null);

    public AwsServer S3 { get; private set; } = null!;

    public AwsServer Glue { get; private set; } = null!;

    public AwsServer DynamoDb { get; private set; } = null!;

    public SecureKafka Kafka { get; private set; } = null!;

    public TaskRole Role { get; private set; } = null!;

    public LakeProcess Process => _process ?? throw new InvalidOperationException("not started");

    /// <summary>Starts it, with so many records in its topic, and tells its metrics each second.</summary>
    public static async Task<SiloTask> StartAsync(JsonObject container, Uri server, int records)
    {
        var task = new SiloTask(container);
        try
        {
            await task.StartServersAsync(server);
            await task.PrepareAsync(server, records);
            task._process = new LakeProcess("unshare", ["--mount", "sh", "-c", Script, "sh", Path.GetDirectoryName(Repository.Assembly("silo", "OrleansLake.Silo"))!, User, .. task.Variables().Select(one => $"{one.Key}={one.Value}"), "dotnet", "OrleansLake.Silo.dll", .. task.Command("command")]);
            return task;
        }
        catch
        {
            await task.DisposeAsync();
            throw;
        }
    }

    /// <summary>Runs the health check's command, in its own time; its exit code.</summary>
    public async Task<int> CheckHealthAsync()
    {
        string[] command = Command("healthCheck", "command");
        Assert.Equal("CMD", command[0]);
        command = [.. command[1..].Select(word => word.Replace(":8080/", $":{_port}/", StringComparison.Ordinal).Replace("OrleansLake.Silo.dll", Repository.Assembly("silo", "OrleansLake.Silo"), StringComparison.Ordinal))];
        await using var check = new LakeProcess(command[0], command[1..]);
        return await check.WaitAsync(TimeSpan.FromMinutes(1)); // not the ten seconds of the task: this machine may be busy
    }

    /// <summary>What ECS does at the end; the exit code.</summary>
    public Task<int> StopAsync() => Process.TerminateAsync(TimeSpan.FromSeconds(_container["stopTimeout"]!.GetValue<int>()));

    /// <summary>Lines of its log that CloudWatch makes metrics of.</summary>
    public IEnumerable<JsonObject> Metrics() =>
        Process.Output.Split('\n').Where(line => line.StartsWith("""{"_aws":""", StringComparison.Ordinal)).Select(line => JsonNode.Parse(line)!.AsObject());

    /// <summary>Makes the table, for which the pipeline waits.</summary>
    public static async Task CreateTableAsync(Uri server)
    {
        using LakeCatalog lake = Open(server);
        await lake.Catalog.CreateTableAsync(TableIdentifier.Parse(Table), Ddl.ParseCreateTable($"CREATE TABLE {Table} ({SampleRecords.Columns}) WITH (partitioning = ARRAY['day(timestamp)'])").Creation, default);
    }

    /// <summary>Rows of the table's newest snapshot.</summary>
    public static async Task<long> RowsAsync(Uri server)
    {
        using LakeCatalog lake = Open(server);
        return await lake.Catalog.LoadTableAsync(TableIdentifier.Parse(Table), default) is { Metadata: var metadata } && metadata.FindRef(SnapshotRef.Main) is { } snapshot
            ? long.Parse(snapshot.Summary["total-records"], CultureInfo.InvariantCulture)
            : 0;
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            await _process.DisposeAsync();
        }

        foreach (IAsyncDisposable server in Enumerable.Reverse(_servers))
        {
            await server.DisposeAsync();
        }

        _broker.Dispose();
        _certificates.Dispose();
    }

    private async Task StartServersAsync(Uri server)
    {
        Role = Own(await TaskRole.StartAsync());
        _metadata = Own(await AwsServer.StartAsync((_, _) => Task.FromResult(AwsReply.Json(200, """{ "Networks": [ { "NetworkMode": "awsvpc", "IPv4Addresses": [ "127.0.0.1" ] } ] }"""))));
        S3 = Own(await AwsServer.StartBeforeAsync(server, Check("s3"), isOneByOne: true));
        Glue = Own(await AwsServer.StartBeforeAsync(server, Check("glue")));
        DynamoDb = Own(await AwsServer.StartBeforeAsync(server, Check("dynamodb", "us-east-1"), isOneByOne: true, passesAs: Region)); // the SDK signs for there where it is sent elsewhere
        Kafka = Own(new SecureKafka(_broker.BootstrapServers, new SecureKafkaOptions { Certificate = _certificates.Server, Mechanism = "OAUTHBEARER", AcceptsToken = token => token.Length > 0 }));
    }

    private async Task PrepareAsync(Uri server, int records)
    {
        using (var client = new AmazonS3Client("k", "s", new AmazonS3Config { ServiceURL = server.ToString(), ForcePathStyle = true, AuthenticationRegion = "us-east-1" })) // where a bucket needs no place
        {
            await client.PutBucketAsync("lake");
        }

        using LakeCatalog lake = Open(server);
        await lake.Catalog.CreateNamespaceAsync(["db"], new Dictionary<string, string>(), default);
        _broker.CreateTopic("events", 4);
        await new Publisher(new PublisherOptions { BootstrapServers = _broker.BootstrapServers, Topic = "events" }).PublishAsync(new SampleFeed(new SampleRecords(), 0, records), null, CancellationToken.None);
    }

    private Dictionary<string, string> Variables()
    {
        int[] ports = FreePorts.Take(2);
        var variables = new Dictionary<string, string>
        {
            ["PATH"] = Environment.GetEnvironmentVariable("PATH")!,
            ["ECS_CONTAINER_METADATA_URI_V4"] = new Uri(_metadata!.Address, "/v4/task").ToString(),
        };
        foreach (JsonNode? variable in _container["environment"]!.AsArray())
        {
            variables[(string)variable!["name"]!] = (string)variable["value"]!;
        }

        foreach (JsonNode? secret in _container["secrets"]!.AsArray())
        {
            variables[(string)secret!["name"]!] = "what-stands-there"; // which ECS has read
        }

        // The services are elsewhere here, and others may have the ports.
        foreach ((string name, string value) in (IEnumerable<KeyValuePair<string, string>>)
        [
            .. Role.Environment,
            new("ORLEANSLAKE__S3__ENDPOINT", S3.Address.ToString()), new("ORLEANSLAKE__S3__PATHSTYLE", "true"),
            new("ORLEANSLAKE__CATALOG__ENDPOINT", Glue.Address.ToString()),
            new("AWS_ENDPOINT_URL_DYNAMODB", DynamoDb.Address.ToString()), // with an endpoint of our own the providers would take any keys and region
            new("ORLEANSLAKE__HTTP__URL", $"http://127.0.0.1:{_port}"),
            new("ORLEANSLAKE__ORLEANS__SILOPORT", $"{ports[0]}"), new("ORLEANSLAKE__ORLEANS__GATEWAYPORT", $"{ports[1]}"),
            new("ORLEANSLAKE__PIPELINES__0__KAFKA__bootstrap.servers", Kafka.BootstrapServers),
            new("ORLEANSLAKE__PIPELINES__0__KAFKA__aws.region", Region),
            new("ORLEANSLAKE__PIPELINES__0__KAFKA__ssl.ca.pem", _certificates.Authority.ExportCertificatePem()),
            new("ORLEANSLAKE__PIPELINES__0__FLUSHINTERVAL", "500ms"),
            new("ORLEANSLAKE__METRICS__INTERVAL", "1s"),
        ])
        {
            variables[name] = value;
        }

        return variables;
    }

    private string[] Command(params string[] path) => TerraformStand.Texts(path.Aggregate((JsonNode)_container, (at, name) => at[name]!));

    private SigV4Check Check(string service, string region = Region) => new(Role.SecretOf, service, region, TimeProvider.System);

    private static LakeCatalog Open(Uri server) => LakeCatalog.Open(
        new LakeCatalogOptions
        {
            Type = CatalogType.Glue,
            Warehouse = "s3://lake/tables",
            S3 = new S3StoreOptions { Endpoint = server, PathStyle = true, Region = Region, AccessKeyId = "k", SecretAccessKey = "s" },
            Glue = new GlueCatalogOptions { Warehouse = "s3://lake/tables", Endpoint = server, Region = Region, AccessKeyId = "k", SecretAccessKey = "s" },
        },
        TimeProvider.System, new IdSource(TimeProvider.System, new Random(7)));

    private T Own<T>(T server)
        where T : IAsyncDisposable
    {
        _servers.Add(server);
        return server;
    }
}
