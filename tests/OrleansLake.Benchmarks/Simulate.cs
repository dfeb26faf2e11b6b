using System.CommandLine;
using OrleansLake.Testing.Simulation;

namespace OrleansLake.Benchmarks;

/// <summary><c>./lake bench simulate</c>: seeds of the simulation of the whole line, with all rules or without one.</summary>
internal static class Simulate
{
    public static Command Create()
    {
        var seeds = new Option<int>("--seeds") { Description = "how many", DefaultValueFactory = _ => 300 };
        var first = new Option<int>("--first") { Description = "the first one", DefaultValueFactory = _ => 0 };
        var without = new Option<string?>("--without") { Description = $"a rule to leave out: {string.Join(", ", SimulatedRules.Names)}" };
        var trace = new Option<bool>("--trace") { Description = "print what happened in every run, not only in a failing one" };
        var goOn = new Option<bool>("--keep-going") { Description = "name every seed that fails, and what failed, instead of stopping at the first" };
        var command = new Command("simulate", "Runs the whole line on seeds: crashes, lost and late messages, strangers; stops at the first seed that loses, doubles or delays a record")
        {
            seeds, first, without, trace, goOn,
        };
        command.SetAction(result => Run(result.GetValue(first), result.GetValue(seeds), result.GetValue(without), result.GetValue(trace), result.GetValue(goOn)));
        return command;
    }

    private static int Run(int first, int seeds, string? without, bool isTraced, bool goesOn)
    {
        if (without is not null && !SimulatedRules.Names.Contains(without))
        {
            Console.Error.WriteLine($"simulate: no rule {without}; there are {string.Join(", ", SimulatedRules.Names)}");
            return 2;
        }

        var faults = new SortedDictionary<string, int>(StringComparer.Ordinal);
        long commits = 0;
        int failed = 0;
        long started = System.Diagnostics.Stopwatch.GetTimestamp();
        for (int seed = first; seed < first + seeds; seed++)
        {
            SimulationOptions options = SimulatedRules.Without(without, seed);
            SimulationResult result = Simulation.Run(options with { IsTraced = isTraced });
            if (result.Violation is not null && goesOn)
            {
                Console.WriteLine($"seed {seed}: {result.Violation}");
                failed++;
                continue;
            }

            if (result.Violation is not null && !isTraced)
            {
                result = Simulation.Run(options with { IsTraced = true });
            }

            foreach (string line in result.Trace)
            {
                Console.WriteLine(line);
            }

            if (result.Violation is not null)
            {
                Console.Error.WriteLine($"simulate: seed {seed}: {result.Violation}");
                return 1;
            }

            commits += result.Commits;
            foreach ((string fault, int times) in result.Faults)
            {
                faults[fault] = faults.GetValueOrDefault(fault) + times;
            }
        }

        TimeSpan took = System.Diagnostics.Stopwatch.GetElapsedTime(started);
        Console.WriteLine($"{seeds} seeds from {first} on, {commits} snapshots, {took.TotalSeconds:F1} s; {(failed == 0 ? "every record exactly once" : $"{failed} failed")}");
        Console.WriteLine(string.Join(", ", faults.Select(fault => $"{fault.Value} × {fault.Key}")));
        return failed == 0 ? 0 : 1;
    }
}
