using OrleansLake.Iceberg;
using OrleansLake.Iceberg.Avro;
using static OrleansLake.Ingest.Tests.Read.ScanTable;

namespace OrleansLake.Ingest.Tests.Read;

/// <summary>Data files in Avro. https://iceberg.apache.org/spec/#avro</summary>
public sealed class AvroDataTests
{
    private static readonly AvroSchema Record = AvroSchema.Record(
        "table",
        new AvroField("id", AvroSchema.Int) { FieldId = 1 },
        new AvroField("name", AvroSchema.Optional(AvroSchema.String)) { FieldId = 2 },
        new AvroField("ts", AvroSchema.Optional(new AvroSchema(AvroKind.Long) { LogicalType = "timestamp-millis" })) { FieldId = 3 },
        new AvroField("price", AvroSchema.Optional(new AvroSchema(AvroKind.Fixed) { Name = "d", Size = 4, LogicalType = "decimal", Precision = 9, Scale = 2 })) { FieldId = 4 },
        new AvroField("tags", AvroSchema.Optional(new AvroSchema(AvroKind.Array) { Items = AvroSchema.Optional(AvroSchema.String), ElementId = 6 })) { FieldId = 5 },
        new AvroField("place", AvroSchema.Optional(AvroSchema.Record("p", new AvroField("zip", AvroSchema.Optional(AvroSchema.Float)) { FieldId = 8 }))) { FieldId = 7 });

    [Fact]
    public async Task Rows_are_read_in_the_columns_of_the_table_and_deleted_like_others()
    {
        var table = new ScanTable(2, new Schema
        {
            SchemaId = 0,
            Fields =
            [
                Optional(9, "later", new StringType()), Required(1, "number", new LongType()), Optional(7, "place", new StructType([Optional(8, "zip", new DoubleType()), Optional(10, "more", new IntegerType())])),
                Optional(5, "tags", new ListType(6, new StringType(), false)), Optional(4, "price", new DecimalType(20, 2)), Optional(3, "ts", new TimestampType(true)),
            ],
        });
        var file = await WriteAsync(table, [1, "a", 1000L, new byte[] { 0xFF, 0xFF, 0xFF, 0xF6 }, new List<object?> { "x", null }, new object?[] { 1.5f }], [2, null, null, null, null, null], [3, "c", 0L, null, new List<object?>(), new object?[] { null }]);
        await table.CommitAsync([file]);
        string first = """{"later":null,"number":1,"place":{"zip":1.5,"more":null},"tags":["x",null],"price":-0.10,"ts":"1970-01-01T00:00:01.000000+00:00"}""";
        string third = """{"later":null,"number":3,"place":{"zip":null,"more":null},"tags":[],"price":null,"ts":"1970-01-01T00:00:00.000000+00:00"}""";
        Assert.Equal([first, """{"later":null,"number":2,"place":null,"tags":null,"price":null,"ts":null}""", third], await table.RowsAsync());
        Assert.Equal(["""{"number":3,"_pos":2}"""], await table.RowsAsync("number > 1 and ts is not null", "number", "_pos"));
        await table.CommitAsync([await table.WriteKeysAsync(0, PartitionKey.None, [1], [[2L]])]);
        Assert.Equal([first, third], await table.RowsAsync());
    }

    [Fact]
    public async Task A_file_of_another_type_is_refused_with_its_place()
    {
        var table = new ScanTable(2, new Schema { SchemaId = 0, Fields = [Required(1, "id", new StringType())] });
        await table.CommitAsync([await WriteAsync(table, [1, null, null, null, null, null])]);
        Assert.Contains(".avro: id: expected string, got Int in the file", (await Assert.ThrowsAsync<IcebergFormatException>(() => table.RowsAsync())).Message);
    }

    private static async Task<DataFile> WriteAsync(ScanTable table, params object?[][] rows)
    {
        var writer = new AvroContainerWriter(Record, [], AvroCodec.Deflate, Guid.NewGuid());
        foreach (object?[] row in rows)
        {
            writer.Append(row);
        }

        var bytes = writer.Finish();
        string location = table.NewLocation() + ".avro";
        await table.Store.TryCreateAsync(location, bytes, default);
        return new DataFile { FilePath = location, FileFormat = "avro", SpecId = 0, Partition = PartitionKey.None, RecordCount = rows.Length, FileSizeBytes = bytes.Length };
    }
}
