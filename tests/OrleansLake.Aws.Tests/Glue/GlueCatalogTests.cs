using System.Text.Json.Nodes;
using OrleansLake.Iceberg;
using OrleansLake.Testing;
using OrleansLake.Testing.Aws;
using OrleansLake.Testing.Iceberg;
using static OrleansLake.Aws.Tests.Glue.GlueStand;
using TableIdentifier = OrleansLake.Iceberg.TableIdentifier;

namespace OrleansLake.Aws.Tests.Glue;

public sealed class GlueCatalogTests
{
    public static TheoryData<string> Cases => [.. ConformanceSuite.CasesOf<CatalogConformance>()];

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Glue_is_a_catalog(string name)
    {
        await using var stand = await GlueStand.StartAsync();
        await new CatalogConformance(stand.Catalog(), stand.Catalog(), nests: false).RunAsync(name);
    }

    [Theory]
    [InlineData(nameof(CatalogConformance.Nothing_is_lost_or_doubled_when_many_commit_at_once), "UpdateTable")]
    [InlineData(nameof(CatalogConformance.Of_many_that_create_the_same_table_one_succeeds), "CreateTable")]
    [InlineData(nameof(CatalogConformance.A_renamed_table_is_the_same_table), "CreateTable")]
    [InlineData(nameof(CatalogConformance.A_dropped_table_is_gone_and_its_name_free), "DeleteTable")]
    [InlineData(nameof(CatalogConformance.Only_an_empty_namespace_is_dropped), "CreateDatabase")]
    public async Task Glue_that_fails_in_every_way_is_a_catalog_still(string name, string action)
    {
        for (int seed = 0; seed < 3; seed++)
        {
            await using var stand = await GlueStand.StartAsync();
            var random = new Random(seed);
            for (int i = 0; i < 8; i++)
            {
                string struck = i == 3 ? "GetTable" : action;
                bool mayBeLate = struck == "UpdateTable";
                stand.Server.Fail(random.Next(mayBeLate ? 5 : 4) switch
                {
                    0 => On(struck) with { Instead = AwsReply.JsonError(400, "ThrottlingException", "Rate exceeded") },
                    1 => On(struck) with { LosesAnswer = true },
                    2 => On(struck) with { Instead = AwsReply.JsonError(500, "InternalServiceException", "sorry") },
                    3 => On(struck) with { After = AwsReply.JsonError(503, "InternalServiceException", "sorry") },
                    _ => On(struck) with { IsLate = true },
                });
            }

            GlueCatalog Patient() => stand.Catalog(options => options with { MostAttempts = 20 });
            var running = new CatalogConformance(Patient(), Patient(), nests: false).RunAsync(name);
            while (await Task.WhenAny(running, Task.Delay(5)) != running)
            {
                await stand.Server.ApplyLateAsync();
            }

            await running;
        }
    }

    [Fact]
    public async Task A_table_stands_in_Glue_as_Athena_and_Trino_look_for_it()
    {
        await using var stand = await GlueStand.StartAsync();
        var (catalog, table) = await stand.WithTableAsync();
        var first = stand.Glue.Table("db", "events")!;
        Assert.Equal("EXTERNAL_TABLE", (string?)first["TableType"]);
        Assert.Equal("what happened", (string?)first["Description"]);
        Assert.Equal(["metadata_location", "table_type"], first["Parameters"]!.AsObject().Select(one => one.Key).Order());
        Assert.Equal("ICEBERG", (string?)first["Parameters"]!["table_type"]);
        Assert.Equal(table.MetadataLocation, (string?)first["Parameters"]!["metadata_location"]);
        Assert.Equal("memory://warehouse/db.db/events", (string?)first["StorageDescriptor"]!["Location"]);
        Assert.Equal(
            ["id:bigint", "at:timestamp", "order:struct<lines:array<decimal(9,2)>>", "tags:map<string,string>"],
            first["StorageDescriptor"]!["Columns"]!.AsArray().Select(column => $"{column!["Name"]}:{column["Type"]}"));
        var id = first["StorageDescriptor"]!["Columns"]![0]!;
        Assert.Equal("who", (string?)id["Comment"]);
        Assert.Equal(("1", "false", "true"), ((string?)id["Parameters"]!["iceberg.field.id"], (string?)id["Parameters"]!["iceberg.field.optional"], (string?)id["Parameters"]!["iceberg.field.current"]));

        var committed = Assert.IsType<CommitResult.Committed>(await catalog.CommitTableAsync(Set(table, "a", "1"), default));
        var second = stand.Glue.Table("db", "events")!["Parameters"]!;
        Assert.Equal(committed.Table.MetadataLocation, (string?)second["metadata_location"]);
        Assert.Equal(table.MetadataLocation, (string?)second["previous_metadata_location"]);
        Assert.Null(second["orleanslake.offsets.0"]);
        Assert.Equal(0, stand.Glue.Archived);
    }

    [Fact]
    public async Task What_others_wrote_into_the_table_stays()
    {
        await using var stand = await GlueStand.StartAsync();
        var (catalog, table) = await stand.WithTableAsync();
        stand.Glue.Touch("db", "events", row =>
        {
            row["Owner"] = "team";
            row["Retention"] = 7;
            row["Parameters"]!["classification"] = "parquet";
            row["StorageDescriptor"]!["SerdeInfo"] = new JsonObject { ["SerializationLibrary"] = "x.y" };
            row["StorageDescriptor"]!["Columns"]![1]!["Comment"] = "by hand";
        });
        Assert.IsType<CommitResult.Committed>(await catalog.CommitTableAsync(Set(table, "a", "1"), default));
        var now = stand.Glue.Table("db", "events")!;
        Assert.Equal(("team", 7, "parquet", "x.y", "by hand"), (
            (string?)now["Owner"], (int)now["Retention"]!, (string?)now["Parameters"]!["classification"], (string?)now["StorageDescriptor"]!["SerdeInfo"]!["SerializationLibrary"],
            (string?)now["StorageDescriptor"]!["Columns"]![1]!["Comment"]));
    }

    [Fact]
    public async Task Columns_that_are_gone_are_marked_so()
    {
        await using var stand = await GlueStand.StartAsync();
        var (catalog, table) = await stand.WithTableAsync();
        var schema = new Schema { SchemaId = 1, Fields = [table.Metadata.CurrentSchema.Fields[0]] };
        Assert.IsType<CommitResult.Committed>(await catalog.CommitTableAsync(new TableCommit(table, [], [new TableUpdate.AddSchema(schema), new TableUpdate.SetCurrentSchema(-1)]), default));
        Assert.Equal(
            ["id:true", "at:false", "order:false", "tags:false"],
            stand.Glue.Table("db", "events")!["StorageDescriptor"]!["Columns"]!.AsArray().Select(column => $"{column!["Name"]}:{column["Parameters"]!["iceberg.field.current"]}"));
    }

    [Fact]
    public async Task A_swap_whose_answer_was_lost_is_found_to_be_in()
    {
        await using var stand = await GlueStand.StartAsync();
        var (catalog, table) = await stand.WithTableAsync();
        stand.Server.Fail(On("UpdateTable") with { LosesAnswer = true });
        Assert.IsType<CommitResult.Committed>(await catalog.CommitTableAsync(Set(table, "a", "1"), default));
        Assert.Single(stand.Server.Requests, request => request.Action == "UpdateTable");
        Assert.Equal("1", (await catalog.LoadTableAsync(Events, default))!.Metadata.Properties["a"]);
    }

    [Fact]
    public async Task A_table_whose_creation_arrived_twice_is_ours_and_keeps_its_file()
    {
        await using var stand = await GlueStand.StartAsync();
        var catalog = stand.Catalog();
        await catalog.CreateNamespaceAsync(["db"], new Dictionary<string, string>(), default);
        stand.Server.Fail(On("CreateTable") with { After = AwsReply.JsonError(400, "AlreadyExistsException", "Table already exists.") });
        var table = await catalog.CreateTableAsync(Events, Creation, default);
        Assert.Equal(table.MetadataLocation, (await catalog.LoadTableAsync(Events, default))!.MetadataLocation);
        await Assert.ThrowsAsync<TableExistsException>(() => catalog.CreateTableAsync(Events, Creation, default));
        Assert.Equal([table.MetadataLocation], await stand.FilesAsync());
    }

    [Fact]
    public async Task A_swap_that_may_come_yet_is_unknown_and_its_file_stays()
    {
        await using var stand = await GlueStand.StartAsync();
        var (catalog, table) = await stand.WithTableAsync();
        stand.Server.Fail(On("UpdateTable") with { IsLate = true });
        Assert.IsType<CommitResult.Unknown>(await catalog.CommitTableAsync(Set(table, "a", "1"), default));
        Assert.Equal([200], await stand.Server.ApplyLateAsync());
        Assert.Equal("1", (await catalog.LoadTableAsync(Events, default))!.Metadata.Properties["a"]);
    }

    [Fact]
    public async Task A_swap_that_another_overtook_is_a_conflict_and_its_file_goes()
    {
        await using var stand = await GlueStand.StartAsync();
        var (catalog, table) = await stand.WithTableAsync();
        var another = stand.Catalog();
        stand.Server.Fail(On("UpdateTable") with { IsLate = true });
        Assert.IsType<CommitResult.Unknown>(await catalog.CommitTableAsync(Set(table, "a", "late"), default));
        Assert.IsType<CommitResult.Committed>(await another.CommitTableAsync(Set(table, "a", "quick"), default));
        Assert.Equal([400], await stand.Server.ApplyLateAsync());

        // The base is what Glue names, but its version moves before the swap arrives.
        var (base2, count) = ((await catalog.LoadTableAsync(Events, default))!, (await stand.FilesAsync()).Count);
        stand.Server.Fail(new AwsFault(request =>
        {
            if (request.Action != "UpdateTable")
            {
                return false;
            }

            stand.Glue.Touch("db", "events", row => row["Owner"] = "console");
            return true;
        }));
        Assert.IsType<CommitResult.Conflict>(await catalog.CommitTableAsync(Set(base2, "a", "2"), default));
        Assert.Equal(count, (await stand.FilesAsync()).Count);
        Assert.IsType<CommitResult.Committed>(await catalog.CommitTableAsync(Set(base2, "a", "2"), default));
    }

    [Fact]
    public async Task A_swap_that_is_refused_for_being_too_many_is_sent_again()
    {
        await using var stand = await GlueStand.StartAsync();
        var (catalog, table) = await stand.WithTableAsync();
        stand.Server.Fail(On("UpdateTable") with { Instead = AwsReply.JsonError(400, "ThrottlingException", "Rate exceeded"), Times = 2 });
        Assert.IsType<CommitResult.Committed>(await catalog.CommitTableAsync(Set(table, "a", "1"), default));
        Assert.Equal(3, stand.Server.Requests.Count(request => request.Action == "UpdateTable"));
    }

    [Fact]
    public async Task A_database_says_where_its_tables_lie()
    {
        await using var stand = await GlueStand.StartAsync();
        var catalog = stand.Catalog();
        await catalog.CreateNamespaceAsync(["placed"], new Dictionary<string, string> { ["location"] = "memory://elsewhere/placed/", ["comment"] = "c", ["k"] = "v" }, default);
        var table = await catalog.CreateTableAsync(new TableIdentifier(["placed"], "t"), Creation, default);
        Assert.Equal("memory://elsewhere/placed/t", table.Metadata.Location);
        Assert.Equal(["comment=c", "k=v", "location=memory://elsewhere/placed/"], (await catalog.LoadNamespaceAsync(["placed"], default))!.Select(pair => $"{pair.Key}={pair.Value}").Order());
        await catalog.CreateNamespaceAsync(["db"], new Dictionary<string, string>(), default);
        var nowhere = stand.Catalog(options => options with { Warehouse = null });
        Assert.Contains("LocationUri", (await Assert.ThrowsAsync<ArgumentException>(() => nowhere.CreateTableAsync(Events, Creation, default))).Message);
    }

    [Fact]
    public async Task Tables_that_are_not_of_Iceberg_are_left_alone()
    {
        await using var stand = await GlueStand.StartAsync();
        var (catalog, _) = await stand.WithTableAsync();
        stand.Glue.Touch("db", "events", row => row["Parameters"] = new JsonObject { ["classification"] = "csv" });
        Assert.Empty(await catalog.ListTablesAsync(["db"], default));
        Assert.False(await catalog.TableExistsAsync(Events, default));
        Assert.Contains("none of Iceberg", (await Assert.ThrowsAsync<NotSupportedException>(() => catalog.LoadTableAsync(Events, default))).Message);
        await Assert.ThrowsAsync<NotSupportedException>(() => catalog.DropTableAsync(Events, purge: true, default));
        await Assert.ThrowsAsync<TableExistsException>(() => catalog.CreateTableAsync(Events, Creation, default));
        await Assert.ThrowsAsync<NamespaceNotEmptyException>(() => catalog.DropNamespaceAsync(["db"], default));
    }

    [Theory]
    [InlineData("Events")]
    [InlineData("my-events")]
    [InlineData("")]
    public async Task A_name_that_Athena_would_not_take_is_refused(string name)
    {
        await using var stand = await GlueStand.StartAsync();
        var (catalog, _) = await stand.WithTableAsync();
        Assert.Contains("lower-case", (await Assert.ThrowsAsync<ArgumentException>(() => catalog.CreateTableAsync(new TableIdentifier(["db"], name), Creation, default))).Message);
    }

    [Fact]
    public async Task Another_accounts_catalog_is_asked_for_by_its_id()
    {
        await using var stand = await GlueStand.StartAsync();
        await stand.WithTableAsync(options => options with { CatalogId = "123456789012" });
        Assert.All(stand.Server.Requests, request => Assert.Equal("123456789012", (string?)JsonNode.Parse(request.Body)!["CatalogId"]));
        var denied = await Assert.ThrowsAsync<AwsException>(() => stand.Catalog(options => options with { CatalogId = "999999999999" }).LoadTableAsync(Events, default));
        Assert.Equal("AccessDeniedException", denied.Code);
    }

    [Fact]
    public async Task Credentials_that_are_wrong_or_have_ended_are_an_error_that_says_so()
    {
        await using var stand = await GlueStand.StartAsync();
        var wrong = await Assert.ThrowsAsync<AwsException>(() => stand.Catalog(options => options with { SecretAccessKey = "another-secret" }).LoadTableAsync(Events, default));
        Assert.Equal("SignatureDoesNotMatch", wrong.Code);
        Assert.DoesNotContain("another-secret", wrong.ToString());
        var ended = await Assert.ThrowsAsync<AwsException>(() => stand.Catalog(options => options with { SessionToken = "old" }).LoadTableAsync(Events, default));
        Assert.Equal("ExpiredTokenException", ended.Code);
    }
}

public sealed class GlueOnMotoTests(AwsStand stand)
{
    [Fact]
    public async Task Motos_Glue_and_S3_keep_a_table_of_ours()
    {
        string bucket = await stand.NewBucketAsync();
        using var store = stand.Store();
        using var catalog = new GlueCatalog(
            new GlueCatalogOptions { Warehouse = $"s3://{bucket}/warehouse", Endpoint = stand.Moto.Address, Region = AwsStand.Region, AccessKeyId = "k", SecretAccessKey = "s" },
            store, TimeProvider.System, AwsStand.Ids(5));
        var name = new TableIdentifier([bucket.Replace('-', '_')], "events");
        await Assert.ThrowsAsync<NamespaceNotFoundException>(() => catalog.CreateTableAsync(name, Creation, default));
        Assert.True(await catalog.CreateNamespaceAsync(name.Namespace, new Dictionary<string, string> { ["a"] = "b" }, default));
        Assert.False(await catalog.CreateNamespaceAsync(name.Namespace, new Dictionary<string, string>(), default));
        var table = await catalog.CreateTableAsync(name, Creation, default);
        Assert.StartsWith($"s3://{bucket}/warehouse/", table.MetadataLocation);
        await Assert.ThrowsAsync<TableExistsException>(() => catalog.CreateTableAsync(name, Creation, default));
        Assert.IsType<CommitResult.Committed>(await catalog.CommitTableAsync(Set(table, "a", "1"), default));
        Assert.IsType<CommitResult.Conflict>(await catalog.CommitTableAsync(Set(table, "a", "2"), default));
        var loaded = (await catalog.LoadTableAsync(name, default))!;
        Assert.Equal("1", loaded.Metadata.Properties["a"]);
        Assert.Equal([name], await catalog.ListTablesAsync(name.Namespace, default));
        var renamed = name with { Name = "clicks" };
        Assert.True(await catalog.RenameTableAsync(name, renamed, default));
        Assert.Null(await catalog.LoadTableAsync(name, default));
        Assert.True(await catalog.DropTableAsync(renamed, purge: true, default));
        await foreach (var left in store.ListAsync($"s3://{bucket}/", default))
        {
            Assert.Fail($"{left.Location} stayed");
        }

        Assert.True(await catalog.DropNamespaceAsync(name.Namespace, default));
    }
}
