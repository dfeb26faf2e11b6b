using System.Text;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Commit;
using OrleansLake.Ingest.Write;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Read;

/// <summary>Reads which records a dead-letter table holds, from the columns that tell and the files whose bounds allow it.</summary>
public sealed class DeadLetterOffsets : IDeadLetterOffsets
{
    /// <inheritdoc />
    public async Task<IReadOnlyList<long>> ReadAsync(LoadedTable deadLetters, DeadLetterQuery query, CancellationToken cancellationToken)
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
            if (columns.MayHold(entry.DataFile, query))
            {
                var source = await ObjectBytes.OpenAsync(deadLetters.Store, entry.DataFile.FilePath, entry.DataFile.FileSizeBytes, cancellationToken).ConfigureAwait(false);
                columns.Collect(ParquetReader.Open(source), query, offsets);
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
        private readonly int? _generation = table.Metadata.CurrentSchema.FindField(DeadLetterSchema.Generation)?.Id;
        private readonly int? _topicId = table.Metadata.CurrentSchema.FindField(DeadLetterSchema.TopicId)?.Id;

        public bool MayHold(DataFile file, DeadLetterQuery query)
        {
            if (file.UpperBounds?.GetValueOrDefault(_offset) is { } last && (long)SingleValue.FromBytes(new LongType(), last) < query.From)
            {
                return false;
            }

            return Within(file, _partition, new IntegerType(), query.TopicPartition.Partition) && Within(file, _topic, new StringType(), query.TopicPartition.Topic);
        }

        public void Collect(ParquetReader file, DeadLetterQuery query, SortedSet<long> offsets)
        {
            int?[] ids = [_topic, _partition, _offset, _pipeline, _generation, _topicId];
            byte[] topic = Encoding.UTF8.GetBytes(query.TopicPartition.Topic);
            byte[] pipeline = Encoding.UTF8.GetBytes(query.Pipeline);
            byte[] generation = Encoding.UTF8.GetBytes(query.Generation);
            byte[]? topicId = query.TopicId is { } id ? Encoding.UTF8.GetBytes(id) : null;
            foreach (var batch in file.Read(column => column.FieldId is { } id && ids.Contains(id)))
            {
                var (topics, partitions, numbers, pipelines) = (Of(batch, _topic), Of(batch, _partition), Of(batch, _offset), Of(batch, _pipeline));
                var generations = new Optional(Find(batch, _generation));
                var topicIds = new Optional(Find(batch, _topicId));
                for (int row = 0; row < batch.RowCount; row++)
                {
                    // A row that does not tell its generation is of an earlier build: taken for ours it could hide a record.
                    bool isOurs = generations.MoveNext() && generations.Current.SequenceEqual(generation);
                    isOurs &= topicIds.MoveNext() ? topicId is not null && topicIds.Current.SequenceEqual(topicId) : topicId is null;
                    if (isOurs && numbers.Longs[row] >= query.From && partitions.Ints[row] == query.TopicPartition.Partition
                        && Text(topics, row).SequenceEqual(topic) && Text(pipelines, row).SequenceEqual(pipeline))
                    {
                        offsets.Add(numbers.Longs[row]);
                    }
                }
            }
        }

        private ColumnBuffer Of(ColumnBatch batch, int id)
        {
            // None of these is ever null: value and row have one number.
            var column = Find(batch, id) ?? throw new InvalidDataException($"dead-letter table {table.Identifier}: a file lacks the column with id {id}");
            return column.ValueCount == batch.RowCount ? column : throw new InvalidDataException($"dead-letter table {table.Identifier}: column {column.Column} has nulls");
        }

        private static ColumnBuffer? Find(ColumnBatch batch, int? id)
        {
            foreach (var column in batch.Columns)
            {
                if (id is not null && column.Column.FieldId == id)
                {
                    return column;
                }
            }

            return null;
        }

        private static ReadOnlySpan<byte> Text(ColumnBuffer column, int value) =>
            column.Bytes.AsSpan(column.Offsets[value], column.Offsets[value + 1] - column.Offsets[value]);

        private static bool Within(DataFile file, int id, IcebergType type, object value) =>
            (file.LowerBounds?.GetValueOrDefault(id) is not { } least || SingleValue.Compare(SingleValue.FromBytes(type, least), value) <= 0)
            && (file.UpperBounds?.GetValueOrDefault(id) is not { } greatest || SingleValue.Compare(SingleValue.FromBytes(type, greatest), value) >= 0);

        private static int IdOf(LoadedTable table, string name) => table.Metadata.CurrentSchema.FindField(name)?.Id
            ?? throw new InvalidDataException($"dead-letter table {table.Identifier}: it has no column {name}");

        /// <summary>Walks a text column that may have nulls, or that a file may lack.</summary>
        private ref struct Optional(ColumnBuffer? column)
        {
            private int _row;
            private int _value;

            public ReadOnlySpan<byte> Current { get; private set; }

            /// <summary>The next row. False: it is null.</summary>
            public bool MoveNext()
            {
                int row = _row++;
                if (column is null || (column.Column.MaxDefinitionLevel > 0 && column.DefinitionLevels[row] < column.Column.MaxDefinitionLevel))
                {
                    return false;
                }

                Current = Text(column, _value++);
                return true;
            }
        }
    }
}
