using OrleansLake.Ingest.Kafka;

namespace OrleansLake.Ingest.Decode;

/// <summary>A column of the table that does not come from the record's value.</summary>
internal abstract class FilledColumn(JsonNode node, string name)
{
    /// <summary>What the table calls it.</summary>
    public string Name { get; } = name;

    /// <summary>Its leaves and levels.</summary>
    protected JsonNode Node { get; } = node;

    /// <summary>Whether a record may be refused for its sake.</summary>
    public virtual bool MayRefuse => false;

    /// <summary>Why a record has nothing for the column; null: it has.</summary>
    public virtual (RejectReason Reason, string Message)? Refusal(KafkaBatch batch, in KafkaRecord record) => null;

    /// <summary>Adds one row for each of the records.</summary>
    public abstract void Fill(KafkaBatch batch, ReadOnlySpan<int> records, int firstRow);

    /// <summary>A row without a value.</summary>
    protected void AddNull(int row) => Node.AddAbsent(Node.NullDefinition, 0, row);
}

/// <summary>
/// The columns that do not come from the records' values, filled for the records that became rows, a column at a time.
/// </summary>
internal sealed class FilledColumns(IReadOnlyList<FilledColumn> columns)
{
    private readonly FilledColumn[] _columns = [.. columns];
    private readonly FilledColumn[] _refusing = [.. columns.Where(column => column.MayRefuse)];
    private int[] _records = [];

    /// <summary>The first of the records that one of the columns refuses; <paramref name="endRecord"/> where none does.</summary>
    public int FirstRefused(KafkaBatch batch, int firstRecord, int endRecord, out RejectedRecord refusal)
    {
        refusal = default;
        if (_refusing.Length == 0)
        {
            return endRecord;
        }

        var records = batch.Records;
        for (int record = firstRecord; record < endRecord; record++)
        {
            foreach (var column in _refusing)
            {
                if (column.Refusal(batch, records[record]) is var (reason, message))
                {
                    refusal = new RejectedRecord(record, reason, column.Name, message);
                    return record;
                }
            }
        }

        return endRecord;
    }

    /// <summary>Fills rows for the records of a range but those that were rejected, whose entries begin at <paramref name="firstRejected"/>.</summary>
    public void Fill(KafkaBatch batch, int firstRecord, int endRecord, List<RejectedRecord> rejected, int firstRejected, int firstRow)
    {
        if (_records.Length < endRecord - firstRecord)
        {
            _records = new int[endRecord - firstRecord];
        }

        int count = 0;
        for (int record = firstRecord; record < endRecord; record++)
        {
            if (firstRejected < rejected.Count && rejected[firstRejected].RecordIndex == record)
            {
                firstRejected++;
            }
            else
            {
                _records[count++] = record;
            }
        }

        foreach (var column in _columns)
        {
            column.Fill(batch, _records.AsSpan(0, count), firstRow);
        }
    }
}
