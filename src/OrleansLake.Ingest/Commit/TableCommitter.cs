using Microsoft.Extensions.Logging;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Pump;

namespace OrleansLake.Ingest.Commit;

/// <summary>
/// Commits the reports of one table, and of its dead-letter table: the only one that adds rows of ours to it.
/// </summary>
/// <remarks>
/// What holds, whatever fails:
/// <list type="number">
/// <item>Offsets enter the table in the same swap as the rows that they cover.</item>
/// <item>A report is committed once or refused; both are said only of what freshly loaded metadata show, or of a swap that
/// the catalog has confirmed.</item>
/// <item>A swap that failed is unknown until it was looked for. Until then nothing else is swapped.</item>
/// <item>After a swap that did not land every report is judged again, on the state that is there now.</item>
/// <item>Dead letters are committed before the rows of the same reports.</item>
/// <item>No file that was reported is ever deleted.</item>
/// </list>
/// Shape: <see cref="EnqueueAsync"/> takes a report, <see cref="CommitAsync"/> (the driver's clock) or <see cref="RunAsync"/>
/// (its own) commits what waits, <see cref="OutcomeAsync"/> tells what became of it, <see cref="ResumeAsync"/> where a pipeline
/// stands, <see cref="MoveAsync"/> moves offsets, <see cref="ReloadSchemaAsync"/> and <see cref="AnchorAsync"/> look at the table
/// anew. All calls come from one logical thread (a grain's turns, a simulation); they may interleave where they await.
/// A second committer of the same table, here or elsewhere, costs conflicts and nothing else.
/// </remarks>
public sealed partial class TableCommitter : ICommitter
{
    private readonly TableCommitterOptions _options;
    private readonly IdSource _ids;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CommitMetrics _metrics;
    private readonly ProtocolRules _rules;
    private readonly IDeadLetterOffsets? _deadLetterOffsets;
    private readonly SwapTable _rows;
    private readonly SwapTable? _deadLetters;
    private readonly Pauses _pauses;
    private readonly CommitPace _pace;
    private readonly Duels _duels = new();

    private readonly Dictionary<Guid, WaitingReport> _waiting = [];
    private readonly Dictionary<Guid, (ReportAnswer Answer, DateTimeOffset At)> _answers = [];
    private Gate<bool> _arrival = new();
    private Gate<bool> _turn = new();
    private Exception? _trouble;
    private DateTimeOffset _troubleSince;
    private long? _lastSnapshotId;
    private DateTimeOffset? _lastCommit;
    private TimeSpan? _freshness;

    /// <summary>A committer.</summary>
    /// <param name="options">Which table, and its patience.</param>
    /// <param name="catalog">Where the table and its dead-letter table are.</param>
    /// <param name="ids">Makes every id.</param>
    /// <param name="time">Tells the time, and wakes.</param>
    /// <param name="metrics">Where it counts.</param>
    /// <param name="logger">Where it writes.</param>
    /// <param name="deadLetterOffsets">Reads the dead-letter table; needed only where a replay meets dead letters that are in already.</param>
    public TableCommitter(
        TableCommitterOptions options, ICatalog catalog, IdSource ids, TimeProvider time, CommitMetrics metrics, ILogger<TableCommitter> logger, IDeadLetterOffsets? deadLetterOffsets = null)
        : this(options, catalog, ids, time, metrics, logger, deadLetterOffsets, ProtocolRules.All)
    {
    }

    internal TableCommitter(
        TableCommitterOptions options, ICatalog catalog, IdSource ids, TimeProvider time, CommitMetrics metrics, ILogger logger, IDeadLetterOffsets? deadLetterOffsets, ProtocolRules rules)
    {
        (_options, _ids, _time, _metrics, _logger, _deadLetterOffsets, _rules) = (options, ids, time, metrics, logger, deadLetterOffsets, rules);
        _turn.Open(true);
        _pauses = new Pauses(options, time, ids);
        _pace = new CommitPace(options.Interval);
        _rows = new SwapTable(options.Table, catalog, options, time, _pauses, rules, metrics, logger) { OnTrouble = SetTrouble };
        _deadLetters = options.DeadLetters is { } name ? new SwapTable(name, catalog, options, time, _pauses, rules, metrics, logger) { OnTrouble = SetTrouble } : null;
    }

    /// <summary>The branch whose offsets readers resume from.</summary>
    public string Branch => _options.Branch;

    /// <summary>How it is.</summary>
    public CommitterStatus Status => new()
    {
        WaitingReports = _waiting.Count,
        Trouble = _trouble?.Message,
        TroubleSince = _trouble is null ? null : _troubleSince,
        InDoubt = _rows.InDoubt ?? _deadLetters?.InDoubt,
        Duels = _duels.Describe(_time.GetUtcNow() - (_options.Interval * 10)),
        LastSnapshotId = _lastSnapshotId,
        LastCommit = _lastCommit,
        Freshness = _freshness,
        SchemaId = _rows.Known?.Metadata.CurrentSchemaId,
    };

    /// <inheritdoc />
    public Task EnqueueAsync(DataWritten report, CancellationToken cancellationToken)
    {
        DateTimeOffset now = _time.GetUtcNow();
        if (_answers.TryGetValue(report.ReportId, out var known) && known.Answer is not ReportAnswer.Refused { Reason: RefusalReason.NotYet })
        {
            return Task.CompletedTask;
        }

        _answers.Remove(report.ReportId);
        if (_waiting.TryAdd(report.ReportId, new WaitingReport(report, now)))
        {
            _pace.Reported(report.WriterId, now);
            _arrival.Open(true);
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public async Task<ReportAnswer> OutcomeAsync(Guid reportId, CancellationToken cancellationToken)
    {
        if (_answers.TryGetValue(reportId, out var known))
        {
            return known.Answer;
        }

        if (!_waiting.TryGetValue(reportId, out WaitingReport? waiting))
        {
            return new ReportAnswer.NotKnown();
        }

        var (isDecided, answer) = await waiting.Answer.WaitAsync(_options.OutcomeWait, _time, cancellationToken);
        return isDecided ? answer! : new ReportAnswer.Pending();
    }

    /// <inheritdoc />
    /// <exception cref="PipelineStoppedException">A person must decide first; the message says what and how.</exception>
    public async Task<ResumePoint> ResumeAsync(
        string pipeline, string generation, IReadOnlyList<TopicPartition> topicPartitions, IReadOnlyDictionary<string, string> topicIds, CancellationToken cancellationToken)
    {
        Lineage rows = await _rows.ReadLineageAsync(await _rows.LoadAsync(cancellationToken), _options.Branch, cancellationToken);
        Lineage? deadLetters = _deadLetters is null ? null : await _deadLetters.ReadLineageAsync(await _deadLetters.LoadAsync(cancellationToken), SnapshotRef.Main, cancellationToken);
        return await OffsetResume.FindAsync(pipeline, generation, topicPartitions, topicIds, rows, deadLetters, _deadLetterOffsets, cancellationToken);
    }

    /// <summary>The table, freshly loaded: its schema is in every later answer.</summary>
    public Task<LoadedTable> ReloadSchemaAsync(CancellationToken cancellationToken) => _rows.LoadAsync(cancellationToken);

    /// <summary>
    /// Commits what waits, now; calls that overlap take their turns. Trouble of the outside world is in the result and in
    /// <see cref="Status"/>, and the reports stay.
    /// </summary>
    public Task<CommitRound> CommitAsync(CancellationToken cancellationToken) => InTurnAsync(() => RoundAsync(cancellationToken), cancellationToken);

    /// <summary>
    /// Moves offsets by an empty snapshot. Asked for again with the same id, it is answered with the first one's snapshot.
    /// </summary>
    public Task<ReportAnswer> MoveAsync(OffsetMove move, CancellationToken cancellationToken) => InTurnAsync(() => MoveInTurnAsync(move, cancellationToken), cancellationToken);

    /// <summary>
    /// Adds columns for fields that records have, those that are not there yet, as long as the table has no more than
    /// <paramref name="mostFields"/> fields, nested ones counted. Asked for by many at once, it is one change.
    /// </summary>
    public Task<SchemaGrown> GrowSchemaAsync(IReadOnlyList<Decode.NewField> fields, int mostFields, CancellationToken cancellationToken) =>
        InTurnAsync(() => GrowInTurnAsync(fields, mostFields, cancellationToken), cancellationToken);

    /// <summary>
    /// Where snapshots of others have gathered above our last one, makes an empty one with its offsets, before that one
    /// leaves the metadata log. True: it did.
    /// </summary>
    public Task<bool> AnchorAsync(CancellationToken cancellationToken) => InTurnAsync(() => AnchorInTurnAsync(_options.Branch, cancellationToken), cancellationToken);

    /// <summary>Commits by its own clock until cancelled: what <see cref="CommitAsync"/> is for those who have none.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        DateTimeOffset nextAnchor = _time.GetUtcNow() + TimeSpan.FromMinutes(1);
        for (int troubles = 0; ;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            DateTimeOffset now = _time.GetUtcNow();
            if (_waiting.Count == 0 && now >= nextAnchor)
            {
                nextAnchor = now + TimeSpan.FromMinutes(1);
                await AnchorQuietlyAsync(cancellationToken);
                continue;
            }

            TimeSpan wait = _waiting.Count == 0
                ? nextAnchor - now
                : _pace.Wait(now, _waiting.Values.Min(static waiting => waiting.Since), _waiting.Values.Select(static waiting => waiting.Report.WriterId).ToHashSet());
            if (wait > TimeSpan.Zero)
            {
                await WaitForArrivalAsync(wait, cancellationToken);
                continue;
            }

            CommitRound round = await CommitAsync(cancellationToken);
            if (round.Trouble is null && (round.Answered > 0 || _waiting.Count == 0))
            {
                troubles = 0;
                continue;
            }

            await _pauses.WaitAsync(troubles++, cancellationToken);
        }
    }

    private async Task AnchorQuietlyAsync(CancellationToken cancellationToken)
    {
        try
        {
            await AnchorAsync(cancellationToken);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            SetTrouble(e);
        }
    }

    private async Task WaitForArrivalAsync(TimeSpan wait, CancellationToken cancellationToken)
    {
        _arrival = _arrival.IsOpen ? new Gate<bool>() : _arrival;
        await _arrival.WaitAsync(wait, _time, cancellationToken);
    }

    /// <summary>One at a time, in the order of the calls.</summary>
    private async Task<T> InTurnAsync<T>(Func<Task<T>> work, CancellationToken cancellationToken)
    {
        Gate<bool> before = _turn;
        Gate<bool> done = new();
        _turn = done;
        try
        {
            await before.WaitAsync(Timeout.InfiniteTimeSpan, _time, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            _ = PassOnAsync();
            throw;
        }

        try
        {
            return await work();
        }
        finally
        {
            done.Open(true);
        }

        async Task PassOnAsync()
        {
            await before.WaitAsync(Timeout.InfiniteTimeSpan, _time, CancellationToken.None);
            done.Open(true);
        }
    }

    private void Answer(WaitingReport waiting, ReportAnswer answer)
    {
        DateTimeOffset now = _time.GetUtcNow();
        _waiting.Remove(waiting.Report.ReportId);
        _answers[waiting.Report.ReportId] = (answer, now);
        foreach (Guid old in _answers.Where(known => now - known.Value.At > TimeSpan.FromMinutes(10)).Select(static known => known.Key).ToList())
        {
            _answers.Remove(old);
        }

        if (answer is ReportAnswer.Refused refused)
        {
            LogRefused(_options.Table, waiting.Report.ReportId, waiting.Report.WriterId, refused.Reason, refused.Message);
        }

        _metrics.Answered(_options.Table, answer);
        waiting.Answer.Open(answer);
        if (_waiting.Count == 0)
        {
            _idle.Open(true);
        }
    }

    private void SetTrouble(Exception? trouble)
    {
        if (trouble is not null && _trouble?.Message != trouble.Message)
        {
            _troubleSince = _trouble is null ? _time.GetUtcNow() : _troubleSince;
            LogTrouble(trouble, _options.Table, trouble.Message);
        }
        else if (trouble is null && _trouble is not null)
        {
            LogTroubleOver(_options.Table);
        }

        _trouble = trouble;
    }

    private sealed class WaitingReport(DataWritten report, DateTimeOffset since)
    {
        public DataWritten Report { get; } = report;

        public DateTimeOffset Since { get; } = since;

        public Gate<ReportAnswer> Answer { get; } = new();
    }
}
