using System.Text.Json;
using System.Text.Json.Nodes;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Commit;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Ingest.Kafka.Publishing;
using OrleansLake.Ingest.Read;
using OrleansLake.Testing;
using OrleansLake.Testing.Processes;

namespace OrleansLake.Integration;

/// <summary>
/// Records that others wrote, through a silo that is killed again and again: tweets into nested typed columns with a rescue
/// column, and the minefield, of which most documents are no rows.
/// </summary>
[Collection(Collections.Waiting)]
public sealed class RealRecordsKillTests(ITestOutputHelper output) : IDisposable
{
    private const int Kills = 10;
    private const string Tweets = "real.tweets";
    private const string Minefield = "real.minefield";
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(25);

    private readonly TestWarehouse _warehouse = new();

    public void Dispose() => _warehouse.Dispose();

    [Fact]
    [Trait("Category", "Endurance")]
    public async Task Tweets_and_minefield_are_whole_after_ten_kills_at_random_moments()
    {
        IReadOnlyList<byte[]>? tweets = await RealRecords.TweetsAsync();
        IReadOnlyList<MinefieldDocument>? minefield = await RealRecords.MinefieldAsync();
        Assert.SkipWhen(tweets is null || minefield is null, "shared data is absent");
        var random = new Random(20261123);
        using var broker = new EmbeddedBroker();
        SiloSetup setup = Setup(broker);
        SiloProcess? silo = null;
        await using var tweetsInTable = new CommittedFollower(() => Volatile.Read(ref silo));
        await using var minefieldInTable = new CommittedFollower(() => Volatile.Read(ref silo), "minefield");
        using var tweetFeed = new DocumentFeed(tweets!);
        using var minefieldFeed = new DocumentFeed([.. minefield!.Select(document => document.Bytes)]);
        Task<PublishResult> tweeting = PublishAsync(broker, "tweets", tweetsInTable, tweetFeed);
        Task<PublishResult> mining = PublishAsync(broker, "minefield", minefieldInTable, minefieldFeed);

        int flowing = 0;
        for (int kill = 0; kill < Kills; kill++)
        {
            await using SiloProcess mortal = SiloProcess.Start(setup);
            Volatile.Write(ref silo, mortal);
            long before = tweetsInTable.Total, dead = minefieldInTable.Total;
            More();
            await mortal.WaitAsync("a commit to each table", _ => tweetsInTable.Total > before && minefieldInTable.Total > dead, Patience);
            using var timer = new PeriodicTimer(Step);
            for (int steps = random.Next(1, 30); steps > 0; steps--)
            {
                // A few at a time: at the kill, the last are not yet in a table, however fast the machine.
                More();
                await timer.WaitForNextTickAsync();
            }

            flowing += tweetsInTable.Total < tweetFeed.Given && minefieldInTable.Total < minefieldFeed.Given ? 1 : 0;
            await mortal.Process.KillAsync();
        }

        Assert.True(flowing > Kills / 2, $"expected records to flow at most of the kills, they did at {flowing} of {Kills}");
        await using SiloProcess last = SiloProcess.Start(setup);
        Volatile.Write(ref silo, last);
        tweetFeed.Release(tweetFeed.Given + tweets!.Count);
        minefieldFeed.Release(minefieldFeed.Given + minefield!.Count);
        await last.WaitAsync("each document once more", _ => tweetFeed.Given >= tweets.Count && minefieldFeed.Given >= minefield.Count, Patience);
        tweetFeed.End();
        minefieldFeed.End();
        await CommittedAsync(last, "events", await tweeting.WaitAsync(Patience));
        await CommittedAsync(last, "minefield", await mining.WaitAsync(Patience));
        Assert.Equal(0, await last.Process.TerminateAsync(TimeSpan.FromSeconds(60)));
        output.WriteLine($"{tweetFeed.Given} tweets, {minefieldFeed.Given} documents of the minefield, both flowing at {flowing} of {Kills} kills");
        await CheckTweetsAsync(tweets, tweetFeed);
        await CheckMinefieldAsync(minefield, minefieldFeed);

        void More()
        {
            tweetFeed.Release(tweetFeed.Given + 10);
            minefieldFeed.Release(minefieldFeed.Given + 16);
        }
    }

    /// <summary>Every tweet as often as it was sent; nothing of it is lost, nor in two places.</summary>
    private async Task CheckTweetsAsync(IReadOnlyList<byte[]> tweets, DocumentFeed feed)
    {
        await ProvedAsync(Tweets, feed.Given);
        Assert.Equal(0, await CountAsync(Tweets + "__dead_letters"));
        Assert.Equal(feed.Given, await CountAsync(Tweets));
        var rows = (await RowsAsync(Tweets)).ToLookup(row => row.GetProperty("id").GetInt64());
        for (int i = 0; i < tweets.Count; i++)
        {
            JsonElement tweet = JsonDocument.Parse(tweets[i]).RootElement;
            var alike = rows[tweet.GetProperty("id").GetInt64()].ToList();
            Assert.Equal(feed.TimesGiven(i), alike.Count);
            JsonElement row = Assert.Single(alike.DistinctBy(one => one.GetRawText()));
            Assert.Empty(RealRecords.Lost($"tweet {i}", tweet, row, JsonDocument.Parse(row.GetProperty("_rescued").GetString()!).RootElement));
        }
    }

    /// <summary>At each offset a row or a dead letter, never both, whichever the document must be, and as it was.</summary>
    private async Task CheckMinefieldAsync(IReadOnlyList<MinefieldDocument> documents, DocumentFeed feed)
    {
        Dictionary<long, JsonElement> rows = (await RowsAsync(Minefield)).ToDictionary(row => row.GetProperty("_offset").GetInt64());
        Dictionary<long, JsonElement> letters = (await RowsAsync(Minefield + "__dead_letters")).ToDictionary(letter => letter.GetProperty("offset").GetInt64());
        await ProvedAsync(Minefield, rows.Count);
        Assert.Equal((rows.Count, letters.Count), (await CountAsync(Minefield), await CountAsync(Minefield + "__dead_letters")));
        Assert.Equal(feed.Given, rows.Count + letters.Count);
        for (long offset = 0; offset < feed.Given; offset++)
        {
            MinefieldDocument document = documents[(int)(offset % documents.Count)];
            if (letters.TryGetValue(offset, out JsonElement letter))
            {
                Assert.False(document.IsRow, $"{document.Name}: expected a row");
                Assert.Equal(document.Bytes, letter.GetProperty("value").GetBytesFromBase64());
            }
            else
            {
                Assert.False(document.IsDeadLetter, $"{document.Name}: expected a dead letter");
                if (document.IsRow)
                {
                    JsonElement rescued = JsonDocument.Parse(rows[offset].GetProperty("_rescued").GetString() ?? "{}").RootElement;
                    Assert.True(RealRecords.Same(JsonDocument.Parse(document.Bytes).RootElement, rescued), $"{document.Name}: rescued {rescued.GetRawText()}");
                }
            }
        }
    }

    private async Task ProvedAsync(string table, long rows)
    {
        AuditResult audit = await _warehouse.AuditAsync(table);
        output.WriteLine(audit.ToString());
        Assert.Equal((AuditVerdict.Proved, rows), (audit.Verdict, audit.Rows));
    }

    private async Task<List<JsonElement>> RowsAsync(string table)
    {
        LoadedTable loaded = await _warehouse.LoadAsync(table);
        return await TableRows.ReadAsync(loaded, loaded.Metadata.FindRef(SnapshotRef.Main)).Select(row => JsonDocument.Parse(row.ToArray()).RootElement).ToListAsync();
    }

    /// <summary>Rows as DuckDB counts them; by the snapshot's summary where DuckDB is absent.</summary>
    private async Task<long> CountAsync(string table)
    {
        LoadedTable loaded = await _warehouse.LoadAsync(table);
        long told = loaded.Metadata.FindRef(SnapshotRef.Main) is { } head ? long.Parse(head.Summary["total-records"], System.Globalization.CultureInfo.InvariantCulture) : 0;
        if (told > 0 && ForeignReaders.Absent is null)
        {
            JsonNode counted = Assert.Single(await _warehouse.DuckDbAsync(table, "SELECT count(*) AS n FROM FILES"))!;
            Assert.Equal(told, long.Parse(counted["n"]!.ToString(), System.Globalization.CultureInfo.InvariantCulture));
        }

        return told;
    }

    private static Task CommittedAsync(SiloProcess silo, string pipeline, PublishResult published) => silo.WaitAsync(
        $"everything published to {pipeline} to be committed",
        status =>
        {
            var committed = SiloProcess.CommittedOf(status).ToDictionary(pair => pair.TopicPartition, pair => pair.Next);
            return published.Ranges.All(range => committed.GetValueOrDefault(range.Key, -1) >= range.Value.Next);
        },
        Patience,
        pipeline);

    private static Task<PublishResult> PublishAsync(EmbeddedBroker broker, string topic, CommittedFollower follower, DocumentFeed feed) => Task.Run(() =>
        new Publisher(new PublisherOptions { BootstrapServers = broker.BootstrapServers, Topic = topic, Committed = follower.Of }).PublishAsync(feed, null, CancellationToken.None));

    private SiloSetup Setup(EmbeddedBroker broker)
    {
        broker.CreateTopic("tweets", 3);
        broker.CreateTopic("minefield", 1); // so that an offset tells the document
        return new SiloSetup
        {
            Warehouse = _warehouse.Path,
            BootstrapServers = broker.BootstrapServers,
            Topics = ["tweets"],
            Table = Tweets,
            Ddl = $"""
                CREATE TABLE {Tweets} (
                  id BIGINT NOT NULL, created_at VARCHAR, text VARCHAR NOT NULL, truncated BOOLEAN, in_reply_to_user_id BIGINT, retweet_count INT, favorite_count INT, lang VARCHAR,
                  "user" ROW(id BIGINT, screen_name VARCHAR, followers_count INT, verified BOOLEAN, entities ROW(description ROW(urls ARRAY(ROW(url VARCHAR, indices ARRAY(INT)))))),
                  entities ROW(hashtags ARRAY(ROW(text VARCHAR, indices ARRAY(INT))), user_mentions ARRAY(ROW(id BIGINT, screen_name VARCHAR))),
                  metadata MAP(VARCHAR, VARCHAR),
                  _rescued VARCHAR)
                """,
            Records = new JsonObject { ["unknownFields"] = "rescue" },
            Beside =
            [
                new JsonObject
                {
                    ["name"] = "minefield",
                    ["topics"] = new JsonArray("minefield"),
                    ["table"] = Minefield,
                    ["ddl"] = $"CREATE TABLE {Minefield} (_offset BIGINT, _rescued VARCHAR)",
                    ["createTable"] = true,
                    ["flushInterval"] = "500ms",
                    ["records"] = new JsonObject { ["unknownFields"] = "rescue", ["columns"] = new JsonObject { ["_offset"] = "kafka.offset" } },
                },
            ],
        };
    }
}
