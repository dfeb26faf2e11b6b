using OrleansLake.Parquet.Encodings;

namespace OrleansLake.Parquet.Reading;

/// <summary>Definition or repetition levels of a page.</summary>
internal struct LevelDecoder
{
    private readonly byte[]? _packed;
    private readonly int _bitWidth;
    private RleDecoder _runs;
    private long _bit;

    public LevelDecoder(byte[] page, int start, int length, int largest)
    {
        _runs = new RleDecoder(page, start, start + length, RleEncoder.BitWidth(largest));
    }

    private LevelDecoder(byte[] packed, int start, int bitWidth)
    {
        _packed = packed;
        _bit = 8L * start;
        _bitWidth = bitWidth;
    }

    /// <summary>The deprecated layout: bits without runs, the first value in the highest bits. The bytes are there.</summary>
    public static LevelDecoder BitPacked(byte[] page, int start, int largest) =>
        new(page, start, RleEncoder.BitWidth(largest));

    public void Read(Span<byte> levels, int largest)
    {
        if (_packed is null)
        {
            _runs.Read(levels, largest);
            return;
        }

        for (int i = 0; i < levels.Length; i++)
        {
            int level = 0;
            for (int bit = 0; bit < _bitWidth; bit++, _bit++)
            {
                level = (level << 1) | ((_packed[_bit >> 3] >> (7 - (int)(_bit & 7))) & 1);
            }

            levels[i] = level <= largest
                ? (byte)level
                : throw new ParquetFormatException($"expected levels of 0 to {largest}, got {level}");
        }
    }
}
