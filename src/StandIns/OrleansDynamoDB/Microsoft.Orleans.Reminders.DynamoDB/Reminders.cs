using System.Globalization;
using Amazon.DynamoDBv2;
using Amazon.DynamoDBv2.Model;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.DynamoDB;
using Orleans.Reminders.DynamoDB;
using Orleans.Runtime;

namespace Orleans.Reminders.DynamoDB
{
    /// <summary>An item for each reminder, found by its grain and by the hash of its grain through two indexes.</summary>
    internal sealed class DynamoDBReminderTable(IOptions<DynamoDBReminderStorageOptions> options, IOptions<ClusterOptions> cluster) : IReminderTable
    {
        private const string Id = "ReminderId";
        private const string Hash = "GrainHash";
        private const string Service = "ServiceId";
        private const string Grain = "GrainReference";
        private const string Name = "ReminderName";
        private const string Start = "StartTime";
        private const string Period = "Period";
        private const string Etag = "ETag";
        private const string ByHash = "ServiceIdIndex";
        private const string ByGrain = "ServiceIdGrainReferenceIndex";
        private const string OfService = $"{Service} = :service";

        private readonly DynamoTable table = new(options.Value);
        private readonly string serviceId = cluster.Value.ServiceId;
        private Task? ready;

        public Task StartAsync(CancellationToken cancellationToken = default) => ReadyAsync();

        public async Task<ReminderEntry?> ReadRow(GrainId grainId, string reminderName)
        {
            await ReadyAsync();
            return await table.GetAsync(KeyOf(grainId, reminderName)) is { } item ? EntryOf(item) : null;
        }

        public Task<ReminderTableData> ReadRows(GrainId grainId) => ReadAsync(ByGrain, $"{Grain} = :grain", (":grain", DynamoTable.Text(grainId.ToString())));

        // A part of the ring of hashes, without its beginning and with its end; it may lie over the top.
        public async Task<ReminderTableData> ReadRows(uint begin, uint end)
        {
            if (begin < end)
                return await ReadAsync(ByHash, $"{Hash} BETWEEN :from AND :to", (":from", DynamoTable.Number(begin + 1L)), (":to", DynamoTable.Number(end)));
            var low = await ReadAsync(ByHash, $"{Hash} <= :to", (":to", DynamoTable.Number(end)));
            var high = await ReadAsync(ByHash, $"{Hash} > :from", (":from", DynamoTable.Number(begin)));
            return new([.. low.Reminders, .. high.Reminders]);
        }

        public async Task<string?> UpsertRow(ReminderEntry entry)
        {
            await ReadyAsync();
            string etag = Random.Shared.Next().ToString(CultureInfo.InvariantCulture);
            var item = KeyOf(entry.GrainId, entry.ReminderName);
            item[Service] = DynamoTable.Text(serviceId);
            item[Grain] = DynamoTable.Text(entry.GrainId.ToString());
            item[Name] = DynamoTable.Text(entry.ReminderName);
            item[Start] = DynamoTable.Text(entry.StartAt.ToString("yyyy-MM-dd HH:mm:ss.fffffff", CultureInfo.InvariantCulture));
            item[Period] = DynamoTable.Text(entry.Period.ToString("c", CultureInfo.InvariantCulture));
            item[Etag] = new AttributeValue { N = etag };
            await table.PutAsync(item);
            return entry.ETag = etag;
        }

        public async Task<bool> RemoveRow(GrainId grainId, string reminderName, string eTag)
        {
            await ReadyAsync();
            return await table.DeleteAsync(KeyOf(grainId, reminderName), $"{Etag} = :etag", new() { [":etag"] = new AttributeValue { N = eTag } });
        }

        public async Task TestOnlyClearTable()
        {
            await ReadyAsync();
            var items = await table.QueryAsync(OfService, new() { [":service"] = DynamoTable.Text(serviceId) }, ByHash);
            await table.DeleteAllAsync(items.Select(item => new Dictionary<string, AttributeValue> { [Id] = item[Id], [Hash] = item[Hash] }));
        }

        // What failed once is tried again by the next caller.
        private Task ReadyAsync() => ready is { IsFaulted: false } ? ready : ready = table.InitializeAsync(
            (Id, ScalarAttributeType.S), (Hash, ScalarAttributeType.N), null, CancellationToken.None,
            (ByHash, Service, Hash, ScalarAttributeType.N), (ByGrain, Service, Grain, ScalarAttributeType.S));

        private async Task<ReminderTableData> ReadAsync(string index, string condition, params (string Name, AttributeValue Value)[] values)
        {
            await ReadyAsync();
            var all = values.Append((Name: ":service", Value: DynamoTable.Text(serviceId))).ToDictionary(value => value.Name, value => value.Value);
            return new((await table.QueryAsync($"{OfService} AND {condition}", all, index)).Select(EntryOf));
        }

        private Dictionary<string, AttributeValue> KeyOf(GrainId grainId, string reminderName) => new()
        {
            [Id] = DynamoTable.Text($"{serviceId}_{grainId}_{reminderName}"), [Hash] = DynamoTable.Number(grainId.GetUniformHashCode()),
        };

        private static ReminderEntry EntryOf(Dictionary<string, AttributeValue> item) => new()
        {
            GrainId = GrainId.Parse(item[Grain].S),
            ReminderName = item[Name].S,
            StartAt = DateTime.Parse(item[Start].S, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal),
            Period = TimeSpan.Parse(item[Period].S, CultureInfo.InvariantCulture),
            ETag = item[Etag].N,
        };
    }
}

namespace Orleans.Configuration
{
    public class DynamoDBReminderStorageOptions() : DynamoDBTableOptions("OrleansReminders");
}

namespace Orleans.Hosting
{
    public static class DynamoDBServiceCollectionReminderExtensions
    {
        public static IServiceCollection UseDynamoDBReminderService(this IServiceCollection services, Action<DynamoDBReminderStorageOptions> configure)
        {
            services.AddReminders();
            services.AddSingleton<IReminderTable, DynamoDBReminderTable>();
            services.Configure(configure);
            return services;
        }
    }

    public static class DynamoDBSiloBuilderReminderExtensions
    {
        public static ISiloBuilder UseDynamoDBReminderService(this ISiloBuilder builder, Action<DynamoDBReminderStorageOptions> configure)
        {
            builder.Services.UseDynamoDBReminderService(configure);
            return builder;
        }
    }
}
