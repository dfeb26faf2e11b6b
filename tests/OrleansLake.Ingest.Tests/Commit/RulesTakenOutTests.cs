using OrleansLake.Iceberg;
using OrleansLake.Ingest.Commit;
using OrleansLake.Testing.Commit;
using static OrleansLake.Ingest.Tests.Commit.World;

namespace OrleansLake.Ingest.Tests.Commit;

/// <summary>What each rule is for: the same scenario is harmless with it, and loses or doubles a record (or a file) without it.</summary>
public sealed class RulesTakenOutTests
{
    private static readonly TopicPartition Events0 = new("events", 0);
    private static readonly TopicPartition Events1 = new("events", 1);

    /// <summary>The scenario says what harm was done; null: none.</summary>
    private static void Guards(ProtocolRules rule, Func<World, Func<TableCommitter>, Task<string?>> scenario, bool comparesBase = true)
    {
        Run(async world => Assert.Null(await scenario(world, () => world.NewCommitter())), comparesBase: comparesBase);
        Run(async world => Assert.NotNull(await scenario(world, () => world.NewCommitter(rules: ProtocolRules.All & ~rule))), comparesBase: comparesBase);
    }

    private static async Task<string?> ExpectRowsAsync(World world, long rows, TableIdentifier? table = null)
    {
        long found = (await world.FilesAsync(table)).Sum(file => file.RecordCount);
        return found == rows ? null : $"expected {rows} rows, got {found}";
    }

    private static string? ExpectRefusal(ReportAnswer answer) => answer is ReportAnswer.Refused ? null : answer.ToString();

    [Fact]
    public void Ids_before_ranges() => Guards(ProtocolRules.IdsBeforeRanges, async (world, make) =>
    {
        DataWritten report = await world.ReportAsync(0, 10);
        await CommitAsync(make(), report);
        await make().MoveAsync(new OffsetMove { MoveId = Guid.NewGuid(), Pipeline = "p", Generation = "g1", Reason = MoveReason.Seek, Positions = [new MovedPosition(Reports.Events3, 0)] }, CancellationToken.None);
        await CommitAsync(make(), report);
        return await ExpectRowsAsync(world, 10);
    });

    [Fact]
    public void Ranges_start_at_committed() => Guards(ProtocolRules.RangesStartAtCommitted, async (world, make) =>
    {
        DataWritten twin = await world.ReportAsync(0, 10) with { WriterId = "twin" };
        await CommitAsync(make(), await world.ReportAsync(0, 10));
        await CommitAsync(make(), twin);
        return await ExpectRowsAsync(world, 10);
    });

    [Fact]
    public void History_is_listed() => Guards(ProtocolRules.HistoryIsListed, async (world, make) =>
    {
        long first = Assert.IsType<ReportAnswer.Committed>(await CommitAsync(make(), await world.ReportAsync(0, 10))).SnapshotId;
        DataWritten report = await world.ReportAsync(10, 20);
        long second = Assert.IsType<ReportAnswer.Committed>(await CommitAsync(make(), report)).SnapshotId;
        await world.RollBackAsync(first);

        // Whoever expires it deletes the files that no other snapshot listed at that moment.
        await world.ForeignExpiryAsync(second);
        await CommitAsync(make(), report);
        return (await world.FilesAsync()).Any(file => file.FilePath == report.Files[0].FilePath) ? "a live file is deleted" : null;
    });

    [Fact]
    public void Same_table() => Guards(ProtocolRules.SameTable, async (world, make) =>
    {
        DataWritten report = await world.ReportAsync(Reports.Range(Reports.Events3, 0, 10) with { ContinuesTable = false });
        await world.RecreateAsync();
        return ExpectRefusal(await CommitAsync(make(), report));
    });

    [Fact]
    public void Fields_are_there() => Guards(ProtocolRules.FieldsAreThere, async (world, make) =>
        ExpectRefusal(await CommitAsync(make(), await world.ReportAsync(0, 10) with { FieldIds = [1, 9] })));

    [Theory]
    [InlineData(SwapFault.FailAfter)]
    [InlineData(SwapFault.HangAfter)]
    [InlineData(SwapFault.ConflictAfter)]
    public void Failed_swaps_are_looked_up(SwapFault fault) => Guards(ProtocolRules.FailedSwapsAreLookedUp, async (world, make) =>
    {
        world.Catalog.Swaps.Enqueue(fault);
        await CommitAsync(make(), await world.ReportAsync(0, 10));
        return await ExpectRowsAsync(world, 10);
    });

    [Fact]
    public void Swaps_assert_refs() => Guards(ProtocolRules.SwapsAssertRefs, async (world, make) =>
    {
        TableCommitter one = make();
        TableCommitter two = make();
        await one.ReloadSchemaAsync(CancellationToken.None);
        await two.ReloadSchemaAsync(CancellationToken.None);
        DataWritten left = await world.ReportAsync(Reports.Range(Events0, 0, 10));
        DataWritten right = await world.ReportAsync(Reports.Range(Events1, 0, 10));
        await CommitAsync(one, left);
        await CommitAsync(two, right);
        return await ExpectRowsAsync(world, 20);
    }, comparesBase: false);

    [Fact]
    public void Offsets_from_lineage() => Guards(ProtocolRules.OffsetsFromLineage, async (world, make) =>
    {
        long first = Assert.IsType<ReportAnswer.Committed>(await CommitAsync(make(), await world.ReportAsync(0, 10))).SnapshotId;
        await CommitAsync(make(), await world.ReportAsync(10, 20));
        await world.RollBackAsync(first);
        long next = (await make().ResumeAsync("p", "g1", [Reports.Events3], CancellationToken.None)).Partitions[0].Next;
        return next == 10 ? null : $"resumes from {next} with 10 rows in the table";
    });

    [Fact]
    public void Property_must_be_reached() => Guards(ProtocolRules.PropertyMustBeReached, async (world, make) =>
    {
        await CommitAsync(make(), await world.ReportAsync(0, 10));
        await world.ReplaceAsync();
        return (await make().ResumeAsync("p", "g1", [Reports.Events3], CancellationToken.None)).Partitions.Count == 0 ? null : "resumes behind rows that are gone";
    });

    [Fact]
    public void Cherry_picks_stop() => Guards(ProtocolRules.CherryPicksStop, async (world, make) =>
    {
        long first = Assert.IsType<ReportAnswer.Committed>(await CommitAsync(make(), await world.ReportAsync(0, 10))).SnapshotId;
        await world.ForeignAppendAsync(10, first.ToString());
        return ExpectRefusal(await CommitAsync(make(), await world.ReportAsync(10, 20)));
    });

    [Fact]
    public void Same_topic() => Guards(ProtocolRules.SameTopic, async (world, make) =>
    {
        Dictionary<string, string> old = new() { ["events"] = "one" };
        Dictionary<string, string> other = new() { ["events"] = "two" };
        await CommitAsync(make(), await world.ReportAsync(0, 10) with { TopicIds = old });
        return ExpectRefusal(await CommitAsync(make(), await world.ReportAsync(10, 20) with { TopicIds = other }));
    });

    [Fact]
    public void Generations_apart() => Guards(ProtocolRules.GenerationsApart, async (world, make) =>
    {
        await CommitAsync(make(), await world.ReportAsync(0, 10));
        await CommitAsync(make(), await world.ReportAsync(0, 10) with { Generation = "g2" });
        return ExpectRefusal(await CommitAsync(make(), await world.ReportAsync(10, 20)));
    });

    [Fact]
    public void Dead_letters_first() => Guards(ProtocolRules.DeadLettersFirst, async (world, make) =>
    {
        await CommitAsync(make(), await world.ReportAsync(0, 10));
        using CancellationTokenSource killed = new();
        world.Catalog.BeforeSwap = commit =>
        {
            if (commit.Base.Identifier.Equals(Letters))
            {
                killed.Cancel();
            }

            return Task.CompletedTask;
        };
        world.Catalog.Next = commit => commit.Base.Identifier.Equals(Letters) ? SwapFault.HangBefore : SwapFault.None;
        TableCommitter committer = make();
        await committer.EnqueueAsync(await world.ReportAsync(10, 20, rejected: 2), CancellationToken.None);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => committer.CommitAsync(killed.Token));
        return await world.NextAsync() == 10 ? null : "the offsets are behind dead letters that nobody has";
    });

    [Fact]
    public void Dead_letters_once() => Guards(ProtocolRules.DeadLettersOnce, async (world, make) =>
    {
        await CommitAsync(make(), await world.ReportAsync(0, 10));
        DataWritten first = await world.ReportAsync(10, 20, rejected: 2);
        DataWritten second = await world.ReportAsync(10, 18, rejected: 2) with { WriterId = "twin" };
        await world.DieBetweenTheTablesAsync(make(), first);
        await CommitAsync(make(), second);
        return await ExpectRowsAsync(world, 2, Letters);
    });

    [Fact]
    public void Dead_letters_claimed() => Guards(ProtocolRules.DeadLettersClaimed, async (world, make) =>
    {
        await CommitAsync(make(), await world.ReportAsync(0, 10, rejected: 1));

        // The one with the old schema rejects two records; on the way to the dead-letter table it is overtaken by the other,
        // whose schema takes them, and whose rows are in before the swap lands.
        DataWritten old = await world.ReportAsync(10, 20, rejected: 2);
        DataWritten young = await world.ReportAsync(10, 20) with { WriterId = "silo-b" };
        bool isOvertaken = false;
        world.Catalog.BeforeSwap = async commit =>
        {
            if (!isOvertaken && commit.Base.Identifier.Equals(Letters))
            {
                isOvertaken = true;
                await CommitAsync(make(), young);
            }
        };
        await CommitAsync(make(), old);
        Assert.True(isOvertaken);
        return await ExpectRowsAsync(world, 1, Letters) ?? await ExpectRowsAsync(world, 19);
    });

    [Fact]
    public void No_file_before() => Guards(ProtocolRules.NoFileBefore, async (world, make) =>
    {
        DataWritten report = await world.ReportAsync(0, 10);
        world.Time.Set(TimeSpan.FromMinutes(5));
        await world.ForeignAppendAsync([], new() { [SummaryKeys.NoFileBefore] = world.Time.GetUtcNow().ToUnixTimeMilliseconds().ToString() });
        return ExpectRefusal(await CommitAsync(make(), report));
    });

    [Fact]
    public void Every_rule_is_shown_here() =>
        Assert.Equal(
            Enum.GetNames<ProtocolRules>().Except([nameof(ProtocolRules.None), nameof(ProtocolRules.All)]).Order(),
            typeof(RulesTakenOutTests).GetMethods().Select(method => method.Name.Replace("_", "", StringComparison.Ordinal))
                .Where(name => Enum.TryParse<ProtocolRules>(name, ignoreCase: true, out _))
                .Select(name => Enum.Parse<ProtocolRules>(name, ignoreCase: true).ToString()).Order());
}
