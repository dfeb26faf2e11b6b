using System.CommandLine;
using System.Globalization;
using OrleansLake.Iceberg;
using OrleansLake.Testing.Iceberg;

namespace OrleansLake.Benchmarks.Scan;

/// <summary>Planning a scan: manifests read, files pruned, deletes attached, on one core. The first round counts too: it is what a command pays.</summary>
internal static class ScanBenchmark
{
    private const int Rounds = 5;
    private const string Location = "memory://table";

    internal static Command Create()
    {
        var files = new Option<int>("--files") { Description = "Data files, with metrics of 20 columns each", DefaultValueFactory = _ => 10_000 };
        var manifests = new Option<int>("--manifests") { Description = "Manifests that they lie in", DefaultValueFactory = _ => 10 };
        var deletes = new Option<int>("--deletes") { Description = "Equality delete files, one partition each", DefaultValueFactory = _ => 100 };
        var command = new Command("scan", "Plans a scan over many data files on one core") { files, manifests, deletes };
        command.SetAction((parsed, cancellationToken) => RunAsync(parsed.GetValue(files), parsed.GetValue(manifests), parsed.GetValue(deletes), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(int files, int manifests, int deletes, CancellationToken cancellationToken)
    {
        var table = await MakeAsync(files, manifests, deletes, cancellationToken);
        int core = OneCore.Pin();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{files} data files of {ManyFiles.Columns} columns in {manifests} manifests, {deletes} delete files; core {core}"));
        foreach (string? where in new[] { null, "c0 >= 500 and c0 < 600", "day = DATE '2024-01-20'", "day = DATE '2024-01-20' and c3 like 'value-1%'" })
        {
            var condition = where is null ? null : Expression.Parse(where).Bind(table.Metadata.CurrentSchema);
            var times = new List<double>();
            int planned = 0, attached = 0;
            for (int round = 0; round < Rounds; round++)
            {
                // What the process took of its core, not what the clock says: other programs may run beside it.
                var began = Environment.CpuUsage.TotalTime;
                (planned, attached) = (0, 0);
                await foreach (var task in ScanPlan.FilesAsync(table, table.Metadata.Snapshots[0], condition, cancellationToken))
                {
                    planned++;
                    attached += task.Deletes.Count;
                }

                times.Add((Environment.CpuUsage.TotalTime - began).TotalMilliseconds);
            }

            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  first {times[0],7:F1} CPU ms, best {times.Min(),7:F1}: {planned,6} files, {attached,6} deletes attached  {where ?? "every row"}"));
        }

        return 0;
    }

    private static async Task<LoadedTable> MakeAsync(int files, int manifestCount, int deletes, CancellationToken cancellationToken)
    {
        var metadata = new TableMetadata
        {
            FormatVersion = 2, TableUuid = Guid.NewGuid(), Location = Location, LastUpdatedMs = 1, LastColumnId = 100, CurrentSchemaId = 0, PartitionSpecs = [ManyFiles.Spec], DefaultSpecId = 0,
            LastPartitionId = 1000, SortOrders = [], DefaultSortOrderId = 0,
            Schemas = [ManyFiles.Schema],
        };
        var store = new InMemoryObjectStore();
        var list = new List<ManifestFile>();
        for (int m = 0; m < manifestCount; m++)
        {
            var writer = new ManifestWriter(metadata, 0, ManifestContent.Data, Guid.NewGuid());
            for (int i = m; i < files; i += manifestCount)
            {
                writer.AddNew(ManyFiles.File(Location, i));
            }

            list.Add(await StoreAsync(writer, $"{Location}/m{m}.avro", 1));
        }

        var deleteWriter = new ManifestWriter(metadata, 0, ManifestContent.Deletes, Guid.NewGuid());
        for (int i = 0; i < deletes; i++)
        {
            deleteWriter.AddNew(ManyFiles.File(Location, i) with { Content = DataFileContent.EqualityDeletes, FilePath = $"{Location}/data/delete-{i}.parquet", EqualityIds = [1] });
        }

        if (deletes > 0)
        {
            list.Add(await StoreAsync(deleteWriter, Location + "/deletes.avro", 2));
        }

        var snapshot = new Snapshot { SnapshotId = 1, SequenceNumber = 2, TimestampMs = 1, ManifestList = Location + "/list.avro" };
        await store.TryCreateAsync(snapshot.ManifestList, ManifestList.Write(2, snapshot, list, new Dictionary<string, string>(), Guid.NewGuid()), cancellationToken);
        metadata = metadata with { Snapshots = [snapshot], CurrentSnapshotId = 1 };
        return new LoadedTable(TableIdentifier.Parse("db.t"), metadata, Location + "/v1.metadata.json", store);

        async Task<ManifestFile> StoreAsync(ManifestWriter writer, string location, long sequence)
        {
            var (content, manifest) = writer.Finish(location, 1);
            await store.TryCreateAsync(location, content, cancellationToken);
            return manifest with { SequenceNumber = sequence, MinSequenceNumber = sequence };
        }
    }
}
