using System.Buffers.Binary;
using System.Text;
using OrleansLake.Iceberg;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Read;

/// <summary>
/// What a condition lets a Parquet file skip by the statistics of its row groups and pages and by its Bloom filters. Only what both
/// sides see alike is asked: columns that lie in the file in the table's own type, and predicates that no null satisfies but IS NULL.
/// The rest of the condition is left to the rows.
/// </summary>
internal static class ResidualFilter
{
    /// <summary>The filter, or null where nothing can be skipped.</summary>
    public static RowFilter? Of(BoundExpression condition, FileColumns file, ParquetSchema schema)
    {
        switch (condition)
        {
            case BoundExpression.And and:
                RowFilter[] all = [.. and.Operands.Select(operand => Of(operand, file, schema)).OfType<RowFilter>()];
                return all.Length == 0 ? null : RowFilter.And(all);
            case BoundExpression.Or or:
                RowFilter[] any = [.. or.Operands.Select(operand => Of(operand, file, schema)).OfType<RowFilter>()];
                return any.Length < or.Operands.Count ? null : RowFilter.Or(any);
            case BoundExpression.Predicate predicate when Find(file, predicate.Field.Id) is { Node: ParquetNode.Primitive } leaf && leaf.Repetition == 0:
                return Of(predicate, schema.Columns[leaf.FirstLeaf]);
            default:
                return null;
        }
    }

    private static RowFilter? Of(BoundExpression.Predicate predicate, ColumnDescriptor column)
    {
        switch (predicate.Operation)
        {
            case PredicateOperation.IsNull: return RowFilter.IsNull(column);
            case PredicateOperation.NotNull: return RowFilter.IsNotNull(column);
            case PredicateOperation.LessThan or PredicateOperation.LessThanOrEqual:
                return Plain(predicate.Value, predicate.Field.Type, column) is { } greatest ? RowFilter.Between(column, null, greatest) : null;
            case PredicateOperation.GreaterThan or PredicateOperation.GreaterThanOrEqual:
                return Plain(predicate.Value, predicate.Field.Type, column) is { } least ? RowFilter.Between(column, least, null) : null;
            case PredicateOperation.Equal or PredicateOperation.In:
                byte[][] values = [.. predicate.Values.Select(value => Plain(value, predicate.Field.Type, column)).OfType<byte[]>()];
                return values.Length < predicate.Values.Count ? null : RowFilter.AnyOf(column, values);
            default: return null;
        }
    }

    /// <summary>A value as the column has it, where the column is of the table's own type.</summary>
    private static byte[]? Plain(object value, IcebergType type, ColumnDescriptor column)
    {
        bool same = (type, column.PhysicalType, column.Node.LogicalType) switch
        {
            (IntegerType, PhysicalType.Int32, null or LogicalType.Integer(32, true)) => true,
            (DateType, PhysicalType.Int32, LogicalType.Date) => true,
            (LongType, PhysicalType.Int64, null or LogicalType.Integer(64, true)) => true,
            (TimeType, PhysicalType.Int64, LogicalType.Time { Unit: TimeUnit.Micros }) => true,
            (TimestampType, PhysicalType.Int64, LogicalType.Timestamp { Unit: TimeUnit.Micros }) => true,
            (TimestampNanoType, PhysicalType.Int64, LogicalType.Timestamp { Unit: TimeUnit.Nanos }) => true,
            (FloatType, PhysicalType.Float, null) => true,
            (DoubleType, PhysicalType.Double, null) => true,
            (StringType, PhysicalType.ByteArray, LogicalType.String) => true,
            (BinaryType, PhysicalType.ByteArray, null) => true,
            _ => false,
        };
        byte[] bytes = new byte[8];
        switch (value)
        {
            case int x when same:
                BinaryPrimitives.WriteInt32LittleEndian(bytes, x);
                return bytes[..4];
            case long x when same:
                BinaryPrimitives.WriteInt64LittleEndian(bytes, x);
                return bytes;
            case float x when same && !float.IsNaN(x):
                BinaryPrimitives.WriteSingleLittleEndian(bytes, x);
                return bytes[..4];
            case double x when same && !double.IsNaN(x):
                BinaryPrimitives.WriteDoubleLittleEndian(bytes, x);
                return bytes;
            case string x when same:
                return Encoding.UTF8.GetBytes(x);
            case byte[] x when same:
                return x;
            default:
                return null;
        }
    }

    private static FileColumns? Find(FileColumns node, int id)
    {
        foreach (var field in node.Fields)
        {
            if ((field.Id == id ? field : Find(field, id)) is { } found)
            {
                return found;
            }
        }

        return null;
    }
}
