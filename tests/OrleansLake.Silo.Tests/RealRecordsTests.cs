using System.Formats.Tar;
using System.IO.Compression;
using System.Text;
using System.Text.Json;
using OrleansLake.Contracts;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Ingest.Write;
using OrleansLake.Testing;

namespace OrleansLake.Silo.Tests;

/// <summary>What others have written, from a topic to a table.</summary>
public sealed class RealRecordsTests : IDisposable
{
    private readonly TempDirectory _warehouse = new();
    private readonly EmbeddedBroker _broker = new();

    public RealRecordsTests() => _broker.CreateTopic("events", 3);

    public void Dispose()
    {
        _broker.Dispose();
        _warehouse.Dispose();
    }

    [Fact]
    public async Task Tweets_land_in_a_nested_typed_table_and_nothing_of_them_is_lost()
    {
        string? path = SharedData.Find("twitter-statuses.ndjson.gz");
        Assert.SkipWhen(path is null, "shared/data is absent");
        using var reader = new StreamReader(new GZipStream(File.OpenRead(path!), CompressionMode.Decompress));
        string[] tweets = (await reader.ReadToEndAsync(TestContext.Current.CancellationToken)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        PipelineDefinition definition = SiloStand.Definition(ddl: """
            CREATE TABLE db.events (id BIGINT, text VARCHAR, "user" ROW(id BIGINT, screen_name VARCHAR, followers_count INTEGER),
            entities ROW(hashtags ARRAY(ROW(text VARCHAR))), _partition INTEGER, _offset BIGINT, _rescued VARCHAR)
            """) with
        {
            Records = new RecordSettings { Columns = new() { ["_partition"] = "kafka.partition", ["_offset"] = "kafka.offset" }, UnknownFields = "rescue" },
        };
        await using SiloStand silo = await SiloStand.StartAsync(_broker.BootstrapServers, _warehouse.Path, definition);
        await SiloStand.PublishAsync(_broker.BootstrapServers, tweets);
        IReadOnlyList<JsonElement> rows = await silo.RowsAsync(tweets.Length);
        Assert.Equal(tweets.Length, rows.Select(row => (row.GetProperty("_partition").GetInt32(), row.GetProperty("_offset").GetInt64())).Distinct().Count());
        var sent = tweets.Select(tweet => JsonDocument.Parse(tweet).RootElement).GroupBy(tweet => tweet.GetProperty("id").GetInt64()).ToDictionary(group => group.Key, group => group.First());
        foreach (JsonElement row in rows)
        {
            using JsonDocument rescued = JsonDocument.Parse(row.GetProperty("_rescued").GetString()!);
            Covered(sent[row.GetProperty("id").GetInt64()], row, rescued.RootElement);
        }

        await silo.AssertProvedAsync(tweets.Length);
    }

    [Fact]
    public async Task Of_the_minefield_every_good_object_is_a_row_and_every_other_document_a_dead_letter()
    {
        string? path = SharedData.Find("json-minefield.tar.gz");
        Assert.SkipWhen(path is null, "shared/data is absent");
        List<(string Name, byte[] Bytes)> documents = [];
        using (var tar = new TarReader(new GZipStream(File.OpenRead(path!), CompressionMode.Decompress)))
        {
            while (tar.GetNextEntry() is { } entry)
            {
                string name = Path.GetFileName(entry.Name);
                if (entry.EntryType is TarEntryType.RegularFile or TarEntryType.V7RegularFile && name.EndsWith(".json", StringComparison.Ordinal) && name[1] == '_')
                {
                    using var bytes = new MemoryStream();
                    entry.DataStream?.CopyTo(bytes);
                    documents.Add((name, bytes.ToArray()));
                }
            }
        }

        Assert.True(documents.Count > 200, $"{documents.Count} documents");
        PipelineDefinition definition = SiloStand.Definition(ddl: "CREATE TABLE db.events (_offset BIGINT, _rescued VARCHAR)") with
        {
            Records = new RecordSettings { Columns = new() { ["_offset"] = "kafka.offset" }, UnknownFields = "rescue" },
        };
        await using SiloStand silo = await SiloStand.StartAsync(_broker.BootstrapServers, _warehouse.Path, definition);
        await SiloStand.PublishAsync(_broker.BootstrapServers, documents.Select(document => document.Bytes));

        IReadOnlyList<JsonElement> rows = [], letters = [];
        await silo.EventuallyAsync(
            async () => (rows = await silo.ReadAsync(SiloStand.Table)).Count + (letters = await silo.ReadAsync(DeadLetterSchema.Of(SiloStand.Table))).Count >= documents.Count,
            $"{documents.Count} rows and dead letters", () => $"{rows.Count} and {letters.Count}");
        Assert.Equal(documents.Count, rows.Count + letters.Count);
        var refused = letters.Select(letter => Convert.ToHexString(letter.GetProperty(DeadLetterSchema.Value) is { ValueKind: JsonValueKind.String } value ? value.GetBytesFromBase64() : [])).ToHashSet();
        foreach (var (name, bytes) in documents)
        {
            bool isObject = Encoding.UTF8.GetString(bytes).TrimStart().StartsWith('{');
            bool isRefused = refused.Contains(Convert.ToHexString(bytes));
            Assert.False(name[0] == 'y' && isObject && isRefused, $"{name} is no row");
            Assert.False((name[0] == 'n' || !isObject) && !isRefused, $"{name} is no dead letter");
        }

        await silo.AssertProvedAsync(rows.Count);
    }

    /// <summary>Every value of what was sent is in the row or, at the same place, in what was rescued.</summary>
    private static void Covered(JsonElement sent, JsonElement? row, JsonElement? rescued)
    {
        foreach (JsonProperty property in sent.EnumerateObject())
        {
            JsonElement? kept = rescued is { ValueKind: JsonValueKind.Object } rest && rest.TryGetProperty(property.Name, out JsonElement found) ? found : null;
            if (row is { ValueKind: JsonValueKind.Object } columns && columns.TryGetProperty(property.Name, out JsonElement column))
            {
                Value(property.Value, column, kept);
            }
            else
            {
                Assert.Equal(property.Value.GetRawText(), kept?.GetRawText());
            }
        }
    }

    private static void Value(JsonElement sent, JsonElement column, JsonElement? rescued)
    {
        switch (sent.ValueKind)
        {
            case JsonValueKind.Object:
                Covered(sent, column, rescued);
                break;
            case JsonValueKind.Array:
                Assert.Equal(sent.GetArrayLength(), column.GetArrayLength());
                for (int i = 0; i < sent.GetArrayLength(); i++)
                {
                    JsonElement? kept = rescued is { ValueKind: JsonValueKind.Object } rest && rest.TryGetProperty(i.ToString(System.Globalization.CultureInfo.InvariantCulture), out JsonElement found) ? found : null;
                    Value(sent[i], column[i], kept);
                }

                break;
            default:
                Assert.Equal(sent.ToString(), column.ToString());
                break;
        }
    }
}
