using System.Buffers.Binary;
using System.Text;

namespace OrleansLake.Testing.Kafka;

/// <summary>A request by the number of its API; a search for a coordinator with the group or the transactional id that is looked for.</summary>
public readonly record struct KafkaAsked(short Api, string? Group = null, string? TransactionalId = null);

/// <summary>As much of Kafka's wire format as a gate in front of a broker needs. https://kafka.apache.org/protocol</summary>
internal static class KafkaFrames
{
    public const short ListOffsets = 2;
    public const short Metadata = 3;
    public const short FindCoordinator = 10;
    public const short SaslHandshake = 17;
    public const short ApiVersions = 18;
    public const short SaslAuthenticate = 36;

    /// <summary>One frame without its length; null: the other side has ended.</summary>
    public static async Task<byte[]?> ReadAsync(Stream from, CancellationToken cancellationToken)
    {
        byte[] size = new byte[4];
        if (await from.ReadAtLeastAsync(size, 4, throwOnEndOfStream: false, cancellationToken) < 4)
        {
            return null;
        }

        byte[] frame = new byte[BinaryPrimitives.ReadInt32BigEndian(size)];
        await from.ReadExactlyAsync(frame, cancellationToken);
        return frame;
    }

    public static byte[] WithLength(ReadOnlySpan<byte> frame)
    {
        byte[] result = new byte[4 + frame.Length];
        BinaryPrimitives.WriteInt32BigEndian(result, frame.Length);
        frame.CopyTo(result.AsSpan(4));
        return result;
    }

    /// <summary>A broker that speaks SASL says so.</summary>
    public static byte[] AddSasl(byte[] answer, short version)
    {
        byte[] handshake = [0, (byte)SaslHandshake, 0, 0, 0, 1], authenticate = [0, (byte)SaslAuthenticate, 0, 0, 0, 1];
        if (version < 3)
        {
            int count = BinaryPrimitives.ReadInt32BigEndian(answer.AsSpan(6));
            byte[] result = [.. answer[..10], .. handshake, .. authenticate, .. answer[10..]];
            BinaryPrimitives.WriteInt32BigEndian(result.AsSpan(6), count + 2);
            return result;
        }

        // A compact array's length is one more than it has items; below 128 it is one byte. Each item ends with its tags.
        byte compact = answer[6];
        return [.. answer[..6], (byte)(compact + 2 < 128 ? compact + 2 : throw new InvalidOperationException("too many APIs")), .. handshake, 0, .. authenticate, 0, .. answer[7..]];
    }

    /// <summary>Sends clients to other ports than the brokers say. The rest stays as it is, byte for byte.</summary>
    public static void MovePorts(byte[] metadata, short version, Func<int, int> portOf)
    {
        int at = 4; // behind the correlation id
        bool flexible = version >= 9;
        at += flexible ? 1 : 0;
        at += version >= 3 ? 4 : 0;
        int brokers = flexible ? metadata[at++] - 1 : ReadInt32(metadata, ref at);
        for (int i = 0; i < brokers; i++)
        {
            at += 4;
            SkipText(metadata, ref at, flexible);
            Span<byte> port = metadata.AsSpan(at, 4);
            BinaryPrimitives.WriteInt32BigEndian(port, portOf(BinaryPrimitives.ReadInt32BigEndian(port)));
            at += 4;
            if (version >= 1)
            {
                SkipText(metadata, ref at, flexible);
            }

            at += flexible ? 1 : 0;
        }
    }

    /// <summary>The same for the answer that names a group's coordinator.</summary>
    public static void MovePort(byte[] coordinator, short version, Func<int, int> portOf)
    {
        bool flexible = version >= 3;
        int at = 4 + (flexible ? 1 : 0) + (version >= 1 ? 4 : 0) + 2;
        if (version >= 1)
        {
            SkipText(coordinator, ref at, flexible);
        }

        at += 4;
        SkipText(coordinator, ref at, flexible);
        Span<byte> port = coordinator.AsSpan(at, 4);
        BinaryPrimitives.WriteInt32BigEndian(port, portOf(BinaryPrimitives.ReadInt32BigEndian(port)));
    }

    /// <summary>The body of a request: behind its header of version 1 (key, version, correlation id, client id).</summary>
    public static int BodyOf(byte[] request)
    {
        int at = 8;
        SkipText(request, ref at, flexible: false);
        return at;
    }

    /// <summary>What a request asks for.</summary>
    public static KafkaAsked AskedBy(byte[] request, short key, short version)
    {
        if (key != FindCoordinator)
        {
            return new KafkaAsked(key);
        }

        int at = version < 3 ? BodyOf(request) : throw new InvalidOperationException($"FindCoordinator: expected version 2 or less, found {version}");
        string name = ReadText(request, ref at);
        return version >= 1 && request[at] == 1 ? new KafkaAsked(key, TransactionalId: name) : new KafkaAsked(key, name);
    }

    public static string ReadText(byte[] from, ref int at)
    {
        int length = BinaryPrimitives.ReadInt16BigEndian(from.AsSpan(at));
        string text = Encoding.UTF8.GetString(from, at + 2, length);
        at += 2 + length;
        return text;
    }

    public static int ReadInt32(byte[] from, ref int at)
    {
        int value = BinaryPrimitives.ReadInt32BigEndian(from.AsSpan(at));
        at += 4;
        return value;
    }

    public static byte[] Text(string? text)
    {
        byte[] bytes = text is null ? [] : Encoding.UTF8.GetBytes(text);
        return [.. Int16(text is null ? (short)-1 : (short)bytes.Length), .. bytes];
    }

    public static byte[] Int16(short value)
    {
        byte[] bytes = new byte[2];
        BinaryPrimitives.WriteInt16BigEndian(bytes, value);
        return bytes;
    }

    public static byte[] Int32(int value)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, value);
        return bytes;
    }

    private static void SkipText(byte[] from, ref int at, bool flexible)
    {
        int length = flexible ? from[at] - 1 : BinaryPrimitives.ReadInt16BigEndian(from.AsSpan(at));
        at += (flexible ? 1 : 2) + Math.Max(0, length);
    }
}
