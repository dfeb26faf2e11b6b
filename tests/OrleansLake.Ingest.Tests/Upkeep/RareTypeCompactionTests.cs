using OrleansLake.Iceberg;
using OrleansLake.Ingest.Upkeep;
using OrleansLake.Testing.Processes;
using static OrleansLake.Ingest.Tests.Read.ScanTable;

namespace OrleansLake.Ingest.Tests.Upkeep;

/// <summary>Columns of types that ingestion does not fill go through rewrites as they were. https://iceberg.apache.org/spec/#primitive-types</summary>
public sealed class RareTypeCompactionTests
{
    private static readonly byte[] Point = Convert.FromHexString("0101000000000000000000F03F0000000000000040");

    [Theory]
    [InlineData(CompactionStrategy.BinPack)]
    [InlineData(CompactionStrategy.Sort)]
    public async Task Variants_and_shapes_are_carried_through(CompactionStrategy strategy)
    {
        await using var stand = await CreateAsync(onDisk: false);
        var before = await stand.RowsAsync(null, "id", "v", "l", "g", "e", "_row_id", "_last_updated_sequence_number");
        Assert.Contains("\"v\":{\"a\":7}", before[0], StringComparison.Ordinal);
        Assert.Contains("\"g\":\"POINT (1 2)\"", before[0], StringComparison.Ordinal);
        stand.Options = stand.Options with { Strategy = strategy };
        var result = await stand.CompactAsync();
        Assert.Null(result.Error);
        // The vector goes with its file.
        Assert.Equal((4L, 1L, 1L), (result.FilesRemoved, result.FilesAdded, result.RowsRemoved));
        Assert.Equal(before, await stand.RowsAsync(null, "id", "v", "l", "g", "e", "_row_id", "_last_updated_sequence_number"));
    }

    /// <summary>Its own reader of variants and shapes sees in our file what we see.</summary>
    [Fact]
    public async Task DuckDB_reads_the_variants_and_shapes_of_a_rewritten_file()
    {
        Assert.SkipWhen(ForeignReaders.Absent is not null, ForeignReaders.Absent ?? "");
        await using var stand = await CreateAsync(onDisk: true);
        await stand.CompactAsync();
        string path = LocalObjectStore.PathOf(Assert.Single(await stand.EntriesAsync(DataFileContent.Data)).DataFile.FilePath);
        var rows = await ForeignReaders.DuckDbAsync($"SELECT id, CASE WHEN v IS NOT NULL THEN v::JSON::VARCHAR END AS v, l::JSON::VARCHAR AS l, hex(ST_AsWKB(g)) AS g FROM '{path}' ORDER BY id");
        Assert.Equal(
            [
                """{"id":"1","v":"{\"a\":7}","l":"[1,null,{\"c\":2}]","g":"0101000000000000000000F03F0000000000000040"}""",
                """{"id":"2","v":null,"l":null,"g":null}""",
                """{"id":"11","v":"{\"a\":7}","l":"[1,null,{\"c\":2}]","g":"0101000000000000000000F03F0000000000000040"}""",
                """{"id":"21","v":"{\"a\":7}","l":"[1,null,{\"c\":2}]","g":"0101000000000000000000F03F0000000000000040"}""",
                """{"id":"22","v":null,"l":null,"g":null}""",
            ],
            rows.Select(row => row!.ToJsonString(Plain)));
    }

    private static readonly System.Text.Json.JsonSerializerOptions Plain = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Three files of two rows; one row is deleted.</summary>
    private static async Task<UpkeepStand> CreateAsync(bool onDisk)
    {
        var stand = await UpkeepStand.CreateAsync(3, onDisk: onDisk, order: [new SortField([1], new Transform.Identity(), false, true)], fields:
        [
            Required(1, "id", new LongType()), Optional(2, "v", new VariantType()), Optional(3, "l", new ListType(4, new VariantType(), false)),
            Optional(5, "g", new GeometryType(null)), Optional(6, "e", new GeographyType(null, null)),
        ]);
        byte[] names = [0x01, 0, 0];
        var one = new VariantBytes(names, [3 << 2, 1]);
        VariantBytes Object(char name, sbyte value) => new([0x01, 1, 0, 1, (byte)name], [0x02, 1, 0, 0, 2, 3 << 2, (byte)value]);
        foreach (long first in new[] { 20L, 10L, 0L })
        {
            await stand.AppendAsync([[first + 1, Object('a', 7), new List<object?> { one, null, Object('c', 2) }, Point, Point], [first + 2, null, null, null, null]]);
        }

        await stand.DeletePositionsAsync(file => file.FilePath.Contains("w-00002", StringComparison.Ordinal), 1);
        stand.Time.Now += TimeSpan.FromHours(2);
        return stand;
    }
}
