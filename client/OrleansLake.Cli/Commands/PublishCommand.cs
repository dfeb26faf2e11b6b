using System.CommandLine;
using System.Globalization;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Ingest.Kafka.Publishing;
using OrleansLake.Terminal;

namespace OrleansLake.Cli.Commands;

/// <summary>publish: sample records or the lines of a file to a topic of any broker.</summary>
internal static class PublishCommand
{
    private const long DefaultRows = 1_000_000;

    internal static Command Create()
    {
        var bootstrap = new Option<string?>("--bootstrap") { Description = "Brokers to begin with, host:port, separated by commas" };
        var config = new Option<string?>("--config") { Description = "A silo's configuration instead: brokers and the way in are those of a pipeline, its secret too" };
        var pipeline = new Option<string?>("--pipeline") { Description = "Which pipeline of --config, where there are several" };
        var topic = new Option<string?>("--topic") { Description = "The topic; it must exist (with --config the pipeline's first, if nothing is said)" };
        var rows = new Option<long?>("--rows") { Description = $"Sample records to send (default {DefaultRows:N0})" };
        var first = new Option<long>("--first") { Description = "Index of the first sample record" };
        var seed = new Option<ulong>("--seed") { Description = "Seed of the sample records", DefaultValueFactory = _ => 1 };
        var file = new Option<FileInfo?>("--file") { Description = "Send the lines of this file instead: .ndjson or .ndjson.gz" };
        var repeat = new Option<int?>("--repeat") { Description = "Send the file so many times (default 1)" };
        var rate = new Option<double?>("--rate") { Description = "Records a second; as fast as it goes without it" };
        var follow = new Option<string?>("--follow-group") { Description = "Keep no more than the embedded broker retains ahead of what this consumer group has committed; a pipeline commits its group after its table" };
        var noWait = new Option<bool>("--no-wait") { Description = "Wait for no consumer of the embedded broker either: what it does not retain is lost" };
        var settings = new Option<string[]>("--set") { Description = "A setting for librdkafka, NAME=VALUE; may be given several times. sasl.mechanism=AWS_MSK_IAM takes the keys of the AWS SDK's default chain", DefaultValueFactory = _ => [] };
        var json = new Option<bool>("--json") { Description = "Print one JSON object" };
        var command = new Command("publish", "Sample records, or the lines of a file, to a topic of any broker; record i goes to partition i modulo their number.")
        {
            bootstrap, config, pipeline, topic, rows, first, seed, file, repeat, rate, follow, noWait, settings, json,
        };
        command.Validators.Add(result =>
        {
            if (result.GetValue(bootstrap) is null == result.GetValue(config) is null)
                result.AddError("--bootstrap and --config: give one of them");
            if (result.GetValue(bootstrap) is not null && result.GetValue(topic) is null)
                result.AddError("--topic: expected the name of a topic");
            if (result.GetValue(bootstrap) is not null && result.GetValue(pipeline) is not null)
                result.AddError("--pipeline: expected --config with it");
            if (result.GetValue(file) is not null && result.GetValue(rows) is not null)
                result.AddError("--rows and --file: give one of them; --repeat sends a file several times");
            if (result.GetValue(file) is { Exists: false } missing)
                result.AddError($"--file {missing}: no such file");
            if (result.GetValue(repeat) < 1)
                result.AddError("--repeat: expected 1 or more");
            if (result.GetValue(rate) <= 0)
                result.AddError("--rate: expected more than 0 records a second");
            if (result.GetValue(follow) is not null && result.GetValue(noWait))
                result.AddError("--follow-group and --no-wait: give one of them");
            foreach (string setting in result.GetValue(settings) ?? [])
            {
                if (setting.IndexOf('=') <= 0)
                    result.AddError($"--set {setting}: expected NAME=VALUE");
            }
        });
        command.SetAction(async (parsed, cancellationToken) =>
        {
            IReadOnlyDictionary<string, string> more = parsed.GetValue(settings)!.Select(s => s.Split('=', 2)).ToDictionary(s => s[0], s => s[1]);
            ConfiguredKafka kafka = parsed.GetValue(config) is { } configured
                ? await ConfiguredKafka.ReadAsync(configured, parsed.GetValue(pipeline), more, cancellationToken)
                : ConfiguredKafka.Of(parsed.GetValue(bootstrap)!, more);
            using IRecordFeed feed = parsed.GetValue(file) is { } source
                ? new NdjsonFeed(source.FullName, parsed.GetValue(repeat) ?? 1)
                : new SampleFeed(new SampleRecords(parsed.GetValue(seed)), parsed.GetValue(first), parsed.GetValue(rows) ?? DefaultRows);
            var options = new PublisherOptions
            {
                BootstrapServers = kafka.BootstrapServers,
                Topic = parsed.GetValue(topic) ?? kafka.Topics.FirstOrDefault() ?? throw new ArgumentException("--topic: expected the name of a topic, because the pipeline has none"),
                Settings = kafka.Settings,
                Tokens = kafka.Tokens,
                RecordsPerSecond = parsed.GetValue(rate),
            };
            return await RunAsync(options, feed, parsed.GetValue(follow), parsed.GetValue(noWait), parsed.GetValue(json), cancellationToken);
        });
        return command;
    }

    private static async Task<int> RunAsync(PublisherOptions options, IRecordFeed feed, string? group, bool noWait, bool json, CancellationToken cancellationToken)
    {
        if (group is null && !noWait)
        {
            using var lookup = new KafkaLookup(options.BootstrapServers, options.Settings, tokens: options.Tokens);
            if (EmbeddedBroker.IsEmbedded(await lookup.ClusterIdAsync(cancellationToken)))
                throw new InvalidOperationException($"{options.BootstrapServers} is an embedded broker, which retains {EmbeddedBroker.RetainedBytes >> 20} MB a partition: give --follow-group with the pipeline's consumer group, or --no-wait");
        }

        await using GroupFollower? follower = group is null
            ? null
            : await GroupFollower.StartAsync(options.BootstrapServers, options.Settings, group, options.Topic, TimeProvider.System, cancellationToken, options.Tokens);
        if (follower is not null)
            options = options with { Committed = follower.CommittedOf };

        var line = new ProgressLine(TimeProvider.System, quiet: json);
        PublishResult result = await new Publisher(options).PublishAsync(feed, new Progress(progress => line.Show(Text(progress, feed.Total))), cancellationToken);
        line.End();

        double rate = result.Records / Math.Max(0.001, result.Elapsed.TotalSeconds);
        if (json)
        {
            Output.Json(new
            {
                topic = options.Topic,
                records = result.Records,
                bytes = result.Bytes,
                seconds = Math.Round(result.Elapsed.TotalSeconds, 3),
                recordsPerSecond = Math.Round(rate),
                partitions = result.Ranges.OrderBy(r => r.Key.Partition).Select(r => new { partition = r.Key.Partition, first = r.Value.First, next = r.Value.Next }),
            });
        }
        else
        {
            Output.Line(string.Create(CultureInfo.InvariantCulture, $"published {result.Records:N0} records, {result.Bytes / 1e6:N1} MB, to {options.Topic} in {result.Elapsed.TotalSeconds:N1} s ({rate:N0} a second)"));
        }

        return 0;
    }

    private static string Text(PublishProgress progress, long? total)
    {
        string of = total is { } all ? $" of {all:N0}" : "";
        string state = progress.Trouble ?? (progress.WaitingFor is { } topicPartition ? $"waiting for the consumer of {topicPartition}" : "");
        double rate = progress.Delivered / Math.Max(0.001, progress.Elapsed.TotalSeconds);
        return string.Create(CultureInfo.InvariantCulture, $"published {progress.Delivered:N0}{of}, {rate:N0} a second  {state}").TrimEnd();
    }

    // Progress<T> would post to the thread pool, out of order.
    private sealed class Progress(Action<PublishProgress> report) : IProgress<PublishProgress>
    {
        public void Report(PublishProgress value) => report(value);
    }
}
