using System.Collections.Concurrent;
using OrleansLake.Parquet.Buffers;
using OrleansLake.Parquet.Thrift;

namespace OrleansLake.Parquet.Writing;

/// <summary>
/// What encoding a page needs besides its values. All writers share a few of these, one for each that encodes at the
/// moment, so that an open file that is idle holds none.
/// </summary>
internal sealed class EncoderScratch
{
    private static readonly ConcurrentBag<EncoderScratch> Free = [];

    private int[] _indices = [];
    private int[] _stamps = [];
    private int[] _used = [];
    private int _stamp;

    public EncoderScratch() => HeaderWriter = new ThriftWriter(Header);

    /// <summary>The page before compression.</summary>
    public ByteBuffer Page { get; } = new();

    /// <summary>The page as it goes into the file, without its header.</summary>
    public ByteBuffer Compressed { get; } = new();

    /// <summary>The page's header.</summary>
    public ByteBuffer Header { get; } = new();

    /// <summary>Writes into <see cref="Header"/>.</summary>
    public ThriftWriter HeaderWriter { get; }

    public static EncoderScratch Rent() => Free.TryTake(out var scratch) ? scratch : new EncoderScratch();

    public void Return() => Free.Add(this);

    public Span<int> Indices(int count)
    {
        if (_indices.Length < count)
        {
            _indices = GC.AllocateUninitializedArray<int>(Math.Max(count, 1024));
        }

        return _indices.AsSpan(0, count);
    }

    /// <summary>Dictionary entries that occur in a page.</summary>
    public Span<int> Used(int count)
    {
        if (_used.Length < count)
        {
            _used = GC.AllocateUninitializedArray<int>(Math.Max(count, 1024));
        }

        return _used.AsSpan(0, count);
    }

    /// <summary>A mark a dictionary entry, none of which equals <paramref name="stamp"/> yet.</summary>
    public Span<int> Stamps(int count, out int stamp)
    {
        if (_stamps.Length < count || _stamp == int.MaxValue)
        {
            _stamps = new int[Math.Max(count * 2, 1024)];
            _stamp = 0;
        }

        stamp = ++_stamp;
        return _stamps;
    }
}
