using System.Text;
using OrleansLake.Iceberg;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Read;

/// <summary>A condition asked of the rows of batches, column by column.</summary>
internal sealed class RowCondition
{
    private readonly BoundExpression _condition;
    private readonly Dictionary<BoundExpression.Predicate, ColumnTest> _tests = new(ReferenceEqualityComparer.Instance);

    /// <summary>A condition on the columns of a scan.</summary>
    public RowCondition(BoundExpression condition, ReadSchema schema)
    {
        _condition = condition.Rewrite(predicate =>
        {
            _tests[predicate] = new ColumnTest(predicate, schema);
            return predicate;
        });
    }

    /// <summary>Whether every row satisfies it.</summary>
    public bool IsTrue => _condition is BoundExpression.Constant { Value: true };

    /// <summary>Whether no row does.</summary>
    public bool IsFalse => _condition is BoundExpression.Constant { Value: false };

    /// <summary>Clears the marks of rows that do not satisfy it.</summary>
    public void Apply(ColumnBatch batch, Span<bool> keep) => And(_condition, batch, keep);

    private void And(BoundExpression expression, ColumnBatch batch, Span<bool> keep)
    {
        switch (expression)
        {
            case BoundExpression.Constant(var value):
                if (!value)
                {
                    keep.Clear();
                }

                break;
            case BoundExpression.And and:
                foreach (var operand in and.Operands)
                {
                    And(operand, batch, keep);
                }

                break;
            case BoundExpression.Or or:
                var any = new bool[keep.Length];
                foreach (var operand in or.Operands)
                {
                    bool[] one = keep.ToArray();
                    And(operand, batch, one);
                    for (int i = 0; i < any.Length; i++)
                    {
                        any[i] |= one[i];
                    }
                }

                any.CopyTo(keep);
                break;
            case BoundExpression.Predicate predicate:
                _tests[predicate].Apply(batch, keep);
                break;
        }
    }
}

/// <summary>One predicate on one column.</summary>
internal sealed class ColumnTest
{
    private readonly BoundExpression.Predicate _predicate;
    private readonly int _leaf;
    private readonly int _presentLevel;
    private readonly Action<ColumnBuffer, Span<bool>>? _values;

    public ColumnTest(BoundExpression.Predicate predicate, ReadSchema schema)
    {
        _predicate = predicate;
        bool isPrimitive = predicate.Field.Type is PrimitiveType and not VariantType;
        _leaf = isPrimitive ? schema.LeafOf(predicate.Field.Id) : schema.AnyLeafOf(predicate.Field.Id);
        var column = schema.AllColumns.Columns[_leaf];
        _presentLevel = isPrimitive ? column.MaxDefinitionLevel : LevelOf(schema.AllColumns.Fields, predicate.Field.Id, 0) ?? column.MaxDefinitionLevel;
        _values = predicate.Operation is PredicateOperation.IsNull or PredicateOperation.NotNull ? null : Values(column);
    }

    public void Apply(ColumnBatch batch, Span<bool> keep)
    {
        var column = batch.Columns[_leaf];
        if (_values is null)
        {
            bool wanted = _predicate.Operation == PredicateOperation.NotNull;
            int row = -1;
            for (int slot = 0; slot < column.SlotCount; slot++)
            {
                if (column.Column.MaxRepetitionLevel == 0 || column.RepetitionLevels[slot] == 0)
                {
                    row++;
                    bool present = column.Column.MaxDefinitionLevel == 0 || column.DefinitionLevels[slot] >= _presentLevel;
                    keep[row] &= present == wanted;
                }
            }

            return;
        }

        var matches = new bool[column.ValueCount];
        _values(column, matches);
        if (column.Column.MaxDefinitionLevel == 0)
        {
            for (int row = 0; row < keep.Length; row++)
            {
                keep[row] &= matches[row];
            }

            return;
        }

        // Null satisfies nothing but the question whether it is no NaN.
        bool ofNull = _predicate.Operation == PredicateOperation.NotNan;
        int value = 0;
        for (int row = 0; row < keep.Length; row++)
        {
            keep[row] &= column.DefinitionLevels[row] == column.Column.MaxDefinitionLevel ? matches[value++] : ofNull;
        }
    }

    private static int? LevelOf(IReadOnlyList<ParquetNode> nodes, int id, int level)
    {
        foreach (var node in nodes)
        {
            int own = level + (node.Repetition == Repetition.Required ? 0 : 1);
            if (node.FieldId == id)
            {
                return own;
            }

            if (node is ParquetNode.Group group && LevelOf(group.Children, id, own) is { } found)
            {
                return found;
            }
        }

        return null;
    }

    private Action<ColumnBuffer, Span<bool>> Values(ColumnDescriptor column)
    {
        var operation = _predicate.Operation;
        if (operation is PredicateOperation.IsNan or PredicateOperation.NotNan)
        {
            bool wanted = operation == PredicateOperation.IsNan;
            return (buffer, matches) =>
            {
                for (int i = 0; i < matches.Length; i++)
                {
                    matches[i] = wanted == (column.PhysicalType == PhysicalType.Float ? float.IsNaN(buffer.Floats[i]) : double.IsNaN(buffer.Doubles[i]));
                }
            };
        }

        switch (_predicate.Field.Type)
        {
            case BooleanType:
                byte[] flags = [.. _predicate.Values.Select(value => (bool)value ? (byte)1 : (byte)0)];
                return (buffer, matches) => Test(operation, buffer.Bytes.AsSpan(0, matches.Length), flags, matches);
            case IntegerType or DateType:
                int[] ints = [.. _predicate.Values.Select(value => (int)value)];
                return (buffer, matches) => Test(operation, buffer.Ints.AsSpan(0, matches.Length), ints, matches);
            case LongType or TimeType or TimestampType or TimestampNanoType:
                long[] longs = [.. _predicate.Values.Select(value => (long)value)];
                return (buffer, matches) => Test(operation, buffer.Longs.AsSpan(0, matches.Length), longs, matches);
            case FloatType:
                float[] floats = [.. _predicate.Values.Select(value => (float)value)];
                return (buffer, matches) =>
                {
                    Test(operation, buffer.Floats.AsSpan(0, matches.Length), floats, matches);
                    Correct(buffer.Floats.AsSpan(0, matches.Length), operation, matches);
                };
            case DoubleType:
                double[] doubles = [.. _predicate.Values.Select(value => (double)value)];
                return (buffer, matches) =>
                {
                    Test(operation, buffer.Doubles.AsSpan(0, matches.Length), doubles, matches);
                    Correct(buffer.Doubles.AsSpan(0, matches.Length), operation, matches);
                };
            case DecimalType:
                Int128[] unscaled = [.. _predicate.Values.Select(value => ((Decimal128)value).Unscaled)];
                return (buffer, matches) =>
                {
                    var numbers = new Int128[matches.Length];
                    for (int i = 0; i < numbers.Length; i++)
                    {
                        numbers[i] = LeafConversion.UnscaledOf(buffer, i);
                    }

                    Test(operation, numbers, unscaled, matches);
                };
            case StringType when operation is PredicateOperation.Like or PredicateOperation.NotLike:
                return (buffer, matches) =>
                {
                    for (int i = 0; i < matches.Length; i++)
                    {
                        matches[i] = _predicate.Matches(Encoding.UTF8.GetString(LeafConversion.BytesOf(buffer, i)));
                    }
                };
            default:
                byte[][] all = [.. _predicate.Values.Select(value => (byte[])LeafConversion.Stored(value, column))];
                return (buffer, matches) =>
                {
                    for (int i = 0; i < matches.Length; i++)
                    {
                        matches[i] = Test(operation, LeafConversion.BytesOf(buffer, i), all);
                    }
                };
        }
    }

    private static void Test<T>(PredicateOperation operation, ReadOnlySpan<T> values, T[] others, Span<bool> matches)
        where T : IComparable<T>
    {
        var other = others[0];
        for (int i = 0; i < matches.Length; i++)
        {
            matches[i] = operation switch
            {
                PredicateOperation.LessThan => values[i].CompareTo(other) < 0,
                PredicateOperation.LessThanOrEqual => values[i].CompareTo(other) <= 0,
                PredicateOperation.GreaterThan => values[i].CompareTo(other) > 0,
                PredicateOperation.GreaterThanOrEqual => values[i].CompareTo(other) >= 0,
                PredicateOperation.Equal => values[i].CompareTo(other) == 0,
                PredicateOperation.NotEqual => values[i].CompareTo(other) != 0,
                PredicateOperation.In => Array.BinarySearch(others, values[i]) >= 0,
                PredicateOperation.NotIn => Array.BinarySearch(others, values[i]) < 0,
                _ => throw new InvalidOperationException(operation.ToString()),
            };
        }
    }

    /// <summary>NaN is the least for CompareTo; here it is neither less nor greater nor equal.</summary>
    private static void Correct<T>(ReadOnlySpan<T> values, PredicateOperation operation, Span<bool> matches)
        where T : System.Numerics.IFloatingPointIeee754<T>
    {
        bool ofNan = operation is PredicateOperation.NotEqual or PredicateOperation.NotIn;
        for (int i = 0; i < matches.Length; i++)
        {
            if (T.IsNaN(values[i]))
            {
                matches[i] = ofNan;
            }
        }
    }

    private static bool Test(PredicateOperation operation, ReadOnlySpan<byte> value, byte[][] others)
    {
        switch (operation)
        {
            case PredicateOperation.LessThan:
                return value.SequenceCompareTo(others[0]) < 0;
            case PredicateOperation.LessThanOrEqual:
                return value.SequenceCompareTo(others[0]) <= 0;
            case PredicateOperation.GreaterThan:
                return value.SequenceCompareTo(others[0]) > 0;
            case PredicateOperation.GreaterThanOrEqual:
                return value.SequenceCompareTo(others[0]) >= 0;
            case PredicateOperation.StartsWith:
                return value.StartsWith(others[0]);
            case PredicateOperation.NotStartsWith:
                return !value.StartsWith(others[0]);
            case PredicateOperation.Equal or PredicateOperation.In:
                return Contains(value, others);
            case PredicateOperation.NotEqual or PredicateOperation.NotIn:
                return !Contains(value, others);
            default:
                throw new InvalidOperationException(operation.ToString());
        }
    }

    private static bool Contains(ReadOnlySpan<byte> value, byte[][] sorted)
    {
        int low = 0, high = sorted.Length - 1;
        while (low <= high)
        {
            int middle = (low + high) / 2;
            int order = value.SequenceCompareTo(sorted[middle]);
            if (order == 0)
            {
                return true;
            }

            (low, high) = order > 0 ? (middle + 1, high) : (low, middle - 1);
        }

        return false;
    }
}
