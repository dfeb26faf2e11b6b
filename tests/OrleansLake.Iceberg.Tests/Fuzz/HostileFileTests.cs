using System.Diagnostics;
using System.IO.Compression;
using System.Text;
using OrleansLake.Iceberg.Avro;
using OrleansLake.Iceberg.Puffin;
using OrleansLake.Testing.Iceberg;

namespace OrleansLake.Iceberg.Tests.Fuzz;

/// <summary>Files that were made to do harm: small, and asking for all the memory or time there is.</summary>
public sealed class HostileFileTests
{
    private const long MostBytes = 150 << 20;
    private static readonly TimeSpan MostTime = TimeSpan.FromSeconds(10);

    [Fact]
    public void A_record_of_records_of_nothing_does_not_fill_the_memory()
    {
        // Ten fields of ten fields of …: one byte of data, 10^12 values.
        var schema = new StringBuilder("""{"type":"record","name":"r0","fields":[{"name":"n","type":"null"}]}""");
        for (int level = 1; level <= 12; level++)
        {
            string below = schema.ToString();
            schema.Clear().Append($$"""{"type":"record","name":"r{{level}}","fields":[{"name":"f0","type":{{below}}}""");
            for (int i = 1; i < 10; i++)
            {
                schema.Append($$""",{"name":"f{{i}}","type":"r{{level - 1}}"}""");
            }

            schema.Append("]}");
        }

        Refused(() => ReadAll(Avro("""{"type":"record","name":"top","fields":[{"name":"i","type":"int"},{"name":"bomb","type":""" + schema + "}]}", count: 1, [2])));
    }

    [Fact]
    public void The_size_of_a_record_that_holds_itself_many_times_is_found_at_once()
    {
        string fields = string.Join(',', Enumerable.Range(0, 100).Select(i => $$"""{"name":"f{{i}}","type":["null","r"]},{"name":"g{{i}}","type":"r"}"""));
        Refused(() => ReadAll(Avro($$"""{"type":"record","name":"r","fields":[{{fields}}]}""", count: 1, [2])));
    }

    [Fact]
    public void Records_and_arrays_that_take_no_bytes_are_not_counted_out()
    {
        Refused(() => ReadAll(Avro("""{"type":"record","name":"r","fields":[{"name":"n","type":"null"}]}""", count: 1_000_000, [])));
        byte[] million = Varint(1_000_000);
        byte[] arrays = [.. Varint(100_000), .. Enumerable.Range(0, 100_000).SelectMany(_ => (byte[])[.. million, 0]), 0];
        Refused(() => ReadAll(Avro("""{"type":"record","name":"r","fields":[{"name":"a","type":{"type":"array","items":{"type":"array","items":"null"}}}]}""", count: 1, arrays)));
    }

    [Theory]
    [InlineData("deflate")]
    [InlineData("zstandard")]
    [InlineData("snappy")]
    public void A_block_that_unpacks_to_hundreds_of_times_its_size_is_refused(string codec)
    {
        byte[] zeros = new byte[60 << 20];
        byte[] packed;
        using (var output = new MemoryStream())
        {
            if (codec == "deflate")
            {
                using (var deflate = new DeflateStream(output, CompressionLevel.Optimal, leaveOpen: true))
                {
                    deflate.Write(zeros);
                }

                packed = output.ToArray();
            }
            else if (codec == "zstandard")
            {
                using var zstd = new ZstdSharp.Compressor(1);
                packed = zstd.Wrap(zeros).ToArray();
            }
            else
            {
                // The length alone: five bytes that promise 2 GB.
                packed = [0xFF, 0xFF, 0xFF, 0xFF, 0x07, 0, 0, 0, 0, 0];
            }
        }

        Refused(() => ReadAll(Avro("""{"type":"record","name":"r","fields":[{"name":"b","type":"boolean"}]}""", count: zeros.Length, packed, codec)));
    }

    [Fact]
    public async Task Metadata_that_unpack_to_a_thousand_times_their_size_are_refused()
    {
        using var output = new MemoryStream();
        using (var gzip = new GZipStream(output, CompressionLevel.Optimal, leaveOpen: true))
        {
            gzip.Write(Encoding.UTF8.GetBytes("{\"format-version\": 2,"));
            byte[] spaces = Encoding.ASCII.GetBytes(new string(' ', 1 << 20));
            for (int i = 0; i < 64; i++)
            {
                gzip.Write(spaces);
            }
        }

        var store = new InMemoryObjectStore();
        await store.TryCreateAsync("memory://m/v1.gz.metadata.json", output.ToArray(), default);
        Refused(() => MetadataFile.ReadAsync(store, "memory://m/v1.gz.metadata.json", default).GetAwaiter().GetResult());
    }

    [Theory]
    [InlineData("{\"a\":")]
    [InlineData("[")]
    public void Nesting_without_end_is_refused(string opening)
    {
        byte[] deep = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat(opening, 2_000_000)));
        Refused(() => TableMetadataJson.Read(deep, "deep.metadata.json"));
        Refused(() => SchemaJson.Read(deep, "deep schema"));
        Refused(() => ReadAll(Avro(Encoding.ASCII.GetString(deep), count: 1, [2])));
    }

    [Fact]
    public void A_schema_of_five_hundred_levels_ends_one_way_or_the_other()
    {
        string type = "\"int\"";
        for (int i = 1; i <= 240; i++)
        {
            type = $$"""{"type":"list","element-id":{{i}},"element-required":false,"element":{{type}}}""";
        }

        var schema = SchemaJson.Read(Encoding.UTF8.GetBytes($$"""{"type":"struct","schema-id":0,"fields":[{"id":1000,"name":"deep","required":false,"type":{{type}}}]}"""), "deep");
        Assert.Equal(SchemaJson.Write(schema), SchemaJson.Write(SchemaJson.Read(Encoding.UTF8.GetBytes(SchemaJson.Write(schema)), "again")));
    }

    [Fact]
    public void Snapshots_that_descend_from_themselves_are_refused()
    {
        var metadata = TableMetadataCreation.Create(TestTables.Creation(), "memory://t", Guid.NewGuid(), DateTimeOffset.UnixEpoch);
        var cycle = metadata with
        {
            LastSequenceNumber = 3,
            Snapshots = [.. new (long Id, long Parent)[] { (1, 3), (2, 1), (3, 2) }
                .Select(one => new Snapshot { SnapshotId = one.Id, ParentSnapshotId = one.Parent, TimestampMs = one.Id, SequenceNumber = one.Id, ManifestList = "memory://l", Summary = new Dictionary<string, string> { ["operation"] = "append" } })],
        };
        var refused = Refused(() => TableMetadataJson.Read(TableMetadataJson.Write(cycle), "cycle.metadata.json"));
        Assert.Contains("cycle.metadata.json", refused.Message);
        Assert.Contains("itself", refused.Message);
    }

    [Theory]
    [InlineData("\"mystery\": \"\\ud800\"")]
    [InlineData("\"mystery\": {\"a\": [1, \"\\udc00\"]}")]
    [InlineData("\"mystery\": {\"\\ud800\": 1}")]
    public void Text_that_is_no_Unicode_is_refused_where_nobody_reads_it_since_nobody_could_write_it(string member)
    {
        var metadata = TableMetadataCreation.Create(TestTables.Creation(), "memory://t", Guid.NewGuid(), DateTimeOffset.UnixEpoch);
        string json = Encoding.UTF8.GetString(TableMetadataJson.Write(metadata));
        byte[] hostile = Encoding.UTF8.GetBytes(json[..^1] + "," + member + "}");
        Assert.Contains("Unicode", Refused(() => TableMetadataJson.Read(hostile, "surrogate.metadata.json")).Message);
    }

    [Fact]
    public void A_place_with_a_name_of_a_megabyte_is_told_in_short()
    {
        string name = new('n', 1 << 20);
        var refused = Refused(() => SchemaJson.Read(Encoding.UTF8.GetBytes("""{"type":"struct","fields":[{"id":1,"name":"x","required":true,"type":{"type":"NAME"}}]}""".Replace("NAME", name)), "long schema"));
        Assert.StartsWith("long schema: ", refused.Message);
        var metadata = TableMetadataCreation.Create(TestTables.Creation(), "memory://t", Guid.NewGuid(), DateTimeOffset.UnixEpoch);
        string json = Encoding.UTF8.GetString(TableMetadataJson.Write(metadata)).Replace("\"properties\":{", $"\"properties\":{{\"{name}\":[]");
        Refused(() => TableMetadataJson.Read(Encoding.UTF8.GetBytes(json), "long.metadata.json"));
    }

    [Fact]
    public async Task A_statistics_file_that_promises_more_than_it_holds_is_refused()
    {
        var store = new InMemoryObjectStore();
        byte[] bomb;
        using (var zstd = new ZstdSharp.Compressor(1))
        {
            bomb = zstd.Wrap(new byte[60 << 20]).ToArray();
        }

        await using (var output = store.OpenWrite("memory://p/bomb.puffin"))
        {
            string footer = $$"""{"blobs":[{"type":"t","fields":[1],"snapshot-id":1,"sequence-number":1,"offset":4,"length":{{bomb.Length}},"compression-codec":"zstd"}]}""";
            byte[] payload = Encoding.UTF8.GetBytes(footer);
            await output.WriteAsync((byte[])[.. "PFA1"u8, .. bomb, .. "PFA1"u8, .. payload, .. BitConverter.GetBytes(payload.Length), 0, 0, 0, 0, .. "PFA1"u8]);
            await output.CompleteAsync(default);
        }

        var reader = await PuffinReader.OpenAsync(store, "memory://p/bomb.puffin", default);
        Refused(() => reader.ReadBlobAsync(reader.Blobs[0], default).GetAwaiter().GetResult());
    }

    private static IcebergFormatException Refused(Action read)
    {
        var watch = Stopwatch.StartNew();
        long before = GC.GetAllocatedBytesForCurrentThread();
        var refused = Assert.Throws<IcebergFormatException>(read);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, MostBytes);
        Assert.InRange(watch.Elapsed, TimeSpan.Zero, MostTime);
        Assert.InRange(refused.Message.Length, 10, 1000);
        return refused;
    }

    private static void ReadAll(byte[] file)
    {
        foreach (var _ in new AvroContainerReader(file, "hostile.avro").ReadRecords())
        {
        }
    }

    private static byte[] Avro(string schema, long count, byte[] data, string codec = "null") =>
    [
        .. "Obj\u0001"u8, .. Varint(2), .. Text("avro.schema"), .. Text(schema), .. Text("avro.codec"), .. Text(codec), 0, .. new byte[16],
        .. Varint(count), .. Varint(data.Length), .. data, .. new byte[16],
    ];

    private static byte[] Text(string text) => [.. Varint(Encoding.UTF8.GetByteCount(text)), .. Encoding.UTF8.GetBytes(text)];

    private static byte[] Varint(long value)
    {
        var bytes = new List<byte>();
        ulong rest = (ulong)((value << 1) ^ (value >> 63));
        for (; rest >= 0x80; rest >>= 7)
        {
            bytes.Add((byte)(rest | 0x80));
        }

        bytes.Add((byte)rest);
        return [.. bytes];
    }
}
