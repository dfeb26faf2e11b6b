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

    /// <summary>What each rule is for, shown by leaving it out; most show it within the first twenty seeds.</summary>
    [Theory]
    [InlineData("IdsBeforeRanges")]
    [InlineData("RangesStartAtCommitted")]
    [InlineData("HistoryIsListed")]
    [InlineData("FieldsAreThere")]
    [InlineData("FailedSwapsAreLookedUp")]
    [InlineData("SwapsAssertRefs")]
    [InlineData("OffsetsFromLineage")]
    [InlineData("DeadLettersFirst")]
    [InlineData("DeadLettersOnce")]
    [InlineData("NoFileBefore")]
    [InlineData("SameTable")]
    [InlineData("PropertyMustBeReached")]
    [InlineData("CherryPicksStop")]
    [InlineData("SameTopic")]
    [InlineData("GenerationsApart")]
    [InlineData("SameReportAgain")]
    [InlineData("ResumeFromTable")]
    [InlineData("KeepReportedFiles")]
    [InlineData("DeadLettersApart")]
    public void Without_any_one_rule_some_seed_fails(string rule)
    {
        SimulationResult? failure = Line.FirstFailure(Enumerable.Range(0, Seeds), seed => SimulatedRules.Without(rule, seed));
        Assert.True(failure is not null, $"without {rule} no seed below {Seeds} fails");
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
