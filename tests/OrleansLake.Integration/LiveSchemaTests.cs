using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Commit;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Ingest.Kafka.Publishing;
using OrleansLake.Parquet;
using OrleansLake.Testing.Processes;

namespace OrleansLake.Integration;

/// <summary>
/// The table is altered every second while records flow: columns come, go, are renamed, widened and moved, at the top and in a
/// struct. Each record has a value for every name that a column ever has, made of its number and the name, so that a value that
/// was mapped by another schema than its file's shows.
/// </summary>
[Collection(Collections.Working)]
public sealed class LiveSchemaTests(ITestOutputHelper output) : IDisposable
{
    private const string Table = "live.events";
    private const int TopicPartitions = 4;
    private const int Names = 12;
    private const int Seconds = 20;
    private const int RecordsPerSecond = 10_000;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);

    private readonly TestWarehouse _warehouse = new();

    public void Dispose() => _warehouse.Dispose();

    [Fact]
    [Trait("Category", "Endurance")]
    public async Task No_record_is_lost_doubled_or_mapped_by_another_schema_while_the_table_is_altered_every_second()
    {
        const long Records = (long)Seconds * RecordsPerSecond;
        using var broker = new EmbeddedBroker();
        broker.CreateTopic("events", TopicPartitions);
        SiloProcess? followed = null;
        await using var follower = new CommittedFollower(() => Volatile.Read(ref followed));
        await using SiloProcess silo = SiloProcess.Start(new SiloSetup
        {
            Warehouse = _warehouse.Path,
            BootstrapServers = broker.BootstrapServers,
            Topics = ["events"],
            Table = Table,
            Ddl = $"CREATE TABLE {Table} (id BIGINT NOT NULL, v0 INT, v1 INT, v2 INT, s ROW(v0 INT, v1 INT))",
        });
        Volatile.Write(ref followed, silo);
        // Records begin with the silo, however long its start takes: they shall flow while the table is altered.
        await silo.WaitAsync("its first status", _ => true, Patience);
        Task<PublishResult> publishing = Task.Run(async () =>
        {
            using var feed = new WideFeed(Records);
            var publisher = new Publisher(new PublisherOptions { BootstrapServers = broker.BootstrapServers, Topic = "events", Committed = follower.Of, RecordsPerSecond = RecordsPerSecond });
            return await publisher.PublishAsync(feed, null, CancellationToken.None);
        });
        await silo.WaitAsync("the first commit", _ => follower.Total > 0, Patience);

        var reloads = new List<JsonNode>();
        var statements = new List<string>();
        using var second = new PeriodicTimer(TimeSpan.FromSeconds(1));
        var random = new Random(20260301);
        for (int step = 0; !publishing.IsCompleted; step++)
        {
            await second.WaitForNextTickAsync();
            statements.Add(await AlterAsync(random, step));
            if (step % 2 == 1)
            {
                // Every other time the silo is told; else it finds out by itself.
                reloads.Add((await silo.PostAsync($"/tables/{Table}/schema/reload", CancellationToken.None))!);
            }
        }

        PublishResult published = await publishing;
        await silo.WaitAsync(
            "everything published to be committed",
            status => published.Ranges.All(range => SiloProcess.CommittedOf(status).Any(at => at.TopicPartition == range.Key && at.Next >= range.Value.Next)),
            Patience);
        Assert.Equal(0, await silo.Process.TerminateAsync(TimeSpan.FromSeconds(30)));
        output.WriteLine(string.Join("\n", statements));

        AuditResult audit = await _warehouse.AuditAsync(Table);
        Assert.True(audit.Verdict == AuditVerdict.Proved, audit.ToString());
        Assert.Equal(Records, audit.Rows);
        Assert.All(audit.Partitions, partition => Assert.Equal(0, partition.Rejected));
        await CheckFilesAsync(Records, statements.Count, reloads);
    }

    /// <summary>One change in the statement's own words, by any of the things that can be done.</summary>
    private async Task<string> AlterAsync(Random random, int step)
    {
        var catalog = new LocalCatalog(_warehouse.Path, TimeProvider.System, new IdSource(TimeProvider.System, new Random()));
        TableIdentifier name = TableIdentifier.Parse(Table);
        Schema schema = (await catalog.LoadTableAsync(name, CancellationToken.None))!.Metadata.CurrentSchema;
        string[] top = [.. schema.Fields.Where(field => field.Name[0] == 'v').Select(field => field.Name)];
        string[] nested = [.. ((StructType)schema.Fields.Single(field => field.Name == "s").Type).Fields.Select(field => field.Name)];
        string Free(string[] taken) => Enumerable.Range(0, Names).Select(i => $"v{i}").Where(one => !taken.Contains(one)).OrderBy(_ => random.Next()).First();
        string Any(string[] some) => some[random.Next(some.Length)];
        NestedField? narrow = schema.Fields.FirstOrDefault(field => field.Type is IntegerType);
        string change = (step % 8) switch
        {
            0 => $"ADD COLUMN {Free(top)} INT",
            1 => $"RENAME COLUMN {Any(top)} TO {Free(top)}",
            2 when narrow is not null => $"ALTER COLUMN {narrow.Name} TYPE BIGINT",
            3 => $"ALTER COLUMN {Any(top)} FIRST",
            4 => $"ADD COLUMN s.{Free(nested)} INT",
            5 => $"RENAME COLUMN s.{Any(nested)} TO {Free(nested)}",
            6 when nested.Length > 2 => $"DROP COLUMN s.{Any(nested)}",
            7 when top.Length > 2 => $"DROP COLUMN {Any(top)}",
            _ => $"ADD COLUMN {Free(top)} BIGINT",
        };
        string statement = $"ALTER TABLE {Table} {change}";
        var transaction = new Transaction(TimeProvider.System).Then(Ddl.ParseAlterTable(statement).On);
        Assert.IsType<CommitResult.Committed>(await new TableChanges(catalog, new IdSource(TimeProvider.System, new Random()), TimeProvider.System).CommitAsync(name, transaction, CancellationToken.None));
        return statement;
    }

    /// <summary>Each file has the columns of one schema, and in each column the values of its name then.</summary>
    private async Task CheckFilesAsync(long records, int changes, List<JsonNode> reloads)
    {
        LoadedTable table = await _warehouse.LoadAsync(Table);
        var schemas = table.Metadata.Schemas.ToDictionary(schema => string.Join(' ', Describe(schema.Fields, "")), schema => schema.SchemaId);
        var seen = new bool[records];
        var lastOffset = new Dictionary<(int SchemaId, int Partition), long>();
        await foreach (ManifestEntry entry in SnapshotFiles.LiveAsync(table, table.Metadata.FindRef(SnapshotRef.Main)!, CancellationToken.None))
        {
            string path = TestWarehouse.PathOf(entry.DataFile.FilePath);
            ParquetReader reader = await ParquetReader.OpenAsync(ByteSource.From(await File.ReadAllBytesAsync(path)));
            string columns = string.Join(' ', reader.Schema.Columns.Select(column => $"{string.Join('.', column.Path)}:{column.FieldId}:{column.PhysicalType}"));
            Assert.True(schemas.TryGetValue(columns, out int schemaId), $"{path}: its columns are of no schema that the table had: {columns}");
            await foreach (ColumnBatch batch in reader.ReadAsync(new RowSelection()))
            {
                long[] ids = batch.Columns[reader.Schema.Columns.First(column => column.Path[^1] == "id").Index].Longs[..batch.RowCount];
                foreach (ColumnBuffer column in batch.Columns)
                {
                    CheckColumn(path, column, ids);
                }

                foreach (long id in ids)
                {
                    Assert.False(seen[id], $"record {id} is in the table twice");
                    seen[id] = true;
                    var key = (schemaId, (int)(id % TopicPartitions));
                    lastOffset[key] = Math.Max(lastOffset.GetValueOrDefault(key), id / TopicPartitions);
                }
            }
        }

        Assert.DoesNotContain(false, seen);
        int written = lastOffset.Keys.Select(key => key.SchemaId).Distinct().Count();
        output.WriteLine($"{changes} changes; files by {written} schemas");
        Assert.True(changes >= Seconds / 2 && written >= Seconds / 4, $"expected the schema to change under load, got {changes} changes and files by {written} schemas");

        // What a reload answers holds: nothing from its first offset on is written by an earlier schema.
        foreach (JsonNode reload in reloads)
        {
            foreach (JsonNode? first in reload["firstOffsets"]!.AsArray())
            {
                foreach (var ((schemaId, partition), last) in lastOffset)
                {
                    if (partition == first!["partition"]!.GetValue<int>() && schemaId < reload["schemaId"]!.GetValue<int>())
                    {
                        Assert.True(last < first["firstOffset"]!.GetValue<long>(), $"partition {partition}: offset {last} is written by schema {schemaId}, though {reload.ToJsonString()}");
                    }
                }
            }
        }
    }

    private static void CheckColumn(string path, ColumnBuffer column, long[] ids)
    {
        string name = column.Column.Path[^1];
        if (name == "id")
        {
            return;
        }

        Assert.Equal(ids.Length, column.ValueCount); // every name is in every record
        long add = Value(0, column.Column.Path.Count > 1, int.Parse(name[1..], CultureInfo.InvariantCulture));
        for (int row = 0; row < ids.Length; row++)
        {
            long found = column.Column.PhysicalType == PhysicalType.Int32 ? column.Ints[row] : column.Longs[row];
            Assert.True(found == (ids[row] * 100) + add, $"{path}: record {ids[row]}, column {string.Join('.', column.Column.Path)}: expected {(ids[row] * 100) + add}, got {found}");
        }
    }

    private static long Value(long id, bool isNested, int name) => (id * 100) + (isNested ? 50 : 0) + name;

    private static IEnumerable<string> Describe(IEnumerable<NestedField> fields, string prefix) => fields.SelectMany(field => field.Type is StructType inner
        ? Describe(inner.Fields, $"{prefix}{field.Name}.")
        : [$"{prefix}{field.Name}:{field.Id}:{(field.Type is IntegerType ? PhysicalType.Int32 : PhysicalType.Int64)}"]);

    /// <summary>Records with a value for every name, at the top and in the struct.</summary>
    private sealed class WideFeed(long count) : IRecordFeed
    {
        private long _next;

        public long? Total { get; } = count;

        public void Fill(RecordChunk chunk, int limit)
        {
            var text = new StringBuilder();
            for (; limit > 0 && _next < Total; limit--, _next++)
            {
                text.Clear();
                Append(text, isNested: false).Append(",\"s\":{");
                string nested = Append(new StringBuilder(), isNested: true).ToString();
                text.Append(nested.AsSpan(nested.IndexOf("\"v0\"", StringComparison.Ordinal))).Append("}}");
                chunk.Add(Encoding.UTF8.GetBytes(text.ToString()));
            }
        }

        public void Dispose()
        {
        }

        private StringBuilder Append(StringBuilder text, bool isNested)
        {
            text.Append(CultureInfo.InvariantCulture, $"{{\"id\":{_next}");
            for (int name = 0; name < Names; name++)
            {
                text.Append(CultureInfo.InvariantCulture, $",\"v{name}\":{Value(_next, isNested, name)}");
            }

            return text;
        }
    }
}
