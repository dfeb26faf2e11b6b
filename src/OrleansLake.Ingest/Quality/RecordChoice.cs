using OrleansLake.Iceberg;
using OrleansLake.Ingest.Decode;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Ingest.Read;
using OrleansLake.Ingest.Write;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Quality;

/// <summary>
/// Decides whether records are for this table without asking more of them than the columns of the condition: of those that were refused,
/// since what a record of another table holds is no dead letter of this one; and of all, before they are decoded, where a new field would
/// become a column. Not of all in any case: passing over values costs as much as decoding them.
/// </summary>
internal sealed class RecordChoice
{
    private readonly IRecordDecoder _decoder;
    private readonly RowCondition _condition;
    private readonly ColumnBatch _rows;
    private readonly List<RejectedRecord> _rejected = [];
    private KafkaRecord[] _chosen = [];
    private KafkaRecord[] _refused = [];
    private bool[] _keep = [];

    private RecordChoice(Schema asked, Expression condition, JsonDecoderOptions options)
    {
        ParquetSchema columns = IcebergParquet.ToParquet(asked);
        _decoder = RecordDecoders.Create(asked, columns, options);
        _condition = new RowCondition(condition.Bind(asked), ReadSchema.Of(asked.Fields));
        _rows = new ColumnBatch(columns);
    }

    /// <summary>The choice of a pipeline; null where it takes the whole row to know.</summary>
    public static RecordChoice? Of(Schema schema, Expression condition, JsonDecoderOptions options)
    {
        HashSet<int> ids = [.. condition.Bind(schema).Fields.Select(field => field.Id)];
        List<NestedField> fields = [.. schema.Fields.Where(field => new Schema { SchemaId = 0, Fields = [field] }.AllFields().Any(one => ids.Contains(one.Id)))];
        bool asksForRest = options.Records is { UnknownFields: not UnknownFieldAction.Ignore } records && fields.Exists(field => field.Name == records.RescueColumn);
        return asksForRest || fields.Count == schema.Fields.Count || !fields.Exists(field => IcebergParquet.HasColumns(field.Type))
            ? null
            : new RecordChoice(new Schema { SchemaId = schema.SchemaId, Fields = fields }, condition, options with { Records = Only(options.Records, fields) });
    }

    /// <summary>
    /// The records that are for the table, or may be: the batch itself where all are, else one that lends its bytes, is not to be
    /// disposed of, and is good until this is asked again.
    /// </summary>
    public KafkaBatch Choose(KafkaBatch batch)
    {
        if (_chosen.Length < batch.Count)
        {
            (_chosen, _keep) = (new KafkaRecord[batch.Count], new bool[batch.Count]);
        }

        int count = 0;
        for (int first = 0; first < batch.Count;)
        {
            _rows.Clear();
            _rejected.Clear();
            int next = _decoder.Decode(batch, first, _rows, _rejected);
            var keep = _keep.AsSpan(0, _rows.RowCount);
            keep.Fill(true);
            _condition.Apply(_rows, keep);
            int row = 0, reject = 0;
            for (int record = first; record < next; record++)
            {
                bool isRejected = reject < _rejected.Count && _rejected[reject].RecordIndex == record;
                if (isRejected || keep[row])
                {
                    _chosen[count++] = batch.Records[record];
                }

                _ = isRejected ? reject++ : row++;
            }

            first = next;
        }

        return count == batch.Count ? batch : new KafkaBatch(batch.TopicPartition, batch.Range, batch.LeaderEpoch, batch.Buffer, _chosen, count);
    }

    /// <summary>Takes out of the refused records those that are not for the table. What the condition cannot be asked of stays.</summary>
    public void RemoveOthers(KafkaBatch batch, List<RejectedRecord> refused)
    {
        if (refused.Count == 0)
        {
            return;
        }

        if (_refused.Length < refused.Count)
        {
            _refused = new KafkaRecord[Math.Max(refused.Count, 64)];
        }

        for (int i = 0; i < refused.Count; i++)
        {
            _refused[i] = batch.Records[refused[i].RecordIndex];
        }

        var own = Choose(new KafkaBatch(batch.TopicPartition, batch.Range, batch.LeaderEpoch, batch.Buffer, _refused, refused.Count)).Records;
        int kept = 0;
        for (int i = 0; i < refused.Count; i++)
        {
            if (kept < own.Length && own[kept].Offset == batch.Records[refused[i].RecordIndex].Offset)
            {
                refused[kept++] = refused[i];
            }
        }

        refused.RemoveRange(kept, refused.Count - kept);
    }

    /// <summary>What is said of some of the columns.</summary>
    private static RecordOptions? Only(RecordOptions? records, List<NestedField> fields)
    {
        return records is null ? null : records with
        {
            UnknownFields = UnknownFieldAction.Ignore,
            Growth = null,
            Project = Sources(records.Project),
            Columns = Sources(records.Columns),
            OnUnfit = Rules(records.OnUnfit),
            Epoch = Rules(records.Epoch),
            NumbersInStrings = Rules(records.NumbersInStrings),
        };

        Dictionary<string, string> Sources(IReadOnlyDictionary<string, string> sources) => sources.Where(source => fields.Exists(field => field.Name == source.Key)).ToDictionary();

        Dictionary<string, T> Rules<T>(IReadOnlyDictionary<string, T> rules) => rules.Where(rule => rule.Key == RecordOptions.EveryField
            || fields.Exists(field => rule.Key.StartsWith(field.Name, StringComparison.Ordinal) && (rule.Key.Length == field.Name.Length || rule.Key[field.Name.Length] is '.' or '['))).ToDictionary();
    }
}
