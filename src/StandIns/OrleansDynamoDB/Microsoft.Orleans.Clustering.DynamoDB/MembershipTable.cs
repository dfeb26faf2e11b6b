using System.Globalization;
using System.Net;
using Amazon.DynamoDBv2;
using Amazon.DynamoDBv2.Model;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.DynamoDB;
using Orleans.Hosting;
using Orleans.Runtime;

namespace Orleans.Clustering.DynamoDB
{
    /// <summary>The attributes of a silo's item, and of the one that holds the table's version.</summary>
    internal static class SiloItem
    {
        public const string Cluster = "DeploymentId";
        public const string Identity = "SiloIdentity";
        public const string VersionRow = "VersionRow";
        public const string Version = "MembershipVersion";
        public const string Etag = "ETag";
        public const string Alive = "IAmAliveTime";
        public const string Status = "SiloStatus";
        public const string ProxyPort = "ProxyPort";
        private const char Separator = '|';
        private const string TimeFormat = "yyyy-MM-dd HH:mm:ss.fff 'GMT'";

        public static readonly (string, ScalarAttributeType) HashKey = (Cluster, ScalarAttributeType.S);
        public static readonly (string, ScalarAttributeType) RangeKey = (Identity, ScalarAttributeType.S);

        public static Dictionary<string, AttributeValue> KeyOf(string cluster, string identity) => new() { [Cluster] = DynamoTable.Text(cluster), [Identity] = DynamoTable.Text(identity) };

        public static string IdentityOf(SiloAddress silo) => $"{silo.Endpoint.Address}-{silo.Endpoint.Port}-{silo.Generation}";

        public static string TimeOf(DateTime time) => time.ToString(TimeFormat, CultureInfo.InvariantCulture);

        public static int NumberOf(Dictionary<string, AttributeValue> item, string name) =>
            item.TryGetValue(name, out var value) && int.TryParse(value.N, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int number) ? number : 0;

        public static SiloAddress AddressOf(Dictionary<string, AttributeValue> item, string port) =>
            SiloAddress.New(IPAddress.Parse(item["Address"].S), NumberOf(item, port), NumberOf(item, "Generation"));

        public static DateTime TimeOf(Dictionary<string, AttributeValue> item, string name) => TextOf(item, name) is { Length: > 0 } text ? TimeOf(text) : default;

        /// <summary>All but the key and the ETag.</summary>
        public static Dictionary<string, AttributeValue> FieldsOf(MembershipEntry entry, int version)
        {
            var suspects = entry.SuspectTimes ?? [];
            return new()
            {
                ["Address"] = DynamoTable.Text(entry.SiloAddress.Endpoint.Address.ToString()),
                ["Port"] = DynamoTable.Number(entry.SiloAddress.Endpoint.Port),
                ["Generation"] = DynamoTable.Number(entry.SiloAddress.Generation),
                ["HostName"] = DynamoTable.Text(entry.HostName ?? ""),
                [Status] = DynamoTable.Number((int)entry.Status),
                [ProxyPort] = DynamoTable.Number(entry.ProxyPort),
                ["SiloName"] = DynamoTable.Text(entry.SiloName ?? ""),
                ["SuspectingSilos"] = DynamoTable.Text(string.Join(Separator, suspects.Select(suspect => suspect.Item1.ToParsableString()))),
                ["SuspectingTimes"] = DynamoTable.Text(string.Join(Separator, suspects.Select(suspect => TimeOf(suspect.Item2)))),
                ["StartTime"] = DynamoTable.Text(TimeOf(entry.StartTime)),
                [Alive] = DynamoTable.Text(TimeOf(entry.IAmAliveTime)),
                [Version] = DynamoTable.Number(version),
            };
        }

        public static MembershipEntry EntryOf(Dictionary<string, AttributeValue> item) => new()
        {
            SiloAddress = AddressOf(item, "Port"),
            Status = (SiloStatus)NumberOf(item, Status),
            HostName = TextOf(item, "HostName"),
            SiloName = TextOf(item, "SiloName"),
            ProxyPort = NumberOf(item, ProxyPort),
            StartTime = TimeOf(item, "StartTime"),
            IAmAliveTime = TimeOf(item, Alive),
            SuspectTimes = [.. PartsOf(item, "SuspectingSilos").Zip(PartsOf(item, "SuspectingTimes"), (silo, time) => Tuple.Create(SiloAddress.FromParsableString(silo), TimeOf(time)))],
        };

        private static string[] PartsOf(Dictionary<string, AttributeValue> item, string name) => TextOf(item, name).Split(Separator, StringSplitOptions.RemoveEmptyEntries);

        private static string TextOf(Dictionary<string, AttributeValue> item, string name) => item.TryGetValue(name, out var value) ? value.S ?? "" : "";

        private static DateTime TimeOf(string text) =>
            DateTime.ParseExact(text, TimeFormat, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal);
    }

    /// <summary>The members of a cluster: an item for each silo, and one for the table's version, which every change moves on.</summary>
    internal sealed class DynamoDBMembershipTable(IOptions<DynamoDBClusteringOptions> options, IOptions<ClusterOptions> cluster) : IMembershipTable
    {
        private const string New = $"attribute_not_exists({SiloItem.Identity})";
        private const string Known = $"attribute_exists({SiloItem.Identity})";
        private const string Unchanged = $"{SiloItem.Etag} = :etag";

        private readonly DynamoTable table = new(options.Value);
        private readonly string clusterId = cluster.Value.ClusterId;

        public async Task InitializeMembershipTable(bool tryInitTableVersion)
        {
            await table.InitializeAsync(SiloItem.HashKey, SiloItem.RangeKey, null, CancellationToken.None);
            if (tryInitTableVersion && await table.GetAsync(VersionKey) is null)
                await table.PutAsync(Joined(VersionKey, VersionFields(0, 0)), New); // whoever was faster made the same one
        }

        public async Task DeleteMembershipTableEntries(string clusterId) => await table.DeleteAllAsync((await ItemsAsync(clusterId)).Select(KeyOf));

        public async Task CleanupDefunctSiloEntries(DateTimeOffset beforeDate) => await table.DeleteAllAsync((await ItemsAsync(clusterId))
            .Where(item => !IsVersion(item) && SiloItem.NumberOf(item, SiloItem.Status) != (int)SiloStatus.Active && LastSeen(item) < beforeDate.UtcDateTime)
            .Select(KeyOf));

        public async Task<MembershipTableData> ReadRow(SiloAddress key)
        {
            string identity = SiloItem.IdentityOf(key);
            return await ReadAsync(async () => await table.GetAsync(SiloItem.KeyOf(clusterId, identity)) is { } item ? [item] : []);
        }

        public Task<MembershipTableData> ReadAll() => ReadAsync(async () => (await ItemsAsync(clusterId)).Where(item => !IsVersion(item)));

        public Task<bool> InsertRow(MembershipEntry entry, TableVersion tableVersion)
        {
            if (!IsNumber(tableVersion.VersionEtag))
                return Task.FromResult(false);
            var item = Joined(SiloItem.KeyOf(clusterId, SiloItem.IdentityOf(entry.SiloAddress)), SiloItem.FieldsOf(entry, tableVersion.Version));
            item[SiloItem.Etag] = DynamoTable.Number(0);
            return table.TransactAsync(new TransactWriteItem { Put = table.PutOf(item, New) }, new TransactWriteItem { Update = Next(tableVersion) });
        }

        public Task<bool> UpdateRow(MembershipEntry entry, string etag, TableVersion tableVersion)
        {
            if (!IsNumber(etag) || !IsNumber(tableVersion.VersionEtag))
                return Task.FromResult(false);
            var fields = SiloItem.FieldsOf(entry, tableVersion.Version);
            fields[SiloItem.Etag] = DynamoTable.Number(After(etag));
            return table.TransactAsync(
                new TransactWriteItem { Update = table.UpdateOf(SiloItem.KeyOf(clusterId, SiloItem.IdentityOf(entry.SiloAddress)), fields, Unchanged, Values(etag)) },
                new TransactWriteItem { Update = Next(tableVersion) });
        }

        // It changes neither version nor ETag: silos would stand in one another's way.
        public async Task UpdateIAmAlive(MembershipEntry entry)
        {
            var fields = new Dictionary<string, AttributeValue> { [SiloItem.Alive] = DynamoTable.Text(SiloItem.TimeOf(entry.IAmAliveTime)) };
            if (!await table.UpdateAsync(SiloItem.KeyOf(clusterId, SiloItem.IdentityOf(entry.SiloAddress)), fields, Known))
                throw new OrleansException($"{entry.SiloAddress} is not among the members of cluster {clusterId} any more");
        }

        // The version is read first: an item that is newer shows that the table changed meanwhile.
        private async Task<MembershipTableData> ReadAsync(Func<Task<IEnumerable<Dictionary<string, AttributeValue>>>> read)
        {
            while (true)
            {
                var version = await table.GetAsync(VersionKey) ?? throw new KeyNotFoundException($"expected a version of the members of cluster {clusterId}, found none");
                int number = SiloItem.NumberOf(version, SiloItem.Version);
                var items = (await read()).ToList();
                if (items.All(item => SiloItem.NumberOf(item, SiloItem.Version) <= number))
                    return new([.. items.Select(item => Tuple.Create(SiloItem.EntryOf(item), EtagOf(item)))], new TableVersion(number, EtagOf(version)));
            }
        }

        private Task<List<Dictionary<string, AttributeValue>>> ItemsAsync(string clusterId) =>
            table.QueryAsync($"{SiloItem.Cluster} = :cluster", new() { [":cluster"] = DynamoTable.Text(clusterId) });

        private Dictionary<string, AttributeValue> VersionKey => SiloItem.KeyOf(clusterId, SiloItem.VersionRow);

        private Update Next(TableVersion version) =>
            table.UpdateOf(VersionKey, VersionFields(version.Version, After(version.VersionEtag)), Unchanged, Values(version.VersionEtag));

        private static Dictionary<string, AttributeValue> VersionFields(int version, int etag) => new()
        {
            [SiloItem.Version] = DynamoTable.Number(version), [SiloItem.Etag] = DynamoTable.Number(etag),
        };

        private static Dictionary<string, AttributeValue> Joined(Dictionary<string, AttributeValue> key, Dictionary<string, AttributeValue> fields) => new(key.Concat(fields));

        private static Dictionary<string, AttributeValue> KeyOf(Dictionary<string, AttributeValue> item) => SiloItem.KeyOf(item[SiloItem.Cluster].S, item[SiloItem.Identity].S);

        private static Dictionary<string, AttributeValue> Values(string etag) => new() { [":etag"] = DynamoTable.Number(int.Parse(etag, CultureInfo.InvariantCulture)) };

        private static bool IsVersion(Dictionary<string, AttributeValue> item) => item[SiloItem.Identity].S == SiloItem.VersionRow;

        private static bool IsNumber(string? etag) => int.TryParse(etag, NumberStyles.None, CultureInfo.InvariantCulture, out _);

        private static int After(string etag) => int.Parse(etag, CultureInfo.InvariantCulture) + 1;

        private static string EtagOf(Dictionary<string, AttributeValue> item) => SiloItem.NumberOf(item, SiloItem.Etag).ToString(CultureInfo.InvariantCulture);

        private static DateTime LastSeen(Dictionary<string, AttributeValue> item)
        {
            var (alive, started) = (SiloItem.TimeOf(item, SiloItem.Alive), SiloItem.TimeOf(item, "StartTime"));
            return alive > started ? alive : started;
        }
    }
}

namespace Orleans.Hosting
{
    using Orleans.Clustering.DynamoDB;

    public static partial class AwsUtilsHostingExtensions
    {
        public static ISiloBuilder UseDynamoDBClustering(this ISiloBuilder builder, Action<DynamoDBClusteringOptions> configureOptions) =>
            builder.UseDynamoDBClustering(options => options.Configure(configureOptions));

        public static ISiloBuilder UseDynamoDBClustering(this ISiloBuilder builder, Action<OptionsBuilder<DynamoDBClusteringOptions>> configureOptions)
        {
            configureOptions(builder.Services.AddOptions<DynamoDBClusteringOptions>());
            builder.Services.AddSingleton<IMembershipTable, DynamoDBMembershipTable>();
            return builder;
        }
    }
}
