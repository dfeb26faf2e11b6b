namespace OrleansLake.Iceberg.Tests;

public sealed class ManifestTests
{
    private static readonly (IcebergType Type, object Value)[] Sources =
    [
        (new BooleanType(), true),
        (new IntegerType(), -5),
        (new LongType(), long.MinValue),
        (new FloatType(), 1.5f),
        (new DoubleType(), -0.0),
        (new DecimalType(9, 2), new Decimal128(-12345, 2)),
        (new DecimalType(38, 0), new Decimal128(-Int128.MaxValue / 3, 0)),
        (new DateType(), -3),
        (new TimeType(), 5L),
        (new TimestampType(true), -1L),
        (new TimestampType(false), 1L),
        (new StringType(), "ü/ö"),
        (new UuidType(), new Guid("f79c3e09-677c-4bbd-a479-3f349cb785e7")),
        (new FixedType(3), new byte[] { 1, 2, 3 }),
        (new BinaryType(), new byte[] { 255, 0 }),
    ];

    [Fact]
    public async Task Partition_values_of_every_type_come_back_nulls_and_odd_names_too()
    {
        var creation = new TableCreation
        {
            Schema = new Schema { SchemaId = 0, Fields = [.. Sources.Select((source, i) => new NestedField(i + 1, $"{i} c", false, source.Type))] },
            PartitionSpec = new PartitionSpec { SpecId = 0, Fields = [.. Sources.Select((_, i) => new PartitionField(1000 + i, $"{i} c", [i + 1], new Transform.Identity()))] },
        };
        var (catalog, store, table) = await TestTables.InMemoryAsync(creation);
        DataFile[] files =
        [
            new() { FilePath = "memory://a", SpecId = 0, Partition = new PartitionKey([.. Sources.Select(source => source.Value)]), RecordCount = 1, FileSizeBytes = 1 },
            new() { FilePath = "memory://b", SpecId = 0, Partition = new PartitionKey(new object?[Sources.Length]), RecordCount = 1, FileSizeBytes = 1 },
        ];
        table = await TestTables.AppendAsync(catalog, table, 1, files);

        Assert.Equal(files.Select(file => file.Partition), (await TestTables.LiveAsync(table)).Select(entry => entry.DataFile.Partition));
        var manifest = Assert.Single((await ManifestList.ReadAsync(store, table.Metadata.Snapshots[0].ManifestList!, default)).Manifests);
        Assert.All(manifest.Partitions!, summary => Assert.True(summary.ContainsNull));
        Assert.Equal(Sources.Select(source => source.Value), manifest.Partitions!.Select((summary, i) => SingleValue.FromBytes(Sources[i].Type, summary.UpperBound)));
    }

    [Fact]
    public async Task A_day_partition_is_read_whether_or_not_its_int_is_called_a_date()
    {
        var (_, _, table) = await TestTables.InMemoryAsync();
        var writer = new ManifestWriter(table.Metadata, 0, ManifestContent.Data, Guid.NewGuid());
        writer.AddNew(TestTables.File("memory://a"));
        var (bytes, manifest) = writer.Finish("memory://m", 1);
        byte[] without = Replace(bytes.ToArray(), """{"type":"int","logicalType":"date"}"""u8, """{"type":"int"                     }"""u8);
        Assert.NotEqual(bytes.ToArray(), without);
        foreach (byte[] one in new[] { bytes.ToArray(), without })
        {
            Assert.Equal([19000], ManifestReader.Read(one, manifest, table.Metadata).Single().DataFile.Partition.Values);
        }
    }

    [Fact]
    public async Task Values_that_do_not_fit_the_spec_are_refused_by_name_of_the_file()
    {
        var (_, _, table) = await TestTables.InMemoryAsync();
        var append = new AppendFiles(SnapshotRef.Main, TestTables.Ids(), TimeProvider.System);
        append.Add(TestTables.File("memory://a") with { Partition = new PartitionKey(["x"]) });
        var e = await Assert.ThrowsAsync<ArgumentException>(() => append.StageAsync(table, new SnapshotExtras(), default));
        Assert.Contains("memory://a", e.Message);
    }

    [Fact]
    public async Task Ten_thousand_files_are_listed_within_a_second_or_so()
    {
        var (catalog, _, table) = await TestTables.InMemoryAsync();
        table = await TestTables.AppendAsync(catalog, table, 1, [.. Enumerable.Range(0, 10_000).Select(i => TestTables.File($"memory://warehouse/db/events/data/{i:D8}.parquet", day: i % 365))]);
        await TestTables.LiveAsync(table);
        var watch = System.Diagnostics.Stopwatch.StartNew();
        Assert.Equal(10_000, (await TestTables.LiveAsync(table)).Count);
        TestContext.Current.SendDiagnosticMessage($"10,000 files listed in {watch.ElapsedMilliseconds} ms");
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(5), $"{watch.Elapsed}");
    }

    [Fact]
    public async Task Manifests_cut_or_changed_anywhere_are_refused_or_read()
    {
        var (_, _, table) = await TestTables.InMemoryAsync();
        var writer = new ManifestWriter(table.Metadata, 0, ManifestContent.Data, Guid.NewGuid());
        for (int i = 0; i < 5; i++)
        {
            writer.AddNew(TestTables.File($"memory://{i}"));
        }

        var (content, manifest) = writer.Finish("memory://m", 1);
        byte[] whole = content.ToArray();
        var random = new Random(9);
        for (int i = 0; i < 2000; i++)
        {
            byte[] bytes = i % 2 == 0 ? whole[..random.Next(whole.Length)] : (byte[])whole.Clone();
            if (i % 2 == 1)
            {
                bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
            }

            try
            {
                Assert.InRange(ManifestReader.Read(bytes, manifest, table.Metadata).Count(), 0, 5);
            }
            catch (IcebergFormatException)
            {
            }
        }
    }

    [Fact]
    public async Task A_table_that_lacks_totals_has_them_counted()
    {
        var (catalog, _, table) = await TestTables.InMemoryAsync();
        table = await TestTables.AppendAsync(catalog, table, 1, TestTables.File("memory://a"), TestTables.File("memory://b"));
        var bare = table.Metadata.Snapshots[0] with { Summary = new Dictionary<string, string> { ["operation"] = "append" } };
        table = table with { Metadata = table.Metadata with { Snapshots = [bare] } };
        var append = new AppendFiles(SnapshotRef.Main, TestTables.Ids(5), TimeProvider.System);
        append.Add(TestTables.File("memory://c", records: 1));

        var staged = await append.StageAsync(table, new SnapshotExtras(), default);

        Assert.Equal(("21", "3", "2100"), (staged.Snapshot.Summary["total-records"], staged.Snapshot.Summary["total-data-files"], staged.Snapshot.Summary["total-files-size"]));
    }

    private static byte[] Replace(byte[] bytes, ReadOnlySpan<byte> old, ReadOnlySpan<byte> with)
    {
        Assert.Equal(old.Length, with.Length);
        int at = bytes.AsSpan().IndexOf(old);
        Assert.True(at >= 0);
        with.CopyTo(bytes.AsSpan(at));
        return bytes;
    }
}
