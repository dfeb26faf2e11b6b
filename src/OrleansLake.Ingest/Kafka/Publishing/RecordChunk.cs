namespace OrleansLake.Ingest.Kafka.Publishing;

/// <summary>Values on their way to a producer, one behind the other in one buffer.</summary>
public sealed class RecordChunk
{
    private int[] _ends = new int[1024];

    /// <summary>An empty chunk.</summary>
    public RecordChunk() => Bytes = Allocate(256 * 1024);

    /// <summary>The values. Pinned: the producer reads it through a pointer.</summary>
    public byte[] Bytes { get; private set; }

    /// <summary>How many values.</summary>
    public int Count { get; private set; }

    /// <summary>Bytes in use.</summary>
    public int Length => Count == 0 ? 0 : _ends[Count - 1];

    /// <summary>Where a value starts.</summary>
    public int StartOf(int index) => index == 0 ? 0 : _ends[index - 1];

    /// <summary>Bytes of a value.</summary>
    public int LengthOf(int index) => _ends[index] - StartOf(index);

    /// <summary>A value.</summary>
    public ReadOnlySpan<byte> ValueOf(int index) => Bytes.AsSpan(StartOf(index), LengthOf(index));

    /// <summary>Free space of at least this size behind the last value; <see cref="Commit"/> says how much of it was used.</summary>
    public Span<byte> Reserve(int length)
    {
        int used = Length;
        if (Bytes.Length - used < length)
        {
            byte[] larger = Allocate(Math.Max(checked(used + length), (int)Math.Min(int.MaxValue / 2, Bytes.Length * 2L)));
            Bytes.AsSpan(0, used).CopyTo(larger);
            Bytes = larger;
        }

        return Bytes.AsSpan(used);
    }

    /// <summary>Makes one value of what was written to the reserved space.</summary>
    public void Commit(int length)
    {
        if (Count == _ends.Length)
            Array.Resize(ref _ends, Count * 2);
        _ends[Count] = Length + length;
        Count++;
    }

    /// <summary>Adds a value.</summary>
    public void Add(ReadOnlySpan<byte> value)
    {
        value.CopyTo(Reserve(value.Length));
        Commit(value.Length);
    }

    /// <summary>Empties it.</summary>
    public void Clear() => Count = 0;

    private static byte[] Allocate(int length) => GC.AllocateUninitializedArray<byte>(length, pinned: true);
}

/// <summary>Where a publisher's records come from, in a fixed order.</summary>
public interface IRecordFeed : IDisposable
{
    /// <summary>Appends up to <paramref name="limit"/> values; none appended means that there are no more.</summary>
    void Fill(RecordChunk chunk, int limit);

    /// <summary>How many there will be in all; null when only reading tells.</summary>
    long? Total { get; }
}
