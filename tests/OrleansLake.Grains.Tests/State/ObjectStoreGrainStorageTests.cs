using Orleans.Storage;
using OrleansLake.Contracts;
using OrleansLake.Iceberg;
using OrleansLake.Testing.Orleans;

namespace OrleansLake.Grains.Tests;

public sealed class ObjectStoreGrainStorageTests : IDisposable
{
    private static readonly GrainId Grain = GrainId.Create("pipeline", "p/topic with spaces/0");

    private readonly string _directory = Directory.CreateTempSubdirectory("orleanslake-state-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task State_is_as_it_was_written_whoever_reads_it()
    {
        var written = new Held<PipelineGrainState>
        {
            State = new PipelineGrainState
            {
                Definition = new PipelineDefinition
                {
                    Name = "p", Generation = "7", Topics = ["a", "b"], Table = "db.t", Ddl = "CREATE TABLE db.t (x BIGINT)", FlushInterval = TimeSpan.FromMilliseconds(1500),
                    Start = PipelineStart.Latest, OnDataLoss = DataLossAction.Continue,
                },
                Wanted = WantedState.Paused,
                Partitions = new Dictionary<string, int> { ["a"] = 3 },
            },
        };
        await Open().WriteStateAsync("pipeline", Grain, written);
        var read = new Held<PipelineGrainState>();
        await Open().ReadStateAsync("pipeline", Grain, read);
        Assert.True(read.RecordExists);
        Assert.Equal(written.ETag, read.ETag);
        Assert.True(written.State.Definition!.SameAs(read.State.Definition));
        Assert.Equal(WantedState.Paused, read.State.Wanted);
        Assert.Equal(3, read.State.Partitions["a"]);
    }

    [Fact]
    public async Task What_was_never_written_is_new_and_has_no_etag()
    {
        var read = new Held<LakeGrainState> { State = null! };
        await Open().ReadStateAsync("lake", Grain, read);
        Assert.False(read.RecordExists);
        Assert.Null(read.ETag);
        Assert.Empty(read.State.Pipelines);
    }

    [Fact]
    public async Task A_writer_with_an_old_etag_is_told_which_one_is_stored()
    {
        var (first, second) = (new Held<LakeGrainState>(), new Held<LakeGrainState>());
        await Open().WriteStateAsync("lake", Grain, first);
        await Open().ReadStateAsync("lake", Grain, second);
        await Open().WriteStateAsync("lake", Grain, first);
        InconsistentStateException refused = await Assert.ThrowsAsync<InconsistentStateException>(() => Open().WriteStateAsync("lake", Grain, second));
        Assert.Equal((first.ETag, second.ETag), (refused.StoredEtag, refused.CurrentEtag));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{\"format\":1,\"grain\":")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("{\"format\":9,\"grain\":\"pipeline/p/topic with spaces/0\",\"state\":\"pipeline\",\"exists\":true,\"value\":{}}")]
    [InlineData("{\"format\":1,\"grain\":\"pipeline/other\",\"state\":\"pipeline\",\"exists\":true,\"value\":{}}")]
    [InlineData("{\"format\":1,\"grain\":\"pipeline/p/topic with spaces/0\",\"state\":\"pipeline\",\"exists\":true,\"value\":null}")]
    [InlineData("{\"format\":1,\"grain\":\"pipeline/p/topic with spaces/0\",\"state\":\"pipeline\",\"exists\":true,\"value\":{\"wanted\":\"perhaps\"}}")]
    [InlineData("{\"format\":1,\"grain\":\"pipeline/p/topic with spaces/0\",\"state\":\"pipeline\",\"exists\":true,\"value\":{\"definition\":{\"name\":\"p\"}}}")]
    public async Task State_that_cannot_be_read_is_an_error_with_its_place_and_is_never_taken_for_nothing(string text)
    {
        var written = new Held<PipelineGrainState>();
        await Open().WriteStateAsync("pipeline", Grain, written);
        string path = Assert.Single(Directory.GetFiles(_directory, "*.json", SearchOption.AllDirectories));
        await File.WriteAllTextAsync(path, text, TestContext.Current.CancellationToken);
        OrleansException error = await Assert.ThrowsAsync<OrleansException>(() => Open().ReadStateAsync("pipeline", Grain, new Held<PipelineGrainState>()));
        Assert.Contains(path, error.Message, StringComparison.Ordinal);
        Assert.Contains("expected", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task State_of_a_newer_silo_is_read_as_far_as_it_is_known()
    {
        var written = new Held<PipelineGrainState>();
        written.State.Wanted = WantedState.Paused;
        await Open().WriteStateAsync("pipeline", Grain, written);
        string path = Assert.Single(Directory.GetFiles(_directory, "*.json", SearchOption.AllDirectories));
        string text = await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(path, text.Replace("\"wanted\"", "\"later\": [ 1 ], \"wanted\"", StringComparison.Ordinal), TestContext.Current.CancellationToken);
        var read = new Held<PipelineGrainState>();
        await Open().ReadStateAsync("pipeline", Grain, read);
        Assert.Equal(WantedState.Paused, read.State.Wanted);
    }

    [Fact]
    public async Task Names_that_are_too_long_for_a_directory_stay_apart()
    {
        GrainId[] grains = [.. Enumerable.Range(0, 3).Select(i => GrainId.Create("partition", new string('p', 249) + "/" + new string('t', 240) + $"/{i}"))];
        foreach (GrainId grain in grains)
        {
            var state = new Held<PartitionGrainState>();
            state.State.CommittedNext = Array.IndexOf(grains, grain);
            await Open().WriteStateAsync("partition", grain, state);
        }

        foreach (GrainId grain in grains)
        {
            var state = new Held<PartitionGrainState>();
            await Open().ReadStateAsync("partition", grain, state);
            Assert.Equal(Array.IndexOf(grains, grain), state.State.CommittedNext);
        }
    }

    private ObjectStoreGrainStorage Open() => new(new LocalObjectStore(), _directory);
}
