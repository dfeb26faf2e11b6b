using System.Numerics;

namespace OrleansLake.Iceberg.Deletes;

/// <summary>
/// Row positions of one data file: which rows are gone. Kept as a Roaring bitmap: runs of 65,536 positions, each a sorted
/// array or, where more than 4,096 of them are set, a bitmap.
/// </summary>
/// <remarks>Reading is safe for concurrent use.</remarks>
public sealed class PositionSet
{
    /// <summary>The greatest position that the serialized form holds.</summary>
    public const long MaxPosition = ((long)(int.MaxValue - 1) << 32) | 0x8000_0000;

    private readonly SortedDictionary<long, PositionContainer> _containers = [];

    /// <summary>How many.</summary>
    public long Count
    {
        get
        {
            long count = 0;
            foreach (var container in _containers.Values)
            {
                count += container.Count;
            }

            return count;
        }
    }

    /// <summary>The containers by the upper 48 bits of their positions, ascending.</summary>
    internal SortedDictionary<long, PositionContainer> Containers => _containers;

    /// <summary>Adds a position; false where it is there already.</summary>
    public bool Add(long position)
    {
        if (position is < 0 or > MaxPosition)
        {
            throw new ArgumentOutOfRangeException(nameof(position), position, $"expected a position from 0 to {MaxPosition}");
        }

        if (!_containers.TryGetValue(position >> 16, out var container))
        {
            _containers[position >> 16] = container = new PositionContainer();
        }

        return container.Add((ushort)position);
    }

    /// <summary>Adds every position of another set.</summary>
    public void UnionWith(PositionSet other)
    {
        foreach (long position in other.Positions())
        {
            Add(position);
        }
    }

    /// <summary>Whether a position is in the set.</summary>
    public bool Contains(long position) => position >= 0 && _containers.TryGetValue(position >> 16, out var container) && container.Contains((ushort)position);

    /// <summary>Every position, ascending.</summary>
    public IEnumerable<long> Positions()
    {
        foreach (var (key, container) in _containers)
        {
            foreach (ushort low in container.Values())
            {
                yield return (key << 16) | low;
            }
        }
    }

    /// <summary>Clears the marks of rows that are in the set: row i of <paramref name="keep"/> has the position first + i.</summary>
    public void Unmark(long first, Span<bool> keep)
    {
        for (int i = 0; i < keep.Length;)
        {
            long position = first + i;
            int run = (int)Math.Min(keep.Length - i, 65_536 - (position & 0xFFFF));
            if (_containers.TryGetValue(position >> 16, out var container))
            {
                for (int j = 0; j < run; j++)
                {
                    keep[i + j] &= !container.Contains((ushort)(position + j));
                }
            }

            i += run;
        }
    }
}

/// <summary>Up to 65,536 numbers of 16 bits.</summary>
internal sealed class PositionContainer
{
    /// <summary>Above that a bitmap is smaller. https://github.com/RoaringBitmap/RoaringFormatSpec</summary>
    public const int LargestArray = 4096;

    private ushort[] _array = new ushort[4];
    private ulong[]? _bits;

    public int Count { get; private set; }

    public ReadOnlySpan<ushort> Array => _bits is null ? _array.AsSpan(0, Count) : default;

    /// <summary>1,024 words; null where it is an array.</summary>
    public ulong[]? Bits => _bits;

    public static PositionContainer Of(ulong[] bits)
    {
        var container = new PositionContainer();
        foreach (ulong word in bits)
        {
            container.Count += BitOperations.PopCount(word);
        }

        if (container.Count > LargestArray)
        {
            container._bits = bits;
            container._array = [];
            return container;
        }

        container._array = new ushort[Math.Max(container.Count, 4)];
        int i = 0;
        for (int word = 0; word < bits.Length; word++)
        {
            for (ulong rest = bits[word]; rest != 0; rest &= rest - 1)
            {
                container._array[i++] = (ushort)((word << 6) + BitOperations.TrailingZeroCount(rest));
            }
        }

        return container;
    }

    public bool Contains(ushort value) => _bits is { } bits ? (bits[value >> 6] >> (value & 63) & 1) != 0 : _array.AsSpan(0, Count).BinarySearch(value) >= 0;

    public bool Add(ushort value)
    {
        if (_bits is { } bits)
        {
            ulong mask = 1UL << (value & 63);
            if ((bits[value >> 6] & mask) != 0)
            {
                return false;
            }

            bits[value >> 6] |= mask;
            Count++;
            return true;
        }

        // Positions mostly come in ascending order.
        int at = Count > 0 && _array[Count - 1] < value ? ~Count : _array.AsSpan(0, Count).BinarySearch(value);
        if (at >= 0)
        {
            return false;
        }

        if (Count == LargestArray)
        {
            var wide = new ulong[1024];
            foreach (ushort one in _array)
            {
                wide[one >> 6] |= 1UL << (one & 63);
            }

            _bits = wide;
            _array = [];
            return Add(value);
        }

        if (Count == _array.Length)
        {
            System.Array.Resize(ref _array, Math.Min(LargestArray, _array.Length * 2));
        }

        at = ~at;
        _array.AsSpan(at, Count - at).CopyTo(_array.AsSpan(at + 1));
        _array[at] = value;
        Count++;
        return true;
    }

    public IEnumerable<ushort> Values()
    {
        if (_bits is not { } bits)
        {
            for (int i = 0; i < Count; i++)
            {
                yield return _array[i];
            }

            yield break;
        }

        for (int word = 0; word < bits.Length; word++)
        {
            for (ulong rest = bits[word]; rest != 0; rest &= rest - 1)
            {
                yield return (ushort)((word << 6) + BitOperations.TrailingZeroCount(rest));
            }
        }
    }

    /// <summary>First and last of each run of consecutive numbers.</summary>
    public List<(ushort First, ushort Last)> Runs()
    {
        var runs = new List<(ushort First, ushort Last)>();
        foreach (ushort value in Values())
        {
            if (runs.Count > 0 && runs[^1].Last + 1 == value)
            {
                runs[^1] = (runs[^1].First, value);
            }
            else
            {
                runs.Add((value, value));
            }
        }

        return runs;
    }
}
