using OrleansLake.Testing.Simulation;

namespace OrleansLake.Ingest.Tests.Simulation;

public sealed class SimulationTests(ITestOutputHelper output)
{
    private const int Seeds = 300;

    [Fact]
    public void Every_record_is_in_the_table_exactly_once_whatever_happens()
    {
        var faults = new SortedDictionary<string, int>(StringComparer.Ordinal);
        long commits = 0;
        for (int seed = 0; seed < Seeds; seed++)
        {
            SimulationResult result = Testing.Simulation.Simulation.Run(new SimulationOptions { Seed = seed });
            if (result.Violation is not null)
            {
                SimulationResult traced = Testing.Simulation.Simulation.Run(new SimulationOptions { Seed = seed, IsTraced = true });
                Assert.Fail($"seed {seed}: {result.Violation}\n{string.Join('\n', traced.Trace.TakeLast(200))}");
            }

            commits += result.Commits;
            foreach ((string fault, int times) in result.Faults)
            {
                faults[fault] = faults.GetValueOrDefault(fault) + times;
            }
        }

        output.WriteLine($"{Seeds} seeds, {commits} commits; {string.Join(", ", faults.Select(fault => $"{fault.Key} {fault.Value}"))}");
    }

    [Fact]
    public void One_seed_is_one_run()
    {
        SimulationResult first = Testing.Simulation.Simulation.Run(new SimulationOptions { Seed = 4, IsTraced = true });
        SimulationResult second = Testing.Simulation.Simulation.Run(new SimulationOptions { Seed = 4, IsTraced = true });
        Assert.Equal(first.Trace, second.Trace);
        Assert.Equal(first.Steps, second.Steps);
    }
}
