using OrleansLake.Ingest.Kafka.Native;
using OrleansLake.Ingest.Pump;

namespace OrleansLake.Ingest.Kafka;

/// <summary>
/// Decides what an error in the place of a record means: something that passes, something to try again, or something that
/// needs a person.
/// </summary>
internal sealed unsafe class PartitionErrors(nint client, AssignedPartitions partitions, BrokerTrouble trouble, string bootstrap)
{
    private const int MaxRestarts = 4;
    private const int WatermarkTimeoutMs = 3000;

    private const int BadMessage = -199;
    private const int BadCompression = -198;
    private const int UnknownPartition = -190;
    private const int UnknownTopic = -188;
    private const int NotImplemented = -170;
    private const int Fatal = -150;
    private const int AutoOffsetReset = -140;
    private const int LogTruncation = -139;
    private const int InvalidMessage = 2;
    private const int UnknownTopicOrPartition = 3;
    private const int MessageTooLarge = 10;
    private const int TopicAuthorizationFailed = 29;
    private const int GroupAuthorizationFailed = 30;
    private const int UnknownTopicId = 100;

    private readonly List<ReadyItem> _stops = [];

    /// <summary>An error of a topic-partition, or of the client where <paramref name="partition"/> is null.</summary>
    internal void Handle(AssignedPartition? partition, int error, string text, long offset)
    {
        if (error == Fatal)
        {
            byte* reason = stackalloc byte[512];
            int code = Librdkafka.FatalError(client, reason, 512);
            throw new KafkaClientException($"the Kafka client of {bootstrap} ended: {Librdkafka.Text(reason)}", code);
        }

        if (partition is null)
        {
            // No group is joined, so what a group coordinator refuses stands in nobody's way.
            if (error != GroupAuthorizationFailed)
                trouble.Report(error, text);
            return;
        }

        if (partition.Dropped || partition.Stopped || partition.Restarting)
            return;

        string place = $"{partition.TopicPartition}@{partition.Position}";
        switch (error)
        {
            case UnknownTopicOrPartition or UnknownTopic or UnknownTopicId or UnknownPartition:
                Stop(partition, $"{partition.TopicPartition}: no such topic or partition at {bootstrap}; create it, or correct the pipeline's topic");
                break;
            case TopicAuthorizationFailed:
                Stop(partition, $"{partition.TopicPartition}: access refused by {bootstrap}; grant the pipeline's principal Read and Describe on the topic");
                break;
            // The leader remembers no epoch as old as ours: that says nothing of a truncation.
            case AutoOffsetReset when text.StartsWith("No epoch found", StringComparison.Ordinal) && partition.LeaderEpoch >= 0:
                partition.LeaderEpoch = -1;
                partitions.Restart(partition);
                break;
            case LogTruncation:
            // The client wraps it: the error is that it may not reset the position, the reason is in the text.
            case AutoOffsetReset when text.Contains("log truncation detected", StringComparison.OrdinalIgnoreCase):
                Stop(partition, $"{place}: the log was truncated below this position by an election, records that the table holds are gone from Kafka "
                    + $"({text}); compare, then {Seek(partition, "OFFSET")}");
                break;
            case AutoOffsetReset:
                OutOfRange(partition, place, text);
                break;
            case BadMessage or BadCompression or InvalidMessage or MessageTooLarge or NotImplemented:
                if (partition.Restarts < MaxRestarts)
                    partitions.Restart(partition);
                else
                    Stop(partition, $"{place}: the record batch at offset {offset} cannot be read: {text}; mend it in Kafka, or skip it: {Seek(partition, "the offset behind it")}");
                break;
            default:
                // librdkafka backs off and fetches again.
                trouble.Report(error, $"{partition.TopicPartition}: {text}");
                break;
        }
    }

    /// <summary>
    /// An error that comes beside the records. One that concerns a topic-partition begins with its name: "events [7]: …".
    /// </summary>
    internal void HandleAside(int error, string text)
    {
        int end = text.IndexOf("]: ", StringComparison.Ordinal);
        int begin = end < 0 ? -1 : text.LastIndexOf(" [", end, StringComparison.Ordinal);
        if (begin > 0 && int.TryParse(text.AsSpan(begin + 2, end - begin - 2), out int partition)
            && partitions.Find(new TopicPartition(text[..begin], partition)) is { } found)
        {
            Handle(found, error, text[(end + 3)..], found.Position);
        }
        else
        {
            trouble.Report(error, text);
        }
    }

    /// <summary>Hands over the stops, behind the batches that were read before them.</summary>
    internal void TakeStops(Queue<ReadyItem> ready)
    {
        foreach (ReadyItem stop in _stops)
            ready.Enqueue(stop);
        _stops.Clear();
    }

    // The error may be older than the assignment, or speak of a follower: ask the leader before a person is called.
    private void OutOfRange(AssignedPartition partition, string place, string text)
    {
        long low;
        long high;
        int error = Librdkafka.QueryWatermarkOffsets(client, partition.TopicPartition.Topic, partition.TopicPartition.Partition, &low, &high, WatermarkTimeoutMs);
        if (error != 0)
        {
            partition.Restarts--;
            partitions.Restart(partition);
            trouble.Report(error, $"{place}: {text}");
        }
        else if (partition.Position < low)
        {
            Stop(partition, $"{place}: the log starts at {low} now, records [{partition.Position}, {low}) were deleted by Kafka before they were read; "
                + $"resume with onDataLoss: continue to go on behind the loss, or {Seek(partition, "OFFSET")}");
        }
        else if (partition.Position > high)
        {
            Stop(partition, $"{place}: the log ends at {high}, below this position: the topic was made anew or truncated; {Seek(partition, "OFFSET")}, or make a new pipeline");
        }
        else if (partition.Restarts < MaxRestarts)
        {
            partitions.Restart(partition);
        }
        else
        {
            Stop(partition, $"{place}: the broker refuses this position though its log is [{low}, {high}): {text}");
        }
    }

    /// <summary>What to type; which pipeline this is, its source does not know.</summary>
    private static string Seek(AssignedPartition partition, string to) =>
        $"./lake pipeline seek PIPELINE --topic {partition.TopicPartition.Topic} --partition {partition.TopicPartition.Partition} --to {to}";

    private void Stop(AssignedPartition partition, string message)
    {
        partition.Stopped = true;
        _stops.Add(new ReadyItem(partition, null, new SourceStoppedException(partition.TopicPartition, message)));
    }
}
