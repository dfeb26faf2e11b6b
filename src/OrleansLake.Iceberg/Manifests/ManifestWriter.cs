using System.Globalization;
using OrleansLake.Iceberg.Avro;

namespace OrleansLake.Iceberg;

/// <summary>Writes one manifest: entries of one spec, data or deletes, never both.</summary>
/// <remarks>
/// Entries that are ADDED carry neither sequence number nor snapshot id of their own, so that the manifest is written once
/// however often the commit is tried. https://iceberg.apache.org/spec/#sequence-number-inheritance
/// </remarks>
internal sealed class ManifestWriter
{
    private readonly ManifestContent _content;
    private readonly PartitionSpec _spec;
    private readonly int _formatVersion;
    private readonly IReadOnlyList<IcebergType> _partitionTypes;
    private readonly AvroContainerWriter _file;
    private readonly SummaryBuilder[] _summaries;
    private readonly int[] _files = new int[3];
    private readonly long[] _rows = new long[3];
    private long _minSequenceNumber = long.MaxValue;

    public ManifestWriter(TableMetadata metadata, int specId, ManifestContent content, Guid sync)
    {
        if (metadata.FormatVersion < 2)
        {
            throw new NotSupportedException($"table {metadata.Location} has format version {metadata.FormatVersion}: it can be read, but is written only after an upgrade to 2");
        }

        _content = content;
        _formatVersion = metadata.FormatVersion;
        _spec = metadata.PartitionSpecs.FirstOrDefault(spec => spec.SpecId == specId)
            ?? throw new ArgumentException($"expected a spec of the table, got {specId}");
        if (_spec.UnknownField is { } unknown)
        {
            // https://iceberg.apache.org/spec/#partition-transforms
            throw new NotSupportedException($"table {metadata.Location}, partition spec {specId}: the transform {unknown.Transform} of field {unknown.Name} is not known here, so nothing is written by it");
        }

        _partitionTypes = PartitionTypes.Of(metadata, _spec);
        _summaries = [.. _partitionTypes.Select(_ => new SummaryBuilder())];
        var schema = ManifestSchemas.ManifestEntryOf(_formatVersion, PartitionTypes.RecordOf(_spec, _partitionTypes), content);
        _file = new AvroContainerWriter(
            schema,
            [
                new("schema", SchemaJson.Write(metadata.CurrentSchema)),
                new("schema-id", metadata.CurrentSchemaId.ToString(CultureInfo.InvariantCulture)),
                new("partition-spec", SpecJson.WriteFields(_spec)),
                new("partition-spec-id", specId.ToString(CultureInfo.InvariantCulture)),
                new("format-version", _formatVersion.ToString(CultureInfo.InvariantCulture)),
                new("content", content == ManifestContent.Data ? "data" : "deletes"),
            ],
            AvroCodec.Deflate,
            sync);
    }

    /// <summary>Bytes so far, about.</summary>
    public long SizeBytes => _file.SizeBytes;

    public int EntryCount => _files.Sum();

    /// <summary>A file that comes with the commit: it inherits snapshot id and sequence number.</summary>
    public void AddNew(DataFile file) => Add(new ManifestEntry { Status = ManifestEntryStatus.Added, DataFile = file });

    /// <summary>
    /// An entry as it is. One that is not ADDED has both sequence numbers; one that is ADDED with none inherits them.
    /// </summary>
    public void Add(ManifestEntry entry)
    {
        var file = entry.DataFile;
        if (file.SpecId != _spec.SpecId || (file.Content == DataFileContent.Data) != (_content == ManifestContent.Data))
        {
            throw new ArgumentException($"{file.FilePath}: expected a {_content} file of spec {_spec.SpecId}, got {file.Content} of spec {file.SpecId}");
        }

        if (entry.Status != ManifestEntryStatus.Added && (entry.SequenceNumber is null || entry.FileSequenceNumber is null))
        {
            throw new ArgumentException($"{file.FilePath}: expected the sequence numbers of a file that is {entry.Status}");
        }

        if (file.Partition.Values.Count != _spec.Fields.Count)
        {
            throw new ArgumentException($"{file.FilePath}: expected {_spec.Fields.Count} partition values, got {file.Partition.Values.Count}");
        }

        try
        {
            _file.Append([(int)entry.Status, entry.SnapshotId, entry.SequenceNumber, entry.FileSequenceNumber, ToRecord(file)]);
        }
        catch (ArgumentException e)
        {
            throw new ArgumentException($"{file.FilePath}: {e.Message}", e);
        }

        _files[(int)entry.Status]++;
        _rows[(int)entry.Status] += file.RecordCount;
        for (int i = 0; i < _summaries.Length; i++)
        {
            _summaries[i].Add(file.Partition.Values[i]);
        }

        if (entry.Status != ManifestEntryStatus.Deleted && entry.SequenceNumber is long sequenceNumber)
        {
            _minSequenceNumber = Math.Min(_minSequenceNumber, sequenceNumber);
        }
    }

    /// <summary>The bytes, and the descriptor with its sequence number yet unassigned.</summary>
    public (ReadOnlyMemory<byte> Content, ManifestFile Manifest) Finish(string location, long snapshotId)
    {
        var bytes = _file.Finish();
        return (bytes, new ManifestFile
        {
            ManifestPath = location,
            ManifestLengthBytes = bytes.Length,
            SpecId = _spec.SpecId,
            Content = _content,
            SequenceNumber = ManifestFile.Unassigned,
            MinSequenceNumber = _minSequenceNumber == long.MaxValue ? ManifestFile.Unassigned : _minSequenceNumber,
            AddedSnapshotId = snapshotId,
            ExistingFilesCount = _files[0],
            AddedFilesCount = _files[1],
            DeletedFilesCount = _files[2],
            ExistingRowsCount = _rows[0],
            AddedRowsCount = _rows[1],
            DeletedRowsCount = _rows[2],
            Partitions = [.. _summaries.Select(summary => summary.Build())],
        });
    }

    private object?[] ToRecord(DataFile file)
    {
        var partition = new object?[_partitionTypes.Count];
        for (int i = 0; i < partition.Length; i++)
        {
            partition[i] = PartitionTypes.ToAvro(_partitionTypes[i], file.Partition.Values[i]);
        }

        var values = new List<object?>(20)
        {
            (int)file.Content, file.FilePath, file.FileFormat.ToUpperInvariant(), partition, file.RecordCount, file.FileSizeBytes,
            file.ColumnSizes, file.ValueCounts, file.NullValueCounts, file.NanValueCounts, file.LowerBounds, file.UpperBounds,
            file.KeyMetadata, file.SplitOffsets, file.EqualityIds, file.SortOrderId,
        };
        if (_formatVersion >= 3)
        {
            values.Add(file.FirstRowId);
        }

        if (_formatVersion >= 3 || _content == ManifestContent.Deletes)
        {
            values.Add(file.ReferencedDataFile);
        }

        if (_formatVersion >= 3)
        {
            values.Add(file.ContentPosition);
            values.Add(file.ContentSizeBytes);
        }

        return [.. values];
    }

    /// <summary>Bounds are whole values, never cut: a cut upper bound made other engines skip manifests.</summary>
    private sealed class SummaryBuilder
    {
        private bool _containsNull, _containsNan;
        private object? _lower, _upper;

        public void Add(object? value)
        {
            if (value is null)
            {
                _containsNull = true;
            }
            else if (value is float.NaN or double.NaN)
            {
                _containsNan = true;
            }
            else
            {
                _lower = _lower is null || SingleValue.Compare(value, _lower) < 0 ? value : _lower;
                _upper = _upper is null || SingleValue.Compare(value, _upper) > 0 ? value : _upper;
            }
        }

        public PartitionSummary Build() => new(
            _containsNull,
            _containsNan,
            _lower is null ? null : SingleValue.ToBytes(_lower),
            _upper is null ? null : SingleValue.ToBytes(_upper));
    }
}
