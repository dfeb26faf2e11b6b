using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace OrleansLake.Ingest.Quality;

/// <summary>
/// Keys of the last rows, by hashes of 128 bits. Each knows its record: one that is read again, since what was written of it had
/// to be given up, is no second one.
/// </summary>
internal sealed class SeenKeys(int window)
{
    private readonly Dictionary<UInt128, (TopicPartition TopicPartition, long Offset)> _seen = [];
    private readonly Queue<UInt128> _order = new();

    /// <summary>False: another record of the window has the key.</summary>
    public bool Add(ReadOnlySpan<byte> key, TopicPartition topicPartition, long offset)
    {
        UInt128 hash = XxHash128.HashToUInt128(key);
        ref var place = ref CollectionsMarshal.GetValueRefOrAddDefault(_seen, hash, out bool isKnown);
        if (isKnown)
        {
            return place == (topicPartition, offset);
        }

        place = (topicPartition, offset);
        _order.Enqueue(hash);
        if (_order.Count > window)
        {
            _seen.Remove(_order.Dequeue());
        }

        return true;
    }
}
