using System.Buffers.Binary;
using OrleansLake.Parquet.Encodings;
using OrleansLake.Parquet.Footers;

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
    private static LevelDecoder BitPacked(byte[] page, int start, int largest) =>
        new(page, start, RleEncoder.BitWidth(largest));

    /// <summary>The levels of a page of the first version: they begin at <paramref name="at"/>, which goes behind them.</summary>
    public static LevelDecoder OfVersion1(PageEncoding encoding, byte[] page, ref int at, int end, int slots, int largest)
    {
        if (largest == 0)
        {
            return default;
        }

        if (encoding == PageEncoding.BitPacked)
        {
            int bytes = (int)Math.Min(int.MaxValue, ((long)slots * RleEncoder.BitWidth(largest) + 7) / 8);
            if (bytes > end - at)
            {
                throw new ParquetFormatException($"levels of {bytes} bytes, {end - at} are left of the page");
            }

            var packed = BitPacked(page, at, largest);
            at += bytes;
            return packed;
        }

        if (encoding != PageEncoding.Rle)
        {
            throw new ParquetFormatException($"levels in encoding {encoding}");
        }

        int length = end - at >= 4 ? BinaryPrimitives.ReadInt32LittleEndian(page.AsSpan(at)) : -1;
        if (length < 0 || length > end - at - 4)
        {
            throw new ParquetFormatException($"levels of {length} bytes, {end - at} are left of the page");
        }

        var levels = new LevelDecoder(page, at + 4, length, largest);
        at += 4 + length;
        return levels;
    }

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
