using System.Globalization;
using OrleansLake.Iceberg;
using OrleansLake.Testing.Commit;

namespace OrleansLake.Testing.Iceberg;

/// <summary>What every catalog must do.</summary>
/// <param name="catalog">The catalog, empty.</param>
/// <param name="another">The same catalog as another process sees it.</param>
/// <param name="renames">Whether tables can be given another name.</param>
/// <param name="nests">Whether namespaces have more than one level.</param>
public sealed class CatalogConformance(ICatalog catalog, ICatalog another, bool renames = true, bool nests = true) : ConformanceSuite
{
    private static readonly TableIdentifier Events = new(["db"], "events");

    private static TableCreation Creation => new()
    {
        Schema = new Schema { SchemaId = 0, Fields = [new NestedField(1, "id", true, new LongType()), new NestedField(2, "name", false, new StringType())] },
        Properties = new Dictionary<string, string> { ["owner"] = "me" },
    };

    public async Task A_table_is_loaded_as_it_was_created()
    {
        Expect(await catalog.LoadTableAsync(Events, default) is null);
        var created = await CreateAsync(Events);
        var loaded = (await another.LoadTableAsync(Events, default))!;
        ExpectSame(created.Metadata.TableUuid, loaded.Metadata.TableUuid);
        ExpectSame(created.MetadataLocation, loaded.MetadataLocation);
        ExpectSame(Events, loaded.Identifier);
        Expect(loaded.Metadata.CurrentSchema.Fields.SequenceEqual(Creation.Schema.Fields));
        ExpectSame("me", loaded.Metadata.Properties["owner"]);
        Expect(loaded.Metadata.CurrentSnapshotId is null);
    }

    public async Task A_table_is_created_once()
    {
        await CreateAsync(Events);
        await ExpectThrowsAsync<TableExistsException>(() => another.CreateTableAsync(Events, Creation, default));
    }

    public async Task Of_many_that_create_the_same_table_one_succeeds()
    {
        await catalog.CreateNamespaceAsync(Events.Namespace, new Dictionary<string, string>(), default);
        var made = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Task.Run(async () =>
        {
            try
            {
                return await (i % 2 == 0 ? catalog : another).CreateTableAsync(Events, Creation, default);
            }
            catch (TableExistsException)
            {
                return null;
            }
        })));
        ExpectSame(1, made.Count(one => one is not null));
        ExpectSame(made.Single(one => one is not null)!.Metadata.TableUuid, (await catalog.LoadTableAsync(Events, default))!.Metadata.TableUuid);
    }

    public async Task A_commit_is_seen_and_logs_what_it_replaced()
    {
        var table = await CreateAsync(Events);
        var committed = Committed(await catalog.CommitTableAsync(Set(table, "a", "1"), default));
        var loaded = (await another.LoadTableAsync(Events, default))!;
        ExpectSame("1", loaded.Metadata.Properties["a"]);
        ExpectSame(committed.MetadataLocation, loaded.MetadataLocation);
        ExpectSame(table.MetadataLocation, loaded.Metadata.MetadataLog.Single().MetadataFile);
        Expect(loaded.Metadata.LastUpdatedMs > table.Metadata.LastUpdatedMs);
    }

    public async Task A_commit_on_a_base_that_moved_is_a_conflict_and_changes_nothing()
    {
        var table = await CreateAsync(Events);
        var first = Committed(await another.CommitTableAsync(Set(table, "a", "1"), default));
        var result = await catalog.CommitTableAsync(
            new TableCommit(table, [new TableRequirement.AssertCurrentSchemaId(7)], [new TableUpdate.SetProperties(new Dictionary<string, string> { ["a"] = "2" })]), default);
        Expect(result is CommitResult.Conflict);
        var loaded = (await catalog.LoadTableAsync(Events, default))!;
        ExpectSame("1", loaded.Metadata.Properties["a"]);
        ExpectSame(first.MetadataLocation, loaded.MetadataLocation);
    }

    public async Task A_requirement_that_does_not_hold_is_a_conflict()
    {
        var table = await CreateAsync(Events);
        TableRequirement[] wrong =
        [
            new TableRequirement.AssertTableUuid(Guid.NewGuid()),
            new TableRequirement.AssertRefSnapshotId(SnapshotRef.Main, 5),
            new TableRequirement.AssertCurrentSchemaId(1),
            new TableRequirement.AssertLastAssignedFieldId(1),
            new TableRequirement.AssertDefaultSpecId(1),
            new TableRequirement.AssertDefaultSortOrderId(1),
            new TableRequirement.AssertLastAssignedPartitionId(1000),
            new TableRequirement.AssertCreate(),
        ];
        foreach (var requirement in wrong)
        {
            var result = await catalog.CommitTableAsync(Set(table, "a", "1") with { Requirements = [requirement] }, default);
            Expect(result is CommitResult.Conflict, requirement.ToString());
        }

        TableRequirement[] right = [new TableRequirement.AssertTableUuid(table.Metadata.TableUuid), new TableRequirement.AssertRefSnapshotId(SnapshotRef.Main, null)];
        Committed(await catalog.CommitTableAsync(Set(table, "a", "1") with { Requirements = right }, default));
    }

    public async Task Nothing_is_lost_or_doubled_when_many_commit_at_once()
    {
        await CreateAsync(Events);
        await Task.WhenAll(Enumerable.Range(0, 6).Select(writer => Task.Run(() => IncrementAsync(writer % 2 == 0 ? catalog : another, writer, 10))));
        await ExpectEachOnceAsync(writers: 6, times: 10);
    }

    public async Task Nothing_is_lost_or_doubled_when_swaps_fail_in_every_way()
    {
        await CreateAsync(Events);
        SwapFault[] faults = [SwapFault.FailBefore, SwapFault.FailAfter, SwapFault.Late, SwapFault.Conflict, SwapFault.ConflictAfter, SwapFault.Throw];
        var struck = new int[faults.Length];
        await Task.WhenAll(Enumerable.Range(0, 3).Select(writer => Task.Run(async () =>
        {
            var random = new Random(writer);
            var faulty = new FaultyCatalog(writer % 2 == 0 ? catalog : another)
            {
                Next = _ =>
                {
                    int which = random.Next(2 * faults.Length);
                    if (which >= faults.Length)
                    {
                        return SwapFault.None;
                    }

                    Interlocked.Increment(ref struck[which]);
                    return faults[which];
                },
            };
            await IncrementAsync(faulty, writer, 12);
            await faulty.ApplyLateAsync();
        })));
        await ExpectEachOnceAsync(writers: 3, times: 12);
        Expect(struck.All(count => count > 0), "a fault that never struck shows nothing");
    }

    public async Task A_swap_that_lands_late_on_a_table_that_moved_on_does_nothing()
    {
        var table = await CreateAsync(Events);
        var faulty = new FaultyCatalog(catalog);
        faulty.Swaps.Enqueue(SwapFault.Late);
        Expect(await faulty.CommitTableAsync(Increment(table, "late", 1), default) is CommitResult.Unknown);
        Committed(await another.CommitTableAsync(Increment(table, "quick", 2), default));
        Expect((await faulty.ApplyLateAsync()).Single() is CommitResult.Conflict);
        ExpectSame("quick", (await catalog.LoadTableAsync(Events, default))!.Metadata.Snapshots.Single().Summary["increment"]);
    }

    public async Task A_commit_to_a_table_that_is_gone_or_was_made_anew_is_a_conflict()
    {
        var table = await CreateAsync(Events);
        Expect(await another.DropTableAsync(Events, purge: true, default));
        Expect(await catalog.CommitTableAsync(Set(table, "a", "1"), default) is CommitResult.Conflict);
        await another.CreateTableAsync(Events, Creation, default);
        Expect(await catalog.CommitTableAsync(Set(table, "a", "1"), default) is CommitResult.Conflict);
    }

    public async Task What_makes_no_sense_is_thrown()
    {
        var table = await CreateAsync(Events);
        await ExpectThrowsAsync<ArgumentException>(() => catalog.CommitTableAsync(new TableCommit(table, [], [new TableUpdate.SetCurrentSchema(9)]), default));
    }

    public async Task A_dropped_table_is_gone_and_its_name_free()
    {
        var table = await CreateAsync(Events);
        Expect(await catalog.DropTableAsync(Events, purge: false, default));
        Expect(!await catalog.DropTableAsync(Events, purge: false, default));
        Expect(await another.LoadTableAsync(Events, default) is null);
        ExpectSame(0, (await catalog.ListTablesAsync(["db"], default)).Count);
        Expect((await another.CreateTableAsync(Events, Creation, default)).Metadata.TableUuid != table.Metadata.TableUuid);
    }

    public async Task Tables_and_namespaces_are_listed()
    {
        await CreateAsync(Events);
        await CreateAsync(new TableIdentifier(["db"], "clicks"));
        await CreateAsync(new TableIdentifier(["other"], "t"));
        if (nests)
        {
            await CreateAsync(new TableIdentifier(["other", "deep", "deeper"], "t"));
        }
        else
        {
            await ExpectThrowsAsync<ArgumentException>(() => CreateAsync(new TableIdentifier(["other", "deep", "deeper"], "t")));
        }

        Expect((await another.ListTablesAsync(["db"], default)).Select(table => table.Name).Order(StringComparer.Ordinal).SequenceEqual(["clicks", "events"]));
        ExpectSame(1, (await another.ListTablesAsync(["other"], default)).Count);
        ExpectSame(0, (await catalog.ListTablesAsync(["none"], default)).Count);
        Expect((await catalog.ListNamespacesAsync(default)).Select(levels => string.Join('.', levels)).Order(StringComparer.Ordinal)
            .SequenceEqual(nests ? ["db", "other", "other.deep", "other.deep.deeper"] : ["db", "other"]));
    }

    public async Task Whether_a_table_exists_is_told()
    {
        Expect(!await catalog.TableExistsAsync(Events, default));
        await CreateAsync(Events);
        Expect(await another.TableExistsAsync(Events, default));
        Expect(!await another.TableExistsAsync(Events with { Name = "event" }, default));
    }

    public async Task A_namespace_has_properties_that_change()
    {
        string[] deep = nests ? ["n", "m"] : ["m"];
        Expect(await catalog.LoadNamespaceAsync(deep, default) is null);
        Expect(!await catalog.UpdateNamespaceAsync(deep, new Dictionary<string, string> { ["a"] = "1" }, [], default));
        Expect(await catalog.CreateNamespaceAsync(["n"], new Dictionary<string, string>(), default));
        Expect(await catalog.CreateNamespaceAsync(deep, new Dictionary<string, string> { ["a"] = "1", ["b"] = "ü \"2\"" }, default));
        Expect(!await another.CreateNamespaceAsync(deep, new Dictionary<string, string> { ["a"] = "other" }, default));
        Expect((await another.LoadNamespaceAsync(deep, default))!.OrderBy(pair => pair.Key).SequenceEqual([new("a", "1"), new("b", "ü \"2\"")]));
        Expect(await another.UpdateNamespaceAsync(deep, new Dictionary<string, string> { ["c"] = "3" }, ["a", "none"], default));
        Expect((await catalog.LoadNamespaceAsync(deep, default))!.Keys.Order().SequenceEqual(["b", "c"]));
        Expect((await catalog.ListNamespacesAsync(default)).Select(levels => string.Join('.', levels)).Order(StringComparer.Ordinal).SequenceEqual(nests ? ["n", "n.m"] : ["m", "n"]));
    }

    public async Task Only_an_empty_namespace_is_dropped()
    {
        Expect(!await catalog.DropNamespaceAsync(["db"], default));
        await CreateAsync(Events);
        if (nests)
        {
            await catalog.CreateNamespaceAsync(["db", "below"], new Dictionary<string, string>(), default);
            await ExpectThrowsAsync<NamespaceNotEmptyException>(() => another.DropNamespaceAsync(["db"], default));
            Expect(await another.DropNamespaceAsync(["db", "below"], default));
        }

        await ExpectThrowsAsync<NamespaceNotEmptyException>(() => another.DropNamespaceAsync(["db"], default));
        await catalog.DropTableAsync(Events, purge: false, default);
        Expect(await another.DropNamespaceAsync(["db"], default));
        Expect(await catalog.LoadNamespaceAsync(["db"], default) is null);
        ExpectSame(0, (await catalog.ListNamespacesAsync(default)).Count);
        Expect(await catalog.CreateNamespaceAsync(["db"], new Dictionary<string, string>(), default));
    }

    public async Task A_table_that_was_dropped_is_registered_again()
    {
        var table = await CreateAsync(Events);
        table = Committed(await catalog.CommitTableAsync(Increment(table, "1", 11), default));
        string copy = table.Metadata.Location + "/metadata/copy.metadata.json";
        Expect(await table.Store.TryCreateAsync(copy, TableMetadataJson.Write(table.Metadata), default));
        await ExpectThrowsAsync<TableExistsException>(() => another.RegisterTableAsync(Events, copy, default));
        await catalog.DropTableAsync(Events, purge: false, default);
        var registered = await another.RegisterTableAsync(Events, copy, default);
        ExpectSame(table.Metadata.TableUuid, registered.Metadata.TableUuid);
        ExpectSame(table.Metadata.CurrentSnapshotId, (await catalog.LoadTableAsync(Events, default))!.Metadata.CurrentSnapshotId);
        Committed(await another.CommitTableAsync(Increment(registered, "2", 12), default));
        ExpectSame(2, (await catalog.LoadTableAsync(Events, default))!.Metadata.Snapshots.Count);
    }

    public async Task A_renamed_table_is_the_same_table()
    {
        var table = await CreateAsync(Events);
        var clicks = new TableIdentifier(["db"], "clicks");
        if (!renames)
        {
            await ExpectThrowsAsync<NotSupportedException>(() => catalog.RenameTableAsync(Events, clicks, default));
            return;
        }

        Expect(!await catalog.RenameTableAsync(clicks, Events, default));
        Expect(await catalog.RenameTableAsync(Events, clicks, default));
        Expect(await another.LoadTableAsync(Events, default) is null);
        var renamed = (await another.LoadTableAsync(clicks, default))!;
        ExpectSame(table.Metadata.TableUuid, renamed.Metadata.TableUuid);
        await CreateAsync(Events);
        await ExpectThrowsAsync<TableExistsException>(() => another.RenameTableAsync(clicks, Events, default));
        Committed(await another.CommitTableAsync(Set(renamed, "a", "1"), default));
    }

    private async Task<LoadedTable> CreateAsync(TableIdentifier identifier)
    {
        await catalog.CreateNamespaceAsync(identifier.Namespace, new Dictionary<string, string>(), default);
        return await catalog.CreateTableAsync(identifier, Creation, default);
    }

    // A writer that looks up what it does not know, with one snapshot id for each increment: the protocol in small.
    private static async Task IncrementAsync(ICatalog mine, int writer, int times)
    {
        for (int i = 0; i < times; i++)
        {
            long snapshotId = (writer * 1000) + i + 1;
            for (bool done = false; !done;)
            {
                var table = (await mine.LoadTableAsync(Events, default))!;
                try
                {
                    done = table.Metadata.FindSnapshot(snapshotId) is not null
                        || await mine.CommitTableAsync(Increment(table, $"{writer}.{i}", snapshotId), default) is CommitResult.Committed;
                }
                catch (HttpRequestException)
                {
                    // As good as unknown.
                }

                if (!done && mine is FaultyCatalog { LateCount: > 0 } faulty && i % 3 == 0)
                {
                    await faulty.ApplyLateAsync();
                }
            }
        }
    }

    private async Task ExpectEachOnceAsync(int writers, int times)
    {
        var metadata = (await catalog.LoadTableAsync(Events, default))!.Metadata;
        var increments = metadata.Snapshots.Select(snapshot => snapshot.Summary["increment"]).ToList();
        ExpectSame(writers * times, increments.Distinct().Count());
        ExpectSame(writers * times, increments.Count);
        int steps = 0;
        for (var at = metadata.FindRef(SnapshotRef.Main); at is not null; at = metadata.FindSnapshot(at.ParentSnapshotId))
        {
            steps++;
        }

        ExpectSame(writers * times, steps);
    }

    private static TableCommit Increment(LoadedTable table, string name, long snapshotId)
    {
        var metadata = table.Metadata;
        var snapshot = new Snapshot
        {
            SnapshotId = snapshotId,
            ParentSnapshotId = metadata.CurrentSnapshotId,
            SequenceNumber = metadata.LastSequenceNumber + 1,
            TimestampMs = metadata.LastUpdatedMs + 1,
            ManifestList = string.Create(CultureInfo.InvariantCulture, $"{metadata.Location}/metadata/snap-{snapshotId}.avro"),
            SchemaId = 0,
            Summary = new Dictionary<string, string> { ["operation"] = "append", ["increment"] = name },
        };
        return new TableCommit(
            table,
            [new TableRequirement.AssertTableUuid(metadata.TableUuid), new TableRequirement.AssertRefSnapshotId(SnapshotRef.Main, metadata.CurrentSnapshotId)],
            [new TableUpdate.AddSnapshot(snapshot), new TableUpdate.SetSnapshotRef(SnapshotRef.Main, new SnapshotRef(snapshotId, IsTag: false))]);
    }

    private static TableCommit Set(LoadedTable table, string name, string value) =>
        new(table, [], [new TableUpdate.SetProperties(new Dictionary<string, string> { [name] = value })]);

    private static LoadedTable Committed(CommitResult result) =>
        result is CommitResult.Committed(var table) ? table : throw new ConformanceException($"expected Committed, got {result}");
}
