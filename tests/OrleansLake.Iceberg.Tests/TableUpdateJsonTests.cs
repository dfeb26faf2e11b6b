using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace OrleansLake.Iceberg.Tests;

public sealed class TableUpdateJsonTests
{
    [Theory]
    [InlineData("""{"action":"assign-uuid","uuid":"f79c3e09-677c-4bbd-a479-3f349cb785e7"}""")]
    [InlineData("""{"action":"upgrade-format-version","format-version":3}""")]
    [InlineData("""{"action":"add-schema","schema":{"type":"struct","schema-id":0,"fields":[{"id":1,"name":"a","required":false,"type":"int","x":[1.50]}]},"last-column-id":7}""")]
    [InlineData("""{"action":"set-current-schema","schema-id":-1}""")]
    [InlineData("""{"action":"add-spec","spec":{"spec-id":0,"fields":[{"source-id":1,"field-id":1000,"name":"a_bucket","transform":"bucket[4]"}]}}""")]
    [InlineData("""{"action":"set-default-spec","spec-id":-1}""")]
    [InlineData("""{"action":"add-sort-order","sort-order":{"order-id":1,"fields":[{"transform":"identity","source-id":1,"direction":"desc","null-order":"nulls-last"}]}}""")]
    [InlineData("""{"action":"set-default-sort-order","sort-order-id":1}""")]
    [InlineData("""{"action":"add-snapshot","snapshot":{"sequence-number":3,"snapshot-id":9,"parent-snapshot-id":8,"timestamp-ms":5,"summary":{"operation":"append"},"manifest-list":"m","schema-id":0,"first-row-id":0,"added-rows":4,"key-id":"k"}}""")]
    [InlineData("""{"action":"set-snapshot-ref","ref-name":"main","snapshot-id":9,"type":"branch","min-snapshots-to-keep":3,"max-snapshot-age-ms":4,"max-ref-age-ms":5}""")]
    [InlineData("""{"action":"remove-snapshot-ref","ref-name":"old"}""")]
    [InlineData("""{"action":"remove-snapshots","snapshot-ids":[1,2]}""")]
    [InlineData("""{"action":"set-location","location":"s3://b/t"}""")]
    [InlineData("""{"action":"set-properties","updates":{"a":"b"}}""")]
    [InlineData("""{"action":"remove-properties","removals":["a"]}""")]
    [InlineData("""{"action":"set-statistics","snapshot-id":1,"statistics":{"snapshot-id":1,"statistics-path":"s","file-size-in-bytes":2,"file-footer-size-in-bytes":1,"blob-metadata":[{"type":"t","snapshot-id":1,"sequence-number":1,"fields":[1,2],"properties":{"ndv":"1"}}]}}""")]
    [InlineData("""{"action":"remove-statistics","snapshot-id":1}""")]
    [InlineData("""{"action":"set-partition-statistics","partition-statistics":{"snapshot-id":1,"statistics-path":"s","file-size-in-bytes":2}}""")]
    [InlineData("""{"action":"remove-partition-statistics","snapshot-id":1}""")]
    [InlineData("""{"action":"remove-partition-specs","spec-ids":[1]}""")]
    [InlineData("""{"action":"remove-schemas","schema-ids":[1]}""")]
    [InlineData("""{"action":"add-encryption-key","encryption-key":{"key-id":"k","encrypted-key-metadata":"eA==","encrypted-by-id":"kek","properties":{"a":"b"}}}""")]
    [InlineData("""{"action":"remove-encryption-key","key-id":"k"}""")]
    public void An_update_is_read_and_written_as_the_REST_specification_spells_it(string text)
    {
        using var document = JsonDocument.Parse(text);
        AssertSame(text, json => TableUpdateJson.Write(json, TableUpdateJson.Read(document.RootElement, "x")));
    }

    [Theory]
    [InlineData("""{"type":"assert-create"}""")]
    [InlineData("""{"type":"assert-table-uuid","uuid":"f79c3e09-677c-4bbd-a479-3f349cb785e7"}""")]
    [InlineData("""{"type":"assert-ref-snapshot-id","ref":"main","snapshot-id":null}""")]
    [InlineData("""{"type":"assert-ref-snapshot-id","ref":"main","snapshot-id":9007199254740993}""")]
    [InlineData("""{"type":"assert-last-assigned-field-id","last-assigned-field-id":1}""")]
    [InlineData("""{"type":"assert-current-schema-id","current-schema-id":1}""")]
    [InlineData("""{"type":"assert-last-assigned-partition-id","last-assigned-partition-id":1000}""")]
    [InlineData("""{"type":"assert-default-spec-id","default-spec-id":1}""")]
    [InlineData("""{"type":"assert-default-sort-order-id","default-sort-order-id":1}""")]
    public void A_requirement_is_read_and_written_as_the_REST_specification_spells_it(string text)
    {
        using var document = JsonDocument.Parse(text);
        AssertSame(text, json => TableRequirementJson.Write(json, TableRequirementJson.Read(document.RootElement, "x")));
    }

    [Fact]
    public void A_commit_names_its_table_only_among_several()
    {
        const string Alone = """{"requirements":[{"type":"assert-create"}],"updates":[{"action":"remove-statistics","snapshot-id":1}]}""";
        const string Among = """{"identifier":{"namespace":["a","b"],"name":"t"},"requirements":[],"updates":[]}""";
        foreach (string text in new[] { Alone, Among })
        {
            using var document = JsonDocument.Parse(text);
            var (identifier, requirements, updates) = TableCommitJson.Read(document.RootElement, "x");
            AssertSame(text, json => TableCommitJson.Write(json, identifier, requirements, updates));
        }
    }

    [Theory]
    [InlineData("""{"action":"explode"}""", "action: expected an action that is known, got \"explode\"")]
    [InlineData("""{"action":"set-location"}""", "expected a field \"location\"")]
    [InlineData("[]", "expected an update")]
    public void What_is_no_update_is_refused_by_name(string text, string problem)
    {
        using var document = JsonDocument.Parse(text);
        Assert.Contains(problem, Assert.Throws<IcebergFormatException>(() => TableUpdateJson.Read(document.RootElement, "request")).Message);
    }

    private static void AssertSame(string expected, Action<Utf8JsonWriter> write)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            write(json);
        }

        string written = Encoding.UTF8.GetString(stream.ToArray());
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(expected), JsonNode.Parse(written)), written);
    }
}
