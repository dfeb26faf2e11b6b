using OrleansLake.Iceberg;
using OrleansLake.Ingest.Upkeep;
using OrleansLake.Testing.Commit;
using static OrleansLake.Ingest.Tests.Upkeep.UpkeepStand;

namespace OrleansLake.Ingest.Tests.Upkeep;

/// <summary>Manifests are put in order where planning profits, and statistics are written where they are asked for.</summary>
public sealed class ManifestUpkeepTests
{
    [Fact]
    public async Task Manifests_of_many_partitions_become_few_and_a_scan_of_one_partition_opens_fewer()
    {
        await using var stand = await UpkeepStand.CreateAsync(partitions: ByDay, properties: new Dictionary<string, string> { ["commit.manifest-merge.enabled"] = "false", ["commit.manifest.target-size-bytes"] = "12000" });
        for (int i = 0; i < 12; i++)
        {
            await stand.AppendAsync(Enumerable.Range(0, 4).SelectMany(day => Numbered((i * 40) + (day * 10), 10, day * 24)));
        }

        var before = await stand.RowsAsync();
        const string where = "ts < '2025-05-02T00:00:00Z'";
        Assert.Equal(12, (await QueryCost.OfAsync(stand.Table, where, default)).Manifests);
        var options = new ManifestOptions { MinCount = 13 };
        var plan = await ManifestUpkeep.PlanAsync(stand.Table, options, default);
        Assert.True(plan.IsEmpty);
        Assert.Contains("12 manifests", plan.Lines().Last(), StringComparison.Ordinal);
        options = options with { MinCount = 5 };
        plan = await ManifestUpkeep.PlanAsync(stand.Table, options, default);
        var upkeep = new ManifestUpkeep(stand.Catalog, new DirectUpkeepCommitter(stand.Catalog, stand.Ids, stand.Time), stand.Ids, stand.Time);
        // Someone appends meanwhile: what came stays as it is.
        stand.BeforeNextSwap(() => stand.AppendAsync(Numbered(1000, 10, 24 * 9)));
        var result = await upkeep.ExecuteAsync(plan, default);
        Assert.Null(result.Error);
        Assert.Equal((1, 12L), (result.StepsDone, result.FilesRemoved));
        Assert.InRange(result.FilesAdded, 2, 6);
        Assert.Equal(before.Count + 10, (await stand.RowsAsync()).Count);
        Assert.InRange((await QueryCost.OfAsync(stand.Table, where, default)).Manifests, 1, 2);
        Assert.True((await ManifestUpkeep.PlanAsync(stand.Table, options, default)).IsEmpty);
    }

    [Fact]
    public async Task A_swap_that_fails_is_told_and_changes_nothing()
    {
        await using var stand = await UpkeepStand.CreateAsync(properties: new Dictionary<string, string> { ["commit.manifest-merge.enabled"] = "false" });
        for (int i = 0; i < 4; i++)
        {
            await stand.AppendAsync(Numbered(i * 10, 10));
        }

        var upkeep = new ManifestUpkeep(stand.Catalog, new DirectUpkeepCommitter(stand.Catalog, stand.Ids, stand.Time), stand.Ids, stand.Time);
        stand.Catalog.Swaps.Enqueue(SwapFault.FailBefore);
        var result = await upkeep.ExecuteAsync(await ManifestUpkeep.PlanAsync(stand.Table, new ManifestOptions { MinCount = 2 }, default), default);
        Assert.Contains("nobody knows", result.Error, StringComparison.Ordinal);
        Assert.Equal(1, result.StepsLeft);
        Assert.Equal(40, (await stand.RowsAsync()).Count);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Distinct_values_are_counted_and_gone_on_with_behind_appends(int version)
    {
        await using var stand = await UpkeepStand.CreateAsync(version);
        await stand.AppendAsync(Enumerable.Range(0, 20_000).Select(i => Row(i, i % 100, $"n{i % 50}")));
        var options = new StatisticsOptions { Columns = ["id", "name", "ts"] };
        var upkeep = new StatisticsUpkeep(stand.Catalog, new DirectUpkeepCommitter(stand.Catalog, stand.Ids, stand.Time), stand.Ids, stand.Time);
        var result = await upkeep.ExecuteAsync(StatisticsUpkeep.Plan(stand.Table, options), default);
        Assert.Null(result.Error);
        var file = Assert.Single((await stand.LoadAsync()).Metadata.Statistics);
        Assert.Equal(["50", "100"], file.Blobs.Skip(1).Select(blob => blob.Properties!["ndv"]));
        Assert.InRange(double.Parse(file.Blobs[0].Properties!["ndv"], System.Globalization.CultureInfo.InvariantCulture), 19_000, 21_000);
        Assert.True(StatisticsUpkeep.Plan(stand.Table, options).IsEmpty);

        await stand.AppendAsync(Enumerable.Range(0, 100).Select(i => Row(i, 0, $"m{i % 7}")));
        var plan = StatisticsUpkeep.Plan(stand.Table, options);
        Assert.NotNull(plan.Earlier);
        result = await upkeep.ExecuteAsync(plan, default);
        Assert.Equal(["name: about 57 distinct values", "ts: about 100 distinct values"], result.Notes.Skip(1));
        Assert.Equal(2, (await stand.LoadAsync()).Metadata.Statistics.Count);

        await stand.DeleteIdsAsync(PartitionKey.None, 0);
        Assert.Null(StatisticsUpkeep.Plan(stand.Table, options).Earlier);
        Assert.Contains("no column nothing", Assert.Throws<FormatException>(() => StatisticsUpkeep.Plan(stand.Table, new StatisticsOptions { Columns = ["nothing"] })).Message, StringComparison.Ordinal);
    }
}
