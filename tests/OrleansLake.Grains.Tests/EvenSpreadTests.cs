namespace OrleansLake.Grains.Tests;

public sealed class EvenSpreadTests
{
    [Theory]
    [InlineData(1, 8)]
    [InlineData(2, 8)]
    [InlineData(3, 8)]
    [InlineData(5, 322)]
    [InlineData(7, 3)]
    public void Topic_partitions_are_spread_within_one(int silos, int partitions) =>
        AssertEven(EvenSpread.Plan(Items(partitions), Nowhere, Silos(silos), 7), Silos(silos));

    [Fact]
    public void What_is_even_stays_as_it_is()
    {
        Dictionary<int, string> first = EvenSpread.Plan(Items(9), Nowhere, Silos(4), 3);
        Assert.Equal(first, EvenSpread.Plan(Items(9), first, Silos(4), 3));
        Assert.Equal(first, EvenSpread.Plan(Items(9), first, [.. Silos(4).Reverse()], 1));
    }

    [Fact]
    public void A_new_silo_gets_its_share_and_nothing_else_moves()
    {
        Dictionary<int, string> before = EvenSpread.Plan(Items(12), Nowhere, Silos(3), 0);
        Dictionary<int, string> after = EvenSpread.Plan(Items(12), before, Silos(4), 0);
        AssertEven(after, Silos(4));
        Assert.All(after.Where(entry => before[entry.Key] != entry.Value), entry => Assert.Equal(Silos(4)[3], entry.Value));
    }

    [Fact]
    public void What_a_dead_silo_had_goes_to_the_others_and_nothing_else_moves()
    {
        Dictionary<int, string> before = EvenSpread.Plan(Items(12), Nowhere, Silos(4), 0);
        string[] left = [.. Silos(4).Skip(1)];
        Dictionary<int, string> after = EvenSpread.Plan(Items(12), before, left, 0);
        AssertEven(after, left);
        Assert.All(after.Where(entry => before[entry.Key] != entry.Value), entry => Assert.Equal(Silos(4)[0], before[entry.Key]));
    }

    [Fact]
    public void Pipelines_of_one_topic_partition_do_not_all_go_to_one_silo()
    {
        int[] counts = new int[4];
        for (int pipeline = 0; pipeline < 200; pipeline++)
        {
            string home = EvenSpread.Plan([0], Nowhere, Silos(4), TopicPartitionPlacementDirector.StartOf($"pipeline-{pipeline}"))[0];
            counts[Array.IndexOf(Silos(4), home)]++;
        }

        Assert.All(counts, count => Assert.InRange(count, 25, 75));
    }

    private static readonly Dictionary<int, string> Nowhere = [];

    private static int[] Items(int count) => [.. Enumerable.Range(0, count)];

    private static string[] Silos(int count) => [.. Enumerable.Range(0, count).Select(silo => $"silo {silo}")];

    private static void AssertEven(Dictionary<int, string> plan, string[] silos)
    {
        int[] counts = [.. silos.Select(silo => plan.Values.Count(home => home == silo))];
        Assert.Equal(plan.Count, counts.Sum());
        Assert.InRange(counts.Max() - counts.Min(), 0, 1);
    }
}
