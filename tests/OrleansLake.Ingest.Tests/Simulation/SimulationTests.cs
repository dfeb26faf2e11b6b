using OrleansLake.Testing.Simulation;
using Line = OrleansLake.Testing.Simulation.Simulation;

namespace OrleansLake.Ingest.Tests.Simulation;

public sealed class SimulationTests(ITestOutputHelper output)
{
    // Not more, or they take every thread of the pool from the tests beside them.
    private static readonly ParallelOptions OnEachCore = new() { MaxDegreeOfParallelism = Environment.ProcessorCount };

    private const int Seeds = 300;
    private const int Several = 2;

    [Fact]
    public void Every_record_is_in_the_table_exactly_once_whatever_happens()
    {
        var faults = new SortedDictionary<string, int>(StringComparer.Ordinal);
        var results = new SimulationResult[Seeds];
        Parallel.For(0, Seeds, OnEachCore, seed => results[seed] = Line.Run(SimulatedRules.Without(null, seed)));
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

    /// <summary>
    /// What each rule is for, shown by leaving it out. Where it takes a deed of an operator, the seeds are those that have it.
    /// </summary>
    [Theory]
    [Trait("Category", "Endurance")]
    [InlineData("IdsBeforeRanges")]
    [InlineData("RangesStartAtCommitted")]
    [InlineData("HistoryIsListed")]
    [InlineData("FieldsAreThere")]
    [InlineData("FailedSwapsAreLookedUp")]
    [InlineData("SwapsAssertRefs")]
    [InlineData("OffsetsFromLineage")]
    [InlineData("DeadLettersFirst")]
    [InlineData("DeadLettersOnce")]
    [InlineData("DeadLettersClaimed", nameof(OperatorDeed.RaceSchemas))]
    [InlineData("NoFileBefore")]
    [InlineData("SameTable", nameof(OperatorDeed.RecreateTable))]
    [InlineData("PropertyMustBeReached", nameof(OperatorDeed.ReplaceTable))]
    [InlineData("CherryPicksStop", nameof(OperatorDeed.CherryPick))]
    [InlineData("SameTopic", nameof(OperatorDeed.RecreateTopic))]
    [InlineData("GenerationsApart", nameof(OperatorDeed.RemakePipeline))]
    [InlineData("SameReportAgain")]
    [InlineData("ResumeFromTable")]
    [InlineData("KeepReportedFiles")]
    [InlineData("DeadLettersApart", nameof(OperatorDeed.RecreateTopic))]
    public void Without_any_one_rule_several_seeds_fail(string rule, string? deed = null)
    {
        List<SimulationResult> failures = [.. Enumerable.Range(0, 20 * Seeds)
            .Where(seed => deed is null || Operators.DeedOf(seed).ToString() == deed).Take(Seeds)
            .Select(seed => Line.Run(SimulatedRules.Without(rule, seed)))
            .Where(static result => result.Violation is not null).Take(Several)];
        foreach (SimulationResult failure in failures)
        {
            output.WriteLine($"without {rule}, seed {failure.Seed}: {failure.Violation}");
        }

        Assert.True(failures.Count == Several, $"without {rule} only {failures.Count} of {Seeds} seeds fail");
    }

    [Fact]
    public void Every_rule_is_left_out_once() =>
        Assert.Equal(
            SimulatedRules.Names.Order(StringComparer.Ordinal),
            typeof(SimulationTests).GetMethod(nameof(Without_any_one_rule_several_seeds_fail))!.GetCustomAttributes(typeof(InlineDataAttribute), false)
                .Select(static data => (string)((InlineDataAttribute)data).Data[0]!).Order(StringComparer.Ordinal));

    /// <summary>Side by side and in another order: nothing that a run does may depend on what runs beside it.</summary>
    [Fact]
    public void One_seed_is_one_run()
    {
        int[] seeds = [3, 4, 11, 12, 13, 14];
        var first = new SimulationResult[20];
        var second = new SimulationResult[20];
        Parallel.ForEach(seeds, OnEachCore, seed => first[seed] = Line.Run(new SimulationOptions { Seed = seed, IsTraced = true }));
        Parallel.ForEach(seeds.Reverse(), OnEachCore, seed => second[seed] = Line.Run(new SimulationOptions { Seed = seed, IsTraced = true }));
        foreach (int seed in seeds)
        {
            Assert.Equal(first[seed].Trace, second[seed].Trace);
            Assert.Equal((first[seed].Steps, first[seed].Commits, first[seed].Violation), (second[seed].Steps, second[seed].Commits, second[seed].Violation));
            Assert.Equal(first[seed].Faults, second[seed].Faults);
        }
    }
}
