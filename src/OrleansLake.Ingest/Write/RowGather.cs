using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Write;

/// <summary>Rows of a batch in another order, in a batch of its own: what lies scattered becomes runs.</summary>
internal sealed class RowGather(ParquetSchema schema)
{
    private int[] _slots = [];
    private int[] _values = [];

    /// <summary>The rows gathered last.</summary>
    public ColumnBatch Rows { get; } = new(schema);

    /// <summary>Gathers rows by their indices; columns of the source that stand behind those of the schema are left out.</summary>
    public void Gather(ColumnBatch source, ReadOnlySpan<int> order)
    {
        Rows.Clear();
        for (int i = 0; i < Rows.Columns.Length; i++)
        {
            var from = source.Columns[i];
            var to = Rows.Columns[i];
            FindRows(from, source.RowCount);
            to.Reserve(from.SlotCount);
            if (from.Column.PhysicalType == PhysicalType.ByteArray)
            {
                to.ReserveBytes(from.Offsets[from.ValueCount]);
            }

            foreach (int row in order)
            {
                Copy(from, to, _slots[row], _slots[row + 1], _values[row], _values[row + 1]);
            }
        }

        Rows.RowCount = order.Length;
    }

    /// <summary>Where each row's slots and values begin.</summary>
    private void FindRows(ColumnBuffer column, int rows)
    {
        if (_slots.Length <= rows)
        {
            _slots = new int[rows + 1];
            _values = new int[rows + 1];
        }

        int row = 0;
        int value = 0;
        for (int slot = 0; slot < column.SlotCount; slot++)
        {
            if (column.Column.MaxRepetitionLevel == 0 || column.RepetitionLevels[slot] == 0)
            {
                _slots[row] = slot;
                _values[row] = value;
                row++;
            }

            value += column.Column.MaxDefinitionLevel == 0 || column.DefinitionLevels[slot] == column.Column.MaxDefinitionLevel ? 1 : 0;
        }

        _slots[rows] = column.SlotCount;
        _values[rows] = value;
    }

    private static void Copy(ColumnBuffer from, ColumnBuffer to, int slot, int endSlot, int value, int endValue)
    {
        int slots = endSlot - slot;
        if (from.Column.MaxDefinitionLevel > 0)
        {
            from.DefinitionLevels.AsSpan(slot, slots).CopyTo(to.DefinitionLevels.AsSpan(to.SlotCount));
        }

        if (from.Column.MaxRepetitionLevel > 0)
        {
            from.RepetitionLevels.AsSpan(slot, slots).CopyTo(to.RepetitionLevels.AsSpan(to.SlotCount));
        }

        int values = endValue - value;
        int target = to.ValueCount;
        switch (from.Column.PhysicalType)
        {
            case PhysicalType.Int32: Copy(from.Ints, to.Ints, value, values, target); break;
            case PhysicalType.Int64: Copy(from.Longs, to.Longs, value, values, target); break;
            case PhysicalType.Float: Copy(from.Floats, to.Floats, value, values, target); break;
            case PhysicalType.Double: Copy(from.Doubles, to.Doubles, value, values, target); break;
            case PhysicalType.Boolean: Copy(from.Bytes, to.Bytes, value, values, target); break;
            case PhysicalType.ByteArray:
                int begin = from.Offsets[value];
                int shift = to.Offsets[target] - begin;
                from.Bytes.AsSpan(begin, from.Offsets[endValue] - begin).CopyTo(to.Bytes.AsSpan(to.Offsets[target]));
                for (int i = 1; i <= values; i++)
                {
                    to.Offsets[target + i] = from.Offsets[value + i] + shift;
                }

                break;
            default:
                int width = from.Column.PhysicalType == PhysicalType.Int96 ? 12 : from.Column.TypeLength;
                Copy(from.Bytes, to.Bytes, value * width, values * width, target * width);
                break;
        }

        to.SlotCount += slots;
        to.ValueCount += values;
    }

    private static void Copy<T>(T[] from, T[] to, int first, int count, int target)
    {
        if (count == 1)
        {
            to[target] = from[first];
        }
        else
        {
            from.AsSpan(first, count).CopyTo(to.AsSpan(target));
        }
    }
}
