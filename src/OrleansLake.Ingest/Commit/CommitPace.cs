namespace OrleansLake.Ingest.Commit;

/// <summary>
/// When the next commit is due: once an interval, as soon as every writer that is expected has reported, at the latest a
/// quarter of the interval after the first report. Expected is who reported about an interval ago: a writer that has
/// stopped reporting holds one commit up for a quarter of the interval, and then no more.
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
        // Who comes too late is not committed alone at once, nor made to wait for the others, who have only just reported.
        DateTimeOffset opens = _lastCommit is { } last && last + (interval / 4) > firstReport ? last + (interval / 4) : firstReport;
        bool isSomeoneExpected = _lastReport.Any(writer => !reported.Contains(writer.Key) && now - writer.Value > interval / 2 && now - writer.Value <= interval * 1.5);
        DateTimeOffset due = isSomeoneExpected ? opens + (interval / 4) : opens;
        return due > now ? due - now : TimeSpan.Zero;
    }
}
