using System.Buffers.Binary;
using System.Text;

namespace OrleansLake.Ingest.Kafka;

/// <summary>
/// The form in which a record's headers lie in a <see cref="KafkaBatch"/>: for each header the length of its name
/// (Int32, little endian), the name in UTF-8, the length of its value (−1 for null), the value.
/// </summary>
public static class KafkaHeaders
{
    /// <summary>Reads them back.</summary>
    public static IReadOnlyList<KeyValuePair<string, byte[]?>> Read(ReadOnlySpan<byte> headers)
    {
        var result = new List<KeyValuePair<string, byte[]?>>();
        while (headers.Length > 0)
        {
            int nameLength = BinaryPrimitives.ReadInt32LittleEndian(headers);
            string name = Encoding.UTF8.GetString(headers.Slice(4, nameLength));
            headers = headers[(4 + nameLength)..];
            int valueLength = BinaryPrimitives.ReadInt32LittleEndian(headers);
            headers = headers[4..];
            byte[]? value = valueLength < 0 ? null : headers[..valueLength].ToArray();
            headers = headers[Math.Max(0, valueLength)..];
            result.Add(new(name, value));
        }

        return result;
    }

    /// <summary>Bytes that one header takes.</summary>
    public static int SizeOf(string name, ReadOnlySpan<byte> value) => 8 + Encoding.UTF8.GetByteCount(name) + value.Length;

    /// <summary>Writes one header and returns the bytes that it took.</summary>
    public static int Write(Span<byte> target, string name, ReadOnlySpan<byte> value, bool isNull)
    {
        int nameLength = Encoding.UTF8.GetBytes(name, target[4..]);
        BinaryPrimitives.WriteInt32LittleEndian(target, nameLength);
        BinaryPrimitives.WriteInt32LittleEndian(target[(4 + nameLength)..], isNull ? -1 : value.Length);
        value.CopyTo(target[(8 + nameLength)..]);
        return 8 + nameLength + value.Length;
    }
}
