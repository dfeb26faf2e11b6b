using OrleansLake.Ingest.Kafka.Native;

namespace OrleansLake.Ingest.Kafka.Publishing;

/// <summary>
/// Sends the records of a feed to a topic, record i to partition i modulo the number of partitions, and never loses one
/// silently: all replicas acknowledge, repeats are recognised, an error of one record ends it.
/// </summary>
/// <remarks>
/// One thread does everything: it fills, sends by the batch, takes delivery reports and, when it follows a consumer, waits
/// for it partition by partition.
/// </remarks>
public sealed class Publisher
{
    private const int ChunkRecords = 4096;

    private readonly PublisherOptions _options;
    private readonly TimeProvider _time;
    private readonly BrokerTrouble _trouble;

    /// <summary>Sends nothing yet.</summary>
    public Publisher(PublisherOptions options, TimeProvider? time = null)
    {
        _options = options;
        _time = time ?? TimeProvider.System;
        _trouble = new BrokerTrouble(options.BootstrapServers);
        KafkaSettings.OfProducer(options.BootstrapServers, options.Settings);
    }

    /// <summary>Sends until the feed has no more and the broker has acknowledged everything.</summary>
    /// <exception cref="KafkaClientException">
    /// The topic does not exist, a record was not delivered, or the broker dropped records before the followed consumer had them.
    /// </exception>
    public async Task<PublishResult> PublishAsync(IRecordFeed feed, IProgress<PublishProgress>? progress, CancellationToken cancellationToken)
    {
        int partitions;
        using (var lookup = new KafkaLookup(_options.BootstrapServers, _options.Settings, _options.Log, tokens: _options.Tokens))
        {
            partitions = await lookup.PartitionsOfAsync(_options.Topic, cancellationToken).ConfigureAwait(false)
                ?? throw new KafkaClientException($"topic {_options.Topic}: no such topic at {_options.BootstrapServers}; create it first");
        }

        return await Task.Factory.StartNew(
            () => Run(feed, partitions, progress, cancellationToken), cancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default).ConfigureAwait(false);
    }

    private PublishResult Run(IRecordFeed feed, int partitions, IProgress<PublishProgress>? progress, CancellationToken cancellationToken)
    {
        var settings = new Dictionary<string, string>(KafkaSettings.OfProducer(_options.BootstrapServers, _options.Settings));
        if (_options.Committed is not null)
            settings["statistics.interval.ms"] = "250"; // bytes on the wire: what a record costs the broker
        using var client = new NativeClient(
            Librdkafka.Producer, settings, null, _options.Log, Librdkafka.EventDeliveryReport | Librdkafka.EventError | Librdkafka.EventStatistics, _options.Tokens);
        nint topic = Librdkafka.TopicNew(client.Handle, _options.Topic, 0);
        nint queue = Librdkafka.QueueGetMain(client.Handle);
        try
        {
            var run = new PublishRun(_options, _time, _trouble, client.Handle, topic, queue, partitions, progress, cancellationToken);
            return run.Send(feed, ChunkRecords);
        }
        finally
        {
            Librdkafka.QueueDestroy(queue);
            Librdkafka.TopicDestroy(topic);
        }
    }
}
