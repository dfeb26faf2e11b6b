using System.Text;

namespace OrleansLake.Parquet.Tests;

/// <summary>How a generator spreads nulls, lengths and values.</summary>
public sealed record RowShape
{
    /// <summary>How likely an optional node is null.</summary>
    public double Nulls { get; init; } = 0.2;

    /// <summary>How likely a list ends after each element.</summary>
    public double ListEnds { get; init; } = 0.4;

    /// <summary>Distinct values of each column, roughly; 0 for as many as chance gives.</summary>
    public int Distinct { get; init; }

    /// <summary>Runs of equal nullness of about this length instead of independent nulls.</summary>
    public int NullRun { get; init; } = 1;
}

/// <summary>Fills batches with random rows of any schema, as a decoder would.</summary>
internal sealed class RandomRows(ParquetSchema schema, int seed, RowShape? shape = null)
{
    private static readonly double[] OddDoubles =
        [0.0, -0.0, double.NaN, double.PositiveInfinity, double.NegativeInfinity, double.Epsilon, double.MaxValue, double.MinValue];

    private readonly Random _random = new(seed);
    private readonly RowShape _shape = shape ?? new RowShape();
    private bool _null;

    public ColumnBatch Make(int rows)
    {
        var batch = new ColumnBatch(schema);
        Append(batch, rows);
        return batch;
    }

    public void Append(ColumnBatch batch, int rows)
    {
        for (int row = 0; row < rows; row++)
        {
            int leaf = 0;
            foreach (var field in schema.Fields)
            {
                Shred(batch, field, ref leaf, present: true, repetition: 0, definition: 0, depth: 0);
            }

            batch.RowCount++;
        }
    }

    private void Shred(ColumnBatch batch, ParquetNode node, ref int leaf, bool present, int repetition, int definition, int depth)
    {
        int first = leaf;
        if (!present)
        {
            Content(batch, node, ref leaf, present: false, repetition, definition, depth + (node.Repetition == Repetition.Repeated ? 1 : 0));
            return;
        }

        switch (node.Repetition)
        {
            case Repetition.Required:
                Content(batch, node, ref leaf, present: true, repetition, definition, depth);
                break;
            case Repetition.Optional:
                bool isNull = NextNull();
                Content(batch, node, ref leaf, !isNull, repetition, isNull ? definition : definition + 1, depth);
                break;
            default:
                bool any = _random.NextDouble() > _shape.ListEnds;
                if (!any)
                {
                    Content(batch, node, ref leaf, present: false, repetition, definition, depth + 1);
                    break;
                }

                do
                {
                    leaf = first;
                    Content(batch, node, ref leaf, present: true, repetition, definition + 1, depth + 1);
                    repetition = depth + 1;
                }
                while (_random.NextDouble() > _shape.ListEnds);
                break;
        }
    }

    private void Content(ColumnBatch batch, ParquetNode node, ref int leaf, bool present, int repetition, int definition, int depth)
    {
        if (node is ParquetNode.Group group)
        {
            foreach (var child in group.Children)
            {
                Shred(batch, child, ref leaf, present, repetition, definition, depth);
            }

            return;
        }

        var column = batch.Columns[leaf++];
        column.Reserve(1);
        if (column.Column.MaxDefinitionLevel > 0)
        {
            column.DefinitionLevels[column.SlotCount] = (byte)definition;
        }

        if (column.Column.MaxRepetitionLevel > 0)
        {
            column.RepetitionLevels[column.SlotCount] = (byte)repetition;
        }

        if (present)
        {
            Assert.Equal(column.Column.MaxDefinitionLevel, definition);
            AddValue(column);
        }

        column.SlotCount++;
    }

    private bool NextNull()
    {
        if (_shape.NullRun <= 1 || _random.Next(_shape.NullRun) == 0)
        {
            _null = _random.NextDouble() < _shape.Nulls;
        }

        return _null;
    }

    private void AddValue(ColumnBuffer column)
    {
        int at = column.ValueCount;
        long number = _shape.Distinct > 0 ? _random.Next(_shape.Distinct) : _random.NextInt64(long.MinValue, long.MaxValue);
        switch (column.Column.PhysicalType)
        {
            case PhysicalType.Boolean:
                column.Bytes[at] = (byte)(number & 1);
                break;
            case PhysicalType.Int32:
                column.Ints[at] = (int)number;
                break;
            case PhysicalType.Int64:
                column.Longs[at] = number;
                break;
            case PhysicalType.Float:
                column.Floats[at] = _random.Next(50) == 0 ? (float)OddDoubles[_random.Next(OddDoubles.Length)] : number / 7f;
                break;
            case PhysicalType.Double:
                column.Doubles[at] = _random.Next(50) == 0 ? OddDoubles[_random.Next(OddDoubles.Length)] : number / 7d;
                break;
            case PhysicalType.FixedLenByteArray:
                Scramble(number, column.Bytes.AsSpan(at * column.Column.TypeLength, column.Column.TypeLength));
                break;
            default:
                byte[] text = Text(column.Column, number);
                column.ReserveBytes(text.Length);
                text.CopyTo(column.Bytes.AsSpan(column.Offsets[at]));
                column.Offsets[at + 1] = column.Offsets[at] + text.Length;
                break;
        }

        column.ValueCount++;
    }

    // The value follows from the number alone, so that few numbers make few values.
    private static byte[] Text(ColumnDescriptor column, long number)
    {
        uint mixed = (uint)((ulong)number * 0x9E3779B97F4A7C15 >> 32);
        int length = (mixed % 20) switch
        {
            0 => 0,
            1 => (int)(mixed >> 8) % 300,
            _ => 1 + (int)(mixed >> 8) % 23,
        };
        if (column.Node.LogicalType is LogicalType.Decimal)
        {
            length = Math.Max(length, 1);
        }

        var bytes = new byte[length];
        Scramble(number, bytes);
        if (column.Node.LogicalType is not LogicalType.String)
        {
            return bytes;
        }

        var text = new StringBuilder();
        foreach (byte one in bytes)
        {
            text.Append((one % 40) switch { 0 => "é", 1 => "漢", 2 => "😀", _ => ((char)('a' + one % 26)).ToString() });
        }

        return Encoding.UTF8.GetBytes(text.ToString());
    }

    private static void Scramble(long number, Span<byte> bytes)
    {
        ulong state = (ulong)number;
        for (int i = 0; i < bytes.Length; i++)
        {
            state = state * 6364136223846793005 + 1442695040888963407;
            bytes[i] = (byte)(state >> 56);
        }
    }
}
