using System.Text;
using System.Text.Json.Nodes;
using OrleansLake.Iceberg;
using OrleansLake.Iceberg.Deletes;
using OrleansLake.Ingest.Read;
using OrleansLake.Testing;
using static OrleansLake.Ingest.Tests.Read.ScanTable;

namespace OrleansLake.Ingest.Tests.Read;

/// <summary>What a table tells of itself as rows.</summary>
public sealed class MetadataTableTests
{
    [Fact]
    public async Task Every_metadata_table_of_a_table_with_deletes_and_two_specs_has_its_rows()
    {
        var spec = new PartitionSpec { SpecId = 0, Fields = [new PartitionField(1000, "name", [2], new Transform.Identity())] };
        var table = new ScanTable(2, new Schema { SchemaId = 0, Fields = [Required(1, "id", new LongType()), Optional(2, "name", new StringType())] }, spec);
        table.Metadata = table.Metadata with { PartitionSpecs = [spec, new PartitionSpec { SpecId = 1, Fields = [new PartitionField(1001, "id_bucket", [1], new Transform.Bucket(4))] }] };
        var a = await table.WriteAsync([[1L, "a"], [2L, "a"]], new PartitionKey(["a"]));
        var bucketed = await table.WriteAsync([[3L, null]], new PartitionKey([2]), specId: 1);
        await table.CommitAsync([a, bucketed]);
        var gone = new PositionSet();
        gone.Add(1);
        await table.CommitAsync([await table.WritePositionsAsync(0, new PartitionKey(["a"]), new Dictionary<string, PositionSet> { [a.FilePath] = gone })]);
        await table.CommitAsync([], removed: [bucketed]);
        table.Metadata = table.Metadata with { Refs = new Dictionary<string, SnapshotRef>(table.Metadata.Refs) { ["first"] = new(101, true) { MaxRefAgeMs = 5 } }, MetadataLog = [new MetadataLogEntry(1000, "memory://v0")] };

        Assert.Equal([101, 102, 103], (await RowsAsync(table, "snapshots")).Select(row => row["snapshot_id"]!.GetValue<int>()));
        Assert.Equal([true, true, true], (await RowsAsync(table, "history")).Select(row => row["is_current_ancestor"]!.GetValue<bool>()));
        Assert.Equal(["first TAG 101 5", "main BRANCH 103 "], (await RowsAsync(table, "refs")).Select(row => $"{row["name"]} {row["type"]} {row["snapshot_id"]} {row["max_reference_age_in_ms"]}"));
        Assert.Equal(["memory://v0 101", "memory://table/metadata/v1.metadata.json 103"], (await RowsAsync(table, "metadata_log_entries")).Select(row => $"{row["file"]} {row["latest_snapshot_id"]}"));
        Assert.Equal(
            ["0 0 a..a", "0 1 2..2", "1 0 a..a"],
            (await RowsAsync(table, "manifests", "101", "102")).Select(row => $"{row["content"]} {row["partition_spec_id"]} {row["partition_summaries"]![0]!["lower_bound"]}..{row["partition_summaries"]![0]!["upper_bound"]}").Distinct());
        Assert.Equal([(0, "a", null), (0, null, 2)], (await RowsAsync(table, "data_files", "102")).Select(Summary));
        Assert.Equal([(1, "a", null)], (await RowsAsync(table, "delete_files", "102")).Select(Summary));
        Assert.Equal(2, (await RowsAsync(table, "files")).Count);
        var metrics = (await RowsAsync(table, "data_files"))[0]["readable_metrics"]!;
        Assert.Equal((2, 1, 2, "a"), (metrics["id"]!["value_count"]!.GetValue<int>(), metrics["id"]!["lower_bound"]!.GetValue<int>(), metrics["id"]!["upper_bound"]!.GetValue<int>(), metrics["name"]!["upper_bound"]!.GetValue<string>()));
        Assert.Equal(["0 1", "2 1", "0 2"], (await RowsAsync(table, "entries")).Select(row => $"{row["status"]} {row["sequence_number"]}"));
        var partitions = await RowsAsync(table, "partitions", "102");
        Assert.Equal(["a  2 1 1", " 2 1 1 0"], partitions.Select(row => $"{row["partition"]!["name"]} {row["partition"]!["id_bucket"]} {row["record_count"]} {row["file_count"]} {row["position_delete_record_count"]}"));
        Assert.Equal(102, partitions[0]["last_updated_snapshot_id"]!.GetValue<int>());
        Assert.Equal("expected one of snapshots", Assert.Throws<ArgumentException>(() => MetadataTable.Of(table.Table, "nothing")).Message[..25]);

        static (int, string?, int?) Summary(JsonNode row) => (row["content"]!.GetValue<int>(), row["partition"]!["name"]?.GetValue<string>(), row["partition"]!["id_bucket"]?.GetValue<int>());
    }

    [Fact]
    public async Task A_table_without_snapshots_or_partitions_has_tables_without_rows()
    {
        var table = new ScanTable(2, new Schema { SchemaId = 0, Fields = [Required(1, "id", new LongType())] });
        foreach (string name in MetadataTable.Names.Except(["metadata_log_entries"]))
        {
            Assert.Empty(await RowsAsync(table, name));
        }

        await table.CommitAsync([await table.WriteAsync([[1L]])]);
        Assert.Equal("null", (await RowsAsync(table, "partitions"))[0]["partition"]?.ToJsonString() ?? "null");
    }

    [Fact]
    public async Task Tables_of_others_have_them_too()
    {
        string? path = SharedData.Find("iceberg-tables/java/bunnies");
        Assert.SkipWhen(path is null, "shared/data is not here");
        var table = (await LocalTable.OpenAsync(path!, default))!;
        foreach (string name in MetadataTable.Names)
        {
            Assert.NotEmpty(await RowsAsync(table, name, table.Metadata.SnapshotAt(null)));
        }

        Assert.Equal([1, 2], (await RowsAsync(table, "delete_files", table.Metadata.SnapshotAt(null))).Select(row => row["content"]!.GetValue<int>()).Order());
    }

    private static async Task<List<JsonNode>> RowsAsync(ScanTable table, string name, params string[] at)
    {
        var rows = new List<JsonNode>();
        foreach (string? one in at.Length == 0 ? new string?[] { null } : at)
        {
            rows.AddRange(await RowsAsync(table.Table, name, table.Metadata.SnapshotAt(one)));
        }

        return rows;
    }

    private static async Task<List<JsonNode>> RowsAsync(LoadedTable table, string name, Snapshot? snapshot)
    {
        var rows = new List<JsonNode>();
        await foreach (var row in MetadataRows.ReadJsonAsync(MetadataTable.Of(table, name), snapshot))
        {
            rows.Add(JsonNode.Parse(Encoding.UTF8.GetString(row.Span))!);
        }

        return rows;
    }
}
