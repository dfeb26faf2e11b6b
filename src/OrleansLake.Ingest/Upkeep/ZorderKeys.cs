using System.Buffers.Binary;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Upkeep;

/// <summary>
/// Keys along a Z-order curve: each column's value becomes its rank among some values of that column, and the bits of the ranks
/// are interleaved. So every column has as many bits as it has to tell apart, whatever its type and however its values lie.
/// </summary>
internal sealed class ZorderKeys : IKeyWriter
{
    private const int RankBits = 12;
    private const int MostSamples = 1 << RankBits;

    private readonly IReadOnlyList<SortPart> _parts;
    private readonly List<byte[]>[] _samples;
    private readonly int[] _ranks;
    private readonly KeyBytes _one = new();
    private long _seen;
    private long _step = 1;

    /// <summary>On some columns, most significant first where bits are equal.</summary>
    public ZorderKeys(IReadOnlyList<SortPart> parts)
    {
        _parts = parts;
        _samples = [.. parts.Select(_ => new List<byte[]>())];
        _ranks = new int[parts.Count];
    }

    private ZorderKeys(IReadOnlyList<SortPart> parts, List<byte[]>[] samples)
    {
        _parts = parts;
        _samples = samples;
        _ranks = new int[parts.Count];
    }

    /// <summary>The same curve for batches of other columns.</summary>
    public ZorderKeys On(IReadOnlyList<SortPart> parts) => new(parts, _samples);

    /// <summary>Looks at the values of some rows; all rows are shown before the first key is asked for.</summary>
    public void Sample(ColumnBatch batch)
    {
        Rewind();
        for (int row = 0; row < batch.RowCount; row++)
        {
            bool taken = _seen++ % _step == 0;
            for (int i = 0; i < _parts.Count; i++)
            {
                var value = Value(i, batch, row);
                if (taken)
                {
                    _samples[i].Add(value.ToArray());
                }
            }

            if (taken && _samples[0].Count >= 2 * MostSamples)
            {
                // Every second one, and from now on half as many.
                _step *= 2;
                foreach (var samples in _samples)
                {
                    for (int i = 0; i < samples.Count / 2; i++)
                    {
                        samples[i] = samples[2 * i];
                    }

                    samples.RemoveRange(samples.Count / 2, samples.Count - (samples.Count / 2));
                }
            }
        }
    }

    /// <summary>Ends the sampling.</summary>
    public void Freeze()
    {
        foreach (var samples in _samples)
        {
            samples.Sort(static (a, b) => a.AsSpan().SequenceCompareTo(b));
            for (int i = samples.Count - 1; i > 0; i--)
            {
                if (samples[i].AsSpan().SequenceEqual(samples[i - 1]))
                {
                    samples.RemoveAt(i);
                }
            }

            // As many steps as there are ranks, spread over what was seen.
            for (int kept = samples.Count; kept > MostSamples;)
            {
                var fewer = Enumerable.Range(0, MostSamples).Select(i => samples[(int)((long)i * kept / MostSamples)]).ToList();
                samples.Clear();
                samples.AddRange(fewer);
                kept = samples.Count;
            }
        }
    }

    /// <inheritdoc />
    public void Rewind()
    {
        foreach (var part in _parts)
        {
            part.Rewind();
        }
    }

    /// <inheritdoc />
    public void Write(ColumnBatch batch, int row, KeyBytes key)
    {
        for (int i = 0; i < _parts.Count; i++)
        {
            int rank = RankOf(_samples[i], Value(i, batch, row));
            // A column of few values has its few bits on top, where the others have theirs.
            _ranks[i] = (int)((long)rank * MostSamples / Math.Max(1, _samples[i].Count + 1));
        }

        ulong bits = 0;
        int filled = 0;
        for (int bit = RankBits - 1; bit >= 0; bit--)
        {
            for (int i = 0; i < _ranks.Length; i++)
            {
                bits = (bits << 1) | (uint)((_ranks[i] >> bit) & 1);
                if (++filled == 64)
                {
                    BinaryPrimitives.WriteUInt64BigEndian(key.Add(8), bits);
                    (bits, filled) = (0, 0);
                }
            }
        }

        if (filled > 0)
        {
            BinaryPrimitives.WriteUInt64BigEndian(key.Add(8), bits << (64 - filled));
        }
    }

    private ReadOnlySpan<byte> Value(int part, ColumnBatch batch, int row)
    {
        _one.Truncate(0);
        _parts[part].Write(batch, row, _one);
        return _one.Span;
    }

    /// <summary>How many of the samples are not greater.</summary>
    private static int RankOf(List<byte[]> samples, ReadOnlySpan<byte> value)
    {
        int low = 0, high = samples.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (samples[middle].AsSpan().SequenceCompareTo(value) <= 0)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }
}
