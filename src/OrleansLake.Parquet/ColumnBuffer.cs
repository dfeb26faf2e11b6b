using System.Runtime.CompilerServices;

namespace OrleansLake.Parquet;

/// <summary>
/// The values and levels of one column in a <see cref="ColumnBatch"/>.
/// </summary>
/// <remarks>
/// A slot is a place where a value could stand: one a row in a flat column, one or more in a repeated one (an empty or
/// null list takes one slot). Slots carry a definition level (only where <see cref="ColumnDescriptor.MaxDefinitionLevel"/>
/// is above 0) and a repetition level (likewise). A slot whose definition level is the maximum has a value; values lie
/// densely, in the order of their slots, in the one array that fits the physical type:
/// <list type="table">
/// <item><term>Boolean</term><description><see cref="Bytes"/>, one byte a value, 0 or 1</description></item>
/// <item><term>Int32, Int64, Float, Double</term><description><see cref="Ints"/>, <see cref="Longs"/>, <see cref="Floats"/>, <see cref="Doubles"/></description></item>
/// <item><term>FixedLenByteArray, Int96</term><description><see cref="Bytes"/>, the type's length (12) a value</description></item>
/// <item><term>ByteArray</term><description><see cref="Bytes"/>, value i from <see cref="Offsets"/>[i] to <see cref="Offsets"/>[i + 1]</description></item>
/// </list>
/// Arrays are larger than what they hold; only the counts say how far they are filled. The arrays change when they grow:
/// take them again after each call of a Reserve method.
/// </remarks>
public sealed class ColumnBuffer
{
    private const int InitialSlots = 1024;

    internal ColumnBuffer(ColumnDescriptor column)
    {
        Column = column;
        if (column.PhysicalType == PhysicalType.ByteArray)
        {
            Offsets = new int[InitialSlots + 1];
        }
    }

    /// <summary>Which column this is.</summary>
    public ColumnDescriptor Column { get; }

    /// <summary>Slots filled.</summary>
    public int SlotCount { get; set; }

    /// <summary>Values filled; equals <see cref="SlotCount"/> where nothing is null.</summary>
    public int ValueCount { get; set; }

    /// <summary>One a slot; empty where the maximum is 0.</summary>
    public byte[] DefinitionLevels { get; private set; } = [];

    /// <summary>One a slot; empty where the maximum is 0. 0 starts a row.</summary>
    public byte[] RepetitionLevels { get; private set; } = [];

    /// <summary>Booleans, fixed-length values, or the bytes of all byte arrays one after the other.</summary>
    public byte[] Bytes { get; private set; } = [];

    /// <summary>Values of an Int32 column.</summary>
    public int[] Ints { get; private set; } = [];

    /// <summary>Values of an Int64 column.</summary>
    public long[] Longs { get; private set; } = [];

    /// <summary>Values of a Float column.</summary>
    public float[] Floats { get; private set; } = [];

    /// <summary>Values of a Double column.</summary>
    public double[] Doubles { get; private set; } = [];

    /// <summary>Where each byte array starts in <see cref="Bytes"/>; the entry at <see cref="ValueCount"/> is the end of the last.</summary>
    public int[] Offsets { get; private set; } = [];

    /// <summary>Bytes of values and levels now held.</summary>
    public long SizeBytes
    {
        get
        {
            long levels = (Column.MaxDefinitionLevel > 0 ? SlotCount : 0) + (Column.MaxRepetitionLevel > 0 ? SlotCount : 0);
            return levels + Column.PhysicalType switch
            {
                PhysicalType.Boolean => ValueCount,
                PhysicalType.Int32 or PhysicalType.Float => 4L * ValueCount,
                PhysicalType.Int64 or PhysicalType.Double => 8L * ValueCount,
                PhysicalType.Int96 => 12L * ValueCount,
                PhysicalType.FixedLenByteArray => (long)Column.TypeLength * ValueCount,
                _ => Offsets[ValueCount] + 4L * ValueCount,
            };
        }
    }

    /// <summary>Makes room for so many more slots, each with a value (for byte arrays: with an offset; see <see cref="ReserveBytes"/>).</summary>
    public void Reserve(int slots)
    {
        int wanted = checked(SlotCount + slots);
        if (Column.MaxDefinitionLevel > 0 && DefinitionLevels.Length < wanted)
        {
            DefinitionLevels = Grow(DefinitionLevels, wanted);
        }

        if (Column.MaxRepetitionLevel > 0 && RepetitionLevels.Length < wanted)
        {
            RepetitionLevels = Grow(RepetitionLevels, wanted);
        }

        wanted = checked(ValueCount + slots);
        switch (Column.PhysicalType)
        {
            case PhysicalType.Boolean when Bytes.Length < wanted: Bytes = Grow(Bytes, wanted); break;
            case PhysicalType.Int32 when Ints.Length < wanted: Ints = Grow(Ints, wanted); break;
            case PhysicalType.Int64 when Longs.Length < wanted: Longs = Grow(Longs, wanted); break;
            case PhysicalType.Float when Floats.Length < wanted: Floats = Grow(Floats, wanted); break;
            case PhysicalType.Double when Doubles.Length < wanted: Doubles = Grow(Doubles, wanted); break;
            case PhysicalType.Int96 when Bytes.Length < 12L * wanted: Bytes = Grow(Bytes, checked(12 * wanted)); break;
            case PhysicalType.FixedLenByteArray when Bytes.Length < (long)Column.TypeLength * wanted:
                Bytes = Grow(Bytes, checked(Column.TypeLength * wanted));
                break;
            case PhysicalType.ByteArray when Offsets.Length < wanted + 1: Offsets = Grow(Offsets, wanted + 1); break;
        }
    }

    /// <summary>Makes room for so many more bytes of byte arrays, behind those of the last complete value.</summary>
    public void ReserveBytes(int bytes)
    {
        int wanted = checked(Offsets[ValueCount] + bytes);
        if (Bytes.Length < wanted)
        {
            Bytes = Grow(Bytes, wanted);
        }
    }

    /// <summary>Empties the column and keeps the memory.</summary>
    public void Clear()
    {
        SlotCount = 0;
        ValueCount = 0;
    }

    /// <summary>Keeps the first <paramref name="rows"/> rows.</summary>
    public void TruncateToRows(int rows)
    {
        int slots = Column.MaxRepetitionLevel == 0 ? Math.Min(rows, SlotCount) : SlotOfRow(rows);
        if (Column.MaxDefinitionLevel == 0)
        {
            ValueCount = slots;
        }
        else
        {
            int dropped = 0;
            for (int slot = slots; slot < SlotCount; slot++)
            {
                dropped += DefinitionLevels[slot] == Column.MaxDefinitionLevel ? 1 : 0;
            }

            ValueCount -= dropped;
        }

        SlotCount = slots;
    }

    private int SlotOfRow(int row)
    {
        int rows = 0;
        for (int slot = 0; slot < SlotCount; slot++)
        {
            if (RepetitionLevels[slot] == 0 && rows++ == row)
            {
                return slot;
            }
        }

        return SlotCount;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static T[] Grow<T>(T[] array, int wanted)
    {
        int length = (int)Math.Min(Array.MaxLength, Math.Max(Math.Max(array.Length * 2L, wanted), InitialSlots));
        Array.Resize(ref array, length);
        return array;
    }
}
