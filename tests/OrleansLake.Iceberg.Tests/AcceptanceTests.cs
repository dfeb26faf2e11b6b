using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using OrleansLake.Iceberg.Avro;
using OrleansLake.Testing;
using static OrleansLake.Iceberg.Tests.TestTables;

namespace OrleansLake.Iceberg.Tests;

/// <summary>Where other writers fell: each trap that an engine has met is a test of what we write.</summary>
public sealed class AcceptanceTests
{
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Manifest_lists_have_the_name_ids_and_nullability_that_engines_check(int version)
    {
        var (list, _, _, _) = await WrittenAsync(version);
        var schema = JsonNode.Parse(list.HeaderText("avro.schema")!)!;
        Assert.Equal("manifest_file", schema["name"]!.GetValue<string>());
        (string Name, int Id, bool Required)[] expected =
        [
            ("manifest_path", 500, true), ("manifest_length", 501, true), ("partition_spec_id", 502, true), ("content", 517, true),
            ("sequence_number", 515, true), ("min_sequence_number", 516, true), ("added_snapshot_id", 503, true),
            ("added_files_count", 504, true), ("existing_files_count", 505, true), ("deleted_files_count", 506, true),
            ("added_rows_count", 512, true), ("existing_rows_count", 513, true), ("deleted_rows_count", 514, true),
            ("partitions", 507, false), ("key_metadata", 519, false),
        ];
        AssertFields(schema, version == 3 ? [.. expected, ("first_row_id", 520, false)] : expected);
        AssertIds(schema, "manifest_file");
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Manifests_have_the_name_ids_and_nullability_that_engines_check(int version)
    {
        var (_, manifest, _, _) = await WrittenAsync(version);
        var schema = JsonNode.Parse(manifest.HeaderText("avro.schema")!)!;
        Assert.Equal("manifest_entry", schema["name"]!.GetValue<string>());
        AssertFields(schema, [("status", 0, true), ("snapshot_id", 1, false), ("sequence_number", 3, false), ("file_sequence_number", 4, false), ("data_file", 2, true)]);
        var file = schema["fields"]![4]!["type"]!;
        Assert.Equal("r2", file["name"]!.GetValue<string>());
        string[] required = ["content", "file_path", "file_format", "partition", "record_count", "file_size_in_bytes"];
        foreach (var field in file["fields"]!.AsArray())
        {
            Assert.Equal(required.Contains(field!["name"]!.GetValue<string>()), field["type"] is not JsonArray);
        }

        // Unused, and still a nullable column: readers look for it.
        Assert.Contains(file["fields"]!.AsArray(), field => field!["name"]!.GetValue<string>() == "key_metadata");
        AssertIds(schema, "manifest_entry");
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Headers_hold_the_table_schema_and_the_bare_array_of_partition_fields(int version)
    {
        var (list, manifest, table, snapshot) = await WrittenAsync(version);
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(SchemaJson.Write(table.Metadata.CurrentSchema)), JsonNode.Parse(manifest.HeaderText("schema")!)));
        Assert.Equal("""[{"source-id":2,"field-id":1000,"name":"ts_day","transform":"day"}]""", manifest.HeaderText("partition-spec"));
        Assert.Equal(
            ("0", "0", version.ToString(System.Globalization.CultureInfo.InvariantCulture), "data"),
            (manifest.HeaderText("partition-spec-id"), manifest.HeaderText("schema-id"), manifest.HeaderText("format-version"), manifest.HeaderText("content")));
        Assert.Equal((Number(snapshot.SnapshotId), Number(snapshot.ParentSnapshotId), Number(snapshot.SequenceNumber)), (list.HeaderText("snapshot-id"), list.HeaderText("parent-snapshot-id"), list.HeaderText("sequence-number")));
        Assert.Equal(version == 3 ? Number(snapshot.FirstRowId) : null, list.HeaderText("first-row-id"));
    }

    [Fact]
    public async Task Summaries_are_strings_and_main_is_the_current_snapshot()
    {
        var (_, _, table, _) = await WrittenAsync(2);
        var json = JsonNode.Parse(TableMetadataJson.Write(table.Metadata))!;
        Assert.All(json["snapshots"]!.AsArray(), snapshot => Assert.All(snapshot!["summary"]!.AsObject(), pair => Assert.Equal(JsonValueKind.String, pair.Value!.GetValueKind())));
        Assert.Equal(json["current-snapshot-id"]!.ToJsonString(), json["refs"]!["main"]!["snapshot-id"]!.ToJsonString());
        string[] needed =
        [
            "format-version", "table-uuid", "location", "last-sequence-number", "last-updated-ms", "last-column-id", "schemas", "current-schema-id", "partition-specs",
            "default-spec-id", "last-partition-id", "sort-orders", "default-sort-order-id", "properties", "snapshots", "snapshot-log", "metadata-log", "refs",
        ];
        Assert.Empty(needed.Except(json.AsObject().Select(pair => pair.Key)));
    }

    [Fact]
    public void A_table_is_of_version_2_unless_another_is_asked_for()
    {
        Assert.Equal(2, TableMetadataCreation.Create(new TableCreation { Schema = Creation().Schema }, "/w/t", Guid.NewGuid(), DateTimeOffset.UnixEpoch).FormatVersion);
        Assert.Equal(2, Ddl.ParseCreateTable("CREATE TABLE t (id BIGINT)").Creation.FormatVersion);
        Assert.Equal(3, Ddl.ParseCreateTable("CREATE TABLE t (id BIGINT) WITH (format_version = 3)").Creation.FormatVersion);
    }

    /// <summary>Tools find out by the names what belongs together; people too (apache/iceberg#11290).</summary>
    [Fact]
    public async Task Manifests_and_lists_have_the_names_that_Java_gives_them()
    {
        var (_, _, table, snapshot) = await WrittenAsync(2);
        Assert.Matches($"/metadata/snap-{snapshot.SnapshotId}-1-[0-9a-f-]{{36}}\\.avro$", snapshot.ManifestList!);
        Assert.All(await SnapshotFiles.ManifestsAsync(table, snapshot, default), manifest => Assert.Matches("/metadata/[0-9a-f-]{36}-m[0-9]+\\.avro$", manifest.ManifestPath));
        Assert.All(table.Metadata.Snapshots, one => Assert.True(one.SnapshotId > 0));
        Assert.Matches("/metadata/00002-[0-9a-f-]{36}\\.metadata\\.json$", table.MetadataLocation);
    }

    /// <summary>A random id that a snapshot of the table has already is not taken.</summary>
    [Fact]
    public async Task A_snapshot_id_that_is_there_is_not_given_again()
    {
        var (catalog, _, table) = await InMemoryAsync();
        table = await AppendAsync(catalog, table, 1, File("memory://a.parquet"));
        // The same seed gives the same ids.
        table = await AppendAsync(catalog, table, 1, File("memory://b.parquet"));
        Assert.Equal(2, table.Metadata.Snapshots.Select(snapshot => snapshot.SnapshotId).Distinct().Count());
    }

    /// <summary>iceberg-rust#2536 forgot the original names, and engines that go by names found no such partition.</summary>
    [Fact]
    public async Task Partition_fields_have_ids_types_of_their_transforms_and_keep_names_that_Avro_does_not_allow()
    {
        var creation = Creation() with
        {
            PartitionSpec = new PartitionSpec { SpecId = 0, Fields = [new PartitionField(1000, "ts day", [2], new Transform.Day()), new PartitionField(1001, "id-bucket", [1], new Transform.Bucket(4)), new PartitionField(1002, "name_trunc", [3], new Transform.Truncate(2))] },
        };
        var (catalog, store, table) = await InMemoryAsync(creation);
        table = await AppendAsync(catalog, table, 1, File("memory://a.parquet") with { Partition = new PartitionKey([19_000, 3, "ab"]) });
        string path = (await SnapshotFiles.ManifestsAsync(table, table.Metadata.FindRef("main")!, default))[0].ManifestPath;
        var schema = JsonNode.Parse(new AvroContainerReader(await store.ReadAsync(path, default), path).HeaderText("avro.schema")!)!;
        var partition = schema["fields"]!.AsArray().Single(field => field!["name"]!.GetValue<string>() == "data_file")!["type"]!["fields"]!.AsArray().Single(field => field!["name"]!.GetValue<string>() == "partition")!["type"]!["fields"]!.AsArray();
        Assert.Equal(
            [("ts_x20day", "ts day", 1000, """{"type":"int","logicalType":"date"}"""), ("id_x2Dbucket", "id-bucket", 1001, "\"int\""), ("name_trunc", null, 1002, "\"string\"")],
            partition.Select(field => (field!["name"]!.GetValue<string>(), field["iceberg-field-name"]?.GetValue<string>(), field["field-id"]!.GetValue<int>(), field["type"]![1]!.ToJsonString())));
    }

    /// <summary>What is ADDED inherits its numbers, so that a manifest is written once whatever becomes of the commit. https://iceberg.apache.org/spec/#sequence-number-inheritance</summary>
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Entries_that_are_added_leave_their_numbers_to_the_snapshot_and_others_write_them(int version)
    {
        var (_, manifest, table, snapshot) = await WrittenAsync(version);
        object?[] added = Assert.Single(manifest.ReadRecords());
        Assert.Equal((1, null, null), (added[0], added[2], added[3]));
        int rowId = manifest.Schema.Fields[4].Schema.SlotOf(142, "first_row_id");
        Assert.Equal(version == 3, rowId >= 0);
        Assert.Null(rowId < 0 ? null : ((object?[])added[4]!)[rowId]);
        Assert.Equal(2, snapshot.SequenceNumber);
        var delete = new DeleteFiles("main", Ids(8), TimeProvider.System);
        delete.Remove(File("memory://a.parquet"));
        var staged = await delete.StageAsync(table, new SnapshotExtras(), default);
        var rewritten = (await ManifestList.ReadAsync(table.Store, staged.Snapshot.ManifestList!, default)).Manifests.Single(one => one.DeletedFilesCount == 1);
        object?[] removed = Assert.Single(new AvroContainerReader(await table.Store.ReadAsync(rewritten.ManifestPath, default), "manifest").ReadRecords());
        Assert.Equal([2, staged.Snapshot.SnapshotId, 1L, 1L], removed[..4]);
    }

    [Fact]
    public async Task Data_and_deletes_and_specs_never_share_a_manifest()
    {
        var (_, _, table) = await InMemoryAsync();
        var writer = new ManifestWriter(table.Metadata, 0, ManifestContent.Data, Guid.NewGuid());
        Assert.Throws<ArgumentException>(() => writer.Add(new ManifestEntry { Status = ManifestEntryStatus.Added, DataFile = File("a") with { Content = DataFileContent.PositionDeletes } }));
        Assert.Throws<ArgumentException>(() => writer.Add(new ManifestEntry { Status = ManifestEntryStatus.Added, DataFile = File("a", specId: 1) }));
        // What is EXISTING or DELETED inherits nothing: readers would take null for the manifest's own number.
        Assert.Throws<ArgumentException>(() => writer.Add(new ManifestEntry { Status = ManifestEntryStatus.Existing, DataFile = File("a") }));
    }

    [Fact]
    public async Task Partition_summaries_of_text_are_never_cut()
    {
        var creation = Creation() with { PartitionSpec = new PartitionSpec { SpecId = 0, Fields = [new PartitionField(1000, "name", [3], new Transform.Identity())] } };
        var (catalog, store, table) = await InMemoryAsync(creation);
        string last = new string('z', 40) + "\U0010FFFF";
        table = await AppendAsync(catalog, table, 1, File("memory://a") with { Partition = new PartitionKey([last]) }, File("memory://b") with { Partition = new PartitionKey([null]) });
        var summary = Assert.Single((await ManifestList.ReadAsync(store, table.Metadata.Snapshots[0].ManifestList!, default)).Manifests).Partitions!.Single();
        Assert.Equal((true, last, last), (summary.ContainsNull, Encoding.UTF8.GetString(summary.LowerBound!), Encoding.UTF8.GetString(summary.UpperBound!)));
    }

    [Theory]
    [InlineData("null")]
    [InlineData("-1")]
    [InlineData(null)]
    public void No_snapshot_is_said_in_three_ways(string? text)
    {
        var json = JsonNode.Parse(TableMetadataJson.Write(TableMetadataCreation.Create(Creation(), "/w/t", Guid.NewGuid(), DateTimeOffset.UnixEpoch)))!.AsObject();
        json.Remove("current-snapshot-id");
        if (text is not null)
        {
            json["current-snapshot-id"] = JsonNode.Parse(text);
        }

        Assert.Null(TableMetadataJson.Read(Encoding.UTF8.GetBytes(json.ToJsonString()), "x").CurrentSnapshotId);
    }

    [Fact]
    public async Task An_append_to_a_v1_table_is_refused_and_no_table_is_upgraded_unasked()
    {
        string? path = SharedData.Find("iceberg-metadata/table_metadata/TableMetadataV1Valid.json");
        Assert.SkipWhen(path is null, "shared/data is not here");
        var metadata = TableMetadataJson.Read(System.IO.File.ReadAllBytes(path!), path!);
        var table = new LoadedTable(Events, metadata, "v1.metadata.json", new OrleansLake.Testing.Iceberg.InMemoryObjectStore());
        var append = new AppendFiles("main", Ids(), TimeProvider.System);
        append.Add(File("a"));
        Assert.Contains("format version 1", (await Assert.ThrowsAsync<NotSupportedException>(() => append.StageAsync(table, new SnapshotExtras(), default))).Message);
        Assert.Equal(1, metadata.Apply(new UpdateProperties(metadata).Set("a", "b").Updates, TimeProvider.System).FormatVersion);
    }

    [Fact]
    public async Task An_encrypted_table_is_refused_by_name_not_read_as_noise()
    {
        var (_, _, table) = await InMemoryAsync(Creation(3, new Dictionary<string, string> { ["encryption.key-id"] = "k1" }));
        var append = new AppendFiles("main", Ids(), TimeProvider.System);
        append.Add(File("a"));
        Assert.Contains("k1", (await Assert.ThrowsAsync<NotSupportedException>(() => append.StageAsync(table, new SnapshotExtras(), default))).Message);
        string? path = SharedData.Find("iceberg-metadata/manifests_lists/manifest-list-v3-encrypted.avro");
        Assert.SkipWhen(path is null, "shared/data is not here");
        Assert.Throws<IcebergFormatException>(() => ManifestList.Read(System.IO.File.ReadAllBytes(path!), path!));
    }

    [Fact]
    public async Task An_upgraded_table_numbers_the_rows_that_it_had_before()
    {
        var (catalog, _, table) = await InMemoryAsync();
        table = await AppendAsync(catalog, table, 1, File("memory://a.parquet", records: 10), File("memory://b.parquet", records: 5));
        table = Assert.IsType<CommitResult.Committed>(await new TableChanges(catalog, Ids(3), TimeProvider.System).CommitAsync(Events, metadata => new UpdateProperties(metadata).Set("format-version", "3"), default)).Table;
        Assert.All(await LiveAsync(table), entry => Assert.Null(entry.DataFile.FirstRowId));
        table = await AppendAsync(catalog, table, 2, File("memory://c.parquet", records: 7));
        var first = (await LiveAsync(table)).ToDictionary(entry => entry.DataFile.FilePath, entry => entry.DataFile.FirstRowId!.Value);
        // No two rows share an id, whatever the order in which files were given theirs.
        var ranges = new[] { (first["memory://a.parquet"], 10L), (first["memory://b.parquet"], 5L), (first["memory://c.parquet"], 7L) };
        Assert.Equal(22, ranges.SelectMany(range => Enumerable.Range((int)range.Item1, (int)range.Item2)).Distinct().Count());
        Assert.Equal(22, table.Metadata.NextRowId);
        var delete = new DeleteFiles("main", Ids(4), TimeProvider.System);
        delete.Remove(File("memory://a.parquet", records: 10));
        table = await CommitAsync(catalog, table, delete);
        Assert.All(await LiveAsync(table), entry => Assert.Equal(first[entry.DataFile.FilePath], entry.DataFile.FirstRowId));
    }

    [Fact]
    public void Metadata_files_are_named_and_gzipped_as_the_specification_says()
    {
        var metadata = TableMetadataCreation.Create(Creation(), "s3://b/t", Guid.NewGuid(), DateTimeOffset.UnixEpoch);
        var uuid = new Guid("f79c3e09-677c-4bbd-a479-3f349cb785e7");
        Assert.Equal("s3://b/t/metadata/00000-f79c3e09-677c-4bbd-a479-3f349cb785e7.metadata.json", MetadataFile.LocationOf(metadata, null, uuid));
        var gzipped = metadata with { Properties = new Dictionary<string, string> { ["write.metadata.compression-codec"] = "gzip", ["write.metadata.path"] = "s3://m/x/" } };
        Assert.Equal("s3://m/x/00010-f79c3e09-677c-4bbd-a479-3f349cb785e7.gz.metadata.json", MetadataFile.LocationOf(gzipped, "s3://b/t/metadata/00009-abc.metadata.json", uuid));
        Assert.Equal(8, MetadataFile.VersionOf("/w/v8.metadata.json"));
        Assert.Equal([0x1F, 0x8B], MetadataFile.Write(gzipped)[..2].ToArray());
        Assert.Equal(TableMetadataJson.Write(metadata), MetadataFile.Write(metadata).ToArray());
    }

    [Fact]
    public void Transforms_of_several_sources_are_kept_and_never_computed()
    {
        var json = JsonNode.Parse(TableMetadataJson.Write(TableMetadataCreation.Create(Creation(3), "/w/t", Guid.NewGuid(), DateTimeOffset.UnixEpoch)))!.AsObject();
        json["partition-specs"]![0]!["fields"]![0] = JsonNode.Parse("""{"source-ids":[1,3],"field-id":1000,"name":"both","transform":"bucket[8]"}""");
        var metadata = TableMetadataJson.Read(Encoding.UTF8.GetBytes(json.ToJsonString()), "x");
        Assert.Equal(new Transform.Unknown("bucket[8]"), metadata.DefaultSpec.Fields[0].Transform);
        Assert.True(JsonNode.DeepEquals(json["partition-specs"], JsonNode.Parse(TableMetadataJson.Write(metadata))!["partition-specs"]));
        Assert.True(new FileFilter(metadata, Expression.Parse("id = 5")).MightMatch(0, new PartitionKey([3])));
    }

    /// <summary>
    /// As others left them: the whole spec object in the header (PyIceberg until 0.6.1), entries without <c>snapshot_id</c> (BigQuery), a
    /// schema in the header that says less than the table's (S3 Tables).
    /// </summary>
    [Theory]
    [InlineData("whole-spec")]
    [InlineData("no-snapshot-id")]
    [InlineData("degraded-schema")]
    [InlineData("bare-header")]
    public async Task Manifests_with_the_faults_of_other_writers_are_read(string fault)
    {
        var (_, manifest, table, snapshot) = await WrittenAsync(2);
        var described = (await SnapshotFiles.ManifestsAsync(table, snapshot, default))[0];
        var header = manifest.Header.Where(pair => pair.Key is not ("avro.schema" or "avro.codec")).ToDictionary(pair => pair.Key, pair => Encoding.UTF8.GetString(pair.Value));
        var schema = manifest.Schema;
        int dropped = -1;
        switch (fault)
        {
            case "whole-spec":
                header["partition-spec"] = $$"""{"spec-id":0,"fields":{{header["partition-spec"]}}}""";
                break;
            case "no-snapshot-id":
                dropped = schema.SlotOf(1, "snapshot_id");
                schema = AvroSchema.Record("manifest_entry", [.. schema.Fields.Where((_, slot) => slot != dropped)]);
                break;
            case "degraded-schema":
                header["schema"] = header["schema"].Replace("timestamptz", "timestamp", StringComparison.Ordinal);
                break;
            default:
                header.Clear();
                break;
        }

        var writer = new AvroContainerWriter(schema, header, AvroCodec.Null, Guid.NewGuid());
        foreach (var record in manifest.ReadRecords())
        {
            writer.Append([.. record.Where((_, slot) => slot != dropped)]);
        }

        var entry = Assert.Single(ManifestReader.Read(writer.Finish(), described, table.Metadata));
        Assert.Equal(("memory://b.parquet", snapshot.SnapshotId, 2L, 19000), (entry.DataFile.FilePath, entry.SnapshotId, entry.SequenceNumber, (int)entry.DataFile.Partition.Values[0]!));
        Assert.Equal(File("memory://b.parquet").LowerBounds![1], entry.DataFile.LowerBounds![1]);
    }

    private static string? Number(long? number) => number?.ToString(System.Globalization.CultureInfo.InvariantCulture);

    private static async Task<(AvroContainerReader List, AvroContainerReader Manifest, LoadedTable Table, Snapshot Snapshot)> WrittenAsync(int version)
    {
        var (catalog, store, table) = await InMemoryAsync(Creation(version));
        table = await AppendAsync(catalog, table, 1, File("memory://a.parquet"));
        table = await AppendAsync(catalog, table, 2, File("memory://b.parquet"));
        var snapshot = table.Metadata.FindRef("main")!;
        var list = await store.ReadAsync(snapshot.ManifestList!, default);
        string manifest = (await SnapshotFiles.ManifestsAsync(table, snapshot, default))[0].ManifestPath;
        return (new AvroContainerReader(list, "list"), new AvroContainerReader(await store.ReadAsync(manifest, default), "manifest"), table, snapshot);
    }

    private static void AssertFields(JsonNode record, (string Name, int Id, bool Required)[] expected) => Assert.Equal(
        expected,
        record["fields"]!.AsArray().Select(field => (field!["name"]!.GetValue<string>(), field["field-id"]!.GetValue<int>(), field["type"] is not JsonArray)));

    /// <summary>Every field of every record has an id, every array one of its elements, and unions begin with null.</summary>
    private static void AssertIds(JsonNode schema, string place)
    {
        switch (schema)
        {
            case JsonArray union:
                Assert.Equal("null", union[0]!.GetValue<string>());
                AssertIds(union[1]!, place);
                break;
            case JsonObject type when type["type"]?.GetValueKind() == JsonValueKind.String && type["type"]!.GetValue<string>() == "record":
                foreach (var field in type["fields"]!.AsArray())
                {
                    string at = place + "." + field!["name"]!.GetValue<string>();
                    Assert.True(field["field-id"] is not null, at + " has no id");
                    AssertIds(field["type"]!, at);
                }

                break;
            case JsonObject type when type["type"]?.GetValueKind() == JsonValueKind.String && type["type"]!.GetValue<string>() == "array":
                bool isMap = type["logicalType"]?.GetValue<string>() == "map";
                Assert.True(isMap || type["element-id"] is not null, place + " has no element id");
                AssertIds(type["items"]!, place + "[]");
                break;
        }
    }
}
