using System.Runtime.CompilerServices;
using OrleansLake.Iceberg;

namespace OrleansLake.Ingest.Read;

/// <summary>The rows of a table as JSON, for people and for checks.</summary>
public static class TableRows
{
    /// <summary>
    /// Rows of a snapshot as JSON objects in UTF-8. File by file, in no order; what a row holds is gone when the next one is asked for.
    /// </summary>
    /// <param name="table">The table.</param>
    /// <param name="snapshot">Which state of it; null: there is none, and no row either.</param>
    /// <param name="schema">The columns wanted; null: the table's current ones.</param>
    /// <param name="limit">Rows at most.</param>
    /// <param name="cancellationToken">Ends it early.</param>
    public static async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadAsync(
        LoadedTable table,
        Snapshot? snapshot,
        Schema? schema = null,
        long limit = long.MaxValue,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        if (snapshot is null || limit <= 0)
        {
            yield break;
        }

        var scan = new TableScan(table, new ScanOptions { Snapshot = snapshot, Schema = schema ?? table.Metadata.CurrentSchema });
        await foreach (var row in scan.ReadJsonAsync(cancellationToken).ConfigureAwait(false))
        {
            yield return row;
            if (--limit == 0)
            {
                yield break;
            }
        }
    }
}
