namespace OrleansLake.Ingest.Commit;

/// <summary>
/// When the next commit is due: once an interval, as soon as every active writer has reported, at the latest a quarter of
/// the interval after the first report. A writer that has stopped reporting holds nothing up for longer than that, once.
/// </summary>
internal sealed class CommitPace(TimeSpan interval)
{
    private readonly Dictionary<string, DateTimeOffset> _lastReport = [];
    private DateTimeOffset? _lastCommit;

    /// <summary>A writer has reported.</summary>
    public void Reported(string writerId, DateTimeOffset now) => _lastReport[writerId] = now;

    /// <summary>A commit begins.</summary>
    public void Committing(DateTimeOffset now)
    {
        _lastCommit = now;
        foreach (string writer in _lastReport.Where(writer => now - writer.Value > interval * 1.5).Select(static writer => writer.Key).ToList())
        {
            _lastReport.Remove(writer);
        }
    }

    /// <summary>How long to wait with reports at hand; zero: commit.</summary>
    public TimeSpan Wait(DateTimeOffset now, DateTimeOffset firstReport, IReadOnlySet<string> reported)
    {
        // A report that comes late waits for the next commit instead of making one of its own.
        DateTimeOffset opens = _lastCommit is { } last && last + (interval / 2) > firstReport ? last + (interval / 2) : firstReport;
        DateTimeOffset due = _lastReport.Keys.All(reported.Contains) ? opens : opens + (interval / 4);
        return due > now ? due - now : TimeSpan.Zero;
    }
}
