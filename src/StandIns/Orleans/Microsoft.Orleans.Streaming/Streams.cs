using Orleans.Runtime;
using Orleans.Streams;

namespace Orleans.Runtime
{
    public readonly struct StreamId : IEquatable<StreamId>, IComparable<StreamId>
    {
        private readonly string? space;
        private readonly string? key;

        private StreamId(string space, string key) => (this.space, this.key) = (space, key);

        public static StreamId Create(string ns, Guid key) => new(ns, key.ToString("N"));
        public static StreamId Create(string ns, long key) => new(ns, key.ToString(System.Globalization.CultureInfo.InvariantCulture));
        public static StreamId Create(string ns, string key) => new(ns, key);
        public string GetKeyAsString() => key ?? "";
        public string? GetNamespace() => space;
        public bool Equals(StreamId other) => (space, key) == (other.space, other.key);
        public override bool Equals(object? obj) => obj is StreamId other && Equals(other);
        public override int GetHashCode() => HashCode.Combine(space, key);
        public int CompareTo(StreamId other) => string.CompareOrdinal(ToString(), other.ToString());
        public override string ToString() => $"{space}/{key}";
        public static bool operator ==(StreamId left, StreamId right) => left.Equals(right);
        public static bool operator !=(StreamId left, StreamId right) => !left.Equals(right);
    }
}

namespace Orleans.Streams
{
    public abstract class StreamSequenceToken : IEquatable<StreamSequenceToken>, IComparable<StreamSequenceToken>
    {
        public abstract long SequenceNumber { get; protected set; }
        public abstract int EventIndex { get; protected set; }
        public abstract bool Equals(StreamSequenceToken? other);
        public abstract int CompareTo(StreamSequenceToken? other);
    }

    public interface IAsyncObserver<in T>
    {
        Task OnNextAsync(T item, StreamSequenceToken? token = null);
        Task OnCompletedAsync() => Task.CompletedTask;
        Task OnErrorAsync(Exception ex) => Task.CompletedTask;
    }

    public interface IAsyncObservable<T>
    {
        Task<StreamSubscriptionHandle<T>> SubscribeAsync(IAsyncObserver<T> observer);
    }

    public interface IAsyncStream
    {
        bool IsRewindable { get; }
        string ProviderName { get; }
        StreamId StreamId { get; }
    }

    public interface IAsyncStream<T> : IAsyncStream, IAsyncObservable<T>, IAsyncObserver<T>
    {
        Task<IList<StreamSubscriptionHandle<T>>> GetAllSubscriptionHandles();
    }

    public interface IStreamProvider
    {
        string Name { get; }
        bool IsRewindable { get; }
        IAsyncStream<T> GetStream<T>(StreamId streamId);
    }

    public abstract class StreamSubscriptionHandle<T> : IEquatable<StreamSubscriptionHandle<T>>
    {
        public abstract StreamId StreamId { get; }
        public abstract string ProviderName { get; }
        public abstract Guid HandleId { get; }
        public abstract Task UnsubscribeAsync();
        public abstract Task<StreamSubscriptionHandle<T>> ResumeAsync(IAsyncObserver<T> observer, StreamSequenceToken? token = null);
        public abstract bool Equals(StreamSubscriptionHandle<T>? other);
    }

    public static class AsyncObservableExtensions
    {
        public static Task<StreamSubscriptionHandle<T>> SubscribeAsync<T>(
            this IAsyncObservable<T> obs, Func<T, StreamSequenceToken?, Task> onNextAsync) =>
            obs.SubscribeAsync(new DelegateObserver<T>(onNextAsync, null, null));
        public static Task<StreamSubscriptionHandle<T>> SubscribeAsync<T>(
            this IAsyncObservable<T> obs, Func<T, StreamSequenceToken?, Task> onNextAsync, Func<Task> onCompletedAsync) =>
            obs.SubscribeAsync(new DelegateObserver<T>(onNextAsync, null, onCompletedAsync));
        public static Task<StreamSubscriptionHandle<T>> SubscribeAsync<T>(
            this IAsyncObservable<T> obs, Func<T, StreamSequenceToken?, Task> onNextAsync, Func<Exception, Task> onErrorAsync) =>
            obs.SubscribeAsync(new DelegateObserver<T>(onNextAsync, onErrorAsync, null));
        public static Task<StreamSubscriptionHandle<T>> SubscribeAsync<T>(
            this IAsyncObservable<T> obs, Func<T, StreamSequenceToken?, Task> onNextAsync, Func<Exception, Task> onErrorAsync, Func<Task> onCompletedAsync) =>
            obs.SubscribeAsync(new DelegateObserver<T>(onNextAsync, onErrorAsync, onCompletedAsync));
    }

    public static class StreamSubscriptionHandleExtensions
    {
        public static Task<StreamSubscriptionHandle<T>> ResumeAsync<T>(
            this StreamSubscriptionHandle<T> handle, Func<T, StreamSequenceToken?, Task> onNextAsync, StreamSequenceToken? token = null) =>
            handle.ResumeAsync(new DelegateObserver<T>(onNextAsync, null, null), token);
    }

    internal sealed class DelegateObserver<T>(Func<T, StreamSequenceToken?, Task> next, Func<Exception, Task>? error, Func<Task>? completed)
        : IAsyncObserver<T>
    {
        public Task OnNextAsync(T item, StreamSequenceToken? token) => next(item, token);
        public Task OnErrorAsync(Exception ex) => error?.Invoke(ex) ?? Task.CompletedTask;
        public Task OnCompletedAsync() => completed?.Invoke() ?? Task.CompletedTask;
    }
}
