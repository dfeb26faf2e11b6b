using System.Text.Json.Nodes;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Read;
using OrleansLake.Ingest.Upkeep;
using OrleansLake.Ingest.Write;
using static OrleansLake.Ingest.Tests.Read.ScanTable;

namespace OrleansLake.Ingest.Tests.Read;

/// <summary>What few tables have, each with rows: what is understood gives them, what is not says so.</summary>
public sealed class RareFeatureScanTests
{
    /// <summary>https://iceberg.apache.org/spec/#partition-transforms: readers ignore a transform that they do not know.</summary>
    [Fact]
    public async Task A_transform_of_several_columns_prunes_nothing_and_its_values_are_shown()
    {
        var spec = new PartitionSpec { SpecId = 0, Fields = [new PartitionField(1000, "both", [1], new Transform.Bucket(8)), new PartitionField(1001, "day", [2], new Transform.Identity())] };
        var table = new ScanTable(3, new Schema { SchemaId = 0, Fields = [Required(1, "id", new IntegerType()), Optional(2, "day", new DateType()), Optional(3, "name", new StringType())] }, spec);
        await table.CommitAsync([await table.WriteAsync([[1, 20_000, "a"], [2, 20_000, "b"]], new PartitionKey([3, 20_000]))]);
        await table.CommitAsync([await table.WriteAsync([[3, 20_001, "c"]], new PartitionKey([5, 20_001]))]);
        await table.CommitAsync([await table.WriteKeysAsync(0, new PartitionKey([3, 20_000]), [1], [[2]])]);

        // Another writer knows what it means: the numbers stand in its manifests.
        table.Metadata = table.Metadata with
        {
            PartitionSpecs = [spec with { Fields = [new PartitionField(1000, "both", [1, 3], new Transform.Unknown("bucketV2[8]")), spec.Fields[1]] }],
        };
        Assert.Equal(["""{"id":1,"day":"2024-10-04","name":"a"}""", """{"id":3,"day":"2024-10-05","name":"c"}"""], await table.RowsAsync());
        Assert.Equal(["""{"id":3}"""], await table.RowsAsync("id = 3", "id"));
        Assert.Equal(["""{"id":1}"""], await table.RowsAsync("day = date '2024-10-04'", "id"));
        Assert.Equal(["""{"_partition":{"both":"3","day":"2024-10-04"}}""", """{"_partition":{"both":"5","day":"2024-10-05"}}"""], await table.RowsAsync(null, "_partition"));

        // Nobody who cannot compute it may write by it.
        var append = new AppendFiles(SnapshotRef.Main, new IdSource(TimeProvider.System, new Random(1)), TimeProvider.System);
        append.Add(new DataFile { FilePath = "memory://x", SpecId = 0, Partition = new PartitionKey(["1", 2]), RecordCount = 1, FileSizeBytes = 1 });
        var refused = await Assert.ThrowsAsync<NotSupportedException>(() => append.StageAsync(table.Table, new SnapshotExtras(), default));
        Assert.Contains("bucketV2[8]", refused.Message, StringComparison.Ordinal);
        Assert.Throws<NotSupportedException>(() => new OpenFiles(new WritePlan(table.Table), table.Store, "x"));
        Assert.Equal("both=3/day=2024-10-04", PartitionPath.Of(table.Metadata.DefaultSpec, table.Schema, new PartitionKey([3, 20_000])));
        var plan = await new Compaction(null!, null!, null!, TimeProvider.System).PlanAsync(table.Table, new CompactionOptions { RewriteAll = true }, default);
        Assert.True(plan.IsEmpty);
        Assert.Contains("bucketV2[8]", Assert.Single(plan.Remarks), StringComparison.Ordinal);

        // Where the table goes on with another spec, its old manifests are left as they are.
        table.Metadata = table.Metadata with
        {
            PartitionSpecs = [.. table.Metadata.PartitionSpecs, new PartitionSpec { SpecId = 1, Fields = [] }], DefaultSpecId = 1,
            Properties = new Dictionary<string, string> { ["commit.manifest.min-count-to-merge"] = "1" },
        };
        var before = await SnapshotFiles.ManifestsAsync(table.Table, table.Metadata.Snapshots[^1], default);
        append = new AppendFiles(SnapshotRef.Main, new IdSource(TimeProvider.System, new Random(2)), TimeProvider.System);
        append.Add(await table.WriteAsync([[4, 1, "d"]], PartitionKey.None, specId: 1));
        var staged = await append.StageAsync(table.Table, new SnapshotExtras(), default);
        Assert.Empty(before.Select(one => one.ManifestPath).Except((await SnapshotFiles.ManifestsAsync(table.Table, staged.Snapshot, default)).Select(one => one.ManifestPath)));
    }

    [Fact]
    public async Task Columns_of_type_unknown_are_null_wherever_they_stand_and_may_become_of_any_type()
    {
        var table = new ScanTable(3, new Schema
        {
            SchemaId = 0,
            Fields =
            [
                Optional(1, "u", new UnknownType()), Required(2, "id", new IntegerType()), Optional(3, "s", new StructType([Optional(4, "x", new IntegerType()), Optional(5, "y", new UnknownType())])),
                Optional(6, "only", new StructType([Optional(7, "z", new UnknownType())])), Optional(8, "l", new ListType(9, new UnknownType(), false)),
                Optional(10, "m", new MapType(11, new StringType(), 12, new UnknownType(), false)),
            ],
        });
        var without = new Schema { SchemaId = 0, Fields = [Required(2, "id", new IntegerType()), Optional(3, "s", new StructType([Optional(4, "x", new IntegerType())]))] };
        await table.CommitAsync([await table.WriteAsync([[1, new object?[] { 7 }], [2, null]], schema: without)]);
        Assert.Equal(
            ["""{"u":null,"id":1,"s":{"x":7,"y":null},"only":null,"l":null,"m":null}""", """{"u":null,"id":2,"s":null,"only":null,"l":null,"m":null}"""],
            await table.RowsAsync());
        Assert.Equal(["""{"u":null}""", """{"u":null}"""], await table.RowsAsync(null, "u"));
        var update = new UpdateSchema(table.Metadata).PromoteColumn("u", new LongType()).PromoteColumn("s.y", new StringType());
        table.Metadata = table.Metadata.Apply(update.Updates, TimeProvider.System);
        Assert.Equal(["""{"u":null,"id":1,"s":{"x":7,"y":null}}""", """{"u":null,"id":2,"s":null}"""], await table.RowsAsync(null, "u", "id", "s"));
    }

    [Fact]
    public async Task Nanoseconds_are_kept_compared_and_pruned_by_their_days()
    {
        var spec = new PartitionSpec { SpecId = 0, Fields = [new PartitionField(1000, "d", [2], new Transform.Day())] };
        var table = new ScanTable(3, new Schema { SchemaId = 0, Fields = [Required(1, "id", new IntegerType()), Optional(2, "n", new TimestampNanoType(true)), Optional(3, "w", new TimestampNanoType(false))] }, spec);
        await table.CommitAsync([await table.WriteAsync([[1, 1L, -1L], [2, 2L, null]], new PartitionKey([0]))]);
        await table.CommitAsync([await table.WriteAsync([[3, -1L, long.MaxValue]], new PartitionKey([-1]))]);
        Assert.Equal(
            [
                """{"id":1,"n":"1970-01-01T00:00:00.000000001+00:00","w":"1969-12-31T23:59:59.999999999"}""", """{"id":2,"n":"1970-01-01T00:00:00.000000002+00:00","w":null}""",
                """{"id":3,"n":"1969-12-31T23:59:59.999999999+00:00","w":"2262-04-11T23:47:16.854775807"}""",
            ],
            await table.RowsAsync());
        Assert.Equal(["""{"id":2}"""], await table.RowsAsync("n > timestamp '1970-01-01 00:00:00.000000001 UTC'", "id"));
        var scan = new TableScan(table.Table, new ScanOptions { Where = Expression.Parse("n < timestamp '1970-01-01 00:00:00 UTC'") });
        Assert.Equal([-1], await scan.PlanAsync().Select(task => (int)task.File.Partition.Values[0]!).ToListAsync());
        Assert.Equal(["""{"id":3}"""], await table.RowsAsync("n < timestamp '1970-01-01 00:00:00 UTC'", "id"));
    }

    [Fact]
    public async Task A_date_that_became_a_timestamp_is_still_found_by_the_days_of_its_old_files()
    {
        var spec = new PartitionSpec { SpecId = 0, Fields = [new PartitionField(1000, "d", [2], new Transform.Day())] };
        var table = new ScanTable(3, new Schema { SchemaId = 0, Fields = [Required(1, "id", new IntegerType()), Optional(2, "t", new DateType())] }, spec);
        await table.CommitAsync([await table.WriteAsync([[1, 20_000]], new PartitionKey([20_000])), await table.WriteAsync([[2, 20_001], [3, 20_001]], new PartitionKey([20_001]))]);
        var update = new UpdateSchema(table.Metadata).PromoteColumn("t", new TimestampType(false));
        table.Metadata = table.Metadata.Apply(update.Updates, TimeProvider.System);
        await table.CommitAsync([await table.WriteAsync([[4, (20_001 * 86_400_000_000L) + 1]], new PartitionKey([20_001]))]);
        Assert.Equal(["""{"id":2}""", """{"id":3}""", """{"id":4}"""], (await table.RowsAsync("t >= timestamp '2024-10-05 00:00:00'", "id")).Order());
        Assert.Equal(["""{"id":4}"""], await table.RowsAsync("t > timestamp '2024-10-05 00:00:00'", "id"));
        Assert.Equal(["""{"id":1}"""], await table.RowsAsync("t = timestamp '2024-10-04 00:00:00'", "id"));
        Assert.Contains("\"t\":\"2024-10-04T00:00:00.000000\"", string.Concat(await table.RowsAsync()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Defaults_reach_into_structs_of_lists_and_maps()
    {
        static NestedField Default(NestedField field, string json) => field with { InitialDefault = JsonNode.Parse(json) };
        var table = new ScanTable(3, new Schema
        {
            SchemaId = 0,
            Fields = [Optional(1, "l", new ListType(2, new StructType([Optional(3, "x", new IntegerType())]), false)), Optional(4, "m", new MapType(5, new StringType(), 6, new StructType([Optional(7, "y", new IntegerType())]), false))],
        });
        await table.CommitAsync([await table.WriteAsync([[new List<object?> { new object?[] { 1 }, null }, new List<KeyValuePair<object, object?>> { new("k", new object?[] { null }) }], [new List<object?>(), null]])]);
        table.Evolve(
            Optional(1, "l", new ListType(2, new StructType([Optional(3, "x", new IntegerType()), Default(Required(8, "added", new StringType()), "\"d\"")]), false)),
            Optional(4, "m", new MapType(5, new StringType(), 6, new StructType([Default(Optional(9, "n", new TimestampNanoType(false)), "\"2025-01-31T00:00:00.000000001\""), Optional(7, "y", new IntegerType())]), false)));
        Assert.Equal(
            ["""{"l":[{"x":1,"added":"d"},null],"m":{"k":{"n":"2025-01-31T00:00:00.000000001","y":null}}}""", """{"l":[],"m":null}"""],
            await table.RowsAsync());
    }

    [Fact]
    public async Task Encrypted_files_and_files_of_ORC_are_named_and_not_read_as_noise()
    {
        var table = new ScanTable(3, new Schema { SchemaId = 0, Fields = [Required(1, "id", new IntegerType())] });
        var file = await table.WriteAsync([[1]]);
        await table.CommitAsync([file with { KeyMetadata = [1, 2, 3] }]);
        Assert.Contains($"{file.FilePath}: it is encrypted", (await Assert.ThrowsAsync<NotSupportedException>(() => table.RowsAsync())).Message, StringComparison.Ordinal);
        await table.CommitAsync([file with { FilePath = "memory://other.orc", FileFormat = "orc" }], removed: [file]);
        Assert.Contains("memory://other.orc: expected Parquet or Avro, got ORC", (await Assert.ThrowsAsync<NotSupportedException>(() => table.RowsAsync())).Message, StringComparison.Ordinal);
    }
}
