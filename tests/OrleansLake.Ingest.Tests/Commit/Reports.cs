using OrleansLake.Iceberg;
using OrleansLake.Ingest.Commit;

namespace OrleansLake.Ingest.Tests.Commit;

/// <summary>Reports and tables, as small as a test can want them.</summary>
internal static class Reports
{
    public static readonly Guid Table = Guid.Parse("0194f000-0000-7000-8000-000000000001");

    public static readonly TopicPartition Events3 = new("events", 3);

    public static readonly Schema Schema = new() { SchemaId = 0, Fields = [new NestedField(1, "id", false, new LongType())] };

    public static TableMetadata Metadata(params Snapshot[] snapshots) => new()
    {
        FormatVersion = 2,
        TableUuid = Table,
        Location = "/w/db/events",
        LastUpdatedMs = 1,
        LastColumnId = 1,
        Schemas = [Schema],
        CurrentSchemaId = 0,
        PartitionSpecs = [new PartitionSpec { SpecId = 0, Fields = [] }],
        DefaultSpecId = 0,
        LastPartitionId = 999,
        SortOrders = [new SortOrder { OrderId = 0, Fields = [] }],
        DefaultSortOrderId = 0,
        LastSequenceNumber = snapshots.Select(snapshot => snapshot.SequenceNumber).DefaultIfEmpty().Max(),
        Snapshots = snapshots,
    };

    public static DataFile File(long rows, string? path = null) => new()
    {
        FilePath = path ?? $"/w/db/events/data/{Guid.CreateVersion7()}.parquet",
        SpecId = 0,
        Partition = PartitionKey.None,
        RecordCount = rows,
        FileSizeBytes = 100 + rows,
    };

    public static WrittenRange Range(TopicPartition topicPartition, long first, long next, long rejected = 0, long gap = 0) => new()
    {
        TopicPartition = topicPartition,
        Range = new OffsetRange(first, next),
        Rows = next - first - rejected - gap,
        Rejected = rejected,
        Gap = gap,
    };

    public static DataWritten Report(params WrittenRange[] ranges) => new()
    {
        ReportId = Guid.CreateVersion7(),
        WriterId = "silo-a",
        Pipeline = "p",
        Generation = "g1",
        TableUuid = Table,
        SchemaId = 0,
        FieldIds = [1],
        LastSequenceNumber = 0,
        FirstSentMs = 0,
        Files = ranges.Sum(range => range.Rows) is > 0 and var rows ? [File(rows)] : [],
        DeadLetterFiles = ranges.Sum(range => range.DeadLetters ?? range.Rejected) is > 0 and var letters ? [File(letters)] : [],
        Ranges = ranges,
    };

    public static DataWritten Report(long first, long next, long rejected = 0, long gap = 0) => Report(Range(Events3, first, next, rejected, gap));

    public static CommittedOffsets At(long next) => next == 0 ? CommittedOffsets.Empty : CommittedOffsets.Empty.Advance(Report(0, next));
}
