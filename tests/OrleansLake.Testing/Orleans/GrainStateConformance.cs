using Orleans.Storage;

namespace OrleansLake.Testing.Orleans;

/// <summary>What Orleans asks of a storage for the state of grains.</summary>
/// <param name="open">Opens the storage, each time anew where that is possible.</param>
internal sealed class GrainStateConformance(Func<IGrainStorage> open) : ConformanceSuite
{
    private readonly GrainId _grain = GrainId.Create("pipeline", "p/topic with spaces/" + Guid.NewGuid());

    public async Task State_is_as_it_was_written_and_states_of_one_grain_are_apart()
    {
        var (written, read) = (new Held<Counted>(), new Held<Counted>());
        await open().ReadStateAsync("counted", _grain, written);
        Assert.Equal((false, null, 0), (written.RecordExists, written.ETag, written.State.Count));
        written.State.Count = 5;
        await open().WriteStateAsync("counted", _grain, written);
        Assert.True(written.RecordExists);
        await open().ReadStateAsync("counted", _grain, read);
        Assert.Equal((true, written.ETag, 5), (read.RecordExists, read.ETag, read.State.Count));
        await open().ReadStateAsync("other", _grain, read);
        Assert.Equal((false, null, 0), (read.RecordExists, read.ETag, read.State.Count));
    }

    public async Task A_writer_with_an_old_etag_is_refused()
    {
        var (first, second) = (new Held<Counted>(), new Held<Counted>());
        await open().WriteStateAsync("counted", _grain, first);
        await open().ReadStateAsync("counted", _grain, second);
        await open().WriteStateAsync("counted", _grain, first);
        await Assert.ThrowsAsync<InconsistentStateException>(() => open().WriteStateAsync("counted", _grain, second));
        await Assert.ThrowsAsync<InconsistentStateException>(() => open().ClearStateAsync("counted", _grain, second));
        await Assert.ThrowsAsync<InconsistentStateException>(() => open().WriteStateAsync("counted", _grain, new Held<Counted>()));
    }

    public async Task What_was_cleared_is_gone_and_can_be_written_again_but_not_by_who_had_it_before()
    {
        var (first, second) = (new Held<Counted>(), new Held<Counted>());
        first.State.Count = 5;
        await open().WriteStateAsync("counted", _grain, first);
        await open().ReadStateAsync("counted", _grain, second);
        await open().ClearStateAsync("counted", _grain, first);
        Assert.Equal((false, 0), (first.RecordExists, first.State.Count));
        await Assert.ThrowsAsync<InconsistentStateException>(() => open().WriteStateAsync("counted", _grain, second));

        await open().ReadStateAsync("counted", _grain, second);
        Assert.Equal((false, 0), (second.RecordExists, second.State.Count));
        await open().WriteStateAsync("counted", _grain, first);
        Assert.True(first.RecordExists);
    }

    /// <summary>State of a test.</summary>
    internal sealed class Counted
    {
        public int Count { get; set; }
    }
}
