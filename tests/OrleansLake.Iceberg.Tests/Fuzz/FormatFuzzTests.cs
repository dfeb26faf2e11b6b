using OrleansLake.Testing;
using OrleansLake.Testing.Iceberg;
using static OrleansLake.Iceberg.Tests.TestTables;

namespace OrleansLake.Iceberg.Tests.Fuzz;

public sealed class FormatFuzzTests
{
    private const int Rounds = 2000;

    [Fact]
    public async Task Our_own_files_however_damaged_are_read_or_refused()
    {
        var fuzz = new FormatFuzz();
        await AddOurOwnAsync(fuzz);
        await RunAsync(fuzz, 0);
    }

    [Fact]
    public async Task Files_of_others_however_damaged_are_read_or_refused()
    {
        if (SharedData.Find("iceberg-metadata") is not { } metadata || SharedData.Find("iceberg-tables") is not { } tables)
        {
            Assert.Skip("shared/data is not there");
            return;
        }

        var fuzz = new FormatFuzz();
        fuzz.AddDirectory(metadata);
        foreach (string directory in Directory.EnumerateDirectories(tables, "metadata", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            if (await LocalTable.OpenAsync(Path.GetDirectoryName(directory)!, default) is { } table)
            {
                await fuzz.AddTableAsync(table);
            }
        }

        await RunAsync(fuzz, 1_000_000);
    }

    private static async Task RunAsync(FormatFuzz fuzz, int first)
    {
        for (int number = first; number < first + Rounds; number++)
        {
            await fuzz.RunAsync(number);
        }

        // A fuzz that damages nothing, or everything beyond recognition, shows nothing.
        Assert.InRange(fuzz.Ends.Read, Rounds / 50, Rounds);
        Assert.InRange(fuzz.Ends.Refused, Rounds / 5, Rounds);
    }

    private static async Task AddOurOwnAsync(FormatFuzz fuzz)
    {
        for (int version = 2; version <= 3; version++)
        {
            foreach (string codec in (string[])["uncompressed", "gzip", "zstd"])
            {
                var (catalog, _, table) = await InMemoryAsync(Creation(version, new Dictionary<string, string> { ["write.avro.compression-codec"] = codec }));
                table = await AppendAsync(catalog, table, 1, File("memory://f1"), File("memory://f2", day: null));
                table = await AppendAsync(catalog, table, 2, File("memory://f3", day: 3));
                await fuzz.AddTableAsync(table);
                fuzz.AddCommit(
                    [new TableRequirement.AssertTableUuid(table.Metadata.TableUuid), new TableRequirement.AssertRefSnapshotId("main", 1)],
                    [new TableUpdate.AddSnapshot(table.Metadata.Snapshots[^1]), new TableUpdate.AddSchema(table.Metadata.CurrentSchema), new TableUpdate.AddPartitionSpec(table.Metadata.DefaultSpec)]);
            }
        }
    }
}
