using System.Globalization;
using System.Text;
using OrleansLake.Ingest.Kafka.Publishing;

namespace OrleansLake.Integration;

/// <summary>
/// Records that carry their own number, so that a missing or doubled one can be named; every thousandth cannot be a row
/// (its id is text) and belongs in the dead letters.
/// </summary>
/// <param name="count">How many there are.</param>
/// <param name="released">How many of them it gives before <see cref="PacedFeed.Release"/> lets more go; all unless told.</param>
internal sealed class NumberedFeed(long count, long? released = null) : PacedFeed(count, released)
{
    /// <summary>The table that they fit.</summary>
    public const string Columns = "id BIGINT NOT NULL, at TIMESTAMP(6) WITH TIME ZONE, name VARCHAR, amount DOUBLE";

    private const long BadEvery = 1000;
    private static readonly CompositeFormat Format = CompositeFormat.Parse(
        "{{\"id\":{0},\"at\":\"2026-03-0{1}T10:20:{2:00}.{3:000000}Z\",\"name\":\"name {4}\",\"amount\":{5}.25}}");

    /// <summary>Of the first so many records, those that cannot be rows.</summary>
    public static long BadAmong(long records) => (records + BadEvery - 1) / BadEvery;

    /// <inheritdoc />
    protected override void Add(RecordChunk chunk, long number)
    {
        Span<char> text = stackalloc char[256];
        string id = number.ToString(CultureInfo.InvariantCulture);
        text.TryWrite(
            CultureInfo.InvariantCulture, Format, out int written,
            number % BadEvery == 0 ? $"\"bad {id}\"" : id, 1 + (number % 3), number % 60, number % 1_000_000, number % 4099, number % 977);
        chunk.Commit(Encoding.UTF8.GetBytes(text[..written], chunk.Reserve(512)));
    }
}
