using System.Globalization;
using OrleansLake.Iceberg;

namespace OrleansLake.Ingest.Upkeep;

/// <summary>One thing that an operation would do, for people.</summary>
/// <param name="Subject">What it is about: a partition, a file, a snapshot.</param>
/// <param name="What">What would be done.</param>
/// <param name="Why">Why.</param>
/// <param name="Files">Files that it takes.</param>
/// <param name="Bytes">Bytes that they have.</param>
public sealed record UpkeepStep(string Subject, string What, string Why, long Files = 0, long Bytes = 0);

/// <summary>
/// What an operation would do to a table and why: made without changing anything, printed by <c>--dry-run</c>, carried out by the
/// operation that made it.
/// </summary>
public abstract record UpkeepPlan
{
    /// <summary>How many files a plan names; a table may have millions.</summary>
    public const int MostExamples = 20;

    /// <summary>The operation: compaction, retention, manifests, …</summary>
    public abstract string Operation { get; }

    /// <summary>The table.</summary>
    public required TableIdentifier Table { get; init; }

    /// <summary>The identity of the table that was looked at: another one of that name is not touched.</summary>
    public required Guid TableUuid { get; init; }

    /// <summary>The snapshot that was looked at; null where the table had none.</summary>
    public long? SnapshotId { get; init; }

    /// <summary>What would be done, in order.</summary>
    public abstract IReadOnlyList<UpkeepStep> Steps { get; }

    /// <summary>What was left alone and why: one line each, worth showing.</summary>
    public IReadOnlyList<string> Remarks { get; init; } = [];

    /// <summary>Some of the files that would be deleted.</summary>
    public IReadOnlyList<string> Examples { get; init; } = [];

    /// <summary>Whether there is nothing to do.</summary>
    public bool IsEmpty => Steps.Count == 0;

    /// <summary>The plan as lines of text.</summary>
    public IEnumerable<string> Lines()
    {
        yield return IsEmpty
            ? $"{Operation} of {Table}: nothing to do"
            : string.Create(CultureInfo.InvariantCulture, $"{Operation} of {Table}: {Counted(Steps.Count, "step")}, {Counted(Steps.Sum(step => step.Files), "file")}, {Counted(Steps.Sum(step => step.Bytes), "byte")}");
        foreach (var step in Steps)
        {
            yield return $"  {step.Subject}: {step.What} ({step.Why})";
        }

        foreach (string file in Examples)
        {
            yield return "  " + file;
        }

        foreach (string remark in Remarks)
        {
            yield return $"  not touched: {remark}";
        }
    }

    private static string Counted(long count, string what) => string.Create(CultureInfo.InvariantCulture, $"{count:N0} {what}{(count == 1 ? "" : "s")}");
}
