using OrleansLake.Iceberg;
using OrleansLake.Ingest.Commit;
using OrleansLake.Ingest.Write;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Read;

/// <summary>Reads which records a dead-letter table holds, from the four columns that tell and the files whose bounds allow it.</summary>
public sealed class DeadLetterOffsets : IDeadLetterOffsets
{
    /// <inheritdoc />
    public async Task<IReadOnlyList<long>> ReadAsync(LoadedTable deadLetters, string pipeline, TopicPartition topicPartition, long from, CancellationToken cancellationToken)
    {
        var offsets = new SortedSet<long>();
        if (deadLetters.Metadata.FindRef(SnapshotRef.Main) is not { } snapshot)
        {
            return [];
        }

        var columns = new Columns(deadLetters);
        await foreach (var entry in SnapshotFiles.LiveAsync(deadLetters, snapshot, cancellationToken).ConfigureAwait(false))
        {
            TableRows.Check(deadLetters, snapshot, entry.DataFile);
            if (columns.MayHold(entry.DataFile, topicPartition, from))
            {
                var source = await ObjectBytes.OpenAsync(deadLetters.Store, entry.DataFile.FilePath, entry.DataFile.FileSizeBytes, cancellationToken).ConfigureAwait(false);
                columns.Collect(ParquetReader.Open(source), pipeline, topicPartition, from, offsets);
            }
        }

        return [.. offsets];
    }

    private sealed class Columns(LoadedTable table)
    {
        private readonly int _topic = IdOf(table, DeadLetterSchema.Topic);
        private readonly int _partition = IdOf(table, DeadLetterSchema.Partition);
        private readonly int _offset = IdOf(table, DeadLetterSchema.Offset);
        private readonly int _pipeline = IdOf(table, DeadLetterSchema.Pipeline);

        public bool MayHold(DataFile file, TopicPartition wanted, long from)
        {
            if (file.UpperBounds?.GetValueOrDefault(_offset) is { } last && (long)SingleValue.FromBytes(new LongType(), last) < from)
            {
                return false;
            }

            return Within(file, _partition, new IntegerType(), wanted.Partition) && Within(file, _topic, new StringType(), wanted.Topic);
        }

        public void Collect(ParquetReader file, string pipeline, TopicPartition wanted, long from, SortedSet<long> offsets)
        {
            int[] ids = [_topic, _partition, _offset, _pipeline];
            foreach (var batch in file.Read(column => column.FieldId is { } id && ids.Contains(id)))
            {
                ColumnBuffer Of(int id)
                {
                    foreach (var column in batch.Columns)
                    {
                        if (column.Column.FieldId == id)
                        {
                            // None of these is ever null: value and row have one number.
                            return column.ValueCount == batch.RowCount ? column : throw new InvalidDataException($"dead-letter table {table.Identifier}: column {column.Column} has nulls");
                        }
                    }

                    throw new InvalidDataException($"dead-letter table {table.Identifier}: a file lacks the column with id {id}");
                }

                var (topics, partitions, numbers, pipelines) = (Of(_topic), Of(_partition), Of(_offset), Of(_pipeline));
                byte[] topic = System.Text.Encoding.UTF8.GetBytes(wanted.Topic);
                byte[] name = System.Text.Encoding.UTF8.GetBytes(pipeline);
                for (int row = 0; row < batch.RowCount; row++)
                {
                    if (numbers.Longs[row] >= from && partitions.Ints[row] == wanted.Partition && Text(topics, row).SequenceEqual(topic) && Text(pipelines, row).SequenceEqual(name))
                    {
                        offsets.Add(numbers.Longs[row]);
                    }
                }
            }
        }

        private static ReadOnlySpan<byte> Text(ColumnBuffer column, int value) =>
            column.Bytes.AsSpan(column.Offsets[value], column.Offsets[value + 1] - column.Offsets[value]);

        private static bool Within(DataFile file, int id, IcebergType type, object value) =>
            (file.LowerBounds?.GetValueOrDefault(id) is not { } least || SingleValue.Compare(SingleValue.FromBytes(type, least), value) <= 0)
            && (file.UpperBounds?.GetValueOrDefault(id) is not { } greatest || SingleValue.Compare(SingleValue.FromBytes(type, greatest), value) >= 0);

        private static int IdOf(LoadedTable table, string name) => table.Metadata.CurrentSchema.FindField(name)?.Id
            ?? throw new InvalidDataException($"dead-letter table {table.Identifier}: it has no column {name}");
    }
}
