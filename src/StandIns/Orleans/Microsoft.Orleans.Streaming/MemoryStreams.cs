using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orleans.Hosting;
using Orleans.Runtime;
using Orleans.Serialization;
using Orleans.Serialization.Invocation;
using Orleans.Storage;
using Orleans.Streams;

namespace Orleans
{
    public static class GrainStreamingExtensions
    {
        public static IStreamProvider GetStreamProvider(this Grain grain, string name) => Provider(grain.GrainContext.ActivationServices, name);
        public static IStreamProvider GetStreamProvider(this IGrainBase grain, string name) => Provider(grain.GrainContext.ActivationServices, name);

        internal static IStreamProvider Provider(IServiceProvider services, string name) =>
            services.GetKeyedService<IStreamProvider>(name) ?? throw new KeyNotFoundException($"No stream provider named \"{name}\" is configured");
    }

    public static class ClientStreamingExtensions
    {
        public static IStreamProvider GetStreamProvider(this IClusterClient client, string name) =>
            GrainStreamingExtensions.Provider(client.ServiceProvider, name);
    }
}

namespace Orleans.Hosting
{
    public interface ISiloMemoryStreamConfigurator
    {
        string Name { get; }
    }

    public static class SiloBuilderMemoryStreamExtensions
    {
        public static ISiloBuilder AddMemoryStreams(
            this ISiloBuilder builder, string name, Action<ISiloMemoryStreamConfigurator>? configure = null)
        {
            configure?.Invoke(new Configurator(name));
            builder.Services.AddKeyedSingleton<IStreamProvider>(name, (services, _) => new MemoryStreamProvider(name, services));
            return builder;
        }

        private sealed record Configurator(string Name) : ISiloMemoryStreamConfigurator;
    }
}

namespace Orleans.Runtime
{
    /// <summary>
    /// Streams inside the process. A subscription of a grain outlives its activations, the handler does not: a grain
    /// resumes in OnActivateAsync, and an item that meets no handler is dropped.
    /// </summary>
    internal sealed class MemoryStreamProvider(string name, IServiceProvider services) : IStreamProvider
    {
        private readonly Lock gate = new();
        private readonly Dictionary<StreamId, List<Subscription>> subscriptions = [];
        private readonly Silo silo = services.GetRequiredService<Silo>();
        private readonly DeepCopier copier = services.GetRequiredService<DeepCopier>();
        private long sequence;

        public string Name => name;
        public bool IsRewindable => false;

        public IAsyncStream<T> GetStream<T>(StreamId streamId) => new MemoryStream<T>(this, streamId);

        public void Publish(StreamId stream, Func<DeepCopier, object?> item, Func<object, object?, StreamSequenceToken, Task> deliver)
        {
            lock (gate)
            {
                var token = new Token(++sequence);
                foreach (var subscription in subscriptions.GetValueOrDefault(stream) ?? [])
                    subscription.Enqueue(item(copier), token, deliver);
            }
        }

        public Subscription Add(StreamId stream, object observer)
        {
            if (services.GetKeyedService<IGrainStorage>("PubSubStore") is null)
                throw new BadProviderConfigException("Streams need a grain storage named \"PubSubStore\"");
            var subscription = new Subscription(this, stream, RuntimeContext.Current?.GrainId);
            subscription.Attach(observer);
            lock (gate)
            {
                if (!subscriptions.TryGetValue(stream, out var list)) subscriptions[stream] = list = [];
                list.Add(subscription);
            }

            return subscription;
        }

        public void Remove(Subscription subscription)
        {
            lock (gate) subscriptions.GetValueOrDefault(subscription.Stream)?.Remove(subscription);
        }

        /// <summary>Those of the grain that asks, as with the original.</summary>
        public List<Subscription> Of(StreamId stream)
        {
            var grain = RuntimeContext.Current?.GrainId;
            lock (gate) return [.. (subscriptions.GetValueOrDefault(stream) ?? []).Where(subscription => subscription.Grain == grain)];
        }

        internal sealed class Subscription(MemoryStreamProvider provider, StreamId stream, GrainId? grain)
        {
            private readonly Queue<(object? Item, Token Token, Func<object, object?, StreamSequenceToken, Task> Deliver)> queue = new();
            private object? observer;
            private bool delivering;

            public Guid Id { get; } = Guid.NewGuid();
            public StreamId Stream => stream;
            public GrainId? Grain => grain;

            public void Attach(object handler)
            {
                if (grain is null) observer = handler;
                else Handlers((Activation)RuntimeContext.Current!)[Id] = handler;
            }

            public void Enqueue(object? item, Token token, Func<object, object?, StreamSequenceToken, Task> deliver)
            {
                lock (queue)
                {
                    queue.Enqueue((item, token, deliver));
                    if (delivering) return;
                    delivering = true;
                }

                using (ExecutionContext.IsFlowSuppressed() ? default(AsyncFlowControl?) : ExecutionContext.SuppressFlow())
                    _ = Task.Run(DeliverAsync);
            }

            private async Task DeliverAsync()
            {
                while (true)
                {
                    (object? Item, Token Token, Func<object, object?, StreamSequenceToken, Task> Deliver) next;
                    lock (queue)
                    {
                        if (!queue.TryDequeue(out next))
                        {
                            delivering = false;
                            return;
                        }
                    }

                    try
                    {
                        if (grain is { } id)
                        {
                            var request = new StreamRequest(this, handler => next.Deliver(handler, next.Item, next.Token));
                            provider.silo.Send(id, request);
                            await request.Done;
                        }
                        else if (observer is { } handler)
                        {
                            await next.Deliver(handler, next.Item, next.Token);
                        }
                    }
                    catch (Exception exception)
                    {
                        provider.silo.Logger.LogWarning(exception, "An item of stream {Stream} could not be delivered to {Grain}", stream, grain);
                    }
                }
            }
        }

        internal sealed class Token(long number) : StreamSequenceToken
        {
            public override long SequenceNumber { get; protected set; } = number;
            public override int EventIndex { get; protected set; }
            public override bool Equals(StreamSequenceToken? other) => other is not null && SequenceNumber == other.SequenceNumber;
            public override bool Equals(object? obj) => Equals(obj as StreamSequenceToken);
            public override int GetHashCode() => SequenceNumber.GetHashCode();
            public override int CompareTo(StreamSequenceToken? other) => SequenceNumber.CompareTo(other?.SequenceNumber ?? 0);
        }

        private static Dictionary<Guid, object> Handlers(Activation activation)
        {
            if (activation.GetComponent<Dictionary<Guid, object>>() is { } known) return known;
            var handlers = new Dictionary<Guid, object>();
            activation.SetComponent(handlers);
            return handlers;
        }

        /// <summary>One item on a turn of its grain; it does not interleave.</summary>
        private sealed class StreamRequest(Subscription subscription, Func<object, Task> deliver) : IGrainRequest
        {
            private readonly TaskCompletionSource done = new(TaskCreationOptions.RunContinuationsAsynchronously);
            private Exception? failure;

            public Task Done => done.Task;
            public bool AlwaysInterleave => false;
            public bool ReadOnly => false;
            public bool IsLocal => false;
            public bool KeepsAlive => true;
            public bool Abandoned => false;
            public Guid? ReentrancyId => null;
            public IInvokable? Invokable => null;

            public async Task<DeactivationReason?> RunAsync(Activation activation)
            {
                try
                {
                    if (Handlers(activation).TryGetValue(subscription.Id, out object? handler)) await deliver(handler);
                }
                catch (Exception exception)
                {
                    failure = exception;
                }

                return null;
            }

            public void Answer()
            {
                if (failure is null) done.TrySetResult();
                else done.TrySetException(failure);
            }

            public void Reject(Exception exception) => done.TrySetException(exception);

            public void Forward(Silo silo, DeactivationReason reason) => silo.Send(subscription.Grain!.Value, this);
        }
    }

    internal sealed class MemoryStream<T>(MemoryStreamProvider provider, StreamId id) : IAsyncStream<T>
    {
        public bool IsRewindable => false;
        public string ProviderName => provider.Name;
        public StreamId StreamId => id;

        public Task OnNextAsync(T item, StreamSequenceToken? token) =>
            Publish(copier => copier.Copy(item), static (observer, item, token) => ((IAsyncObserver<T>)observer).OnNextAsync((T)item!, token));

        public Task OnCompletedAsync() => Publish(_ => null, static (observer, _, _) => ((IAsyncObserver<T>)observer).OnCompletedAsync());

        public Task OnErrorAsync(Exception ex) =>
            Publish(_ => ex, static (observer, error, _) => ((IAsyncObserver<T>)observer).OnErrorAsync((Exception)error!));

        public Task<StreamSubscriptionHandle<T>> SubscribeAsync(IAsyncObserver<T> observer) =>
            Task.FromResult<StreamSubscriptionHandle<T>>(new Handle(provider, provider.Add(id, observer)));

        public Task<IList<StreamSubscriptionHandle<T>>> GetAllSubscriptionHandles() => Task.FromResult<IList<StreamSubscriptionHandle<T>>>(
            [.. provider.Of(id).Select(subscription => new Handle(provider, subscription))]);

        private Task Publish(Func<DeepCopier, object?> item, Func<object, object?, StreamSequenceToken, Task> deliver)
        {
            provider.Publish(id, item, deliver);
            return Task.CompletedTask;
        }

        private sealed class Handle(MemoryStreamProvider provider, MemoryStreamProvider.Subscription subscription) : StreamSubscriptionHandle<T>
        {
            public override StreamId StreamId => subscription.Stream;
            public override string ProviderName => provider.Name;
            public override Guid HandleId => subscription.Id;

            public override Task UnsubscribeAsync()
            {
                provider.Remove(subscription);
                return Task.CompletedTask;
            }

            public override Task<StreamSubscriptionHandle<T>> ResumeAsync(IAsyncObserver<T> observer, StreamSequenceToken? token)
            {
                subscription.Attach(observer);
                return Task.FromResult<StreamSubscriptionHandle<T>>(this);
            }

            public override bool Equals(StreamSubscriptionHandle<T>? other) => other?.HandleId == HandleId;
            public override bool Equals(object? obj) => Equals(obj as StreamSubscriptionHandle<T>);
            public override int GetHashCode() => HandleId.GetHashCode();
        }
    }
}
