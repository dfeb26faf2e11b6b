using System.Formats.Tar;
using System.IO.Compression;
using System.Text;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Decode;
using OrleansLake.Testing;
using static OrleansLake.Ingest.Tests.Decode.Decoding;

namespace OrleansLake.Ingest.Tests.Decode;

public sealed class JsonGrammarTests
{
    private static readonly Schema Empty = SchemaOf(Optional(1, "a field that no document has", new StringType()));

    // What the minefield's objects hold, so that their values are taken and not only passed over.
    private static readonly Schema Objects = SchemaOf(
        Optional(1, "asd", new StringType()),
        Optional(3, "x", new ListType(4, new StructType([Optional(5, "id", new StringType())]), ElementRequired: false)),
        Optional(6, "", new DoubleType()),
        Optional(7, "min", new DoubleType()),
        Optional(8, "max", new DoubleType()),
        Optional(9, "title", new StringType()));

    [Fact]
    public void Every_document_of_the_minefield_is_taken_or_refused_as_it_must_be()
    {
        string? archive = SharedData.Find("json-minefield.tar.gz");
        Assert.SkipWhen(archive is null, "shared/data is absent");
        var documents = new List<(string Name, byte[] Bytes)>();
        using (var file = new GZipStream(File.OpenRead(archive!), CompressionMode.Decompress))
        using (var tar = new TarReader(file))
        {
            while (tar.GetNextEntry() is { } entry)
            {
                if (entry.DataStream is { } data)
                {
                    using var memory = new MemoryStream();
                    data.CopyTo(memory);
                    documents.Add((Path.GetFileName(entry.Name), memory.ToArray()));
                }
                else if (entry.EntryType is TarEntryType.RegularFile)
                {
                    documents.Add((Path.GetFileName(entry.Name), []));
                }
            }
        }

        Assert.True(documents.Count > 300);
        foreach (var schema in new[] { Empty, Objects })
        {
            // Each as it stands, and as a value that is passed over.
            var asTheyStand = documents.Select(d => (byte[]?)d.Bytes).ToList();
            var within = documents.Select(d => (byte[]?)[.. "{\"unknown\":"u8, .. d.Bytes, .. "}"u8]).ToList();
            (string?[], string?[])? first = null;
            foreach (int width in Widths)
            {
                var rows = new Decoding(schema, new JsonDecoderOptions { VectorWidth = width }).Run(asTheyStand).Rows;
                var nested = new Decoding(schema, new JsonDecoderOptions { VectorWidth = width }).Run(within).Rows;
                for (int i = 0; i < documents.Count; i++)
                {
                    string name = documents[i].Name;
                    bool isObject = Encoding.UTF8.GetString(documents[i].Bytes).TrimStart().StartsWith('{');
                    Assert.False(name.StartsWith('n') && rows[i] is not null, $"{name} was taken as a row");
                    Assert.False(name.StartsWith('y') && isObject && rows[i] is null, $"{name} was refused");
                    Assert.False(name.StartsWith('n') && nested[i] is not null, $"{name} was passed over");
                    Assert.False(name.StartsWith('y') && nested[i] is null, $"{name} as a value was refused");
                }

                first ??= (rows, nested);
                Assert.Equal(first.Value.Item1, rows);
                Assert.Equal(first.Value.Item2, nested);
            }
        }
    }

    [Fact]
    public void A_document_may_be_128_containers_deep_and_no_deeper()
    {
        foreach (int width in Widths)
        {
            var decoding = new Decoding(Empty, new JsonDecoderOptions { VectorWidth = width });
            string Deep(int lists) => "{\"x\":" + new string('[', lists) + new string(']', lists) + "}";
            Assert.NotNull(decoding.Run(Deep(127)).Rows[0]);
            Assert.Equal(RejectReason.TooDeep, decoding.Refusal(Deep(128)).Reason);
            Assert.Equal(RejectReason.TooDeep, decoding.Refusal(new string('[', 100_000)).Reason);
            Assert.Equal(RejectReason.TooDeep, decoding.Refusal("{\"x\":" + string.Concat(Enumerable.Repeat("{\"y\":[", 100_000))).Reason);
        }
    }

    [Fact]
    public void What_ends_early_is_refused_wherever_it_ends_and_whatever_follows_in_memory()
    {
        var schema = SchemaOf(
            Optional(1, "text", new StringType()),
            Optional(2, "number", new LongType()),
            Optional(3, "double", new DoubleType()),
            Optional(4, "flag", new BooleanType()),
            Optional(5, "at", new TimestampType(WithZone: true)),
            Optional(6, "list", new ListType(7, new LongType(), ElementRequired: false)),
            Optional(8, "map", new MapType(9, new StringType(), 10, new DoubleType(), ValueRequired: false)),
            Optional(11, "inner", new StructType([Optional(12, "x", new DecimalType(9, 2))])));
        byte[] document = Encoding.UTF8.GetBytes(
            """{"text":"a\nb","number":123,"double":1.5e3,"flag":true,"at":"2022-07-26T07:41:48.5Z","list":[1,2],"map":{"k":1},"inner":{"x":1.25},"unknown":[{"a":null}]}""");
        // The rest of the document itself is what would complete it.
        foreach (int width in Widths)
        {
            var decoding = new Decoding(schema, new JsonDecoderOptions { VectorWidth = width });
            for (int length = 0; length <= document.Length; length++)
            {
                byte[] garbage = length == document.Length ? "}"u8.ToArray() : document[length..];
                // The pattern begins anew at each multiple of its length: put it where the document ends.
                byte[] aligned = [.. Enumerable.Range(0, garbage.Length).Select(i => garbage[(i + garbage.Length - (length % garbage.Length)) % garbage.Length])];
                var (rows, _) = decoding.Run([document[..length]], aligned);
                Assert.Equal(length == document.Length, rows[0] is not null);
            }
        }
    }

    [Fact]
    public void Strings_of_every_length_across_every_vector_boundary_are_read_whole()
    {
        var schema = SchemaOf(Optional(1, "s", new StringType()), Optional(2, "n", new LongType()));
        foreach (int width in Widths)
        {
            var documents = new List<byte[]?>();
            var expected = new List<string>();
            for (int length = 0; length < 200; length++)
            {
                foreach (string end in new[] { "", "é", "\"", "\\", "😀", "\n" })
                {
                    string value = new string('x', length) + end;
                    documents.Add(Encoding.UTF8.GetBytes($"{{\"s\":\"{value.Replace("\\", "\\\\").Replace("\"", "\\\"").Replace("\n", "\\n")}\",\"n\":{length}}}"));
                    expected.Add(value);
                }
            }

            var rows = new Decoding(schema, new JsonDecoderOptions { VectorWidth = width }).Run(documents).Rows;
            for (int i = 0; i < rows.Length; i++)
            {
                Assert.Equal(expected[i], System.Text.Json.JsonDocument.Parse(rows[i]!).RootElement.GetProperty("s").GetString());
            }
        }
    }

    [Theory]
    [InlineData("{\"s\":\"a\u0001b\"}", RejectReason.MalformedJson)]
    [InlineData("{\"s\":\"a\\qb\"}", RejectReason.MalformedJson)]
    [InlineData("{\"s\":\"a\\u12g4\"}", RejectReason.MalformedJson)]
    [InlineData("{\"s\":\"\\ud800\"}", RejectReason.InvalidUtf8)]
    [InlineData("{\"s\":\"\\ud800\\ud800\"}", RejectReason.InvalidUtf8)]
    [InlineData("{\"s\":\"a\",}", RejectReason.MalformedJson)]
    [InlineData("{\"s\":\"a\"} x", RejectReason.MalformedJson)]
    [InlineData("{\"s\":\"a\"}{}", RejectReason.MalformedJson)]
    [InlineData("{\"s\":nul}", RejectReason.MalformedJson)]
    [InlineData("{s:1}", RejectReason.MalformedJson)]
    [InlineData("\uFEFF{\"s\":\"a\"}", RejectReason.MalformedJson)]
    [InlineData("   ", RejectReason.MalformedJson)]
    [InlineData("[]", RejectReason.NotAnObject)]
    [InlineData("\"text\"", RejectReason.NotAnObject)]
    [InlineData("null", RejectReason.NotAnObject)]
    public void What_is_no_row_is_refused_for_its_reason(string document, object reason)
    {
        foreach (int width in Widths)
        {
            var decoding = new Decoding(SchemaOf(Optional(1, "s", new StringType())), new JsonDecoderOptions { VectorWidth = width });
            Assert.Equal(reason, decoding.Refusal(document).Reason);
        }
    }

    [Fact]
    public void Bytes_that_are_not_utf8_are_refused_in_values_names_and_unknown_fields()
    {
        var decoding = new Decoding(SchemaOf(Optional(1, "s", new StringType()), Optional(2, "m", new MapType(3, new StringType(), 4, new StringType(), ValueRequired: false))));
        foreach (byte[] bad in new byte[][] { [0x80], [0xC3], [0xC3, 0x28], [0xE2, 0x82], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xC0, 0xAF], [0xFF] })
        {
            byte[][] documents =
            [
                [.. "{\"s\":\""u8, .. bad, .. "\"}"u8],
                [.. "{\""u8, .. bad, .. "\":1}"u8],
                [.. "{\"other\":\""u8, .. bad, .. "\"}"u8],
                [.. "{\"other\":{\""u8, .. bad, .. "\":1}}"u8],
                [.. "{\"m\":{\""u8, .. bad, .. "\":\"x\"}}"u8],
                [.. "{\"s\":\"\\u00e9 and a longer text than one vector holds "u8, .. bad, .. "\"}"u8],
            ];
            var (rows, rejected) = decoding.Run(documents.ToList<byte[]?>());
            Assert.All(rows, Assert.Null);
            Assert.All(rejected, r => Assert.Equal(RejectReason.InvalidUtf8, r.Reason));
        }
    }

    [Fact]
    public void Tombstones_and_empty_values_are_refused_by_name()
    {
        var decoding = new Decoding(SchemaOf(Optional(1, "s", new StringType())));
        var (rows, rejected) = decoding.Run([null, [], "{}"u8.ToArray()]);
        Assert.Equal([RejectReason.NullValue, RejectReason.EmptyValue], rejected.Select(r => r.Reason));
        Assert.Equal("""{"s":null}""", rows[2]);
        Assert.Equal(["null-value", "empty-value"], rejected.Select(r => r.Reason.ErrorClass()));
    }
}
