using OrleansLake.Iceberg;
using OrleansLake.Ingest.Commit;
using OrleansLake.Ingest.Write;

namespace OrleansLake.Ingest.Read;

/// <summary>Reads which records a dead-letter table holds: a scan by the columns that tell.</summary>
public sealed class DeadLetterOffsets : IDeadLetterOffsets
{
    /// <inheritdoc />
    public async Task<IReadOnlyList<long>> ReadAsync(LoadedTable deadLetters, DeadLetterQuery query, CancellationToken cancellationToken)
    {
        var schema = deadLetters.Metadata.CurrentSchema;
        bool tellsTopicId = schema.FindField(DeadLetterSchema.TopicId) is not null;
        // Rows that do not tell their generation are of an earlier build: taken for ours they could hide a record.
        if (deadLetters.Metadata.FindRef(SnapshotRef.Main) is not { } snapshot || schema.FindField(DeadLetterSchema.Generation) is null || (query.TopicId is not null && !tellsTopicId))
        {
            return [];
        }

        var where = Expression.Equal(DeadLetterSchema.Topic, query.TopicPartition.Topic)
            & Expression.Equal(DeadLetterSchema.Partition, query.TopicPartition.Partition)
            & Expression.GreaterThanOrEqual(DeadLetterSchema.Offset, query.From)
            & Expression.Equal(DeadLetterSchema.Pipeline, query.Pipeline)
            & Expression.Equal(DeadLetterSchema.Generation, query.Generation)
            & (query.TopicId is { } id ? Expression.Equal(DeadLetterSchema.TopicId, id) : tellsTopicId ? Expression.IsNull(DeadLetterSchema.TopicId) : Expression.AlwaysTrue);
        var scan = new TableScan(deadLetters, new ScanOptions { Snapshot = snapshot, Schema = schema, Columns = [DeadLetterSchema.Offset], Where = where });
        var offsets = new SortedSet<long>();
        await foreach (var batch in scan.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            foreach (long offset in batch.Columns[0].Longs.AsSpan(0, batch.Columns[0].ValueCount))
            {
                offsets.Add(offset);
            }
        }

        return [.. offsets];
    }
}
