using System.Buffers;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace OrleansLake.Parquet.Encodings;

/// <summary>
/// The distinct values of a byte array column, in the order of their first occurrence, already laid out as the dictionary
/// page wants them. Open addressing; hash, length and place of a value stand in its slot, so that a look-up reads one slot
/// and the value. Values are looked up some hundred at a time: first all hashes, with the slots fetched ahead, then all
/// comparisons.
/// </summary>
internal sealed class ByteArrayDictionary(bool lengthPrefixed) : IPooledDictionary
{
    private bool _lengthPrefixed = lengthPrefixed;

    private const int FirstSlots = 256;
    private const int BlockSize = 512;

    /// <summary>The slots of more values than this are worth fetching ahead: they do not fit into the nearest cache.</summary>
    private const int ValuesInCache = 512;

    // As many as the values want: what a larger column left behind would only have to be cleared.
    private int _slotCount;
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
        _bytes.AsSpan(_starts[index]..(index + 1 < Count ? _starts[index + 1] - (_lengthPrefixed ? 4 : 0) : PageLength));

    /// <summary>An empty one out of the pool.</summary>
    public static ByteArrayDictionary Rent(bool lengthPrefixed)
    {
        var dictionary = DictionaryPool<ByteArrayDictionary>.Rent(static () => new ByteArrayDictionary(lengthPrefixed: true));
        dictionary._lengthPrefixed = lengthPrefixed;
        return dictionary;
    }

    /// <inheritdoc />
    public void Clear()
    {
        _slots.AsSpan(0, _slotCount).Clear();
        _slotCount = 0;
        Count = 0;
        PageLength = 0;
    }

    /// <summary>Drops the values behind the first so many. Nothing may be looked up afterwards until <see cref="Clear"/>.</summary>
    public void Truncate(int count)
    {
        if (count < Count)
        {
            PageLength = _starts[count] - (_lengthPrefixed ? 4 : 0);
            Count = count;
        }
    }

    /// <summary>
    /// The indices of values, new ones added. Value i lies from offset i to offset i + 1.
    /// </summary>
    /// <returns>How many were looked up: fewer than all where the dictionary would exceed one of the limits.</returns>
    public unsafe int LookUp(ReadOnlySpan<byte> bytes, ReadOnlySpan<int> offsets, Span<int> indices, int mostEntries, int mostBytes)
    {
        int total = offsets.Length - 1;
        uint* hashes = stackalloc uint[BlockSize];
        fixed (byte* values = bytes)
        fixed (int* starts = offsets, found = indices)
        {
            for (int block = 0, next; block < total; block = next)
            {
                int count = Math.Min(BlockSize, total - block);
                while (count > 1 && starts[block + count] - starts[block] > mostBytes)
                {
                    count /= 2; // long values: a block must not outgrow the limit by more than the limit
                }

                // A limit is passed by a block at most before it is noticed.
                int length = starts[block + count] - starts[block];
                if (Count > mostEntries || PageLength > mostBytes || length > mostBytes)
                {
                    return block;
                }

                next = block + count;
                Reserve(count, length);
                fixed (Slot* slots = _slots)
                fixed (byte* page = _bytes)
                fixed (int* entries = _starts)
                {
                    var table = new Table { Slots = slots, Mask = (uint)_slotCount - 1, Page = page, Starts = entries, Count = Count, PageLength = PageLength, Prefix = _lengthPrefixed ? 4 : 0 };

                    // Behind the last value may be no memory to read; all others are followed by others.
                    int safe = count;
                    while (safe > 0 && starts[block + safe - 1] > bytes.Length - ByteHash.Wide)
                    {
                        safe--;
                    }

                    if (Count > ValuesInCache)
                    {
                        FindFar(values, starts + block, safe, hashes, found + block, ref table);
                    }
                    else
                    {
                        FindNear(values, starts + block, safe, found + block, ref table);
                    }

                    FindCarefully(values, starts + block + safe, count - safe, found + block + safe, ref table);
                    Count = table.Count;
                    PageLength = table.PageLength;
                }
            }
        }

        return Count > mostEntries || PageLength > mostBytes ? total - 1 : total;
    }

    /// <summary>Where all slots are in a near cache: one value after the other.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static unsafe void FindNear(byte* values, int* starts, int count, int* found, ref Table shared)
    {
        var table = shared;
        int start = count > 0 ? starts[0] : 0;
        for (int i = 0; i < count; i++)
        {
            int end = starts[i + 1];
            int length = end - start;
            byte* value = values + start;
            start = end;
            if (length > ByteHash.Wide)
            {
                found[i] = FindLong(value, length, ByteHash.OfLong(ref *value, length), ref table);
                continue;
            }

            var mask = ByteHash.Mask(length);
            var wide = Vector256.Load(value) & mask;
            found[i] = FindShort(value, wide, mask, length, ByteHash.Of(wide, length), ref table);
        }

        shared = table;
    }

    /// <summary>Where slots are far away: all hashes first, and what they lead to is fetched ahead.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static unsafe void FindFar(byte* values, int* starts, int count, uint* hashes, int* found, ref Table shared)
    {
        var table = shared;
        int start = count > 0 ? starts[0] : 0;
        for (int i = 0; i < count; i++)
        {
            int end = starts[i + 1];
            int length = end - start;
            byte* value = values + start;
            start = end;
            uint hash = length > ByteHash.Wide
                ? ByteHash.OfLong(ref *value, length)
                : ByteHash.Of(Vector256.Load(value) & ByteHash.Mask(length), length);
            hashes[i] = hash;
            if (Sse.IsSupported)
            {
                Sse.Prefetch0(table.Slots + (hash & table.Mask));
            }
        }

        if (Sse.IsSupported)
        {
            for (int i = 0; i < count; i++)
            {
                Sse.Prefetch0(table.Page + table.Slots[hashes[i] & table.Mask].Start);
            }
        }

        start = count > 0 ? starts[0] : 0;
        for (int i = 0; i < count; i++)
        {
            int end = starts[i + 1];
            int length = end - start;
            byte* value = values + start;
            start = end;
            if (length > ByteHash.Wide)
            {
                found[i] = FindLong(value, length, hashes[i], ref table);
                continue;
            }

            var mask = ByteHash.Mask(length);
            found[i] = FindShort(value, Vector256.Load(value) & mask, mask, length, hashes[i], ref table);
        }

        shared = table;
    }

    /// <summary>Values so near the end that no more than themselves can be read.</summary>
    private static unsafe void FindCarefully(byte* values, int* starts, int count, int* found, ref Table table)
    {
        byte* copy = stackalloc byte[ByteHash.Wide];
        for (int i = 0; i < count; i++)
        {
            byte* value = values + starts[i];
            int length = starts[i + 1] - starts[i];
            if (length > ByteHash.Wide)
            {
                found[i] = FindLong(value, length, ByteHash.OfLong(ref *value, length), ref table);
                continue;
            }

            Vector256<byte>.Zero.Store(copy);
            Unsafe.CopyBlockUnaligned(copy, value, (uint)length);
            var wide = Vector256.Load(copy);
            found[i] = FindShort(copy, wide, ByteHash.Mask(length), length, ByteHash.Of(wide, length), ref table);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static unsafe int FindShort(byte* value, Vector256<byte> wide, Vector256<byte> mask, int length, uint hash, ref Table table)
    {
        ulong key = Slot.KeyOf(hash, length);
        for (uint at = hash & table.Mask; ; at = (at + 1) & table.Mask)
        {
            Slot* slot = table.Slots + at;

            // Both sides can be read beyond their end; the mask takes away what does not belong to them.
            if (slot->Key == key && (Vector256.Load(table.Page + slot->Start) & mask) == wide)
            {
                return slot->Index;
            }

            if (slot->Key == 0)
            {
                return Add(slot, key, value, length, ref table);
            }
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static unsafe int FindLong(byte* value, int length, uint hash, ref Table table)
    {
        ulong key = Slot.KeyOf(hash, length);
        for (uint at = hash & table.Mask; ; at = (at + 1) & table.Mask)
        {
            Slot* slot = table.Slots + at;
            if (slot->Key == key && new ReadOnlySpan<byte>(table.Page + slot->Start, length).SequenceEqual(new ReadOnlySpan<byte>(value, length)))
            {
                return slot->Index;
            }

            if (slot->Key == 0)
            {
                return Add(slot, key, value, length, ref table);
            }
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static unsafe int Add(Slot* slot, ulong key, byte* value, int length, ref Table table)
    {
        byte* to = table.Page + table.PageLength + table.Prefix;
        if (table.Prefix > 0)
        {
            Unsafe.WriteUnaligned(to - 4, length);
        }

        Unsafe.CopyBlockUnaligned(to, value, (uint)length);
        table.Starts[table.Count] = table.PageLength + table.Prefix;
        *slot = new Slot { Key = key, Start = table.PageLength + table.Prefix, Index = table.Count };
        table.PageLength += table.Prefix + length;
        return table.Count++;
    }

    /// <summary>Makes room for so many more values, so that nothing moves while they are looked up.</summary>
    private void Reserve(int count, int bytes)
    {
        if (_slotCount < 2 * (Count + count))
        {
            Grow(Count + count);
        }

        long wanted = (long)PageLength + bytes + (4L * count) + ByteHash.Wide;
        if (_bytes.Length < wanted)
        {
            Array.Resize(ref _bytes, (int)Math.Min(Array.MaxLength, Math.Max(1024, checked((int)wanted) * 2L)));
        }

        if (_starts.Length < Count + count)
        {
            Array.Resize(ref _starts, Math.Max(64, (Count + count) * 2));
        }
    }

    private void Grow(int entries)
    {
        int size = Math.Max(FirstSlots, (int)BitOperations.RoundUpToPowerOf2((uint)entries * 2));
        var before = _slots.AsSpan(0, _slotCount);
        Slot[] rented = [];
        if (_slots.Length < size)
        {
            _slots = new Slot[size];
        }
        else if (Count > 0)
        {
            rented = ArrayPool<Slot>.Shared.Rent(before.Length);
            before.CopyTo(rented);
            before.Clear();
            before = rented.AsSpan(0, before.Length);
        }

        _slotCount = size;
        uint mask = (uint)size - 1;
        foreach (ref readonly var slot in before)
        {
            if (slot.Key != 0)
            {
                uint at = (uint)slot.Key & mask;
                while (_slots[at].Key != 0)
                {
                    at = (at + 1) & mask;
                }

                _slots[at] = slot;
            }
        }

        if (rented.Length > 0)
        {
            ArrayPool<Slot>.Shared.Return(rented);
        }
    }

    /// <summary>What the loops read and write of the dictionary.</summary>
    private unsafe struct Table
    {
        public Slot* Slots;
        public uint Mask;
        public byte* Page;
        public int* Starts;
        public int Count;
        public int PageLength;
        public int Prefix;
    }

    private struct Slot
    {
        /// <summary>Hash and length; 0 where nobody is. Hashes have their highest bit set, so that none makes 0.</summary>
        public ulong Key;
        public int Start;
        public int Index;

        public static ulong KeyOf(uint hash, int length) => hash | ((ulong)length << 32);
    }
}
