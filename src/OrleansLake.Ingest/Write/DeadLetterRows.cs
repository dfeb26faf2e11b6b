using System.Text;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Decode;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Write;

/// <summary>Who read the records, as dead letters tell it.</summary>
/// <param name="Pipeline">The pipeline's name in UTF-8.</param>
/// <param name="Generation">Its generation in UTF-8.</param>
/// <param name="TopicId">Kafka's id of the topic; null where the broker tells none.</param>
internal readonly record struct DeadLetterOrigin(byte[] Pipeline, byte[] Generation, string? TopicId);

/// <summary>Rejected records to rows of the dead-letter table, whose columns are found by their names.</summary>
internal sealed class DeadLetterRows
{
    private readonly LeafColumn[] _leaves;
    private readonly int[] _places;
    private int _row;

    /// <summary>For a dead-letter table as it stands.</summary>
    /// <exception cref="InvalidOperationException">A column is missing or is of another type.</exception>
    public DeadLetterRows(TableIdentifier table, WritePlan plan)
    {
        Plan = plan;
        Batch = new ColumnBatch(plan.Columns);
        _leaves = [.. plan.Columns.Columns.Select(column => new LeafColumn(column))];
        _places = [.. DeadLetterSchema.Fields.Select(wanted => PlaceOf(table, plan, wanted))];
        foreach (var field in plan.Schema.Fields)
        {
            if (field.Required && !DeadLetterSchema.Fields.Any(known => known.Name == field.Name))
            {
                throw new InvalidOperationException($"dead-letter table {table}: column {field.Name} (id {field.Id}) is required, and nothing fills it");
            }
        }
    }

    /// <summary>How the table's files are written.</summary>
    public WritePlan Plan { get; }

    /// <summary>The rows added last.</summary>
    public ColumnBatch Batch { get; }

    /// <summary>Replaces the rows by those of a batch's rejected records.</summary>
    public void Fill(KafkaBatch batch, ReadOnlySpan<RejectedRecord> rejected, int schemaId, in DeadLetterOrigin origin, DateTimeOffset now)
    {
        Batch.Clear();
        for (int i = 0; i < _leaves.Length; i++)
        {
            _leaves[i].Attach(Batch.Columns[i], 0, rejected.Length);
        }

        long nowMicros = (now.UtcTicks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond;
        byte[] topic = Encoding.UTF8.GetBytes(batch.TopicPartition.Topic);
        byte[] topicId = Encoding.UTF8.GetBytes(origin.TopicId ?? "");
        for (_row = 0; _row < rejected.Length; _row++)
        {
            var reject = rejected[_row];
            ref readonly var record = ref batch.Records[reject.RecordIndex];
            Add(0, topic);
            At(1).AddInt(batch.TopicPartition.Partition, 0);
            At(2).AddLong(record.Offset, 0);
            if (record.TimestampMs >= 0)
            {
                At(3).AddLong(record.TimestampMs * 1000, 0);
            }
            else
            {
                At(3).AddAbsent(0, 0, _row);
            }

            AddUnless(record.KeyLength < 0, 4, batch.KeyOf(record));
            AddUnless(record.ValueLength < 0, 5, batch.ValueOf(record));
            AddUnless(record.HeadersLength == 0, 6, batch.HeadersOf(record));
            Add(7, Encoding.UTF8.GetBytes(reject.Reason.ErrorClass()));
            AddUnless(reject.Path.Length == 0, 8, Encoding.UTF8.GetBytes(reject.Path));
            Add(9, Encoding.UTF8.GetBytes(reject.Message));
            At(10).AddInt(schemaId, 0);
            Add(11, origin.Pipeline);
            At(12).AddLong(nowMicros, 0);
            Add(13, origin.Generation);
            AddUnless(topicId.Length == 0, 14, topicId);
            At(15).AddAbsent(0, 0, _row);
            At(16).AddAbsent(0, 0, _row);
            AddOthers();
        }

        foreach (var leaf in _leaves)
        {
            leaf.Detach(rejected.Length);
        }

        Batch.RowCount = rejected.Length;
    }

    private LeafColumn At(int field) => _leaves[_places[field]];

    private void AddUnless(bool absent, int field, ReadOnlySpan<byte> value)
    {
        if (absent)
        {
            At(field).AddAbsent(0, 0, _row);
        }
        else
        {
            Add(field, value);
        }
    }

    private void Add(int field, ReadOnlySpan<byte> value)
    {
        var leaf = At(field);
        ref byte target = ref leaf.RoomForBytes(value.Length);
        value.CopyTo(System.Runtime.InteropServices.MemoryMarshal.CreateSpan(ref target, value.Length));
        leaf.AddBytes(value.Length, 0);
    }

    /// <summary>Columns that someone added to the table stay null.</summary>
    private void AddOthers()
    {
        for (int i = 0; i < _leaves.Length; i++)
        {
            if (!_places.Contains(i))
            {
                _leaves[i].AddAbsent(0, 0, _row);
            }
        }
    }

    private static int PlaceOf(TableIdentifier table, WritePlan plan, NestedField wanted)
    {
        var field = plan.Schema.Fields.FirstOrDefault(field => field.Name == wanted.Name);
        if (field is null || field.Type != wanted.Type || (field.Required && !wanted.Required))
        {
            throw new InvalidOperationException(
                $"dead-letter table {table}: expected column {wanted.Name} of {wanted.Type}{(wanted.Required ? "" : ", optional")}, got {(field is null ? "none" : $"{field.Type}{(field.Required ? ", required" : "")}")}");
        }

        return plan.Columns.Columns.First(column => column.FieldId == field.Id).Index;
    }
}
