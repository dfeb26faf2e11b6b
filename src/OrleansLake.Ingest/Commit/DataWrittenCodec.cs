using System.Text;
using OrleansLake.Iceberg;

namespace OrleansLake.Ingest.Commit;

/// <summary>
/// <see cref="DataWritten"/> as bytes, the form in which it crosses from a pump to its committer. The first byte is the
/// version of the form.
/// </summary>
public static class DataWrittenCodec
{
    private const byte Version = 1;

    /// <summary>Writes a report.</summary>
    public static byte[] Write(DataWritten report)
    {
        var stream = new MemoryStream(512);
        using var writer = new BinaryWriter(stream, Encoding.UTF8);
        writer.Write(Version);
        WriteGuid(writer, report.ReportId);
        writer.Write(report.WriterId);
        writer.Write(report.Pipeline);
        writer.Write(report.Generation);
        WriteNullable(writer, report.ClusterId, writer.Write);
        WriteList(writer, report.TopicIds.ToList(), topic =>
        {
            writer.Write(topic.Key);
            writer.Write(topic.Value);
        });
        WriteGuid(writer, report.TableUuid);
        writer.Write(report.Branch);
        writer.Write7BitEncodedInt(report.SchemaId);
        WriteList(writer, report.FieldIds, writer.Write7BitEncodedInt);
        writer.Write7BitEncodedInt64(report.LastSequenceNumber);
        writer.Write7BitEncodedInt64(report.FirstSentMs);
        WriteList(writer, report.Files, file => WriteFile(writer, file));
        WriteList(writer, report.DeadLetterFiles, file => WriteFile(writer, file));
        WriteList(writer, report.Ranges, range => WriteRange(writer, range));
        writer.Flush();
        return stream.ToArray();
    }

    /// <summary>Reads a report back.</summary>
    /// <exception cref="FormatException">The bytes are not what <see cref="Write"/> makes.</exception>
    public static DataWritten Read(byte[] bytes)
    {
        using var reader = new BinaryReader(new MemoryStream(bytes, writable: false), Encoding.UTF8);
        try
        {
            byte version = reader.ReadByte();
            if (version != Version)
            {
                throw new FormatException($"report: expected version {Version}, got {version}: silos of different releases run together");
            }

            var report = new DataWritten
            {
                ReportId = ReadGuid(reader),
                WriterId = reader.ReadString(),
                Pipeline = reader.ReadString(),
                Generation = reader.ReadString(),
                ClusterId = ReadNullable(reader, reader.ReadString),
                TopicIds = ReadList(reader, () => KeyValuePair.Create(reader.ReadString(), reader.ReadString())).ToDictionary(),
                TableUuid = ReadGuid(reader),
                Branch = reader.ReadString(),
                SchemaId = reader.Read7BitEncodedInt(),
                FieldIds = ReadList(reader, reader.Read7BitEncodedInt),
                LastSequenceNumber = reader.Read7BitEncodedInt64(),
                FirstSentMs = reader.Read7BitEncodedInt64(),
                Files = ReadList(reader, () => ReadFile(reader)),
                DeadLetterFiles = ReadList(reader, () => ReadFile(reader)),
                Ranges = ReadList(reader, () => ReadRange(reader)),
            };
            return reader.BaseStream.Position == bytes.Length
                ? report
                : throw new FormatException($"report: {bytes.Length - reader.BaseStream.Position} bytes are left over");
        }
        catch (Exception e) when (e is EndOfStreamException or ArgumentException or IOException)
        {
            throw new FormatException($"report: the {bytes.Length} bytes are damaged: {e.Message}", e);
        }
    }

    private static void WriteRange(BinaryWriter writer, WrittenRange range)
    {
        writer.Write(range.TopicPartition.Topic);
        writer.Write7BitEncodedInt(range.TopicPartition.Partition);
        writer.Write7BitEncodedInt64(range.Range.First);
        writer.Write7BitEncodedInt64(range.Range.Next);
        writer.Write(range.LeaderEpoch);
        writer.Write7BitEncodedInt64(range.Rows);
        writer.Write7BitEncodedInt64(range.Rejected);
        writer.Write7BitEncodedInt64(range.Gap);
        WriteNullable(writer, range.ContinuesTable, writer.Write);
        WriteNullable(writer, range.DeadLetters, writer.Write7BitEncodedInt64);
        WriteNullable(writer, range.DeadLettersNext, writer.Write7BitEncodedInt64);
        WriteNullable(writer, range.DeadLettersRows, writer.Write7BitEncodedInt64);
        WriteNullable(writer, range.OldestTimestampMs, writer.Write7BitEncodedInt64);
    }

    private static WrittenRange ReadRange(BinaryReader reader) => new()
    {
        TopicPartition = new TopicPartition(reader.ReadString(), reader.Read7BitEncodedInt()),
        Range = new OffsetRange(reader.Read7BitEncodedInt64(), reader.Read7BitEncodedInt64()),
        LeaderEpoch = reader.ReadInt32(),
        Rows = reader.Read7BitEncodedInt64(),
        Rejected = reader.Read7BitEncodedInt64(),
        Gap = reader.Read7BitEncodedInt64(),
        ContinuesTable = ReadNullableValue(reader, reader.ReadBoolean),
        DeadLetters = ReadNullableValue(reader, reader.Read7BitEncodedInt64),
        DeadLettersNext = ReadNullableValue(reader, reader.Read7BitEncodedInt64),
        DeadLettersRows = ReadNullableValue(reader, reader.Read7BitEncodedInt64),
        OldestTimestampMs = ReadNullableValue(reader, reader.Read7BitEncodedInt64),
    };

    private static void WriteFile(BinaryWriter writer, DataFile file)
    {
        writer.Write((byte)file.Content);
        writer.Write(file.FilePath);
        writer.Write(file.FileFormat);
        writer.Write7BitEncodedInt(file.SpecId);
        WriteList(writer, file.Partition.Values, value => WritePartitionValue(writer, value));
        writer.Write7BitEncodedInt64(file.RecordCount);
        writer.Write7BitEncodedInt64(file.FileSizeBytes);
        WriteCounts(writer, file.ColumnSizes);
        WriteCounts(writer, file.ValueCounts);
        WriteCounts(writer, file.NullValueCounts);
        WriteCounts(writer, file.NanValueCounts);
        WriteBounds(writer, file.LowerBounds);
        WriteBounds(writer, file.UpperBounds);
        WriteNullable(writer, file.KeyMetadata, bytes => WriteBytes(writer, bytes));
        WriteNullable(writer, file.SplitOffsets, list => WriteList(writer, list, writer.Write7BitEncodedInt64));
        WriteNullable(writer, file.EqualityIds, list => WriteList(writer, list, writer.Write7BitEncodedInt));
        WriteNullable(writer, file.SortOrderId, writer.Write7BitEncodedInt);
        WriteNullable(writer, file.FirstRowId, writer.Write7BitEncodedInt64);
        WriteNullable(writer, file.ReferencedDataFile, writer.Write);
        WriteNullable(writer, file.ContentPosition, writer.Write7BitEncodedInt64);
        WriteNullable(writer, file.ContentSizeBytes, writer.Write7BitEncodedInt64);
    }

    private static DataFile ReadFile(BinaryReader reader) => new()
    {
        Content = (DataFileContent)reader.ReadByte(),
        FilePath = reader.ReadString(),
        FileFormat = reader.ReadString(),
        SpecId = reader.Read7BitEncodedInt(),
        Partition = new PartitionKey(ReadList(reader, () => ReadPartitionValue(reader))),
        RecordCount = reader.Read7BitEncodedInt64(),
        FileSizeBytes = reader.Read7BitEncodedInt64(),
        ColumnSizes = ReadCounts(reader),
        ValueCounts = ReadCounts(reader),
        NullValueCounts = ReadCounts(reader),
        NanValueCounts = ReadCounts(reader),
        LowerBounds = ReadBounds(reader),
        UpperBounds = ReadBounds(reader),
        KeyMetadata = ReadNullable(reader, () => ReadBytes(reader)),
        SplitOffsets = ReadNullable(reader, () => ReadList(reader, reader.Read7BitEncodedInt64)),
        EqualityIds = ReadNullable(reader, () => ReadList(reader, reader.Read7BitEncodedInt)),
        SortOrderId = ReadNullableValue(reader, reader.Read7BitEncodedInt),
        FirstRowId = ReadNullableValue(reader, reader.Read7BitEncodedInt64),
        ReferencedDataFile = ReadNullable(reader, reader.ReadString),
        ContentPosition = ReadNullableValue(reader, reader.Read7BitEncodedInt64),
        ContentSizeBytes = ReadNullableValue(reader, reader.Read7BitEncodedInt64),
    };

    // The tags are part of the form: never renumbered.
    private static void WritePartitionValue(BinaryWriter writer, object? value)
    {
        switch (value)
        {
            case null:
                writer.Write((byte)0);
                break;
            case bool boolean:
                writer.Write((byte)1);
                writer.Write(boolean);
                break;
            case int integer:
                writer.Write((byte)2);
                writer.Write(integer);
                break;
            case long integer:
                writer.Write((byte)3);
                writer.Write(integer);
                break;
            case float number:
                writer.Write((byte)4);
                writer.Write(number);
                break;
            case double number:
                writer.Write((byte)5);
                writer.Write(number);
                break;
            case Decimal128 number:
                writer.Write((byte)6);
                writer.Write((ulong)(UInt128)number.Unscaled);
                writer.Write((ulong)((UInt128)number.Unscaled >> 64));
                writer.Write7BitEncodedInt(number.Scale);
                break;
            case string text:
                writer.Write((byte)7);
                writer.Write(text);
                break;
            case Guid uuid:
                writer.Write((byte)8);
                WriteGuid(writer, uuid);
                break;
            case byte[] bytes:
                writer.Write((byte)9);
                WriteBytes(writer, bytes);
                break;
            default:
                throw new ArgumentException($"partition value: no form for {value.GetType()}");
        }
    }

    private static object? ReadPartitionValue(BinaryReader reader) => reader.ReadByte() switch
    {
        0 => null,
        1 => reader.ReadBoolean(),
        2 => reader.ReadInt32(),
        3 => reader.ReadInt64(),
        4 => reader.ReadSingle(),
        5 => reader.ReadDouble(),
        6 => ReadDecimal(reader),
        7 => reader.ReadString(),
        8 => ReadGuid(reader),
        9 => ReadBytes(reader),
        byte tag => throw new FormatException($"report: partition value of unknown kind {tag}"),
    };

    private static Decimal128 ReadDecimal(BinaryReader reader)
    {
        ulong lower = reader.ReadUInt64();
        ulong upper = reader.ReadUInt64();
        return new Decimal128((Int128)new UInt128(upper, lower), reader.Read7BitEncodedInt());
    }

    private static void WriteCounts(BinaryWriter writer, IReadOnlyDictionary<int, long>? counts) =>
        WriteNullable(writer, counts, map => WriteList(writer, map.ToList(), entry =>
        {
            writer.Write7BitEncodedInt(entry.Key);
            writer.Write7BitEncodedInt64(entry.Value);
        }));

    private static Dictionary<int, long>? ReadCounts(BinaryReader reader) =>
        ReadNullable(reader, () => ReadList(reader, () => KeyValuePair.Create(reader.Read7BitEncodedInt(), reader.Read7BitEncodedInt64())).ToDictionary());

    private static void WriteBounds(BinaryWriter writer, IReadOnlyDictionary<int, byte[]>? bounds) =>
        WriteNullable(writer, bounds, map => WriteList(writer, map.ToList(), entry =>
        {
            writer.Write7BitEncodedInt(entry.Key);
            WriteBytes(writer, entry.Value);
        }));

    private static Dictionary<int, byte[]>? ReadBounds(BinaryReader reader) =>
        ReadNullable(reader, () => ReadList(reader, () => KeyValuePair.Create(reader.Read7BitEncodedInt(), ReadBytes(reader))).ToDictionary());

    private static void WriteGuid(BinaryWriter writer, Guid value)
    {
        Span<byte> bytes = stackalloc byte[16];
        value.TryWriteBytes(bytes, bigEndian: true, out _);
        writer.Write(bytes);
    }

    private static Guid ReadGuid(BinaryReader reader)
    {
        Span<byte> bytes = stackalloc byte[16];
        reader.ReadExactly(bytes);
        return new Guid(bytes, bigEndian: true);
    }

    private static void WriteBytes(BinaryWriter writer, byte[] bytes)
    {
        writer.Write7BitEncodedInt(bytes.Length);
        writer.Write(bytes);
    }

    private static byte[] ReadBytes(BinaryReader reader)
    {
        var bytes = new byte[ReadCount(reader)];
        reader.ReadExactly(bytes);
        return bytes;
    }

    private static void WriteList<T>(BinaryWriter writer, IReadOnlyList<T> list, Action<T> write)
    {
        writer.Write7BitEncodedInt(list.Count);
        foreach (T item in list)
        {
            write(item);
        }
    }

    private static List<T> ReadList<T>(BinaryReader reader, Func<T> read)
    {
        int count = ReadCount(reader);
        var list = new List<T>(count);
        for (int i = 0; i < count; i++)
        {
            list.Add(read());
        }

        return list;
    }

    // No item is shorter than a byte: a damaged count must not make a list of two thousand million.
    private static int ReadCount(BinaryReader reader)
    {
        int count = reader.Read7BitEncodedInt();
        long left = reader.BaseStream.Length - reader.BaseStream.Position;
        return count >= 0 && count <= left ? count : throw new FormatException($"report: a count of {count} with {left} bytes left");
    }

    private static void WriteNullable<T>(BinaryWriter writer, T? value, Action<T> write)
        where T : class
    {
        writer.Write(value is not null);
        if (value is not null)
        {
            write(value);
        }
    }

    private static void WriteNullable<T>(BinaryWriter writer, T? value, Action<T> write)
        where T : struct
    {
        writer.Write(value.HasValue);
        if (value is { } known)
        {
            write(known);
        }
    }

    private static T? ReadNullable<T>(BinaryReader reader, Func<T> read)
        where T : class => reader.ReadBoolean() ? read() : null;

    private static T? ReadNullableValue<T>(BinaryReader reader, Func<T> read)
        where T : struct => reader.ReadBoolean() ? read() : null;
}
