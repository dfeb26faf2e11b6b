using System.Globalization;
using System.Text.Json.Nodes;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Read;
using OrleansLake.Testing.Processes;

namespace OrleansLake.Ingest.Tests.Read.Foreign;

/// <summary>Every table of <see cref="ForeignTables"/>, made once, and what both engines say of it: one process of each for all.</summary>
public sealed class ForeignReadersFixture : IAsyncLifetime
{
    private readonly string _warehouse = Directory.CreateTempSubdirectory("lake-foreign-").FullName;
    private readonly Dictionary<string, ForeignTable> _tables = [];
    private Dictionary<(string Table, string What), JsonNode> _icebird = [];
    private Dictionary<(string Table, string What), JsonNode> _clickHouse = [];

    public async ValueTask InitializeAsync()
    {
        if (ForeignReaders.Absent is not null)
        {
            return;
        }

        foreach (var (name, make) in ForeignTables.All)
        {
            _tables.Add(name, await make(_warehouse, name));
        }

        var asked = _tables.Values.ToList();
        var birds = ForeignReaders.IcebirdAsync([.. asked.Select(table => LocalObjectStore.PathOf(table.Table.Metadata.Location))]);
        if (ForeignReaders.ClickHouseAbsent is null)
        {
            List<((string, string) What, string Sql)> questions = [.. asked.SelectMany(Questions)];
            var answers = await ForeignReaders.ClickHouseAllAsync(_warehouse, [.. questions.Select(question => question.Sql)]);
            _clickHouse = questions.Zip(answers).ToDictionary(pair => pair.First.What, pair => pair.Second);
        }

        _icebird = asked.Zip(await birds).ToDictionary(pair => (pair.First.Name, ""), pair => pair.Second);
    }

    public ValueTask DisposeAsync()
    {
        Directory.Delete(_warehouse, recursive: true);
        return ValueTask.CompletedTask;
    }

    internal ForeignTable TableOf(string name) => _tables[name];

    /// <summary>What an engine answered: rows, or the reason why not as text.</summary>
    internal JsonArray Answer(RowMaker engine, string table, string what) => (engine == RowMaker.Icebird ? _icebird : _clickHouse)[(table, what)] switch
    {
        JsonArray rows => rows,
        var failed => throw new InvalidOperationException($"{engine} over {table}, {(what.Length == 0 ? "every row" : what)}: {failed.ToJsonString()}"),
    };

    private static IEnumerable<((string, string) What, string Sql)> Questions(ForeignTable table)
    {
        string from = $"icebergLocal('db/{table.Name}')";
        string columns = ForeignRowText.Columns(table.Table.Metadata.CurrentSchema);
        const string settings = "session_timezone = 'UTC', use_iceberg_partition_pruning = 1, output_format_json_quote_denormals = 1";
        yield return ((table.Name, ""), $"SELECT {columns} FROM {from} SETTINGS {settings}");
        foreach (var condition in table.Conditions)
        {
            yield return ((table.Name, condition.Ours), $"SELECT id FROM {from} WHERE {condition.ClickHouse} SETTINGS {settings}");
        }

        foreach (long snapshot in table.Earlier)
        {
            string id = snapshot.ToString(CultureInfo.InvariantCulture);
            yield return ((table.Name, id), $"SELECT {columns} FROM {from} SETTINGS {settings}, iceberg_snapshot_id = {id}");
        }
    }
}

/// <summary>Tables of every type and feature, written here: ClickHouse and icebird see the rows that we see, row by row.</summary>
public sealed class ForeignReadersTests(ForeignReadersFixture fixture) : IClassFixture<ForeignReadersFixture>
{
    public static TheoryData<string> OfClickHouse { get; } = [.. ForeignTables.All.Keys.Except(ForeignTables.ClickHouseFaults.Keys)];

    public static TheoryData<string> OfIcebird { get; } = [.. ForeignTables.All.Keys.Except(ForeignTables.IcebirdFaults.Keys)];

    [Theory]
    [MemberData(nameof(OfClickHouse))]
    public async Task ClickHouse_reads_the_rows_that_we_read(string name)
    {
        Assert.SkipWhen((ForeignReaders.Absent ?? ForeignReaders.ClickHouseAbsent) is not null, ForeignReaders.Absent ?? ForeignReaders.ClickHouseAbsent ?? "");
        await CompareAsync(RowMaker.ClickHouse, fixture.TableOf(name), "", new ScanOptions());
    }

    [Theory]
    [MemberData(nameof(OfIcebird))]
    public async Task Icebird_reads_the_rows_that_we_read(string name)
    {
        Assert.SkipWhen(ForeignReaders.Absent is not null, ForeignReaders.Absent ?? "");
        await CompareAsync(RowMaker.Icebird, fixture.TableOf(name), "", new ScanOptions());
    }

    /// <summary>It prunes by our partitions, bounds and Bloom filters: what they claim too much of would be missing.</summary>
    [Theory]
    [MemberData(nameof(OfClickHouse))]
    public async Task ClickHouse_finds_by_a_condition_and_in_an_earlier_snapshot_what_we_find(string name)
    {
        Assert.SkipWhen((ForeignReaders.Absent ?? ForeignReaders.ClickHouseAbsent) is not null, ForeignReaders.Absent ?? ForeignReaders.ClickHouseAbsent ?? "");
        var table = fixture.TableOf(name);
        foreach (var condition in table.Conditions)
        {
            var ours = (await table.RowsAsync(new ScanOptions { Where = Expression.Parse(condition.Ours), Columns = ["id"] })).Select(row => JsonNode.Parse(row)!["id"]!.ToString());
            var theirs = fixture.Answer(RowMaker.ClickHouse, name, condition.Ours).Select(row => row!["id"]!.ToString());
            Assert.True(ours.Order(StringComparer.Ordinal).SequenceEqual(theirs.Order(StringComparer.Ordinal)), $"{condition.Ours}: we find {string.Join(' ', ours)}; ClickHouse finds {string.Join(' ', theirs)}");
        }

        foreach (long snapshot in table.Earlier)
        {
            string id = snapshot.ToString(CultureInfo.InvariantCulture);
            await CompareAsync(RowMaker.ClickHouse, table, id, new ScanOptions { At = id });
        }
    }

    private async Task CompareAsync(RowMaker engine, ForeignTable table, string what, ScanOptions options)
    {
        var schema = table.Table.Metadata.CurrentSchema;
        var rows = await table.RowsAsync(options);
        Assert.NotEmpty(rows);
        Assert.Equal(
            rows.Select(row => new ForeignRowText(RowMaker.Ours, engine).Of(schema, JsonNode.Parse(row)!.AsObject())).Order(StringComparer.Ordinal),
            fixture.Answer(engine, table.Name, what).Select(row => new ForeignRowText(engine, engine).Of(schema, row!.AsObject())).Order(StringComparer.Ordinal));
    }
}
