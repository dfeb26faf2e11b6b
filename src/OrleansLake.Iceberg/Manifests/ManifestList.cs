using System.Globalization;
using System.Text;
using OrleansLake.Iceberg.Avro;

namespace OrleansLake.Iceberg;

/// <summary>The manifests of one snapshot. https://iceberg.apache.org/spec/#manifest-lists</summary>
public sealed class ManifestList
{
    private ManifestList(string location, IReadOnlyDictionary<string, string> header, IReadOnlyList<ManifestFile> manifests)
    {
        Location = location;
        Header = header;
        Manifests = manifests;
    }

    /// <summary>Where it lies.</summary>
    public string Location { get; }

    /// <summary>The keys of the file's header as UTF-8 text, those of the writer among them.</summary>
    public IReadOnlyDictionary<string, string> Header { get; }

    /// <summary>The manifests in the order of the list.</summary>
    public IReadOnlyList<ManifestFile> Manifests { get; }

    /// <summary>Bytes of the file.</summary>
    public long SizeBytes { get; private init; }

    /// <summary>Reads a manifest list of v1, v2 or v3.</summary>
    /// <exception cref="IcebergFormatException">The file is no manifest list.</exception>
    public static async Task<ManifestList> ReadAsync(IObjectStore store, string location, CancellationToken cancellationToken) =>
        Read(await store.ReadAsync(location, cancellationToken).ConfigureAwait(false), location);

    internal static ManifestList Read(ReadOnlyMemory<byte> bytes, string location)
    {
        var file = new AvroContainerReader(bytes, location);
        var record = new Record(file.Schema, location);
        var manifests = file.ReadRecords().Select(record.ToManifest).ToList();
        return new ManifestList(location, file.Header.ToDictionary(pair => pair.Key, pair => Encoding.UTF8.GetString(pair.Value)), manifests) { SizeBytes = bytes.Length };
    }

    /// <summary>The bytes of a list.</summary>
    internal static ReadOnlyMemory<byte> Write(
        int formatVersion,
        Snapshot snapshot,
        IReadOnlyList<ManifestFile> manifests,
        IReadOnlyDictionary<string, string> extraHeader,
        Guid sync)
    {
        var header = new Dictionary<string, string>(extraHeader)
        {
            ["snapshot-id"] = Text(snapshot.SnapshotId),
            ["parent-snapshot-id"] = snapshot.ParentSnapshotId is long parent ? Text(parent) : "null",
            ["sequence-number"] = Text(snapshot.SequenceNumber),
            ["format-version"] = Text(formatVersion),
        };
        if (formatVersion >= 3)
        {
            header["first-row-id"] = Text(snapshot.FirstRowId ?? 0);
        }

        var writer = new AvroContainerWriter(ManifestSchemas.ManifestFileOf(formatVersion), header, AvroCodec.Deflate, sync);
        foreach (var manifest in manifests)
        {
            var values = new List<object?>
            {
                manifest.ManifestPath, manifest.ManifestLengthBytes, manifest.SpecId, (int)manifest.Content, manifest.SequenceNumber,
                manifest.MinSequenceNumber, manifest.AddedSnapshotId,
                manifest.AddedFilesCount ?? 0, manifest.ExistingFilesCount ?? 0, manifest.DeletedFilesCount ?? 0,
                manifest.AddedRowsCount ?? 0, manifest.ExistingRowsCount ?? 0, manifest.DeletedRowsCount ?? 0,
                manifest.Partitions?.Select(object? (one) => new object?[] { one.ContainsNull, one.ContainsNan, one.LowerBound, one.UpperBound }).ToList(),
                manifest.KeyMetadata,
            };
            if (formatVersion >= 3)
            {
                values.Add(manifest.FirstRowId);
            }

            writer.Append([.. values]);
        }

        return writer.Finish();
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary>Where the fields lie in the records of one file.</summary>
    private sealed class Record(AvroSchema schema, string location)
    {
        private readonly AvroSchema? _summary = schema.SlotOf(507, "partitions") is int slot and >= 0 ? schema.Fields[slot].Schema.Unwrapped.Items : null;

        public ManifestFile ToManifest(object?[] values)
        {
            int content = (int)(Number(values, 517, "content") ?? 0);
            return new ManifestFile
            {
                ManifestPath = Get(values, 500, "manifest_path") as string ?? throw Missing("manifest_path"),
                ManifestLengthBytes = Number(values, 501, "manifest_length") ?? throw Missing("manifest_length"),
                SpecId = (int)(Number(values, 502, "partition_spec_id") ?? 0),
                Content = content is 0 or 1 ? (ManifestContent)content : throw new IcebergFormatException(location, "content", $"expected 0 or 1, got {content}"),
                SequenceNumber = Number(values, 515, "sequence_number") ?? 0,
                MinSequenceNumber = Number(values, 516, "min_sequence_number") ?? 0,
                AddedSnapshotId = Number(values, 503, "added_snapshot_id") ?? 0,
                AddedFilesCount = (int?)Number(values, 504, "added_files_count", "added_data_files_count"),
                ExistingFilesCount = (int?)Number(values, 505, "existing_files_count", "existing_data_files_count"),
                DeletedFilesCount = (int?)Number(values, 506, "deleted_files_count", "deleted_data_files_count"),
                AddedRowsCount = Number(values, 512, "added_rows_count"),
                ExistingRowsCount = Number(values, 513, "existing_rows_count"),
                DeletedRowsCount = Number(values, 514, "deleted_rows_count"),
                Partitions = (Get(values, 507, "partitions") as List<object?>)?.Select(ToSummary).ToList(),
                KeyMetadata = Get(values, 519, "key_metadata") as byte[],
                FirstRowId = Number(values, 520, "first_row_id"),
            };
        }

        private PartitionSummary ToSummary(object? value)
        {
            if (value is not object?[] fields || _summary is not { Kind: AvroKind.Record })
            {
                throw new IcebergFormatException(location, "partitions", "expected summaries");
            }

            object? Field(int id, string name) => _summary.SlotOf(id, name) is int slot and >= 0 ? fields[slot] : null;
            return new PartitionSummary(
                Field(509, "contains_null") is true,
                Field(518, "contains_nan") as bool?,
                Field(510, "lower_bound") as byte[],
                Field(511, "upper_bound") as byte[]);
        }

        private object? Get(object?[] values, int id, string name) => schema.SlotOf(id, name) is int slot and >= 0 ? values[slot] : null;

        private long? Number(object?[] values, int id, string name, string? oldName = null) => (Get(values, id, name) ?? (oldName is null ? null : Get(values, id, oldName))) switch
        {
            null => null,
            int number => number,
            long number => number,
            var other => throw new IcebergFormatException(location, name, $"expected a number, got a {other.GetType().Name}"),
        };

        private IcebergFormatException Missing(string name) => new(location, name, "expected a value, got none");
    }
}
