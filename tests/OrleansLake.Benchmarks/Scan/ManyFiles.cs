using System.Text;
using OrleansLake.Iceberg;

namespace OrleansLake.Benchmarks.Scan;

/// <summary>Data files that are only told of, each with metrics of twenty columns, a hundred table partitions.</summary>
internal static class ManyFiles
{
    /// <summary>Columns of a table beside the one that partitions it.</summary>
    internal const int Columns = 20;

    /// <summary>Long integers and strings, partitioned by a date.</summary>
    internal static Schema Schema { get; } = new()
    {
        SchemaId = 0,
        Fields = [.. Enumerable.Range(0, Columns).Select(i => new NestedField(i + 1, $"c{i}", false, i % 4 == 3 ? new StringType() : new LongType())), new NestedField(100, "day", false, new DateType())],
    };

    /// <summary>By the date as it is.</summary>
    internal static PartitionSpec Spec { get; } = new() { SpecId = 0, Fields = [new PartitionField(1000, "day", [100], new Transform.Identity())] };

    /// <summary>The file of a number below a table's location.</summary>
    internal static DataFile File(string location, int i)
    {
        var ids = Enumerable.Range(1, Columns).ToList();
        byte[] Bound(int id, int value) => (id - 1) % 4 == 3 ? Encoding.UTF8.GetBytes($"value-{value:D6}") : SingleValue.ToBytes((long)value);
        return new DataFile
        {
            FilePath = $"{location}/data/day={i % 100}/{i:D8}-5f0c7c55-4a63-4ab7-9d0b-9d2f6f1a2b3c-00001.parquet", SpecId = 0, Partition = new PartitionKey([19_700 + (i % 100)]),
            RecordCount = 100_000, FileSizeBytes = 12_345_678, ColumnSizes = ids.ToDictionary(id => id, id => 100_000L + id), ValueCounts = ids.ToDictionary(id => id, _ => 100_000L),
            NullValueCounts = ids.ToDictionary(id => id, _ => 0L), LowerBounds = ids.ToDictionary(id => id, id => Bound(id, i)), UpperBounds = ids.ToDictionary(id => id, id => Bound(id, i + 50)), SplitOffsets = [4],
        };
    }
}
