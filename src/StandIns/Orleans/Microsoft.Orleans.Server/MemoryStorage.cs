using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Hosting;
using Orleans.Runtime;
using Orleans.Runtime.Hosting;
using Orleans.Serialization;

namespace Orleans.Storage
{
    /// <summary>States as copies in memory, each with an ETag that a writer must know.</summary>
    internal sealed class MemoryGrainStorage(DeepCopier copier) : IGrainStorage
    {
        private readonly ConcurrentDictionary<(string State, GrainId Grain), Entry> entries = new();
        private long lastEtag;

        public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
        {
            if (entries.TryGetValue((stateName, grainId), out var entry) && entry.Exists)
                (grainState.State, grainState.ETag, grainState.RecordExists) = (copier.Copy((T)entry.Value!), entry.Etag, true);
            else
                (grainState.State, grainState.ETag, grainState.RecordExists) = (States.New<T>(), entry?.Etag, false);
            return Task.CompletedTask;
        }

        public Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
        {
            Store(stateName, grainId, grainState, copier.Copy(grainState.State), true);
            grainState.RecordExists = true;
            return Task.CompletedTask;
        }

        public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
        {
            Store(stateName, grainId, grainState, null, false);
            (grainState.State, grainState.ETag, grainState.RecordExists) = (States.New<T>(), null, false);
            return Task.CompletedTask;
        }

        private void Store<T>(string stateName, GrainId grainId, IGrainState<T> grainState, object? value, bool exists)
        {
            lock (entries)
            {
                string? stored = entries.TryGetValue((stateName, grainId), out var entry) && entry.Exists ? entry.Etag : null;
                if (stored != grainState.ETag)
                    throw new InconsistentStateException(
                        $"Etag mismatch: stored {stored ?? "null"}, received {grainState.ETag ?? "null"}", stored, grainState.ETag);
                string etag = (++lastEtag).ToString(CultureInfo.InvariantCulture);
                entries[(stateName, grainId)] = new(value, exists ? etag : null, exists);
                grainState.ETag = etag;
            }
        }

        private sealed record Entry(object? Value, string? Etag, bool Exists);
    }
}

namespace Orleans.Runtime.Hosting
{
    public static class StorageProviderExtensions
    {
        public static IServiceCollection AddGrainStorage<T>(
            this IServiceCollection collection, string name, Func<IServiceProvider, string, T> implementationFactory)
            where T : Storage.IGrainStorage
        {
            collection.AddKeyedSingleton<Storage.IGrainStorage>(name, (services, key) => implementationFactory(services, (string)key!));
            if (name == "Default")
                collection.AddSingleton(services => services.GetRequiredKeyedService<Storage.IGrainStorage>(name));
            if (typeof(ILifecycleParticipant<ISiloLifecycle>).IsAssignableFrom(typeof(T)))
            {
                collection.AddSingleton(services =>
                    (ILifecycleParticipant<ISiloLifecycle>)services.GetRequiredKeyedService<Storage.IGrainStorage>(name));
            }

            return collection;
        }
    }
}

namespace Orleans.Hosting
{
    public static class MemoryGrainStorageSiloBuilderExtensions
    {
        public static ISiloBuilder AddMemoryGrainStorageAsDefault(this ISiloBuilder builder, Action<MemoryGrainStorageOptions> configureOptions) =>
            builder.AddMemoryGrainStorage("Default", configureOptions);

        public static ISiloBuilder AddMemoryGrainStorageAsDefault(
            this ISiloBuilder builder, Action<OptionsBuilder<MemoryGrainStorageOptions>>? configureOptions = null) =>
            builder.AddMemoryGrainStorage("Default", configureOptions);

        public static ISiloBuilder AddMemoryGrainStorage(
            this ISiloBuilder builder, string name, Action<MemoryGrainStorageOptions> configureOptions) =>
            builder.AddMemoryGrainStorage(name, options => options.Configure(configureOptions));

        public static ISiloBuilder AddMemoryGrainStorage(
            this ISiloBuilder builder, string name, Action<OptionsBuilder<MemoryGrainStorageOptions>>? configureOptions = null)
        {
            configureOptions?.Invoke(builder.Services.AddOptions<MemoryGrainStorageOptions>(name));
            builder.Services.AddGrainStorage(name, (services, _) =>
                new Storage.MemoryGrainStorage(services.GetRequiredService<DeepCopier>()));
            return builder;
        }
    }
}
