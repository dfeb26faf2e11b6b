using OrleansLake.Parquet.Codecs;
using OrleansLake.Parquet.Footers;

namespace OrleansLake.Parquet.Writing;

/// <summary>
/// Finds the encoding that makes a column smallest in the file: a sample is encoded in each way and compressed as pages are.
/// </summary>
internal sealed class EncodingTrial(IPageCodec? codec)
{
    /// <summary>Values that are tried.</summary>
    public const int Sample = 4096;

    /// <summary>Fewer values tell nothing.</summary>
    public const int Fewest = 64;

    // Whatever is read more slowly than plain values must be worth it.
    private const double Worth = 0.95;

    /// <summary>The best of the candidates, of which the first is the plainest.</summary>
    public PageEncoding Best(ReadOnlySpan<PageEncoding> candidates, Action<PageEncoding> encode, EncoderScratch scratch)
    {
        var page = scratch.Page;
        int start = page.Length;
        var best = candidates[0];
        double least = double.MaxValue;
        foreach (var candidate in candidates)
        {
            encode(candidate);
            int length = page.Length - start;
            if (codec is not null)
            {
                scratch.Compressed.Clear();
                codec.Compress(page.Written[start..], scratch.Compressed);
                length = scratch.Compressed.Length;
            }

            page.Truncate(start);
            if (length < least * (candidate == candidates[0] ? 1 : Worth))
            {
                best = candidate;
                least = length;
            }
        }

        return best;
    }
}
