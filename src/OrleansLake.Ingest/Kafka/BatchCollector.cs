using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.Intrinsics.X86;
using OrleansLake.Ingest.Kafka.Native;

namespace OrleansLake.Ingest.Kafka;

/// <summary>
/// Takes messages from librdkafka's queue many at a time and copies them, sorted by topic-partition, into
/// <see cref="KafkaBatch"/>es.
/// </summary>
/// <remarks>
/// Two passes: the first decides to which batch each message goes and how large that becomes, the second copies and gives the
/// messages back. Invariants: a batch starts where the one before it ended; a message below the position is never taken; a
/// message behind an error of its topic-partition is never taken.
/// </remarks>
internal sealed unsafe class BatchCollector : IDisposable
{
    // A batch is closed at this size, so that one poll of large values does not become one array.
    private const int BatchBytes = 4 << 20;
    private const int PollBytes = 8 << 20;
    private const int MaxMessages = 8192;
    private const int MinMessages = 64;
    private const int PartitionEof = -191;
    private const int Skipped = -1;
    private const int Ahead = 12;
    private const int FirstKnownVersion = 0x020F_0000;
    private const int NextUnknownVersion = 0x0211_0000;

    private readonly AssignedPartitions _partitions;
    private readonly BrokerTrouble _trouble;
    private readonly SpentMessages _spent;
    private readonly KafkaSourceOptions _options;
    private readonly Action<AssignedPartition?, int, string, long> _onError;
    private readonly nint _queue;
    private readonly Librdkafka.Message** _messages;
    private readonly bool _valuesLieInRecords = Librdkafka.Version() is >= FirstKnownVersion and < NextUnknownVersion;
    private readonly int[] _slotOf = new int[MaxMessages];
    private readonly nint[] _headersOf = new nint[MaxMessages];
    private readonly int[] _headersLengthOf = new int[MaxMessages];
    private Slot[] _slots = new Slot[64];
    private int _slotCount;
    private int _capacity = 1024;

    private struct Slot
    {
        public AssignedPartition Owner;
        public SpentMessages.Lane Spent;
        public byte[]? Buffer;
        public KafkaRecord[]? Records;
        public long First;
        public long Next;
        public int Epoch;
        public int Bytes;
        public int Count;
        public int UsedBytes;
        public int UsedRecords;
    }

    internal BatchCollector(nint queue, AssignedPartitions partitions, BrokerTrouble trouble, SpentMessages spent, KafkaSourceOptions options, Action<AssignedPartition?, int, string, long> onError)
    {
        _queue = queue;
        _partitions = partitions;
        _trouble = trouble;
        _spent = spent;
        _options = options;
        _onError = onError;
        _messages = (Librdkafka.Message**)System.Runtime.InteropServices.NativeMemory.Alloc(MaxMessages, (nuint)sizeof(Librdkafka.Message*));
    }

    /// <summary>Takes what is there, or waits for the first message, and appends the batches to <paramref name="ready"/>.</summary>
    internal void Collect(int timeoutMs, Queue<ReadyItem> ready)
    {
        // The call waits until its array is full or the time is over: wait for one, then take what came with it.
        int count = Consume(0, 0, _capacity);
        if (count == 0 && timeoutMs > 0)
        {
            count = Consume(0, timeoutMs, 1);
            if (count > 0)
                count += Consume(count, 0, _capacity - count);
        }

        if (count == 0)
        {
            _spent.FreeAll();
            return;
        }

        int given = 0;
        try
        {
            long bytes = Sort(count);
            for (int slot = 0; slot < _slotCount; slot++)
                Rent(ref _slots[slot]);
            for (; given < count; given++)
            {
                Copy(given);
                if (_slotOf[given] == Skipped)
                    Librdkafka.MessageDestroy(_messages[given]);
                else
                    _slots[_slotOf[given]].Spent.Add(_messages[given]);
            }

            for (int slot = 0; slot < _slotCount; slot++)
                ready.Enqueue(new ReadyItem(_slots[slot].Owner, Close(ref _slots[slot]), null));

            _capacity = (int)Math.Clamp(PollBytes / Math.Max(1, bytes / count), MinMessages, MaxMessages);
        }
        finally
        {
            bool failed = given < count;
            for (; given < count; given++)
                Librdkafka.MessageDestroy(_messages[given]);
            for (int slot = _slotCount - 1; slot >= 0; slot--)
            {
                if (failed)
                {
                    // What was taken was not handed over: read it again.
                    _slots[slot].Owner.Position = _slots[slot].First;
                    _partitions.Restart(_slots[slot].Owner);
                }

                if (_slots[slot].Buffer is { } buffer)
                    ArrayPool<byte>.Shared.Return(buffer);
                if (_slots[slot].Records is { } records)
                    ArrayPool<KafkaRecord>.Shared.Return(records);
                _slots[slot].Owner.Slot = -1;
                _slots[slot] = default;
            }

            _slotCount = 0;
            _spent.HandOver();
        }
    }

    public void Dispose() => System.Runtime.InteropServices.NativeMemory.Free(_messages);

    private int Consume(int from, int timeoutMs, int size)
    {
        nint count = Librdkafka.ConsumeBatchQueue(_queue, timeoutMs, _messages + from, (nuint)size);
        return count >= 0
            ? (int)count
            : throw new KafkaClientException($"the Kafka client gave no records: {Librdkafka.TextOf(Librdkafka.LastError())}", Librdkafka.LastError());
    }

    private long Sort(int count)
    {
        bool keys = _options.Keys;
        bool headers = _options.Headers;
        long total = 0;
        for (int i = 0; i < count; i++)
        {
            Librdkafka.Message* message = _messages[i];
            // Another core wrote the messages: each is a cache miss, unless it was asked for in time.
            if (Sse.IsSupported && i + Ahead < count)
            {
                Sse.Prefetch0(_messages[i + Ahead]);
                Sse.Prefetch0((byte*)_messages[i + Ahead] + 64);
            }

            _slotOf[i] = Skipped;
            AssignedPartition? partition = message->Topic == 0 ? null : _partitions.Find(message->Topic, message->Partition);
            if (message->Error != 0)
            {
                if (message->Error == PartitionEof)
                    ReachedEnd(partition, message);
                else
                    _onError(partition, message->Error, Librdkafka.Text(message->Payload), message->Offset);
                continue;
            }

            if (partition is null || partition.Stopped || partition.Restarting || partition.Validating || message->Offset < partition.Position)
                continue;

            int length = (int)message->Length + 1 + (keys ? (int)message->KeyLength : 0);
            _headersLengthOf[i] = 0;
            if (headers && MayHaveHeaders(message))
            {
                nint list = 0;
                if (Librdkafka.MessageHeaders(message, &list) == 0)
                {
                    _headersOf[i] = list;
                    length += _headersLengthOf[i] = LengthOf(list);
                }
            }

            int index = partition.Slot;
            if (index < 0 || _slots[index].Bytes > BatchBytes - length)
                index = Open(partition, message);
            ref Slot slot = ref _slots[index];
            slot.Bytes += length;
            slot.Count++;
            slot.Next = message->Offset + 1;
            partition.Position = message->Offset + 1;
            _slotOf[i] = index;
            total += length;
        }

        return total;
    }

    private void ReachedEnd(AssignedPartition? partition, Librdkafka.Message* message)
    {
        _trouble.Answered(Librdkafka.MessageBrokerId(message));
        if (partition is null || partition.Stopped || partition.Restarting || partition.Validating || message->Offset < partition.Position)
            return;

        partition.EndAt = message->Offset;
        if (message->Offset > partition.Position)
        {
            int index = partition.Slot < 0 ? Open(partition, message) : partition.Slot;
            _slots[index].Next = message->Offset;
            partition.Position = message->Offset;
        }
    }

    private int Open(AssignedPartition partition, Librdkafka.Message* first)
    {
        if (_slotCount == _slots.Length)
            Array.Resize(ref _slots, _slotCount * 2);
        _slots[_slotCount] = new Slot
        {
            Owner = partition,
            Spent = _spent.Of(Librdkafka.MessageBrokerId(first)),
            First = partition.Position,
            Next = partition.Position,
            Epoch = partition.LeaderEpoch,
        };
        return partition.Slot = _slotCount++;
    }

    private static void Rent(ref Slot slot)
    {
        slot.Buffer = ArrayPool<byte>.Shared.Rent(slot.Bytes + KafkaBatch.Padding);
        slot.Records = ArrayPool<KafkaRecord>.Shared.Rent(Math.Max(1, slot.Count));
    }

    private void Copy(int index)
    {
        int slotIndex = _slotOf[index];
        if (slotIndex == Skipped)
            return;

        Librdkafka.Message* message = _messages[index];
        ref Slot slot = ref _slots[slotIndex];
        byte[] buffer = slot.Buffer!;
        int used = slot.UsedBytes;
        ref KafkaRecord record = ref slot.Records![slot.UsedRecords++];
        record.Offset = message->Offset;
        record.ValueStart = used;
        record.ValueLength = message->Payload == null ? -1 : (int)message->Length;
        new ReadOnlySpan<byte>(message->Payload, (int)message->Length).CopyTo(buffer.AsSpan(used));
        used += (int)message->Length;
        buffer[used++] = 0;

        record.KeyStart = used;
        record.KeyLength = -1;
        if (_options.Keys && message->Key != null)
        {
            record.KeyLength = (int)message->KeyLength;
            new ReadOnlySpan<byte>(message->Key, (int)message->KeyLength).CopyTo(buffer.AsSpan(used));
            used += (int)message->KeyLength;
        }

        record.HeadersStart = used;
        record.HeadersLength = _headersLengthOf[index];
        if (record.HeadersLength > 0)
        {
            CopyHeaders(_headersOf[index], buffer.AsSpan(used, record.HeadersLength));
            used += record.HeadersLength;
        }

        record.TimestampMs = -1;
        if (_options.Timestamps)
        {
            int kind;
            long timestamp = Librdkafka.MessageTimestamp(message, &kind);
            record.TimestampMs = kind == 0 ? -1 : timestamp;
        }

        slot.UsedBytes = used;
        if (slot.UsedRecords == slot.Count)
        {
            slot.Epoch = Librdkafka.MessageLeaderEpoch(message);
            slot.Owner.LeaderEpoch = slot.Epoch;
            slot.Owner.Restarts = 0;
            _trouble.Answered(Librdkafka.MessageBrokerId(message));
        }
    }

    private static KafkaBatch Close(ref Slot slot)
    {
        if (slot.UsedRecords != slot.Count || slot.UsedBytes != slot.Bytes)
            throw new InvalidOperationException($"{slot.Owner.TopicPartition} [{slot.First}, {slot.Next}): expected {slot.Count} records in {slot.Bytes} bytes, copied {slot.UsedRecords} in {slot.UsedBytes}");

        var batch = new KafkaBatch(slot.Owner.TopicPartition, new OffsetRange(slot.First, slot.Next), slot.Epoch, slot.Buffer!, slot.Records!, slot.Count);
        slot.Buffer = null;
        slot.Records = null;
        return batch;
    }

    // In a record of format 2 the count of headers follows the value (https://kafka.apache.org/documentation/#record), and these
    // versions of the client hand out values where they lie in that record. Formats before it have no headers, whatever stands
    // there. Asking the client costs an allocation even where there are none. A page beyond that of the value is not looked at.
    private bool MayHaveHeaders(Librdkafka.Message* message)
    {
        byte* behind = (byte*)message->Payload + message->Length;
        return !_valuesLieInRecords || message->Payload == null || ((nint)behind & (Environment.SystemPageSize - 1)) == 0 || *behind != 0;
    }

    private static int LengthOf(nint headers)
    {
        int length = 0;
        byte* name;
        byte* value;
        nuint size;
        for (nuint i = 0; Librdkafka.HeaderGetAll(headers, i, &name, &value, &size) == 0; i++)
            length += 8 + NameOf(name).Length + (int)size;
        return length;
    }

    // The form that KafkaHeaders reads.
    private static void CopyHeaders(nint headers, Span<byte> target)
    {
        byte* name;
        byte* value;
        nuint size;
        for (nuint i = 0; Librdkafka.HeaderGetAll(headers, i, &name, &value, &size) == 0; i++)
        {
            ReadOnlySpan<byte> nameBytes = NameOf(name);
            BinaryPrimitives.WriteInt32LittleEndian(target, nameBytes.Length);
            nameBytes.CopyTo(target[4..]);
            target = target[(4 + nameBytes.Length)..];
            BinaryPrimitives.WriteInt32LittleEndian(target, value == null ? -1 : (int)size);
            new ReadOnlySpan<byte>(value, (int)size).CopyTo(target[4..]);
            target = target[(4 + (int)size)..];
        }
    }

    private static ReadOnlySpan<byte> NameOf(byte* name) => System.Runtime.InteropServices.MemoryMarshal.CreateReadOnlySpanFromNullTerminated(name);
}
