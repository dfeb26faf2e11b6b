using OrleansLake.Parquet.Thrift;

namespace OrleansLake.Parquet.Footers;

/// <summary>Takes a footer out of Thrift and checks what the rest relies on.</summary>
internal static class FooterReader
{
    public static Footer Read(ReadOnlySpan<byte> bytes)
    {
        try
        {
            var reader = new ThriftReader(bytes);
            return Read(ref reader);
        }
        catch (EndOfThriftException e)
        {
            throw new ParquetFormatException($"footer: {e.Message}", e);
        }
        catch (ParquetFormatException e)
        {
            throw e.In("footer");
        }
    }

    private static Footer Read(ref ThriftReader reader)
    {
        int version = 0;
        long rows = -1;
        ParquetSchema? schema = null;
        RowGroup[]? rowGroups = null;
        var pairs = new Dictionary<string, string>();
        string? createdBy = null;
        ColumnOrder[] orders = [];
        short id = 0;
        while (reader.NextField(ref id))
        {
            switch (id)
            {
                case 1: version = reader.Int32(); break;
                case 2: schema = SchemaElements.Read(ref reader); break;
                case 3: rows = reader.Int64(); break;
                case 4:
                    if (schema is null)
                    {
                        throw new ParquetFormatException("expected the schema before the row groups");
                    }

                    rowGroups = new RowGroup[reader.List(ThriftType.Struct)];
                    for (int i = 0; i < rowGroups.Length; i++)
                    {
                        rowGroups[i] = ReadRowGroup(ref reader, schema, i);
                    }

                    break;
                case 5: ReadPairs(ref reader, pairs); break;
                case 6: createdBy = reader.String(); break;
                case 7: orders = ReadOrders(ref reader); break;
                case 8: throw new ParquetFormatException("the file is encrypted, which this library does not read");
                default: reader.Skip(); break;
            }
        }

        if (schema is null || rowGroups is null || rows < 0)
        {
            throw new ParquetFormatException($"expected a schema, row groups and a row count, got {(schema is null ? "no schema" : rowGroups is null ? "no row groups" : $"{rows} rows")}");
        }

        return new Footer
        {
            Version = version,
            Schema = schema,
            RowCount = rows,
            RowGroups = rowGroups,
            KeyValueMetadata = pairs,
            CreatedBy = createdBy,
            ColumnOrders = orders,
        };
    }

    private static RowGroup ReadRowGroup(ref ThriftReader reader, ParquetSchema schema, int number)
    {
        ColumnChunk[]? columns = null;
        long size = 0, rows = -1;
        long? position = null, compressed = null;
        short? ordinal = null;
        SortingColumn[] sorting = [];
        short id = 0;
        while (reader.NextField(ref id))
        {
            switch (id)
            {
                case 1:
                    int count = reader.List(ThriftType.Struct);
                    if (count != schema.Columns.Count)
                    {
                        throw new ParquetFormatException($"row group {number}: expected {schema.Columns.Count} columns, got {count}");
                    }

                    columns = new ColumnChunk[count];
                    for (int i = 0; i < count; i++)
                    {
                        columns[i] = ColumnChunkReader.Read(ref reader, schema.Columns[i], number);
                    }

                    break;
                case 2: size = reader.Int64(); break;
                case 3: rows = reader.Int64(); break;
                case 4: sorting = ReadSorting(ref reader); break;
                case 5: position = reader.Int64(); break;
                case 6: compressed = reader.Int64(); break;
                case 7: ordinal = (short)reader.Int32(); break;
                default: reader.Skip(); break;
            }
        }

        return columns is not null && rows >= 0
            ? new RowGroup
            {
                Columns = columns,
                RowCount = rows,
                TotalByteSize = size,
                TotalCompressedSize = compressed,
                Position = position,
                Ordinal = ordinal,
                SortingColumns = sorting,
            }
            : throw new ParquetFormatException($"row group {number}: expected columns and a row count, got {rows} rows");
    }

    private static SortingColumn[] ReadSorting(ref ThriftReader reader)
    {
        var columns = new SortingColumn[reader.List(ThriftType.Struct)];
        for (int i = 0; i < columns.Length; i++)
        {
            int column = 0;
            bool descending = false, nullsFirst = false;
            short id = 0;
            while (reader.NextField(ref id))
            {
                switch (id)
                {
                    case 1: column = reader.Int32(); break;
                    case 2: descending = reader.Bool(); break;
                    case 3: nullsFirst = reader.Bool(); break;
                    default: reader.Skip(); break;
                }
            }

            columns[i] = new SortingColumn(column, descending, nullsFirst);
        }

        return columns;
    }

    private static void ReadPairs(ref ThriftReader reader, Dictionary<string, string> pairs)
    {
        int count = reader.List(ThriftType.Struct);
        for (int i = 0; i < count; i++)
        {
            string key = "", value = "";
            short id = 0;
            while (reader.NextField(ref id))
            {
                switch (id)
                {
                    case 1: key = reader.String(); break;
                    case 2: value = reader.String(); break;
                    default: reader.Skip(); break;
                }
            }

            pairs[key] = value;
        }
    }

    private static ColumnOrder[] ReadOrders(ref ThriftReader reader)
    {
        var orders = new ColumnOrder[reader.List(ThriftType.Struct)];
        for (int i = 0; i < orders.Length; i++)
        {
            short id = 0;
            while (reader.NextField(ref id))
            {
                orders[i] = id is 1 or 2 ? (ColumnOrder)id : ColumnOrder.Undefined;
                reader.Skip();
            }
        }

        return orders;
    }
}
