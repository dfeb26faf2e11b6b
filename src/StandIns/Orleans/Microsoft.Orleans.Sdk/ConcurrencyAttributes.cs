namespace Orleans.Concurrency
{
    [AttributeUsage(AttributeTargets.Method)]
    public sealed class AlwaysInterleaveAttribute : Attribute;

    [AttributeUsage(AttributeTargets.Method)]
    public sealed class ReadOnlyAttribute : Attribute;

    [AttributeUsage(AttributeTargets.Method)]
    public sealed class OneWayAttribute : Attribute;

    [AttributeUsage(AttributeTargets.Method)]
    public sealed class UnorderedAttribute : Attribute;

    [AttributeUsage(AttributeTargets.Class)]
    public sealed class ReentrantAttribute : Attribute;

    [AttributeUsage(AttributeTargets.Class)]
    public sealed class MayInterleaveAttribute(string callbackMethodName) : Attribute
    {
        internal string CallbackMethodName { get; } = callbackMethodName;
    }

    [AttributeUsage(AttributeTargets.Class)]
    public sealed class StatelessWorkerAttribute : Placement.PlacementAttribute
    {
        public StatelessWorkerAttribute() : this(0, true) { }
        public StatelessWorkerAttribute(int maxLocalWorkers) : this(maxLocalWorkers, true) { }
        public StatelessWorkerAttribute(int maxLocalWorkers, bool removeIdleWorkers) : base(new StatelessWorkerPlacement()) =>
            MaxLocalWorkers = maxLocalWorkers > 0 ? maxLocalWorkers : Environment.ProcessorCount;

        internal int MaxLocalWorkers { get; }

        private sealed class StatelessWorkerPlacement : Runtime.PlacementStrategy;
    }
}

namespace Orleans
{
    /// <summary>Never collected for being idle.</summary>
    [AttributeUsage(AttributeTargets.Class)]
    public class KeepAliveAttribute : Attribute;

    [AttributeUsage(AttributeTargets.Class)]
    public class CollectionAgeLimitAttribute : Attribute
    {
        public static readonly TimeSpan MinAgeLimit = TimeSpan.FromMinutes(1);

        public CollectionAgeLimitAttribute() { }
        public CollectionAgeLimitAttribute(string inactivityPeriod) =>
            Minutes = TimeSpan.Parse(inactivityPeriod, System.Globalization.CultureInfo.InvariantCulture).TotalMinutes;

        public double Days { get; set; }
        public double Hours { get; set; }
        public double Minutes { get; set; }
        public bool AlwaysActive { get; set; }
        public TimeSpan AgeLimit => AlwaysActive
            ? TimeSpan.MaxValue
            : Max(TimeSpan.FromDays(Days) + TimeSpan.FromHours(Hours) + TimeSpan.FromMinutes(Minutes), MinAgeLimit);

        private static TimeSpan Max(TimeSpan one, TimeSpan other) => one > other ? one : other;
    }

    [AttributeUsage(AttributeTargets.Class)]
    public sealed class GrainTypeAttribute(string grainType) : Attribute
    {
        internal string GrainType { get; } = grainType;
    }
}

namespace Orleans.Providers
{
    [AttributeUsage(AttributeTargets.Class)]
    public sealed class StorageProviderAttribute : Attribute
    {
        public string? ProviderName { get; set; }
    }
}
