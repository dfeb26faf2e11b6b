using System.Globalization;
using Amazon.DynamoDBv2;
using Amazon.DynamoDBv2.Model;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.DynamoDB;
using Orleans.Runtime;
using Orleans.Runtime.Hosting;
using Orleans.Storage;

namespace Orleans.Storage
{
    /// <summary>An item for each state of a grain, with a counter as its ETag. What was cleared stays as an item without a value.</summary>
    internal sealed class DynamoDBGrainStorage(string name, DynamoDBStorageOptions options, IGrainStorageSerializer serializer, TimeProvider time)
        : IGrainStorage, ILifecycleParticipant<ISiloLifecycle>
    {
        private const string Grain = "GrainReference";
        private const string State = "GrainType";
        private const string Value = "GrainState";
        private const string Etag = "ETag";
        private const string Expires = "GrainTtl";
        private const string New = $"attribute_not_exists({Grain})";
        private const string Unchanged = $"{Etag} = :etag";

        private readonly DynamoTable table = new(options);

        public void Participate(ISiloLifecycle lifecycle) => lifecycle.Subscribe(
            $"DynamoDBGrainStorage-{name}", options.InitStage,
            cancellationToken => table.InitializeAsync((Grain, ScalarAttributeType.S), (State, ScalarAttributeType.S), options.TimeToLive is null ? null : Expires, cancellationToken));

        public async Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
        {
            var item = await table.GetAsync(KeyOf(stateName, grainId));
            byte[]? value = item is not null && item.TryGetValue(Value, out var stored) ? stored.B?.ToArray() : null;
            grainState.RecordExists = value is not null;
            grainState.State = value is null ? Activator.CreateInstance<T>() : serializer.Deserialize<T>(new BinaryData(value));
            grainState.ETag = item?[Etag].N;
        }

        public async Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
        {
            await WriteAsync(stateName, grainId, grainState, new AttributeValue { B = new MemoryStream(serializer.Serialize(grainState.State).ToArray()) });
            grainState.RecordExists = true;
        }

        public async Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
        {
            if (options.DeleteStateOnClear)
            {
                bool isNew = string.IsNullOrWhiteSpace(grainState.ETag);
                if (!await table.DeleteAsync(KeyOf(stateName, grainId), isNew ? $"attribute_not_exists({Etag})" : Unchanged, isNew ? null : EtagIs(Number(grainState.ETag!))))
                    throw Inconsistent(stateName, grainId, grainState.ETag);
                grainState.ETag = null;
            }
            else
            {
                await WriteAsync(stateName, grainId, grainState, new AttributeValue { NULL = true });
            }

            grainState.RecordExists = false;
            grainState.State = Activator.CreateInstance<T>();
        }

        private async Task WriteAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState, AttributeValue value)
        {
            bool isNew = string.IsNullOrWhiteSpace(grainState.ETag);
            long next = isNew ? 0 : Number(grainState.ETag!) + 1;
            var key = KeyOf(stateName, grainId);
            var fields = new Dictionary<string, AttributeValue> { [Value] = value, [Etag] = DynamoTable.Number(next) };
            if (options.TimeToLive is { } timeToLive)
                fields[Expires] = DynamoTable.Number(time.GetUtcNow().Add(timeToLive).ToUnixTimeSeconds());
            bool written = isNew ? await table.PutAsync(new(key.Concat(fields)), New) : await table.UpdateAsync(key, fields, Unchanged, EtagIs(next - 1));
            if (!written)
                throw Inconsistent(stateName, grainId, grainState.ETag);
            grainState.ETag = next.ToString(CultureInfo.InvariantCulture);
        }

        private Dictionary<string, AttributeValue> KeyOf(string stateName, GrainId grainId) => new()
        {
            [Grain] = DynamoTable.Text($"{options.ServiceId}_{grainId}"), [State] = DynamoTable.Text(stateName),
        };

        private static Dictionary<string, AttributeValue> EtagIs(long etag) => new() { [":etag"] = DynamoTable.Number(etag) };

        private static long Number(string etag) => long.Parse(etag, NumberStyles.None, CultureInfo.InvariantCulture);

        private static InconsistentStateException Inconsistent(string stateName, GrainId grainId, string? etag) =>
            new($"state {stateName} of grain {grainId}: expected ETag {etag ?? "none"}, found another");
    }
}

namespace Orleans.Hosting
{
    public static class DynamoDBGrainStorageSiloBuilderExtensions
    {
        public static ISiloBuilder AddDynamoDBGrainStorageAsDefault(this ISiloBuilder builder, Action<DynamoDBStorageOptions> configureOptions) =>
            builder.AddDynamoDBGrainStorage("Default", configureOptions);

        public static ISiloBuilder AddDynamoDBGrainStorageAsDefault(this ISiloBuilder builder, Action<OptionsBuilder<DynamoDBStorageOptions>>? configureOptions = null) =>
            builder.AddDynamoDBGrainStorage("Default", configureOptions);

        public static ISiloBuilder AddDynamoDBGrainStorage(this ISiloBuilder builder, string name, Action<DynamoDBStorageOptions> configureOptions) =>
            builder.AddDynamoDBGrainStorage(name, options => options.Configure(configureOptions));

        public static ISiloBuilder AddDynamoDBGrainStorage(this ISiloBuilder builder, string name, Action<OptionsBuilder<DynamoDBStorageOptions>>? configureOptions = null)
        {
            configureOptions?.Invoke(builder.Services.AddOptions<DynamoDBStorageOptions>(name));
            builder.Services.AddGrainStorage(name, (services, key) =>
            {
                var options = services.GetRequiredService<IOptionsMonitor<DynamoDBStorageOptions>>().Get(key);
                return new DynamoDBGrainStorage(
                    key, options, options.GrainStorageSerializer ?? services.GetRequiredService<IGrainStorageSerializer>(), services.GetService<TimeProvider>() ?? TimeProvider.System);
            });
            return builder;
        }
    }
}
