using OrleansLake.Contracts;
using OrleansLake.Ingest;
using OrleansLake.Ingest.Commit;
using OrleansLake.Ingest.Pump;

namespace OrleansLake.Grains;

/// <summary>
/// The committer of a table as a pump sees it: calls to its grain, wherever that lives. A call that fails or is late says
/// nothing of what became of a report; the pump asks again.
/// </summary>
internal sealed class TableGrainCommitter(IGrainFactory grains, string tableKey) : ICommitter
{
    private ITableGrain Table => grains.GetGrain<ITableGrain>(tableKey);

    /// <inheritdoc />
    public Task EnqueueAsync(DataWritten report, CancellationToken cancellationToken) =>
        Table.ReportAsync(new ReportEnvelope(report.ReportId, DataWrittenCodec.Write(report))).WaitAsync(cancellationToken);

    /// <inheritdoc />
    public async Task<ReportAnswer> OutcomeAsync(Guid reportId, CancellationToken cancellationToken) =>
        Outcomes.FromContract(await Table.OutcomeAsync(reportId).WaitAsync(cancellationToken));

    /// <inheritdoc />
    public async Task<ResumePoint> ResumeAsync(
        string pipeline, string generation, IReadOnlyList<TopicPartition> topicPartitions, IReadOnlyDictionary<string, string> topicIds, CancellationToken cancellationToken)
    {
        var question = new ResumeQuestion(pipeline, generation, [.. topicPartitions.Select(one => new NamedTopicPartition(one.Topic, one.Partition))], new Dictionary<string, string>(topicIds));
        return Outcomes.FromContract(await Table.ResumeAsync(question).WaitAsync(cancellationToken));
    }
}
