using OrleansLake.Iceberg;

namespace OrleansLake.Ingest.Upkeep;

/// <summary>Lays the rows of a bin in the order that is asked for, and writes them.</summary>
internal static class RewriteOrder
{
    /// <summary>The files that come in place of a bin's.</summary>
    public static Task<IReadOnlyList<DataFile>> WriteAsync(
        RewriteWriter writer, LoadedTable table, CompactionBin bin, CompactionOptions options, IdSource ids, CancellationToken cancellationToken) =>
        writer.WriteAsync(bin.SpecId, bin.Partition, writer.ReadAsync(bin.Tasks, cancellationToken), sortOrderId: 0, cancellationToken);
}
