using System.Net;
using System.Text.Json.Nodes;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Ingest.Kafka.Publishing;
using OrleansLake.Testing.Processes;

namespace OrleansLake.Integration;

/// <summary>What grains keep outlives the silo; what of it cannot be read is told and never taken for nothing.</summary>
[Collection(Collections.Waiting)]
public sealed class StateTests : IDisposable
{
    private const string Table = "kept.events";
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly TestWarehouse _warehouse = new();
    private readonly EmbeddedBroker _broker = new();
    private readonly SiloSetup _setup;

    public StateTests()
    {
        _broker.CreateTopic("events", 2);
        _setup = new SiloSetup
        {
            Warehouse = _warehouse.Path, BootstrapServers = _broker.BootstrapServers, Topics = ["events"], Table = Table, Ddl = $"CREATE TABLE {Table} ({NumberedFeed.Columns})",
        };
    }

    public void Dispose()
    {
        _broker.Dispose();
        _warehouse.Dispose();
    }

    [Fact]
    public async Task A_pause_survives_kill_minus_nine_and_state_that_was_destroyed_is_told_with_its_place()
    {
        await PublishAsync(1000);
        await using (SiloProcess first = SiloProcess.Start(_setup))
        {
            await first.WaitAsync("1000 records", status => Committed(status) == 1000, Patience);
            await first.PostAsync("/pipelines/events/pause", CancellationToken.None);
            await first.Process.KillAsync();
        }

        // What brings the pipeline's grain back is kept too.
        string reminders = Directory.GetFiles(Path.Combine(_warehouse.Path, ".orleanslake", "orleanslake", "reminders")).Max(StringComparer.Ordinal)!;
        Assert.Contains("\"name\": \"keep-alive\"", await File.ReadAllTextAsync(reminders), StringComparison.Ordinal);

        await PublishAsync(500);
        await using (SiloProcess second = SiloProcess.Start(_setup))
        {
            JsonNode status = await second.WaitAsync(
                "both held", status => status["topicPartitions"]!.AsArray() is { Count: 2 } all && all.All(one => one!["state"]!.GetValue<string>() == "paused"), Patience);
            Assert.Equal("paused", status["wanted"]!.GetValue<string>());
            await second.PostAsync("/pipelines/events/flush", CancellationToken.None);
            Assert.Equal(1000, Committed((await second.StatusAsync(CancellationToken.None))!));
            await second.PostAsync("/pipelines/events/resume", CancellationToken.None);
            await second.WaitAsync("the rest", now => Committed(now) == 1500, Patience);
            await second.Process.KillAsync();
        }

        string state = Directory.GetFiles(Path.Combine(_warehouse.Path, ".orleanslake"), "v*.json", SearchOption.AllDirectories)
            .Where(file => file.Contains("/pipeline/", StringComparison.Ordinal)).Max(StringComparer.Ordinal)!;
        string written = await File.ReadAllTextAsync(state);
        await File.WriteAllTextAsync(state, written[..(written.Length / 2)]);
        await using SiloProcess third = SiloProcess.Start(_setup);
        using var http = new HttpClient { BaseAddress = third.Url };
        string told = await AskedAsync(http, "/pipelines/events", HttpStatusCode.ServiceUnavailable);
        Assert.Contains($"{state}: expected the state", told, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await http.GetAsync("/health/ready")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("/health/live")).StatusCode);

        // Put back, it goes on where it was.
        await File.WriteAllTextAsync(state, written);
        await PublishAsync(10);
        await third.WaitAsync("what came meanwhile", now => Committed(now) == 1510, Patience);
        Assert.Equal(0, await third.Process.TerminateAsync(TimeSpan.FromSeconds(30)));
    }

    private static long Committed(JsonNode status) => SiloProcess.CommittedOf(status).Sum(pair => pair.Next);

    private static async Task<string> AskedAsync(HttpClient http, string path, HttpStatusCode expected)
    {
        using var limit = new CancellationTokenSource(Patience);
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        while (true)
        {
            try
            {
                HttpResponseMessage response = await http.GetAsync(path, limit.Token);
                if (response.StatusCode == expected)
                {
                    return await response.Content.ReadAsStringAsync(limit.Token);
                }
            }
            catch (HttpRequestException)
            {
                // not up yet
            }

            await timer.WaitForNextTickAsync(limit.Token);
        }
    }

    private async Task PublishAsync(long records)
    {
        using var feed = new NumberedFeed(records);
        await new Publisher(new PublisherOptions { BootstrapServers = _broker.BootstrapServers, Topic = "events" }).PublishAsync(feed, null, CancellationToken.None);
    }
}
