using System.Diagnostics;
using System.Globalization;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Decode;
using OrleansLake.Ingest.Pump;
using OrleansLake.Ingest.Write;
using OrleansLake.Parquet;

namespace OrleansLake.Benchmarks.Convert;

/// <summary>One repeat.</summary>
/// <param name="Seconds">By the clock.</param>
/// <param name="CpuSeconds">Of the process, all threads.</param>
/// <param name="AllocatedBytes">On the managed heap, all threads.</param>
/// <param name="FileBytes">Of the Parquet files.</param>
internal readonly record struct Repeat(double Seconds, double CpuSeconds, long AllocatedBytes, long FileBytes);

/// <summary>The product's own way from documents in memory to closed Parquet files, as a pump goes it.</summary>
internal sealed class Conversion : IDisposable
{
    private readonly JsonLines _lines;
    private readonly string _warehouse = Directory.CreateTempSubdirectory("lake-bench-").FullName;
    private readonly LoadedTable _table;
    private readonly LoadedTable _deadLetters;
    private readonly RowWriterFactory _writers;
    private WrittenFiles? _last;

    private Conversion(JsonLines lines, Func<LocalCatalog, Task<(LoadedTable, LoadedTable)>> create)
    {
        _lines = lines;
        var ids = new IdSource(TimeProvider.System, new Random());
        (_table, _deadLetters) = create(new LocalCatalog(_warehouse, TimeProvider.System, ids)).GetAwaiter().GetResult();
        _writers = new RowWriterFactory(new RowWriterOptions { Pipeline = "bench", Generation = "bench" }, TimeProvider.System, ids);
    }

    /// <summary>The table that the rows are written for.</summary>
    public LoadedTable Table => _table;

    /// <summary>A table by its statement.</summary>
    public static Conversion Of(JsonLines lines, string ddl, int zstdLevel)
    {
        TableCreation creation = Ddl.ParseCreateTable(ddl).Creation;
        creation = creation with
        {
            Properties = new Dictionary<string, string>(creation.Properties)
            {
                ["write.parquet.compression-codec"] = "zstd",
                ["write.parquet.compression-level"] = zstdLevel.ToString(CultureInfo.InvariantCulture),
            },
        };
        TableIdentifier name = TableIdentifier.Parse("bench.rows");
        return new Conversion(lines, async catalog => (
            await catalog.CreateTableAsync(name, creation, CancellationToken.None),
            await catalog.CreateTableAsync(DeadLetterSchema.Of(name), DeadLetterSchema.Creation(), CancellationToken.None)));
    }

    /// <summary>All documents to files that are closed and on disk.</summary>
    public async Task<Repeat> RunAsync()
    {
        Delete();
        GC.Collect();
        long allocated = GC.GetTotalAllocatedBytes(precise: true);
        TimeSpan cpu = Environment.CpuUsage.TotalTime;
        long begun = Stopwatch.GetTimestamp();
        var writer = _writers.Open(_table, _deadLetters);
        Append(writer);
        _last = await writer.CloseAsync(CancellationToken.None);
        return new Repeat(
            Stopwatch.GetElapsedTime(begun).TotalSeconds,
            (Environment.CpuUsage.TotalTime - cpu).TotalSeconds,
            GC.GetTotalAllocatedBytes(precise: true) - allocated,
            _last.Files.Sum(file => file.FileSizeBytes));
    }

    /// <summary>
    /// Bytes that one more record allocates: files of all documents twice against files of all documents once, when the memory
    /// that a writer keeps from file to file is already there.
    /// </summary>
    public async Task<double> AllocatedInSteadyStateAsync()
    {
        await AllocatedAsync(passes: 2);
        long once = await AllocatedAsync(passes: 1);
        return Math.Max(0, (double)(await AllocatedAsync(passes: 2) - once) / _lines.Count);
    }

    /// <summary>CPU nanoseconds a record of the decoder by itself, and bytes that it allocates a record.</summary>
    public (double CpuNanos, double AllocatedBytes) DecodeAlone()
    {
        ParquetSchema columns = IcebergParquet.ToParquet(_table.Metadata.CurrentSchema);
        var decoder = new JsonDecoder(_table.Metadata.CurrentSchema, columns);
        var rows = new ColumnBatch(columns);
        var rejected = new List<RejectedRecord>();
        double least = double.MaxValue;
        long allocated = 0;
        for (int i = 0; i < 5; i++)
        {
            allocated = GC.GetAllocatedBytesForCurrentThread();
            TimeSpan cpu = Environment.CpuUsage.TotalTime;
            foreach (var batch in _lines.Batches)
            {
                for (int record = 0; record < batch.Count;)
                {
                    rows.Clear();
                    record = decoder.Decode(batch, record, rows, rejected);
                }
            }

            least = Math.Min(least, (Environment.CpuUsage.TotalTime - cpu).TotalNanoseconds / _lines.Count);
            allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
        }

        return (least, (double)allocated / _lines.Count);
    }

    /// <summary>Copies the files of the last repeat to a directory.</summary>
    public void CopyTo(string directory)
    {
        Directory.CreateDirectory(directory);
        foreach (DataFile file in _last!.Files)
        {
            File.Copy(file.FilePath, Path.Combine(directory, Path.GetFileName(file.FilePath)), overwrite: true);
        }
    }

    public void Dispose() => Directory.Delete(_warehouse, recursive: true);

    private async Task<long> AllocatedAsync(int passes)
    {
        Delete();
        long allocated = GC.GetTotalAllocatedBytes(precise: true);
        var writer = _writers.Open(_table, _deadLetters);
        for (int i = 0; i < passes; i++)
        {
            Append(writer);
        }

        _last = await writer.CloseAsync(CancellationToken.None);
        return GC.GetTotalAllocatedBytes(precise: true) - allocated;
    }

    private void Append(IRowWriter writer)
    {
        foreach (var batch in _lines.Batches)
        {
            AppendedRecords appended = writer.Append(batch);
            if (appended.Rejected > 0)
            {
                throw new InvalidDataException($"{_lines.Name}: {appended.Rejected} of {batch.Count} documents from {batch.Range.First} on do not fit the table");
            }
        }
    }

    private void Delete()
    {
        foreach (DataFile file in _last?.Files ?? [])
        {
            File.Delete(file.FilePath);
        }
    }
}
