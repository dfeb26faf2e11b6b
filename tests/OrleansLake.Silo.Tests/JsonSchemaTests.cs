using OrleansLake.Contracts;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Ingest.Write;
using OrleansLake.Silo.Configuration;

namespace OrleansLake.Silo.Tests;

/// <summary>Expectations by a JSON Schema.</summary>
public sealed class JsonSchemaTests : IDisposable
{
    private const string Schema = """
        { "$schema": "https://json-schema.org/draft/2020-12/schema", "title": "order", "type": "object", "required": [ "id", "user" ],
          "properties": {
            "id": { "type": "integer", "minimum": 0, "exclusiveMaximum": 1000 },
            "kind": { "type": [ "string", "null" ], "enum": [ "buy", "sell", null ] },
            "user": { "type": "object", "required": [ "mail" ], "properties": { "mail": { "type": "string", "pattern": "^[^@]+@[^@]+$" } } },
            "tags": { "type": "array", "items": { "type": "string" } },
            "version": { "const": 2 } } }
        """;

    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Records_that_are_not_as_a_json_schema_says_become_dead_letters_that_say_why()
    {
        ExpectationSettings[] expectations = Read(Schema);
        Assert.Equal(
            ["s: id required", "s: user required", "s: id type", "s: id minimum", "s: id exclusiveMaximum", "s: kind type", "s: kind enum", "s: user type", "s: user.mail required", "s: user.mail type", "s: user.mail pattern", "s: tags type", "s: tags.element type", "s: version const"],
            expectations.Select(static one => one.Name));
        using var broker = new EmbeddedBroker();
        broker.CreateTopic("events", 1);
        const string User = "\"user\":{\"mail\":\"a@b\"}";
        await SiloStand.PublishAsync(broker.BootstrapServers,
        [
            $$"""{"id":1,{{User}},"kind":"buy","tags":["x"],"version":2}""", $$"""{"id":2,{{User}}}""", """{"id":3}""", """{"id":4,"user":{}}""", """{"id":5,"user":{"mail":"nobody"}}""",
            $$"""{"id":-6,{{User}}}""", $$"""{"id":1000,{{User}}}""", $$"""{"id":7,{{User}},"kind":"give"}""", $$"""{"id":8,{{User}},"version":3}""",
        ]);
        await using SiloStand silo = await SiloStand.StartAsync(
            broker.BootstrapServers, _directory.Path,
            SiloStand.Definition(ddl: "CREATE TABLE db.events (id BIGINT, kind VARCHAR, user ROW(mail VARCHAR), tags ARRAY(VARCHAR), version INT)") with { Quality = new QualitySettings { Expectations = expectations } });
        Assert.Equal([1L, 2], SiloStand.Ids(await silo.RowsAsync(2)));
        var letters = await silo.RowsAsync(7, DeadLetterSchema.Of(SiloStand.Table));
        Assert.Equal(
            ["id exclusiveMaximum", "id minimum", "kind enum", "user required", "user.mail pattern", "user.mail required", "version const"],
            letters.Select(static letter => letter.GetProperty("message").GetString()!.Split(": ")[1]).Order(StringComparer.Ordinal));
        await silo.AssertProvedAsync(2);
    }

    [Theory]
    [InlineData("""{ "properties": { "a": { "minLength": 3 } } }""", "#/properties/a/minLength: columns cannot be asked this")]
    [InlineData("""{ "additionalProperties": false }""", "unknownFields")]
    [InlineData("""{ "anyOf": [] }""", "#/anyOf: columns cannot be asked this")]
    [InlineData("""{ "type": "array" }""", "#/type: expected object")]
    [InlineData("""{ "properties": { "a": { "type": "text" } } }""", "#/properties/a/type: expected one of")]
    [InlineData("""{ "properties": { "a": { "items": { "minimum": 1 } } } }""", "expected only types")]
    [InlineData("""{ "properties": { "a": { "pattern": "(?=x)" } } }""", "without look-arounds")]
    [InlineData("""{ "properties": { "a": { "enum": [ {} ] } } }""", "expected text, numbers")]
    [InlineData("{", "jsonSchema: expected a file with a JSON Schema")]
    public void What_columns_cannot_be_asked_is_refused_with_its_place(string schema, string expected) =>
        Assert.Contains(expected, Assert.Throws<ConfigException>(() => Read(schema)).Message, StringComparison.Ordinal);

    private ExpectationSettings[] Read(string schema)
    {
        File.WriteAllText(Path.Combine(_directory.Path, "order.schema.json"), schema);
        string path = Path.Combine(_directory.Path, "lake.json");
        File.WriteAllText(path, """
            { "warehouse": "w", "pipelines": [ { "name": "p", "table": "db.t", "topics": [ "a" ], "kafka": { "bootstrap.servers": "b:1" },
              "quality": { "expectations": [ { "name": "s", "jsonSchema": "order.schema.json", "action": "dead-letter" } ] } } ] }
            """);
        return SiloConfigReader.ReadFile(path).Pipelines[0].Definition.Quality.Expectations;
    }
}
