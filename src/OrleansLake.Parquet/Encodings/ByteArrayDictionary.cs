using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace OrleansLake.Parquet.Encodings;

/// <summary>
/// The distinct values of a byte array column, in the order of their first occurrence, already laid out as the dictionary
/// page wants them. Open addressing; hash, length and place of a value stand in its slot, so that a look-up reads one slot
/// and the value. Values are looked up some hundred at a time: first all hashes, with the slots fetched ahead, then all
/// comparisons.
/// </summary>
internal sealed class ByteArrayDictionary(bool lengthPrefixed)
{
    private const int FirstSlots = 256;
    private const int BlockSize = 512;

    /// <summary>Slots of more than this are worth fetching ahead: they do not fit into the nearest cache.</summary>
    private const int SlotsInCache = 1024;

    private Slot[] _slots = [];
    private byte[] _bytes = [];
    private int[] _starts = [];

    /// <summary>Distinct values.</summary>
    public int Count { get; private set; }

    /// <summary>Bytes of the dictionary page.</summary>
    public int PageLength { get; private set; }

    public ReadOnlySpan<byte> Page => _bytes.AsSpan(0, PageLength);

    public long SizeBytes => _slots.Length * 16L + _bytes.Length + _starts.Length * 4L;

    /// <summary>A distinct value by its index.</summary>
    public ReadOnlySpan<byte> this[int index] =>
        _bytes.AsSpan(_starts[index]..(index + 1 < Count ? _starts[index + 1] - (lengthPrefixed ? 4 : 0) : PageLength));

    public void Clear()
    {
        Array.Clear(_slots);
        Count = 0;
        PageLength = 0;
    }

    /// <summary>Drops the values behind the first so many. Nothing may be looked up afterwards until <see cref="Clear"/>.</summary>
    public void Truncate(int count)
    {
        if (count < Count)
        {
            PageLength = _starts[count] - (lengthPrefixed ? 4 : 0);
            Count = count;
        }
    }

    /// <summary>
    /// The indices of values, new ones added. Value i lies from offset i to offset i + 1.
    /// </summary>
    /// <returns>How many were looked up: fewer than all where the dictionary would exceed one of the limits.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public unsafe int LookUp(ReadOnlySpan<byte> bytes, ReadOnlySpan<int> offsets, Span<int> indices, int mostEntries, int mostBytes)
    {
        int total = offsets.Length - 1;
        uint* hashes = stackalloc uint[BlockSize];
        ref byte values = ref MemoryMarshal.GetReference(bytes);
        int lastWide = bytes.Length - ByteHash.Wide;
        for (int block = 0, next; block < total; block = next)
        {
            int count = Math.Min(BlockSize, total - block);
            while (count > 1 && offsets[block + count] - offsets[block] > mostBytes)
            {
                count /= 2; // long values: a block must not outgrow the limit by more than the limit
            }

            // A limit is passed by a block at most before it is noticed.
            if (Count > mostEntries || PageLength > mostBytes || offsets[block + count] - offsets[block] > mostBytes)
            {
                return block;
            }

            next = block + count;
            if (_slots.Length < 2 * (Count + count))
            {
                Grow(Count + count);
            }

            fixed (Slot* slots = _slots)
            {
                uint mask = (uint)_slots.Length - 1;
                bool fetch = _slots.Length > SlotsInCache && Sse.IsSupported;
                for (int i = 0; i < count; i++)
                {
                    int start = offsets[block + i];
                    int length = offsets[block + i + 1] - start;
                    ref byte value = ref Unsafe.Add(ref values, start);
                    uint hash = length <= ByteHash.Wide
                        ? start <= lastWide ? ByteHash.OfShort(ref value, length) : ByteHash.OfShortAtEnd(ref value, length)
                        : ByteHash.OfLong(ref value, length);
                    hashes[i] = hash;
                    if (fetch)
                    {
                        Sse.Prefetch0(slots + (hash & mask));
                    }
                }

                if (fetch)
                {
                    fixed (byte* entries = _bytes)
                    {
                        for (int i = 0; i < count; i++)
                        {
                            Sse.Prefetch0(entries + slots[hashes[i] & mask].Start);
                        }
                    }
                }

                fixed (int* found = indices)
                {
                    for (int i = 0; i < count; i++)
                    {
                        int start = offsets[block + i];
                        int length = offsets[block + i + 1] - start;
                        ref byte value = ref Unsafe.Add(ref values, start);
                        uint hash = hashes[i];
                        uint at = hash & mask;
                        Slot* slot;
                        while (true)
                        {
                            slot = slots + at;
                            if (slot->IndexPlusOne == 0)
                            {
                                Add(slot, hash, ref value, length);
                                break;
                            }

                            if (slot->Hash == hash && slot->Length == length
                                && AreEqual(ref value, ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_bytes), slot->Start), length, start <= lastWide))
                            {
                                break;
                            }

                            at = (at + 1) & mask;
                        }

                        found[block + i] = slot->IndexPlusOne - 1;
                    }
                }
            }
        }

        return Count > mostEntries || PageLength > mostBytes ? total - 1 : total;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private unsafe void Add(Slot* slot, uint hash, ref byte value, int length)
    {
        int prefix = lengthPrefixed ? 4 : 0;
        int wanted = checked(PageLength + prefix + length);
        if (_bytes.Length < wanted + ByteHash.Wide)
        {
            Array.Resize(ref _bytes, (int)Math.Min(Array.MaxLength, Math.Max(1024, (wanted + ByteHash.Wide) * 2L)));
        }

        if (lengthPrefixed)
        {
            BinaryPrimitives.WriteInt32LittleEndian(_bytes.AsSpan(PageLength), length);
        }

        MemoryMarshal.CreateReadOnlySpan(ref value, length).CopyTo(_bytes.AsSpan(PageLength + prefix));
        if (_starts.Length == Count)
        {
            Array.Resize(ref _starts, Math.Max(64, Count * 2));
        }

        _starts[Count] = PageLength + prefix;
        *slot = new Slot { Hash = hash, Length = length, Start = PageLength + prefix, IndexPlusOne = ++Count };
        PageLength = wanted;
    }

    private void Grow(int entries)
    {
        int size = Math.Max(FirstSlots, (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)entries * 2));
        var larger = new Slot[size];
        uint mask = (uint)size - 1;
        foreach (var slot in _slots)
        {
            if (slot.IndexPlusOne != 0)
            {
                uint at = slot.Hash & mask;
                while (larger[at].IndexPlusOne != 0)
                {
                    at = (at + 1) & mask;
                }

                larger[at] = slot;
            }
        }

        _slots = larger;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool AreEqual(ref byte left, ref byte right, int length, bool wide)
    {
        if (length <= ByteHash.Wide && wide)
        {
            // Both sides can be read beyond their end; the mask takes away what does not belong to them.
            return ((Vector256.LoadUnsafe(ref left) ^ Vector256.LoadUnsafe(ref right)) & ByteHash.Mask(length)) == Vector256<byte>.Zero;
        }

        return MemoryMarshal.CreateReadOnlySpan(ref left, length).SequenceEqual(MemoryMarshal.CreateReadOnlySpan(ref right, length));
    }

    private struct Slot
    {
        public uint Hash;
        public int Length;
        public int Start;
        public int IndexPlusOne;
    }
}
