using Orleans.Core;

namespace Orleans.Runtime
{
    public interface IGrainContext
    {
        GrainReference GrainReference { get; }
        GrainId GrainId { get; }
        object? GrainInstance { get; }
        ActivationId ActivationId { get; }
        IServiceProvider ActivationServices { get; }
        IGrainLifecycle ObservableLifecycle { get; }
        Task Deactivated { get; }
        TComponent? GetComponent<TComponent>() where TComponent : class;
        void SetComponent<TComponent>(TComponent? value) where TComponent : class;
        void Deactivate(DeactivationReason deactivationReason, CancellationToken cancellationToken = default);
    }

    public interface IGrainContextAccessor
    {
        IGrainContext? GrainContext { get; }
    }

    public interface IGrainLifecycle : ILifecycleObservable;

    public interface IGrainRuntime
    {
        string SiloIdentity { get; }
        SiloAddress SiloAddress { get; }
        IGrainFactory GrainFactory { get; }
        Timers.ITimerRegistry TimerRegistry { get; }
        IServiceProvider ServiceProvider { get; }
        TimeProvider TimeProvider { get; }
        void DeactivateOnIdle(IGrainContext grainContext);
        void DelayDeactivation(IGrainContext grainContext, TimeSpan timeSpan);
        IStorage<TGrainState> GetStorage<TGrainState>(IGrainContext grainContext);
    }

    /// <summary>The activation that the running thread belongs to.</summary>
    internal static class RuntimeContext
    {
        [ThreadStatic]
        private static IGrainContext? current;

        public static IGrainContext? Current
        {
            get => current;
            set => current = value;
        }
    }
}

namespace Orleans.Core
{
    public interface IStorage
    {
        string? Etag { get; }
        bool RecordExists { get; }
        Task ClearStateAsync();
        Task WriteStateAsync();
        Task ReadStateAsync();
        Task ClearStateAsync(CancellationToken cancellationToken) => ClearStateAsync();
        Task WriteStateAsync(CancellationToken cancellationToken) => WriteStateAsync();
        Task ReadStateAsync(CancellationToken cancellationToken) => ReadStateAsync();
    }

    public interface IStorage<TState> : IStorage
    {
        TState State { get; set; }
    }
}

namespace Orleans
{
    public interface IGrainState<T>
    {
        T State { get; set; }
        string? ETag { get; set; }
        bool RecordExists { get; set; }
    }

    public sealed class GrainState<T> : IGrainState<T>
    {
        public GrainState() { }
        public GrainState(T state) => State = state;
        public GrainState(T state, string eTag) => (State, ETag) = (state, eTag);

        public T State { get; set; } = default!;
        public string? ETag { get; set; }
        public bool RecordExists { get; set; }
    }
}

namespace Orleans.Storage
{
    public interface IGrainStorage
    {
        Task ReadStateAsync<T>(string stateName, Runtime.GrainId grainId, IGrainState<T> grainState);
        Task WriteStateAsync<T>(string stateName, Runtime.GrainId grainId, IGrainState<T> grainState);
        Task ClearStateAsync<T>(string stateName, Runtime.GrainId grainId, IGrainState<T> grainState);
        Task ReadStateAsync<T>(string stateName, Runtime.GrainId grainId, IGrainState<T> grainState, CancellationToken cancellationToken) =>
            ReadStateAsync(stateName, grainId, grainState);
        Task WriteStateAsync<T>(string stateName, Runtime.GrainId grainId, IGrainState<T> grainState, CancellationToken cancellationToken) =>
            WriteStateAsync(stateName, grainId, grainState);
        Task ClearStateAsync<T>(string stateName, Runtime.GrainId grainId, IGrainState<T> grainState, CancellationToken cancellationToken) =>
            ClearStateAsync(stateName, grainId, grainState);
    }
}
