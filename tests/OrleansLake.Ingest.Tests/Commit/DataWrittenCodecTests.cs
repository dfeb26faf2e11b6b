using OrleansLake.Iceberg;
using OrleansLake.Ingest.Commit;
using static OrleansLake.Ingest.Tests.Commit.Reports;

namespace OrleansLake.Ingest.Tests.Commit;

public sealed class DataWrittenCodecTests
{
    private static readonly DataWritten Full = Report(
        Range(Events3, 5, 20, rejected: 3, gap: 1) with { LeaderEpoch = 7, OldestTimestampMs = -12, DeadLetters = 2, DeadLettersNext = 9, DeadLettersRows = 44, ContinuesTable = true },
        Range(new("другие", 0), 0, 0)) with
    {
        ClusterId = "cluster",
        TopicIds = new Dictionary<string, string> { ["events"] = "id-1", ["другие"] = "id-2" },
        Branch = "audit",
        SchemaId = 4,
        FieldIds = [1, 2, 400],
        LastSequenceNumber = long.MaxValue,
        FirstSentMs = 1_800_000_000_000,
        Files =
        [
            new DataFile
            {
                Content = DataFileContent.PositionDeletes,
                FilePath = "s3://b/ä.parquet",
                FileFormat = "puffin",
                SpecId = 3,
                Partition = new PartitionKey([null, true, -5, long.MinValue, 1.5f, double.NaN, new Decimal128(Int128.MinValue, 9), "text", Guid.Parse("00112233-4455-6677-8899-aabbccddeeff"), new byte[] { 1, 2 }]),
                RecordCount = 11,
                FileSizeBytes = 1L << 40,
                ColumnSizes = new Dictionary<int, long> { [1] = 2 },
                ValueCounts = new Dictionary<int, long> { [1] = 3 },
                NullValueCounts = new Dictionary<int, long> { [1] = 4 },
                NanValueCounts = new Dictionary<int, long>(),
                LowerBounds = new Dictionary<int, byte[]> { [1] = [], [2] = [9] },
                UpperBounds = new Dictionary<int, byte[]> { [1] = [8, 7] },
                KeyMetadata = [5],
                SplitOffsets = [4, 1L << 33],
                EqualityIds = [1],
                SortOrderId = 2,
                FirstRowId = 77,
                ReferencedDataFile = "other",
                ContentPosition = 12,
                ContentSizeBytes = 13,
            },
            File(1),
        ],
    };

    [Fact]
    public void A_report_with_everything_reads_back()
    {
        DataWritten back = DataWrittenCodec.Read(DataWrittenCodec.Write(Full));

        Assert.Equivalent(Full, back, strict: true);
        Assert.Equal(Full.Files[0].Partition, back.Files[0].Partition);
        Assert.Equal(DataWrittenCodec.Write(Full), DataWrittenCodec.Write(back));
    }

    [Fact]
    public void Every_field_of_a_report_and_its_files_is_written()
    {
        // A property that is added to these types and forgotten here would silently be lost on the way.
        Assert.Equal((15, 11, 21), (Fields(typeof(DataWritten)), Fields(typeof(WrittenRange)), Fields(typeof(DataFile))));

        static int Fields(Type type) => type.GetProperties().Count(static property => property.CanWrite);
    }

    [Fact]
    public void Damaged_bytes_are_an_error_and_nothing_else()
    {
        byte[] whole = DataWrittenCodec.Write(Full);
        for (int length = 0; length < whole.Length; length++)
        {
            Assert.Throws<FormatException>(() => DataWrittenCodec.Read(whole[..length]));
        }

        Assert.Throws<FormatException>(() => DataWrittenCodec.Read([.. whole, 0]));
        whole[0] = 99;
        Assert.Contains("version 1, got 99", Assert.Throws<FormatException>(() => DataWrittenCodec.Read(whole)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Bytes_that_were_changed_on_the_way_never_break_out_of_the_reader()
    {
        byte[] whole = DataWrittenCodec.Write(Full);
        var random = new Random(5);
        for (int n = 0; n < 2000; n++)
        {
            byte[] damaged = [.. whole];
            damaged[random.Next(damaged.Length)] ^= (byte)random.Next(1, 256);
            try
            {
                DataWrittenCodec.Read(damaged);
            }
            catch (FormatException)
            {
                // One of the two right endings.
            }
        }
    }
}
