namespace OrleansLake.Grains.Tests.Maintenance;

/// <summary>Where the jobs of a compaction go.</summary>
public sealed class CompactionJobPlacementTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public void Jobs_of_a_run_go_from_silo_to_silo(int silos)
    {
        int first = CompactionJobPlacementDirector.IndexOf("local/db.events/0f/0", silos);
        Assert.Equal(Enumerable.Range(0, 12).Select(number => (first + number) % silos), Enumerable.Range(0, 12).Select(number => CompactionJobPlacementDirector.IndexOf($"local/db.events/0f/{number}", silos)));
    }

    [Fact]
    public void Runs_begin_on_different_silos() =>
        Assert.Equal(4, Enumerable.Range(0, 100).Select(run => CompactionJobPlacementDirector.IndexOf($"local/db.events/{run:x}/0", 4)).Distinct().Count());
}
