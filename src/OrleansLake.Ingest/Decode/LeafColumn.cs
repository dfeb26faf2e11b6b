using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Decode;

/// <summary>
/// A column while rows are decoded into it: the arrays and counts of its <see cref="ColumnBuffer"/> in plain fields, taken
/// from it by <see cref="Attach"/> and given back by <see cref="Detach"/>.
/// </summary>
internal sealed class LeafColumn(ColumnDescriptor column)
{
    private const int Slack = 64;

    private ColumnBuffer? _buffer;
    private int _rowSlot;
    private int _rowValue;

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

    /// <summary>Slots and values filled, and slots for which there is room.</summary>
    public int Slot, Value, SlotLimit;

    /// <summary>Takes the buffer's arrays and makes room for so many rows.</summary>
    public void Attach(ColumnBuffer buffer, int rows)
    {
        _buffer = buffer;
        Slot = buffer.SlotCount;
        Value = buffer.ValueCount;
        Reserve(rows);
    }

    /// <summary>Gives the counts back.</summary>
    public void Detach()
    {
        Give();
        _buffer = null;
    }

    /// <summary>Remembers where a row begins; only repeated columns need it.</summary>
    public void BeginRow()
    {
        _rowSlot = Slot;
        _rowValue = Value;
    }

    /// <summary>Goes back to where a row began.</summary>
    public void DropRow(int row)
    {
        if (HasRepetitions)
        {
            Slot = _rowSlot;
            Value = _rowValue;
        }
        else if (Slot > row)
        {
            Value -= !HasDefinitions || Definitions[row] == MaxDefinition ? 1 : 0;
            Slot = row;
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

    /// <summary>A slot with a value; the caller stores it and counts <see cref="Value"/> up.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void AddPresent(int repetition)
    {
        int slot = Slot;
        if (slot == SlotLimit)
        {
            Grow();
        }

        if (HasDefinitions)
        {
            Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(Definitions), slot) = MaxDefinition;
            if (HasRepetitions)
            {
                Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(Repetitions), slot) = (byte)repetition;
            }
        }
        else if (HasRepetitions)
        {
            Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(Repetitions), slot) = (byte)repetition;
        }

        Slot = slot + 1;
    }

    /// <summary>A slot without a value, defined up to a level below the maximum.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void AddAbsent(int definition, int repetition)
    {
        int slot = Slot;
        if (slot == SlotLimit)
        {
            Grow();
        }

        Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(Definitions), slot) = (byte)definition;
        if (HasRepetitions)
        {
            Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(Repetitions), slot) = (byte)repetition;
        }

        Slot = slot + 1;
    }

    /// <summary>Stores one value of the column's physical type.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void AddLong(long value, int repetition)
    {
        AddPresent(repetition);
        Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(Longs), Value++) = value;
    }

    /// <inheritdoc cref="AddLong" />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void AddInt(int value, int repetition)
    {
        AddPresent(repetition);
        Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(Ints), Value++) = value;
    }

    /// <inheritdoc cref="AddLong" />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void AddDouble(double value, int repetition)
    {
        AddPresent(repetition);
        Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(Doubles), Value++) = value;
    }

    /// <inheritdoc cref="AddLong" />
    public void AddFloat(float value, int repetition)
    {
        AddPresent(repetition);
        Floats[Value++] = value;
    }

    /// <inheritdoc cref="AddLong" />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void AddBoolean(bool value, int repetition)
    {
        AddPresent(repetition);
        Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(Bytes), Value++) = value ? (byte)1 : (byte)0;
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
        AddPresent(repetition);
        ref int offset = ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(Offsets), Value++);
        Unsafe.Add(ref offset, 1) = offset + length;
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
        Ints = buffer.Ints;
        Offsets = buffer.Offsets;
        Longs = buffer.Longs;
        Floats = buffer.Floats;
        Doubles = buffer.Doubles;
    }
}
