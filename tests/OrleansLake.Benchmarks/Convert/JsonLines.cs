using System.Buffers;
using System.IO.Compression;
using OrleansLake.Ingest;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Ingest.Kafka.Publishing;
using OrleansLake.Testing;

namespace OrleansLake.Benchmarks.Convert;

/// <summary>Documents, one a line, in memory as the Kafka client would hand them over.</summary>
internal sealed class JsonLines : IDisposable
{
    // As large as a poll makes them.
    private const int BatchBytes = 4 << 20;

    private readonly List<KafkaBatch> _batches = [];

    private JsonLines(string name, byte[] text)
    {
        Name = name;
        Text = text;
        int start = 0;
        while (start < text.Length)
        {
            var lines = new List<(int Start, int Length)>();
            int first = start;
            while (start < text.Length && start - first < BatchBytes)
            {
                int length = text.AsSpan(start).IndexOf((byte)'\n');
                length = length < 0 ? text.Length - start : length;
                if (!text.AsSpan(start, length).TrimEnd((byte)'\r').IsEmpty)
                {
                    lines.Add((start, length));
                }

                start += length + 1;
            }

            Add(lines, first);
        }
    }

    /// <summary>What it is called.</summary>
    public string Name { get; }

    /// <summary>All lines.</summary>
    public byte[] Text { get; }

    /// <summary>The same, cut as the Kafka client would.</summary>
    public IReadOnlyList<KafkaBatch> Batches => _batches;

    /// <summary>Documents.</summary>
    public long Count { get; private set; }

    /// <summary>Bytes of the documents, without the ends of their lines.</summary>
    public long SizeBytes { get; private set; }

    /// <summary>A file, gzipped or not, so many times over.</summary>
    public static JsonLines OfFile(string path, int times)
    {
        using var file = File.OpenRead(path);
        using var content = path.EndsWith(".gz", StringComparison.Ordinal) ? (Stream)new GZipStream(file, CompressionMode.Decompress) : file;
        using var once = new MemoryStream();
        content.CopyTo(once);
        if (once.Length > 0 && once.GetBuffer()[once.Length - 1] != '\n')
        {
            once.WriteByte((byte)'\n');
        }

        byte[] text = new byte[checked((int)(once.Length * times))];
        for (int i = 0; i < times; i++)
        {
            once.GetBuffer().AsSpan(0, (int)once.Length).CopyTo(text.AsSpan(i * (int)once.Length));
        }

        return new JsonLines(Path.GetFileName(path), text);
    }

    /// <summary>The flat events of shared/data, ten times over.</summary>
    public static JsonLines Flat(int times) => OfFile(
        SharedData.Find("github-events.ndjson.gz") ?? throw new FileNotFoundException("shared/data/github-events.ndjson.gz: expected it above this checkout; name another FILE, or --sample nested"), times);

    /// <summary>The nested sample records; <paramref name="plain"/>: without escapes and letters beyond ASCII.</summary>
    public static JsonLines Nested(int rows, bool plain)
    {
        var records = new SampleRecords(plain: plain);
        using var text = new MemoryStream();
        byte[] record = new byte[SampleRecords.MaxLength + 1];
        for (int i = 0; i < rows; i++)
        {
            int length = records.Write(i, record);
            record[length] = (byte)'\n';
            text.Write(record, 0, length + 1);
        }

        return new JsonLines(plain ? "nested" : "nested, escaped", text.ToArray());
    }

    public void Dispose()
    {
        foreach (var batch in _batches)
        {
            batch.Dispose();
        }
    }

    private void Add(List<(int Start, int Length)> lines, int first)
    {
        int size = lines.Count == 0 ? 0 : lines[^1].Start + lines[^1].Length - first;
        byte[] buffer = ArrayPool<byte>.Shared.Rent(size + KafkaBatch.Padding);
        Text.AsSpan(first, size).CopyTo(buffer);
        var records = ArrayPool<KafkaRecord>.Shared.Rent(Math.Max(1, lines.Count));
        buffer[size] = 0;
        for (int i = 0; i < lines.Count; i++)
        {
            records[i] = new KafkaRecord { Offset = Count + i, TimestampMs = -1, ValueStart = lines[i].Start - first, ValueLength = lines[i].Length, KeyLength = -1 };
            buffer[lines[i].Start - first + lines[i].Length] = 0;
            SizeBytes += lines[i].Length;
        }

        _batches.Add(new KafkaBatch(new TopicPartition("lines", 0), new OffsetRange(Count, Count + lines.Count), -1, buffer, records, lines.Count));
        Count += lines.Count;
    }
}
