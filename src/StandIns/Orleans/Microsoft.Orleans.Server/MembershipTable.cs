using Orleans.Runtime;

// What a table of members speaks in. Nobody here asks one: a silo that is given one refuses to start, since it is no cluster.
namespace Orleans
{
    public interface IMembershipTable
    {
        Task InitializeMembershipTable(bool tryInitTableVersion);
        Task DeleteMembershipTableEntries(string clusterId);
        Task CleanupDefunctSiloEntries(DateTimeOffset beforeDate);
        Task<MembershipTableData> ReadRow(SiloAddress key);
        Task<MembershipTableData> ReadAll();
        Task<bool> InsertRow(MembershipEntry entry, TableVersion tableVersion);
        Task<bool> UpdateRow(MembershipEntry entry, string etag, TableVersion tableVersion);
        Task UpdateIAmAlive(MembershipEntry entry);
    }

    public sealed class TableVersion(int version, string eTag)
    {
        public int Version { get; } = version;
        public string VersionEtag { get; } = eTag;
        public TableVersion Next() => new(Version + 1, VersionEtag);
    }

    public sealed class MembershipEntry
    {
        public required SiloAddress SiloAddress { get; set; }
        public SiloStatus Status { get; set; }
        public List<Tuple<SiloAddress, DateTime>>? SuspectTimes { get; set; }
        public int ProxyPort { get; set; }
        public string? HostName { get; set; }
        public string? SiloName { get; set; }
        public string? RoleName { get; set; }
        public int UpdateZone { get; set; }
        public int FaultZone { get; set; }
        public DateTime StartTime { get; set; }
        public DateTime IAmAliveTime { get; set; }
    }

    public sealed class MembershipTableData(List<Tuple<MembershipEntry, string>> list, TableVersion version)
    {
        public IReadOnlyList<Tuple<MembershipEntry, string>> Members { get; } = list;
        public TableVersion Version { get; } = version;
    }
}

namespace Orleans.Configuration
{
    public class ClusterMembershipOptions
    {
        public TimeSpan ProbeTimeout { get; set; } = TimeSpan.FromSeconds(5);
        public TimeSpan DefunctSiloExpiration { get; set; } = TimeSpan.FromDays(7);
        public TimeSpan? DefunctSiloCleanupPeriod { get; set; } = TimeSpan.FromHours(1);
    }
}
