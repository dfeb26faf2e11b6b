using OrleansLake.Ingest.Commit;
using static OrleansLake.Ingest.Tests.Commit.Reports;

namespace OrleansLake.Ingest.Tests.Commit;

public sealed class CommittedOffsetsTests
{
    [Fact]
    public void A_report_moves_its_own_partitions_and_adds_to_their_counts()
    {
        CommittedOffsets offsets = CommittedOffsets.Empty
            .Advance(Report(Range(Events3, 100, 110, rejected: 2, gap: 1), Range(new("events", 0), 5, 6)))
            .Advance(Report(110, 120, gap: 3));

        Assert.Equal(new PartitionOffset(120, -1, 14, 2, 4), offsets.Find("p", "g1", Events3));
        Assert.Equal(new PartitionOffset(6, -1, 1, 0, 0), offsets.Find("p", "g1", new("events", 0)));
        Assert.Null(offsets.Find("p", "g1", new("events", 1)));
        Assert.Null(offsets.Find("p", "g1", new("events", 9)));
        Assert.Null(offsets.Find("p", "g1", new("others", 3)));
        Assert.Null(offsets.Find("p", "g2", Events3));
    }

    [Fact]
    public void Offsets_are_not_changed_by_what_is_made_from_them()
    {
        CommittedOffsets before = At(10);
        before.Advance(Report(10, 20));
        Assert.Equal(10, before.Find("p", "g1", Events3)!.Value.Next);
    }

    [Fact]
    public void Text_reads_back_as_what_was_written()
    {
        CommittedOffsets offsets = CommittedOffsets.Empty
            .Advance(Report(100, 110, rejected: 2, gap: 1) with { ClusterId = "c\"1", TopicIds = new Dictionary<string, string> { ["events"] = "t-1" } })
            .Advance(Report(Range(new("другие", 1), 0, 7) with { LeaderEpoch = 4 }) with { Pipeline = "other#one", Generation = "x" });
        string text = CommittedOffsetsJson.Write(offsets);
        CommittedOffsets back = CommittedOffsetsJson.Read(text, "here");

        Assert.Equal(text, CommittedOffsetsJson.Write(back));
        Assert.Equal(offsets.Find("p", "g1", Events3), back.Find("p", "g1", Events3));
        Assert.Equal(("c\"1", "t-1"), (back.FindTopic("p", "g1", "events")!.ClusterId, back.FindTopic("p", "g1", "events")!.TopicId));
        Assert.Equal(4, back.Find("other#one", "x", new("другие", 1))!.Value.LeaderEpoch);
        Assert.Equal("other#one", CommittedOffsets.PipelineOf("other#one#x"));
    }

    [Fact]
    public void Text_is_compact() =>
        Assert.Equal(
            """{"p#g1":{"events":{"next":[-1,-1,-1,110],"rows":[0,0,0,10]}}}""",
            CommittedOffsetsJson.Write(CommittedOffsets.Empty.Advance(Report(100, 110))));

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("""{"p":{}}""")]
    [InlineData("""{"p#g":{"t":{}}}""")]
    [InlineData("""{"p#g":{"t":{"next":[1,2],"rows":[1]}}}""")]
    [InlineData("""{"p#g":{"t":{"next":[-5]}}}""")]
    [InlineData("""{"p#g":{"t":{"next":[1],"epoch":[9999999999]}}}""")]
    [InlineData("""{"p#g":{"t":{"next":["a"]}}}""")]
    [InlineData("""{"p#g":{"t":{"next":[1]}}""")]
    [InlineData("""{"p#g":{"t":{"next":[1],"writers":["w"],"claim":[1]}}}""")]
    [InlineData("""{"p#g":{"t":{"next":[1],"claim":[0]}}}""")]
    public void Text_that_is_not_offsets_is_an_error_that_names_the_place(string text)
    {
        var e = Assert.Throws<CorruptOffsetsException>(() => CommittedOffsetsJson.Read(text, "snapshot 17 of db.events"));
        Assert.StartsWith("snapshot 17 of db.events: the offsets cannot be read: ", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_claim_moves_nothing_else_and_stays_until_the_next()
    {
        CommittedOffsets offsets = At(50).Claim(Report(Range(Events3, 50, 60), Range(new("events", 5), 0, 9)));
        Assert.Equal(At(50).Find("p", "g1", Events3)!.Value with { ClaimedBy = "silo-a" }, offsets.Find("p", "g1", Events3));
        Assert.Null(offsets.Find("p", "g1", new("events", 5)));
        offsets = offsets.Advance(Report(50, 60)).Claim(Report(Range(new("events", 5), 0, 9)) with { WriterId = "silo-b" });

        offsets = CommittedOffsetsJson.Read(CommittedOffsetsJson.Write(offsets), "here");
        Assert.Equal(60, offsets.Find("p", "g1", Events3)!.Value.Next);
        Assert.Equal(["silo-a", "silo-b", null, null], new[] { 3, 5, 4, 99 }.Select(partition => offsets.ClaimedBy("p", "g1", new("events", partition))));
        Assert.Null(offsets.ClaimedBy("p", "g2", Events3));
    }

    [Fact]
    public void A_new_generation_starts_without_offsets_and_retires_the_old_one()
    {
        CommittedOffsets offsets = At(50).Advance(Report(0, 7) with { Generation = "g2" });

        Assert.Equal(7, offsets.Find("p", "g2", Events3)!.Value.Next);
        Assert.True(offsets.IsRetired("p", "g1"));
        Assert.False(offsets.IsRetired("p", "g2"));
        Assert.True(CommittedOffsetsJson.Read(CommittedOffsetsJson.Write(offsets), "here").IsRetired("p", "g1"));
    }

    [Fact]
    public void Dead_letter_offsets_move_only_where_records_were_rejected_and_never_back()
    {
        CommittedOffsets main = At(100);
        CommittedOffsets letters = CommittedOffsets.Empty.AdvanceDeadLetters(Report(Range(Events3, 100, 200, rejected: 2), Range(new("events", 1), 0, 9)), main);
        Assert.Equal(new PartitionOffset(200, -1, 2, 2, 0), letters.Find("p", "g1", Events3));
        Assert.Null(letters.Find("p", "g1", new("events", 1)));

        letters = letters.AdvanceDeadLetters(Report(Range(Events3, 100, 150, rejected: 2) with { DeadLetters = 0 }), main);
        Assert.Equal(new PartitionOffset(200, -1, 2, 2, 0), letters.Find("p", "g1", Events3));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2000)]
    public void Property_copy_reads_back_from_chunks_that_every_catalog_takes(int partitions)
    {
        CommittedOffsets offsets = CommittedOffsets.Empty
            .Advance(Report([.. Enumerable.Range(0, partitions).Select(n => Range(new("events", n), 1_000_000_000_000, 1_000_000_000_100 + n, rejected: 1))]) with { Pipeline = "a.b" })
            .Advance(Report(1, 2) with { Pipeline = "a" });
        var (set, remove) = OffsetsProperty.Write("main", Table, 17, 3, offsets, new Dictionary<string, string>());

        Assert.Empty(remove);
        Assert.All(set, property => Assert.InRange(property.Value.Length, 1, OffsetsProperty.ChunkLength));
        IReadOnlyList<OffsetsProperty> read = OffsetsProperty.Read("main", set);
        Assert.Equal(2, read.Count);
        Assert.All(read, copy => Assert.Equal((Table, 17L, 3L), (copy.TableUuid, copy.SnapshotId, copy.SequenceNumber)));
        Assert.Equal(partitions, read.Single(copy => copy.Offsets.Pipelines.ContainsKey("a.b#g1")).Offsets.FindTopic("a.b", "g1", "events")!.Partitions.Length);
        Assert.Empty(OffsetsProperty.Read("other", set));
        Assert.Empty(OffsetsProperty.Read("mai", set));
    }

    [Fact]
    public void Property_copy_that_became_shorter_leaves_no_chunk_of_the_longer_one()
    {
        CommittedOffsets many = CommittedOffsets.Empty.Advance(Report([.. Enumerable.Range(0, 900).Select(n => Range(new("events", n), 0, 1000 + n))]));
        var (set, _) = OffsetsProperty.Write("main", Table, 17, 3, many, new Dictionary<string, string>());
        Assert.True(set.Count > 1);

        var (shorter, remove) = OffsetsProperty.Write("main", Table, 18, 4, At(5), set);
        Assert.Single(shorter);
        Assert.Equal(set.Keys.Except(shorter.Keys).Order(), remove.Order());
    }

    [Fact]
    public void Property_copy_with_a_chunk_missing_is_an_error()
    {
        CommittedOffsets many = CommittedOffsets.Empty.Advance(Report([.. Enumerable.Range(0, 900).Select(n => Range(new("events", n), 0, 1000 + n))]));
        var (set, _) = OffsetsProperty.Write("main", Table, 17, 3, many, new Dictionary<string, string>());
        set.Remove(set.Keys.First());
        Assert.Throws<CorruptOffsetsException>(() => OffsetsProperty.Read("main", set));
    }
}
