using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Streams;
using OrleansLake.Contracts;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Silo.Telemetry;
using OrleansLake.Testing.Processes;

namespace OrleansLake.Silo.Tests;

public sealed class AlertTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Stream_and_webhooks_hear_when_something_begins_and_when_it_is_over()
    {
        using var listener = new HttpListener();
        string address = $"http://127.0.0.1:{FreePorts.Take(1)[0]}/";
        listener.Prefixes.Add(address);
        listener.Start();
        var posts = new ConcurrentQueue<(string Path, JsonElement Body)>();
        Task listening = ListenAsync(listener, posts);
        using var broker = new EmbeddedBroker();
        broker.CreateTopic("events", 1);
        await using (SiloStand silo = await SiloStand.StartAsync(
            broker.BootstrapServers,
            _directory.Path,
            SiloStand.Definition() with { DeadLetters = new DeadLetterSettings { Mode = DeadLetterMode.Halt } },
            change: config => config with { AlertStream = true, Webhooks = [new WebhookConfig(new Uri(address + "slack"), WebhookFormat.Slack), new WebhookConfig(new Uri(address + "sns"), WebhookFormat.Sns)] }))
        {
            var heard = new ConcurrentQueue<LakeAlert>();
            IStreamProvider streams = silo.Services.GetRequiredService<IClusterClient>().GetStreamProvider(LakeAlert.StreamProvider);
            await streams.GetStream<LakeAlert>(StreamId.Create(LakeAlert.StreamNamespace, SiloStand.Pipeline)).SubscribeAsync((alert, _) =>
            {
                heard.Enqueue(alert);
                return Task.CompletedTask;
            });
            await SiloStand.PublishAsync(broker.BootstrapServers, ["{\"id\":1}", "{\"id\":\"secret\"}", "{\"id\":2}"]);
            await silo.EventuallyAsync(() => Task.FromResult(heard.Any(alert => !alert.IsOver) && posts.Count >= 2), "an alert on the stream and at both webhooks");
            await silo.Client.SeekAsync(SiloStand.Pipeline, new PipelineSeek("2", "events", 0));
            await silo.RowsAsync(2);
            await silo.EventuallyAsync(() => Task.FromResult(heard.Any(alert => alert.IsOver) && posts.Count >= 4), "its end on the stream and at both webhooks");

            LakeAlert first = heard.First();
            Assert.Equal(("Stopped", SiloStand.Pipeline, "events-0 stopped"), (first.Kind, first.Pipeline, first.Rule));
            Assert.StartsWith("events-0@1 id: wrong-type, expected long; mend", first.Message, StringComparison.Ordinal);
            string slack = posts.First(post => post.Path == "/slack").Body.GetProperty("text").GetString()!;
            Assert.StartsWith(":rotating_light: *Alert: pipeline events, events-0 stopped*", slack, StringComparison.Ordinal);
            Assert.DoesNotContain("secret", slack, StringComparison.Ordinal);
            JsonElement sns = posts.First(post => post.Path == "/sns").Body;
            Assert.Equal("Notification", sns.GetProperty("Type").GetString());
            Assert.Equal(first.Message, JsonSerializer.Deserialize<LakeAlert>(sns.GetProperty("Message").GetString()!, LakeJson.Options)!.Message);
        }

        listener.Stop();
        await listening;
    }

    private static async Task ListenAsync(HttpListener listener, ConcurrentQueue<(string Path, JsonElement Body)> posts)
    {
        try
        {
            while (true)
            {
                HttpListenerContext context = await listener.GetContextAsync();
                posts.Enqueue((context.Request.Url!.AbsolutePath, (await JsonDocument.ParseAsync(context.Request.InputStream)).RootElement));
                context.Response.Close();
            }
        }
        catch (Exception error) when (error is HttpListenerException or ObjectDisposedException)
        {
            // The test has ended.
        }
    }
}
