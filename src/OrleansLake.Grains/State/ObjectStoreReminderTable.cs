using System.Globalization;
using OrleansLake.Iceberg;

namespace OrleansLake.Grains;

/// <summary>
/// Reminders in an object store, all of a service in one document: there is one a pipeline. The version of the document that
/// a reminder was last changed in is its ETag.
/// </summary>
internal sealed class ObjectStoreReminderTable(IObjectStore objects, string root) : IReminderTable
{
    private const string Name = "reminders";

    private readonly VersionedObjects _documents = new(objects, root);

    /// <inheritdoc />
    public async Task<ReminderTableData> ReadRows(GrainId grainId) => Data((await ReadAsync()).Where(row => row.Grain == grainId.ToString()));

    /// <inheritdoc />
    public async Task<ReminderTableData> ReadRows(uint begin, uint end) => Data((await ReadAsync()).Where(row =>
    {
        // A part of the ring of hashes, without its beginning and with its end; it may lie over the top.
        uint hash = GrainId.Parse(row.Grain).GetUniformHashCode();
        return begin < end ? hash > begin && hash <= end : hash > begin || hash <= end;
    }));

    /// <inheritdoc />
    public async Task<ReminderEntry?> ReadRow(GrainId grainId, string reminderName) =>
        (await ReadAsync()).Find(row => row.Is(grainId, reminderName)) is { } row ? Entry(row) : null;

    /// <inheritdoc />
    public Task<string?> UpsertRow(ReminderEntry entry) => ChangeAsync<string?>((rows, etag) =>
    {
        rows.RemoveAll(row => row.Is(entry.GrainId, entry.ReminderName));
        rows.Add(new Row(entry.GrainId.ToString(), entry.ReminderName, entry.StartAt.ToUniversalTime(), entry.Period, etag));
        return (true, etag);
    });

    /// <inheritdoc />
    public Task<bool> RemoveRow(GrainId grainId, string reminderName, string eTag) => ChangeAsync((rows, _) =>
    {
        bool removed = rows.RemoveAll(row => row.Is(grainId, reminderName) && row.ETag == eTag) > 0;
        return (removed, removed);
    });

    /// <inheritdoc />
    public Task TestOnlyClearTable() => ChangeAsync((rows, _) =>
    {
        rows.Clear();
        return (true, true);
    });

    private static ReminderTableData Data(IEnumerable<Row> rows) => new(rows.Select(Entry));

    private static ReminderEntry Entry(Row row) => new()
    {
        GrainId = GrainId.Parse(row.Grain), ReminderName = row.Name, StartAt = row.StartAt, Period = row.Period, ETag = row.ETag,
    };

    private static List<Row> RowsOf(VersionedObjects.Version? version) =>
        version is null ? [] : [.. StateJson.Read<Reminders>(version, "a list of reminders").Rows];

    private async Task<List<Row>> ReadAsync() => RowsOf(await _documents.ReadAsync(Name, CancellationToken.None));

    private Task<T> ChangeAsync<T>(Func<List<Row>, string, (bool Changed, T Result)> change) => _documents.ChangeAsync<T>(
        Name,
        version =>
        {
            List<Row> rows = RowsOf(version);
            string etag = ((version?.Number ?? 0) + 1).ToString(CultureInfo.InvariantCulture);
            (bool changed, T result) = change(rows, etag);
            return (changed ? StateJson.Write(new Reminders([.. rows])) : null, result);
        },
        CancellationToken.None);

    private sealed record Reminders(Row[] Rows);

    private sealed record Row(string Grain, string Name, DateTime StartAt, TimeSpan Period, string ETag)
    {
        public bool Is(GrainId grain, string name) => Grain == grain.ToString() && Name == name;
    }
}
