using System.Text;
using System.Text.Json.Nodes;
using OrleansLake.Testing;

namespace OrleansLake.Iceberg.Tests;

public sealed class TableMetadataJsonTests
{
    [Theory]
    [InlineData("table_metadata/TableMetadataV1Valid.json")]
    [InlineData("table_metadata/TableMetadataV1Compat.json")]
    [InlineData("table_metadata/TableMetadataV1PartitionSpecsWithoutDefaultId.json")]
    [InlineData("table_metadata/TableMetadataV1SchemasWithoutCurrentId.json")]
    [InlineData("table_metadata/TableMetadataV2Valid.json")]
    [InlineData("table_metadata/TableMetadataV2ValidMinimal.json")]
    [InlineData("table_metadata/TableMetadataV3ValidMinimal.json")]
    [InlineData("example_empty_table_metadata_v2.json")]
    [InlineData("example_table_metadata_v2.json")]
    [InlineData("example_table_metadata_v2_deep_history.json")]
    [InlineData("example_table_metadata_v2_partition_evolution.json")]
    public void Valid_metadata_of_others_are_read_written_and_read_again_the_same(string file)
    {
        byte[] original = Shared(file);
        var metadata = TableMetadataJson.Read(original, file);
        byte[] written = TableMetadataJson.Write(metadata);
        Assert.Equal(written, TableMetadataJson.Write(TableMetadataJson.Read(written, file)));
        AssertNothingLost(JsonNode.Parse(original)!, JsonNode.Parse(written)!, "");
    }

    [Theory]
    [InlineData("TableMetadataUnsupportedVersion.json", "expected a field \"schemas\"")]
    [InlineData("TableMetadataV1NoValidSchema.json", "expected a field \"current-schema-id\"")]
    [InlineData("TableMetadataV2CurrentSchemaNotFound.json", "expected current-schema-id to be one of the schemas, got 2")]
    [InlineData("TableMetadataV2MissingLastPartitionId.json", "expected a field \"last-partition-id\"")]
    [InlineData("TableMetadataV2MissingPartitionSpecs.json", "expected a field \"partition-specs\"")]
    [InlineData("TableMetadataV2MissingSchemas.json", "expected a field \"schemas\"")]
    [InlineData("TableMetadataV2MissingSortOrder.json", "expected a field \"sort-orders\"")]
    public void Invalid_metadata_are_refused_with_place_and_expectation(string file, string problem)
    {
        var e = Assert.Throws<IcebergFormatException>(() => TableMetadataJson.Read(Shared("table_metadata/" + file), file));
        Assert.StartsWith(file + ": ", e.Message);
        Assert.Contains(problem, e.Message);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{\"format-version\":2}")]
    [InlineData("{\"format-version\":\"2\"}")]
    [InlineData("{\"format-version\":4}")]
    [InlineData("{\"format-version\":2,\"table-uuid\":\"\\ud800\"}")]
    [InlineData("{\"format-version\":2,\"format-version\":2}")]
    public void What_is_no_metadata_is_refused(string text) =>
        Assert.Throws<IcebergFormatException>(() => TableMetadataJson.Read(Encoding.UTF8.GetBytes(text), "x"));

    [Fact]
    public void Nesting_without_end_is_refused() =>
        Assert.Throws<IcebergFormatException>(() => TableMetadataJson.Read(Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("[", 1_000_000))), "x"));

    [Fact]
    public void Metadata_cut_or_changed_anywhere_are_refused_or_read_never_worse()
    {
        byte[] whole = TableMetadataJson.Write(Sample());
        var random = new Random(5);
        for (int i = 0; i < 3000; i++)
        {
            byte[] bytes = i % 2 == 0 ? whole[..random.Next(whole.Length)] : (byte[])whole.Clone();
            if (i % 2 == 1)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            try
            {
                TableMetadataJson.Write(TableMetadataJson.Read(bytes, "x"));
            }
            catch (IcebergFormatException)
            {
            }
        }
    }

    [Fact]
    public void What_others_put_there_survives_our_commit()
    {
        var json = JsonNode.Parse(TableMetadataJson.Write(Sample()))!.AsObject();
        json["statistics"] = JsonNode.Parse("""[{"snapshot-id":99,"statistics-path":"s","file-size-in-bytes":9,"file-footer-size-in-bytes":3,"blob-metadata":[{"type":"t","snapshot-id":99,"sequence-number":1,"fields":[1],"properties":{"ndv":"3"},"x":1}],"y":null}]""");
        json["encryption-keys"] = JsonNode.Parse("""[{"key-id":"k","encrypted-key-metadata":"eA=="}]""");
        json["x-unknown"] = JsonNode.Parse("""{"deep":[1,null,{"a":1.50}]}""");
        json["snapshots"]![0]!["key-id"] = "k";
        json["refs"]!["main"]!["x-ref"] = true;
        var metadata = TableMetadataJson.Read(Encoding.UTF8.GetBytes(json.ToJsonString()), "x");

        var changed = metadata.Apply([new TableUpdate.SetProperties(new Dictionary<string, string> { ["a"] = "b" })], TimeProvider.System);

        var after = JsonNode.Parse(TableMetadataJson.Write(changed))!.AsObject();
        foreach (string name in new[] { "statistics", "encryption-keys", "x-unknown", "snapshots", "refs" })
        {
            Assert.True(JsonNode.DeepEquals(json[name], after[name]), name);
        }

        Assert.Contains("1.50", Encoding.UTF8.GetString(TableMetadataJson.Write(changed)));
    }

    [Fact]
    public void What_others_put_into_the_types_of_nested_columns_survives_changes_of_the_schema()
    {
        var json = JsonNode.Parse(TableMetadataJson.Write(Sample()))!.AsObject();
        json["schemas"]![0]!["fields"] = JsonNode.Parse("""
            [{"id":1,"name":"s","required":false,"x-field":1,"type":{"type":"struct","x-struct":{"a":[1.50,null]},"fields":[
              {"id":2,"name":"l","required":false,"type":{"type":"list","element-id":3,"element":{"type":"struct","fields":[{"id":9,"name":"z","required":false,"type":"int"}],"x-inner":true},"element-required":false,"x-list":"y"}},
              {"id":4,"name":"m","required":false,"type":{"type":"map","key-id":5,"key":"string","value-id":6,"value":"long","value-required":false,"x-map":[]}}]}}]
            """);
        json["last-column-id"] = 9;
        var metadata = TableMetadataJson.Read(Encoding.UTF8.GetBytes(json.ToJsonString()), "x");
        Assert.True(JsonNode.DeepEquals(json["schemas"], JsonNode.Parse(TableMetadataJson.Write(metadata))!["schemas"]));
        Assert.Contains("1.50", Encoding.UTF8.GetString(TableMetadataJson.Write(metadata)), StringComparison.Ordinal);
        Assert.Equal(metadata.CurrentSchema.Fields, TableMetadataJson.Read(TableMetadataJson.Write(metadata), "x").CurrentSchema.Fields);

        var update = new UpdateSchema(metadata).AddColumn("s", "added", new IntegerType()).RenameColumn("s.l.element.z", "y").MoveColumn("s.added", new ColumnPosition.First());
        string changed = Encoding.UTF8.GetString(TableMetadataJson.Write(metadata.Apply(update.Updates, TimeProvider.System)));
        var type = JsonNode.Parse(changed)!["schemas"]![1]!["fields"]![0]!["type"]!;
        Assert.Equal("""{"a":[1.50,null]}""", type["x-struct"]!.ToJsonString());
        Assert.Equal("added", type["fields"]![0]!["name"]!.GetValue<string>());
        Assert.Equal(("y", true), (type["fields"]![1]!["type"]!["x-list"]!.GetValue<string>(), type["fields"]![1]!["type"]!["element"]!["x-inner"]!.GetValue<bool>()));
        Assert.Equal("[]", type["fields"]![2]!["type"]!["x-map"]!.ToJsonString());

        // A schema is the same only with the same of it.
        var other = metadata.CurrentSchema.Fields[0] with { Type = (StructType)metadata.CurrentSchema.Fields[0].Type with { OtherFields = null } };
        Assert.NotEqual(metadata.CurrentSchema.Fields[0], other);
    }

    [Theory]
    [InlineData(2, "\"current-snapshot-id\":-1")]
    [InlineData(3, "\"current-snapshot-id\":null")]
    public void A_table_without_snapshot_says_so_as_Java_does(int version, string text)
    {
        var metadata = TableMetadataCreation.Create(TestTables.Creation(version), "/w/t", Guid.NewGuid(), DateTimeOffset.UnixEpoch);
        byte[] written = TableMetadataJson.Write(metadata);
        Assert.Contains(text, Encoding.UTF8.GetString(written));
        Assert.Null(TableMetadataJson.Read(written, "x").CurrentSnapshotId);
    }

    internal static TableMetadata Sample()
    {
        var metadata = TableMetadataCreation.Create(TestTables.Creation(), "/w/t", new Guid("f79c3e09-677c-4bbd-a479-3f349cb785e7"), DateTimeOffset.UnixEpoch);
        var snapshot = new Snapshot { SnapshotId = 99, SequenceNumber = 1, TimestampMs = 5, ManifestList = "/w/t/metadata/snap.avro", SchemaId = 0, Summary = new Dictionary<string, string> { ["operation"] = "append" } };
        return metadata.Apply([new TableUpdate.AddSnapshot(snapshot), new TableUpdate.SetSnapshotRef("main", new SnapshotRef(99, false))], TimeProvider.System);
    }

    /// <summary>Every value of the original is in what was written, at its place.</summary>
    private static void AssertNothingLost(JsonNode original, JsonNode written, string path)
    {
        switch (original)
        {
            case JsonObject before:
                var after = Assert.IsType<JsonObject>(written);
                foreach (var (name, value) in before)
                {
                    if (value is null || (name == "current-snapshot-id" && value.ToJsonString() == "-1") || (path.EndsWith("partition-spec", StringComparison.Ordinal) && name == "field-id"))
                    {
                        continue;
                    }

                    Assert.True(after[name] is not null, $"{path}.{name} is gone");
                    if (name != "schema")
                    {
                        AssertNothingLost(value, after[name]!, path + "." + name);
                    }
                }

                break;
            case JsonArray before:
                Assert.Equal(before.Count, Assert.IsType<JsonArray>(written).Count);
                for (int i = 0; i < before.Count; i++)
                {
                    AssertNothingLost(before[i]!, written[i]!, $"{path}[{i}]");
                }

                break;
            default:
                string Plain(JsonNode node) => node.ToJsonString().Replace(", ", ",", StringComparison.Ordinal).Replace("/\"", "\"", StringComparison.Ordinal);
                Assert.True(Plain(original) == Plain(written), $"{path}: {original.ToJsonString()} became {written.ToJsonString()}");
                break;
        }
    }

    private static byte[] Shared(string file)
    {
        string? path = SharedData.Find("iceberg-metadata/" + file);
        Assert.SkipWhen(path is null, "shared/data is not here");
        return File.ReadAllBytes(path!);
    }
}
