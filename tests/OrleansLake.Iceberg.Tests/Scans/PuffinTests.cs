using System.Text;
using OrleansLake.Iceberg.Puffin;
using OrleansLake.Testing;
using OrleansLake.Testing.Iceberg;

namespace OrleansLake.Iceberg.Tests.Scans;

/// <summary>https://iceberg.apache.org/puffin-spec/</summary>
public sealed class PuffinTests
{
    [Theory]
    [InlineData("sample-metric-data-uncompressed.bin", null)]
    [InlineData("sample-metric-data-compressed-zstd.bin", "zstd")]
    public async Task Files_of_Java_are_read_and_written_again_the_same(string name, string? codec)
    {
        var (bytes, file) = await OpenAsync(name);
        Assert.Equal("Test 1234", file.Properties["created-by"]);
        Assert.Equal(["some-blob", "some-other-blob"], file.Blobs.Select(blob => blob.Type));
        Assert.Equal([[1], [2]], file.Blobs.Select(blob => blob.Fields));
        Assert.All(file.Blobs, blob => Assert.Equal((2, 1, codec), (blob.SnapshotId, blob.SequenceNumber, blob.CompressionCodec)));
        Assert.Equal("abcdefghi", Encoding.UTF8.GetString((await file.ReadBlobAsync(file.Blobs[0], default)).Span));
        Assert.Equal("some blob \0 binary data 🤯 that is not very very very very very very long, is it?", Encoding.UTF8.GetString((await file.ReadBlobAsync(file.Blobs[1], default)).Span));
        if (codec is null)
        {
            using var stream = new MemoryStream();
            var writer = new PuffinWriter(stream, file.Properties);
            foreach (var blob in file.Blobs)
            {
                Assert.Equal(blob.Position, (await writer.AppendAsync(blob, await file.ReadBlobAsync(blob, default), default)).Position);
            }

            Assert.Equal(bytes.Length, await writer.FinishAsync(default));
            Assert.Equal(bytes, stream.ToArray());
        }
    }

    [Fact]
    public async Task An_empty_file_of_Java_is_read()
    {
        var (_, file) = await OpenAsync("empty-puffin-uncompressed.bin");
        Assert.Empty(file.Blobs);
        Assert.Empty(file.Properties);
    }

    [Fact]
    public async Task Compressed_blobs_and_a_footer_longer_than_the_first_read_come_back()
    {
        var store = new InMemoryObjectStore();
        byte[] content = [.. Enumerable.Range(0, 100_000).Select(i => (byte)(i / 100))];
        await using (var destination = store.OpenWrite("memory://p"))
        {
            var writer = new PuffinWriter(destination);
            for (int i = 0; i < 1000; i++)
            {
                await writer.AppendAsync(new PuffinBlob { Type = $"blob-{i}", Fields = [i], SnapshotId = 1, SequenceNumber = 2, CompressionCodec = "zstd" }, content, default);
            }

            await writer.FinishAsync(default);
            await destination.CompleteAsync(default);
        }

        var file = await PuffinReader.OpenAsync(store, "memory://p", default);
        Assert.Equal(1000, file.Blobs.Count);
        Assert.Equal(content, (await file.ReadBlobAsync(file.Blobs[999], default)).ToArray());
    }

    /// <summary>Frames of the lz4 program: one plain, one with the content's size and a checksum a block.</summary>
    [Theory]
    [InlineData("04224D186440A728000000FF087B22626C6F6273223A5B7B2274797065223A2278227D2C0D00132F5D7D3F0069505D7D656E6400000000D120190B")]
    [InlineData("04224D187C40C0000000000000003528000000FF087B22626C6F6273223A5B7B2274797065223A2278227D2C0D00132F5D7D3F0069505D7D656E648765E16500000000D120190B")]
    public void Frames_of_LZ4_are_read_and_damaged_ones_refused(string hex)
    {
        byte[] frame = Convert.FromHexString(hex);
        const string part = """{"blobs":[{"type":"x"},{"type":"x"},{"type":"x"},{"type":"x"}]}""";
        Assert.Equal(part + part + part + "end", Encoding.UTF8.GetString(Lz4Frame.Decompress(frame, 1 << 20, "f", "footer").Span));
        for (int length = 0; length < frame.Length - 4; length++)
        {
            Assert.Throws<IcebergFormatException>(() => Lz4Frame.Decompress(frame.AsSpan(0, length), 1 << 20, "f", "footer"));
        }

        Assert.Throws<IcebergFormatException>(() => Lz4Frame.Decompress(frame, 20, "f", "footer"));
    }

    [Fact]
    public async Task Damage_anywhere_is_refused_or_seen_in_the_content()
    {
        var (bytes, _) = await OpenAsync("sample-metric-data-compressed-zstd.bin");
        for (int at = 0; at < bytes.Length; at++)
        {
            foreach (byte flip in new byte[] { 1, 0x80, 0xFF })
            {
                byte[] damaged = [.. bytes];
                damaged[at] ^= flip;
                await ReadAllAsync(damaged);
            }
        }

        for (int length = 0; length < bytes.Length; length++)
        {
            Assert.False(await ReadAllAsync(bytes[..length]));
        }
    }

    private static async Task<bool> ReadAllAsync(byte[] bytes)
    {
        var store = new InMemoryObjectStore();
        await store.TryCreateAsync("memory://p", bytes, default);
        try
        {
            var file = await PuffinReader.OpenAsync(store, "memory://p", default);
            foreach (var blob in file.Blobs)
            {
                await file.ReadBlobAsync(blob, default);
            }

            return true;
        }
        catch (IcebergFormatException e)
        {
            Assert.Contains("memory://p", e.Message);
            return false;
        }
    }

    private static async Task<(byte[] Bytes, PuffinReader File)> OpenAsync(string name)
    {
        string? path = SharedData.Find("iceberg-metadata/puffin/java-generated/" + name);
        Assert.SkipWhen(path is null, "shared/data is not here");
        byte[] bytes = File.ReadAllBytes(path!);
        var store = new InMemoryObjectStore();
        await store.TryCreateAsync("memory://p", bytes, default);
        return (bytes, await PuffinReader.OpenAsync(store, "memory://p", default));
    }
}
