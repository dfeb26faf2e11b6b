using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace OrleansLake.Parquet.Tests;

/// <summary>Rows put together from levels and values, to be compared with what another reader gives as JSON.</summary>
internal static class RowJson
{
    public static JsonArray Of(ColumnBatch batch)
    {
        var cursors = batch.Columns.ToArray().Select(column => new Cursor(column)).ToArray();
        var rows = new JsonArray();
        for (int row = 0; row < batch.RowCount; row++)
        {
            var fields = new JsonObject();
            int leaf = 0;
            foreach (var field in batch.Schema.Fields)
            {
                fields[field.Name] = Assemble(field, cursors, ref leaf, 0, 0);
            }

            rows.Add((JsonNode)fields);
        }

        return rows;
    }

    /// <summary>The values of a flat column, nulls included.</summary>
    public static List<JsonNode?> Of(ColumnBuffer column)
    {
        var values = new List<JsonNode?>();
        var cursor = new Cursor(column);
        for (int slot = 0; slot < column.SlotCount; slot++)
        {
            if (cursor.Definition == column.Column.MaxDefinitionLevel)
            {
                values.Add(cursor.TakeValue());
            }
            else
            {
                cursor.Take();
                values.Add(null);
            }
        }

        return values;
    }

    /// <summary>One text for equal values, however numbers and keys are written.</summary>
    public static string Text(JsonNode? node) => node switch
    {
        null => "null",
        JsonArray array => $"[{string.Join(",", array.Select(Text))}]",
        JsonObject { Count: 1 } wrapper when wrapper.ContainsKey("entries") => Text(wrapper["entries"]),
        JsonObject value => $"{{{string.Join(",", value.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => $"{pair.Key}:{Text(pair.Value)}"))}}}",
        JsonValue value when value.GetValueKind() == JsonValueKind.Number => Number(value.Deserialize<double>()),
        _ => node.ToString(),
    };

    // JSON knows no negative zero.
    public static string Number(double value) => value == 0 ? "0" : value.ToString("R", CultureInfo.InvariantCulture);

    private static int Leaves(ParquetNode node) => node is ParquetNode.Group group ? group.Children.Sum(Leaves) : 1;

    private static JsonNode? Assemble(ParquetNode node, Cursor[] cursors, ref int leaf, int definition, int repetition)
    {
        int first = leaf;
        if (node.Repetition == Repetition.Optional)
        {
            definition++;
            if (cursors[first].Definition < definition)
            {
                for (int i = 0; i < Leaves(node); i++)
                {
                    cursors[leaf++].Take();
                }

                return null;
            }
        }

        return node.Repetition == Repetition.Repeated
            ? Elements(node, node, Content, cursors, ref leaf, definition, repetition)
            : Content(node, cursors, ref leaf, definition, repetition);
    }

    private delegate JsonNode? Assembling(ParquetNode node, Cursor[] cursors, ref int leaf, int definition, int repetition);

    private static JsonNode? Content(ParquetNode node, Cursor[] cursors, ref int leaf, int definition, int repetition)
    {
        switch (node)
        {
            case ParquetNode.Primitive:
                return cursors[leaf++].TakeValue();
            case ParquetNode.Group { LogicalType: LogicalType.List, Children: [var repeated] }:
                // Lists of two levels: https://github.com/apache/parquet-format/blob/master/LogicalTypes.md#lists
                bool isElement = repeated is not ParquetNode.Group { Children: [{ Repetition: not Repetition.Repeated }] } || repeated.Name == "array" || repeated.Name.EndsWith("_tuple", StringComparison.Ordinal);
                return isElement
                    ? Elements(repeated, repeated, Content, cursors, ref leaf, definition, repetition)
                    : Elements(repeated, ((ParquetNode.Group)repeated).Children[0], Assemble, cursors, ref leaf, definition, repetition);
            case ParquetNode.Group { LogicalType: LogicalType.Map, Children: [var entry] }:
                return Elements(entry, entry, Content, cursors, ref leaf, definition, repetition);
            case ParquetNode.Group group:
                return Fields(group, cursors, ref leaf, definition, repetition);
            default:
                throw new InvalidOperationException();
        }
    }

    private static JsonArray Elements(ParquetNode repeated, ParquetNode element, Assembling assemble, Cursor[] cursors, ref int leaf, int definition, int repetition)
    {
        int first = leaf;
        var array = new JsonArray();
        definition++;
        repetition++;
        if (cursors[first].Definition < definition)
        {
            for (int i = 0; i < Leaves(repeated); i++)
            {
                cursors[leaf++].Take();
            }

            return array;
        }

        do
        {
            leaf = first;
            array.Add(assemble(element, cursors, ref leaf, definition, repetition));
        }
        while (cursors[first].Repetition == repetition);
        return array;
    }

    private static JsonObject Fields(ParquetNode.Group group, Cursor[] cursors, ref int leaf, int definition, int repetition)
    {
        var fields = new JsonObject();
        foreach (var child in group.Children)
        {
            fields[child.Name] = Assemble(child, cursors, ref leaf, definition, repetition);
        }

        return fields;
    }

    private sealed class Cursor(ColumnBuffer column)
    {
        private int _slot;
        private int _value;

        public int Definition => column.Column.MaxDefinitionLevel == 0 ? 0 : column.DefinitionLevels[_slot];

        public int Repetition =>
            column.Column.MaxRepetitionLevel == 0 || _slot >= column.SlotCount ? 0 : column.RepetitionLevels[_slot];

        public void Take() => _slot++;

        public JsonNode? TakeValue()
        {
            _slot++;
            int i = _value++;
            return (column.Column.PhysicalType, column.Column.Node.LogicalType) switch
            {
                (PhysicalType.Boolean, _) => column.Bytes[i] != 0,
                (PhysicalType.Int32, LogicalType.Decimal(_, var scale)) => Decimal(column.Ints[i], scale),
                (PhysicalType.Int64, LogicalType.Decimal(_, var scale)) => Decimal(column.Longs[i], scale),
                (PhysicalType.Int32, _) => column.Ints[i],
                (PhysicalType.Int64, LogicalType.Integer(64, false)) => ((ulong)column.Longs[i]).ToString(CultureInfo.InvariantCulture),
                (PhysicalType.Int64, _) => column.Longs[i].ToString(CultureInfo.InvariantCulture),
                (PhysicalType.Float, _) => RowJson.Number(column.Floats[i]),
                (PhysicalType.Double, _) => RowJson.Number(column.Doubles[i]),
                (PhysicalType.ByteArray, LogicalType.String) => Encoding.UTF8.GetString(Bytes(i)),
                (PhysicalType.Int96, _) => Int96Micros(Bytes(i)).ToString(CultureInfo.InvariantCulture),
                (PhysicalType.FixedLenByteArray or PhysicalType.ByteArray, LogicalType.Decimal(_, var scale)) =>
                    Decimal(new BigInteger(Bytes(i), isBigEndian: true), scale),
                (PhysicalType.FixedLenByteArray, LogicalType.Uuid) => new Guid(Bytes(i), bigEndian: true).ToString(),
                (PhysicalType.FixedLenByteArray, LogicalType.Float16) => RowJson.Number((double)BinaryPrimitives.ReadHalfLittleEndian(Bytes(i))),
                _ => Convert.ToHexString(Bytes(i)),
            };
        }

        private ReadOnlySpan<byte> Bytes(int i) => column.Column.PhysicalType == PhysicalType.ByteArray
            ? column.Bytes.AsSpan(column.Offsets[i]..column.Offsets[i + 1])
            : column.Bytes.AsSpan(i * column.ValueWidth, column.ValueWidth);

        // Nanoseconds of the day, then the Julian day.
        private static long Int96Micros(ReadOnlySpan<byte> bytes) => unchecked(
            (BinaryPrimitives.ReadInt32LittleEndian(bytes[8..]) - 2_440_588L) * 86_400_000_000 + BinaryPrimitives.ReadInt64LittleEndian(bytes) / 1000);

        private static string Decimal(BigInteger unscaled, int scale)
        {
            string digits = BigInteger.Abs(unscaled).ToString(CultureInfo.InvariantCulture).PadLeft(scale + 1, '0');
            return $"{(unscaled.Sign < 0 ? "-" : "")}{digits[..^scale]}.{digits[^scale..]}";
        }
    }
}
