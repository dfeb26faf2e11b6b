using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Hosting;
using Orleans.Timers;

namespace Orleans.Runtime;

/// <summary>
/// Reminders outlive activations, and the process where a table keeps them. A tick is a call like any other; one that
/// fails is logged, and the next comes at its time.
/// </summary>
internal sealed class ReminderService(
    IGrainFactory grains, TimeProvider time, IOptions<ReminderOptions> options, ILogger<ReminderService> logger, IEnumerable<IReminderTable> tables)
    : IReminderRegistry, ILifecycleParticipant<ISiloLifecycle>
{
    private readonly Lock gate = new();
    private readonly IReminderTable? table = tables.LastOrDefault();
    private readonly Dictionary<(GrainId Grain, string Name), Reminder> reminders = [];
    private bool running;

    public void Participate(ISiloLifecycle lifecycle) => lifecycle.Subscribe(nameof(ReminderService), ServiceLifecycleStage.Active, async _ =>
    {
        var kept = table is null ? [] : (await table.ReadRows(0, 0)).Reminders;
        lock (gate)
        {
            running = true;
            foreach (var entry in kept)
                reminders.TryAdd((entry.GrainId, entry.ReminderName), new(this, grains, time, logger, entry.GrainId, entry.ReminderName, entry.StartAt, entry.Period) { ETag = entry.ETag });
            foreach (var reminder in reminders.Values) reminder.Schedule();
        }
    }, _ =>
    {
        lock (gate)
        {
            running = false;
            foreach (var reminder in reminders.Values) reminder.Dispose();
        }

        return Task.CompletedTask;
    });

    public async Task<IGrainReminder> RegisterOrUpdateReminder(GrainId callingGrainId, string reminderName, TimeSpan dueTime, TimeSpan period)
    {
        if (dueTime == Timeout.InfiniteTimeSpan)
            throw new ArgumentOutOfRangeException(nameof(dueTime), "Cannot use InfiniteTimeSpan dueTime to create a reminder");
        ArgumentOutOfRangeException.ThrowIfNegative(dueTime.Ticks, nameof(dueTime));
        if (period == Timeout.InfiniteTimeSpan)
            throw new ArgumentOutOfRangeException(nameof(period), "Cannot use InfiniteTimeSpan period to create a reminder");
        ArgumentOutOfRangeException.ThrowIfNegative(period.Ticks, nameof(period));
        if (period < options.Value.MinimumReminderPeriod)
            throw new ArgumentException(
                $"Cannot register reminder {reminderName} as requested period ({period}) is less than minimum allowed reminder period ({options.Value.MinimumReminderPeriod})");
        ArgumentException.ThrowIfNullOrEmpty(reminderName);

        var first = time.GetUtcNow().UtcDateTime + dueTime;
        string? etag = table is null ? null
            : await table.UpsertRow(new ReminderEntry { GrainId = callingGrainId, ReminderName = reminderName, StartAt = first, Period = period });
        var reminder = new Reminder(this, grains, time, logger, callingGrainId, reminderName, first, period) { ETag = etag };
        lock (gate)
        {
            if (reminders.Remove((callingGrainId, reminderName), out var old)) old.Dispose();
            reminders.Add((callingGrainId, reminderName), reminder);
            if (running) reminder.Schedule();
        }

        return reminder;
    }

    public async Task UnregisterReminder(GrainId callingGrainId, IGrainReminder reminder)
    {
        Reminder? known;
        lock (gate)
        {
            if (!reminders.TryGetValue((callingGrainId, reminder.ReminderName), out known) || known != reminder)
                throw Changed();
            reminders.Remove((callingGrainId, reminder.ReminderName));
            known.Dispose();
        }

        if (table is not null && !await table.RemoveRow(callingGrainId, reminder.ReminderName, known.ETag!))
            throw Changed();

        ReminderException Changed() => new($"Could not unregister reminder {reminder.ReminderName} of {callingGrainId}: it was changed or removed since");
    }

    public Task<IGrainReminder?> GetReminder(GrainId callingGrainId, string reminderName)
    {
        lock (gate) return Task.FromResult<IGrainReminder?>(reminders.GetValueOrDefault((callingGrainId, reminderName)));
    }

    public Task<List<IGrainReminder>> GetReminders(GrainId callingGrainId)
    {
        lock (gate) return Task.FromResult(reminders.Values.Where(reminder => reminder.Grain == callingGrainId).ToList<IGrainReminder>());
    }

    private sealed class Reminder(
        ReminderService service, IGrainFactory grains, TimeProvider time, ILogger logger, GrainId grain, string name, DateTime first, TimeSpan period)
        : IGrainReminder, IDisposable
    {
        private ITimer? timer;
        private TimeSpan passed;
        private bool disposed;

        public GrainId Grain => grain;
        public string? ETag { get; init; }
        public string ReminderName => name;

        public void Schedule()
        {
            lock (service.gate)
            {
                if (disposed) return;
                var now = time.GetUtcNow().UtcDateTime;
                if (first + passed is var next && next < now - period) // it comes from an earlier life
                    next = first + (passed = period * Math.Ceiling((now - first) / period));
                var wait = next > now ? next - now : TimeSpan.Zero;
                timer ??= time.CreateTimer(_ => _ = TickAsync(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
                timer.Change(wait, Timeout.InfiniteTimeSpan);
            }
        }

        public void Dispose()
        {
            disposed = true;
            timer?.Dispose();
        }

        private async Task TickAsync()
        {
            try
            {
                var status = new TickStatus(first, period, time.GetUtcNow().UtcDateTime);
                await grains.GetGrain<IRemindable>(grain).ReceiveReminder(name, status);
            }
            catch (Exception exception)
            {
                logger.LogWarning(exception, "Reminder {Name} of {Grain} failed in a tick; the next comes at its time", name, grain);
            }

            // Ticks that were missed while this one ran are left out, as the original does.
            var late = time.GetUtcNow().UtcDateTime - (first + passed);
            passed += period * Math.Max(1, Math.Ceiling(late / period));
            Schedule();
        }
    }
}

public sealed class ReminderException(string message) : OrleansException(message);
