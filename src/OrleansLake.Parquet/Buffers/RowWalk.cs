namespace OrleansLake.Parquet.Buffers;

/// <summary>The place where a row starts in a <see cref="ColumnBuffer"/>: rows, slots and values before it.</summary>
internal readonly record struct RowPosition(int Row, int Slot, int Value);

/// <summary>Finds where rows start in columns whose slots do not tell it by their number.</summary>
internal static class RowWalk
{
    private const int Block = 256;

    /// <summary>So many rows on from <paramref name="from"/>, or the end of the column.</summary>
    public static RowPosition Forward(ColumnBuffer column, RowPosition from, int rows)
    {
        int slot;
        if (column.Column.MaxRepetitionLevel == 0)
        {
            rows = Math.Min(rows, column.SlotCount - from.Slot);
            slot = from.Slot + rows;
        }
        else
        {
            var levels = column.RepetitionLevels.AsSpan(from.Slot, column.SlotCount - from.Slot);
            slot = from.Slot + SlotsOfRows(levels, ref rows);
        }

        int values = column.Column.MaxDefinitionLevel == 0
            ? slot - from.Slot
            : column.DefinitionLevels.AsSpan(from.Slot, slot - from.Slot).Count((byte)column.Column.MaxDefinitionLevel);
        return new RowPosition(from.Row + rows, slot, from.Value + values);
    }

    /// <summary>Slots of the first <paramref name="rows"/> rows; where there are fewer, that number comes back in it.</summary>
    internal static int SlotsOfRows(ReadOnlySpan<byte> repetitionLevels, ref int rows)
    {
        int begun = 0;
        int slot = 0;
        while (slot + Block <= repetitionLevels.Length)
        {
            int starts = repetitionLevels.Slice(slot, Block).Count((byte)0);
            if (begun + starts > rows)
            {
                break;
            }

            begun += starts;
            slot += Block;
        }

        for (; slot < repetitionLevels.Length; slot++)
        {
            if (repetitionLevels[slot] == 0 && begun++ == rows)
            {
                return slot;
            }
        }

        rows = begun;
        return slot;
    }
}
