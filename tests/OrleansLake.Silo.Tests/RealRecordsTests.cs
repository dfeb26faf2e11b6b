using System.Formats.Tar;
using System.IO.Compression;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using OrleansLake.Contracts;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Ingest.Kafka.Publishing;
using OrleansLake.Ingest.Write;
using OrleansLake.Testing;

namespace OrleansLake.Silo.Tests;

/// <summary>Records that others wrote, from the topic to the table, nothing lost.</summary>
public sealed class RealRecordsTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Tweets_are_whole_in_a_nested_typed_table_with_a_rescue_column()
    {
        string? path = SharedData.Find("twitter-statuses.ndjson.gz");
        Assert.SkipWhen(path is null, "shared data is absent");
        string[] tweets = await LinesAsync(path!);
        Assert.Equal(100, tweets.Length);
        using var broker = new EmbeddedBroker();
        broker.CreateTopic("events", 3);
        await using SiloStand silo = await SiloStand.StartAsync(broker.BootstrapServers, _directory.Path, SiloStand.Definition(ddl: """
            CREATE TABLE db.events (
              id BIGINT NOT NULL, text VARCHAR, truncated BOOLEAN, in_reply_to_user_id BIGINT, retweet_count INT, lang VARCHAR,
              "user" ROW(id BIGINT, screen_name VARCHAR, followers_count INT, verified BOOLEAN, entities ROW(description ROW(urls ARRAY(ROW(url VARCHAR, indices ARRAY(INT)))))),
              entities ROW(hashtags ARRAY(ROW(text VARCHAR, indices ARRAY(INT))), user_mentions ARRAY(ROW(id BIGINT, screen_name VARCHAR))),
              metadata MAP(VARCHAR, VARCHAR),
              _rescued VARCHAR)
            """) with { Records = new RecordSettings { UnknownFields = "rescue" } });
        await SiloStand.PublishAsync(broker.BootstrapServers, tweets);
        IReadOnlyList<JsonElement> rows = await silo.RowsAsync(tweets.Length);
        await silo.AssertProvedAsync(tweets.Length);
        Assert.Empty(await silo.ReadAsync(DeadLetterSchema.Of(SiloStand.Table)));

        var byId = rows.ToDictionary(row => row.GetProperty("id").GetInt64(), row => JsonNode.Parse(row.GetRawText())!.AsObject());
        foreach (string tweet in tweets)
        {
            JsonObject original = JsonNode.Parse(tweet)!.AsObject();
            JsonObject row = byId[original["id"]!.GetValue<long>()];
            JsonNode? rescued = row["_rescued"] is { } text ? JsonNode.Parse(text.GetValue<string>()) : null;
            row.Remove("_rescued");
            Compare($"tweet {original["id"]}", original, row, rescued);
        }
    }

    [Fact]
    public async Task Minefield_ends_as_rows_where_a_document_is_an_object_and_as_dead_letters_otherwise()
    {
        string? path = SharedData.Find("json-minefield.tar.gz");
        Assert.SkipWhen(path is null, "shared data is absent");
        List<(string Name, byte[] Document)> documents = await DocumentsAsync(path!);
        Assert.Equal(318, documents.Count);
        using var broker = new EmbeddedBroker();
        broker.CreateTopic("events", 1);
        await using SiloStand silo = await SiloStand.StartAsync(
            broker.BootstrapServers, _directory.Path, SiloStand.Definition(ddl: "CREATE TABLE db.events (_offset BIGINT, _rescued VARCHAR)") with
            {
                Records = new RecordSettings { UnknownFields = "rescue", Columns = new() { ["_offset"] = "kafka.offset" } },
            });
        using (var feed = new BytesFeed(documents.ConvertAll(one => one.Document)))
        {
            await new Publisher(new PublisherOptions { BootstrapServers = broker.BootstrapServers, Topic = "events" }).PublishAsync(feed, null, TestContext.Current.CancellationToken);
        }

        await silo.EventuallyAsync(
            async () => (await silo.Client.GetPipelineAsync(SiloStand.Pipeline))?.TopicPartitions is [{ Committed: { } next }] && next == documents.Count, "every document in one of the tables");
        Dictionary<long, JsonElement> rows = (await silo.ReadAsync(SiloStand.Table)).ToDictionary(row => row.GetProperty("_offset").GetInt64());
        Dictionary<long, JsonElement> letters = (await silo.ReadAsync(DeadLetterSchema.Of(SiloStand.Table))).ToDictionary(letter => letter.GetProperty("offset").GetInt64());
        Assert.Equal(documents.Count, rows.Count + letters.Count);
        await silo.AssertProvedAsync(rows.Count);
        for (int offset = 0; offset < documents.Count; offset++)
        {
            var (name, document) = documents[offset];
            bool isObject = name[0] == 'y' && document.AsSpan().TrimStart(" \t\r\n"u8) is [(byte)'{', ..];
            if (name[0] != 'i')
            {
                Assert.True(rows.ContainsKey(offset) == isObject, $"{name}: expected {(isObject ? "a row" : "a dead letter")}");
            }

            if (letters.TryGetValue(offset, out JsonElement letter))
            {
                Assert.False(rows.ContainsKey(offset));
                Assert.Equal(document, letter.GetProperty("value").GetBytesFromBase64());
            }
        }

        Assert.Equal(documents.Count(one => one.Name[0] == 'y' && one.Document.AsSpan().TrimStart(" \t\r\n"u8) is [(byte)'{', ..]), rows.Keys.Count(offset => documents[(int)offset].Name[0] == 'y'));
    }

    /// <summary>What the document has is in the row, or else in what was rescued of it; nothing is in both.</summary>
    private static void Compare(string path, JsonNode? original, JsonNode? row, JsonNode? rescued)
    {
        switch (original)
        {
            case JsonObject document when row is JsonObject columns:
                foreach (var (name, value) in document)
                {
                    string at = $"{path}.{name}";
                    JsonNode? kept = (rescued as JsonObject)?[name];
                    bool isKept = (rescued as JsonObject)?.ContainsKey(name) == true;
                    if (!columns.ContainsKey(name))
                    {
                        Assert.True(isKept, $"{at} is lost");
                        Assert.True(JsonNode.DeepEquals(value, kept), $"{at}: expected {value?.ToJsonString()}, rescued {kept?.ToJsonString()}");
                    }
                    else
                    {
                        Compare(at, value, columns[name], kept);
                    }
                }

                break;
            case JsonArray list when row is JsonArray elements:
                Assert.Equal(list.Count, elements.Count);
                for (int i = 0; i < list.Count; i++)
                {
                    Compare($"{path}[{i}]", list[i], elements[i], ElementOf(rescued, i));
                }

                break;
            default:
                Assert.True(JsonNode.DeepEquals(original, row), $"{path}: expected {original?.ToJsonString()}, got {row?.ToJsonString()}");
                break;
        }
    }

    private static JsonNode? ElementOf(JsonNode? rescued, int index) => rescued switch
    {
        JsonArray list when index < list.Count => list[index],
        JsonObject byIndex => byIndex[index.ToString(System.Globalization.CultureInfo.InvariantCulture)],
        _ => null,
    };

    private static async Task<string[]> LinesAsync(string path)
    {
        using var reader = new StreamReader(new GZipStream(File.OpenRead(path), CompressionMode.Decompress), Encoding.UTF8);
        return (await reader.ReadToEndAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    private static async Task<List<(string Name, byte[] Document)>> DocumentsAsync(string path)
    {
        var documents = new List<(string, byte[])>();
        await using var archive = new TarReader(new GZipStream(File.OpenRead(path), CompressionMode.Decompress));
        while (await archive.GetNextEntryAsync(copyData: true) is { } entry)
        {
            if (entry.EntryType == TarEntryType.RegularFile && Path.GetFileName(entry.Name) is ['y' or 'n' or 'i', '_', ..])
            {
                using var bytes = new MemoryStream();
                await (entry.DataStream ?? Stream.Null).CopyToAsync(bytes);
                documents.Add((Path.GetFileName(entry.Name), bytes.ToArray()));
            }
        }

        return documents;
    }

    private sealed class BytesFeed(IReadOnlyList<byte[]> documents) : IRecordFeed
    {
        private int _next;

        public long? Total => documents.Count;

        public void Fill(RecordChunk chunk, int limit)
        {
            while (limit-- > 0 && _next < documents.Count)
            {
                chunk.Add(documents[_next++]);
            }
        }

        public void Dispose()
        {
        }
    }
}
