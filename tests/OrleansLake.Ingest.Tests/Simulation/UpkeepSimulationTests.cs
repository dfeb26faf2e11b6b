using OrleansLake.Testing.Upkeep;

namespace OrleansLake.Ingest.Tests.Simulation;

public sealed class UpkeepSimulationTests(ITestOutputHelper output)
{
    // Not more, or they take every thread of the pool from the tests beside them.
    private static readonly ParallelOptions OnEachCore = new() { MaxDegreeOfParallelism = Environment.ProcessorCount };

    private const int SeedsOfRule = 40;

    [Theory]
    [InlineData(0, 24)]
    [InlineData(24, 276, Traits = ["Category", "Endurance"])]
    public void No_row_is_lost_doubled_or_brought_back_and_no_live_file_deleted_whatever_happens(int first, int seeds)
    {
        var events = new SortedDictionary<string, int>(StringComparer.Ordinal);
        var results = new UpkeepSimulationResult[seeds];
        Parallel.For(0, seeds, OnEachCore, i => results[i] = UpkeepSimulation.Run(UpkeepSimulationOptions.Without(null, first + i)));
        foreach (UpkeepSimulationResult result in results)
        {
            if (result.Violation is not null)
            {
                UpkeepSimulationResult traced = UpkeepSimulation.Run(UpkeepSimulationOptions.Without(null, result.Seed) with { IsTraced = true });
                Assert.Fail($"seed {result.Seed}: {result.Violation}; ./lake bench simulate-upkeep --first {result.Seed} --seeds 1\n{string.Join('\n', traced.Trace.TakeLast(200))}");
            }

            foreach ((string what, int times) in result.Events)
            {
                events[what] = events.GetValueOrDefault(what) + times;
            }
        }

        output.WriteLine($"{seeds} seeds, {results.Sum(result => result.Swaps)} swaps; {string.Join(", ", events.Select(one => $"{one.Key} {one.Value}"))}");
        string[] deeds = ["ingest", "compaction", "expiry", "orphans", "retention", "manifests", "stranger appends", "stranger deletes keys", "stranger deletes positions", "stranger optimizes", "stranger adds a column", "stranger tags"];
        Assert.All(deeds, deed => Assert.True(events.GetValueOrDefault($"swap: {deed}") >= seeds / 10, $"{deed}: {events.GetValueOrDefault($"swap: {deed}")}"));
        Assert.True(events["died"] > seeds);
    }

    /// <summary>What each rule is for, shown by leaving it out: a seed that failed once is tried first, then all of them.</summary>
    [Theory]
    [Trait("Category", "Endurance")]
    [InlineData("FenceBeforeOrphans", 2)]
    [InlineData("OnlyOldOrphans", 0)]
    [InlineData("NewestOffsetsStay", 27)]
    [InlineData("BasesOfRewritesStay", 9)]
    [InlineData("NoFileBefore", 2)]
    [InlineData("RewritesAreChecked", 0)]
    public void Without_any_one_rule_a_seed_fails(string rule, int first)
    {
        UpkeepSimulationResult? failure = Enumerable.Range(0, SeedsOfRule).Prepend(first).Select(seed => UpkeepSimulation.Run(UpkeepSimulationOptions.Without(rule, seed))).FirstOrDefault(result => result.Violation is not null);
        Assert.True(failure is not null, $"without {rule} none of {SeedsOfRule} seeds fails");
        output.WriteLine($"without {rule}, seed {failure.Seed}: {failure.Violation}");
    }

    [Fact]
    public void Every_rule_is_left_out_once() =>
        Assert.Equal(
            UpkeepSimulationOptions.Names.Order(StringComparer.Ordinal),
            typeof(UpkeepSimulationTests).GetMethod(nameof(Without_any_one_rule_a_seed_fails))!.GetCustomAttributes(typeof(InlineDataAttribute), false)
                .Select(static data => (string)((InlineDataAttribute)data).Data[0]!).Order(StringComparer.Ordinal));

    /// <summary>Side by side and in another order: nothing that a run does may depend on what runs beside it.</summary>
    [Fact]
    public void One_seed_is_one_run()
    {
        int[] seeds = [2, 5, 6, 11];
        var first = new UpkeepSimulationResult[12];
        var second = new UpkeepSimulationResult[12];
        Parallel.ForEach(seeds, OnEachCore, seed => first[seed] = UpkeepSimulation.Run(new UpkeepSimulationOptions { Seed = seed, IsTraced = true }));
        Parallel.ForEach(seeds.Reverse(), OnEachCore, seed => second[seed] = UpkeepSimulation.Run(new UpkeepSimulationOptions { Seed = seed, IsTraced = true }));
        foreach (int seed in seeds)
        {
            Assert.Equal(first[seed].Trace, second[seed].Trace);
            Assert.Equal((first[seed].Steps, first[seed].Swaps, first[seed].Violation), (second[seed].Steps, second[seed].Swaps, second[seed].Violation));
        }
    }
}
