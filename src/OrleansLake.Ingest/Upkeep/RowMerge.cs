using System.Runtime.CompilerServices;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Upkeep;

/// <summary>Rows that should have been in order are not.</summary>
internal sealed class NotSortedException(string message) : Exception(message);

/// <summary>Merges rows that are sorted into rows that are sorted. Holds a batch of each source.</summary>
internal static class RowMerge
{
    /// <summary>The rows of all sources in the order of their keys; of equal ones those of the first source come first.</summary>
    /// <param name="sources">Each in order.</param>
    /// <param name="columns">Their columns.</param>
    /// <param name="keys">Keys of a source: one writer each, since it goes row by row.</param>
    /// <param name="batchRows">Rows of a batch of the result.</param>
    /// <param name="cancellationToken">Ends it early.</param>
    /// <exception cref="NotSortedException">A source is not in order.</exception>
    public static async IAsyncEnumerable<ColumnBatch> MergeAsync(
        IReadOnlyList<IAsyncEnumerable<ColumnBatch>> sources, ParquetSchema columns, Func<IKeyWriter> keys, int batchRows, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var open = new List<Source>();
        var target = new ColumnBatch(columns);
        try
        {
            var queue = new PriorityQueue<Source, Source>(Comparer<Source>.Create(static (a, b) => a.CompareTo(b)));
            foreach (var rows in sources)
            {
                var source = new Source(open.Count, rows.GetAsyncEnumerator(cancellationToken), keys());
                open.Add(source);
                if (await source.NextBatchAsync().ConfigureAwait(false))
                {
                    queue.Enqueue(source, source);
                }
            }

            while (queue.TryDequeue(out var first, out _))
            {
                int from = first.Row;
                bool goesOn = queue.TryPeek(out var next, out _);
                do
                {
                    first.Row++;
                }
                while (first.Row < first.Count && target.RowCount + (first.Row - from) < batchRows && (!goesOn || first.CompareTo(next) < 0));

                target.Append(first.Batch, from, first.Row - from);
                if (target.RowCount >= batchRows)
                {
                    yield return target;
                    target.Clear();
                }

                if (first.Row < first.Count || await first.NextBatchAsync().ConfigureAwait(false))
                {
                    queue.Enqueue(first, first);
                }
            }

            if (target.RowCount > 0)
            {
                yield return target;
            }
        }
        finally
        {
            foreach (var source in open)
            {
                await source.DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    private sealed class Source(int number, IAsyncEnumerator<ColumnBatch> rows, IKeyWriter writer) : IAsyncDisposable
    {
        private readonly RowKeys _keys = new(writer);
        private byte[] _last = [];

        public int Row { get; set; }

        public int Count => _keys.Count;

        public ColumnBatch Batch => rows.Current;

        public async ValueTask<bool> NextBatchAsync()
        {
            do
            {
                if (!await rows.MoveNextAsync().ConfigureAwait(false))
                {
                    return false;
                }

                Row = 0;
                _keys.Read(rows.Current);
            }
            while (_keys.Count == 0);

            CheckOrder();
            return true;
        }

        public int CompareTo(Source? other)
        {
            int order = _keys[Row].SequenceCompareTo(other!._keys[other.Row]);
            return order != 0 ? order : number.CompareTo(other.Number);
        }

        public ValueTask DisposeAsync() => rows.DisposeAsync();

        private int Number => number;

        private void CheckOrder()
        {
            ReadOnlySpan<byte> last = _last;
            for (int row = 0; row < _keys.Count; row++)
            {
                var key = _keys[row];
                if (key.SequenceCompareTo(last) < 0)
                {
                    throw new NotSortedException($"source {number}: row {row} of a batch is not in order");
                }

                last = key;
            }

            _last = last.ToArray();
        }
    }
}
