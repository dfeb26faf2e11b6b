using Microsoft.Extensions.Logging;
using OrleansLake.Contracts;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Upkeep;

namespace OrleansLake.Grains;

/// <summary>What <see cref="MaintenanceGrain"/> keeps.</summary>
[GenerateSerializer, Alias("orleanslake.MaintenanceGrainState")]
public sealed class MaintenanceGrainState
{
    /// <summary>What it was told; null: nobody asked for a schedule.</summary>
    [Id(0)]
    public MaintenanceDefinition? Definition { get; set; }

    /// <summary>Runs that ended, oldest first.</summary>
    [Id(1)]
    public List<MaintenanceRun> Runs { get; set; } = [];

    /// <summary>The run that goes on; found by an activation: it ended with its silo.</summary>
    [Id(2)]
    public MaintenanceRun? Running { get; set; }

    /// <summary>How each task stands.</summary>
    [Id(3)]
    public Dictionary<string, MaintenanceTaskState> Tasks { get; set; } = [];

    /// <summary>Bytes of orphans when they were last looked for.</summary>
    [Id(4)]
    public long? OrphanBytes { get; set; }

    /// <summary>Somebody has paused the schedule.</summary>
    [Id(5)]
    public bool IsPaused { get; set; }
}

/// <summary>How a task stands.</summary>
[GenerateSerializer, Alias("orleanslake.MaintenanceTaskState")]
public sealed class MaintenanceTaskState
{
    /// <summary>The schedule that <see cref="DueMs"/> was reckoned by.</summary>
    [Id(0)]
    public string Schedule { get; set; } = "";

    /// <summary>When it is due, in milliseconds since 1970; null: never.</summary>
    [Id(1)]
    public long? DueMs { get; set; }

    /// <summary>When it last ended.</summary>
    [Id(2)]
    public long? LastMs { get; set; }

    /// <summary>Runs in a row that failed.</summary>
    [Id(3)]
    public int Failures { get; set; }

    /// <summary>What the last one failed of.</summary>
    [Id(4)]
    public string? Error { get; set; }
}

/// <summary>
/// The upkeep of one table. A reminder wakes it, a timer looks what is due, one run goes on at a time; its work is done off the turn
/// by <see cref="UpkeepWorkers"/>, here or where its jobs are.
/// </summary>
internal sealed partial class MaintenanceGrain(
    [PersistentState("maintenance", GrainStorage.Name)] IPersistentState<MaintenanceGrainState> state,
    Catalogs catalogs, UpkeepWorkers workers, UpkeepMetrics metrics, AlertHub alerts, ILocalSiloDetails silo, IdSource ids, TimeProvider time, ILogger<MaintenanceGrain> logger)
    : Grain, IMaintenanceGrain, IRemindable
{
    private const string Wake = "wake";
    private const int KeptRuns = 100;
    private static readonly TimeSpan ReminderPeriod = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan LookPeriod = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan DebtPeriod = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan FirstBackOff = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan LongestBackOff = TimeSpan.FromHours(6);
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan StatusWait = TimeSpan.FromSeconds(2);

    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _saving = new(1);
    private string _catalog = "";
    private TableIdentifier? _table;
    private IGrainTimer? _timer;
    private Task _run = Task.CompletedTask;
    private Task _reading = Task.CompletedTask;
    private MaintenanceSettings? _settings;
    private MaintenanceDebt? _debt;
    private DateTimeOffset _lookedAt = DateTimeOffset.MinValue;
    private string? _trouble;
    private double _jitter;

    private string Key => this.GetPrimaryKeyString();

    private Dictionary<string, string> Told => state.State.Definition?.Settings ?? [];

    /// <inheritdoc />
    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        (_catalog, string identifier) = GrainKeys.ParseTable(Key);
        _table = TableIdentifier.Parse(identifier);
        // The same table always in the same place between others.
        _jitter = this.GetGrainId().GetUniformHashCode() / (double)uint.MaxValue;
        if (state.State.Running is { } lost)
        {
            Record(lost with { Seconds = (time.GetUtcNow().ToUnixTimeMilliseconds() - lost.StartedMs) / 1000.0, Error = "its silo ended before it did; what it had not committed is not in the table" });
            await SaveAsync();
        }

        TellStandingAlerts();
        if (state.State.Definition is not null)
        {
            StartTimer();
        }

        await base.OnActivateAsync(cancellationToken);
    }

    /// <inheritdoc />
    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        await _stop.CancelAsync();
        await Task.WhenAny(_run, Task.Delay(StopLimit, time, cancellationToken));
        metrics.Forget(_table!.ToString());
        ForgetAlerts();
        await base.OnDeactivateAsync(reason, cancellationToken);
    }

    /// <inheritdoc />
    public async Task ConfigureAsync(MaintenanceDefinition definition)
    {
        if (!definition.SameAs(state.State.Definition))
        {
            ForgetAlerts();
            state.State.Definition = definition;
            TellStandingAlerts();
            _settings = null;
            await SaveAsync();
        }

        await this.RegisterOrUpdateReminder(Wake, ReminderPeriod, ReminderPeriod);
        StartTimer();
    }

    /// <inheritdoc />
    public Task ReceiveReminder(string reminderName, TickStatus status)
    {
        StartTimer();
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public async Task<MaintenanceStatus> StatusAsync()
    {
        // Where no schedule looks at the table, whoever asks has it looked at.
        if (state.State.Definition is null && time.GetUtcNow() - _lookedAt >= DebtPeriod)
        {
            _reading = _reading.IsCompleted ? ReadOnceAsync() : _reading;
            await Task.WhenAny(_reading, Task.Delay(StatusWait, time, _stop.Token));
        }

        return Status();
    }

    /// <inheritdoc />
    public async Task PauseAsync(bool isPaused)
    {
        if (state.State.IsPaused != isPaused)
        {
            state.State.IsPaused = isPaused;
            await SaveAsync();
        }
    }

    private MaintenanceStatus Status() => new()
    {
        Table = _table!.ToString(),
        Enabled = state.State is { Definition: not null, IsPaused: false } && _settings is not { Enabled: false },
        Paused = state.State.IsPaused,
        Silo = silo.SiloAddress.ToString(),
        Window = _settings?.WindowText,
        Tasks =
        [
            .. UpkeepTasks.Names.Select(name => new MaintenanceTask
            {
                Name = name,
                Schedule = state.State.Definition is null ? "off" : _settings?.Tasks.FirstOrDefault(one => one.Task == name).Text ?? "not read yet",
                DueMs = state.State.Definition is null ? null : state.State.Tasks.GetValueOrDefault(name)?.DueMs,
                LastMs = state.State.Tasks.GetValueOrDefault(name)?.LastMs,
                Failures = state.State.Tasks.GetValueOrDefault(name)?.Failures ?? 0,
                Error = state.State.Tasks.GetValueOrDefault(name)?.Error,
            }),
        ],
        Running = state.State.Running,
        Debt = _debt,
        Trouble = _trouble,
    };

    /// <inheritdoc />
    public Task<MaintenanceRun[]> HistoryAsync(int most) =>
        Task.FromResult<MaintenanceRun[]>([.. (state.State.Running is { } running ? new[] { running } : []).Concat(state.State.Runs.AsEnumerable().Reverse()).Take(Math.Max(0, most))]);

    /// <inheritdoc />
    public Task<MaintenanceStart> RunAsync(string task, bool dryRun)
    {
        if (!UpkeepTasks.Names.Contains(task))
        {
            return Task.FromResult(new MaintenanceStart(null, $"expected one of {string.Join(", ", UpkeepTasks.Names)}, got \"{task}\""));
        }

        if (state.State.Running is { } running)
        {
            return Task.FromResult(new MaintenanceStart(null, $"{running.Task} runs since {DateTimeOffset.FromUnixTimeMilliseconds(running.StartedMs):HH:mm:ss}Z; ask again when it is done"));
        }

        return Task.FromResult(new MaintenanceStart(Begin(task, "request", dryRun), null));
    }

    private void StopTimer()
    {
        _timer?.Dispose();
        _timer = null;
    }

    private void StartTimer() => _timer ??= this.RegisterGrainTimer(LookAsync, new GrainTimerCreationOptions(TimeSpan.Zero, LookPeriod) { KeepAlive = true, Interleave = true });

    /// <summary>Looks what is due, and begins it.</summary>
    private async Task LookAsync(CancellationToken cancellationToken)
    {
        if (state.State.Running is not null || state.State.Definition is null)
        {
            return;
        }

        try
        {
            DateTimeOffset now = time.GetUtcNow();
            bool isLookDue = now - _lookedAt >= DebtPeriod || _settings is null;
            if (isLookDue)
            {
                await ReadAsync(cancellationToken);
                now = time.GetUtcNow();
            }

            if (_settings is { Enabled: true } settings && state.State is { Running: null, IsPaused: false } && settings.Window?.Contains(now, settings.Zone) != false)
            {
                // What has waited longest: a task that is due again and again must not keep the others from their turn.
                string? next = settings.Tasks
                    .Select(one => (one.Task, DueMs: DueOf(one.Task, one.Schedule, one.Text, settings.Zone, now)))
                    .Where(one => one.DueMs <= now.ToUnixTimeMilliseconds())
                    .OrderBy(one => one.DueMs)
                    .Select(one => one.Task)
                    .FirstOrDefault();
                if (next is not null)
                {
                    Begin(next, "schedule", dryRun: false);
                }
            }

            SetTrouble(null);
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            _lookedAt = time.GetUtcNow();
            SetTrouble(error.Message);
        }
    }

    private async Task ReadOnceAsync()
    {
        try
        {
            await ReadAsync(_stop.Token);
            SetTrouble(null);
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            _lookedAt = time.GetUtcNow();
            SetTrouble(error.Message);
        }
    }

    /// <summary>What the table says now, and what it owes.</summary>
    private async Task ReadAsync(CancellationToken cancellationToken)
    {
        ICatalog catalog = catalogs.Find(_catalog);
        Dictionary<string, string> told = Told;
        TableIdentifier name = _table!;
        var (settings, debt) = await workers.RunAsync(
            async token =>
            {
                LoadedTable table = await catalog.LoadTableAsync(name, token) ?? throw new PipelineTroubleException($"table {name} does not exist yet");
                var read = MaintenanceSettings.Read(table.Metadata, told);
                return (read, await UpkeepDebt.OfAsync(table, read.Options, token));
            },
            cancellationToken);
        _settings = settings;
        _lookedAt = time.GetUtcNow();
        _debt = new MaintenanceDebt(debt.SmallFiles, debt.SmallFileBytes, debt.DeleteFiles, debt.Snapshots, state.State.OrphanBytes, _lookedAt.ToUnixTimeMilliseconds());
        metrics.Owes(name.ToString(), _debt);
    }

    private long? DueOf(string task, Schedule schedule, string text, TimeZoneInfo zone, DateTimeOffset now)
    {
        if (!state.State.Tasks.TryGetValue(task, out MaintenanceTaskState? at))
        {
            state.State.Tasks[task] = at = new MaintenanceTaskState();
        }

        if (at.Schedule != text)
        {
            (at.Schedule, at.DueMs) = (text, schedule.First(now, zone, _jitter)?.ToUnixTimeMilliseconds());
        }

        return at.DueMs;
    }

    /// <summary>One at a time: a run and a call may want to at once.</summary>
    private async Task SaveAsync()
    {
        await _saving.WaitAsync(_stop.Token);
        try
        {
            await state.WriteStateAsync();
        }
        finally
        {
            _saving.Release();
        }
    }

    private void SetTrouble(string? trouble)
    {
        if (trouble is not null && trouble != _trouble)
        {
            logger.LogHeldUp(Key, trouble);
        }

        _trouble = trouble;
    }
}
