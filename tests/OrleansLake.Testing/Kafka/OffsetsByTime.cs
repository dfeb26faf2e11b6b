using System.Buffers.Binary;

namespace OrleansLake.Testing.Kafka;

/// <summary>
/// Answers ListOffsets requests by time, which librdkafka's mock cluster does not: it gives the end for every time. Versions 1 to 7.
/// https://kafka.apache.org/protocol#The_Messages_ListOffsets
/// </summary>
/// <param name="firstNotOlder">The first offset of a topic's partition whose record is not older than a time in milliseconds, and that record's time; null: every record is older.</param>
internal sealed class OffsetsByTime(Func<string, int, long, (long Offset, long TimestampMs)?> firstNotOlder)
{
    private const int FirstFlexible = 6;

    /// <summary>The answer without correlation id; null: it is not asked by time, so a broker may answer.</summary>
    public byte[]? Answer(byte[] request, short version)
    {
        bool flexible = version >= FirstFlexible;
        int at = KafkaFrames.BodyOf(request);
        at += flexible ? 1 : 0; // the header's tags
        at += 4 + (version >= 2 ? 1 : 0); // replica, isolation level
        var answer = new List<byte>();
        if (flexible)
        {
            answer.Add(0);
        }

        answer.AddRange(version >= 2 ? KafkaFrames.Int32(0) : []);
        int topics = Count(request, ref at, flexible);
        AddCount(answer, topics, flexible);
        bool isByTime = false;
        for (int i = 0; i < topics; i++)
        {
            string topic = Text(request, ref at, flexible);
            AddText(answer, topic, flexible);
            int partitions = Count(request, ref at, flexible);
            AddCount(answer, partitions, flexible);
            for (int j = 0; j < partitions; j++)
            {
                int partition = KafkaFrames.ReadInt32(request, ref at);
                at += version >= 4 ? 4 : 0; // leader epoch
                long time = BinaryPrimitives.ReadInt64BigEndian(request.AsSpan(at));
                at += 8 + (flexible ? 1 : 0);
                isByTime |= time >= 0;
                (long offset, long timestampMs) = firstNotOlder(topic, partition, time) ?? (-1, -1);
                answer.AddRange([.. KafkaFrames.Int32(partition), .. KafkaFrames.Int16(0), .. Int64(timestampMs), .. Int64(offset)]);
                answer.AddRange(version >= 4 ? KafkaFrames.Int32(-1) : []);
                answer.AddRange(flexible ? [0] : Array.Empty<byte>());
            }

            at += flexible ? 1 : 0;
            answer.AddRange(flexible ? [0] : Array.Empty<byte>());
        }

        answer.AddRange(flexible ? [0] : Array.Empty<byte>());
        return isByTime ? [.. answer] : null;
    }

    private static int Count(byte[] from, ref int at, bool flexible) => flexible ? from[at++] - 1 : KafkaFrames.ReadInt32(from, ref at);

    // One byte as long as there are fewer than 127.
    private static void AddCount(List<byte> to, int count, bool flexible) => to.AddRange(flexible ? [checked((byte)(count + 1))] : KafkaFrames.Int32(count));

    private static string Text(byte[] from, ref int at, bool flexible)
    {
        if (!flexible)
        {
            return KafkaFrames.ReadText(from, ref at);
        }

        int length = from[at++] - 1;
        at += length;
        return System.Text.Encoding.UTF8.GetString(from, at - length, length);
    }

    private static void AddText(List<byte> to, string text, bool flexible) =>
        to.AddRange(flexible ? [checked((byte)(text.Length + 1)), .. System.Text.Encoding.UTF8.GetBytes(text)] : KafkaFrames.Text(text));

    private static byte[] Int64(long value)
    {
        byte[] bytes = new byte[8];
        BinaryPrimitives.WriteInt64BigEndian(bytes, value);
        return bytes;
    }
}
