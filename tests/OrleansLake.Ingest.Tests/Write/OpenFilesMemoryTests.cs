using OrleansLake.Iceberg;
using OrleansLake.Ingest.Tests.Upkeep;

namespace OrleansLake.Ingest.Tests.Write;

/// <summary>The memory of the whole process is looked at, so nothing else runs meanwhile.</summary>
[Collection(nameof(OrphanListingTests))]
public sealed class OpenFilesMemoryTests
{
    [Fact]
    public async Task Many_open_files_with_little_in_them_cost_little()
    {
        await using var table = await TableFixture.CreateAsync(RowWriterTests.Events, [new PartitionField(1000, "id", [1], new Transform.Identity())], inMemory: true);
        await using var writer = table.Open();
        using var batch = TableFixture.Batch([.. Enumerable.Range(0, 500).Select(i => $"{{\"id\":{i},\"user\":\"u\",\"tags\":[\"a\"]}}")]);
        long before = GC.GetTotalMemory(forceFullCollection: true);
        writer.Append(batch);
        long each = (GC.GetTotalMemory(forceFullCollection: true) - before) / 500;
        Assert.True(each < 60_000, $"{each} bytes an open file");
        Assert.InRange(writer.BufferedBytes / 500, 1, each);
        // Nothing is opened in the store for a file that has only begun.
        Assert.Empty(table.ObjectsInMemory("/data/"));
        Assert.Equal(500, (await writer.CloseAsync(default)).Files.Count);
    }
}
