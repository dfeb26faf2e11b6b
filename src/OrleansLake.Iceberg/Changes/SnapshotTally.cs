using System.Globalization;

namespace OrleansLake.Iceberg;

/// <summary>What a snapshot adds and removes, counted as Java counts it.</summary>
internal sealed class SnapshotTally
{
    private readonly HashSet<(int SpecId, PartitionKey Partition)> _partitions = [];
    private readonly Dictionary<string, long> _counters = new(StringComparer.Ordinal);

    /// <summary>What the files that were added and removed make of the totals.</summary>
    public Totals Change { get; private set; }

    public bool AddsDataFiles => Of("added-data-files") > 0;

    public bool AddsDeleteFiles => Of("added-delete-files") > 0;

    public bool RemovesDataFiles => Of("deleted-data-files") > 0;

    /// <summary>Counters beside those of files, which are told also where they are zero.</summary>
    public Dictionary<string, long> Others { get; } = [];

    public void Add(DataFile file)
    {
        _partitions.Add((file.SpecId, file.Partition));
        Change += Totals.Of(file);
        Count("added-files-size", Totals.Of(file).Bytes);
        switch (file.Content)
        {
            case DataFileContent.Data:
                Count("added-data-files", 1);
                Count("added-records", file.RecordCount);
                break;
            case DataFileContent.PositionDeletes:
                Count("added-delete-files", 1);
                Count(file.IsDeletionVector ? "added-dvs" : "added-position-delete-files", 1);
                Count("added-position-deletes", file.RecordCount);
                break;
            default:
                Count("added-delete-files", 1);
                Count("added-equality-delete-files", 1);
                Count("added-equality-deletes", file.RecordCount);
                break;
        }
    }

    public void Remove(DataFile file)
    {
        _partitions.Add((file.SpecId, file.Partition));
        Change -= Totals.Of(file);
        Count("removed-files-size", Totals.Of(file).Bytes);
        switch (file.Content)
        {
            case DataFileContent.Data:
                Count("deleted-data-files", 1);
                Count("deleted-records", file.RecordCount);
                break;
            case DataFileContent.PositionDeletes:
                Count("removed-delete-files", 1);
                Count(file.IsDeletionVector ? "removed-dvs" : "removed-position-delete-files", 1);
                Count("removed-position-deletes", file.RecordCount);
                break;
            default:
                Count("removed-delete-files", 1);
                Count("removed-equality-delete-files", 1);
                Count("removed-equality-deletes", file.RecordCount);
                break;
        }
    }

    /// <summary>Sets the counters that Java sets: those of files where they are not zero, the partitions always.</summary>
    public void WriteTo(IDictionary<string, string> summary)
    {
        foreach (var (name, value) in _counters.Where(pair => pair.Value > 0).Concat(Others))
        {
            summary[name] = value.ToString(CultureInfo.InvariantCulture);
        }

        summary["changed-partition-count"] = _partitions.Count.ToString(CultureInfo.InvariantCulture);
    }

    private long Of(string counter) => _counters.GetValueOrDefault(counter);

    private void Count(string counter, long value) => _counters[counter] = Of(counter) + value;
}

/// <summary>The totals of a summary.</summary>
internal readonly record struct Totals(long Records, long Bytes, long DataFiles, long DeleteFiles, long PositionDeletes, long EqualityDeletes)
{
    public static Totals Of(DataFile file)
    {
        // Of a Puffin file that many deletion vectors share, each counts its own part.
        long bytes = file.ContentSizeBytes ?? file.FileSizeBytes;
        return file.Content switch
        {
            DataFileContent.Data => new Totals(file.RecordCount, bytes, 1, 0, 0, 0),
            DataFileContent.PositionDeletes => new Totals(0, bytes, 0, 1, file.RecordCount, 0),
            _ => new Totals(0, bytes, 0, 1, 0, file.RecordCount),
        };
    }

    public static Totals operator +(Totals a, Totals b) => new(
        a.Records + b.Records, a.Bytes + b.Bytes, a.DataFiles + b.DataFiles, a.DeleteFiles + b.DeleteFiles,
        a.PositionDeletes + b.PositionDeletes, a.EqualityDeletes + b.EqualityDeletes);

    public static Totals operator -(Totals a, Totals b) => new(
        a.Records - b.Records, a.Bytes - b.Bytes, a.DataFiles - b.DataFiles, a.DeleteFiles - b.DeleteFiles,
        a.PositionDeletes - b.PositionDeletes, a.EqualityDeletes - b.EqualityDeletes);

    public bool HasNegative => Records < 0 || Bytes < 0 || DataFiles < 0 || DeleteFiles < 0 || PositionDeletes < 0 || EqualityDeletes < 0;
}
