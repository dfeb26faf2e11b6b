using OrleansLake.Iceberg;
using OrleansLake.Ingest.Read;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Upkeep;

/// <summary>Lays the rows of a bin in the order that is asked for, and writes them.</summary>
internal static class RewriteOrder
{
    /// <summary>Files that are merged at once; more of them are sorted.</summary>
    private const int MostMerged = 64;

    /// <summary>The files that come in place of a bin's.</summary>
    public static async Task<IReadOnlyList<DataFile>> WriteAsync(RewriteWriter writer, LoadedTable table, Snapshot from, CompactionBin bin, CompactionOptions options, CancellationToken cancellationToken)
    {
        var metadata = table.Metadata;
        switch (options.Strategy)
        {
            case CompactionStrategy.Sort:
                return await SortAsync(OrderOf(metadata)).ConfigureAwait(false);
            case CompactionStrategy.Zorder:
                var keys = await SampleAsync(writer, table, from, bin, options, cancellationToken).ConfigureAwait(false);
                var curve = new RowSorter(writer.Columns, keys, options.SortMemoryBytes).SortAsync(writer.ReadAsync(bin.Tasks, cancellationToken), cancellationToken);
                return await writer.WriteAsync(bin.SpecId, bin.Partition, curve, 0, cancellationToken).ConfigureAwait(false);
            case CompactionStrategy.BinPack when SharedOrder(metadata, bin) is { } order && bin.Tasks.Count <= MostMerged:
                try
                {
                    var sources = bin.Tasks.Select(task => writer.ReadAsync(task, new ScanMemory(), cancellationToken)).ToList();
                    var merged = RowMerge.MergeAsync(sources, writer.Columns, () => KeysOf(order, metadata, writer.Columns), RewriteWriter.BatchRows, cancellationToken);
                    return await writer.WriteAsync(bin.SpecId, bin.Partition, merged, order.OrderId, cancellationToken).ConfigureAwait(false);
                }
                catch (NotSortedException)
                {
                    // Their writer said more than was so.
                    return await SortAsync(order).ConfigureAwait(false);
                }

            case CompactionStrategy.BinPack when SharedOrder(metadata, bin) is { } order:
                return await SortAsync(order).ConfigureAwait(false);
            default:
                return await writer.WriteAsync(bin.SpecId, bin.Partition, writer.ReadAsync(bin.Tasks, cancellationToken), 0, cancellationToken).ConfigureAwait(false);
        }

        Task<IReadOnlyList<DataFile>> SortAsync(SortOrder order)
        {
            var sorter = new RowSorter(writer.Columns, () => KeysOf(order, metadata, writer.Columns), options.SortMemoryBytes);
            return writer.WriteAsync(bin.SpecId, bin.Partition, sorter.SortAsync(writer.ReadAsync(bin.Tasks, cancellationToken), cancellationToken), order.OrderId, cancellationToken);
        }
    }

    /// <summary>The order that the table asks for.</summary>
    /// <exception cref="FormatException">It asks for none.</exception>
    public static SortOrder OrderOf(TableMetadata metadata) =>
        metadata.DefaultSortOrderId != 0 && metadata.SortOrders.FirstOrDefault(order => order.OrderId == metadata.DefaultSortOrderId) is { Fields.Count: > 0 } order
            ? order
            : throw new FormatException($"{UpkeepSettings.Prefix}compaction.strategy: expected a table with a sort order for strategy sort, this one has none (ALTER TABLE … WRITE ORDERED BY …)");

    /// <summary>The columns of the curve.</summary>
    /// <exception cref="FormatException">There are none, or one is not in the table.</exception>
    public static IReadOnlyList<SortField> CurveOf(TableMetadata metadata, CompactionOptions options)
    {
        const string property = UpkeepSettings.Prefix + "compaction.zorder-columns";
        return options.ZorderColumns.Count == 0
            ? throw new FormatException($"{property}: expected the columns of the curve for strategy zorder, got none")
            : [.. options.ZorderColumns.Select(name => metadata.CurrentSchema.FindField(name) is { Type: PrimitiveType } field
                ? new SortField([field.Id], new Transform.Identity(), Descending: false, NullsLast: false)
                : throw new FormatException($"{property}: the table has no column {name} of a primitive type"))];
    }

    private static OrderKeys KeysOf(SortOrder order, TableMetadata metadata, ParquetSchema columns) => new(SortPart.Of(order.Fields, metadata.CurrentSchema, columns));

    /// <summary>The order that all files of the bin are in; null where there is none, or it cannot be told any more.</summary>
    private static SortOrder? SharedOrder(TableMetadata metadata, CompactionBin bin)
    {
        int? id = bin.Tasks[0].File.SortOrderId;
        return id is > 0 && bin.Tasks.All(task => task.File.SortOrderId == id)
            && metadata.SortOrders.FirstOrDefault(order => order.OrderId == id) is { Fields.Count: > 0 } order
            && order.Fields.All(field => field.SourceIds.All(source => metadata.CurrentSchema.FindField(source) is not null))
                ? order
                : null;
    }

    /// <summary>What makes the keys of the curve, once it has seen some values of each column.</summary>
    private static async Task<Func<IKeyWriter>> SampleAsync(RewriteWriter writer, LoadedTable table, Snapshot from, CompactionBin bin, CompactionOptions options, CancellationToken cancellationToken)
    {
        var fields = CurveOf(table.Metadata, options);
        var schema = table.Metadata.CurrentSchema;
        var scan = new TableScan(table, new ScanOptions { Snapshot = from, Schema = schema, Columns = options.ZorderColumns });
        var sample = new ZorderKeys(SortPart.Of(fields, schema, scan.Columns));
        foreach (var task in bin.Tasks)
        {
            await foreach (var batch in writer.ReadAsync(task, scan, cancellationToken).ConfigureAwait(false))
            {
                sample.Sample(batch);
            }
        }

        sample.Freeze();
        return () => sample.On(SortPart.Of(fields, schema, writer.Columns));
    }
}
