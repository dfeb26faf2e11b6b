using Microsoft.Extensions.DependencyInjection;
using Orleans.Core;
using Orleans.Runtime;

namespace Orleans.Runtime
{
    public interface IAddressable;
}

namespace Orleans
{
    public interface IGrain : IAddressable;

    public interface IGrainWithStringKey : IGrain;

    public interface IGrainWithIntegerKey : IGrain;

    public interface IGrainWithGuidKey : IGrain;

    public interface IGrainWithIntegerCompoundKey : IGrain;

    public interface IGrainWithGuidCompoundKey : IGrain;

    public interface IGrainBase
    {
        IGrainContext GrainContext { get; }
        Task OnActivateAsync(CancellationToken token) => Task.CompletedTask;
        Task OnDeactivateAsync(DeactivationReason reason, CancellationToken token) => Task.CompletedTask;
    }

    public abstract class Grain : IGrainBase, IAddressable
    {
        protected Grain() : this(RuntimeContext.Current ?? throw new InvalidOperationException(
            "A grain is made by the runtime: there is no grain context here"))
        {
        }

        protected Grain(IGrainContext grainContext, IGrainRuntime? grainRuntime = null)
        {
            GrainContext = grainContext;
            Runtime = grainRuntime ?? grainContext.ActivationServices.GetRequiredService<IGrainRuntime>();
        }

        public IGrainContext GrainContext { get; }
        public GrainReference GrainReference => GrainContext.GrainReference;
        public string IdentityString => GrainContext.GrainId.ToString();
        public string RuntimeIdentity => Runtime.SiloIdentity;
        protected IGrainFactory GrainFactory => Runtime.GrainFactory;
        protected internal IServiceProvider ServiceProvider => GrainContext.ActivationServices;
        internal IGrainRuntime Runtime { get; }

        public virtual Task OnActivateAsync(CancellationToken cancellationToken) => Task.CompletedTask;
        public virtual Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken) => Task.CompletedTask;

        protected void DeactivateOnIdle() => Runtime.DeactivateOnIdle(GrainContext);

        /// <summary>With one silo there is nowhere to go: as the original does where placement finds no other silo, it stays.</summary>
        protected void MigrateOnIdle() { }
        protected void DelayDeactivation(TimeSpan timeSpan) => Runtime.DelayDeactivation(GrainContext, timeSpan);
    }

    public class Grain<TGrainState> : Grain
    {
        private readonly IStorage<TGrainState> storage;

        protected Grain() => storage = Runtime.GetStorage<TGrainState>(GrainContext);
        protected Grain(IStorage<TGrainState> storage) => this.storage = storage;

        protected TGrainState State
        {
            get => storage.State;
            set => storage.State = value;
        }

        protected virtual Task ClearStateAsync() => storage.ClearStateAsync();
        protected virtual Task WriteStateAsync() => storage.WriteStateAsync();
        protected virtual Task ReadStateAsync() => storage.ReadStateAsync();
    }

    public enum DeactivationReasonCode : byte
    {
        None,
        ShuttingDown,
        ActivationFailed,
        DirectoryFailure,
        ActivationIdle,
        ActivationUnresponsive,
        DuplicateActivation,
        IncompatibleRequest,
        ApplicationError,
        ApplicationRequested,
        Migrating,
        RuntimeRequested,
        HighMemoryPressure,
    }

    public readonly struct DeactivationReason(DeactivationReasonCode code, Exception? exception, string text) : IEquatable<DeactivationReason>
    {
        public DeactivationReason(DeactivationReasonCode code, string text) : this(code, null, text) { }

        public DeactivationReasonCode ReasonCode { get; } = code;
        public string Description { get; } = text;
        public Exception? Exception { get; } = exception;

        public bool Equals(DeactivationReason other) =>
            ReasonCode == other.ReasonCode && Description == other.Description && Exception == other.Exception;
        public override bool Equals(object? obj) => obj is DeactivationReason other && Equals(other);
        public override int GetHashCode() => HashCode.Combine(ReasonCode, Description, Exception);
        public override string ToString() =>
            Exception is null ? $"{ReasonCode}: {Description}." : $"{ReasonCode}: {Description}. Exception: {Exception}";
        public static bool operator ==(DeactivationReason left, DeactivationReason right) => left.Equals(right);
        public static bool operator !=(DeactivationReason left, DeactivationReason right) => !left.Equals(right);
    }

    public static class GrainExtensions
    {
        public static TGrainInterface AsReference<TGrainInterface>(this IAddressable grain) =>
            (TGrainInterface)AsReference(grain, typeof(TGrainInterface));

        public static object AsReference(this IAddressable grain, Type interfaceType) => Reference(grain).As(interfaceType);
        public static TGrainInterface Cast<TGrainInterface>(this IAddressable grain) => grain.AsReference<TGrainInterface>();
        public static object Cast(this IAddressable grain, Type interfaceType) => grain.AsReference(interfaceType);

        public static GrainId GetGrainId(this IAddressable grain) => grain switch
        {
            GrainReference reference => reference.GrainId,
            IGrainBase instance => instance.GrainContext.GrainId,
            _ => throw new ArgumentException($"{grain.GetType()} is neither a grain nor a reference to one", nameof(grain)),
        };

        public static bool IsPrimaryKeyBasedOnLong(this IAddressable grain) =>
            GrainKey.Split(grain.GetGrainId().Key) is var (key, _) && key.Length != 32 && TryLong(key, out _);

        public static long GetPrimaryKeyLong(this IAddressable grain) => GetPrimaryKeyLong(grain, out _);

        public static long GetPrimaryKeyLong(this IAddressable grain, out string? keyExt)
        {
            (string key, keyExt) = GrainKey.Split(grain.GetGrainId().Key);
            return TryLong(key, out long value)
                ? value
                : throw new InvalidOperationException($"The key of {grain.GetGrainId()} is not an integer");
        }

        public static Guid GetPrimaryKey(this IAddressable grain) => GetPrimaryKey(grain, out _);

        public static Guid GetPrimaryKey(this IAddressable grain, out string? keyExt)
        {
            (string key, keyExt) = GrainKey.Split(grain.GetGrainId().Key);
            return Guid.TryParseExact(key, "N", out var value)
                ? value
                : throw new InvalidOperationException($"The key of {grain.GetGrainId()} is not a GUID");
        }

        public static string GetPrimaryKeyString(this IAddressable grain) => grain.GetGrainId().Key.ToString();

        private static bool TryLong(string key, out long value) => long.TryParse(key,
            System.Globalization.NumberStyles.HexNumber, System.Globalization.CultureInfo.InvariantCulture, out value);

        private static GrainReference Reference(IAddressable grain) => grain switch
        {
            GrainReference reference => reference,
            IGrainBase instance => instance.GrainContext.GrainReference,
            _ => throw new ArgumentException($"{grain.GetType()} is neither a grain nor a reference to one", nameof(grain)),
        };
    }

    public static class GrainBaseExtensions
    {
        public static void DeactivateOnIdle(this IGrainBase grain) => Runtime(grain).DeactivateOnIdle(grain.GrainContext);

        public static IGrainTimer RegisterGrainTimer(this IGrainBase grain, Func<Task> callback, TimeSpan dueTime, TimeSpan period) =>
            Register(grain, callback, static (state, _) => state(), new(dueTime, period));
        public static IGrainTimer RegisterGrainTimer(this IGrainBase grain, Func<Task> callback, GrainTimerCreationOptions options) =>
            Register(grain, callback, static (state, _) => state(), options);
        public static IGrainTimer RegisterGrainTimer(
            this IGrainBase grain, Func<CancellationToken, Task> callback, TimeSpan dueTime, TimeSpan period) =>
            Register(grain, callback, static (state, token) => state(token), new(dueTime, period));
        public static IGrainTimer RegisterGrainTimer(
            this IGrainBase grain, Func<CancellationToken, Task> callback, GrainTimerCreationOptions options) =>
            Register(grain, callback, static (state, token) => state(token), options);
        public static IGrainTimer RegisterGrainTimer<TState>(
            this IGrainBase grain, Func<TState, Task> callback, TState state, TimeSpan dueTime, TimeSpan period) =>
            Register(grain, (callback, state), static (pair, _) => pair.callback(pair.state), new(dueTime, period));
        public static IGrainTimer RegisterGrainTimer<TState>(
            this IGrainBase grain, Func<TState, Task> callback, TState state, GrainTimerCreationOptions options) =>
            Register(grain, (callback, state), static (pair, _) => pair.callback(pair.state), options);
        public static IGrainTimer RegisterGrainTimer<TState>(
            this IGrainBase grain, Func<TState, CancellationToken, Task> callback, TState state, TimeSpan dueTime, TimeSpan period) =>
            Register(grain, state, callback, new(dueTime, period));
        public static IGrainTimer RegisterGrainTimer<TState>(
            this IGrainBase grain, Func<TState, CancellationToken, Task> callback, TState state, GrainTimerCreationOptions options) =>
            Register(grain, state, callback, options);

        private static IGrainTimer Register<TState>(
            IGrainBase grain, TState state, Func<TState, CancellationToken, Task> callback, GrainTimerCreationOptions options)
        {
            ArgumentNullException.ThrowIfNull(callback);
            return Runtime(grain).TimerRegistry.RegisterGrainTimer(grain.GrainContext, callback, state, options);
        }

        private static IGrainRuntime Runtime(IGrainBase grain) =>
            grain is Grain known ? known.Runtime : grain.GrainContext.ActivationServices.GetRequiredService<IGrainRuntime>();
    }
}

namespace Orleans.Runtime
{
    public struct GrainTimerCreationOptions
    {
        public GrainTimerCreationOptions() { }
        public GrainTimerCreationOptions(TimeSpan dueTime, TimeSpan period) => (DueTime, Period) = (dueTime, period);

        public TimeSpan DueTime { get; init; }
        public TimeSpan Period { get; init; }
        public bool Interleave { get; init; }
        public bool KeepAlive { get; init; }
    }

    public interface IGrainTimer : IDisposable
    {
        void Change(TimeSpan dueTime, TimeSpan period);
    }
}

namespace Orleans.Timers
{
    public interface ITimerRegistry
    {
        IGrainTimer RegisterGrainTimer<TState>(
            IGrainContext grainContext, Func<TState, CancellationToken, Task> callback, TState state, GrainTimerCreationOptions options);
    }
}
