using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace OrleansLake.Parquet.Encodings;

/// <summary>The distinct values of a column of 32 or 64 bits, in the order of their first occurrence.</summary>
internal sealed class NumberDictionary<T> : IPooledDictionary
    where T : unmanaged, IBinaryInteger<T>
{
    private const int FirstSlots = 256;
    private const int BlockSize = 512;

    private int _slotCount;
    private Slot[] _slots = [];
    private T[] _values = [];

    public int Count { get; private set; }

    public ReadOnlySpan<byte> Page => MemoryMarshal.AsBytes(_values.AsSpan(0, Count));

    public long SizeBytes => _slots.Length * (long)Unsafe.SizeOf<Slot>() + _values.Length * (long)Unsafe.SizeOf<T>();

    /// <inheritdoc />
    public void Clear()
    {
        _slots.AsSpan(0, _slotCount).Clear();
        _slotCount = 0;
        Count = 0;
    }

    /// <summary>Drops the values behind the first so many. Nothing may be looked up afterwards until <see cref="Clear"/>.</summary>
    public void Truncate(int count) => Count = Math.Min(count, Count);

    /// <summary>The indices of values, new ones added.</summary>
    /// <returns>How many were looked up: fewer than all where the dictionary would exceed the limit.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public int LookUp(ReadOnlySpan<T> values, Span<int> indices, int mostEntries)
    {
        T last = default;
        int lastIndex = -1;
        for (int block = 0; block < values.Length; block += BlockSize)
        {
            if (Count > mostEntries)
            {
                return block;
            }

            int count = Math.Min(BlockSize, values.Length - block);
            if (_slotCount < 2 * (Count + count))
            {
                Grow(Count + count);
            }

            ref var slots = ref MemoryMarshal.GetArrayDataReference(_slots);
            int shift = 64 - BitOperations.Log2((uint)_slotCount);
            uint mask = (uint)_slotCount - 1;
            for (int i = block; i < block + count; i++)
            {
                T value = values[i];
                if (value == last && lastIndex >= 0)
                {
                    indices[i] = lastIndex;
                    continue;
                }

                uint at = (uint)(Mix(value) >> shift);
                ref var slot = ref Unsafe.Add(ref slots, at);
                while (slot.IndexPlusOne != 0 && slot.Value != value)
                {
                    at = (at + 1) & mask;
                    slot = ref Unsafe.Add(ref slots, at);
                }

                if (slot.IndexPlusOne == 0)
                {
                    Add(ref slot, value);
                }

                last = value;
                lastIndex = slot.IndexPlusOne - 1;
                indices[i] = lastIndex;
            }
        }

        return Count > mostEntries ? values.Length - 1 : values.Length;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Add(ref Slot slot, T value)
    {
        if (_values.Length == Count)
        {
            Array.Resize(ref _values, Math.Max(64, Count * 2));
        }

        _values[Count++] = value;
        slot = new Slot { Value = value, IndexPlusOne = Count };
    }

    private void Grow(int entries)
    {
        int size = Math.Max(FirstSlots, (int)BitOperations.RoundUpToPowerOf2((uint)entries * 2));
        if (_slots.Length < size)
        {
            _slots = new Slot[size];
        }
        else
        {
            _slots.AsSpan(0, _slotCount).Clear();
        }

        _slotCount = size;
        int shift = 64 - BitOperations.Log2((uint)size);
        uint mask = (uint)size - 1;
        for (int i = 0; i < Count; i++)
        {
            uint at = (uint)(Mix(_values[i]) >> shift);
            while (_slots[at].IndexPlusOne != 0)
            {
                at = (at + 1) & mask;
            }

            _slots[at] = new Slot { Value = _values[i], IndexPlusOne = i + 1 };
        }
    }

    // Counters and timestamps differ in their low bits, doubles in their high ones: the multiplication carries the low
    // bits up, the fold brings the high ones down before it.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Mix(T value)
    {
        ulong bits = ulong.CreateTruncating(value);
        return (bits ^ (bits >> 32)) * 0x9E3779B97F4A7C15;
    }

    private struct Slot
    {
        public T Value;
        public int IndexPlusOne;
    }
}
