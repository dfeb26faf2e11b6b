using OrleansLake.Parquet.Thrift;

namespace OrleansLake.Parquet.Footers;

/// <summary>Puts a footer into Thrift.</summary>
internal static class FooterWriter
{
    public static void Write(ThriftWriter writer, Footer footer)
    {
        writer.BeginStruct();
        writer.Int32(1, footer.Version);
        SchemaElements.Write(writer, footer.Schema, 2);
        writer.Int64(3, footer.RowCount);
        writer.List(4, ThriftType.Struct, footer.RowGroups.Count);
        foreach (var rowGroup in footer.RowGroups)
        {
            Write(writer, rowGroup);
        }

        if (footer.KeyValueMetadata.Count > 0)
        {
            writer.List(5, ThriftType.Struct, footer.KeyValueMetadata.Count);
            foreach (var (key, value) in footer.KeyValueMetadata)
            {
                writer.BeginStruct();
                writer.String(1, key);
                writer.String(2, value);
                writer.EndStruct();
            }
        }

        if (footer.CreatedBy is not null)
        {
            writer.String(6, footer.CreatedBy);
        }

        writer.List(7, ThriftType.Struct, footer.ColumnOrders.Count);
        foreach (var order in footer.ColumnOrders)
        {
            writer.BeginStruct();
            writer.EmptyStruct((short)order);
            writer.EndStruct();
        }

        writer.EndStruct();
    }

    private static void Write(ThriftWriter writer, RowGroup rowGroup)
    {
        writer.BeginStruct();
        writer.List(1, ThriftType.Struct, rowGroup.Columns.Count);
        foreach (var chunk in rowGroup.Columns)
        {
            Write(writer, chunk);
        }

        writer.Int64(2, rowGroup.TotalByteSize);
        writer.Int64(3, rowGroup.RowCount);
        if (rowGroup.SortingColumns.Count > 0)
        {
            writer.List(4, ThriftType.Struct, rowGroup.SortingColumns.Count);
            foreach (var sorting in rowGroup.SortingColumns)
            {
                writer.BeginStruct();
                writer.Int32(1, sorting.Column);
                writer.Bool(2, sorting.IsDescending);
                writer.Bool(3, sorting.NullsFirst);
                writer.EndStruct();
            }
        }

        if (rowGroup.Position is { } position)
        {
            writer.Int64(5, position);
        }

        if (rowGroup.TotalCompressedSize is { } size)
        {
            writer.Int64(6, size);
        }

        if (rowGroup.Ordinal is { } ordinal)
        {
            writer.Int16(7, ordinal);
        }

        writer.EndStruct();
    }

    private static void Write(ThriftWriter writer, ColumnChunk chunk)
    {
        writer.BeginStruct();
        writer.Int64(2, chunk.DictionaryPagePosition ?? chunk.DataPagePosition);
        writer.BeginStruct(3);
        writer.Int32(1, (int)chunk.Column.PhysicalType);
        writer.List(2, ThriftType.Int32, chunk.Encodings.Count);
        foreach (var encoding in chunk.Encodings)
        {
            writer.Int((int)encoding);
        }

        writer.List(3, ThriftType.Binary, chunk.Column.Path.Count);
        foreach (string name in chunk.Column.Path)
        {
            writer.String(name);
        }

        writer.Int32(4, (int)chunk.Codec);
        writer.Int64(5, chunk.ValueCount);
        writer.Int64(6, chunk.UncompressedSizeBytes);
        writer.Int64(7, chunk.SizeBytes);
        writer.Int64(9, chunk.DataPagePosition);
        if (chunk.DictionaryPagePosition is { } dictionary)
        {
            writer.Int64(11, dictionary);
        }

        if (chunk.Statistics is { } statistics)
        {
            Write(writer, statistics);
        }

        writer.List(13, ThriftType.Struct, chunk.PageEncodings.Count);
        foreach (var count in chunk.PageEncodings)
        {
            writer.BeginStruct();
            writer.Int32(1, (int)count.Page);
            writer.Int32(2, (int)count.Encoding);
            writer.Int32(3, count.Count);
            writer.EndStruct();
        }

        if (chunk.BloomFilter is { } filter)
        {
            writer.Int64(14, filter.Position);
            writer.Int32(15, filter.Length);
        }

        if (chunk.SizeStatistics is { } sizes)
        {
            Write(writer, sizes);
        }

        writer.EndStruct();
        if (chunk.OffsetIndex is { } offsetIndex)
        {
            writer.Int64(4, offsetIndex.Position);
            writer.Int32(5, offsetIndex.Length);
        }

        if (chunk.ColumnIndex is { } columnIndex)
        {
            writer.Int64(6, columnIndex.Position);
            writer.Int32(7, columnIndex.Length);
        }

        writer.EndStruct();
    }

    private static void Write(ThriftWriter writer, SizeStatistics sizes)
    {
        writer.BeginStruct(16);
        if (sizes.ByteArrayBytes is { } bytes)
        {
            writer.Int64(1, bytes);
        }

        WriteHistogram(writer, 2, sizes.RepetitionLevels);
        WriteHistogram(writer, 3, sizes.DefinitionLevels);
        writer.EndStruct();
    }

    private static void WriteHistogram(ThriftWriter writer, short id, IReadOnlyList<long> counts)
    {
        if (counts.Count > 0)
        {
            writer.List(id, ThriftType.Int64, counts.Count);
            foreach (long count in counts)
            {
                writer.Int(count);
            }
        }
    }

    // The older min and max stay unset: they were compared as signed bytes by some and unsigned by others.
    private static void Write(ThriftWriter writer, ColumnStatistics statistics)
    {
        writer.BeginStruct(12);
        if (statistics.NullCount is { } nulls)
        {
            writer.Int64(3, nulls);
        }

        if (statistics.Max is not null)
        {
            writer.Binary(5, statistics.Max);
        }

        if (statistics.Min is not null)
        {
            writer.Binary(6, statistics.Min);
        }

        if (statistics.IsMaxExact is { } maxExact)
        {
            writer.Bool(7, maxExact);
        }

        if (statistics.IsMinExact is { } minExact)
        {
            writer.Bool(8, minExact);
        }

        writer.EndStruct();
    }
}
