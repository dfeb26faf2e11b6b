using System.Text.Json.Nodes;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Upkeep;
using OrleansLake.Testing.Processes;
using OrleansLake.Testing.Rest;
using OrleansLake.Testing.Upkeep;

namespace OrleansLake.Aws.Tests.Others;

/// <summary>
/// Tables that the line filled, altered and compacted on S3, found and read through the catalog by clients that others wrote:
/// ClickHouse through Glue and through REST, iceberg-js with icebird through REST.
/// </summary>
public sealed class CatalogsReadByOthersTests(AwsStand stand)
{
    private const string Warehouse = "lake";
    private const int Rows = 240;

    [Fact]
    public async Task ClickHouse_finds_and_reads_a_table_of_Glue()
    {
        Assert.SkipWhen(ForeignReaders.ClickHouseAbsent is not null, ForeignReaders.ClickHouseAbsent ?? "");
        string bucket = await stand.NewBucketAsync();
        using var store = stand.Store();
        using var glue = new GlueCatalog(
            new GlueCatalogOptions { Warehouse = $"s3://{bucket}/warehouse", Endpoint = stand.Moto.Address, Region = AwsStand.Region, AccessKeyId = AwsStand.AccessKey, SecretAccessKey = AwsStand.Secret },
            store, TimeProvider.System, AwsStand.Ids(31));
        await glue.CreateNamespaceAsync(["db"], new Dictionary<string, string>(), default);
        using var line = await FillAsync(glue);
        await AskClickHouseAsync(
            line, "SET allow_database_glue_catalog = 1",
            $"CREATE DATABASE lake ENGINE = DataLakeCatalog('{stand.Moto.Address}') SETTINGS catalog_type = 'glue', region = '{AwsStand.Region}', "
            + $"aws_access_key_id = '{AwsStand.AccessKey}', aws_secret_access_key = '{AwsStand.Secret}', storage_endpoint = '{stand.Moto.Address}{bucket}'");
    }

    [Fact]
    public async Task ClickHouse_finds_and_reads_a_table_of_a_REST_catalog()
    {
        Assert.SkipWhen(ForeignReaders.ClickHouseAbsent is not null, ForeignReaders.ClickHouseAbsent ?? "");
        string bucket = await stand.NewBucketAsync();
        using var store = stand.Store();
        await using var server = await ServeAsync(bucket, store);
        using var lake = Open(server);
        await lake.Catalog.CreateNamespaceAsync(["db"], new Dictionary<string, string>(), default);
        using var line = await FillAsync(lake.Catalog);
        await AskClickHouseAsync(
            line, "SET allow_experimental_database_iceberg = 1",
            $"CREATE DATABASE lake ENGINE = DataLakeCatalog('{server.Address}v1') SETTINGS catalog_type = 'rest', warehouse = '{Warehouse}', storage_endpoint = '{stand.Moto.Address}{bucket}'");
    }

    [Fact]
    public async Task A_client_of_REST_catalogs_finds_a_table_and_reads_its_rows()
    {
        Assert.SkipWhen(ForeignReaders.RestAbsent is not null, ForeignReaders.RestAbsent ?? "");
        string bucket = await stand.NewBucketAsync();
        using var store = stand.Store();
        await using var server = await ServeAsync(bucket, store);
        using var lake = Open(server);
        await lake.Catalog.CreateNamespaceAsync(["db"], new Dictionary<string, string>(), default);
        await lake.Catalog.CreateNamespaceAsync(["other"], new Dictionary<string, string>(), default);
        using var line = await FillAsync(lake.Catalog);
        await LetEverybodyReadAsync(bucket); // icebird signs nothing
        JsonObject said = await ForeignReaders.RestAsync(server.Address, Warehouse, "db", LineTable.Name.Name, stand.Moto.Address);
        Assert.Equal(["db", "other"], said["namespaces"]!.AsArray().Select(one => (string?)one!["namespace"]![0]).Order());
        Assert.Equal(["events", "events__dead_letters"], said["tables"]!.AsArray().Select(one => (string?)one!["name"]).Order());
        Assert.False((bool)said["absent"]!);

        var ours = await line.LoadAsync();
        JsonNode theirs = said["loaded"]!["metadata"]!;
        Assert.Equal(ours.MetadataLocation, (string?)said["loaded"]!["metadata-location"]);
        Assert.Equal((ours.Metadata.TableUuid.ToString(), ours.Metadata.Snapshots.Count), ((string?)theirs["table-uuid"], theirs["snapshots"]!.AsArray().Count));
        Assert.Equal(bucket, (string?)said["loaded"]!["storage-credentials"]![0]!["config"]!["the-bucket"]);
        Assert.Equal(Expected, said["rows"]!.AsArray().Select(row => $"{row!["id"]} {row["title"]} {row["level"]?.ToJsonString() ?? "null"}").Order(StringComparer.Ordinal));
    }

    private static IEnumerable<string> Expected => Enumerable.Range(0, Rows).Select(id => $"{id} name {id} null").Order(StringComparer.Ordinal);

    private Task<RestCatalogServer> ServeAsync(string bucket, IObjectStore store) => RestCatalogServer.StartAsync(
        new RestCatalogServerOptions
        {
            Warehouse = $"s3://{bucket}/warehouse",
            Prefix = "lakes/lake",
            PageSize = 1,
            Lends = () =>
            [
                ($"s3://{bucket}/", new Dictionary<string, string>
                {
                    ["s3.access-key-id"] = AwsStand.AccessKey, ["s3.secret-access-key"] = AwsStand.Secret, ["s3.endpoint"] = stand.S3.Address.ToString(),
                    ["s3.path-style-access"] = "true", ["client.region"] = AwsStand.Region, ["the-bucket"] = bucket,
                }),
            ],
        },
        store);

    private async Task LetEverybodyReadAsync(string bucket)
    {
        using var client = stand.Client();
        await client.PutBucketPolicyAsync(new Amazon.S3.Model.PutBucketPolicyRequest
        {
            BucketName = bucket,
            Policy = $$"""{ "Version": "2012-10-17", "Statement": [ { "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::{{bucket}}/*" } ] }""",
        });
    }

    private static LakeCatalog Open(RestCatalogServer server) => LakeCatalog.Open(
        LakeCatalogOptions.Read(
            "/nowhere", new Dictionary<string, string> { ["type"] = "rest", ["uri"] = server.Address.ToString(), ["warehouse"] = Warehouse }, new Dictionary<string, string>(),
            (_, key, expected, _) => Assert.Fail($"{key}: {expected}")),
        TimeProvider.System, AwsStand.Ids(32));

    /// <summary>Four commits, of which two are by another schema than the first, and a compaction of some of them.</summary>
    private static async Task<LineTable> FillAsync(ICatalog catalog)
    {
        var line = await LineTable.CreateAsync(catalog);
        await line.IngestAsync(3, 2, 30, TestContext.Current.CancellationToken);
        var plan = await line.Compaction().PlanAsync(await line.LoadAsync(), new CompactionOptions { MinInputFiles = 2, QuietPeriod = TimeSpan.Zero }, TestContext.Current.CancellationToken);
        Assert.Equal(6, (await line.Compaction().ExecuteAsync(plan, TestContext.Current.CancellationToken)).FilesRemoved);
        await line.IngestAsync(1, 2, 30, TestContext.Current.CancellationToken);
        Assert.IsType<CommitResult.Committed>(await new TableChanges(catalog, AwsStand.Ids(33), TimeProvider.System).CommitAsync(
            LineTable.Name, new Transaction(TimeProvider.System).Then(metadata => new UpdateSchema(metadata).RenameColumn("name", "title").AddColumn(null, "level", new IntegerType())), default));
        Assert.Equal(Rows, line.Rows);
        return line;
    }

    private static async Task AskClickHouseAsync(LineTable line, params string[] opening)
    {
        string table = $"lake.`{LineTable.Name}`";
        var answers = await ForeignReaders.ClickHouseAllAsync(
            line.Warehouse,
            [
                .. opening,
                "SELECT name FROM system.tables WHERE database = 'lake' ORDER BY name SETTINGS show_data_lake_catalogs_in_system_tables = 1",
                $"DESCRIBE {table}",
                $"SELECT concat(toString(id), ' ', title, ' ', ifNull(toString(level), 'null')) AS line FROM {table} ORDER BY line",
                $"SELECT count() AS n FROM {table} WHERE ts >= '2024-10-05 00:00:00'", // the second of two days
            ]);
        Assert.All(answers, answer => Assert.True(answer is JsonArray, answer.ToJsonString()));
        Assert.Equal(["db.events", "db.events__dead_letters"], answers[^4].AsArray().Select(row => (string?)row!["name"]));
        Assert.Equal(["id", "ts", "title", "level"], answers[^3].AsArray().Select(row => (string?)row!["name"]));
        Assert.Equal(Expected, answers[^2].AsArray().Select(row => (string?)row!["line"]));
        Assert.Equal(Rows / 2, (int)answers[^1][0]!["n"]!);
    }
}
