using System.Buffers;
using OrleansLake.Ingest.Kafka;

namespace OrleansLake.Ingest.Pump;

/// <summary>
/// After a crash between the two tables the dead letters of some records are committed already. Such a record stays rejected,
/// whatever today's schema would say of it, and is not written again (rule 18).
/// </summary>
internal static class KnownDeadLetters
{
    /// <summary>A copy of the batch without the known ones, and their number; null when there are none in it.</summary>
    internal static KafkaBatch? Without(KafkaBatch batch, IReadOnlySet<long>? offsets, out int known)
    {
        known = 0;
        if (offsets is null)
        {
            return null;
        }

        foreach (ref readonly KafkaRecord record in batch.Records)
        {
            known += offsets.Contains(record.Offset) ? 1 : 0;
        }

        if (known == 0)
        {
            return null;
        }

        byte[] buffer = ArrayPool<byte>.Shared.Rent(batch.Buffer.Length);
        batch.Buffer.CopyTo(buffer, 0);
        KafkaRecord[] records = ArrayPool<KafkaRecord>.Shared.Rent(batch.Count);
        int count = 0;
        foreach (ref readonly KafkaRecord record in batch.Records)
        {
            if (!offsets.Contains(record.Offset))
            {
                records[count++] = record;
            }
        }

        return new KafkaBatch(batch.TopicPartition, batch.Range, batch.LeaderEpoch, buffer, records, count);
    }
}
