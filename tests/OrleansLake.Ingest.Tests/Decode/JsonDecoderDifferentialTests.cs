using System.Text;
using OrleansLake.Ingest.Decode;

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
}
