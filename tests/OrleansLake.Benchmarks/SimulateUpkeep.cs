using System.CommandLine;
using OrleansLake.Testing.Upkeep;

namespace OrleansLake.Benchmarks;

/// <summary><c>./lake bench simulate-upkeep</c>: seeds of the simulation of the upkeep, with all rules or without one.</summary>
internal static class SimulateUpkeep
{
    public static Command Create()
    {
        var seeds = new Option<int>("--seeds") { Description = "how many", DefaultValueFactory = _ => 300 };
        var first = new Option<int>("--first") { Description = "the first one", DefaultValueFactory = _ => 0 };
        var without = new Option<string?>("--without") { Description = $"a rule to leave out: {string.Join(", ", UpkeepSimulationOptions.Names)}" };
        var trace = new Option<bool>("--trace") { Description = "print what happened in every run, not only in a failing one" };
        var goOn = new Option<bool>("--keep-going") { Description = "name every seed that fails, and what failed, instead of stopping at the first" };
        var command = new Command("simulate-upkeep", "Runs ingestion, compaction, retention, expiry, orphan removal and strangers on seeds, with crashes at every step; stops at the first seed that loses, doubles or brings back a row, or deletes a live file")
        {
            seeds, first, without, trace, goOn,
        };
        command.SetAction(result => Run(result.GetValue(first), result.GetValue(seeds), result.GetValue(without), result.GetValue(trace), result.GetValue(goOn)));
        return command;
    }

    private static int Run(int first, int seeds, string? without, bool isTraced, bool goesOn)
    {
        if (without is not null && !UpkeepSimulationOptions.Names.Contains(without))
        {
            Console.Error.WriteLine($"simulate-upkeep: no rule {without}; there are {string.Join(", ", UpkeepSimulationOptions.Names)}");
            return 2;
        }

        var events = new SortedDictionary<string, int>(StringComparer.Ordinal);
        long swaps = 0;
        int failed = 0;
        long started = System.Diagnostics.Stopwatch.GetTimestamp();
        for (int seed = first; seed < first + seeds; seed++)
        {
            UpkeepSimulationOptions options = UpkeepSimulationOptions.Without(without, seed);
            UpkeepSimulationResult result = UpkeepSimulation.Run(options with { IsTraced = isTraced });
            if (result.Violation is not null && goesOn)
            {
                Console.WriteLine($"seed {seed}: {result.Violation}");
                failed++;
                continue;
            }

            if (result.Violation is not null && !isTraced)
            {
                result = UpkeepSimulation.Run(options with { IsTraced = true });
            }

            foreach (string line in result.Trace)
            {
                Console.WriteLine(line);
            }

            if (result.Violation is not null)
            {
                Console.Error.WriteLine($"simulate-upkeep: seed {seed}: {result.Violation}");
                return 1;
            }

            swaps += result.Swaps;
            foreach ((string what, int times) in result.Events)
            {
                events[what] = events.GetValueOrDefault(what) + times;
            }
        }

        TimeSpan took = System.Diagnostics.Stopwatch.GetElapsedTime(started);
        Console.WriteLine($"{seeds} seeds from {first} on, {swaps} swaps, {took.TotalSeconds:F1} s; {(failed == 0 ? "no row lost, doubled or brought back, no live file deleted" : $"{failed} failed")}");
        Console.WriteLine(string.Join(", ", events.Select(one => $"{one.Value} × {one.Key}")));
        return failed == 0 ? 0 : 1;
    }
}
