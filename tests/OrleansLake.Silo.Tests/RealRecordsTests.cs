using System.Text;
using System.Text.Json;
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
        IReadOnlyList<byte[]>? documents = await RealRecords.TweetsAsync();
        Assert.SkipWhen(documents is null, "shared data is absent");
        string[] tweets = [.. documents!.Select(Encoding.UTF8.GetString)];
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

        var byId = rows.ToDictionary(row => row.GetProperty("id").GetInt64());
        foreach (string tweet in tweets)
        {
            JsonElement original = JsonDocument.Parse(tweet).RootElement;
            JsonElement row = byId[original.GetProperty("id").GetInt64()];
            JsonElement? rescued = row.GetProperty("_rescued").GetString() is { } text ? JsonDocument.Parse(text).RootElement : null;
            Assert.Empty(RealRecords.Lost($"tweet {original.GetProperty("id")}", original, row, rescued));
        }
    }

    [Fact]
    public async Task Minefield_ends_as_rows_where_a_document_is_an_object_and_as_dead_letters_otherwise()
    {
        IReadOnlyList<MinefieldDocument>? found = await RealRecords.MinefieldAsync();
        Assert.SkipWhen(found is null, "shared data is absent");
        IReadOnlyList<MinefieldDocument> documents = found!;
        Assert.Equal(318, documents.Count);
        using var broker = new EmbeddedBroker();
        broker.CreateTopic("events", 1);
        await using SiloStand silo = await SiloStand.StartAsync(
            broker.BootstrapServers, _directory.Path, SiloStand.Definition(ddl: "CREATE TABLE db.events (_offset BIGINT, _rescued VARCHAR)") with
            {
                Records = new RecordSettings { UnknownFields = "rescue", Columns = new() { ["_offset"] = "kafka.offset" } },
            });
        using (var feed = new BytesFeed([.. documents.Select(one => one.Bytes)]))
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
            MinefieldDocument document = documents[offset];
            Assert.True(!document.IsRow || rows.ContainsKey(offset), $"{document.Name}: expected a row");
            Assert.True(!document.IsDeadLetter || letters.ContainsKey(offset), $"{document.Name}: expected a dead letter");

            if (letters.TryGetValue(offset, out JsonElement letter))
            {
                Assert.False(rows.ContainsKey(offset));
                Assert.Equal(document.Bytes, letter.GetProperty("value").GetBytesFromBase64());
            }
        }

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
