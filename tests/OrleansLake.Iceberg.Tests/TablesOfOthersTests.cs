using System.Text.Json;
using System.Text.Json.Nodes;
using OrleansLake.Iceberg.Avro;
using OrleansLake.Testing;

namespace OrleansLake.Iceberg.Tests;

/// <summary>Tables that Spark, Java and Athena wrote: what we read of them, and that ours look the same.</summary>
public sealed class TablesOfOthersTests
{
    [Theory]
    [InlineData("spark/bunnies")]
    [InlineData("spark/rename_column")]
    [InlineData("java/bunnies")]
    [InlineData("athena/example")]
    public async Task Files_and_totals_of_every_snapshot_are_those_that_the_writer_counted(string name)
    {
        var table = await OpenAsync(name);
        Assert.NotEmpty(table.Metadata.Snapshots);
        foreach (var snapshot in table.Metadata.Snapshots)
        {
            var live = new List<DataFile>();
            await foreach (var entry in SnapshotFiles.LiveAsync(table, snapshot, default))
            {
                Assert.InRange(entry.SequenceNumber!.Value, 1, snapshot.SequenceNumber);
                Assert.Equal(entry.DataFile.FileSizeBytes, await table.Store.GetSizeAsync(entry.DataFile.FilePath, default));
                live.Add(entry.DataFile);
            }

            long Total(string counter) => long.Parse(snapshot.Summary[counter], System.Globalization.CultureInfo.InvariantCulture);
            var data = live.Where(file => file.Content == DataFileContent.Data).ToList();
            Assert.Equal(Total("total-data-files"), data.Count);
            Assert.Equal(Total("total-records"), data.Sum(file => file.RecordCount));
            Assert.Equal(Total("total-delete-files"), live.Count - data.Count);
            Assert.Equal(Total("total-files-size"), live.Sum(file => file.FileSizeBytes));
            Assert.Equal(Total("total-position-deletes"), live.Where(file => file.Content == DataFileContent.PositionDeletes).Sum(file => file.RecordCount));
            Assert.Equal(Total("total-equality-deletes"), live.Where(file => file.Content == DataFileContent.EqualityDeletes).Sum(file => file.RecordCount));
        }
    }

    [Fact]
    public async Task Partition_values_and_summaries_of_Spark_are_read()
    {
        var table = await OpenAsync("spark/rename_column");
        var live = await TestTables.LiveAsync(table);
        int day = new DateOnly(2022, 1, 1).DayNumber - new DateOnly(1970, 1, 1).DayNumber;
        var paths = live.Select(entry => entry.DataFile).ToDictionary(
            file => PartitionPath.Of(table.Metadata.DefaultSpec, table.Metadata.CurrentSchema, file.Partition), file => file.Partition.Values);
        Assert.Equal(["id_bucket=0/date=2022-01-01", "id_bucket=2/date=2022-01-02", "id_bucket=3/date=null"], paths.Keys.Order());
        Assert.Equal([0, day], paths["id_bucket=0/date=2022-01-01"]);
        Assert.All(live, entry => Assert.Contains(PartitionPath.Of(table.Metadata.DefaultSpec, table.Metadata.CurrentSchema, entry.DataFile.Partition), entry.DataFile.FilePath));
        var manifest = Assert.Single(await SnapshotFiles.ManifestsAsync(table, table.Metadata.FindRef("main")!, default));
        Assert.Equal([false, true], manifest.Partitions!.Select(summary => summary.ContainsNull));
        Assert.Equal(day, SingleValue.FromBytes(new DateType(), manifest.Partitions![1].LowerBound));
    }

    [Fact]
    public async Task Our_manifest_of_the_same_files_has_the_schema_and_summaries_of_Java()
    {
        var table = await OpenAsync("spark/rename_column");
        var theirs = Assert.Single(await SnapshotFiles.ManifestsAsync(table, table.Metadata.FindRef("main")!, default));
        var writer = new ManifestWriter(table.Metadata, 0, ManifestContent.Data, Guid.NewGuid());
        foreach (var entry in await TestTables.LiveAsync(table))
        {
            writer.AddNew(entry.DataFile);
        }

        var (bytes, ours) = writer.Finish("memory://ours", 1);

        var their = new AvroContainerReader(await table.Store.ReadAsync(theirs.ManifestPath, default), "theirs");
        var our = new AvroContainerReader(bytes, "ours");
        AssertSameJson(their.HeaderText("avro.schema")!, our.HeaderText("avro.schema")!);
        AssertSameJson(their.HeaderText("partition-spec")!, our.HeaderText("partition-spec")!);
        Assert.Equal(["data", "2", "0"], new[] { "content", "format-version", "partition-spec-id" }.Select(our.HeaderText));
        Assert.Equal("1", our.HeaderText("schema-id"));
        Assert.Equal((theirs.AddedFilesCount, theirs.AddedRowsCount), (ours.AddedFilesCount, ours.AddedRowsCount));
        Assert.Equal(Shown(theirs.Partitions!), Shown(ours.Partitions!));
        Assert.Equal(their.ReadRecords().Select(record => Shown(record[4])), our.ReadRecords().Select(record => Shown(record[4])));
    }

    [Fact]
    public async Task Our_manifest_list_has_the_schema_of_Java()
    {
        var table = await OpenAsync("java/bunnies");
        var snapshot = table.Metadata.Snapshots[^1];
        var theirs = await ManifestList.ReadAsync(table.Store, snapshot.ManifestList!, default);
        var ours = ManifestList.Read(ManifestList.Write(2, snapshot, theirs.Manifests, new Dictionary<string, string>(), Guid.NewGuid()), "ours");

        AssertSameJson(theirs.Header["avro.schema"], ours.Header["avro.schema"]);
        foreach (string key in new[] { "snapshot-id", "parent-snapshot-id", "sequence-number", "format-version" })
        {
            Assert.Equal(theirs.Header[key], ours.Header[key]);
        }

        Assert.Equal(theirs.Manifests.Select(manifest => manifest with { Partitions = null }), ours.Manifests.Select(manifest => manifest with { Partitions = null }));
    }

    [Theory]
    [InlineData("manifests_lists/manifest-list-v2-1.avro")]
    [InlineData("manifests_lists/manifest-list-v2-2.avro")]
    public void Manifest_lists_of_Java_are_read(string name)
    {
        var list = ManifestList.Read(Shared(name), name);
        Assert.NotEmpty(list.Manifests);
        Assert.All(list.Manifests, manifest => Assert.EndsWith(".avro", manifest.ManifestPath));
    }

    [Fact]
    public void An_encrypted_manifest_list_is_refused_by_name()
    {
        var e = Assert.Throws<IcebergFormatException>(() => ManifestList.Read(Shared("manifests_lists/manifest-list-v3-encrypted.avro"), "list.avro"));
        Assert.Contains("list.avro: byte 0: expected an Avro file", e.Message);
    }

    [Fact]
    public void Golden_entry_schema_of_the_v1_fixture_differs_from_ours_only_where_v2_does()
    {
        var theirs = AvroSchema.Parse(Shared("avro_schema_manifest_entry.json"), "golden");
        var partition = theirs.Fields[theirs.SlotOf(2, "data_file")].Schema.Fields.First(field => field.FieldId == 102).Schema;
        var ours = ManifestSchemas.ManifestEntryOf(2, partition, ManifestContent.Data);
        var our = ours.Fields[ours.SlotOf(2, "data_file")].Schema.Fields.ToDictionary(field => field.FieldId!.Value);
        foreach (var field in theirs.Fields[theirs.SlotOf(2, "data_file")].Schema.Fields.Where(field => field.FieldId != 105))
        {
            Assert.Equal(field.Name, our[field.FieldId!.Value].Name);
            Assert.Equal(field.Schema.Kind, our[field.FieldId!.Value].Schema.Kind);
        }
    }

    private static string Shown(IReadOnlyList<PartitionSummary> summaries) =>
        string.Join("; ", summaries.Select(one => $"{one.ContainsNull} {one.ContainsNan} {Convert.ToHexString(one.LowerBound ?? [])} {Convert.ToHexString(one.UpperBound ?? [])}"));

    private static string Shown(object? value) => value switch
    {
        null => "null",
        byte[] bytes => Convert.ToHexString(bytes),
        object?[] record => "{" + string.Join(", ", record.Select(Shown)) + "}",
        List<object?> list => "[" + string.Join(", ", list.Select(Shown)) + "]",
        Dictionary<int, long> map => string.Join(", ", map.OrderBy(pair => pair.Key)),
        Dictionary<int, byte[]> map => string.Join(", ", map.OrderBy(pair => pair.Key).Select(pair => $"{pair.Key}={Convert.ToHexString(pair.Value)}")),
        _ => value.ToString()!,
    };

    private static void AssertSameJson(string expected, string got) =>
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(expected), JsonNode.Parse(got)), $"expected\n{Indented(expected)}\ngot\n{Indented(got)}");

    private static string Indented(string json) => JsonNode.Parse(json)!.ToJsonString(new JsonSerializerOptions { WriteIndented = true });

    private static async Task<LoadedTable> OpenAsync(string name)
    {
        string? path = SharedData.Find("iceberg-tables/" + name);
        Assert.SkipWhen(path is null, "shared/data is not here");
        return (await LocalTable.OpenAsync(path!, default))!;
    }

    private static byte[] Shared(string file)
    {
        string? path = SharedData.Find("iceberg-metadata/" + file);
        Assert.SkipWhen(path is null, "shared/data is not here");
        return File.ReadAllBytes(path!);
    }
}
