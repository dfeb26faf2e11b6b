using System.CommandLine;
using OrleansLake.Client;
using OrleansLake.Contracts;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Upkeep;

namespace OrleansLake.Cli.Commands;

/// <summary>One run of one task, wherever it was.</summary>
/// <param name="Run">Its record.</param>
/// <param name="IsEmpty">Whether there was nothing to do.</param>
internal sealed record MaintainOutcome(MaintenanceRun Run, bool IsEmpty)
{
    /// <summary>For people.</summary>
    public void WriteTo(TextWriter output)
    {
        foreach (string line in Run.Plan)
        {
            output.WriteLine(TextTable.Harmless(line));
        }

        if (!Run.DryRun && Run is { Before: { } before, After: { } after } && !IsEmpty)
        {
            output.WriteLine(FormattableString.Invariant(
                $"  done in {Run.Seconds:F1} s: {before.DataFiles} → {after.DataFiles} data files, {before.DeleteFiles} → {after.DeleteFiles} delete files, {before.Snapshots} → {after.Snapshots} snapshots, {before.Bytes} → {after.Bytes} bytes; {Run.FilesRemoved} files removed"));
        }

        foreach (string line in Run.Notes)
        {
            output.WriteLine("  " + TextTable.Harmless(line));
        }

        if (Run.Error is { } error)
        {
            output.WriteLine($"  {Run.Task} failed: {TextTable.Harmless(error)}");
        }
    }
}

/// <summary>Does the upkeep of one table: by a silo, or here.</summary>
internal sealed class MaintainWork(ParseResult parsed, string table, string warehouse, string? silo, string[] set)
{
    private static readonly TimeSpan AskPeriod = TimeSpan.FromMilliseconds(500);
    private static readonly IdSource Ids = new(TimeProvider.System, new Random());

    public async Task<MaintainOutcome> RunAsync(string task, bool dryRun, CancellationToken cancellationToken) =>
        silo is null ? await RunHereAsync(task, dryRun, cancellationToken) : await RunThereAsync(silo, task, dryRun, cancellationToken);

    public async Task<MaintenanceDebt> DebtAsync(CancellationToken cancellationToken)
    {
        if (silo is not null)
        {
            using HttpClient http = Open(silo);
            MaintenanceStatus status = await new HttpOrleansLakeClient(http).GetMaintenanceAsync(table, cancellationToken) ?? throw NoTable(http);
            return status.Debt ?? throw new OrleansLakeClientException($"{table}: nobody has looked yet, since no schedule is configured; without --silo it is looked at here");
        }

        LoadedTable loaded = await TableArguments.OpenAsync(table, warehouse, cancellationToken);
        UpkeepOptions options = UpkeepOptions.Read(loaded.Metadata, Settings());
        UpkeepDebt debt = await UpkeepDebt.OfAsync(loaded, options, cancellationToken);
        OrphanPlan orphans = await OrphanRemoval.FindAsync(loaded, options.Orphans, TimeProvider.System, cancellationToken);
        return new MaintenanceDebt(debt.SmallFiles, debt.SmallFileBytes, debt.DeleteFiles, debt.Snapshots, orphans.Bytes, TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds());
    }

    internal static HttpClient Open(string text) =>
        Uri.TryCreate(text.TrimEnd('/') + "/", UriKind.Absolute, out Uri? address) && address.Scheme is "http" or "https"
            ? new HttpClient { BaseAddress = address, Timeout = TimeSpan.FromSeconds(60) }
            : throw new OrleansLakeClientException($"--silo: expected an address such as http://127.0.0.1:8080, got \"{text}\"");

    private async Task<MaintainOutcome> RunHereAsync(string task, bool dryRun, CancellationToken cancellationToken)
    {
        LoadedTable loaded = await TableArguments.OpenAsync(table, warehouse, cancellationToken);
        long started = TimeProvider.System.GetTimestamp();
        var run = new MaintenanceRun { RunId = Ids.NewUuid(), Task = task, Trigger = "request", DryRun = dryRun, StartedMs = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds() };
        UpkeepOptions options = UpkeepOptions.Read(loaded.Metadata, Settings());
        // A plan asks the catalog for nothing, so that of any table can be made.
        TablePlace place = dryRun ? TablePlace.ForReading(loaded, warehouse) : TablePlace.ForChange(new TableRequest(loaded, parsed, Json: false, warehouse) { IsMetadataFile = File.Exists(table) });
        var tasks = new UpkeepTasks(place.Catalog, new DirectUpkeepCommitter(place.Catalog, Ids, TimeProvider.System), Ids, TimeProvider.System);
        UpkeepPlan plan;
        try
        {
            plan = await tasks.PlanAsync(task, loaded with { Identifier = place.Identifier }, options, dryRun, cancellationToken);
        }
        catch (InvalidOperationException refused)
        {
            // One task that cannot be done of this table says so and leaves the others alone.
            return new MaintainOutcome(run with { Error = refused.Message, Seconds = TimeProvider.System.GetElapsedTime(started).TotalSeconds }, IsEmpty: false);
        }

        run = run with { Plan = [.. plan.Lines()] };
        if (!dryRun)
        {
            UpkeepResult result = await tasks.ExecuteAsync(plan, cancellationToken);
            run = run with
            {
                Before = CountsOf(result.Before),
                After = CountsOf(result.After),
                FilesRemoved = result.FilesRemoved,
                FilesAdded = result.FilesAdded,
                RowsRemoved = result.RowsRemoved,
                BytesRead = result.BytesRead,
                BytesWritten = result.BytesWritten,
                BytesRemoved = result.BytesRemoved,
                Snapshots = [.. result.SnapshotsCommitted],
                Notes = [.. result.Notes],
                Error = result.Error,
            };
        }

        return new MaintainOutcome(run with { Seconds = TimeProvider.System.GetElapsedTime(started).TotalSeconds }, plan.IsEmpty);
    }

    private async Task<MaintainOutcome> RunThereAsync(string address, string task, bool dryRun, CancellationToken cancellationToken)
    {
        if (set.Length > 0)
        {
            throw new OrleansLakeClientException("--set: a silo has its own settings; leave it out with --silo");
        }

        using HttpClient http = Open(address);
        var client = new HttpOrleansLakeClient(http);
        MaintenanceStart start = await client.RunMaintenanceAsync(table, task, dryRun, cancellationToken) ?? throw NoTable(http);
        if (start.RunId is not { } id)
        {
            throw new OrleansLakeClientException($"{table}: {start.Message}");
        }

        while (true)
        {
            MaintenanceRun[] runs = await client.ListMaintenanceRunsAsync(table, 100, cancellationToken) ?? throw NoTable(http);
            MaintenanceRun run = runs.FirstOrDefault(one => one.RunId == id) ?? throw new OrleansLakeClientException($"{table}: run {id} is not in the list any more");
            if (run.Seconds is not null)
            {
                return new MaintainOutcome(run, run.Plan.Length > 0 && run.Plan[0].EndsWith("nothing to do", StringComparison.Ordinal));
            }

            await Task.Delay(AskPeriod, TimeProvider.System, cancellationToken);
        }
    }

    private Dictionary<string, string> Settings()
    {
        var settings = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string text in set)
        {
            var (name, value) = MaintainCommand.SettingOf(text);
            settings[name] = value;
        }

        return settings;
    }

    private OrleansLakeClientException NoTable(HttpClient http) => new($"no pipeline of {http.BaseAddress} writes to a table {table}");

    private static MaintenanceCounts? CountsOf(UpkeepCounts? counts) =>
        counts is null ? null : new MaintenanceCounts(counts.DataFiles, counts.DeleteFiles, counts.Rows, counts.Bytes, counts.Manifests, counts.Snapshots);
}
