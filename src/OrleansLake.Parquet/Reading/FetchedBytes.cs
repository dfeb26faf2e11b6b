using System.Buffers;

namespace OrleansLake.Parquet.Reading;

/// <summary>A stretch of a file, from <paramref name="Start"/> up to but without <paramref name="End"/>.</summary>
internal readonly record struct ByteRange(long Start, long End)
{
    public long Length => End - Start;
}

/// <summary>Some stretches of a source in memory, fetched with few requests; whatever else is asked for comes from the source.</summary>
internal sealed class FetchedBytes : ByteSource, IDisposable
{
    private const int LargestRange = 1 << 30;

    private readonly ByteSource _source;
    private readonly List<(ByteRange Range, byte[] Bytes)> _fetched = [];

    private FetchedBytes(ByteSource source) => _source = source;

    public override long Length => _source.Length;

    /// <summary>Fetches the ranges, those that lie close together as one.</summary>
    public static FetchedBytes Fetch(ByteSource source, List<ByteRange> ranges, int gap)
    {
        var fetched = new FetchedBytes(source);
        try
        {
            foreach (var range in Coalesce(source, ranges, gap))
            {
                byte[] bytes = fetched.Add(range);
                source.Read(range.Start, bytes.AsSpan(0, (int)range.Length));
            }

            return fetched;
        }
        catch
        {
            fetched.Dispose();
            throw;
        }
    }

    /// <inheritdoc cref="Fetch" />
    public static async ValueTask<FetchedBytes> FetchAsync(ByteSource source, List<ByteRange> ranges, int gap, CancellationToken cancellationToken)
    {
        var fetched = new FetchedBytes(source);
        try
        {
            foreach (var range in Coalesce(source, ranges, gap))
            {
                byte[] bytes = fetched.Add(range);
                await source.ReadAsync(range.Start, bytes.AsMemory(0, (int)range.Length), cancellationToken).ConfigureAwait(false);
            }

            return fetched;
        }
        catch
        {
            fetched.Dispose();
            throw;
        }
    }

    public override void Read(long position, Span<byte> destination)
    {
        var near = Peek(position);
        if (near.Length >= destination.Length)
        {
            near.Span[..destination.Length].CopyTo(destination);
        }
        else
        {
            _source.Read(position, destination);
        }
    }

    public override ValueTask ReadAsync(long position, Memory<byte> destination, CancellationToken cancellationToken)
    {
        var near = Peek(position);
        if (near.Length < destination.Length)
        {
            return _source.ReadAsync(position, destination, cancellationToken);
        }

        near[..destination.Length].CopyTo(destination);
        return ValueTask.CompletedTask;
    }

    public override ReadOnlyMemory<byte> Peek(long position)
    {
        foreach (var (range, bytes) in _fetched)
        {
            if (position >= range.Start && position < range.End)
            {
                return bytes.AsMemory((int)(position - range.Start), (int)(range.End - position));
            }
        }

        return _source.Peek(position);
    }

    public void Dispose()
    {
        foreach (var (_, bytes) in _fetched)
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }

        _fetched.Clear();
    }

    /// <summary>Ranges that ascend and lie further apart than the gap; those that are in memory already are left out.</summary>
    internal static List<ByteRange> Coalesce(ByteSource source, List<ByteRange> ranges, int gap)
    {
        ranges.Sort((left, right) => left.Start.CompareTo(right.Start));
        var joined = new List<ByteRange>();
        foreach (var range in ranges)
        {
            if (range.Length <= 0 || range.Start < 0 || range.End > source.Length || source.Peek(range.Start).Length >= range.Length)
            {
                continue;
            }

            if (joined.Count > 0 && range.Start - joined[^1].End <= gap && Math.Max(range.End, joined[^1].End) - joined[^1].Start <= LargestRange)
            {
                joined[^1] = new ByteRange(joined[^1].Start, Math.Max(range.End, joined[^1].End));
            }
            else if (range.Length <= LargestRange)
            {
                joined.Add(range);
            }
        }

        return joined;
    }

    private byte[] Add(ByteRange range)
    {
        byte[] bytes = ArrayPool<byte>.Shared.Rent((int)range.Length);
        _fetched.Add((range, bytes));
        return bytes;
    }
}
