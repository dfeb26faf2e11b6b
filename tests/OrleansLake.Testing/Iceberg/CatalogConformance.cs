using OrleansLake.Iceberg;

namespace OrleansLake.Testing.Iceberg;

/// <summary>What every catalog must do.</summary>
/// <param name="catalog">The catalog, empty.</param>
/// <param name="another">The same catalog as another process sees it.</param>
public sealed class CatalogConformance(ICatalog catalog, ICatalog another) : ConformanceSuite
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
        var created = await catalog.CreateTableAsync(Events, Creation, default);
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
        await catalog.CreateTableAsync(Events, Creation, default);
        await ExpectThrowsAsync<TableExistsException>(() => another.CreateTableAsync(Events, Creation, default));
    }

    public async Task Of_many_that_create_the_same_table_one_succeeds()
    {
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
        var table = await catalog.CreateTableAsync(Events, Creation, default);
        var committed = Committed(await catalog.CommitTableAsync(Set(table, "a", "1"), default));
        var loaded = (await another.LoadTableAsync(Events, default))!;
        ExpectSame("1", loaded.Metadata.Properties["a"]);
        ExpectSame(committed.MetadataLocation, loaded.MetadataLocation);
        ExpectSame(table.MetadataLocation, loaded.Metadata.MetadataLog.Single().MetadataFile);
        Expect(loaded.Metadata.LastUpdatedMs > table.Metadata.LastUpdatedMs);
    }

    public async Task A_commit_on_a_base_that_moved_is_a_conflict_and_changes_nothing()
    {
        var table = await catalog.CreateTableAsync(Events, Creation, default);
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
        var table = await catalog.CreateTableAsync(Events, Creation, default);
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

    public async Task Nothing_is_lost_when_many_commit_at_once()
    {
        await catalog.CreateTableAsync(Events, Creation, default);
        await Task.WhenAll(Enumerable.Range(0, 6).Select(writer => Task.Run(async () =>
        {
            var mine = writer % 2 == 0 ? catalog : another;
            for (int i = 0; i < 10; i++)
            {
                for (bool done = false; !done;)
                {
                    var table = (await mine.LoadTableAsync(Events, default))!;
                    string value = table.Metadata.Properties.GetValueOrDefault("log", "") + $" {writer}.{i}";
                    done = await mine.CommitTableAsync(Set(table, "log", value) with { Requirements = [new TableRequirement.AssertTableUuid(table.Metadata.TableUuid)] }, default) switch
                    {
                        CommitResult.Committed => true,
                        CommitResult.Conflict => false,
                        var other => throw new ConformanceException($"expected Committed or Conflict, got {other}"),
                    };
                }
            }
        })));
        string[] log = (await catalog.LoadTableAsync(Events, default))!.Metadata.Properties["log"].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        ExpectSame(60, log.Distinct().Count());
        ExpectSame(60, log.Length);
    }

    public async Task A_commit_to_a_table_that_is_gone_or_was_made_anew_is_a_conflict()
    {
        var table = await catalog.CreateTableAsync(Events, Creation, default);
        Expect(await another.DropTableAsync(Events, purge: true, default));
        Expect(await catalog.CommitTableAsync(Set(table, "a", "1"), default) is CommitResult.Conflict);
        await another.CreateTableAsync(Events, Creation, default);
        Expect(await catalog.CommitTableAsync(Set(table, "a", "1"), default) is CommitResult.Conflict);
    }

    public async Task What_makes_no_sense_is_thrown()
    {
        var table = await catalog.CreateTableAsync(Events, Creation, default);
        await ExpectThrowsAsync<ArgumentException>(() => catalog.CommitTableAsync(new TableCommit(table, [], [new TableUpdate.SetCurrentSchema(9)]), default));
    }

    public async Task A_dropped_table_is_gone_and_its_name_free()
    {
        var table = await catalog.CreateTableAsync(Events, Creation, default);
        Expect(await catalog.DropTableAsync(Events, purge: false, default));
        Expect(!await catalog.DropTableAsync(Events, purge: false, default));
        Expect(await another.LoadTableAsync(Events, default) is null);
        ExpectSame(0, (await catalog.ListTablesAsync(["db"], default)).Count);
        Expect((await another.CreateTableAsync(Events, Creation, default)).Metadata.TableUuid != table.Metadata.TableUuid);
    }

    public async Task Tables_and_namespaces_are_listed()
    {
        await catalog.CreateTableAsync(Events, Creation, default);
        await catalog.CreateTableAsync(new TableIdentifier(["db"], "clicks"), Creation, default);
        await catalog.CreateTableAsync(new TableIdentifier(["other"], "t"), Creation, default);
        Expect((await another.ListTablesAsync(["db"], default)).Select(table => table.Name).Order(StringComparer.Ordinal).SequenceEqual(["clicks", "events"]));
        ExpectSame(0, (await catalog.ListTablesAsync(["none"], default)).Count);
        Expect((await catalog.ListNamespacesAsync(default)).Select(levels => string.Join('.', levels)).Order(StringComparer.Ordinal).SequenceEqual(["db", "other"]));
    }

    private static TableCommit Set(LoadedTable table, string name, string value) =>
        new(table, [], [new TableUpdate.SetProperties(new Dictionary<string, string> { [name] = value })]);

    private static LoadedTable Committed(CommitResult result) =>
        result is CommitResult.Committed(var table) ? table : throw new ConformanceException($"expected Committed, got {result}");
}
