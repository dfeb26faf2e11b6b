using System.Text.Json;
using System.Text.Json.Nodes;
using OrleansLake.Contracts;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Ingest.Write;
using OrleansLake.Testing;
using OrleansLake.Testing.Processes;

namespace OrleansLake.Silo.Tests;

/// <summary>Tables of version 3 from the topic to the files that others read: variants, what is rescued into one, defaults.</summary>
public sealed class RareColumnsTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Variants_rescued_variants_and_defaults_reach_the_table_and_are_what_DuckDB_reads()
    {
        using var broker = new EmbeddedBroker();
        broker.CreateTopic("events", 2);
        await using SiloStand silo = await SiloStand.StartAsync(broker.BootstrapServers, _directory.Path, SiloStand.Definition(
            ddl: "CREATE TABLE db.events (id BIGINT NOT NULL, payload VARIANT, kind VARCHAR NOT NULL DEFAULT 'none', amount DECIMAL(9, 2) DEFAULT 1.50, _rescued VARIANT) WITH (format_version = 3)") with
        {
            Records = new RecordSettings { UnknownFields = "rescue" },
        });
        string[] payloads = ["{\"b\":[1,null,2.50],\"a\":\"x\"}", "null", "\"text\"", "7", "[{}]", "1e400", "{\"deep\":{\"z\":true}}"];
        await SiloStand.PublishAsync(broker.BootstrapServers, Enumerable.Range(0, 70).Select(id =>
            $$"""{"id":{{id}},"payload":{{payloads[id % 7]}}{{(id % 2 == 0 ? ",\"kind\":\"k\",\"amount\":null" : ",\"extra\":{\"n\":" + id + ",\"far\":1e999}")}} }"""));
        IReadOnlyList<JsonElement> rows = await silo.RowsAsync(60);
        await silo.AssertProvedAsync(60);
        Assert.All(await silo.ReadAsync(DeadLetterSchema.Of(SiloStand.Table)), letter => Assert.Equal(("out-of-range", "payload"), (letter.GetProperty("error_class").GetString(), letter.GetProperty("json_path").GetString())));
        foreach (JsonElement row in rows)
        {
            int id = row.GetProperty("id").GetInt32();
            Assert.True(RealRecords.Same(JsonDocument.Parse(payloads[id % 7]).RootElement, row.GetProperty("payload")), row.GetRawText());
            Assert.Equal(
                id % 2 == 0 ? """{"kind":"k","amount":null,"_rescued":null}""" : $$$"""{"kind":"none","amount":1.50,"_rescued":{"extra":{"far":"1e999","n":{{{id}}}} } }""".Replace(" ", "", StringComparison.Ordinal),
                $$"""{"kind":{{row.GetProperty("kind").GetRawText()}},"amount":{{row.GetProperty("amount").GetRawText()}},"_rescued":{{row.GetProperty("_rescued").GetRawText()}}}""");
        }

        Assert.SkipWhen(ForeignReaders.Absent is not null, ForeignReaders.Absent ?? "");
        LoadedTable table = (await silo.Catalog.LoadTableAsync(SiloStand.Table, TestContext.Current.CancellationToken))!;
        string files = string.Join(", ", await SnapshotFiles.LiveAsync(table, table.Metadata.FindRef(SnapshotRef.Main)!, CancellationToken.None).Select(entry => $"'{new Uri(entry.DataFile.FilePath).LocalPath}'").ToListAsync());
        JsonArray theirs = await ForeignReaders.DuckDbAsync(
            $"SELECT id, kind, amount::VARCHAR AS amount, CASE WHEN payload IS NOT NULL THEN payload::JSON::VARCHAR END AS payload, CASE WHEN _rescued IS NOT NULL THEN _rescued::JSON::VARCHAR END AS rescued FROM read_parquet([{files}]) ORDER BY id");
        Assert.Equal(60, theirs.Count);
        foreach (var (row, their) in rows.OrderBy(row => row.GetProperty("id").GetInt32()).Zip(theirs))
        {
            Assert.Equal(row.GetProperty("id").GetRawText(), their!["id"]!.ToString());
            Assert.Equal((row.GetProperty("kind").GetString(), row.GetProperty("amount").ToString()), (their["kind"]!.ToString(), their["amount"]?.ToString() ?? ""));
            Assert.True(SameText(row.GetProperty("payload"), their["payload"]), $"{row.GetRawText()} {their.ToJsonString()}");
            Assert.True(SameText(row.GetProperty("_rescued"), their["rescued"]), $"{row.GetRawText()} {their.ToJsonString()}");
        }
    }

    private static bool SameText(JsonElement ours, JsonNode? theirs) => theirs is null ? ours.ValueKind == JsonValueKind.Null : RealRecords.Same(ours, JsonDocument.Parse(theirs.GetValue<string>()).RootElement);
}
