using OrleansLake.Testing.Simulation;
using Line = OrleansLake.Testing.Simulation.Simulation;

namespace OrleansLake.Ingest.Tests.Simulation;

public sealed class SimulationTests(ITestOutputHelper output)
{
    private const int Seeds = 300;

    [Fact]
    public void Every_record_is_in_the_table_exactly_once_whatever_happens()
    {
        var faults = new SortedDictionary<string, int>(StringComparer.Ordinal);
        var results = new SimulationResult[Seeds];
        Parallel.For(0, Seeds, seed => results[seed] = Line.Run(SimulatedRules.Without(null, seed)));
        foreach (SimulationResult result in results)
        {
            if (result.Violation is not null)
            {
                SimulationResult traced = Line.Run(SimulatedRules.Without(null, result.Seed) with { IsTraced = true });
                Assert.Fail($"seed {result.Seed}: {result.Violation}; ./lake bench simulate --first {result.Seed} --seeds 1\n{string.Join('\n', traced.Trace.TakeLast(200))}");
            }

            foreach ((string fault, int times) in result.Faults)
            {
                faults[fault] = faults.GetValueOrDefault(fault) + times;
            }
        }

        output.WriteLine($"{Seeds} seeds, {results.Sum(result => result.Commits)} snapshots; {string.Join(", ", faults.Select(fault => $"{fault.Key} {fault.Value}"))}");
        Assert.True(faults.Count > 25, "a run in which nothing goes wrong shows little");
        Assert.True(results.Sum(result => result.Commits) > Seeds * 5);
    }

    /// <summary>The first seed that fails without a rule is below the number beside it, with room for other dice.</summary>
    [Theory]
    [InlineData("IdsBeforeRanges", 20)]
    [InlineData("RangesStartAtCommitted", 20)]
    [InlineData("HistoryIsListed", 60)]
    [InlineData("FieldsAreThere", 20)]
    [InlineData("FailedSwapsAreLookedUp", 20)]
    [InlineData("SwapsAssertRefs", 100)]
    [InlineData("OffsetsFromLineage", 20)]
    [InlineData("DeadLettersFirst", 40)]
    [InlineData("DeadLettersOnce", 40)]
    [InlineData("NoFileBefore", 60)]
    [InlineData("SameReportAgain", 100)]
    [InlineData("ResumeFromTable", 60)]
    [InlineData("KeepReportedFiles", 60)]
    public void Without_any_one_rule_some_seed_fails(string rule, int below)
    {
        SimulationResult? failure = Line.FirstFailure(Enumerable.Range(0, below), seed => SimulatedRules.Without(rule, seed));
        Assert.True(failure is not null, $"without {rule} no seed below {below} fails");
        output.WriteLine($"without {rule}, seed {failure.Seed}: {failure.Violation}");
    }

    [Fact]
    public void One_seed_is_one_run()
    {
        SimulationResult first = Line.Run(new SimulationOptions { Seed = 4, IsTraced = true });
        SimulationResult second = Line.Run(new SimulationOptions { Seed = 4, IsTraced = true });
        Assert.Equal(first.Trace, second.Trace);
        Assert.Equal(first.Steps, second.Steps);
    }
}
