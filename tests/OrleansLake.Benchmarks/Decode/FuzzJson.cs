using System.Buffers;
using System.CommandLine;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using OrleansLake.Iceberg;
using OrleansLake.Ingest;
using OrleansLake.Ingest.Decode;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Ingest.Kafka.Publishing;
using OrleansLake.Ingest.Write;
using OrleansLake.Parquet;

namespace OrleansLake.Benchmarks.Decode;

/// <summary>
/// <c>./lake bench fuzz-json</c>: documents with a few bytes changed, by every width of the decoder and by System.Text.Json.
/// What is no JSON must be refused, what is called malformed must be no JSON, and all widths must make the same rows: as the
/// documents stand, and reshaped in every way at once.
/// </summary>
internal static class FuzzJson
{
    private const int DocumentsAtOnce = 2000;

    private static readonly int[] Widths = [64, 32, 16, 8];

    private static readonly string[] Seeds =
    [
        """{"type":"PushEvent","actor_login":"a","repo_name":"b/c","n_commits":12,"time":"2015-01-01T00:00:00.000Z"}""",
        """ { "integer" : -0.5e-3 , "bools" : [ true , false , null ] , "nested" : { "key" : "\u00e9\ud83d\ude00" , "value" : null } } """,
        """{"unknown":[{"a":[[],{}]},1e400,-0,"é😀\n\"\\\/\b\f\r\t"],"floating":12345.678901,"string":"zürich 日本","string":"again"}""",
        """{"string_map":{"a":"x","b":"y","a":"z"},"floatings":[0.1,1E+12,-7e-7,123456789.123456],"timestamp":"2022-07-26 07:41:48.000773+02:00"}""",
        """{"integers":[9223372036854775807,-9223372036854775808,1234567,12345678,123456789012345,1234567890123456],"timestamp":"2022-07-26T07:41:48Z"}""",
    ];

    // What a mutation puts in: what structure, numbers, escapes and UTF-8 are made of.
    private static readonly byte[] Alphabet = [.. "{}[]:,\"\\ntfue0123456789+-.E \t\r\n/"u8, 0, 1, 0x1F, 0x7F, 0x80, 0xA0, 0xC3, 0xE2, 0xED, 0xF0, 0xFF];

    public static Command Create()
    {
        var count = new Option<long>("--documents") { Description = "how many", DefaultValueFactory = _ => 1_000_000 };
        var seed = new Option<int>("--seed") { Description = "of the mutations", DefaultValueFactory = _ => 1 };
        var reshape = new Option<bool>("--reshape") { Description = "unnest, project, convert, null what does not fit, rescue what has no column" };
        var command = new Command("fuzz-json", "Mutated documents through every width of the decoder and System.Text.Json; stops at the first that they disagree on") { count, seed, reshape };
        command.SetAction(parsed => Run(parsed.GetValue(count), parsed.GetValue(seed), parsed.GetValue(reshape) ? Reshaping : null));
        return command;
    }

    private static int Run(long count, int seed, RecordOptions? reshaping)
    {
        Schema schema = Ddl.ParseCreateTable($"CREATE TABLE t ({SampleRecords.Columns}, type VARCHAR, actor_login VARCHAR, repo_name VARCHAR, n_commits BIGINT, time TIMESTAMP(6) WITH TIME ZONE, again VARCHAR, _offset BIGINT, _rescued VARCHAR)").Creation.Schema;
        ParquetSchema columns = IcebergParquet.ToParquet(schema);
        JsonDecoder[] decoders = [.. Widths.Select(width => new JsonDecoder(schema, columns, new JsonDecoderOptions { VectorWidth = width, Records = reshaping }))];
        var random = new Random(seed);
        var samples = new SampleRecords();
        byte[] sample = new byte[SampleRecords.MaxLength];
        var rows = new ColumnBatch(columns);
        long accepted = 0, json = 0;
        long begun = Stopwatch.GetTimestamp();
        for (long done = 0; done < count; done += DocumentsAtOnce)
        {
            byte[][] documents = new byte[DocumentsAtOnce][];
            for (int i = 0; i < documents.Length; i++)
            {
                int kind = random.Next(Seeds.Length + 2);
                byte[] document = kind < Seeds.Length ? Encoding.UTF8.GetBytes(Seeds[kind]) : sample[..samples.Write(random.Next(), sample)];
                documents[i] = Mutate(reshaping is null || random.Next(8) == 0 ? document : [.. "{\"wrap\":["u8, .. document, .. "],\"id\":\"x\",\"time\":1700000000123}"u8], random);
            }

            using KafkaBatch batch = Batch(documents, random);
            List<RejectedRecord>? first = null;
            string? firstHash = null;
            for (int width = 0; width < Widths.Length; width++)
            {
                rows.Clear();
                var rejected = new List<RejectedRecord>();
                using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
                for (int record = 0; record < batch.Count;)
                {
                    rows.Clear();
                    record = decoders[width].Decode(batch, record, rows, rejected);
                    Hash(rows, hash);
                }

                first ??= rejected;
                string contents = System.Convert.ToHexString(hash.GetHashAndReset());
                firstHash ??= contents;
                if (!rejected.SequenceEqual(first) || contents != firstHash)
                {
                    RejectedRecord difference = rejected.Except(first).Concat(first.Except(rejected)).FirstOrDefault();
                    return Fail($"{Widths[width]} bytes at a time and {Widths[0]} differ: {difference}", documents, difference.RecordIndex);
                }
            }

            var refused = first!.ToDictionary(record => record.RecordIndex);
            for (int i = 0; i < documents.Length; i++)
            {
                bool isJson = IsJson(documents[i]);
                json += isJson ? 1 : 0;
                if (!refused.TryGetValue(i, out RejectedRecord why))
                {
                    accepted++;
                    if (!isJson)
                    {
                        return Fail("taken, and no JSON", documents, i);
                    }
                }
                else if (isJson && why.Reason is RejectReason.MalformedJson or RejectReason.TooDeep)
                {
                    return Fail($"refused ({why}), and JSON", documents, i);
                }
            }
        }

        Console.WriteLine($"{count} documents, {json} of them JSON, {accepted} of them rows; no disagreement in {Stopwatch.GetElapsedTime(begun).TotalSeconds:F1} s");
        return 0;
    }

    private static RecordOptions Reshaping => new()
    {
        Unnest = "/wrap/0",
        Project = new Dictionary<string, string> { ["again"] = "/wrap/0/string", ["time"] = "/time" },
        Columns = new Dictionary<string, string> { ["_offset"] = "kafka.offset" },
        CaseFrom = NameCase.LowerCamel,
        CaseTo = NameCase.LowerUnderscore,
        OnUnfit = new Dictionary<string, UnfitAction> { ["*"] = UnfitAction.Null, ["again"] = UnfitAction.Text },
        Epoch = new Dictionary<string, EpochUnit> { ["time"] = EpochUnit.Milliseconds },
        NumbersInStrings = new Dictionary<string, bool> { ["*"] = true },
        UnknownFields = UnknownFieldAction.Rescue,
    };

    private static int Fail(string message, byte[][] documents, int index)
    {
        Console.Error.WriteLine($"fuzz-json: {message}\n{System.Convert.ToHexString(documents[index])}\n{Encoding.UTF8.GetString(documents[index])}");
        return 1;
    }

    private static byte[] Mutate(byte[] document, Random random)
    {
        var bytes = document.ToList();
        for (int changes = random.Next(4); changes > 0 && bytes.Count > 0; changes--)
        {
            int at = random.Next(bytes.Count);
            byte value = Alphabet[random.Next(Alphabet.Length)];
            switch (random.Next(6))
            {
                case 0: bytes[at] = value; break;
                case 1: bytes.Insert(at, value); break;
                case 2: bytes.RemoveAt(at); break;
                case 3: bytes.RemoveRange(at, bytes.Count - at); break;
                case 4: bytes[at] = (byte)random.Next(256); break;
                default: bytes.InsertRange(at, bytes.GetRange(at, random.Next(Math.Min(60, bytes.Count - at)))); break;
            }
        }

        return [.. bytes];
    }

    /// <summary>Whether System.Text.Json reads it to its end, and it is UTF-8 throughout.</summary>
    private static bool IsJson(byte[] document)
    {
        var reader = new Utf8JsonReader(document, new JsonReaderOptions { MaxDepth = 128 });
        try
        {
            while (reader.Read())
            {
            }
        }
        catch (JsonException)
        {
            return false;
        }

        return Utf8.IsValid(document);
    }

    private static void Hash(ColumnBatch rows, IncrementalHash hash)
    {
        foreach (ColumnBuffer column in rows.Columns)
        {
            int values = column.ValueCount;
            hash.AppendData(MemoryMarshal.AsBytes(new ReadOnlySpan<int>([column.SlotCount, values])));
            hash.AppendData(column.DefinitionLevels.AsSpan(0, column.Column.MaxDefinitionLevel > 0 ? column.SlotCount : 0));
            hash.AppendData(column.RepetitionLevels.AsSpan(0, column.Column.MaxRepetitionLevel > 0 ? column.SlotCount : 0));
            switch (column.Column.PhysicalType)
            {
                case PhysicalType.Int64: hash.AppendData(MemoryMarshal.AsBytes(column.Longs.AsSpan(0, values))); break;
                case PhysicalType.Double: hash.AppendData(MemoryMarshal.AsBytes(column.Doubles.AsSpan(0, values))); break;
                case PhysicalType.Boolean: hash.AppendData(column.Bytes.AsSpan(0, values)); break;
                default:
                    hash.AppendData(MemoryMarshal.AsBytes(column.Offsets.AsSpan(0, values + 1)));
                    hash.AppendData(column.Bytes.AsSpan(0, column.Offsets[values]));
                    break;
            }
        }
    }

    private static KafkaBatch Batch(byte[][] documents, Random random)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(documents.Sum(document => document.Length + 1) + KafkaBatch.Padding);
        random.NextBytes(buffer);
        var records = ArrayPool<KafkaRecord>.Shared.Rent(documents.Length);
        int position = 0;
        for (int i = 0; i < documents.Length; i++)
        {
            documents[i].CopyTo(buffer, position);
            records[i] = new KafkaRecord { Offset = i, ValueStart = position, ValueLength = documents[i].Length, KeyLength = -1 };
            position += documents[i].Length;
            if (random.Next(2) == 0)
            {
                buffer[position++] = 0;
            }
        }

        return new KafkaBatch(new TopicPartition("fuzz", 0), new OffsetRange(0, documents.Length), -1, buffer, records, documents.Length);
    }
}
