using OrleansLake.Iceberg;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Write;

/// <summary>All that the files of one table have in common: worked out once for each schema, spec and set of properties.</summary>
internal sealed class WritePlan
{
    /// <summary>Memory of closed writers that is kept for the next files.</summary>
    private const long KeptBytes = 96L << 20;

    private readonly Stack<ParquetWriter> _idle = [];
    private readonly Lock _lock = new();
    private readonly TableMetadata _metadata;
    private long _kept;

    /// <summary>By the table's current schema and default spec.</summary>
    public WritePlan(LoadedTable table)
        : this(table.Metadata, table.Metadata.CurrentSchema, table.Metadata.DefaultSpec)
    {
    }

    /// <summary>By another schema or spec.</summary>
    public WritePlan(TableMetadata metadata, Schema schema, PartitionSpec spec)
    {
        _metadata = metadata;
        Schema = schema;
        Spec = spec;
        Columns = IcebergParquet.ToParquet(Schema);
        var order = metadata.SortOrders.FirstOrDefault(order => order.OrderId == metadata.DefaultSortOrderId);
        Metrics = new FileMetrics(Schema, Columns, metadata.Properties, order);
        TargetFileSizeBytes = TableProperty.Long(metadata.Properties, "write.target-file-size-bytes", 512L << 20);
        Options = ParquetProperties.Read(metadata.Properties, Schema, Columns);
        Locations = new FileLocations(metadata);
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
    public long TargetFileSizeBytes { get; init; }

    /// <summary>The order of the rows of each file; 0: that of their records, whatever order the table would like.</summary>
    public int SortOrderId { get; init; }

    /// <summary>How files are written.</summary>
    public ParquetWriterOptions Options { get; }

    /// <summary>Where files lie.</summary>
    public FileLocations Locations { get; }

    /// <summary>Whether files for that table, loaded later perhaps, are the same.</summary>
    public bool Fits(TableMetadata metadata) => ReferenceEquals(metadata, _metadata)
        || (metadata.TableUuid == _metadata.TableUuid
            && metadata.CurrentSchemaId == Schema.SchemaId
            && metadata.DefaultSpecId == Spec.SpecId
            && metadata.DefaultSortOrderId == _metadata.DefaultSortOrderId
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
                _kept -= idle.KeptBytes;
                idle.Reopen(destination);
                return idle;
            }
        }

        return new ParquetWriter(destination, Columns, Options);
    }

    /// <summary>Keeps a closed writer for the next file, unless those that are kept hold enough memory already.</summary>
    public void Keep(ParquetWriter closed)
    {
        lock (_lock)
        {
            if (_kept + closed.KeptBytes <= KeptBytes)
            {
                _kept += closed.KeptBytes;
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
            all.Where(pair => pair.Key.StartsWith("write.", StringComparison.Ordinal) || pair.Key == ParquetProperties.EncodingsProperty).ToDictionary();

        var (first, second) = (Write(a), Write(b));
        return first.Count == second.Count && first.All(pair => second.TryGetValue(pair.Key, out string? value) && value == pair.Value);
    }
}
