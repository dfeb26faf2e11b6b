using System.Numerics;

namespace OrleansLake.Parquet.Buffers;

/// <summary>
/// Pieces of memory for pages that wait for their row group, kept for the next one: hundreds of small ones where many files
/// are open, hundreds of large ones where one is, which is more than the shared pool of the runtime keeps of a size.
/// </summary>
internal static class PiecePool
{
    /// <summary>The smallest piece.</summary>
    public const int Smallest = 4 * 1024;

    /// <summary>The largest piece.</summary>
    public const int Largest = 256 * 1024;

    private const long KeptOfASize = 16L * 1024 * 1024;
    private const long KeptOfTheLargest = 128L * 1024 * 1024;

    private static readonly Stack<byte[]>[] Free =
        [.. Enumerable.Range(0, Class(Largest) + 1).Select(_ => new Stack<byte[]>())];

    /// <summary>A piece of at least so many bytes, or the largest.</summary>
    public static byte[] Rent(long bytes)
    {
        int size = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Clamp(bytes, Smallest, Largest));
        var free = Free[Class(size)];
        lock (free)
        {
            if (free.TryPop(out byte[]? piece))
            {
                return piece;
            }
        }

        return GC.AllocateUninitializedArray<byte>(size);
    }

    /// <summary>Takes a piece back, or leaves it to the collector where there are enough.</summary>
    public static void Return(byte[] piece)
    {
        var free = Free[Class(piece.Length)];
        lock (free)
        {
            if ((free.Count + 1L) * piece.Length <= (piece.Length == Largest ? KeptOfTheLargest : KeptOfASize))
            {
                free.Push(piece);
            }
        }
    }

    private static int Class(int size) => BitOperations.Log2((uint)(size / Smallest));
}
