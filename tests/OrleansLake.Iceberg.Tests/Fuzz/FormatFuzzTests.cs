using OrleansLake.Testing;
using OrleansLake.Testing.Iceberg;

namespace OrleansLake.Iceberg.Tests.Fuzz;

public sealed class FormatFuzzTests
{
    private const int Rounds = 2000;

    [Fact]
    public async Task Our_own_files_however_damaged_are_read_or_refused()
    {
        var fuzz = new FormatFuzz();
        await fuzz.AddOurOwnAsync();
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
        await fuzz.AddOthersAsync(metadata, tables);
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
}
