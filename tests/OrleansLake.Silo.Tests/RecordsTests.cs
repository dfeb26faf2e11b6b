using System.Text.Json;
using OrleansLake.Contracts;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Ingest.Write;
using OrleansLake.Silo.Configuration;
using OrleansLake.Terminal;
using OrleansLake.Testing.Registry;

namespace OrleansLake.Silo.Tests;

/// <summary>What a pipeline says about its records, from the configuration to the rows.</summary>
public sealed class RecordsTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task A_configured_pipeline_unnests_projects_converts_names_and_knows_offsets()
    {
        using var broker = new EmbeddedBroker();
        broker.CreateTopic("events", 4);
        PipelineDefinition definition = Assert.Single(Read(Pipeline(broker.BootstrapServers, """
            "unnest": "/data",
            "project": { "event_id": "/id" },
            "columns": { "_offset": "kafka.offset", "_partition": "kafka.partition", "_timestamp": "kafka.timestamp", "_ingested_at": "ingest.time", "source": "'test'" },
            "case": { "from": "lower_camel", "to": "lower_underscore" },
            "epoch": "ms",
            "onUnfit": { "price": "null" },
            "unknownFields": "rescue"
            """)).Pipelines).Definition;
        await using SiloStand silo = await SiloStand.StartAsync(broker.BootstrapServers, _directory.Path, definition);
        await SiloStand.PublishAsync(broker.BootstrapServers, Enumerable.Range(0, 500).Select(i => i % 100 == 99
            ? $$"""{"id":{{i}},"nothing":"here"}"""
            : FormattableString.Invariant($$$"""{"id":{{{i}}},"data":{"userName":"u{{{i}}}","createdAt":{{{1_700_000_000_000 + i}}},"price":{{{(i % 2 == 0 ? "1.5" : "\"cheap\"")}}},"eventID":-1,"moreToCome":{"a":[{{{i}}}]} } }""")));

        IReadOnlyList<JsonElement> rows = await silo.RowsAsync(495);
        Assert.Equal(Enumerable.Range(0, 500).Where(i => i % 100 != 99), rows.Select(row => row.GetProperty("event_id").GetInt32()).Order());
        JsonElement[] by = [.. rows.OrderBy(row => row.GetProperty("event_id").GetInt32())];
        Assert.Equal("u7", by[7].GetProperty("user_name").GetString());
        Assert.Equal("2023-11-14T22:13:20.007000+00:00", by[7].GetProperty("created_at").GetString());
        Assert.Equal("test", by[7].GetProperty("source").GetString());
        Assert.Equal((1.5, JsonValueKind.Null), (by[6].GetProperty("price").GetDouble(), by[7].GetProperty("price").ValueKind));
        Assert.Equal("""{"eventID":-1,"moreToCome":{"a":[6]}}""", by[6].GetProperty("_rescued").GetString());
        Assert.Equal("""{"price":"cheap","eventID":-1,"moreToCome":{"a":[7]}}""", by[7].GetProperty("_rescued").GetString());
        Assert.All(rows, row => Assert.StartsWith("20", row.GetProperty("_timestamp").GetString(), StringComparison.Ordinal));
        Assert.All(rows, row => Assert.StartsWith("20", row.GetProperty("_ingested_at").GetString(), StringComparison.Ordinal));

        // Each record of the four topic-partitions once, as a row or as a dead letter.
        IReadOnlyList<JsonElement> letters = await silo.RowsAsync(5, DeadLetterSchema.Of(SiloStand.Table));
        Assert.All(letters, letter => Assert.Equal("not-an-object", letter.GetProperty(DeadLetterSchema.ErrorClass).GetString()));
        var positions = rows.Select(row => (row.GetProperty("_partition").GetInt32(), row.GetProperty("_offset").GetInt64()))
            .Concat(letters.Select(letter => (letter.GetProperty("partition").GetInt32(), letter.GetProperty("offset").GetInt64()))).ToHashSet();
        Assert.Equal(500, positions.Count);
        await silo.AssertProvedAsync(495);

        // One pump for four topic-partitions: counted once.
        RecordCounts counts = await CountsAsync(silo, of => of.UnknownFields.Sum(one => one.Count) == 2 * 495);
        Assert.Equal([new PathCount("eventID", 495), new PathCount("moreToCome", 495)], counts.UnknownFields);
        Assert.Equal([new PathCount("price", 245)], counts.NulledValues);
        Assert.Empty(counts.ValuesMadeText);
    }

    [Fact]
    public async Task A_column_that_the_settings_name_and_the_table_lacks_is_the_pipelines_trouble()
    {
        using var broker = new EmbeddedBroker();
        broker.CreateTopic("events", 1);
        PipelineDefinition definition = SiloStand.Definition() with { Records = new RecordSettings { Columns = new() { ["_offset"] = "kafka.offset" } } };
        await using SiloStand silo = await SiloStand.StartAsync(broker.BootstrapServers, _directory.Path, definition);
        await SiloStand.PublishAsync(broker.BootstrapServers, SiloStand.Records(0, 10));
        await silo.EventuallyAsync(
            async () => JsonSerializer.Serialize(await silo.Client.GetPipelineAsync(SiloStand.Pipeline)).Contains("records.columns: the table has no column _offset", StringComparison.Ordinal),
            "the trouble that says which column is missing");

        // Once the table has it, the records are read on.
        await silo.AlterAsync("ALTER TABLE db.events ADD COLUMN _offset BIGINT");
        await silo.Client.ReloadSchemaAsync(SiloStand.Table.ToString(), TestContext.Current.CancellationToken);
        Assert.Equal(Enumerable.Range(0, 10).Select(i => (long)i), (await silo.RowsAsync(10)).Select(row => row.GetProperty("_offset").GetInt64()).Order());
    }

    [Fact]
    public async Task New_fields_become_columns_once_and_the_records_that_brought_them_lose_nothing()
    {
        using var broker = new EmbeddedBroker();
        broker.CreateTopic("events", 4);
        PipelineDefinition definition = SiloStand.Definition(ddl: "CREATE TABLE db.events (id BIGINT, detail ROW(a BIGINT))") with
        {
            Records = new RecordSettings { UnknownFields = "evolve", MostFields = 8, CaseFrom = "lower_camel", CaseTo = "lower_underscore" },
        };
        await using SiloStand silo = await SiloStand.StartAsync(broker.BootstrapServers, _directory.Path, definition);
        // Ids, and what comes with every third, fourth and fifth: in all four topic-partitions, with a null first.
        await SiloStand.PublishAsync(broker.BootstrapServers, Enumerable.Range(0, 400).Select(i => "{\"id\":" + i + ",\"newText\":" + (i % 3 == 0 ? $"\"t{i}\"" : "null")
            + ",\"detail\":{\"a\":1" + (i % 4 == 0 ? $",\"deepList\":[{i}]" : "") + "}" + (i % 5 == 0 ? $",\"half\":{i}.5" : "") + "}"));
        IReadOnlyList<JsonElement> rows = await silo.RowsAsync(400);
        await silo.AssertProvedAsync(400);
        Assert.Equal(400, rows.Select(row => row.GetProperty("id").GetInt32()).Distinct().Count());
        foreach (JsonElement row in rows)
        {
            int id = row.GetProperty("id").GetInt32();
            Assert.Equal(id % 3 == 0 ? $"t{id}" : null, row.GetProperty("new_text").GetString());
            JsonElement deep = row.GetProperty("detail").GetProperty("deep_list");
            Assert.Equal(id % 4 == 0 ? $"[{id}]" : "null", deep.GetRawText());
            Assert.Equal(id % 5 == 0 ? id + 0.5 : null, row.GetProperty("half") is { ValueKind: JsonValueKind.Number } half ? half.GetDouble() : (double?)null);
        }

        // The limit: eight fields with those inside structs and lists, so one more.
        await SiloStand.PublishAsync(broker.BootstrapServers, Enumerable.Range(400, 100).Select(i => "{\"id\":" + i + ",\"over1\":1,\"over2\":2}"));
        await silo.RowsAsync(500);
        Iceberg.LoadedTable table = (await silo.Catalog.LoadTableAsync(SiloStand.Table, TestContext.Current.CancellationToken))!;
        Assert.Equal(["detail", "half", "id", "new_text", "over1"], table.Metadata.CurrentSchema.Fields.Select(field => field.Name).Order());
        Assert.InRange(table.Metadata.Schemas.Count, 2, 6);
    }

    [Fact]
    public async Task Avro_with_a_registry_becomes_rows_and_an_id_that_nobody_knows_a_dead_letter()
    {
        using var broker = new EmbeddedBroker();
        broker.CreateTopic("events", 2);
        using var registry = new RegistryStand();
        registry.Register(1, """{"type":"record","name":"E","fields":[{"name":"id","type":"long"},{"name":"name","type":"string"}]}""");
        registry.Trouble = System.Net.HttpStatusCode.ServiceUnavailable;
        PipelineDefinition definition = SiloStand.Definition() with { Records = new RecordSettings { Format = "confluent-avro" } };
        await using SiloStand silo = await SiloStand.StartAsync(broker.BootstrapServers, _directory.Path, definition, registry: registry.Url);
        // Zigzag of ids below 64 is one byte, and ASCII; so is the length of the name.
        await SiloStand.PublishAsync(broker.BootstrapServers, Enumerable.Range(0, 60).Select(id => $"\0\0\0\0{(id == 50 ? '\u0009' : '\u0001')}{(char)(2 * id)}\u0004n{(char)('0' + (id % 10))}"));
        await silo.EventuallyAsync(
            async () => (await silo.Client.GetPipelineAsync(SiloStand.Pipeline))?.TopicPartitions.Any(one => one.Trouble?.Contains("503", StringComparison.Ordinal) == true) == true, "a trouble with the registry");
        Assert.Empty(await silo.ReadAsync(SiloStand.Table));
        registry.Trouble = null;
        IReadOnlyList<JsonElement> rows = await silo.RowsAsync(59);
        Assert.Equal(Enumerable.Range(0, 60).Where(id => id != 50).Select(id => (long)id), SiloStand.Ids(rows));
        Assert.All(rows, row => Assert.Equal($"n{row.GetProperty("id").GetInt32() % 10}", row.GetProperty("name").GetString()));
        Assert.Equal("unknown-schema", Assert.Single(await silo.RowsAsync(1, DeadLetterSchema.Of(SiloStand.Table))).GetProperty(DeadLetterSchema.ErrorClass).GetString());
        await silo.AssertProvedAsync(59);
    }

    [Fact]
    public async Task Protocol_buffers_with_a_registry_become_rows_and_bytes_that_are_none_dead_letters()
    {
        using var broker = new EmbeddedBroker();
        broker.CreateTopic("events", 2);
        using var registry = new RegistryStand();
        registry.Register(1, "syntax = \"proto3\"; message E { int64 sequence = 1; Data data = 2; message Data { string userName = 1; optional int64 more = 3; } }", "PROTOBUF");
        PipelineDefinition definition = SiloStand.Definition(ddl: "CREATE TABLE db.events (id BIGINT, user_name VARCHAR, _offset BIGINT)") with
        {
            Records = new RecordSettings { Format = "confluent-protobuf", Unnest = "/data", Project = new() { ["id"] = "/sequence" }, Columns = new() { ["_offset"] = "kafka.offset" }, CaseFrom = "lower_camel", CaseTo = "lower_underscore" },
        };
        await using SiloStand silo = await SiloStand.StartAsync(broker.BootstrapServers, _directory.Path, definition, registry: registry.Url);
        // Numbers below 128 are one byte, and ASCII; so are tags and lengths. One says that its name is longer than all of it.
        await SiloStand.PublishAsync(broker.BootstrapServers, Enumerable.Range(0, 60).Select(id => $"\0\0\0\0\u0001\0\u0008{(char)id}\u0012\u0006\n{(id == 50 ? '\u0070' : '\u0002')}n{(char)('0' + (id % 10))}\u0018\u0005"));
        IReadOnlyList<JsonElement> rows = await silo.RowsAsync(59);
        Assert.Equal(Enumerable.Range(0, 60).Where(id => id != 50).Select(id => (long)id), SiloStand.Ids(rows));
        Assert.All(rows, row => Assert.Equal($"n{row.GetProperty("id").GetInt32() % 10}", row.GetProperty("user_name").GetString()));
        JsonElement letter = Assert.Single(await silo.RowsAsync(1, DeadLetterSchema.Of(SiloStand.Table)));
        Assert.Equal(("malformed-protobuf", "data"), (letter.GetProperty(DeadLetterSchema.ErrorClass).GetString(), letter.GetProperty(DeadLetterSchema.JsonPath).GetString()));
        await silo.AssertProvedAsync(59);
        Assert.Equal([new PathCount("more", 59)], (await CountsAsync(silo, of => of.UnknownFields.Sum(one => one.Count) >= 59)).UnknownFields);
    }

    /// <summary>What the pipeline's status says, which may be a moment old.</summary>
    private static async Task<RecordCounts> CountsAsync(SiloStand silo, Func<RecordCounts, bool> isMeant)
    {
        RecordCounts? counts = null;
        await silo.EventuallyAsync(async () => (counts = (await silo.Client.GetPipelineAsync(SiloStand.Pipeline))?.Counts) is not null && isMeant(counts), "the counts of the pipeline");
        return counts!;
    }

    [Theory]
    [InlineData("\"format\": \"confluent-protobuf\"", "pipelines[0].schemaRegistry: expected an object with the url of a schema registry, because records.format is confluent-protobuf")]
    [InlineData("\"format\": \"confluent-avro\"", "pipelines[0].schemaRegistry: expected an object with the url")]
    [InlineData("\"envelope\": \"maxwell\"", "pipelines[0].records.envelope: expected one of none, debezium")]
    [InlineData("\"unnest\": \"data\"", "pipelines[0].records.unnest: expected a JSON Pointer (RFC 6901) such as /data/id, found \"data\"")]
    [InlineData("\"project\": { \"a\": \"b\" }", "pipelines[0].records.project.a: expected a JSON Pointer")]
    [InlineData("\"case\": { \"from\": \"camel\", \"to\": \"lower_underscore\" }", "pipelines[0].records.case.from: expected one of lower_camel")]
    [InlineData("\"case\": { \"from\": \"lower_camel\" }", "pipelines[0].records.case.to: expected both")]
    [InlineData("\"onUnfit\": { \"a\": \"nil\" }", "pipelines[0].records.onUnfit.a: expected one of reject, null, string, found \"nil\"")]
    [InlineData("\"epoch\": \"minutes\"", "pipelines[0].records.epoch: expected one of none, s, ms, us, ns, d, found \"minutes\"")]
    [InlineData("\"unknownFields\": \"keep\"", "pipelines[0].records.unknownFields: expected one of ignore, rescue")]
    [InlineData("\"colums\": {}", "pipelines[0].records.colums: expected one of")]
    [InlineData("\"project\": { \"a\": \"/b\" }, \"columns\": { \"a\": \"kafka.offset\" }", "pipelines[0].records.columns.a: expected a column that project does not take already")]
    [InlineData("\"columns\": \"kafka.offset\"", "pipelines[0].records.columns: expected an object, found \"kafka.offset\"")]
    [InlineData("\"columns\": { \"a\": \"kafka.ofset\" }", "pipelines[0].records.columns.a: expected kafka.topic, kafka.partition")]
    [InlineData("\"columns\": { \"a\": \"{bad\" }", "pipelines[0].records.columns.a: expected kafka.topic, kafka.partition")]
    [InlineData("\"unknownFields\": \"rescue\", \"columns\": { \"_rescued\": \"1\" }", "pipelines[0].records.rescueColumn: expected a column that neither project nor columns takes, found \"_rescued\"")]
    public void What_means_nothing_is_told_with_its_place(string records, string expected) =>
        Assert.Contains(Assert.Throws<ConfigException>(() => Read(Pipeline("x:1", records))).Errors, error => error.StartsWith(expected, StringComparison.Ordinal));

    [Fact]
    public void Everything_that_is_wrong_is_told_at_once_and_each_thing_once()
    {
        string text = Pipeline("x:1", """
            "format": "confluent-avro", "envelope": "x", "unnest": "a", "project": { "p": "q", "r": "s" }, "case": { "from": "u", "to": "v" }, "onUnfit": { "*": "w", "f": "x" },
            "epoch": "y", "numbersInStrings": { "g": "yes" }, "cutFraction": "maybe", "unknownFields": "z", "tombstones": "drop", "mostFields": 0
            """).Replace("\"records\"", "\"schemaRegistry\": { \"url\": \"no address\" }, \"records\"", StringComparison.Ordinal);
        var errors = Assert.Throws<ConfigException>(() => Read(text)).Errors;
        Assert.Equal(
            [
                "records.case.from", "records.case.to", "records.cutFraction", "records.envelope", "records.epoch", "records.mostFields", "records.numbersInStrings.g", "records.onUnfit", "records.onUnfit.f",
                "records.project.p", "records.project.r", "records.tombstones", "records.unknownFields", "records.unnest", "schemaRegistry.url",
            ],
            errors.Select(error => error.Split(": expected ")[0]["pipelines[0].".Length..]).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Checking_a_configuration_holds_its_settings_against_the_table_that_its_ddl_makes()
    {
        string file = Path.Combine(_directory.Path, "lake.json");
        string settings = Pipeline("x:1", """
            "project": { "lost": "/x" }, "unknownFields": "rescue"
            """);
        await File.WriteAllTextAsync(file, settings.Replace("\"records\"", "\"where\": \"price = 1 AND kind = 2\", \"quality\": { \"expectations\": [ { \"name\": \"a\", \"column\": \"gone\", \"notNull\": true } ] }, \"records\"", StringComparison.Ordinal));
        using var output = new StringWriter();
        using var error = new StringWriter();
        Assert.Equal(1, await CommandRunner.RunAsync(["config", "check", file], [ConfigCommand.Create()], null, output, error));
        foreach (string expected in new[] { "records.project: the table has no column lost", "where: column kind", "quality.expectations a: column gone" })
        {
            Assert.Contains("pipeline events, a table as its ddl says: " + expected, error.ToString(), StringComparison.Ordinal);
        }

        await File.WriteAllTextAsync(file, settings.Replace("lost", "price", StringComparison.Ordinal));
        Assert.Equal(0, await CommandRunner.RunAsync(["config", "check", file], [ConfigCommand.Create()], null, output, error));
        Assert.Contains("right, 1 pipeline", output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Definitions_are_the_same_when_their_records_say_the_same()
    {
        PipelineDefinition One(string pointer) => SiloStand.Definition() with { Records = new RecordSettings { Project = new() { ["a"] = pointer } } };
        Assert.True(One("/x").SameAs(One("/x")));
        Assert.False(One("/x").SameAs(One("/y")));
        Assert.False(One("/x").SameAs(SiloStand.Definition()));
    }

    private static string Pipeline(string bootstrap, string records) => $$"""
        {
          "warehouse": "w",
          "pipelines": [ { "name": "events", "topics": ["events"], "table": "db.events", "flushInterval": "500ms", "createTable": true,
            "ddl": "CREATE TABLE db.events (event_id BIGINT, user_name VARCHAR, created_at TIMESTAMP(6) WITH TIME ZONE, price DOUBLE, _offset BIGINT, _partition INTEGER, _timestamp TIMESTAMP(6) WITH TIME ZONE, _ingested_at TIMESTAMP(6) WITH TIME ZONE, source VARCHAR, _rescued VARCHAR)",
            "kafka": { "bootstrap.servers": "{{bootstrap}}" }, "records": { {{records}} } } ]
        }
        """;

    private SiloConfig Read(string json)
    {
        string path = Path.Combine(_directory.Path, "lake.json");
        File.WriteAllText(path, json);
        return SiloConfigReader.ReadFile(path);
    }
}
