using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Decode;

/// <summary>
/// A column while rows are decoded into it: the arrays and counts of its <see cref="ColumnBuffer"/> in plain fields, taken
/// from it by <see cref="Attach"/> and given back by <see cref="Detach"/>.
/// </summary>
/// <remarks>
/// A column that is not repeated has one slot a row: its levels say "there" before anything is read, and only what is absent
/// writes one. Where a row began is not remembered but counted again in the rare case that the row is dropped.
/// </remarks>
internal sealed class LeafColumn(ColumnDescriptor column)
{
    private const int Slack = 64;

    private ColumnBuffer? _buffer;
    private int _firstSlot;
    private int _firstRow;
    private int _firstValue;
    private int _shortLimit;

    /// <summary>Which column.</summary>
    public readonly ColumnDescriptor Column = column;

    /// <summary>Whether slots have definition levels.</summary>
    public readonly bool HasDefinitions = column.MaxDefinitionLevel > 0;

    /// <summary>Whether slots have repetition levels.</summary>
    public readonly bool HasRepetitions = column.MaxRepetitionLevel > 0;

    /// <summary>The level of a value that is there.</summary>
    public readonly byte MaxDefinition = checked((byte)column.MaxDefinitionLevel);

    /// <summary>Bytes a value of a fixed length.</summary>
    public readonly int TypeLength = column.TypeLength;

    /// <summary>Arrays of the buffer, as it has them.</summary>
    public byte[] Definitions = [], Repetitions = [], Bytes = [];

    /// <inheritdoc cref="Bytes" />
    public int[] Ints = [], Offsets = [];

    /// <inheritdoc cref="Bytes" />
    public long[] Longs = [];

    /// <inheritdoc cref="Bytes" />
    public float[] Floats = [];

    /// <inheritdoc cref="Bytes" />
    public double[] Doubles = [];

    /// <summary>Slots (of a repeated column) and values filled, and slots for which there is room.</summary>
    public int Slot, Value, SlotLimit;

    /// <summary>Takes the buffer's arrays, which hold <paramref name="row"/> rows, and makes room for so many more.</summary>
    public void Attach(ColumnBuffer buffer, int row, int rows)
    {
        _buffer = buffer;
        _firstSlot = Slot = buffer.SlotCount;
        _firstValue = Value = buffer.ValueCount;
        _firstRow = row;
        Reserve(rows);
        if (!HasRepetitions && HasDefinitions)
        {
            Definitions.AsSpan(Slot, rows).Fill(MaxDefinition);
        }
    }

    /// <summary>Gives the counts back, at so many rows.</summary>
    public void Detach(int row)
    {
        Slot = HasRepetitions ? Slot : _firstSlot + row - _firstRow;
        Give();
        _buffer = null;
    }

    /// <summary>Goes back to where a row began, whether or not it has begun here.</summary>
    public void DropRow(int row)
    {
        if (HasRepetitions)
        {
            var starts = Repetitions.AsSpan(_firstSlot, Slot - _firstSlot);
            if (starts.Count((byte)0) > row - _firstRow)
            {
                int begin = _firstSlot + starts.LastIndexOf((byte)0);
                Value -= Definitions.AsSpan(begin, Slot - begin).Count(MaxDefinition);
                Slot = begin;
            }

            return;
        }

        int slot = _firstSlot + row - _firstRow;
        if (HasDefinitions)
        {
            Definitions[slot] = MaxDefinition;
            Value = _firstValue + Definitions.AsSpan(_firstSlot, slot - _firstSlot).Count(MaxDefinition);
        }
        else
        {
            Value = _firstValue + slot - _firstSlot;
        }
    }

    /// <summary>The bytes of a value, alike for values that are alike.</summary>
    public ReadOnlySpan<byte> BytesOf(int value) => Column.PhysicalType switch
    {
        PhysicalType.Boolean => Bytes.AsSpan(value, 1),
        PhysicalType.Int32 => MemoryMarshal.AsBytes(Ints.AsSpan(value, 1)),
        PhysicalType.Int64 => MemoryMarshal.AsBytes(Longs.AsSpan(value, 1)),
        PhysicalType.Float => MemoryMarshal.AsBytes(Floats.AsSpan(value, 1)),
        PhysicalType.Double => MemoryMarshal.AsBytes(Doubles.AsSpan(value, 1)),
        PhysicalType.ByteArray => Bytes.AsSpan(Offsets[value], Offsets[value + 1] - Offsets[value]),
        _ => Bytes.AsSpan(value * TypeLength, TypeLength),
    };

    /// <summary>Whether one more slot, and a short byte array, need no growth: then the methods that begin with Put may be called.</summary>
    public bool HasRoom
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Slot != SlotLimit;
    }

    /// <inheritdoc cref="HasRoom" />
    public bool HasRoomForShort
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => HasRoom && Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(Offsets), Value) <= _shortLimit;
    }

    /// <summary>A slot with a value; the caller stores it and counts <see cref="Value"/> up.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void AddPresent(int repetition)
    {
        EnsureRoom();
        PutPresent(repetition);
    }

    /// <summary>A slot of that row without a value, defined up to a level below the maximum.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void AddAbsent(int definition, int repetition, int row)
    {
        if (HasRepetitions)
        {
            EnsureRoom();
            PutSlot((byte)definition, repetition);
        }
        else
        {
            Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(Definitions), _firstSlot - _firstRow + row) = (byte)definition;
        }
    }

    /// <summary>Stores one value of the column's physical type.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void AddLong(long value, int repetition)
    {
        EnsureRoom();
        PutLong(value, repetition);
    }

    /// <summary>Stores one value of the column's physical type; <see cref="HasRoom"/> said that it may.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void PutLong(long value, int repetition)
    {
        PutPresent(repetition);
        Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(Longs), Value++) = value;
    }

    /// <inheritdoc cref="PutLong" />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void PutInt(int value, int repetition)
    {
        PutPresent(repetition);
        Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(Ints), Value++) = value;
    }

    /// <inheritdoc cref="PutLong" />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void PutDouble(double value, int repetition)
    {
        PutPresent(repetition);
        Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(Doubles), Value++) = value;
    }

    /// <inheritdoc cref="PutLong" />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void PutBoolean(byte value, int repetition)
    {
        PutPresent(repetition);
        Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(Bytes), Value++) = value;
    }

    /// <summary>Where the next byte array goes; <see cref="HasRoomForShort"/> said that it may.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ref byte ShortRoom() =>
        ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(Bytes), Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(Offsets), Value));

    /// <summary>Adds the byte array whose bytes were put where <see cref="ShortRoom"/> said.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void PutShort(int length, int repetition)
    {
        PutPresent(repetition);
        ref int offset = ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(Offsets), Value++);
        Unsafe.Add(ref offset, 1) = offset + length;
    }

    /// <inheritdoc cref="AddLong" />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void AddInt(int value, int repetition)
    {
        EnsureRoom();
        PutInt(value, repetition);
    }

    /// <inheritdoc cref="AddLong" />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void AddDouble(double value, int repetition)
    {
        EnsureRoom();
        PutDouble(value, repetition);
    }

    /// <inheritdoc cref="AddLong" />
    public void AddFloat(float value, int repetition)
    {
        AddPresent(repetition);
        Floats[Value++] = value;
    }

    /// <inheritdoc cref="AddLong" />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void AddBoolean(byte value, int repetition)
    {
        EnsureRoom();
        PutBoolean(value, repetition);
    }

    /// <summary>Adds a value in the form that the column stores.</summary>
    public void Add(object stored, int repetition)
    {
        switch (stored)
        {
            case bool flag:
                AddBoolean(flag ? (byte)1 : (byte)0, repetition);
                break;
            case int number:
                AddInt(number, repetition);
                break;
            case long number:
                AddLong(number, repetition);
                break;
            case float number:
                AddFloat(number, repetition);
                break;
            case double number:
                AddDouble(number, repetition);
                break;
            case byte[] bytes when Column.PhysicalType == PhysicalType.ByteArray:
                bytes.CopyTo(MemoryMarshal.CreateSpan(ref RoomForBytes(bytes.Length), bytes.Length));
                AddBytes(bytes.Length, repetition);
                break;
            case byte[] bytes:
                bytes.CopyTo(AddFixed(repetition));
                break;
            default:
                throw new ArgumentException($"expected a value of a column, got {stored.GetType().Name}", nameof(stored));
        }
    }

    /// <summary>Adds a value of the fixed length and returns where its bytes go.</summary>
    public Span<byte> AddFixed(int repetition)
    {
        AddPresent(repetition);
        return Bytes.AsSpan(TypeLength * Value++, TypeLength);
    }

    /// <summary>Where the next byte array goes, with room for so many bytes and a vector more.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ref byte RoomForBytes(int length)
    {
        int position = Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(Offsets), Value);
        if (Bytes.Length - position < length + Slack)
        {
            GrowBytes(length);
        }

        return ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(Bytes), position);
    }

    /// <summary>Adds the byte array whose bytes were put where <see cref="RoomForBytes"/> said.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void AddBytes(int length, int repetition)
    {
        EnsureRoom();
        PutShort(length, repetition);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void EnsureRoom()
    {
        if (Slot == SlotLimit)
        {
            Grow();
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void PutPresent(int repetition)
    {
        if (HasRepetitions)
        {
            PutSlot(MaxDefinition, repetition);
        }
    }

    // What is repeated can be empty, so it has definition levels.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void PutSlot(byte definition, int repetition)
    {
        int slot = Slot;
        Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(Definitions), slot) = definition;
        Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(Repetitions), slot) = (byte)repetition;
        Slot = slot + 1;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Grow() => Reserve(Math.Max(1024, Slot));

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void GrowBytes(int length)
    {
        Give();
        _buffer!.ReserveBytes(checked(length + Slack));
        Take();
    }

    private void Reserve(int slots)
    {
        Give();
        _buffer!.Reserve(slots);
        Take();
        SlotLimit = checked(Slot + slots);
    }

    private void Give()
    {
        _buffer!.SlotCount = Slot;
        _buffer.ValueCount = Value;
    }

    private void Take()
    {
        var buffer = _buffer!;
        Definitions = buffer.DefinitionLevels;
        Repetitions = buffer.RepetitionLevels;
        Bytes = buffer.Bytes;
        _shortLimit = Bytes.Length - (2 * Slack);
        Ints = buffer.Ints;
        Offsets = buffer.Offsets;
        Longs = buffer.Longs;
        Floats = buffer.Floats;
        Doubles = buffer.Doubles;
    }
}
