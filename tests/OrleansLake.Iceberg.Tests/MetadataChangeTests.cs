using System.Text.Json.Nodes;
using static OrleansLake.Iceberg.Tests.TestTables;

namespace OrleansLake.Iceberg.Tests;

/// <summary>Specs, orders, properties, location, and several changes in one swap.</summary>
public sealed class MetadataChangeTests
{
    [Fact]
    public void Partition_fields_are_added_renamed_and_removed_and_keep_their_ids_through_all_specs()
    {
        var metadata = Apply(Made(), one => new UpdateSpec(one).AddField("name", new Transform.Bucket(16)).AddField("id", new Transform.Truncate(10), "tens"));
        Assert.Equal(["ts_day", "name_bucket_16", "tens"], metadata.DefaultSpec.Fields.Select(field => field.Name));
        Assert.Equal([1000, 1001, 1002], metadata.DefaultSpec.Fields.Select(field => field.FieldId));
        metadata = Apply(metadata, one => new UpdateSpec(one).RemoveField("name_bucket_16").RemoveField("ts", new Transform.Day()).RenameField("tens", "by_ten"));
        Assert.Equal([("by_ten", 1002)], metadata.DefaultSpec.Fields.Select(field => (field.Name, field.FieldId)));
        metadata = Apply(metadata, one => new UpdateSpec(one).AddField("ts", new Transform.Day()).AddField("ts", new Transform.Identity(), "exact"));
        Assert.Equal([("by_ten", 1002), ("ts_day", 1000), ("exact", 1003)], metadata.DefaultSpec.Fields.Select(field => (field.Name, field.FieldId)));
        Assert.Equal((3, 1003), (metadata.DefaultSpecId, metadata.LastPartitionId));
        metadata = Apply(metadata, one => new UpdateSpec(one).RemoveField("by_ten").RemoveField("exact"));
        Assert.Equal(0, metadata.DefaultSpecId);
    }

    [Fact]
    public void A_spec_that_makes_no_sense_is_refused()
    {
        var refused = new Action<UpdateSpec>[]
        {
            change => change.AddField("nowhere", new Transform.Identity()),
            change => change.AddField("ts", new Transform.Day()),
            change => change.AddField("name", new Transform.Hour()),
            change => change.AddField("name", new Transform.Identity(), "id"),
            change => change.AddField("ts", new Transform.Hour()).AddField("ts", new Transform.Month()),
            change => change.AddField("name", new Transform.Unknown("zorder")),
            change => change.RemoveField("nowhere"),
            change => change.RemoveField("name", new Transform.Identity()),
            change => change.AddField("name", new Transform.Identity()).RenameField("name", "ts_day"),
        };
        foreach (var change in refused)
        {
            Assert.Throws<ArgumentException>(() => change(new UpdateSpec(Made())));
        }
    }

    [Fact]
    public void In_v1_a_removed_partition_field_leaves_its_place()
    {
        var metadata = Apply(Made() with { FormatVersion = 1 }, one => new UpdateSpec(one).RemoveField("ts_day"));
        Assert.Equal([(1000, "ts_day", (Transform)new Transform.Void())], metadata.DefaultSpec.Fields.Select(field => (field.FieldId, field.Name, field.Transform)));
    }

    [Fact]
    public void A_sort_order_is_replaced_found_again_and_taken_away()
    {
        var metadata = Apply(Made(), one => new ReplaceSortOrder(one).Ascending("name").Descending("ts", new Transform.Hour()));
        var order = metadata.SortOrders.Single(one => one.OrderId == metadata.DefaultSortOrderId);
        Assert.Equal(1, order.OrderId);
        Assert.Equal([(3, false, false), (2, true, true)], order.Fields.Select(field => (field.SourceIds[0], field.Descending, field.NullsLast)));
        metadata = Apply(metadata, one => new ReplaceSortOrder(one));
        Assert.Equal(0, metadata.DefaultSortOrderId);
        metadata = Apply(metadata, one => new ReplaceSortOrder(one).Ascending("name").Descending("ts", new Transform.Hour()));
        Assert.Equal((1, 2), (metadata.DefaultSortOrderId, metadata.SortOrders.Count));
        Assert.Throws<ArgumentException>(() => new ReplaceSortOrder(metadata).Ascending("nowhere"));
        Assert.Throws<ArgumentException>(() => new ReplaceSortOrder(metadata).Ascending("name", new Transform.Day()));
    }

    [Fact]
    public void Properties_are_set_and_removed_and_facts_are_none()
    {
        var metadata = Apply(Made(), one => new UpdateProperties(one).Set("a", "1").Set("b", "2"));
        metadata = Apply(metadata, one => new UpdateProperties(one).Set("a", "3").Remove("b").Remove("nowhere"));
        Assert.Equal([("a", "3")], metadata.Properties.Select(pair => (pair.Key, pair.Value)));
        Assert.Throws<ArgumentException>(() => new UpdateProperties(metadata).Set("current-snapshot-id", "4"));
        Assert.Throws<ArgumentException>(() => new UpdateProperties(metadata).Set("format-version", "1"));
        metadata = Apply(metadata, one => new UpdateProperties(one).Set("format-version", "3"));
        Assert.Equal((3, 0L, 1), (metadata.FormatVersion, metadata.NextRowId, metadata.Properties.Count));
        Assert.Empty(new UpdateLocation(metadata, metadata.Location + "/").Updates);
        Assert.Equal("s3://b/t", Apply(metadata, one => new UpdateLocation(one, "s3://b/t/")).Location);
    }

    [Fact]
    public async Task Several_changes_are_one_swap_each_on_top_of_those_before_it()
    {
        var (catalog, _, table) = await InMemoryAsync();
        var (one, two) = (new AppendFiles("main", Ids(1), TimeProvider.System), new AppendFiles("main", Ids(2), TimeProvider.System));
        one.Add(File("memory://1.parquet"));
        two.Add(File("memory://2.parquet"));
        var transaction = new Transaction(TimeProvider.System)
            .Then(metadata => new UpdateSchema(metadata).AddColumn(null, "more", new LongType()))
            .Then(one)
            .Then(metadata => new UpdateSchema(metadata).RenameColumn("more", "most"))
            .Then(metadata => new ManageSnapshots(metadata).CreateTag("between"))
            .Then(two)
            .Then(metadata => new UpdateProperties(metadata).Set("done", "yes"));

        await transaction.StageAsync(table, default);
        table = await AppendAsync(catalog, table, 3, File("memory://0.parquet"));
        table = Assert.IsType<CommitResult.Committed>(await new TableChanges(catalog, Ids(9), TimeProvider.System).CommitAsync(Events, transaction, default)).Table;

        Assert.Equal(["id", "ts", "name", "most"], table.Metadata.CurrentSchema.Fields.Select(field => field.Name));
        Assert.Equal([1L, 2L, 3L], table.Metadata.Snapshots.Select(snapshot => snapshot.SequenceNumber));
        Assert.Equal([0, 1, 2], table.Metadata.Snapshots.Select(snapshot => snapshot.SchemaId!.Value));
        Assert.Equal(table.Metadata.Snapshots[1].SnapshotId, table.Metadata.Refs["between"].SnapshotId);
        Assert.Equal(["memory://0.parquet", "memory://1.parquet", "memory://2.parquet"], (await LiveAsync(table)).Select(entry => entry.DataFile.FilePath).Order());
        Assert.Equal("3", table.Metadata.FindRef("main")!.Summary["total-data-files"]);
        Assert.Equal("yes", table.Metadata.Properties["done"]);
        Assert.Equal(2, table.Metadata.MetadataLog.Count);
        // What no reader saw as the current state is not in the history.
        Assert.Equal(2, table.Metadata.SnapshotLog.Count);
    }

    [Fact]
    public async Task A_transaction_of_which_one_change_is_refused_changes_nothing()
    {
        var (catalog, _, table) = await InMemoryAsync();
        table = await AppendAsync(catalog, table, 1, File("memory://a.parquet"));
        var delete = new DeleteFiles("main", Ids(2), TimeProvider.System);
        delete.Remove(File("memory://nowhere.parquet"));
        var transaction = new Transaction(TimeProvider.System).Then(metadata => new UpdateProperties(metadata).Set("a", "b")).Then(delete);
        await Assert.ThrowsAsync<ChangeConflictException>(() => new TableChanges(catalog, Ids(9), TimeProvider.System).CommitAsync(Events, transaction, default));
        Assert.Empty((await catalog.LoadTableAsync(Events, default))!.Metadata.Properties);
    }

    [Fact]
    public async Task Ten_changes_under_contention_are_all_in()
    {
        var (catalog, _, _) = await InMemoryAsync(Creation(properties: new Dictionary<string, string> { ["commit.retry.num-retries"] = "1000", ["commit.retry.min-wait-ms"] = "1", ["commit.retry.max-wait-ms"] = "2" }));
        await Parallel.ForEachAsync(Enumerable.Range(0, 10), new ParallelOptions { MaxDegreeOfParallelism = 10 }, async (i, _) =>
        {
            var changes = new TableChanges(catalog, Ids(200 + i), TimeProvider.System);
            Assert.IsType<CommitResult.Committed>(await changes.CommitAsync(Events, metadata => new UpdateSchema(metadata).AddColumn(null, $"c{i}", new LongType()), default));
        });
        var schema = (await catalog.LoadTableAsync(Events, default))!.Metadata.CurrentSchema;
        Assert.Equal(13, schema.Fields.Select(field => field.Id).Distinct().Count());
    }

    [Fact]
    public async Task A_change_that_changes_nothing_makes_no_metadata()
    {
        var (catalog, _, table) = await InMemoryAsync();
        var result = await new TableChanges(catalog, Ids(9), TimeProvider.System).CommitAsync(Events, metadata => new UpdateSchema(metadata).SetDoc("id", null), default);
        Assert.Equal(table.MetadataLocation, Assert.IsType<CommitResult.Committed>(result).Table.MetadataLocation);
    }

    [Fact]
    public async Task Old_metadata_files_are_deleted_after_a_commit_when_the_table_says_so()
    {
        string warehouse = Directory.CreateTempSubdirectory("lake-history-").FullName;
        try
        {
            var catalog = new LocalCatalog(warehouse, TimeProvider.System, Ids(1));
            var properties = new Dictionary<string, string> { ["write.metadata.delete-after-commit.enabled"] = "true", ["write.metadata.previous-versions-max"] = "2" };
            await catalog.CreateTableAsync(Events, Creation(properties: properties), default);
            for (int i = 0; i < 6; i++)
            {
                await new TableChanges(catalog, Ids(2), TimeProvider.System).CommitAsync(Events, metadata => new UpdateProperties(metadata).Set("i", $"{i}"), default);
            }

            var table = (await catalog.LoadTableAsync(Events, default))!;
            string[] files = [.. Directory.GetFiles(Path.Combine(warehouse, "db", "events", "metadata"), "*.json").Select(file => Path.GetFileName(file)!).Order()];
            Assert.Equal(["v5.metadata.json", "v6.metadata.json", "v7.metadata.json"], files);
            Assert.Equal(["v5.metadata.json", "v6.metadata.json"], table.Metadata.MetadataLog.Select(entry => Path.GetFileName(entry.MetadataFile)));
        }
        finally
        {
            Directory.Delete(warehouse, recursive: true);
        }
    }

    [Fact]
    public void Unknown_fields_of_schemas_specs_orders_and_logs_survive_a_change()
    {
        var json = JsonNode.Parse(TableMetadataJson.Write(TableMetadataJsonTests.Sample()))!.AsObject();
        json["schemas"]![0]!["x-schema"] = 1.50m;
        json["schemas"]![0]!["fields"]![0]!["x-field"] = JsonNode.Parse("""{"a":[1e3]}""");
        json["partition-specs"]![0]!["x-spec"] = true;
        json["partition-specs"]![0]!["fields"]![0]!["x-part"] = "p";
        json["sort-orders"] = JsonNode.Parse("""[{"order-id":0,"fields":[]},{"order-id":3,"x-order":null,"fields":[{"transform":"identity","source-id":1,"direction":"asc","null-order":"nulls-first","x-sort":2}]}]""");
        json["snapshot-log"]![0]!["x-log"] = 1;
        json["metadata-log"] = JsonNode.Parse("""[{"timestamp-ms":1,"metadata-file":"f","x-file":1}]""");
        json["refs"]!["main"]!["x-ref"] = 7;
        var changed = TableMetadataJson.Read(System.Text.Encoding.UTF8.GetBytes(json.ToJsonString()), "x");
        changed = Apply(changed, metadata => new UpdateSchema(metadata).AddColumn(null, "added", new LongType()));
        changed = Apply(changed, metadata => new UpdateSpec(metadata).AddField("name", new Transform.Identity()));
        var after = JsonNode.Parse(TableMetadataJson.Write(changed))!.AsObject();
        foreach (string name in new[] { "sort-orders", "snapshot-log", "metadata-log", "refs", "snapshots" })
        {
            Assert.True(JsonNode.DeepEquals(json[name], after[name]), $"{name}: {after[name]!.ToJsonString()}");
        }

        Assert.True(JsonNode.DeepEquals(json["schemas"]![0], after["schemas"]![0]));
        Assert.True(JsonNode.DeepEquals(json["partition-specs"]![0], after["partition-specs"]![0]));
        Assert.Equal("1.50", after["schemas"]![1]!["x-schema"]!.ToJsonString());
        Assert.Equal("""{"a":[1e3]}""", after["schemas"]![1]!["fields"]![0]!["x-field"]!.ToJsonString());
        Assert.Equal("p", after["partition-specs"]![1]!["fields"]![0]!["x-part"]!.GetValue<string>());
    }

    private static TableMetadata Made() => TableMetadataCreation.Create(Creation(), "/w/t", Guid.NewGuid(), DateTimeOffset.UnixEpoch);

    private static TableMetadata Apply(TableMetadata metadata, Func<TableMetadata, IMetadataChange> change)
    {
        var made = change(metadata);
        Assert.Null(metadata.Violated(made.Requirements));
        var after = metadata.Apply(made.Updates, TimeProvider.System);
        byte[] written = TableMetadataJson.Write(after);
        Assert.Equal(written, TableMetadataJson.Write(TableMetadataJson.Read(written, "x")));
        return after;
    }
}
