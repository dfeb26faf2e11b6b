using OrleansLake.Iceberg;

namespace OrleansLake.Ingest.Commit;

/// <summary>Finds what contradicts itself in a report: what a writer promises, the committer asserts.</summary>
internal static class ReportCheck
{
    /// <summary>The first fault in words; null when there is none.</summary>
    public static string? FirstFault(DataWritten report, TableMetadata metadata)
    {
        if (report.Generation.Contains('#') || report.Pipeline.Length == 0)
        {
            return $"expected a pipeline's name and a generation without '#', got \"{report.Pipeline}\", \"{report.Generation}\"";
        }

        if (report.Ranges.Count == 0)
        {
            return "expected at least one offset range, got none";
        }

        var seen = new HashSet<TopicPartition>();
        long rows = 0;
        long deadLetters = 0;
        foreach (WrittenRange range in report.Ranges)
        {
            long deadLettersOfRange = range.DeadLetters ?? range.Rejected;
            if (range.TopicPartition.Partition < 0 || !seen.Add(range.TopicPartition))
            {
                return $"{range.TopicPartition}: expected one range of each topic-partition, got another";
            }

            if (range.Rows < 0 || range.Rejected < 0 || range.Gap < 0 || range.Rows + range.Rejected + range.Gap != range.Range.Length)
            {
                return $"{range.TopicPartition} {range.Range}: expected rows + rejected + gap = {range.Range.Length}, got {range.Rows} + {range.Rejected} + {range.Gap}";
            }

            if (deadLettersOfRange < 0 || deadLettersOfRange > range.Rejected)
            {
                return $"{range.TopicPartition} {range.Range}: expected at most {range.Rejected} dead letters, got {deadLettersOfRange}";
            }

            rows += range.Rows;
            deadLetters += deadLettersOfRange;
        }

        return FirstFaultOfFiles(report.Files, rows, "rows")
            ?? FirstFaultOfFiles(report.DeadLetterFiles, deadLetters, "dead letters")
            ?? FirstFaultOfSpecs(report, metadata);
    }

    private static string? FirstFaultOfFiles(IReadOnlyList<DataFile> files, long expected, string what)
    {
        var paths = new HashSet<string>(StringComparer.Ordinal);
        long records = 0;
        foreach (DataFile file in files)
        {
            if (file.Content != DataFileContent.Data)
            {
                return $"{file.FilePath}: expected a data file, got {file.Content}";
            }

            if (!paths.Add(file.FilePath))
            {
                return $"{file.FilePath} is listed twice";
            }

            records += file.RecordCount;
        }

        return records == expected ? null : $"expected {expected} {what} by its ranges, got {records} in its files";
    }

    private static string? FirstFaultOfSpecs(DataWritten report, TableMetadata metadata)
    {
        // Another table's specs say nothing; the judge comes to that next.
        if (report.TableUuid != metadata.TableUuid)
        {
            return null;
        }

        foreach (DataFile file in report.Files)
        {
            PartitionSpec? spec = metadata.PartitionSpecs.FirstOrDefault(spec => spec.SpecId == file.SpecId);
            if (spec is null)
            {
                return $"{file.FilePath}: the table has no partition spec {file.SpecId}";
            }

            if (spec.Fields.Count != file.Partition.Values.Count)
            {
                return $"{file.FilePath}: expected {spec.Fields.Count} partition values, got {file.Partition.Values.Count}";
            }
        }

        return null;
    }
}
