using System.Text;
using OrleansLake.Iceberg.Avro;
using OrleansLake.Testing.Iceberg;

namespace OrleansLake.Iceberg.Tests;

public sealed class AvroTests
{
    private static readonly AvroSchema Everything = AvroSchema.Record(
        "all",
        new AvroField("flag", AvroSchema.Boolean) { FieldId = 1 },
        new AvroField("number", AvroSchema.Optional(AvroSchema.Long)) { FieldId = 2 },
        new AvroField("half", AvroSchema.Float) { FieldId = 3 },
        new AvroField("whole", AvroSchema.Double) { FieldId = 4 },
        new AvroField("text", AvroSchema.String) { FieldId = 5 },
        new AvroField("bytes", AvroSchema.Optional(AvroSchema.Bytes)) { FieldId = 6 },
        new AvroField("list", new AvroSchema(AvroKind.Array) { Items = AvroSchema.Long, ElementId = 8 }) { FieldId = 7 });

    [Theory]
    [InlineData((int)AvroCodec.Null)]
    [InlineData((int)AvroCodec.Deflate)]
    [InlineData((int)AvroCodec.Zstandard)]
    public void Records_come_back_over_many_blocks(int codec)
    {
        var writer = new AvroContainerWriter(Everything, [new("key", "värde")], (AvroCodec)codec, Guid.NewGuid());
        for (int i = 0; i < 5000; i++)
        {
            writer.Append(Record(i));
        }

        var reader = new AvroContainerReader(writer.Finish(), "x");

        Assert.Equal("värde", reader.HeaderText("key"));
        int n = 0;
        foreach (var record in reader.ReadRecords())
        {
            var expected = Record(n);
            Assert.Equal(expected[..6], record[..6]);
            Assert.Equal(((long[])expected[6]!).Cast<object?>(), (List<object?>)record[6]!);
            n++;
        }

        Assert.Equal(5000, n);
    }

    /// <summary>However little is read at once: the head in parts, blocks larger than the window, several in one.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(100)]
    [InlineData(1000)]
    [InlineData(70_000)]
    [InlineData(10 << 20)]
    public async Task A_file_is_read_block_by_block_as_it_is_read_from_memory(int window)
    {
        var writer = new AvroContainerWriter(Everything, [new("key", new string('k', 3000))], AvroCodec.Deflate, Guid.NewGuid());
        for (int i = 0; i < 6000; i++)
        {
            writer.Append(Record(i));
        }

        var bytes = writer.Finish();
        var store = new InMemoryObjectStore();
        await store.TryCreateAsync("memory://x.avro", bytes, default);
        var stream = await AvroContainerStream.OpenAsync(store, "memory://x.avro", bytes.Length, default, window);
        var expected = new AvroContainerReader(bytes, "x").ReadRecords().ToList();
        int n = 0;
        await foreach (var record in stream.ReadRecordsAsync(default))
        {
            Assert.Equal(expected[n++][..6], record[..6]);
        }

        Assert.Equal(6000, n);
    }

    [Theory]
    [InlineData(64)]
    [InlineData(1 << 20)]
    public async Task A_file_in_a_store_that_is_cut_changed_or_of_another_size_is_refused(int window)
    {
        var writer = new AvroContainerWriter(Everything, [], AvroCodec.Null, Guid.NewGuid());
        for (int i = 0; i < 50; i++)
        {
            writer.Append(Record(i));
        }

        byte[] whole = writer.Finish().ToArray();
        var random = new Random(4);
        for (int i = 0; i < 1000; i++)
        {
            byte[] bytes = i % 3 == 0 ? whole[..random.Next(whole.Length)] : (byte[])whole.Clone();
            if (i % 3 == 1)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            var store = new InMemoryObjectStore();
            await store.TryCreateAsync("memory://x", bytes, default);
            int extra = i % 3 == 2 ? 1 + random.Next(100) : 0;
            try
            {
                int count = 0;
                await foreach (var _ in (await AvroContainerStream.OpenAsync(store, "memory://x", bytes.Length + extra, default, window)).ReadRecordsAsync(default))
                {
                    count++;
                }

                Assert.InRange(count, 0, 100);
                Assert.Equal(0, extra);
            }
            catch (IcebergFormatException e)
            {
                Assert.StartsWith("memory://x: ", e.Message);
            }
        }
    }

    [Fact]
    public void Snappy_blocks_are_read()
    {
        byte[] plain = Encoding.UTF8.GetBytes("\u0002a\u0002a\u0002a\u0002a\u0002a\u0002a\u0002a\u0002a");
        byte[] compressed = [.. Snappier.Snappy.CompressToArray(plain), 0, 0, 0, 0];
        byte[] sync = new byte[16];
        byte[] file =
        [
            .. "Obj\u0001"u8, 4, .. Text("avro.schema"), .. Text("""{"type":"record","name":"r","fields":[{"name":"a","type":"string"}]}"""),
            .. Text("avro.codec"), .. Text("snappy"), 0, .. sync, 16, (byte)(compressed.Length * 2), .. compressed, .. sync,
        ];
        Assert.Equal(Enumerable.Repeat<object?>("a", 8), new AvroContainerReader(file, "x").ReadRecords().Select(record => record[0]));
    }

    [Fact]
    public void Files_cut_or_changed_anywhere_are_refused_or_read_in_bounded_time()
    {
        var writer = new AvroContainerWriter(Everything, [], AvroCodec.Null, Guid.NewGuid());
        for (int i = 0; i < 50; i++)
        {
            writer.Append(Record(i));
        }

        byte[] whole = writer.Finish().ToArray();
        var random = new Random(3);
        for (int i = 0; i < 5000; i++)
        {
            byte[] bytes = i % 3 == 0 ? whole[..random.Next(whole.Length)] : (byte[])whole.Clone();
            for (int change = 0; i % 3 != 0 && change < 1 + (i % 4); change++)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            try
            {
                Assert.InRange(new AvroContainerReader(bytes, "x").ReadRecords().Count(), 0, 100);
            }
            catch (IcebergFormatException e)
            {
                Assert.StartsWith("x: ", e.Message);
            }
        }
    }

    [Theory]
    [InlineData("""{"type":"record","name":"r","fields":[{"name":"a","type":"r"}]}""")]
    [InlineData("""{"type":"record","name":"r","fields":[{"name":"a","type":{"type":"array","items":"null"}}]}""")]
    [InlineData("""{"type":"record","name":"r","fields":[]}""")]
    public void Schemas_that_contain_themselves_or_take_no_bytes_do_not_run_away(string schema)
    {
        byte[] huge = [0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01];
        byte[] sync = new byte[16];
        byte[] file = [.. "Obj\u0001"u8, 2, .. Text("avro.schema"), .. Text(schema), 0, .. sync, .. huge, 20, .. huge, .. sync];
        Assert.Throws<IcebergFormatException>(() => new AvroContainerReader(file, "x").ReadRecords().Count());
    }

    [Theory]
    [InlineData("id", "id")]
    [InlineData("9lives", "_9lives")]
    [InlineData("na me", "na_x20me")]
    [InlineData("a.b", "a_x2Eb")]
    public void Names_that_Avro_does_not_allow_are_made_safe(string name, string safe) => Assert.Equal(safe, AvroName.Safe(name));

    private static object?[] Record(int i) =>
        [i % 2 == 0, i % 3 == 0 ? null : (long)i << (i % 50), i * 0.5f, -i * 1.25, new string('é', i % 7), i % 5 == 0 ? null : new byte[i % 11], new long[] { i, -i, long.MinValue }];

    private static byte[] Text(string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        int length = bytes.Length * 2;
        return length < 128 ? [(byte)length, .. bytes] : [(byte)(length | 0x80), (byte)(length >> 7), .. bytes];
    }
}
