using System.Text;
using OrleansLake.Iceberg;
using OrleansLake.Iceberg.Deletes;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Read;

/// <summary>
/// The delete files of a scan, read when they are first needed. Many data files share one, so they are kept, the least lately
/// used going first when they hold too much memory.
/// </summary>
internal sealed class DeleteFiles(LoadedTable table, int batchRows)
{
    private const long MostBytes = 256 << 20;

    private readonly LinkedList<(string Path, object Content, long SizeBytes)> _kept = [];
    private readonly NameMapping? _mapping = NameMapping.Of(table.Metadata);
    private long _keptBytes;

    /// <summary>The positions of a data file that a file of position deletes, or a vector, names.</summary>
    public async Task<PositionSet?> PositionsAsync(DataFile delete, string dataFile, CancellationToken cancellationToken)
    {
        if (delete.IsDeletionVector)
        {
            return await DeletionVector.ReadAsync(table.Store, delete, cancellationToken).ConfigureAwait(false);
        }

        var all = await KeptAsync(delete.FilePath, async () =>
        {
            var read = await ReadPositionsAsync(delete, cancellationToken).ConfigureAwait(false);
            return (read, read.Sum(pair => pair.Key.Length + (2 * pair.Value.Count) + 128));
        }).ConfigureAwait(false);
        return all.GetValueOrDefault(dataFile);
    }

    /// <summary>The rows that a file of equality deletes names.</summary>
    public Task<EqualityKeys> KeysAsync(DataFile delete, CancellationToken cancellationToken) => KeptAsync(delete.FilePath, async () =>
    {
        var read = await ReadKeysAsync(delete, cancellationToken).ConfigureAwait(false);
        return (read, read.SizeBytes);
    });

    private async Task<T> KeptAsync<T>(string path, Func<Task<(T Content, long SizeBytes)>> read)
        where T : class
    {
        for (var node = _kept.First; node is not null; node = node.Next)
        {
            if (node.Value.Path == path)
            {
                _kept.Remove(node);
                _kept.AddFirst(node);
                return (T)node.Value.Content;
            }
        }

        var (content, size) = await read().ConfigureAwait(false);
        _kept.AddFirst((path, content, size));
        _keptBytes += size;
        while (_keptBytes > MostBytes && _kept.Count > 1)
        {
            _keptBytes -= _kept.Last!.Value.SizeBytes;
            _kept.RemoveLast();
        }

        return content;
    }

    private async Task<Dictionary<string, PositionSet>> ReadPositionsAsync(DataFile delete, CancellationToken cancellationToken)
    {
        var schema = ReadSchema.Of([MetadataColumns.DeleteFilePath, MetadataColumns.DeletePosition]);
        var batch = new ColumnBatch(schema.AllColumns);
        var positions = new Dictionary<string, PositionSet>(StringComparer.Ordinal);
        byte[] lastPath = [];
        PositionSet? last = null;
        await foreach (long _ in DataFileBatches.ReadAsync(table.Store, delete, schema.Fields, batch, new FileConstants(table.Metadata, delete, 0), null, batchRows, cancellationToken).ConfigureAwait(false))
        {
            for (int row = 0; row < batch.RowCount; row++)
            {
                // Sorted by path: mostly it is that of the row before.
                var path = LeafConversion.BytesOf(batch.Columns[0], row);
                if (last is null || !path.SequenceEqual(lastPath))
                {
                    lastPath = path.ToArray();
                    string text = Encoding.UTF8.GetString(path);
                    if (!positions.TryGetValue(text, out last))
                    {
                        positions[text] = last = new PositionSet();
                    }
                }

                long position = batch.Columns[1].Longs[row];
                if (position is < 0 or > PositionSet.MaxPosition)
                {
                    throw new InvalidDataException($"{delete.FilePath}: expected the position of a row, got {position}");
                }

                last.Add(position);
            }
        }

        return positions;
    }

    private async Task<EqualityKeys> ReadKeysAsync(DataFile delete, CancellationToken cancellationToken)
    {
        if (delete.EqualityIds is not { Count: > 0 } ids)
        {
            throw new InvalidDataException($"{delete.FilePath}: expected equality deletes that name the columns to compare, got none");
        }

        var schema = ReadSchema.Of([]).With(ids, table.Metadata, table.Metadata.CurrentSchema);
        var batch = new ColumnBatch(schema.AllColumns);
        var keys = new EqualityKeys(ids);
        int[] leaves = [.. ids.Select(schema.LeafOf)];
        await foreach (long _ in DataFileBatches.ReadAsync(table.Store, delete, schema.Fields, batch, new FileConstants(table.Metadata, delete, 0), _mapping, batchRows, cancellationToken).ConfigureAwait(false))
        {
            keys.Add(batch, leaves);
        }

        return keys;
    }
}
