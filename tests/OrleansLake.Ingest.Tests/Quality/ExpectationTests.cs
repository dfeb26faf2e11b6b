using System.Text;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Ingest.Pump;
using OrleansLake.Ingest.Quality;
using OrleansLake.Ingest.Tests.Write;
using OrleansLake.Ingest.Write;

namespace OrleansLake.Ingest.Tests.Quality;

public sealed class ExpectationTests
{
    private static readonly NestedField[] Fields =
    [
        new(1, "id", true, new LongType()),
        new(2, "price", false, new DecimalType(10, 2)),
        new(3, "kind", false, new StringType()),
        new(4, "who", false, new StructType([new NestedField(5, "mail", false, new StringType())])),
        new(6, "tags", false, new ListType(7, new StringType(), false)),
    ];

    private static readonly string[] Documents =
    [
        "{\"id\":1,\"price\":5,\"kind\":\"a\",\"who\":{\"mail\":\"x@y.z\"},\"tags\":[\"p\",\"q\"]}",
        "{\"id\":2,\"price\":-1,\"kind\":\"b\"}",
        "{\"id\":3,\"kind\":\"c\",\"who\":{\"mail\":\"nobody\"},\"tags\":[]}",
        "{\"id\":\"bad\"}",
        "{\"id\":1,\"price\":7.5,\"who\":{},\"tags\":[\"r\"]}",
        "{\"id\":4,\"price\":100,\"kind\":\"a\",\"who\":{\"mail\":\"é@y.z\"}}",
    ];

    private static readonly Expectation Any = new() { Name = "e" };

    public static TheoryData<string, long[]> Kinds => new()
    {
        { "where", [1, 1, 4] },
        { "notNull", [1, 2, 3, 4] },
        { "in", [1, 1, 2, 4] },
        { "bounds", [1, 1, 3] },
        { "matches", [1, 1, 2, 4] },
        { "unique", [1, 2, 3, 4] },
        { "nested", [1, 3, 4] },
    };

    private static Expectation Of(string kind) => kind switch
    {
        "where" => Any with { Where = "price > 0" },
        "notNull" => Any with { Column = "kind", NotNull = true },
        "in" => Any with { Column = "kind", In = ["a", "b"] },
        "bounds" => Any with { Column = "price", Least = "0", Most = "99.99" },
        "matches" => Any with { Column = "who.mail", Matches = "^.@" },
        "unique" => Any with { Unique = ["id"] },
        _ => Any with { Column = "who.mail", NotNull = true },
    };

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Rows_that_do_not_meet_an_expectation_become_dead_letters(string kind, long[] ids)
    {
        await using var table = await TableFixture.CreateAsync(Fields, inMemory: true);
        var alerts = new List<Alert>();
        Expectation expectation = Of(kind) with { Action = UnmetAction.DeadLetter };
        (WrittenFiles files, AppendedRecords appended) = await WriteAsync(table, [expectation], alerts.Add, Documents);
        await table.CommitAsync(files);

        Assert.Equal((ids.Length, Documents.Length - ids.Length), (appended.Rows, appended.Rejected));
        Assert.Equal(ids, (await table.RowsAsync(table.Table)).Select(row => row.GetProperty("id").GetInt64()).Order());
        var letters = await table.RowsAsync(table.DeadLetters);
        Assert.Single(letters, letter => letter.GetProperty("error_class").GetString() == "wrong-type");
        Assert.All(letters.Where(letter => letter.GetProperty("error_class").GetString() != "wrong-type"), letter =>
        {
            Assert.Equal("unmet-expectation", letter.GetProperty("error_class").GetString());
            Assert.Equal($"expectation e: expected {expectation.Text}", letter.GetProperty("message").GetString());
            string value = Encoding.UTF8.GetString(letter.GetProperty("value").GetBytesFromBase64());
            Assert.Equal(Documents[letter.GetProperty("offset").GetInt64() - letters.Min(_ => FirstOffset)], value);
        });
        Assert.Single(alerts);
        // What lies in lists and structs is still whose it was.
        Assert.All(await table.RowsAsync(table.Table), row => Assert.Equal(row.GetProperty("id").GetInt64() == 1 && row.GetProperty("kind").GetString() == "a", row.GetProperty("tags").ToString().Contains('p')));
    }

    private static long FirstOffset { get; } = Offset();

    private static long Offset()
    {
        using KafkaBatch batch = TableFixture.Batch("{}");
        return batch.Records[0].Offset;
    }

    [Fact]
    public async Task Warning_leaves_the_rows_and_tells_of_them_once_a_minute()
    {
        await using var table = await TableFixture.CreateAsync(Fields, inMemory: true);
        var alerts = new List<Alert>();
        (_, AppendedRecords appended) = await WriteAsync(table, [Of("where")], alerts.Add, [.. Documents, .. Documents]);
        Assert.Equal((10, 2), (appended.Rows, appended.Rejected));
        Alert alert = Assert.Single(alerts);
        Assert.Equal("expectation e", alert.Rule);
        Assert.Equal("expected price > 0: 4 of 10 rows did not", alert.Message);
    }

    [Fact]
    public async Task Halt_writes_what_lies_before_the_record_and_nothing_behind_it()
    {
        await using var table = await TableFixture.CreateAsync(Fields, inMemory: true);
        (WrittenFiles files, AppendedRecords appended) = await WriteAsync(table, [Of("matches") with { Action = UnmetAction.Halt }], static _ => { }, Documents);
        Assert.Equal((2, 0), (appended.Rows, appended.Rejected));
        Assert.Equal(FirstOffset + 2, appended.Halted!.Offset);
        Assert.Contains("who.mail matches ^.@", appended.Halted.Message, StringComparison.Ordinal);
        await table.CommitAsync(files);
        Assert.Equal(2, (await table.RowsAsync(table.Table)).Count);
    }

    [Fact]
    public async Task Pipeline_that_halts_on_bad_records_stops_before_the_first()
    {
        await using var table = await TableFixture.CreateAsync(Fields, inMemory: true);
        var factory = new RowWriterFactory(new RowWriterOptions { Pipeline = "events", Generation = "g1", HaltOnReject = true }, TimeProvider.System, table.Ids);
        using var batch = TableFixture.Batch(Documents);
        IRowWriter writer = factory.Open(table.Table, table.DeadLetters);
        AppendedRecords appended = writer.Append(batch);
        WrittenFiles files = await writer.CloseAsync(default);
        Assert.Equal((3, 0, FirstOffset + 3), (appended.Rows, appended.Rejected, appended.Halted!.Offset));
        Assert.Equal("id: wrong-type, expected long", appended.Halted.Message);
        Assert.Equal(3, files.Files.Sum(file => file.RecordCount));
        Assert.Empty(files.DeadLetterFiles);
    }

    [Fact]
    public async Task Record_that_is_read_again_is_no_second_one_with_its_key()
    {
        await using var table = await TableFixture.CreateAsync(Fields, inMemory: true);
        var expectations = new Expectations("events", [Of("unique") with { Action = UnmetAction.DeadLetter }], TimeProvider.System, static _ => { });
        var factory = new RowWriterFactory(new RowWriterOptions { Pipeline = "events", Generation = "g1", Expectations = expectations }, TimeProvider.System, table.Ids);
        for (int reading = 0; reading < 2; reading++)
        {
            using var batch = TableFixture.Batch(Documents);
            await using IRowWriter writer = factory.Open(table.Table, table.DeadLetters);
            Assert.Equal(new AppendedRecords(4, 2), writer.Append(batch));
        }

        Assert.Equal(2, expectations.Unmet["e"]);
    }

    [Fact]
    public async Task Share_of_nulls_is_asked_of_whole_windows()
    {
        await using var table = await TableFixture.CreateAsync(Fields, inMemory: true);
        var alerts = new List<Alert>();
        Expectation share = Any with { Column = "kind", MaxNullShare = 0.3, Window = 10 };
        await WriteAsync(table, [share], alerts.Add, [.. Enumerable.Range(0, 9).Select(i => $"{{\"id\":{i}}}")]);
        Assert.Empty(alerts);
        (_, AppendedRecords appended) = await WriteAsync(table, [share with { Action = UnmetAction.Halt }], alerts.Add, [.. Enumerable.Range(0, 10).Select(i => $"{{\"id\":{i},\"kind\":{(i < 4 ? "null" : "\"a\"")}}}")]);
        Assert.Contains("4 of 10 rows had null", Assert.Single(alerts).Message, StringComparison.Ordinal);
        Assert.Equal(9, appended.Rows);
        Assert.Equal(FirstOffset + 9, appended.Halted!.Offset);
    }

    [Fact]
    public async Task Column_that_has_left_the_table_is_told_of_and_not_asked()
    {
        await using var table = await TableFixture.CreateAsync(Fields, inMemory: true);
        var alerts = new List<Alert>();
        (_, AppendedRecords appended) = await WriteAsync(table, [Any with { Column = "gone", NotNull = true, Action = UnmetAction.DeadLetter }], alerts.Add, Documents);
        Assert.Equal((5, 1), (appended.Rows, appended.Rejected));
        Assert.Contains("it cannot be asked of schema 0: column gone", Assert.Single(alerts).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Storm_of_dead_letters_raises_one_alert_and_ends_it_when_it_is_over()
    {
        var alerts = new List<Alert>();
        var alarm = new DeadLetterAlarm("events", new DeadLetterAlarmOptions { Share = 0.1, Records = 100, Window = TimeSpan.FromMinutes(1) }, alerts.Add);
        DateTimeOffset now = DateTimeOffset.UnixEpoch.AddDays(20000);
        alarm.Count(10, 99, now);
        Assert.Empty(alerts);
        for (int second = 0; second < 300; second++)
        {
            alarm.Count(0, 1000, now.AddSeconds(second));
        }

        Alert raised = Assert.Single(alerts);
        Assert.Contains("became dead letters, the bound is 10", raised.Message, StringComparison.Ordinal);
        for (int second = 300; second < 420; second++)
        {
            alarm.Count(1000, 0, now.AddSeconds(second));
        }

        Assert.Equal([false, true], alerts.Select(alert => alert.IsOver));
    }

    private static async Task<(WrittenFiles Files, AppendedRecords Appended)> WriteAsync(TableFixture table, Expectation[] expectations, Action<Alert> onAlert, string[] documents)
    {
        var options = new RowWriterOptions { Pipeline = "events", Generation = "g1", Expectations = new Expectations("events", expectations, TimeProvider.System, onAlert) };
        var factory = new RowWriterFactory(options, TimeProvider.System, table.Ids);
        using var batch = TableFixture.Batch(documents);
        IRowWriter writer = factory.Open(table.Table, table.DeadLetters);
        AppendedRecords appended = writer.Append(batch);
        return (await writer.CloseAsync(default), appended);
    }
}
