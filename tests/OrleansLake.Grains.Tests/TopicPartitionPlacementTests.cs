namespace OrleansLake.Grains.Tests;

public sealed class TopicPartitionPlacementTests
{
    [Theory]
    [InlineData(1, 8)]
    [InlineData(2, 8)]
    [InlineData(3, 8)]
    [InlineData(5, 320)]
    public void Partitions_of_a_topic_are_spread_within_one(int silos, int partitions)
    {
        int[] counts = new int[silos];
        for (int partition = 0; partition < partitions; partition++)
        {
            counts[TopicPartitionPlacementDirector.IndexOf("pipeline", "topic", partition, silos)]++;
        }

        Assert.InRange(counts.Max() - counts.Min(), 0, 1);
    }

    [Fact]
    public void Topics_of_one_partition_do_not_all_go_to_one_silo()
    {
        int[] counts = new int[4];
        for (int topic = 0; topic < 200; topic++)
        {
            counts[TopicPartitionPlacementDirector.IndexOf("pipeline", $"topic-{topic}", 0, 4)]++;
        }

        Assert.All(counts, count => Assert.InRange(count, 25, 75));
    }
}
