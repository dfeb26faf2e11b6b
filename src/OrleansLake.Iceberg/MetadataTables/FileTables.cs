using System.Runtime.CompilerServices;
using OrleansLake.Iceberg.Expressions;

namespace OrleansLake.Iceberg;

/// <summary>The tables that manifests fill.</summary>
internal static class FileTables
{
    public static readonly IReadOnlyList<NestedField> ManifestFields =
    [
        new(14, "content", true, new IntegerType()), new(1, "path", true, new StringType()), new(2, "length", true, new LongType()), new(3, "partition_spec_id", true, new IntegerType()),
        new(18, "sequence_number", true, new LongType()), new(4, "added_snapshot_id", true, new LongType()),
        new(5, "added_data_files_count", false, new IntegerType()), new(6, "existing_data_files_count", false, new IntegerType()), new(7, "deleted_data_files_count", false, new IntegerType()),
        new(15, "added_delete_files_count", false, new IntegerType()), new(16, "existing_delete_files_count", false, new IntegerType()), new(17, "deleted_delete_files_count", false, new IntegerType()),
        new(8, "partition_summaries", false, new ListType(9, new StructType(
        [
            new(10, "contains_null", true, new BooleanType()), new(11, "contains_nan", false, new BooleanType()),
            new(12, "lower_bound", false, new StringType()), new(13, "upper_bound", false, new StringType()),
        ]), true)),
    ];

    public static IReadOnlyList<NestedField> EntryFields(TableMetadata metadata) =>
    [
        new(0, "status", true, new IntegerType()), new(1, "snapshot_id", false, new LongType()), new(3, "sequence_number", false, new LongType()),
        new(4, "file_sequence_number", false, new LongType()), new(2, "data_file", true, new StructType(new FileRows(metadata).Fields)),
    ];

    public static IReadOnlyList<NestedField> PartitionFields(TableMetadata metadata) =>
    [
        MetadataColumns.Partition(metadata) with { Id = 1, Name = "partition" }, new(4, "spec_id", true, new IntegerType()), new(2, "record_count", true, new LongType()),
        new(3, "file_count", true, new IntegerType()), new(11, "total_data_file_size_in_bytes", true, new LongType()),
        new(5, "position_delete_record_count", true, new LongType()), new(6, "position_delete_file_count", true, new IntegerType()),
        new(7, "equality_delete_record_count", true, new LongType()), new(8, "equality_delete_file_count", true, new IntegerType()),
        new(9, "last_updated_at", false, new TimestampType(true)), new(10, "last_updated_snapshot_id", false, new LongType()),
    ];

    public static async IAsyncEnumerable<object?[]> ManifestsAsync(LoadedTable table, Snapshot? snapshot, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var manifest in snapshot is null ? [] : await SnapshotFiles.ManifestsAsync(table, snapshot, cancellationToken).ConfigureAwait(false))
        {
            bool isData = manifest.Content == ManifestContent.Data;
            int? OfData(int? count) => isData ? count : 0;
            int? OfDeletes(int? count) => isData ? 0 : count;
            yield return
            [
                (int)manifest.Content, manifest.ManifestPath, manifest.ManifestLengthBytes, manifest.SpecId, manifest.SequenceNumber, manifest.AddedSnapshotId,
                OfData(manifest.AddedFilesCount), OfData(manifest.ExistingFilesCount), OfData(manifest.DeletedFilesCount),
                OfDeletes(manifest.AddedFilesCount), OfDeletes(manifest.ExistingFilesCount), OfDeletes(manifest.DeletedFilesCount),
                Summaries(table.Metadata, manifest),
            ];
        }
    }

    public static async IAsyncEnumerable<object?[]> FilesAsync(LoadedTable table, Snapshot? snapshot, Func<DataFile, bool> wanted, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (snapshot is null)
        {
            yield break;
        }

        var rows = new FileRows(table.Metadata);
        await foreach (var entry in SnapshotFiles.LiveAsync(table, snapshot, cancellationToken).ConfigureAwait(false))
        {
            if (wanted(entry.DataFile))
            {
                yield return rows.Of(entry.DataFile);
            }
        }
    }

    public static async IAsyncEnumerable<object?[]> EntriesAsync(LoadedTable table, Snapshot? snapshot, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var rows = new FileRows(table.Metadata);
        foreach (var manifest in snapshot is null ? [] : await SnapshotFiles.ManifestsAsync(table, snapshot, cancellationToken).ConfigureAwait(false))
        {
            await foreach (var entry in ManifestReader.ReadAsync(table.Store, manifest, table.Metadata, cancellationToken).ConfigureAwait(false))
            {
                yield return [(int)entry.Status, entry.SnapshotId, entry.SequenceNumber, entry.FileSequenceNumber, rows.Of(entry.DataFile)];
            }
        }
    }

    public static async IAsyncEnumerable<object?[]> PartitionsAsync(LoadedTable table, Snapshot? snapshot, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (snapshot is null)
        {
            yield break;
        }

        var rows = new FileRows(table.Metadata);
        var totals = new Dictionary<(int SpecId, PartitionKey Partition), PartitionTotals>();
        await foreach (var entry in SnapshotFiles.LiveAsync(table, snapshot, cancellationToken).ConfigureAwait(false))
        {
            var key = (entry.DataFile.SpecId, entry.DataFile.Partition);
            if (!totals.TryGetValue(key, out var total))
            {
                totals[key] = total = new PartitionTotals();
            }

            total.Add(entry, table.Metadata);
        }

        foreach (var ((specId, partition), total) in totals)
        {
            yield return
            [
                rows.PartitionOf(specId, partition), specId, total.Records, total.Files, total.Bytes, total.PositionDeletes, total.PositionDeleteFiles,
                total.EqualityDeletes, total.EqualityDeleteFiles, total.UpdatedMs * 1000, total.UpdatedBy,
            ];
        }
    }

    private static List<object?>? Summaries(TableMetadata metadata, ManifestFile manifest)
    {
        if (manifest.Partitions is null || metadata.PartitionSpecs.FirstOrDefault(spec => spec.SpecId == manifest.SpecId) is not { } spec)
        {
            return null;
        }

        var types = PartitionTypes.Of(metadata, spec);
        return [.. manifest.Partitions.Take(types.Count).Select((summary, i) => new object?[]
        {
            summary.ContainsNull, summary.ContainsNan, Text(types[i], summary.LowerBound), Text(types[i], summary.UpperBound),
        })];
    }

    private static string? Text(IcebergType type, byte[]? bound) => BoundValue.Read(type, bound) is { } value ? SingleValueText.Of(type, value) : null;

    private sealed class PartitionTotals
    {
        public long Records { get; private set; }

        public int Files { get; private set; }

        public long Bytes { get; private set; }

        public long PositionDeletes { get; private set; }

        public int PositionDeleteFiles { get; private set; }

        public long EqualityDeletes { get; private set; }

        public int EqualityDeleteFiles { get; private set; }

        public long? UpdatedMs { get; private set; }

        public long? UpdatedBy { get; private set; }

        public void Add(ManifestEntry entry, TableMetadata metadata)
        {
            switch (entry.DataFile.Content)
            {
                case DataFileContent.Data:
                    Records += entry.DataFile.RecordCount;
                    Bytes += entry.DataFile.FileSizeBytes;
                    Files++;
                    break;
                case DataFileContent.PositionDeletes:
                    PositionDeletes += entry.DataFile.RecordCount;
                    PositionDeleteFiles++;
                    break;
                default:
                    EqualityDeletes += entry.DataFile.RecordCount;
                    EqualityDeleteFiles++;
                    break;
            }

            // A snapshot that has been expired tells no time.
            if (metadata.FindSnapshot(entry.SnapshotId) is { } snapshot && (UpdatedMs is null || snapshot.TimestampMs > UpdatedMs))
            {
                UpdatedMs = snapshot.TimestampMs;
                UpdatedBy = snapshot.SnapshotId;
            }
        }
    }
}
