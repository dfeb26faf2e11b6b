using System.Globalization;
using OrleansLake.Iceberg;

namespace OrleansLake.Grains;

/// <summary>
/// The members of a cluster in an object store, as one document: silos that share a warehouse find one another without any
/// other service. The table's version and those of its rows are Orleans' own; a sign of life changes neither.
/// </summary>
internal sealed class ObjectStoreMembershipTable(IObjectStore objects, string root) : IMembershipTable
{
    private const string Name = "members";

    private readonly VersionedObjects _documents = new(objects, root);

    /// <inheritdoc />
    public Task InitializeMembershipTable(bool tryInitTableVersion) => tryInitTableVersion
        ? ChangeAsync(table => (table is null ? new Table(0, []) : null, true))
        : Task.CompletedTask;

    /// <inheritdoc />
    public Task DeleteMembershipTableEntries(string clusterId) => ChangeAsync(table => (new Table((table?.Version ?? 0) + 1, []), true));

    /// <inheritdoc />
    public Task CleanupDefunctSiloEntries(DateTimeOffset beforeDate) => ChangeAsync(table =>
    {
        Row[] kept = [.. (table?.Rows ?? []).Where(row => row.Status == SiloStatus.Active || Later(row.StartTime, row.IAmAliveTime) >= beforeDate.UtcDateTime)];
        return (table is null || kept.Length == table.Rows.Length ? null : new Table(table.Version + 1, kept), true);
    });

    /// <inheritdoc />
    public async Task<MembershipTableData> ReadRow(SiloAddress key) => Data(await ReadAsync(), row => row.Silo == key.ToParsableString());

    /// <inheritdoc />
    public async Task<MembershipTableData> ReadAll() => Data(await ReadAsync(), _ => true);

    /// <inheritdoc />
    public Task<bool> InsertRow(MembershipEntry entry, TableVersion tableVersion) => ChangeAsync(table =>
    {
        string silo = entry.SiloAddress.ToParsableString();
        return Follows(table, tableVersion) && table!.Rows.All(row => row.Silo != silo)
            ? (new Table(tableVersion.Version, [.. table.Rows, RowOf(entry, tableVersion.Version)]), true)
            : (null, false);
    });

    /// <inheritdoc />
    public Task<bool> UpdateRow(MembershipEntry entry, string etag, TableVersion tableVersion) => ChangeAsync(table =>
    {
        string silo = entry.SiloAddress.ToParsableString();
        return Follows(table, tableVersion) && table!.Rows.Any(row => row.Silo == silo && EtagOf(row) == etag)
            ? (new Table(tableVersion.Version, [.. table.Rows.Select(row => row.Silo == silo ? RowOf(entry, tableVersion.Version) : row)]), true)
            : (null, false);
    });

    /// <inheritdoc />
    public async Task UpdateIAmAlive(MembershipEntry entry)
    {
        string silo = entry.SiloAddress.ToParsableString();
        bool known = await ChangeAsync(table => table is not null && table.Rows.Any(row => row.Silo == silo)
            ? (table with { Rows = [.. table.Rows.Select(row => row.Silo == silo ? row with { IAmAliveTime = entry.IAmAliveTime } : row)] }, true)
            : (null, false));
        if (!known)
        {
            throw new OrleansException($"{silo} is not among the members of its cluster any more");
        }
    }

    // TableVersion.Next() counts on and keeps the ETag that was read.
    private static bool Follows(Table? table, TableVersion next) => table is not null && next.Version == table.Version + 1 && next.VersionEtag == EtagOf(table);

    private static string EtagOf(Table table) => table.Version.ToString(CultureInfo.InvariantCulture);

    private static string EtagOf(Row row) => row.ChangedIn.ToString(CultureInfo.InvariantCulture);

    private static DateTime Later(DateTime a, DateTime b) => a > b ? a : b;

    private static MembershipTableData Data(Table table, Func<Row, bool> wanted) => new(
        [.. table.Rows.Where(wanted).Select(row => Tuple.Create(EntryOf(row), EtagOf(row)))], new TableVersion(table.Version, EtagOf(table)));

    private static Row RowOf(MembershipEntry entry, int version) => new(
        entry.SiloAddress.ToParsableString(), entry.Status, entry.ProxyPort, entry.HostName ?? "", entry.SiloName ?? "", entry.RoleName ?? "", entry.UpdateZone, entry.FaultZone,
        entry.StartTime, entry.IAmAliveTime, [.. (entry.SuspectTimes ?? []).Select(suspect => new Suspicion(suspect.Item1.ToParsableString(), suspect.Item2))], version);

    private static MembershipEntry EntryOf(Row row) => new()
    {
        SiloAddress = SiloAddress.FromParsableString(row.Silo),
        Status = row.Status,
        ProxyPort = row.ProxyPort,
        HostName = row.HostName,
        SiloName = row.SiloName,
        RoleName = row.RoleName,
        UpdateZone = row.UpdateZone,
        FaultZone = row.FaultZone,
        StartTime = row.StartTime,
        IAmAliveTime = row.IAmAliveTime,
        SuspectTimes = [.. row.Suspicions.Select(suspicion => Tuple.Create(SiloAddress.FromParsableString(suspicion.By), suspicion.At))],
    };

    private static Table? TableOf(VersionedObjects.Version? version) => version is null ? null : StateJson.Read<Table>(version, "the members of a cluster");

    private async Task<Table> ReadAsync() => TableOf(await _documents.ReadAsync(Name, CancellationToken.None)) ?? new Table(0, []);

    private Task<T> ChangeAsync<T>(Func<Table?, (Table? Changed, T Result)> change) => _documents.ChangeAsync<T>(
        Name,
        version =>
        {
            (Table? changed, T result) = change(TableOf(version));
            return (changed is null ? null : StateJson.Write(changed), result);
        },
        CancellationToken.None);

    private sealed record Table(int Version, Row[] Rows);

    private sealed record Row(
        string Silo, SiloStatus Status, int ProxyPort, string HostName, string SiloName, string RoleName, int UpdateZone, int FaultZone,
        DateTime StartTime, DateTime IAmAliveTime, Suspicion[] Suspicions, int ChangedIn);

    private sealed record Suspicion(string By, DateTime At);
}
