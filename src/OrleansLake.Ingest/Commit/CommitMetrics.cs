using System.Diagnostics.Metrics;
using OrleansLake.Iceberg;

namespace OrleansLake.Ingest.Commit;

/// <summary>What commits measure; every name of theirs is here.</summary>
public sealed class CommitMetrics
{
    /// <summary>The meter's name.</summary>
    public const string MeterName = "OrleansLake.Commit";

    private readonly Histogram<double> _duration;
    private readonly Counter<long> _rows;
    private readonly Counter<long> _files;
    private readonly Counter<long> _failedSwaps;
    private readonly Counter<long> _answers;
    private readonly Histogram<double> _freshness;

    /// <summary>Instruments on a meter of that name.</summary>
    public CommitMetrics(Meter meter)
    {
        _duration = meter.CreateHistogram<double>("orleanslake.commit.duration", "s", "From the first look at the reports to the answer");
        _rows = meter.CreateCounter<long>("orleanslake.commit.rows", "{row}", "Rows committed");
        _files = meter.CreateCounter<long>("orleanslake.commit.files", "{file}", "Data files committed");
        _failedSwaps = meter.CreateCounter<long>("orleanslake.commit.failed_swaps", "{swap}", "Swaps that did not say that they had landed");
        _answers = meter.CreateCounter<long>("orleanslake.commit.answers", "{report}", "Reports by their answer");
        _freshness = meter.CreateHistogram<double>("orleanslake.commit.freshness", "s", "Age of the oldest record of a commit when it was committed");
    }

    internal void Committed(TableIdentifier table, TimeSpan duration, long rows, int files, TimeSpan? freshness)
    {
        KeyValuePair<string, object?> tag = new("table", table.ToString());
        _duration.Record(duration.TotalSeconds, tag);
        _rows.Add(rows, tag);
        _files.Add(files, tag);
        if (freshness is { } age)
        {
            _freshness.Record(age.TotalSeconds, tag);
        }
    }

    internal void SwapFailed(TableIdentifier table, bool isConflict) =>
        _failedSwaps.Add(1, new("table", table.ToString()), new("end", isConflict ? "conflict" : "unknown"));

    internal void Answered(TableIdentifier table, ReportAnswer answer) =>
        _answers.Add(1, new("table", table.ToString()), new("answer", answer is ReportAnswer.Refused refused ? refused.Reason.ToString() : answer.GetType().Name));
}
