using OrleansLake.Iceberg;
using OrleansLake.Ingest.Pump;

namespace OrleansLake.Ingest.Commit;

/// <summary>Reads which records a dead-letter table already holds.</summary>
public interface IDeadLetterOffsets
{
    /// <summary>Offsets of one topic-partition, from one on, of which the table has rows; ascending.</summary>
    Task<IReadOnlyList<long>> ReadAsync(LoadedTable deadLetters, string pipeline, TopicPartition topicPartition, long from, CancellationToken cancellationToken);
}

/// <summary>Where a pipeline stands, by the table alone.</summary>
internal static class OffsetResume
{
    /// <summary>The resume point on freshly read lineages.</summary>
    /// <exception cref="PipelineStoppedException">The table does not say; the message names the command that does.</exception>
    public static async Task<ResumePoint> FindAsync(
        string pipeline,
        string generation,
        IReadOnlyList<TopicPartition> topicPartitions,
        Lineage rows,
        Lineage? deadLetters,
        IDeadLetterOffsets? reader,
        CancellationToken cancellationToken)
    {
        foreach (Lineage? lineage in (Lineage?[])[rows, deadLetters])
        {
            if (lineage?.Stop is { } stop)
            {
                throw new PipelineStoppedException(stop.Message);
            }
        }

        if (rows.Offsets.IsRetired(pipeline, generation))
        {
            throw new PipelineStoppedException($"pipeline {pipeline} was made anew: generation {generation} of it has ended");
        }

        var positions = new List<ResumePosition>(topicPartitions.Count);
        foreach (TopicPartition topicPartition in topicPartitions)
        {
            if (rows.Offsets.Find(pipeline, generation, topicPartition) is not { } offset)
            {
                // It begins where the pipeline's settings say. Its first dead letters make it an offset before they come in;
                // so dead letters without one are those of a table that was rolled back to before it.
                if (deadLetters?.Offsets.Find(pipeline, generation, topicPartition) is { Rows: > 0 } left)
                {
                    positions.Add(new ResumePosition(topicPartition, -1, -1, left.Next, await ReadAsync(topicPartition, 0), left.Rows));
                }

                continue;
            }

            PartitionOffset? letters = deadLetters?.Offsets.Find(pipeline, generation, topicPartition);
            if (deadLetters is not null && (letters?.Rejected ?? 0) < offset.Rejected)
            {
                throw new PipelineStoppedException(BehindMessage(rows, deadLetters, pipeline, topicPartition, offset.Rejected, letters?.Rejected ?? 0));
            }

            long lettersNext = Math.Max(offset.Next, letters?.Next ?? 0);
            positions.Add(new ResumePosition(topicPartition, offset.Next, offset.LeaderEpoch, lettersNext, lettersNext > offset.Next ? await ReadAsync(topicPartition, offset.Next) : [], letters?.Rows ?? 0));
        }

        TableMetadata metadata = rows.Table.Metadata;
        return new ResumePoint(metadata.TableUuid, metadata.LastSequenceNumber, metadata.CurrentSchemaId, positions);

        Task<IReadOnlyList<long>> ReadAsync(TopicPartition topicPartition, long from) => reader is null
            ? throw new InvalidOperationException($"{topicPartition}: dead letters from offset {from} on are in {deadLetters!.Table.Identifier}, and nothing was given to read them with")
            : reader.ReadAsync(deadLetters!.Table, pipeline, topicPartition, from, cancellationToken);
    }

    /// <summary>What is said when dead letters are missing that the main table counts.</summary>
    public static string BehindMessage(Lineage rows, Lineage deadLetters, string pipeline, TopicPartition topicPartition, long expected, long found) =>
        $"dead-letter table {deadLetters.Table.Identifier} is behind {rows.Table.Identifier}: {topicPartition} had {expected} records rejected, it knows of {found}; roll {rows.Table.Identifier} back to the same time, or {Remedy.Accept(pipeline)}";
}
