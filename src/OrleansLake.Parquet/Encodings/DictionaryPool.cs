namespace OrleansLake.Parquet.Encodings;

/// <summary>A dictionary that can be used again.</summary>
internal interface IPooledDictionary
{
    /// <summary>Memory that it keeps.</summary>
    long SizeBytes { get; }

    /// <summary>Forgets all values and keeps the memory.</summary>
    void Clear();
}

/// <summary>
/// Dictionaries that no page needs at the moment. A column takes one with its first page: where hundreds of small files are
/// closed one after the other, all of them use the same few, which the processor has at hand.
/// </summary>
internal static class DictionaryPool<T>
    where T : class, IPooledDictionary
{
    private const long KeptBytes = 32L << 20;

    private static readonly Lock Lock = new();
    private static readonly Stack<T> Free = [];
    private static long _bytes;

    /// <summary>An empty one.</summary>
    public static T Rent(Func<T> create)
    {
        lock (Lock)
        {
            if (Free.TryPop(out var dictionary))
            {
                _bytes -= dictionary.SizeBytes;
                return dictionary;
            }
        }

        return create();
    }

    /// <summary>Takes one back, or leaves it to the collector where enough memory is kept.</summary>
    public static void Return(T dictionary)
    {
        dictionary.Clear();
        lock (Lock)
        {
            if (_bytes + dictionary.SizeBytes <= KeptBytes)
            {
                _bytes += dictionary.SizeBytes;
                Free.Push(dictionary);
            }
        }
    }
}
