#nullable disable
namespace Amazon.Glue.Model;

public class Column
{
    public string Comment { get; set; }

    public string Name { get; set; }

    public Dictionary<string, string> Parameters { get; set; }

    public string Type { get; set; }
}

public class SerDeInfo
{
    public string Name { get; set; }

    public Dictionary<string, string> Parameters { get; set; }

    public string SerializationLibrary { get; set; }
}

public class Order
{
    public string Column { get; set; }

    public int? SortOrder { get; set; }
}

public class SkewedInfo
{
    public List<string> SkewedColumnNames { get; set; }

    public Dictionary<string, string> SkewedColumnValueLocationMaps { get; set; }

    public List<string> SkewedColumnValues { get; set; }
}

public class SchemaId
{
    public string RegistryName { get; set; }

    public string SchemaArn { get; set; }

    public string SchemaName { get; set; }
}

public class SchemaReference
{
    public SchemaId SchemaId { get; set; }

    public string SchemaVersionId { get; set; }

    public long? SchemaVersionNumber { get; set; }
}

public class StorageDescriptor
{
    public List<string> AdditionalLocations { get; set; }

    public List<string> BucketColumns { get; set; }

    public List<Column> Columns { get; set; }

    public bool? Compressed { get; set; }

    public string InputFormat { get; set; }

    public string Location { get; set; }

    public int? NumberOfBuckets { get; set; }

    public string OutputFormat { get; set; }

    public Dictionary<string, string> Parameters { get; set; }

    public SchemaReference SchemaReference { get; set; }

    public SerDeInfo SerdeInfo { get; set; }

    public SkewedInfo SkewedInfo { get; set; }

    public List<Order> SortColumns { get; set; }

    public bool? StoredAsSubDirectories { get; set; }
}

public class TableIdentifier
{
    public string CatalogId { get; set; }

    public string DatabaseName { get; set; }

    public string Name { get; set; }

    public string Region { get; set; }
}

public class Table
{
    public string CatalogId { get; set; }

    public string CreatedBy { get; set; }

    public DateTime? CreateTime { get; set; }

    public string DatabaseName { get; set; }

    public string Description { get; set; }

    public bool? IsRegisteredWithLakeFormation { get; set; }

    public DateTime? LastAccessTime { get; set; }

    public DateTime? LastAnalyzedTime { get; set; }

    public string Name { get; set; }

    public string Owner { get; set; }

    public Dictionary<string, string> Parameters { get; set; }

    public List<Column> PartitionKeys { get; set; }

    public int? Retention { get; set; }

    public StorageDescriptor StorageDescriptor { get; set; }

    public string TableType { get; set; }

    public TableIdentifier TargetTable { get; set; }

    public DateTime? UpdateTime { get; set; }

    public string VersionId { get; set; }

    public string ViewExpandedText { get; set; }

    public string ViewOriginalText { get; set; }
}

public class TableInput
{
    public string Description { get; set; }

    public DateTime? LastAccessTime { get; set; }

    public DateTime? LastAnalyzedTime { get; set; }

    public string Name { get; set; }

    public string Owner { get; set; }

    public Dictionary<string, string> Parameters { get; set; }

    public List<Column> PartitionKeys { get; set; }

    public int? Retention { get; set; }

    public StorageDescriptor StorageDescriptor { get; set; }

    public string TableType { get; set; }

    public TableIdentifier TargetTable { get; set; }

    public string ViewExpandedText { get; set; }

    public string ViewOriginalText { get; set; }
}

public class Database
{
    public string CatalogId { get; set; }

    public DateTime? CreateTime { get; set; }

    public string Description { get; set; }

    public string LocationUri { get; set; }

    public string Name { get; set; }

    public Dictionary<string, string> Parameters { get; set; }
}

public class DatabaseInput
{
    public string Description { get; set; }

    public string LocationUri { get; set; }

    public string Name { get; set; }

    public Dictionary<string, string> Parameters { get; set; }
}
