using System.Text;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Read;
using OrleansLake.Ingest.Write;
using OrleansLake.Parquet;
using OrleansLake.Testing.Iceberg;
using static OrleansLake.Ingest.Tests.Read.ScanTable;

namespace OrleansLake.Ingest.Tests.Write;

/// <summary>Where the data files of other writers were refused or read wrong: each trap is a test of what we write.</summary>
public sealed class FileAcceptanceTests
{
    /// <summary>Without ids DuckDB shows nulls and Spark nulls after a rename; elements, keys and values have them too, in three levels of the names that every reader knows.</summary>
    [Fact]
    public void Every_field_element_key_and_value_has_its_id_and_lists_and_maps_have_three_levels()
    {
        var columns = IcebergParquet.ToParquet(new Schema
        {
            SchemaId = 0,
            Fields =
            [
                Required(1, "id", new LongType()), Optional(2, "tags", new ListType(3, new StructType([Optional(4, "a", new StringType())]), false)),
                Optional(5, "attrs", new MapType(6, new StringType(), 7, new ListType(8, new IntegerType(), true), false)),
            ],
        });
        Assert.Equal(["id", "tags.list.element.a", "attrs.key_value.key", "attrs.key_value.value.list.element"], columns.Columns.Select(column => string.Join('.', column.Path)));
        Assert.Equal([1, 4, 6, 8], columns.Columns.Select(column => column.FieldId ?? 0));
        Assert.Equal([1, 2, null, 3, 4, 5, null, 6, 7, null, 8], columns.Fields.SelectMany(Ids));
        Assert.IsType<LogicalType.List>(columns.Fields[1].LogicalType);
        Assert.IsType<LogicalType.Map>(columns.Fields[2].LogicalType);

        static IEnumerable<int?> Ids(ParquetNode node) => [node.FieldId, .. node is ParquetNode.Group group ? group.Children.SelectMany(Ids) : []];
    }

    /// <summary>INT96 never; an instant says that it is one, a wall clock that it is none; decimals as short as their precision lets them be. https://iceberg.apache.org/spec/#parquet</summary>
    [Fact]
    public void Types_lie_in_files_as_the_specification_says()
    {
        (IcebergType Type, PhysicalType Physical, LogicalType? Logical, int Length)[] expected =
        [
            (new BooleanType(), PhysicalType.Boolean, null, 0), (new IntegerType(), PhysicalType.Int32, null, 0), (new LongType(), PhysicalType.Int64, null, 0),
            (new FloatType(), PhysicalType.Float, null, 0), (new DoubleType(), PhysicalType.Double, null, 0),
            (new DecimalType(9, 2), PhysicalType.Int32, new LogicalType.Decimal(9, 2), 0), (new DecimalType(18, 2), PhysicalType.Int64, new LogicalType.Decimal(18, 2), 0),
            (new DecimalType(19, 2), PhysicalType.FixedLenByteArray, new LogicalType.Decimal(19, 2), 9), (new DecimalType(38, 2), PhysicalType.FixedLenByteArray, new LogicalType.Decimal(38, 2), 16),
            (new DateType(), PhysicalType.Int32, new LogicalType.Date(), 0), (new TimeType(), PhysicalType.Int64, new LogicalType.Time(TimeUnit.Micros, false), 0),
            (new TimestampType(false), PhysicalType.Int64, new LogicalType.Timestamp(TimeUnit.Micros, false), 0), (new TimestampType(true), PhysicalType.Int64, new LogicalType.Timestamp(TimeUnit.Micros, true), 0),
            (new TimestampNanoType(false), PhysicalType.Int64, new LogicalType.Timestamp(TimeUnit.Nanos, false), 0), (new TimestampNanoType(true), PhysicalType.Int64, new LogicalType.Timestamp(TimeUnit.Nanos, true), 0),
            (new StringType(), PhysicalType.ByteArray, new LogicalType.String(), 0), (new UuidType(), PhysicalType.FixedLenByteArray, new LogicalType.Uuid(), 16),
            (new FixedType(7), PhysicalType.FixedLenByteArray, null, 7), (new BinaryType(), PhysicalType.ByteArray, null, 0),
        ];
        var columns = IcebergParquet.ToParquet(new Schema { SchemaId = 0, Fields = [.. expected.Select((one, at) => Optional(at + 1, $"c{at}", one.Type))] });
        Assert.Equal(expected.Select(one => (one.Physical, one.Logical, one.Length)), columns.Columns.Select(column => (column.Node.PhysicalType, column.Node.LogicalType, column.Node.TypeLength)));
    }

    /// <summary>Readers that look for a column by its name look for the one that Java and PyIceberg write.</summary>
    [Fact]
    public void Columns_have_names_that_Avro_allows_unless_a_neighbour_has_that_name()
    {
        var columns = IcebergParquet.ToParquet(new Schema
        {
            SchemaId = 0,
            Fields =
            [
                Optional(1, "user-id", new LongType()), Optional(2, "1st", new StructType([Optional(3, "@at", new LongType())])),
                Optional(4, "a.b", new LongType()), Optional(5, "a_x2Eb", new LongType()), Optional(6, "plain_1", new LongType()),
            ],
        });
        Assert.Equal(["user_x2Did", "_1st._x40at", "a.b", "a_x2Eb", "plain_1"], columns.Columns.Select(column => string.Join('/', column.Path).Replace('/', '.')));
    }

    /// <summary>Bounds are cut to code points, and the upper one goes up (duckdb-iceberg#1047); where it cannot there is none (apache/iceberg#16880).</summary>
    [Theory]
    [InlineData("0123456789abcdefg", "0123456789abcdef", "0123456789abcdeg")]
    [InlineData("0123456789abcdef", "0123456789abcdef", "0123456789abcdef")]
    [InlineData("ääääääääääääääää🐘", "ääääääääääääääää", "äääääääääääääääå")]
    [InlineData("0123456789abcde\uD7FFx", "0123456789abcde\uD7FF", "0123456789abcde\uE000")]
    [InlineData("0123456789abcde\U0010FFFFx", "0123456789abcde\U0010FFFF", "0123456789abcdf")]
    public void Bounds_of_text_are_cut_to_code_points_the_upper_one_upwards(string value, string lower, string upper)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(value);
        Assert.Equal((lower, upper), (Encoding.UTF8.GetString(FileMetrics.Lower(new StringType(), bytes, 16)), Encoding.UTF8.GetString(FileMetrics.Upper(new StringType(), bytes, 16)!)));
    }

    [Fact]
    public void What_cannot_be_rounded_up_has_no_upper_bound()
    {
        Assert.Null(FileMetrics.Upper(new StringType(), Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("\U0010FFFF", 17))), 16));
        Assert.Null(FileMetrics.Upper(new BinaryType(), [.. Enumerable.Repeat((byte)0xFF, 17)], 16));
        Assert.Equal([1, 3], FileMetrics.Upper(new BinaryType(), [1, 2, 0xFF, 7], 3)!);
    }

    /// <summary>A decimal's bounds are the fewest bytes of two's complement, highest first; the sizes and row groups are those of the file (trino#19052, iceberg-rust#1519).</summary>
    [Fact]
    public async Task Metrics_are_of_all_row_groups()
    {
        var schema = new Schema
        {
            SchemaId = 0,
            Fields = [Optional(1, "n", new IntegerType()), Optional(2, "d", new DoubleType()), Optional(3, "m", new DecimalType(9, 2)), Optional(4, "none", new LongType()), Optional(5, "u", new UuidType())],
        };
        var columns = IcebergParquet.ToParquet(schema);
        var batch = new ColumnBatch(columns);
        var shredder = new RowShredder(schema.Fields, batch);
        // The first row group has the highest numbers, the second the lowest, the third neither numbers nor anything but NaN.
        foreach (int n in (int[])[7, 8, -3, 2])
        {
            shredder.Append([n, (double)n, new Decimal128(n * 100, 2), null, Guid.Empty]);
        }

        shredder.Append([null, double.NaN, null, null, null]);
        shredder.Append([null, double.NaN, null, null, null]);
        var store = new InMemoryObjectStore();
        await using var destination = store.OpenWrite("memory://a.parquet");
        using var writer = new ParquetWriter(destination, columns, new ParquetWriterOptions { RowGroupRows = 2 });
        writer.Append(batch);
        var written = writer.Close();
        await destination.CompleteAsync(default);
        var file = new FileMetrics(schema, columns, new Dictionary<string, string>()).Describe(
            new DataFile { FilePath = "memory://a.parquet", SpecId = 0, Partition = PartitionKey.None, RecordCount = written.RowCount, FileSizeBytes = written.FileSizeBytes, SplitOffsets = written.SplitPositions }, written);

        Assert.Equal((6, await store.GetSizeAsync("memory://a.parquet", default)), (file.RecordCount, file.FileSizeBytes));
        Assert.Equal(3, file.SplitOffsets!.Count);
        Assert.Equal(file.SplitOffsets.Order(), file.SplitOffsets);
        Assert.Equal((byte[][])[SingleValue.ToBytes(-3), SingleValue.ToBytes(-3.0), [0xFE, 0xD4]], (byte[][])[file.LowerBounds![1], file.LowerBounds[2], file.LowerBounds[3]]);
        Assert.Equal((byte[][])[SingleValue.ToBytes(8), SingleValue.ToBytes(8.0), [0x03, 0x20]], (byte[][])[file.UpperBounds![1], file.UpperBounds[2], file.UpperBounds[3]]);
        // Nothing to bound, and an order that engines do not agree on.
        Assert.All((int[])[4, 5], id => Assert.False(file.LowerBounds.ContainsKey(id) || file.UpperBounds.ContainsKey(id)));
        Assert.Equal((2, 2, 6, 6), (file.NullValueCounts![1], file.NanValueCounts![2], file.NullValueCounts[4], file.ValueCounts![1]));
        Assert.True(file.ColumnSizes!.Values.Sum() < file.FileSizeBytes, "the sizes of columns are without the footer");
    }
}
