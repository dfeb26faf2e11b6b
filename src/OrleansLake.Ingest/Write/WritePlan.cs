using OrleansLake.Iceberg;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Write;

/// <summary>All that the files of one table have in common: worked out once for each schema, spec and set of properties.</summary>
internal sealed class WritePlan
{
    private const int ZstdLevel = 1;

    private readonly Stack<ParquetWriter> _idle = [];
    private readonly Lock _lock = new();
    private readonly TableMetadata _metadata;

    /// <summary>By the table's current schema and default spec.</summary>
    public WritePlan(LoadedTable table)
    {
        var metadata = table.Metadata;
        _metadata = metadata;
        Schema = metadata.CurrentSchema;
        Spec = metadata.DefaultSpec;
        Columns = IcebergParquet.ToParquet(Schema);
        Metrics = new FileMetrics(Schema, Columns, metadata.Properties);
        TargetFileSizeBytes = TableProperty.Long(metadata.Properties, "write.target-file-size-bytes", 512L << 20);
        Options = WriterOptions(metadata.Properties, Schema);
        DataLocation = (metadata.Properties.GetValueOrDefault("write.data.path") ?? metadata.Location + "/data").TrimEnd('/');
    }

    /// <summary>The schema that is written.</summary>
    public Schema Schema { get; }

    /// <summary>The spec that is written.</summary>
    public PartitionSpec Spec { get; }

    /// <summary>Its columns in a file.</summary>
    public ParquetSchema Columns { get; }

    /// <summary>What manifests say of the columns.</summary>
    public FileMetrics Metrics { get; }

    /// <summary>A file is closed at about this size.</summary>
    public long TargetFileSizeBytes { get; }

    /// <summary>How files are written.</summary>
    public ParquetWriterOptions Options { get; }

    /// <summary>Where files lie, without a slash at the end.</summary>
    public string DataLocation { get; }

    /// <summary>Whether files for that table, loaded later perhaps, are the same.</summary>
    public bool Fits(TableMetadata metadata) => ReferenceEquals(metadata, _metadata)
        || (metadata.TableUuid == _metadata.TableUuid
            && metadata.CurrentSchemaId == Schema.SchemaId
            && metadata.DefaultSpecId == Spec.SpecId
            && metadata.Location == _metadata.Location
            && SameWriteProperties(metadata.Properties, _metadata.Properties));

    /// <summary>Whether it is a plan of that table.</summary>
    public bool IsOf(Guid tableUuid) => _metadata.TableUuid == tableUuid;

    /// <summary>A writer of a file, with the memory of an earlier one if there is any.</summary>
    public ParquetWriter OpenWriter(Stream destination)
    {
        lock (_lock)
        {
            if (_idle.TryPop(out var idle))
            {
                idle.Reopen(destination);
                return idle;
            }
        }

        return new ParquetWriter(destination, Columns, Options);
    }

    /// <summary>Keeps a closed writer for the next file; only a few, for the memory that they hold.</summary>
    public void Keep(ParquetWriter closed)
    {
        lock (_lock)
        {
            if (_idle.Count < 4)
            {
                _idle.Push(closed);
                return;
            }
        }

        closed.Dispose();
    }

    private static bool SameWriteProperties(IReadOnlyDictionary<string, string> a, IReadOnlyDictionary<string, string> b)
    {
        if (ReferenceEquals(a, b))
        {
            return true;
        }

        static Dictionary<string, string> Write(IReadOnlyDictionary<string, string> all) =>
            all.Where(pair => pair.Key.StartsWith("write.", StringComparison.Ordinal)).ToDictionary();

        var (first, second) = (Write(a), Write(b));
        return first.Count == second.Count && first.All(pair => second.TryGetValue(pair.Key, out string? value) && value == pair.Value);
    }

    private static ParquetWriterOptions WriterOptions(IReadOnlyDictionary<string, string> properties, Schema schema)
    {
        string name = properties.GetValueOrDefault("write.parquet.compression-codec") ?? "zstd";
        var codec = name.ToLowerInvariant() switch
        {
            "zstd" => CompressionCodec.Zstd,
            "snappy" => CompressionCodec.Snappy,
            "gzip" => CompressionCodec.Gzip,
            "brotli" => CompressionCodec.Brotli,
            "lz4_raw" => CompressionCodec.Lz4Raw,
            "uncompressed" or "none" => CompressionCodec.Uncompressed,
            _ => throw new FormatException($"table property write.parquet.compression-codec: expected zstd, snappy, gzip, brotli, lz4_raw or uncompressed, got \"{name}\""),
        };
        var defaults = new ParquetWriterOptions();
        // Files of the line live until they are compacted: the lowest level costs less than half and gives a seventh away.
        int? level = properties.ContainsKey("write.parquet.compression-level")
            ? TableProperty.Integer(properties, "write.parquet.compression-level", 0, least: -100)
            : codec == CompressionCodec.Zstd ? ZstdLevel : null;
        return defaults with
        {
            Compression = codec,
            CompressionLevel = level,
            RowGroupSizeBytes = TableProperty.Long(properties, "write.parquet.row-group-size-bytes", defaults.RowGroupSizeBytes),
            PageSizeBytes = TableProperty.Integer(properties, "write.parquet.page-size-bytes", defaults.PageSizeBytes),
            PageRows = TableProperty.Integer(properties, "write.parquet.page-row-limit", defaults.PageRows),
            DictionarySizeBytes = TableProperty.Integer(properties, "write.parquet.dict-size-bytes", defaults.DictionarySizeBytes, least: 0),
            KeyValueMetadata = new Dictionary<string, string> { ["iceberg.schema"] = SchemaJson.Write(schema) },
        };
    }
}
