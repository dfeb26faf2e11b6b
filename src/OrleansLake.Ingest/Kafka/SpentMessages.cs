using System.Runtime.InteropServices;
using OrleansLake.Ingest.Kafka.Native;

namespace OrleansLake.Ingest.Kafka;

/// <summary>
/// Messages that were copied, on their way back to the thread of the client that allocated them: there is one for each broker.
/// </summary>
/// <remarks>
/// An allocator is at its best where one thread allocates and frees; two wait for each other's lock, message by message. So the
/// thread that polls leaves lists behind, and a broker's thread frees its own when the next response has come, before it
/// allocates the messages in there. What no response fetched is freed by the thread that polls: when there is nothing to poll, and
/// when more than <see cref="MaxWaitingBytes"/> wait.
/// </remarks>
internal sealed unsafe class SpentMessages
{
    /// <summary>Bytes that may wait for one broker's thread.</summary>
    internal const int MaxWaitingBytes = 32 << 20;

    // What the client holds of a message beside key and value: 480 bytes, and what the allocator adds.
    private const int BytesAMessage = 500;

    private volatile Lane[] _lanes = [];

    /// <summary>Bytes that were handed over and are not freed yet, for all brokers.</summary>
    internal long WaitingBytes
    {
        get
        {
            long bytes = 0;
            foreach (Lane lane in _lanes)
                bytes += lane.WaitingBytes;
            return bytes;
        }
    }

    /// <summary>The way back to the thread of the broker of this id; on the thread that adds.</summary>
    internal Lane Of(int broker)
    {
        foreach (Lane known in _lanes)
        {
            if (known.Broker == broker)
                return known;
        }

        var lane = new Lane(broker);
        _lanes = [.. _lanes, lane];
        return lane;
    }

    /// <summary>A response of a broker has come; on the thread of that broker.</summary>
    internal void Answered(int broker)
    {
        foreach (Lane lane in _lanes)
        {
            if (lane.Broker == broker)
                lane.Free();
        }
    }

    /// <summary>Hands over what was added; on the thread that adds.</summary>
    internal void HandOver()
    {
        foreach (Lane lane in _lanes)
            lane.HandOver();
    }

    /// <summary>Frees whatever waits; on the thread that adds.</summary>
    internal void FreeAll()
    {
        HandOver();
        foreach (Lane lane in _lanes)
            lane.Free();
    }

    /// <summary>One thread adds and hands over, any frees what was handed over.</summary>
    internal sealed class Lane(int broker)
    {
        private Block* _open;
        private nint _handedOver;
        private long _waitingBytes;

        internal int Broker { get; } = broker;

        internal long WaitingBytes => Interlocked.Read(ref _waitingBytes);

        /// <summary>Takes a message that nobody looks at any more.</summary>
        internal void Add(Librdkafka.Message* message)
        {
            if (_open == null)
            {
                _open = (Block*)NativeMemory.Alloc((nuint)sizeof(Block));
                _open->Count = 0;
                _open->Bytes = 0;
            }

            _open->Bytes += BytesAMessage + (long)message->Length + (long)message->KeyLength;
            _open->Messages[_open->Count++] = (long)message;
            if (_open->Count == Block.Capacity)
                HandOver();
        }

        internal void HandOver()
        {
            if (_open == null)
                return;

            Block* block = _open;
            _open = null;
            long waiting = Interlocked.Add(ref _waitingBytes, block->Bytes);
            nint next;
            do
            {
                next = Volatile.Read(ref _handedOver);
                block->Next = next;
            }
            while (Interlocked.CompareExchange(ref _handedOver, (nint)block, next) != next);

            if (waiting > MaxWaitingBytes)
                Free();
        }

        internal void Free()
        {
            var block = (Block*)Interlocked.Exchange(ref _handedOver, 0);
            while (block != null)
            {
                for (int i = 0; i < block->Count; i++)
                    Librdkafka.MessageDestroy((Librdkafka.Message*)block->Messages[i]);

                Interlocked.Add(ref _waitingBytes, -block->Bytes);
                var next = (Block*)block->Next;
                NativeMemory.Free(block);
                block = next;
            }
        }
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Block
    {
        internal const int Capacity = 1021;
        internal nint Next;
        internal long Bytes;
        internal int Count;
        internal fixed long Messages[Capacity];
    }
}
