using System.Globalization;
using System.Runtime.CompilerServices;
using OrleansLake.Iceberg.Avro;

namespace OrleansLake.Iceberg;

/// <summary>Reads manifests of v1, v2 and v3. https://iceberg.apache.org/spec/#manifests</summary>
public static class ManifestReader
{
    /// <summary>Every entry of a manifest, with snapshot id, sequence numbers and row ids inherited where they are null.</summary>
    /// <exception cref="IcebergFormatException">The file is no manifest of this table.</exception>
    public static async IAsyncEnumerable<ManifestEntry> ReadAsync(
        IObjectStore store, ManifestFile manifest, TableMetadata metadata, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var bytes = await store.ReadAsync(manifest.ManifestPath, cancellationToken).ConfigureAwait(false);
        foreach (var entry in Read(bytes, manifest, metadata))
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return entry;
        }
    }

    /// <summary>Likewise, from bytes.</summary>
    internal static IEnumerable<ManifestEntry> Read(ReadOnlyMemory<byte> bytes, ManifestFile manifest, TableMetadata metadata)
    {
        var file = new AvroContainerReader(bytes, manifest.ManifestPath);
        var slots = new Slots(file.Schema, manifest, metadata);
        long? nextRowId = manifest.FirstRowId;
        foreach (var record in file.ReadRecords())
        {
            var entry = slots.ToEntry(record);
            if (nextRowId is long rowId && entry.DataFile is { FirstRowId: null, Content: DataFileContent.Data } && entry.Status != ManifestEntryStatus.Deleted)
            {
                entry = entry with { DataFile = entry.DataFile with { FirstRowId = rowId } };
                nextRowId = rowId + entry.DataFile.RecordCount;
            }

            yield return entry;
        }
    }

    /// <summary>The spec id in a manifest's header, for v1 snapshots that name manifests without a list.</summary>
    internal static int SpecIdOf(ReadOnlyMemory<byte> bytes, string location) =>
        int.TryParse(new AvroContainerReader(bytes, location).HeaderText("partition-spec-id"), CultureInfo.InvariantCulture, out int id) ? id : 0;

    /// <summary>Where the fields lie in the records of one file.</summary>
    private sealed class Slots
    {
        private readonly ManifestFile _manifest;
        private readonly int _status, _snapshotId, _sequenceNumber, _fileSequenceNumber, _dataFile;
        private readonly int _content, _path, _format, _partition, _recordCount, _fileSize, _columnSizes, _valueCounts, _nullCounts, _nanCounts;
        private readonly int _lower, _upper, _key, _splits, _equalityIds, _sortOrder, _firstRowId, _referenced, _contentPosition, _contentSize;
        private readonly (int Slot, AvroSchema Schema, IcebergType Type)[] _partitionSlots;

        public Slots(AvroSchema entry, ManifestFile manifest, TableMetadata metadata)
        {
            _manifest = manifest;
            _status = Required(entry, 0, "status");
            _snapshotId = entry.SlotOf(1, "snapshot_id");
            _sequenceNumber = entry.SlotOf(3, "sequence_number");
            _fileSequenceNumber = entry.SlotOf(4, "file_sequence_number");
            _dataFile = Required(entry, 2, "data_file");
            var file = entry.Fields[_dataFile].Schema.Unwrapped;
            _content = file.SlotOf(134, "content");
            _path = Required(file, 100, "file_path");
            _format = Required(file, 101, "file_format");
            _partition = Required(file, 102, "partition");
            _recordCount = Required(file, 103, "record_count");
            _fileSize = Required(file, 104, "file_size_in_bytes");
            _columnSizes = file.SlotOf(108, "column_sizes");
            _valueCounts = file.SlotOf(109, "value_counts");
            _nullCounts = file.SlotOf(110, "null_value_counts");
            _nanCounts = file.SlotOf(137, "nan_value_counts");
            _lower = file.SlotOf(125, "lower_bounds");
            _upper = file.SlotOf(128, "upper_bounds");
            _key = file.SlotOf(131, "key_metadata");
            _splits = file.SlotOf(132, "split_offsets");
            _equalityIds = file.SlotOf(135, "equality_ids");
            _sortOrder = file.SlotOf(140, "sort_order_id");
            _firstRowId = file.SlotOf(142, "first_row_id");
            _referenced = file.SlotOf(143, "referenced_data_file");
            _contentPosition = file.SlotOf(144, "content_offset");
            _contentSize = file.SlotOf(145, "content_size_in_bytes");
            _partitionSlots = PartitionSlots(file.Fields[_partition].Schema.Unwrapped, metadata);
        }

        public ManifestEntry ToEntry(object?[] record)
        {
            int status = Value<int>(record, _status, "status");
            if (status is < 0 or > 2)
            {
                throw Error("status", $"expected 0, 1 or 2, got {status}");
            }

            var file = record[_dataFile] as object?[] ?? throw Error("data_file", "expected a struct, got null");
            bool added = status == (int)ManifestEntryStatus.Added;
            // Only what was added inherits; a manifest of a v1 table gives 0 to all.
            bool inherits = added || _manifest.SequenceNumber == 0;
            return new ManifestEntry
            {
                Status = (ManifestEntryStatus)status,
                SnapshotId = Optional<long>(record, _snapshotId, "snapshot_id") ?? _manifest.AddedSnapshotId,
                SequenceNumber = Optional<long>(record, _sequenceNumber, "sequence_number") ?? (inherits ? _manifest.SequenceNumber : null),
                FileSequenceNumber = Optional<long>(record, _fileSequenceNumber, "file_sequence_number") ?? (inherits ? _manifest.SequenceNumber : null),
                DataFile = ToDataFile(file),
            };
        }

        private DataFile ToDataFile(object?[] file)
        {
            int content = Optional<int>(file, _content, "content") ?? 0;
            return new DataFile
            {
                Content = content is >= 0 and <= 2 ? (DataFileContent)content : throw Error("content", $"expected 0, 1 or 2, got {content}"),
                FilePath = Object<string>(file, _path, "file_path") ?? throw Error("file_path", "expected a location, got null"),
                FileFormat = Object<string>(file, _format, "file_format")?.ToLowerInvariant() ?? throw Error("file_format", "expected a format, got null"),
                SpecId = _manifest.SpecId,
                Partition = ToKey(file),
                RecordCount = Value<long>(file, _recordCount, "record_count"),
                FileSizeBytes = Value<long>(file, _fileSize, "file_size_in_bytes"),
                ColumnSizes = Object<IReadOnlyDictionary<int, long>>(file, _columnSizes, "column_sizes"),
                ValueCounts = Object<IReadOnlyDictionary<int, long>>(file, _valueCounts, "value_counts"),
                NullValueCounts = Object<IReadOnlyDictionary<int, long>>(file, _nullCounts, "null_value_counts"),
                NanValueCounts = Object<IReadOnlyDictionary<int, long>>(file, _nanCounts, "nan_value_counts"),
                LowerBounds = Object<IReadOnlyDictionary<int, byte[]>>(file, _lower, "lower_bounds"),
                UpperBounds = Object<IReadOnlyDictionary<int, byte[]>>(file, _upper, "upper_bounds"),
                KeyMetadata = Object<byte[]>(file, _key, "key_metadata"),
                SplitOffsets = Numbers<long>(file, _splits, "split_offsets"),
                EqualityIds = Numbers<int>(file, _equalityIds, "equality_ids"),
                SortOrderId = Optional<int>(file, _sortOrder, "sort_order_id"),
                FirstRowId = Optional<long>(file, _firstRowId, "first_row_id"),
                ReferencedDataFile = Object<string>(file, _referenced, "referenced_data_file"),
                ContentPosition = Optional<long>(file, _contentPosition, "content_offset"),
                ContentSizeBytes = Optional<long>(file, _contentSize, "content_size_in_bytes"),
            };
        }

        private PartitionKey ToKey(object?[] file)
        {
            if (_partitionSlots.Length == 0)
            {
                return PartitionKey.None;
            }

            var record = file[_partition] as object?[] ?? throw Error("partition", "expected a struct, got null");
            var values = new object?[_partitionSlots.Length];
            for (int i = 0; i < values.Length; i++)
            {
                var (slot, schema, type) = _partitionSlots[i];
                values[i] = slot < 0 ? null : PartitionTypes.FromAvro(schema, type, record[slot]);
            }

            return new PartitionKey(values);
        }

        private (int, AvroSchema, IcebergType)[] PartitionSlots(AvroSchema partition, TableMetadata metadata)
        {
            var spec = metadata.PartitionSpecs.FirstOrDefault(one => one.SpecId == _manifest.SpecId)
                ?? throw Error("partition-spec-id", $"expected a spec of the table, got {_manifest.SpecId}");
            var types = PartitionTypes.Of(metadata, spec);
            return [.. spec.Fields.Select((field, i) =>
            {
                int slot = partition.SlotOf(field.FieldId, AvroName.Safe(field.Name));
                return (slot, slot < 0 ? AvroSchema.Null : partition.Fields[slot].Schema, types[i]);
            })];
        }

        private int Required(AvroSchema record, int id, string name) =>
            record.SlotOf(id, name) is int slot and >= 0 ? slot : throw Error("avro.schema", $"expected a field {name} (id {id}), got none");

        private T Value<T>(object?[] record, int slot, string name)
            where T : struct => Optional<T>(record, slot, name) ?? throw Error(name, $"expected a {typeof(T).Name}, got null");

        private T? Optional<T>(object?[] record, int slot, string name)
            where T : struct => slot < 0 ? null : record[slot] switch
            {
                null => null,
                T value => value,
                int number when typeof(T) == typeof(long) => (T)(object)(long)number,
                var other => throw Error(name, $"expected a {typeof(T).Name}, got a {other.GetType().Name}"),
            };

        private T? Object<T>(object?[] record, int slot, string name)
            where T : class => slot < 0 ? null : record[slot] switch
            {
                null => null,
                T value => value,
                var other => throw Error(name, $"expected a {typeof(T).Name}, got a {other.GetType().Name}"),
            };

        private List<T>? Numbers<T>(object?[] record, int slot, string name)
            where T : struct => Object<List<object?>>(record, slot, name) is { } list
                ? [.. list.Select(item => item is T number ? number : throw Error(name, $"expected a {typeof(T).Name}"))]
                : null;

        private IcebergFormatException Error(string place, string problem) => new(_manifest.ManifestPath, place, problem);
    }
}
