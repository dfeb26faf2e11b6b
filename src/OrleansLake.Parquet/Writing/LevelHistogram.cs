namespace OrleansLake.Parquet.Writing;

/// <summary>
/// How many slots of a column have each level, page by page and in all.
/// https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift (SizeStatistics)
/// </summary>
internal sealed class LevelHistogram(int largest)
{
    private readonly List<long> _pages = [];
    private readonly long[] _all = new long[largest + 1];

    /// <summary>A count for each level of the first page, of the second, and so on.</summary>
    public IReadOnlyList<long> Pages => _pages;

    /// <summary>A count for each level.</summary>
    public IReadOnlyList<long> All => _all;

    /// <summary>Counts the levels of the next page.</summary>
    public void Add(ReadOnlySpan<byte> levels)
    {
        long rest = levels.Length;
        for (int level = 0; level < largest; level++)
        {
            int count = levels.Count((byte)level);
            rest -= count;
            Add(level, count);
        }

        Add(largest, rest);
    }

    /// <summary>Forgets the row group.</summary>
    public void Clear()
    {
        _pages.Clear();
        Array.Clear(_all);
    }

    private void Add(int level, long count)
    {
        _pages.Add(count);
        _all[level] += count;
    }
}
