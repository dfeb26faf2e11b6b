using OrleansLake.Parquet.Buffers;
using OrleansLake.Parquet.Codecs;

namespace OrleansLake.Parquet.Writing;

/// <summary>
/// Compresses pages of plain eight-byte numbers. The first large one tells whether a search for matches anywhere finds
/// more than what numbers have in common by nature; what is decided holds for all later ones.
/// </summary>
internal sealed class NumberCompression(INumberCodec codec)
{
    /// <summary>Smaller pages are not worth a trial.</summary>
    private const int LeastBytes = 128 * 1024;

    // As much as a page usually has: a search finds more in the long run than in the short one.
    private const int SampleBytes = 256 * 1024;

    private NumberMatches? _chosen;

    /// <summary>Whether pages of a column are such.</summary>
    public static bool Fits(PhysicalType type) => type is PhysicalType.Int64 or PhysicalType.Double;

    /// <summary>Appends the compressed page, whose numbers begin at <paramref name="numbersAt"/>.</summary>
    public void Compress(ReadOnlySpan<byte> page, int numbersAt, ByteBuffer destination)
    {
        if (_chosen is null && page.Length - numbersAt >= LeastBytes)
        {
            _chosen = Choose(page[..Math.Min(page.Length, numbersAt + SampleBytes)], numbersAt, destination);
        }

        codec.Compress(page, numbersAt, _chosen ?? NumberMatches.Any, destination);
    }

    private NumberMatches Choose(ReadOnlySpan<byte> sample, int numbersAt, ByteBuffer destination)
    {
        // What is faster may be a little larger where the level asks for speed: what looks for less, and for nothing.
        var (moreForSteady, moreForUpper, moreForNone) = codec.Level switch
        {
            <= 1 => (1.09, 1.09, 1.09),
            <= 3 => (1.0, 1.03, 1.01),
            _ => (1.0, 1.0, 1.0),
        };
        int any = Length(sample, numbersAt, NumberMatches.Any, destination);
        int upper = Length(sample, numbersAt, NumberMatches.Upper, destination);
        int none = Length(sample, numbersAt, NumberMatches.None, destination);
        int steady = ZstdSteadyNumbers.TryPlan(sample, numbersAt, out _, out _) ? Length(sample, numbersAt, NumberMatches.Steady, destination) : int.MaxValue;
        return steady <= Math.Min(none, Math.Min(any, upper)) * moreForSteady ? NumberMatches.Steady
            : none <= Math.Min(any, upper) * moreForNone ? NumberMatches.None
            : upper <= any * moreForUpper ? NumberMatches.Upper
            : NumberMatches.Any;
    }

    private int Length(ReadOnlySpan<byte> sample, int numbersAt, NumberMatches matches, ByteBuffer destination)
    {
        int start = destination.Length;
        codec.Compress(sample, numbersAt, matches, destination);
        int length = destination.Length - start;
        destination.Truncate(start);
        return length;
    }
}
