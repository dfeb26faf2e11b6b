using System.CommandLine;
using System.CommandLine.Parsing;
using OrleansLake.Ingest.Kafka;

namespace OrleansLake.Cli.Commands;

/// <summary>kafka: the embedded broker in the foreground.</summary>
internal static class KafkaCommand
{
    private sealed record Topic(string Name, int Partitions);

    internal static Command Create()
    {
        var topics = new Option<Topic[]>("--topic")
        {
            Description = "A topic to make, NAME:PARTITIONS; may be given several times",
            Required = true,
            AllowMultipleArgumentsPerToken = true,
            CustomParser = Topics,
        };
        var brokers = new Option<int>("--brokers") { Description = "How many brokers", DefaultValueFactory = _ => 1 };
        var json = new Option<bool>("--json") { Description = "Print one JSON object" };
        var command = new Command("kafka", "The embedded Kafka broker, in memory, on loopback, until Ctrl-C or SIGTERM. Prints its bootstrap address.") { topics, brokers, json };
        command.SetAction((parsed, cancellationToken) => RunAsync(parsed.GetRequiredValue(topics), parsed.GetValue(brokers), parsed.GetValue(json), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(Topic[] topics, int brokers, bool json, CancellationToken cancellationToken)
    {
        using var broker = new EmbeddedBroker(brokers);
        foreach (Topic topic in topics)
            broker.CreateTopic(topic.Name, topic.Partitions);

        if (json)
            Output.Json(new { bootstrap = broker.BootstrapServers, topics = topics.ToDictionary(t => t.Name, t => t.Partitions), pid = Environment.ProcessId });
        else
            Output.Line(broker.BootstrapServers);

        try
        {
            await Task.Delay(Timeout.Infinite, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            // Being told to stop is how it ends.
        }

        return 0;
    }

    private static Topic[]? Topics(ArgumentResult result)
    {
        var topics = new List<Topic>();
        foreach (Token token in result.Tokens)
        {
            int colon = token.Value.LastIndexOf(':');
            if (colon <= 0 || !int.TryParse(token.Value.AsSpan(colon + 1), out int partitions) || partitions < 1)
            {
                result.AddError($"--topic {token.Value}: expected NAME:PARTITIONS, as in events:8");
                return null;
            }

            topics.Add(new Topic(token.Value[..colon], partitions));
        }

        return [.. topics];
    }
}
