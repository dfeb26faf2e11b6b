using OrleansLake.Ingest.Kafka;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Decode;

/// <summary>Turns the values of Kafka records into rows of one schema. Used by one thread at a time.</summary>
internal interface IRecordDecoder
{
    /// <summary>
    /// Decodes records from <paramref name="firstRecord"/> on until the batch ends or <paramref name="rows"/> is as full as
    /// is good for the caches. Each record becomes one row or one entry of <paramref name="rejected"/>, and leaves no trace
    /// in the columns in the latter case. Returns the index of the next record.
    /// </summary>
    int Decode(KafkaBatch batch, int firstRecord, ColumnBatch rows, List<RejectedRecord> rejected);

    /// <summary>How often fields that the schema does not have were seen in accepted records since this was last asked, by path.</summary>
    IReadOnlyList<KeyValuePair<string, long>> TakeUnknownFields();

    /// <summary>How often values that did not fit became null in accepted records since this was last asked, by path.</summary>
    IReadOnlyList<KeyValuePair<string, long>> TakeNulledFields();

    /// <summary>How often values became their text in accepted records since this was last asked, by path.</summary>
    IReadOnlyList<KeyValuePair<string, long>> TakeTextFields();
}
