using System.Runtime.InteropServices;
using OrleansLake.Ingest.Kafka.Native;

namespace OrleansLake.Ingest.Kafka.Publishing;

/// <summary>One run of a <see cref="Publisher"/>.</summary>
internal sealed unsafe class PublishRun
{
    private const int QueueFull = -184;
    private const int PurgedInQueue = -152;
    private const int MaxReports = 4096;
    private const int WaitMs = 10;
    private const int WatermarkTimeoutMs = 5000;
    private static readonly TimeSpan ProgressInterval = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan RetentionInterval = TimeSpan.FromMilliseconds(500);

    private readonly PublisherOptions _options;
    private readonly TimeProvider _time;
    private readonly BrokerTrouble _trouble;
    private readonly nint _client;
    private readonly nint _topic;
    private readonly nint _queue;
    private readonly IProgress<PublishProgress>? _progress;
    private readonly CancellationToken _cancellationToken;
    private readonly WireCost _cost = new();
    private readonly Target[] _targets;
    private readonly long _begun;
    private long _lastProgress;
    private long _lastRetention;
    private int _retentionOf;
    private long _records;
    private long _delivered;
    private long _bytes;
    private TopicPartition? _waitingFor;

    private struct Target
    {
        public long First;     // high watermark before the first record
        public long LogStart;  // log start before the first record
        public long Next;      // behind the last acknowledged record
        public long Sent;
        public long Delivered;

        // Where the log ends once all that was sent has arrived; more if others write too.
        public readonly long End => Next + (Sent - Delivered);
    }

    internal PublishRun(
        PublisherOptions options, TimeProvider time, BrokerTrouble trouble, nint client, nint topic, nint queue, int partitions,
        IProgress<PublishProgress>? progress, CancellationToken cancellationToken)
    {
        _options = options;
        _time = time;
        _trouble = trouble;
        _client = client;
        _topic = topic;
        _queue = queue;
        _progress = progress;
        _cancellationToken = cancellationToken;
        _targets = new Target[partitions];
        for (int p = 0; p < partitions; p++)
        {
            (long low, long high) = Watermarks(p);
            _targets[p] = new Target { First = high, LogStart = low, Next = high };
        }

        _begun = _lastProgress = _lastRetention = time.GetTimestamp();
    }

    internal PublishResult Send(IRecordFeed feed, int chunkRecords)
    {
        var chunk = new RecordChunk();
        Librdkafka.Message* messages = (Librdkafka.Message*)NativeMemory.Alloc((nuint)chunkRecords, (nuint)sizeof(Librdkafka.Message));
        try
        {
            while (true)
            {
                _cancellationToken.ThrowIfCancellationRequested();
                chunk.Clear();
                feed.Fill(chunk, Math.Min(chunkRecords, AllowedNow()));
                if (chunk.Count == 0)
                    break;

                int partitions = _targets.Length;
                int first = (int)(_records % partitions);
                for (int i = 0; i < Math.Min(partitions, chunk.Count); i++)
                    SendPart(chunk, i, (first + i) % partitions, messages);
                Serve(0);
            }

            while (_delivered < _records)
            {
                _cancellationToken.ThrowIfCancellationRequested();
                Serve(WaitMs);
            }

            Tell();
            return new PublishResult(
                _records, _bytes, _time.GetElapsedTime(_begun),
                _targets.Index().Where(t => t.Item.Sent > 0).ToDictionary(t => Name(t.Index), t => new OffsetRange(t.Item.First, t.Item.Next)));
        }
        finally
        {
            NativeMemory.Free(messages);
        }
    }

    // Every partitions-th record of the chunk from `from` on.
    private void SendPart(RecordChunk chunk, int from, int partition, Librdkafka.Message* messages)
    {
        byte* bytes = (byte*)Marshal.UnsafeAddrOfPinnedArrayElement(chunk.Bytes, 0);
        int filled = 0;
        long filledBytes = 0;
        for (int i = from; i < chunk.Count; i += _targets.Length)
        {
            int length = chunk.LengthOf(i);
            _cost.Count(length);
            // A part that outgrows the consumer's room goes in pieces.
            if (filled > 0 && filledBytes + length > _options.MaxUncommittedBytes / 4)
            {
                Produce(partition, messages, filled, filledBytes);
                filled = 0;
                filledBytes = 0;
            }

            messages[filled++] = new Librdkafka.Message { Partition = partition, Payload = bytes + chunk.StartOf(i), Length = (nuint)length };
            filledBytes += length;
        }

        Produce(partition, messages, filled, filledBytes);
    }

    private void Produce(int partition, Librdkafka.Message* messages, int count, long bytes)
    {
        if (count == 0)
            return;

        AwaitRoom(partition, count, bytes);
        while (true)
        {
            int taken = Librdkafka.ProduceBatch(_topic, partition, Librdkafka.MessageCopy, messages, count);
            _targets[partition].Sent += taken;
            _records += taken;
            if (taken == count)
                break;

            // What the producer had no room for is sent again, in its order.
            int left = 0;
            for (int i = 0; i < count; i++)
            {
                if (messages[i].Error == 0)
                    continue;
                if (messages[i].Error != QueueFull)
                    throw new KafkaClientException($"{Name(partition)}: a record of {messages[i].Length} bytes was not taken: {Librdkafka.TextOf(messages[i].Error)}", messages[i].Error);
                messages[left] = messages[i];
                messages[left++].Error = 0;
            }

            count = left;
            _cancellationToken.ThrowIfCancellationRequested();
            Serve(WaitMs);
        }

        _bytes += bytes;
    }

    // Waits until what the broker would hold beyond the consumer's offset fits; a single record larger than that waits until
    // the consumer has everything before it.
    private void AwaitRoom(int partition, int count, long bytes)
    {
        if (_options.Committed is not { } committedOf)
            return;

        while (true)
        {
            long committed = Math.Max(committedOf(Name(partition)), _targets[partition].LogStart);
            long waiting = _targets[partition].End - committed;
            double cost = Math.Max(_cost.BytesARecord * count, count < 64 ? bytes : 0);
            if (waiting <= 0 || waiting * _cost.BytesARecord + cost <= _options.MaxUncommittedBytes)
                break;

            _waitingFor = Name(partition);
            _cancellationToken.ThrowIfCancellationRequested();
            Serve(WaitMs);
        }

        _waitingFor = null;
    }

    private int AllowedNow()
    {
        if (_options.RecordsPerSecond is not { } rate)
            return int.MaxValue;

        while (true)
        {
            double allowed = rate * _time.GetElapsedTime(_begun).TotalSeconds - _records;
            if (allowed >= 1)
                return (int)Math.Min(allowed, 100_000);
            _cancellationToken.ThrowIfCancellationRequested();
            Serve(WaitMs);
        }
    }

    // Takes what the client has to say, waiting for the first of it.
    private void Serve(int timeoutMs)
    {
        for (nint told; (told = Librdkafka.QueuePoll(_queue, timeoutMs)) != 0; timeoutMs = 0)
        {
            try
            {
                switch (Librdkafka.EventType(told))
                {
                    case Librdkafka.EventDeliveryReport:
                        TakeReports(told);
                        break;
                    case Librdkafka.EventStatistics:
                        _cost.Take(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(Librdkafka.EventStats(told)), _delivered);
                        break;
                    case Librdkafka.EventError when Librdkafka.EventErrorIsFatal(told) != 0:
                        throw new KafkaClientException($"the producer of topic {_options.Topic} ended: {Librdkafka.Text(Librdkafka.EventErrorString(told))}", Librdkafka.EventErrorCode(told));
                    case Librdkafka.EventError:
                        _trouble.Report(Librdkafka.EventErrorCode(told), Librdkafka.Text(Librdkafka.EventErrorString(told)));
                        break;
                }
            }
            finally
            {
                Librdkafka.EventDestroy(told);
            }
        }

        if (_options.Committed is not null && _time.GetElapsedTime(_lastRetention) >= RetentionInterval)
        {
            CheckRetention();
            _lastRetention = _time.GetTimestamp();
        }

        if (_time.GetElapsedTime(_lastProgress) >= ProgressInterval)
            Tell();
    }

    private void TakeReports(nint told)
    {
        Librdkafka.Message** reports = stackalloc Librdkafka.Message*[MaxReports];
        for (nuint count; (count = Librdkafka.EventMessageArray(told, reports, MaxReports)) > 0;)
        {
            for (nuint i = 0; i < count; i++)
            {
                Librdkafka.Message* report = reports[i];
                if (report->Error != 0)
                {
                    string why = report->Error == PurgedInQueue ? "it was thrown away" : Librdkafka.TextOf(report->Error);
                    throw new KafkaClientException($"{Name(report->Partition)}: a record of {report->Length} bytes was not delivered: {why}; {_records - _delivered} records are unacknowledged", report->Error);
                }

                ref Target target = ref _targets[report->Partition];
                target.Delivered++;
                // A repeat that the broker recognised has no offset of its own.
                target.Next = report->Offset >= 0 ? Math.Max(target.Next, report->Offset + 1) : target.Next + 1;
            }

            _delivered += (long)count;
            _trouble.AllAnswered();
        }
    }

    // The estimate may be wrong: nothing that the consumer has not yet may have left the broker.
    private void CheckRetention()
    {
        for (int checks = Math.Min(16, _targets.Length); checks > 0; checks--)
        {
            int partition = _retentionOf++ % _targets.Length;
            if (_trouble.Line is not null)
                return;

            if (TryWatermarks(partition, out long low, out _) != 0)
                return; // the broker is away: deliveries will tell

            long committed = Math.Max(_options.Committed!(Name(partition)), _targets[partition].LogStart);
            if (low > committed)
            {
                throw new KafkaClientException(
                    $"{Name(partition)}: the broker dropped offsets [{committed}, {low}) before the consumer had them; publish again with a smaller window, and see that nothing else writes to the topic");
            }
        }
    }

    private (long Low, long High) Watermarks(int partition)
    {
        int error = TryWatermarks(partition, out long low, out long high);
        return error == 0 ? (low, high) : throw new KafkaClientException($"{Name(partition)}: {_options.BootstrapServers} told no offsets: {Librdkafka.TextOf(error)}", error);
    }

    private int TryWatermarks(int partition, out long low, out long high)
    {
        fixed (long* lowest = &low, highest = &high)
            return Librdkafka.QueryWatermarkOffsets(_client, _options.Topic, partition, lowest, highest, WatermarkTimeoutMs);
    }

    private void Tell()
    {
        _lastProgress = _time.GetTimestamp();
        _progress?.Report(new PublishProgress(_records, _delivered, _bytes, _time.GetElapsedTime(_begun), _waitingFor, _trouble.Line));
    }

    private TopicPartition Name(int partition) => new(_options.Topic, partition);
}
