using System.Numerics;
using System.Runtime.CompilerServices;
using OrleansLake.Parquet.Buffers;

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
/// take them again after each call of a Reserve method. Slots are taken back only through <see cref="Clear"/> and
/// <see cref="TruncateToRows"/>: the buffer remembers how far its rows have been walked.
/// </remarks>
public sealed class ColumnBuffer
{
    private const int InitialSlots = 1024;

    private RowPosition _walked;

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

    /// <summary>
    /// Numbers that stand for the values of a byte array column, equal ones for equal values, where the reader knows them from
    /// dictionaries; what they are good for says <see cref="CodeSpace"/>.
    /// </summary>
    internal int[] Codes { get; private set; } = [];

    /// <summary>Whose numbers <see cref="Codes"/> are; null: not every value has one.</summary>
    internal object? CodeSpace { get; private set; }

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

    /// <summary>Bytes of all arrays, filled or not.</summary>
    internal long CapacityBytes => DefinitionLevels.Length + RepetitionLevels.Length + Bytes.Length + (4L * (Ints.Length + Floats.Length + Offsets.Length + Codes.Length)) + (8L * (Longs.Length + Doubles.Length));

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
        CodeSpace = null;
        _walked = default;
    }

    /// <summary>Room for the codes of so many more values; empty where values before them have none, or others.</summary>
    internal Span<int> AddCodes(object space, int count)
    {
        if (ValueCount > 0 && CodeSpace != space)
        {
            CodeSpace = null;
            return [];
        }

        CodeSpace = space;
        if (Codes.Length < ValueCount + count)
        {
            Codes = Grow(Codes, ValueCount + count);
        }

        return Codes.AsSpan(ValueCount, count);
    }

    /// <summary>Values come that have no codes.</summary>
    internal void DropCodes() => CodeSpace = null;

    /// <summary>Gives what it holds to another buffer of the same type and levels, and takes what that one held: nothing is copied.</summary>
    /// <exception cref="ArgumentException">The other buffer is of another type or of other levels.</exception>
    public void Exchange(ColumnBuffer other)
    {
        if (!CanExchange(other.Column))
        {
            throw new ArgumentException($"columns {Column} and {other.Column} are stored differently", nameof(other));
        }

        (SlotCount, other.SlotCount) = (other.SlotCount, SlotCount);
        (ValueCount, other.ValueCount) = (other.ValueCount, ValueCount);
        (DefinitionLevels, other.DefinitionLevels) = (other.DefinitionLevels, DefinitionLevels);
        (RepetitionLevels, other.RepetitionLevels) = (other.RepetitionLevels, RepetitionLevels);
        (Bytes, other.Bytes) = (other.Bytes, Bytes);
        (Ints, other.Ints) = (other.Ints, Ints);
        (Longs, other.Longs) = (other.Longs, Longs);
        (Floats, other.Floats) = (other.Floats, Floats);
        (Doubles, other.Doubles) = (other.Doubles, Doubles);
        (Offsets, other.Offsets) = (other.Offsets, Offsets);
        (Codes, other.Codes) = (other.Codes, Codes);
        (CodeSpace, other.CodeSpace) = (other.CodeSpace, CodeSpace);
        (_walked, other._walked) = (other._walked, _walked);
    }

    /// <summary>Whether a buffer of that column holds values and levels in the same form.</summary>
    public bool CanExchange(ColumnDescriptor other) => Column.PhysicalType == other.PhysicalType
        && Column.TypeLength == other.TypeLength
        && Column.MaxDefinitionLevel == other.MaxDefinitionLevel
        && Column.MaxRepetitionLevel == other.MaxRepetitionLevel;

    /// <summary>Keeps the first <paramref name="rows"/> rows.</summary>
    public void TruncateToRows(int rows)
    {
        if (Column.MaxRepetitionLevel > 0)
        {
            // Refused records come in the order of the rows, so the walk goes on where the last one ended.
            var end = Locate(rows);
            SlotCount = end.Slot;
            ValueCount = end.Value;
            return;
        }

        int slots = Math.Min(rows, SlotCount);
        if (Column.MaxDefinitionLevel > 0)
        {
            ValueCount -= DefinitionLevels.AsSpan(slots, SlotCount - slots).Count((byte)Column.MaxDefinitionLevel);
        }
        else
        {
            ValueCount = Math.Min(slots, ValueCount);
        }

        SlotCount = slots;
        if (_walked.Row > rows)
        {
            _walked = default;
        }
    }

    /// <summary>
    /// Where row <paramref name="row"/> starts, or the end where there are fewer rows. Cheap for one who asks for rows in
    /// ascending order: the walk goes on from the last answer.
    /// </summary>
    internal RowPosition Locate(int row)
    {
        if (Column.MaxDefinitionLevel == 0)
        {
            int flat = Math.Min(row, SlotCount);
            return new RowPosition(flat, flat, flat);
        }

        var from = row < _walked.Row || _walked.Slot > SlotCount ? default : _walked;
        var to = RowWalk.Forward(this, from, row - from.Row);
        _walked = to;
        return to;
    }

    /// <summary>Copies a run of slots from another buffer of the same type and levels.</summary>
    internal void AppendSlots(ColumnBuffer source, RowPosition from, RowPosition to)
    {
        int slots = to.Slot - from.Slot;
        int values = to.Value - from.Value;
        Reserve(slots);
        if (source.CodeSpace is { } space && values > 0)
        {
            // Nothing is copied where there is no room for it: what is here already has other codes or none.
            var codes = AddCodes(space, values);
            source.Codes.AsSpan(from.Value, codes.Length).CopyTo(codes);
        }
        else if (values > 0)
        {
            DropCodes();
        }

        if (Column.MaxDefinitionLevel > 0)
        {
            source.DefinitionLevels.AsSpan(from.Slot, slots).CopyTo(DefinitionLevels.AsSpan(SlotCount));
        }

        if (Column.MaxRepetitionLevel > 0)
        {
            source.RepetitionLevels.AsSpan(from.Slot, slots).CopyTo(RepetitionLevels.AsSpan(SlotCount));
        }

        switch (Column.PhysicalType)
        {
            case PhysicalType.Int32:
                source.Ints.AsSpan(from.Value, values).CopyTo(Ints.AsSpan(ValueCount));
                break;
            case PhysicalType.Int64:
                source.Longs.AsSpan(from.Value, values).CopyTo(Longs.AsSpan(ValueCount));
                break;
            case PhysicalType.Float:
                source.Floats.AsSpan(from.Value, values).CopyTo(Floats.AsSpan(ValueCount));
                break;
            case PhysicalType.Double:
                source.Doubles.AsSpan(from.Value, values).CopyTo(Doubles.AsSpan(ValueCount));
                break;
            case PhysicalType.ByteArray:
                int first = source.Offsets[from.Value];
                int bytes = source.Offsets[to.Value] - first;
                ReserveBytes(bytes);
                source.Bytes.AsSpan(first, bytes).CopyTo(Bytes.AsSpan(Offsets[ValueCount]));
                Shift(source.Offsets.AsSpan(from.Value + 1, values), Offsets.AsSpan(ValueCount + 1, values), Offsets[ValueCount] - first);
                break;
            default:
                int width = ValueWidth;
                source.Bytes.AsSpan(from.Value * width, values * width).CopyTo(Bytes.AsSpan(ValueCount * width));
                break;
        }

        SlotCount += slots;
        ValueCount += values;
    }

    /// <summary>Bytes of one value; 0 for byte arrays.</summary>
    internal int ValueWidth => Column.PhysicalType switch
    {
        PhysicalType.Boolean => 1,
        PhysicalType.Int32 or PhysicalType.Float => 4,
        PhysicalType.Int64 or PhysicalType.Double => 8,
        PhysicalType.Int96 => 12,
        PhysicalType.FixedLenByteArray => Column.TypeLength,
        _ => 0,
    };

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Shift(ReadOnlySpan<int> from, Span<int> to, int by)
    {
        int i = 0;
        var shift = new Vector<int>(by);
        for (; i <= from.Length - Vector<int>.Count; i += Vector<int>.Count)
        {
            (new Vector<int>(from[i..]) + shift).CopyTo(to[i..]);
        }

        for (; i < from.Length; i++)
        {
            to[i] = from[i] + by;
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static T[] Grow<T>(T[] array, int wanted)
    {
        int length = (int)Math.Min(Array.MaxLength, Math.Max(Math.Max(array.Length * 2L, wanted), InitialSlots));
        Array.Resize(ref array, length);
        return array;
    }
}
