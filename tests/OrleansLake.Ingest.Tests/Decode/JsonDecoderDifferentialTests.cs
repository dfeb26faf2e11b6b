using System.IO.Compression;
using System.Text;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Decode;
using OrleansLake.Testing;
using static OrleansLake.Ingest.Tests.Decode.Decoding;

namespace OrleansLake.Ingest.Tests.Decode;

public sealed class JsonDecoderDifferentialTests
{
    [Theory]
    [InlineData(64)]
    [InlineData(32)]
    [InlineData(16)]
    [InlineData(8)]
    public void Random_documents_of_random_schemas_become_what_a_slow_reading_makes_of_them(int width)
    {
        int accepted = 0, refused = 0;
        // More on request: ORLEANSLAKE_SEEDS=5000.
        int seeds = int.Parse(Environment.GetEnvironmentVariable("ORLEANSLAKE_SEEDS") ?? "120", System.Globalization.CultureInfo.InvariantCulture);
        for (int seed = 0; seed < seeds; seed++)
        {
            var random = new RandomDocuments(new Random(seed));
            var schema = random.Schema();
            var decoding = new Decoding(schema, new JsonDecoderOptions { VectorWidth = width, RowsPerCall = 20 });
            var documents = Enumerable.Range(0, 50).Select(_ => (byte[]?)random.Document(schema)).ToList();
            var (rows, rejected) = decoding.Run(documents, random.Garbage());
            for (int i = 0; i < documents.Count; i++)
            {
                string? expected = ReferenceDecoder.Row(documents[i]!, schema);
                if (expected != rows[i])
                {
                    string why = rejected.FirstOrDefault(r => r.RecordIndex == i).ToString();
                    Assert.Fail($"seed {seed}, document {i}: {Encoding.UTF8.GetString(documents[i]!)}\nexpected {expected}\ngot      {rows[i]} {why}");
                }

                _ = expected is null ? refused++ : accepted++;
            }
        }

        Assert.True(accepted > 1000 && refused > 1000, $"{accepted} accepted, {refused} refused");
    }

    [Fact]
    public void Tweets_become_nested_rows_as_a_slow_reading_has_them()
    {
        string? path = SharedData.Find("twitter-statuses.ndjson.gz");
        Assert.SkipWhen(path is null, "shared/data is absent");
        using var reader = new StreamReader(new GZipStream(File.OpenRead(path!), CompressionMode.Decompress));
        var documents = reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => (byte[]?)Encoding.UTF8.GetBytes(line)).ToList();
        NestedField[] user = [Optional(20, "id", new LongType()), Required(21, "screen_name", new StringType()), Optional(22, "description", new StringType()), Optional(23, "followers_count", new IntegerType()), Optional(24, "verified", new BooleanType())];
        NestedField[] hashtag = [Optional(30, "text", new StringType()), Optional(31, "indices", new ListType(32, new IntegerType(), ElementRequired: true))];
        var entities = new StructType([Optional(40, "hashtags", new ListType(41, new StructType(hashtag), ElementRequired: true)), Optional(42, "urls", new ListType(43, new StructType([Optional(44, "expanded_url", new StringType())]), ElementRequired: true))]);
        var schema = SchemaOf(
            Required(1, "id", new LongType()),
            Optional(2, "text", new StringType()),
            Required(3, "user", new StructType(user)),
            Optional(4, "entities", entities),
            Optional(5, "metadata", new MapType(50, new StringType(), 51, new StringType(), ValueRequired: false)),
            Optional(6, "retweeted_status", new StructType([Optional(60, "id", new LongType()), Optional(61, "text", new StringType()), Optional(62, "retweet_count", new LongType())])),
            Optional(7, "in_reply_to_status_id", new LongType()),
            Optional(8, "not_there", new DateType()));
        foreach (int width in Widths)
        {
            var decoding = new Decoding(schema, new JsonDecoderOptions { VectorWidth = width });
            var (rows, rejected) = decoding.Run(documents);
            Assert.Empty(rejected);
            Assert.Equal(documents.Select(document => ReferenceDecoder.Row(document!, schema)), rows);
            Assert.True(decoding.Decoder.TakeUnknownFields().Count > 20);
        }
    }
}
