using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Orleans.Hosting;
using Orleans.Runtime;
using Orleans.Timers;

namespace Orleans
{
    public interface IRemindable : IGrain
    {
        Task ReceiveReminder(string reminderName, TickStatus status);
    }

    public interface IReminderTable
    {
        Task<ReminderTableData> ReadRows(GrainId grainId);
        Task<ReminderTableData> ReadRows(uint begin, uint end);
        Task<ReminderEntry?> ReadRow(GrainId grainId, string reminderName);
        Task<string?> UpsertRow(ReminderEntry entry);
        Task<bool> RemoveRow(GrainId grainId, string reminderName, string eTag);
        Task TestOnlyClearTable();
    }

    public sealed class ReminderEntry
    {
        public GrainId GrainId { get; set; }
        public string ReminderName { get; set; } = "";
        public DateTime StartAt { get; set; }
        public TimeSpan Period { get; set; }
        public string ETag { get; set; } = "";
    }

    public sealed class ReminderTableData(IEnumerable<ReminderEntry> list)
    {
        public IList<ReminderEntry> Reminders { get; } = [.. list];
    }

    public static class GrainReminderExtensions
    {
        public static Task<IGrainReminder> RegisterOrUpdateReminder(this Grain grain, string reminderName, TimeSpan dueTime, TimeSpan period) =>
            Registry(grain, true).RegisterOrUpdateReminder(grain.GrainContext.GrainId, reminderName, dueTime, period);
        public static Task<IGrainReminder> RegisterOrUpdateReminder(this IGrainBase grain, string reminderName, TimeSpan dueTime, TimeSpan period) =>
            Registry(grain, true).RegisterOrUpdateReminder(grain.GrainContext.GrainId, reminderName, dueTime, period);
        public static Task UnregisterReminder(this Grain grain, IGrainReminder reminder) =>
            Registry(grain, false).UnregisterReminder(grain.GrainContext.GrainId, reminder);
        public static Task UnregisterReminder(this IGrainBase grain, IGrainReminder reminder) =>
            Registry(grain, false).UnregisterReminder(grain.GrainContext.GrainId, reminder);
        public static Task<IGrainReminder?> GetReminder(this Grain grain, string reminderName) =>
            Registry(grain, false).GetReminder(grain.GrainContext.GrainId, reminderName);
        public static Task<IGrainReminder?> GetReminder(this IGrainBase grain, string reminderName) =>
            Registry(grain, false).GetReminder(grain.GrainContext.GrainId, reminderName);
        public static Task<List<IGrainReminder>> GetReminders(this Grain grain) =>
            Registry(grain, false).GetReminders(grain.GrainContext.GrainId);
        public static Task<List<IGrainReminder>> GetReminders(this IGrainBase grain) =>
            Registry(grain, false).GetReminders(grain.GrainContext.GrainId);

        private static IReminderRegistry Registry(IGrainBase grain, bool remindable)
        {
            if (remindable && grain is not IRemindable)
                throw new InvalidOperationException($"Grain {grain.GrainContext.GrainId} is not 'IRemindable'. A grain should implement IRemindable to use the persistent reminder service");
            return grain.GrainContext.ActivationServices.GetService<IReminderRegistry>()
                ?? throw new OrleansConfigurationException("The reminder service has not been configured: call UseInMemoryReminderService");
        }
    }
}

namespace Orleans.Runtime
{
    public interface IGrainReminder
    {
        string ReminderName { get; }
    }

    [GenerateSerializer, Immutable]
    public readonly struct TickStatus(DateTime firstTickTime, TimeSpan period, DateTime timeStamp) : IEquatable<TickStatus>
    {
        public DateTime FirstTickTime { get; } = firstTickTime;
        public TimeSpan Period { get; } = period;
        public DateTime CurrentTickTime { get; } = timeStamp;
        public bool Equals(TickStatus other) =>
            (FirstTickTime, Period, CurrentTickTime) == (other.FirstTickTime, other.Period, other.CurrentTickTime);
        public override bool Equals(object? obj) => obj is TickStatus other && Equals(other);
        public override int GetHashCode() => HashCode.Combine(FirstTickTime, Period, CurrentTickTime);
        public override string ToString() => $"<{FirstTickTime}, {Period}, {CurrentTickTime}>";
        public static bool operator ==(TickStatus left, TickStatus right) => left.Equals(right);
        public static bool operator !=(TickStatus left, TickStatus right) => !left.Equals(right);
    }
}

namespace Orleans.Timers
{
    public interface IReminderRegistry
    {
        Task<IGrainReminder> RegisterOrUpdateReminder(GrainId callingGrainId, string reminderName, TimeSpan dueTime, TimeSpan period);
        Task UnregisterReminder(GrainId callingGrainId, IGrainReminder reminder);
        Task<IGrainReminder?> GetReminder(GrainId callingGrainId, string reminderName);
        Task<List<IGrainReminder>> GetReminders(GrainId callingGrainId);
    }
}

namespace Orleans.Hosting
{
    public sealed class ReminderOptions
    {
        public TimeSpan MinimumReminderPeriod { get; set; } = TimeSpan.FromMinutes(1);
        public TimeSpan RefreshReminderListPeriod { get; set; } = TimeSpan.FromMinutes(5);
        public TimeSpan InitializationTimeout { get; set; } = TimeSpan.FromMinutes(5);
    }

    public static class SiloBuilderReminderExtensions
    {
        /// <summary>The service; it keeps reminders in the <see cref="IReminderTable"/> of a provider, and without one in memory.</summary>
        public static ISiloBuilder AddReminders(this ISiloBuilder builder)
        {
            builder.Services.AddReminders();
            return builder;
        }

        /// <inheritdoc cref="AddReminders(ISiloBuilder)"/>
        public static void AddReminders(this IServiceCollection services)
        {
            services.TryAddSingleton<ReminderService>();
            services.TryAddSingleton<IReminderRegistry>(all => all.GetRequiredService<ReminderService>());
            services.AddSingleton<ILifecycleParticipant<ISiloLifecycle>>(all => all.GetRequiredService<ReminderService>());
        }
    }

    public static class SiloBuilderReminderMemoryExtensions
    {
        public static ISiloBuilder UseInMemoryReminderService(this ISiloBuilder builder) => builder.AddReminders();
    }
}
