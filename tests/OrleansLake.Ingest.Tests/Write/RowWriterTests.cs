using System.Globalization;
using System.IO.Compression;
using System.Text;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Commit;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Ingest.Read;
using OrleansLake.Ingest.Tests.Decode;
using OrleansLake.Testing;
using static OrleansLake.Ingest.Tests.Decode.Decoding;

namespace OrleansLake.Ingest.Tests.Write;

public sealed class RowWriterTests
{
    internal static readonly NestedField[] Events =
    [
        Optional(1, "id", new LongType()),
        Optional(2, "user", new StringType()),
        Optional(3, "at", new TimestampType(WithZone: true)),
        Optional(4, "tags", new ListType(5, new StringType(), ElementRequired: false)),
        Optional(6, "price", new DecimalType(20, 4)),
        Optional(7, "inner", new StructType([Optional(8, "kind", new StringType()), Optional(9, "score", new DoubleType())])),
    ];

    [Fact]
    public async Task Records_come_back_as_rows_of_the_table()
    {
        await using var table = await TableFixture.CreateAsync(Events);
        string[] documents = [.. Enumerable.Range(0, 5000).Select(i =>
            $"{{\"id\":{i},\"user\":\"user-{i % 37}\",\"at\":\"2024-0{1 + (i % 9)}-11T10:11:12.{i:D6}+00:00\",\"tags\":[{string.Join(',', Enumerable.Repeat("\"t\"", i % 4))}],\"price\":{i}.2500,\"inner\":{{\"kind\":\"k\",\"score\":0.5}}}}")];
        await using var writer = table.Open();
        using var batch = TableFixture.Batch(documents);
        var appended = writer.Append(batch);
        Assert.Equal((5000, 0), (appended.Rows, appended.Rejected));
        Assert.True(writer.BufferedBytes > 0 && writer.LargestFileBytes > 0);
        var files = await writer.CloseAsync(default);
        var file = Assert.Single(files.Files);
        Assert.Empty(files.DeadLetterFiles);
        Assert.Equal(5000, file.RecordCount);
        Assert.Equal(new FileInfo(file.FilePath).Length, file.FileSizeBytes);
        Assert.Matches(@"/data/00000-1-[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}-00001\.parquet$", file.FilePath);
        await table.CommitAsync(files);
        Assert.Equal(documents, await table.TextsAsync(table.Table));
        Assert.Equal(10, (await table.RowsAsync(table.Table, limit: 10)).Count);
    }

    [Fact]
    public async Task Each_table_partition_has_one_file_with_its_rows_whatever_the_transforms()
    {
        Transform[] transforms = [new Transform.Day(), new Transform.Hour(), new Transform.Month(), new Transform.Year(), new Transform.Identity(), new Transform.Bucket(7), new Transform.Truncate(3), new Transform.Void()];
        NestedField[] fields =
        [
            Optional(1, "i", new IntegerType()),
            Optional(2, "l", new LongType()),
            Optional(3, "s", new StringType()),
            Optional(4, "d", new DateType()),
            Optional(5, "t", new TimestampType(WithZone: false)),
            Optional(6, "dec", new DecimalType(9, 2)),
            Optional(7, "big", new DecimalType(30, 3)),
            Optional(8, "b", new BinaryType()),
            Optional(9, "u", new UuidType()),
            Optional(10, "f", new FixedType(3)),
            Optional(11, "flag", new BooleanType()),
            Optional(12, "dbl", new DoubleType()),
            Optional(13, "time", new TimeType()),
            Required(14, "inner", new StructType([Optional(15, "x", new LongType())])),
        ];
        var random = new Random(5);
        string?[] documents = [.. Enumerable.Range(0, 400).Select(i =>
        {
            string Maybe(string value) => random.Next(9) == 0 ? "null" : value;
            byte[] bytes = new byte[3];
            random.NextBytes(bytes);
            return $"{{\"i\":{Maybe($"{random.Next(-9, 9)}")},\"l\":{Maybe($"{random.NextInt64(-20, 20)}")},\"s\":{Maybe($"\"{"abcdé😀"[..random.Next(6)].TrimEnd('\uD83D')}\"")},"
                + $"\"d\":{Maybe($"\"19{random.Next(68, 72)}-0{random.Next(1, 10)}-1{random.Next(10)}\"")},\"t\":{Maybe($"\"19{random.Next(69, 71)}-12-31T2{random.Next(4)}:59:59.999999\"")},"
                + $"\"dec\":{Maybe($"{random.Next(-500, 500)}e-2")},\"big\":{Maybe($"{random.Next(-9, 9)}.5")},\"b\":{Maybe($"\"{Convert.ToBase64String(bytes[..random.Next(4)])}\"")},"
                + $"\"u\":{Maybe($"\"00000000-0000-0000-0000-00000000000{random.Next(9)}\"")},\"f\":{Maybe($"\"{Convert.ToBase64String([bytes[0], 0, 0])}\"")},\"flag\":{Maybe(random.Next(2) == 0 ? "true" : "false")},"
                + $"\"dbl\":{Maybe($"{random.Next(3)}.5")},\"time\":{Maybe($"\"0{random.Next(9)}:00:00.000000\"")},\"inner\":{{\"x\":{Maybe($"{random.Next(3)}")}}}}}";
        })];
        var leaves = new Schema { SchemaId = 0, Fields = fields }.AllFields().Where(field => field.Type is PrimitiveType).ToList();
        foreach (var source in leaves)
        {
            foreach (var transform in transforms.Where(t => t.AppliesTo(source.Type)))
            {
                await using var table = await TableFixture.CreateAsync(fields, [new PartitionField(1000, "p", [source.Id], transform)], inMemory: true);
                await using var writer = table.Open();
                using var batch = TableFixture.Batch(documents);
                Assert.Equal(documents.Length, writer.Append(batch).Rows);
                var written = await writer.CloseAsync(default);
                Assert.Equal(written.Files.Select(f => f.Partition).Distinct().Count(), written.Files.Count);
                var expected = new Dictionary<string, List<string>>();
                var reference = table.Table.Metadata.CurrentSchema;
                foreach (string? document in documents)
                {
                    string row = ReferenceDecoder.Row(Encoding.UTF8.GetBytes(document!), reference)!;
                    string key = Key(transform.Apply(source.Type, SourceValue(row, reference.FindPath(source.Id)!, source.Type)));
                    (expected.TryGetValue(key, out var rows) ? rows : expected[key] = []).Add(row);
                }

                Assert.Equal(expected.Keys.Order(), written.Files.Select(f => Key(f.Partition.Values[0])).Order());
                foreach (var file in written.Files)
                {
                    var rows = expected[Key(file.Partition.Values[0])];
                    Assert.Equal(rows.Count, file.RecordCount);
                    Assert.Equal(rows, await RowsOfAsync(table.Table.Store, file, reference));
                }
            }
        }
    }

    [Fact]
    public async Task Partitions_of_several_fields_are_told_apart()
    {
        await using var table = await TableFixture.CreateAsync(
            Events,
            [new PartitionField(1000, "user", [2], new Transform.Identity()), new PartitionField(1001, "at_day", [3], new Transform.Day()), new PartitionField(1002, "id_bucket", [1], new Transform.Bucket(4))]);
        string[] documents = [.. Enumerable.Range(0, 3000).Select(i => $"{{\"id\":{i % 10},\"user\":\"u {i % 3}/x\",\"at\":\"2024-01-{1 + (i / 1000):D2}T10:00:00Z\"}}")];
        await using var writer = table.Open();
        using var batch = TableFixture.Batch(documents);
        writer.Append(batch);
        writer.Append(batch);
        var files = (await writer.CloseAsync(default)).Files;
        Assert.Equal(6000, files.Sum(f => f.RecordCount));
        Assert.Equal(files.Count, files.Select(f => f.Partition).Distinct().Count());
        Assert.Contains(files, f => f.FilePath.Contains("/data/user=u+1%2Fx/at_day=2024-01-02/id_bucket=", StringComparison.Ordinal));
        Assert.All(files, f => Assert.Equal(3, f.Partition.Values.Count));
    }

    [Fact]
    public async Task Rejected_records_are_dead_letters_byte_for_byte()
    {
        await using var table = await TableFixture.CreateAsync([Required(1, "id", new LongType())]);
        byte[] bad = [(byte)'{', 0xFF, 0x00, (byte)'}'];
        var headers = new byte[KafkaHeaders.SizeOf("trace", "abc"u8)];
        KafkaHeaders.Write(headers, "trace", "abc"u8, isNull: false);
        byte[]?[] values = ["{\"id\":1}"u8.ToArray(), bad, null, "{\"id\":\"x\"}"u8.ToArray(), [], "{\"id\":2}"u8.ToArray()];
        using var batch = WithKeys(values, "key"u8.ToArray(), headers);
        await using var writer = table.Open();
        var appended = writer.Append(batch, "id of events");
        Assert.Equal((2, 4), (appended.Rows, appended.Rejected));
        var files = await writer.CloseAsync(default);
        Assert.Equal(4, files.DeadLetterFiles.Sum(f => f.RecordCount));
        await table.CommitAsync(files);
        Assert.Equal(["""{"id":1}""", """{"id":2}"""], await table.TextsAsync(table.Table));
        var letters = (await table.RowsAsync(table.DeadLetters)).OrderBy(row => row.GetProperty("offset").GetInt64()).ToList();
        Assert.Equal([101, 102, 103, 104], letters.Select(row => row.GetProperty("offset").GetInt64()));
        Assert.Equal(["malformed-json", "null-value", "wrong-type", "empty-value"], letters.Select(row => row.GetProperty("error_class").GetString()));
        Assert.Equal(bad, letters[0].GetProperty("value").GetBytesFromBase64());
        Assert.Equal(System.Text.Json.JsonValueKind.Null, letters[1].GetProperty("value").ValueKind);
        Assert.Equal("", letters[3].GetProperty("value").GetString());
        Assert.Equal("id", letters[2].GetProperty("json_path").GetString());
        Assert.Equal("expected long, got \"x\"", letters[2].GetProperty("message").GetString());
        Assert.All(letters, row =>
        {
            Assert.Equal("key"u8.ToArray(), row.GetProperty("key").GetBytesFromBase64());
            Assert.Equal(headers, row.GetProperty("headers").GetBytesFromBase64());
            Assert.Equal("events", row.GetProperty("topic").GetString());
            Assert.Equal(3, row.GetProperty("partition").GetInt32());
            Assert.Equal("events", row.GetProperty("pipeline").GetString());
            Assert.StartsWith("2023-11-14T22:13:20.00", row.GetProperty("timestamp").GetString());
        });

        Assert.All(letters, row => Assert.Equal(("g1", "id of events"), (row.GetProperty("generation").GetString(), row.GetProperty("topic_id").GetString())));
        var query = new DeadLetterQuery("events", "g1", "id of events", new TopicPartition("events", 3), 0);
        Assert.Equal([101, 102, 103, 104], await KnownAsync(query));
        Assert.Equal([103, 104], await KnownAsync(query with { From = 103 }));
        Assert.Empty(await KnownAsync(query with { From = 105 }));
        Assert.Empty(await KnownAsync(query with { TopicPartition = new TopicPartition("events", 2) }));
        Assert.Empty(await KnownAsync(query with { TopicPartition = new TopicPartition("event", 3) }));
        Assert.Empty(await KnownAsync(query with { Pipeline = "other" }));
        Assert.Empty(await KnownAsync(query with { Generation = "g2" }));
        Assert.Empty(await KnownAsync(query with { TopicId = "another id of events" }));
        Assert.Empty(await KnownAsync(query with { TopicId = null }));

        Task<IReadOnlyList<long>> KnownAsync(DeadLetterQuery asked) => new DeadLetterOffsets().ReadAsync(table.DeadLetters, asked, default);
    }

    [Fact]
    public async Task A_writer_that_is_disposed_of_leaves_no_file()
    {
        await using var table = await TableFixture.CreateAsync(Events, [new PartitionField(1000, "user", [2], new Transform.Identity())]);
        using var batch = TableFixture.Batch("{\"user\":\"a\"}", "{\"user\":\"b\"}", "{\"user\":1}");
        var open = table.Open();
        open.Append(batch);
        await open.DisposeAsync();
        Assert.Empty(table.FilesOnDisk());
        var closed = table.Open();
        closed.Append(batch);
        await closed.CloseAsync(default);
        Assert.Equal(3, table.FilesOnDisk().Length);
        await closed.DisposeAsync();
        Assert.DoesNotContain(table.FilesOnDisk("*"), path => path.Contains("/data/", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Files_roll_over_at_the_target_size()
    {
        await using var table = await TableFixture.CreateAsync(Events, properties: new() { ["write.target-file-size-bytes"] = "20000", ["write.parquet.compression-codec"] = "uncompressed", ["write.parquet.row-group-size-bytes"] = "5000" });
        await using var writer = table.Open();
        var random = new Random(2);
        for (int i = 0; i < 20; i++)
        {
            using var batch = TableFixture.Batch([.. Enumerable.Range(0, 500).Select(_ => $"{{\"id\":{random.NextInt64()}}}")]);
            writer.Append(batch);
        }

        var files = await writer.CloseAsync(default);
        Assert.InRange(files.Files.Count, 3, 6);
        Assert.Equal(10_000, files.Files.Sum(f => f.RecordCount));
        Assert.Equal(files.Files.Count, files.Files.Select(f => f.FilePath).Distinct().Count());
        Assert.All(files.Files, f => Assert.True(f.SplitOffsets!.Count >= 1 && f.SplitOffsets[0] == 4));
        await table.CommitAsync(files);
        Assert.Equal(10_000, (await table.RowsAsync(table.Table)).Count);
    }

    [Fact]
    public async Task A_second_writer_of_the_same_schema_takes_over_what_the_first_prepared()
    {
        await using var table = await TableFixture.CreateAsync(Events, inMemory: true);
        using var batch = TableFixture.Batch("{\"id\":1,\"extra\":true}", "{\"id\":\"x\"}");
        var names = new List<string>();
        for (int round = 1; round <= 3; round++)
        {
            // Not disposed of: its files are in the table.
            var writer = table.Open();
            var appended = writer.Append(batch);
            Assert.Equal((1, 1), (appended.Rows, appended.Rejected));
            var files = await writer.CloseAsync(default);
            names.AddRange(files.Files.Concat(files.DeadLetterFiles).Select(file => file.FilePath));
            await table.CommitAsync(files);
            Assert.Throws<ObjectDisposedException>(() => writer.Append(batch));
            Assert.Equal(round, (await table.RowsAsync(table.Table)).Count);
            Assert.Equal(round, table.Factory.Counts.Unknown["extra"]);
        }

        Assert.Equal(6, names.Count);
        Assert.Equal(names.Count, names.Distinct().Count());
    }

    [Fact]
    public async Task Properties_that_make_no_sense_are_refused_with_their_name()
    {
        foreach (var (name, value) in new[] { ("write.parquet.compression-codec", "zip"), ("write.target-file-size-bytes", "big"), ("write.metadata.metrics.default", "truncate(0)") })
        {
            await using var table = await TableFixture.CreateAsync(Events, properties: new() { [name] = value });
            Assert.Contains(name, Assert.Throws<FormatException>(table.Open).Message);
        }
    }

    [Fact]
    public async Task Columns_that_the_table_gained_or_lost_since_a_file_was_written_read_as_null_or_not_at_all()
    {
        await using var table = await TableFixture.CreateAsync(Events);
        await using var writer = table.Open();
        using var batch = TableFixture.Batch("""{"id":1,"tags":["a",null],"inner":{"kind":"k","score":1}}""", """{"id":2,"inner":null,"tags":[]}""");
        writer.Append(batch);
        await table.CommitAsync(await writer.CloseAsync(default));
        int IdOf(string path) => table.Table.Metadata.CurrentSchema.FindField(path)!.Id;
        var later = new Schema
        {
            SchemaId = 1,
            Fields =
            [
                Optional(20, "new", new ListType(21, new LongType(), ElementRequired: false)),
                Optional(IdOf("inner"), "renamed", new StructType([Optional(IdOf("inner.score"), "points", new DoubleType()), Optional(22, "added", new StringType())])),
                Optional(IdOf("id"), "number", new LongType()),
            ],
        };
        var rows = new List<string>();
        await foreach (var row in TableRows.ReadAsync(table.Table, table.Table.Metadata.FindRef("main"), later))
        {
            rows.Add(Encoding.UTF8.GetString(row.Span));
        }

        Assert.Equal(["""{"new":null,"renamed":{"points":1,"added":null},"number":1}""", """{"new":null,"renamed":null,"number":2}"""], rows);
    }

    [Fact]
    public async Task Metrics_say_what_is_in_the_file()
    {
        await using var table = await TableFixture.CreateAsync(
        [
            Optional(1, "l", new LongType()), Optional(2, "s", new StringType()), Optional(3, "dec", new DecimalType(9, 2)), Optional(4, "big", new DecimalType(38, 2)),
            Optional(5, "d", new DoubleType()), Optional(6, "list", new ListType(7, new LongType(), ElementRequired: false)), Optional(8, "none", new LongType()), Optional(9, "u", new UuidType()),
            Optional(10, "full", new StringType()), Optional(11, "counts", new StringType()), Optional(12, "nothing", new StringType()), Optional(13, "b", new BinaryType()),
        ],
        properties: new()
        {
            ["write.metadata.metrics.column.full"] = "full",
            ["write.metadata.metrics.column.counts"] = "counts",
            ["write.metadata.metrics.column.nothing"] = "none",
        });
        string text = "😀éééééééééééééé" + "zz";
        await using var writer = table.Open();
        using var batch = TableFixture.Batch(
            $"{{\"l\":-5,\"s\":\"{text}\",\"dec\":-1.28,\"big\":1.28,\"d\":-0.5,\"list\":[1,2,3],\"u\":\"f47ac10b-58cc-4372-a567-0e02b2c3d479\",\"full\":\"{text}\",\"counts\":\"x\",\"nothing\":\"x\",\"b\":\"{Convert.ToBase64String([.. Enumerable.Repeat((byte)0xFF, 20)])}\"}}",
            "{\"l\":7,\"list\":[]}");
        writer.Append(batch);
        var file = (await writer.CloseAsync(default)).Files[0];
        var ids = table.Table.Metadata.CurrentSchema.AllFields().ToDictionary(f => f.Name == "element" ? "list.element" : f.Name, f => f.Id);
        Assert.Equal(-5L, SingleValue.FromBytes(new LongType(), file.LowerBounds![ids["l"]]));
        Assert.Equal(7L, SingleValue.FromBytes(new LongType(), file.UpperBounds![ids["l"]]));
        Assert.Equal(text[..17], SingleValue.FromBytes(new StringType(), file.LowerBounds[ids["s"]]));
        Assert.Equal("😀éééééééééééééé{", SingleValue.FromBytes(new StringType(), file.UpperBounds[ids["s"]]));
        Assert.Equal(text, SingleValue.FromBytes(new StringType(), file.UpperBounds[ids["full"]]));
        Assert.Equal([0x80], file.LowerBounds[ids["dec"]]);
        Assert.Equal([0x00, 0x80], file.UpperBounds[ids["big"]]);
        Assert.False(file.LowerBounds.ContainsKey(ids["counts"]) || file.LowerBounds.ContainsKey(ids["u"]) || file.LowerBounds.ContainsKey(ids["list.element"]) || file.LowerBounds.ContainsKey(ids["none"]));
        Assert.False(file.UpperBounds.ContainsKey(ids["b"]));
        Assert.True(file.LowerBounds.ContainsKey(ids["b"]));
        Assert.Equal(2, file.ValueCounts![ids["l"]]);
        Assert.Equal(2, file.NullValueCounts![ids["none"]]);
        Assert.Equal(4, file.ValueCounts[ids["list.element"]]);
        Assert.Equal(1, file.ValueCounts[ids["counts"]] - file.NullValueCounts[ids["counts"]]);
        Assert.False(file.ValueCounts.ContainsKey(ids["nothing"]));
        Assert.Equal(0, file.NanValueCounts![ids["d"]]);
        Assert.True(file.ColumnSizes!.Values.Sum() < file.FileSizeBytes && file.ColumnSizes.ContainsKey(ids["nothing"]));
        using var reader = File.OpenRead(file.FilePath);
        var footer = Parquet.ParquetReader.Open(reader).Footer;
        Assert.Equal(SchemaJson.Write(table.Table.Metadata.CurrentSchema), footer.KeyValueMetadata["iceberg.schema"]);
    }

    [Fact]
    public async Task The_events_of_2015_are_in_the_table_as_they_are_in_the_file()
    {
        string? source = SharedData.Find("github-events.ndjson.gz");
        Assert.SkipWhen(source is null, "shared/data is absent");
        await using var table = await TableFixture.CreateAsync(
            [Optional(1, "type", new StringType()), Optional(2, "actor_login", new StringType()), Optional(3, "repo_name", new StringType()), Optional(4, "n_commits", new LongType()), Optional(5, "time", new TimestampType(WithZone: true))],
            [new PartitionField(1000, "time_day", [5], new Transform.Day())]);
        using var gzip = new StreamReader(new GZipStream(File.OpenRead(source!), CompressionMode.Decompress));
        string[] lines = gzip.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        await using var writer = table.Open();
        foreach (string[] chunk in lines.Chunk(10_000))
        {
            using var batch = TableFixture.Batch(chunk);
            Assert.Equal(0, writer.Append(batch).Rejected);
        }

        var files = await writer.CloseAsync(default);
        await table.CommitAsync(files);
        long rows = 0, commits = 0, absent = 0;
        var actors = new HashSet<string>();
        foreach (var row in await table.RowsAsync(table.Table))
        {
            rows++;
            actors.Add(row.GetProperty("actor_login").GetString()!);
            if (row.GetProperty("n_commits") is { ValueKind: System.Text.Json.JsonValueKind.Number } number)
            {
                commits += number.GetInt64();
            }
            else
            {
                absent++;
            }
        }

        var expected = lines.Select(line => System.Text.Json.JsonDocument.Parse(line).RootElement).ToList();
        Assert.Equal(198_024, rows);
        Assert.Equal(expected.Sum(e => e.TryGetProperty("n_commits", out var n) ? n.GetInt64() : 0), commits);
        Assert.Equal(expected.Count(e => !e.TryGetProperty("n_commits", out _)), absent);
        Assert.Equal(expected.Select(e => e.GetProperty("actor_login").GetString()).Distinct().Count(), actors.Count);
        Assert.Equal(expected.Select(e => e.GetProperty("time").GetString()![..10]).Distinct().Count(), files.Files.Count);
    }

    private static string Key(object? value) => value switch
    {
        null => "null",
        byte[] bytes => Convert.ToHexString(bytes),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };

    private static object? SourceValue(string row, string path, IcebergType type)
    {
        var value = System.Text.Json.JsonDocument.Parse(row).RootElement;
        foreach (string name in path.Split('.'))
        {
            value = value.GetProperty(name);
        }

        if (value.ValueKind == System.Text.Json.JsonValueKind.Null)
        {
            return null;
        }

        return type switch
        {
            IntegerType => value.GetInt32(),
            LongType => value.GetInt64(),
            StringType => value.GetString(),
            BooleanType => value.GetBoolean(),
            DoubleType => value.GetDouble(),
            UuidType => value.GetGuid(),
            FixedType or BinaryType => value.GetBytesFromBase64(),
            DecimalType x => new Decimal128((Int128)decimal.Round(value.GetDecimal() * (decimal)Math.Pow(10, x.Scale)), x.Scale),
            DateType => DateOnly.Parse(value.GetString()!, CultureInfo.InvariantCulture).DayNumber - new DateOnly(1970, 1, 1).DayNumber,
            TimeType => TimeOnly.Parse(value.GetString()!, CultureInfo.InvariantCulture).Ticks / 10,
            TimestampType => (DateTime.Parse(value.GetString()!, CultureInfo.InvariantCulture) - DateTime.UnixEpoch).Ticks / 10,
            _ => throw new InvalidOperationException(type.ToString()),
        };
    }

    private static async Task<List<string>> RowsOfAsync(IObjectStore store, DataFile file, Schema schema)
    {
        var reader = Parquet.ParquetReader.Open((await store.ReadAsync(file.FilePath, default)).ToArray());
        var rows = new List<string>();
        foreach (var batch in reader.Read())
        {
            var json = new RowJson(schema, batch.Schema);
            json.Attach(batch);
            for (int row = 0; row < batch.RowCount; row++)
            {
                using var memory = new MemoryStream();
                using (var writer = new System.Text.Json.Utf8JsonWriter(memory, Relaxed))
                {
                    json.WriteRow(writer);
                }

                rows.Add(Encoding.UTF8.GetString(memory.ToArray()));
            }
        }

        return rows;
    }

    private static KafkaBatch WithKeys(byte[]?[] values, byte[] key, byte[] headers)
    {
        using var plain = Batch(values, [0]);
        byte[] buffer = System.Buffers.ArrayPool<byte>.Shared.Rent(plain.Buffer.Length + key.Length + headers.Length);
        plain.Buffer.CopyTo(buffer, 0);
        key.CopyTo(buffer, plain.Buffer.Length);
        headers.CopyTo(buffer, plain.Buffer.Length + key.Length);
        var records = System.Buffers.ArrayPool<KafkaRecord>.Shared.Rent(values.Length);
        plain.Records.CopyTo(records);
        for (int i = 0; i < values.Length; i++)
        {
            (records[i].KeyStart, records[i].KeyLength) = (plain.Buffer.Length, key.Length);
            (records[i].HeadersStart, records[i].HeadersLength) = (plain.Buffer.Length + key.Length, headers.Length);
        }

        return new KafkaBatch(plain.TopicPartition, plain.Range, -1, buffer, records, values.Length);
    }
}
