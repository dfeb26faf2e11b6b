using System.Globalization;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Ingest.Read;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Quality;

/// <summary>What an audit of a branch found.</summary>
/// <param name="Rows">Rows that the branch has and main has not.</param>
/// <param name="Findings">What they do not meet; none: they pass.</param>
public sealed record BranchFindings(long Rows, IReadOnlyList<string> Findings);

/// <summary>Asks the rows that a branch has beyond main what is expected of them, before main has them too.</summary>
public static class BranchAudit
{
    /// <summary>Reads the data files that one state has and another has not.</summary>
    /// <exception cref="ArgumentException">An expectation cannot be asked of the table.</exception>
    /// <exception cref="FormatException">A condition cannot be read.</exception>
    public static async Task<BranchFindings> RunAsync(LoadedTable table, Snapshot branch, Snapshot? main, IReadOnlyList<Expectation> expectations, CancellationToken cancellationToken)
    {
        var known = new HashSet<string>(StringComparer.Ordinal);
        if (main is not null)
        {
            await foreach (ManifestEntry entry in SnapshotFiles.LiveAsync(table, main, cancellationToken).ConfigureAwait(false))
            {
                known.Add(entry.DataFile.FilePath);
            }
        }

        Schema schema = table.Metadata.CurrentSchema;
        var scan = new TableScan(table, new ScanOptions { Snapshot = branch, Schema = schema });
        // A share of nulls is of all that is new.
        RowCheck[] checks = [.. expectations.Select(one => RowCheck.Of(one with { Window = int.MaxValue }, schema, scan.Columns, new RowCheck.WindowMemory()))];
        long[] unmet = new long[checks.Length];
        var nulls = new long[checks.Length];
        long rows = 0;
        bool[] met = [];
        using KafkaBatch none = new(new TopicPartition("", 0), new OffsetRange(0, 0), -1, [], [], 0);
        await foreach (FileScanTask task in scan.PlanAsync(cancellationToken).ConfigureAwait(false))
        {
            if (known.Contains(task.File.FilePath))
            {
                continue;
            }

            await foreach (ColumnBatch batch in scan.ReadAsync(task, cancellationToken).ConfigureAwait(false))
            {
                rows += batch.RowCount;
                met = met.Length < batch.RowCount ? new bool[batch.RowCount] : met;
                for (int i = 0; i < checks.Length; i++)
                {
                    Span<bool> marks = met.AsSpan(0, batch.RowCount);
                    marks.Fill(true);
                    checks[i].Apply(batch, none, [], marks);
                    unmet[i] += marks.Count(false);
                    nulls[i] = checks[i].Nulls;
                }
            }
        }

        var findings = new List<string>();
        for (int i = 0; i < checks.Length; i++)
        {
            if (unmet[i] > 0)
            {
                findings.Add(string.Create(CultureInfo.InvariantCulture, $"{expectations[i].Name}: expected {expectations[i].Text}, {unmet[i]} of {rows} new rows did not"));
            }
            else if (rows > 0 && nulls[i] > expectations[i].MaxNullShare * rows)
            {
                findings.Add(string.Create(CultureInfo.InvariantCulture, $"{expectations[i].Name}: {expectations[i].Column} was null in {nulls[i]} of {rows} new rows, the bound is {expectations[i].MaxNullShare:P1}"));
            }
        }

        return new BranchFindings(rows, findings);
    }
}
