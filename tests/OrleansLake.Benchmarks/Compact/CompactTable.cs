using System.Diagnostics;
using OrleansLake.Benchmarks.Convert;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Upkeep;
using OrleansLake.Parquet;

namespace OrleansLake.Benchmarks.Compact;

/// <summary>A local table of the files, and its compaction up to the commit.</summary>
internal sealed class CompactTable
{
    private readonly IdSource _ids = new(TimeProvider.System, new Random(3));
    private readonly LoadedTable _table;
    private readonly Snapshot _head;
    private readonly List<FileScanTask> _tasks;

    private CompactTable(LoadedTable table, List<FileScanTask> tasks)
    {
        _table = table;
        _head = table.Metadata.FindRef(SnapshotRef.Main)!;
        _tasks = tasks;
    }

    /// <summary>Takes the files into a table.</summary>
    public static async Task<CompactTable> CreateAsync(Schema schema, IReadOnlyList<string> files, string folder, int level)
    {
        var ids = new IdSource(TimeProvider.System, new Random(2));
        var catalog = new LocalCatalog(Path.Combine(folder, "warehouse"), TimeProvider.System, ids);
        var name = TableIdentifier.Parse("db.compact");
        var creation = new TableCreation { Schema = schema, Properties = new Dictionary<string, string> { ["write.parquet.compression-level"] = level.ToString(System.Globalization.CultureInfo.InvariantCulture) } };
        await catalog.CreateTableAsync(name, creation, CancellationToken.None);
        var append = new AppendFiles(SnapshotRef.Main, ids, TimeProvider.System);
        foreach (string path in files)
        {
            using var stream = File.OpenRead(path);
            append.Add(new DataFile
            {
                FilePath = path, SpecId = 0, Partition = PartitionKey.None, RecordCount = ParquetReader.Open(stream).RowCount, FileSizeBytes = stream.Length,
            });
        }

        await new TableChanges(catalog, ids, TimeProvider.System).CommitAsync(name, append, null, CancellationToken.None);
        var table = (await catalog.LoadTableAsync(name, CancellationToken.None))!;
        return new CompactTable(table, await ScanPlan.FilesAsync(table, table.Metadata.FindRef(SnapshotRef.Main)!).ToListAsync());
    }

    /// <summary>Writes all rows into one file, as a group of a compaction does.</summary>
    public Repeat Run(out long rows)
    {
        GC.Collect();
        long allocated = GC.GetTotalAllocatedBytes(precise: true);
        var cpu = Environment.CpuUsage.TotalTime;
        long begun = Stopwatch.GetTimestamp();
        var writer = new RewriteWriter(_table, _head, null, long.MaxValue, _ids, static _ => ValueTask.CompletedTask);
        var file = writer.WriteAsync(0, PartitionKey.None, writer.ReadAsync(_tasks, CancellationToken.None), 0, CancellationToken.None).GetAwaiter().GetResult()[0];
        var repeat = new Repeat(
            Stopwatch.GetElapsedTime(begun).TotalSeconds,
            (Environment.CpuUsage.TotalTime - cpu).TotalSeconds,
            GC.GetTotalAllocatedBytes(precise: true) - allocated,
            file.FileSizeBytes);
        rows = file.RecordCount;
        File.Delete(file.FilePath);
        return repeat;
    }
}
