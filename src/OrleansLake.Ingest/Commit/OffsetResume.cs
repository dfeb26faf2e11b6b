using OrleansLake.Iceberg;
using OrleansLake.Ingest.Pump;

namespace OrleansLake.Ingest.Commit;

/// <summary>
/// Whose dead letters are asked for. The same offsets come again where a topic or a pipeline is made anew, and then they are
/// of other records: only what is told to be of the same life counts.
/// </summary>
/// <param name="Pipeline">The pipeline that read them.</param>
/// <param name="Generation">The generation of it.</param>
/// <param name="TopicId">Id of the topic that they were read from; null: the broker tells none.</param>
/// <param name="TopicPartition">Which topic-partition.</param>
/// <param name="From">The first offset that matters.</param>
public sealed record DeadLetterQuery(string Pipeline, string Generation, string? TopicId, TopicPartition TopicPartition, long From);

/// <summary>Reads which records a dead-letter table already holds.</summary>
public interface IDeadLetterOffsets
{
    /// <summary>Offsets of which the table has rows; ascending. A row that does not tell whose it is counts as another's.</summary>
    Task<IReadOnlyList<long>> ReadAsync(LoadedTable deadLetters, DeadLetterQuery query, CancellationToken cancellationToken);
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
        IReadOnlyDictionary<string, string> topicIds,
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

            // How far dead letters reach, of whichever life of the topic; which of them are of this one the rows tell.
            long lettersNext = Math.Max(offset.Next, letters?.Next ?? 0);
            positions.Add(new ResumePosition(topicPartition, offset.Next, offset.LeaderEpoch, lettersNext, lettersNext > offset.Next ? await ReadAsync(topicPartition, offset.Next) : [], letters?.Rows ?? 0));
        }

        TableMetadata metadata = rows.Table.Metadata;
        return new ResumePoint(metadata.TableUuid, metadata.LastSequenceNumber, metadata.CurrentSchemaId, positions);

        Task<IReadOnlyList<long>> ReadAsync(TopicPartition topicPartition, long from) => reader is null
            ? throw new InvalidOperationException($"{topicPartition}: dead letters from offset {from} on are in {deadLetters!.Table.Identifier}, and nothing was given to read them with")
            : reader.ReadAsync(deadLetters!.Table, new DeadLetterQuery(pipeline, generation, TopicIdOf(topicPartition.Topic), topicPartition, from), cancellationToken);

        // What the broker has now is what will be read: a seek that tells the table so may still be on its way.
        string? TopicIdOf(string topic) => topicIds.GetValueOrDefault(topic) ?? rows.Offsets.FindTopic(pipeline, generation, topic)?.TopicId;
    }

    /// <summary>What is said when dead letters are missing that the main table counts.</summary>
    public static string BehindMessage(Lineage rows, Lineage deadLetters, string pipeline, TopicPartition topicPartition, long expected, long found) =>
        $"dead-letter table {deadLetters.Table.Identifier} is behind {rows.Table.Identifier}: {topicPartition} had {expected} records rejected, it knows of {found}; roll {rows.Table.Identifier} back to the same time, or {Remedy.Accept(pipeline)}";
}
