using System.CommandLine;
using System.Text.Json;
using OrleansLake.Client;
using OrleansLake.Contracts;
using OrleansLake.Ingest.Upkeep;

namespace OrleansLake.Cli.Commands;

/// <summary>
/// <c>lake maintain</c>: the upkeep of a table. With <c>--silo</c> a running silo does it, behind ingestion; else this process does,
/// on a local table. Orphan files are only listed unless <c>--delete</c> says otherwise.
/// </summary>
internal static class MaintainCommand
{
    internal static Command Create() => new("maintain", "The upkeep of a table: compaction, expiry of snapshots, orphan files")
    {
        Plan(), Run(), History(), Debt(), Pause("pause", isPaused: true), Pause("resume", isPaused: false),
    };

    private static Option<string?> SiloOption() => new("--silo") { Description = "The HTTP address of a silo that shall do it; without it this process works on a local table" };

    private static Option<string> AnySiloOption() => new("--silo") { Description = "The silo's HTTP address", DefaultValueFactory = _ => Environment.GetEnvironmentVariable("ORLEANSLAKE_SILO") ?? "http://127.0.0.1:8080" };

    private static Option<string[]> TaskOption() => new Option<string[]>("--task") { Description = $"Only this ({string.Join(", ", UpkeepTasks.Names)}); may be given several times", AllowMultipleArgumentsPerToken = false }
        .AcceptOnlyFromAmong([.. UpkeepTasks.Names]);

    private static Option<string[]> SetOption()
    {
        var set = new Option<string[]>("--set") { Description = "A setting where the table's properties have none: compaction.target-file-size=128MiB; may be given several times" };
        set.Validators.Add(option => Usage.Check(option, text => _ = SettingOf(text)));
        return set;
    }

    private static Command Plan()
    {
        var (table, warehouse, json, silo, tasks, set) = (TableArgument(), WarehouseOption(), JsonOption(), SiloOption(), TaskOption(), SetOption());
        var command = new Command("plan", "What the upkeep would do now, and why; changes nothing") { table, warehouse, json, silo, tasks, set };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            string[] names = parsed.GetValue(tasks) is { Length: > 0 } some ? some : [.. UpkeepTasks.Names];
            var work = new MaintainWork(parsed, parsed.GetValue(table)!, parsed.GetValue(warehouse)!, parsed.GetValue(silo), parsed.GetValue(set) ?? []);
            var plans = new List<MaintainOutcome>();
            foreach (string name in names)
            {
                plans.Add(await work.RunAsync(name, dryRun: true, cancellationToken));
            }

            return Print(parsed, parsed.GetValue(json), plans);
        });
        return command;
    }

    private static Command Run()
    {
        var (table, warehouse, json, silo, tasks, set) = (TableArgument(), WarehouseOption(), JsonOption(), SiloOption(), TaskOption(), SetOption());
        var delete = new Option<bool>("--delete") { Description = "Delete orphan files; without it they are only listed" };
        var command = new Command("run", "Do what is to be done, and say what was") { table, warehouse, json, silo, tasks, set, delete };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            string[] names = parsed.GetValue(tasks) is { Length: > 0 } some ? some : [.. UpkeepTasks.Names];
            var work = new MaintainWork(parsed, parsed.GetValue(table)!, parsed.GetValue(warehouse)!, parsed.GetValue(silo), parsed.GetValue(set) ?? []);
            var outcomes = new List<MaintainOutcome>();
            foreach (string name in names)
            {
                bool onlyLists = name == "orphans" && !parsed.GetValue(delete);
                MaintainOutcome outcome = await work.RunAsync(name, onlyLists, cancellationToken);
                outcomes.Add(outcome);
                if (onlyLists && !outcome.IsEmpty)
                {
                    parsed.InvocationConfiguration.Error.WriteLine("orphans: only listed; --delete deletes them");
                }
            }

            return Print(parsed, parsed.GetValue(json), outcomes);
        });
        return command;
    }

    private static Command History()
    {
        var (table, json) = (TableArgument(), JsonOption());
        Option<string> silo = AnySiloOption();
        var most = new Option<int>("--most") { Description = "How many, newest first", DefaultValueFactory = _ => 20 };
        var command = new Command("history", "What a silo's upkeep did") { table, json, silo, most };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using HttpClient http = MaintainWork.Open(parsed.GetValue(silo)!);
            string name = parsed.GetValue(table)!;
            MaintenanceRun[] runs = await new HttpOrleansLakeClient(http).ListMaintenanceRunsAsync(name, parsed.GetValue(most), cancellationToken)
                ?? throw new OrleansLakeClientException($"no pipeline of {http.BaseAddress} writes to a table {name}");
            TextWriter output = parsed.InvocationConfiguration.Output;
            if (parsed.GetValue(json))
            {
                output.WriteLine(JsonSerializer.Serialize(new { runs }, LakeJson.Options));
                return 0;
            }

            var text = new TextTable("started", "task", "by", "seconds", "files", "bytes gone", "bytes written", "end").Right(3, 4, 5, 6);
            foreach (MaintenanceRun run in runs)
            {
                text.Add(
                    TableText.Time(run.StartedMs), run.Task, run.DryRun ? "dry run" : run.Trigger, run.Seconds is { } seconds ? FormattableString.Invariant($"{seconds:F1}") : "",
                    run.Before is null || run.After is null ? "" : $"{run.Before.DataFiles} → {run.After.DataFiles}",
                    TableText.Number(run.BytesRemoved), TableText.Number(run.BytesWritten), EndOf(run));
            }

            text.WriteTo(output);
            return 0;
        });
        return command;
    }

    private static string EndOf(MaintenanceRun run) => run.Error is null ? run.Seconds is null ? "running" : "done"
        : run.Failures == 0 ? run.Error
        : FormattableString.Invariant($"{run.Error} ({run.Failures} in a row{(run.AgainMs is { } again ? $", again at {TableText.Time(again)}" : "")})");

    private static Command Debt()
    {
        var (table, warehouse, json, silo, set) = (TableArgument(), WarehouseOption(), JsonOption(), SiloOption(), SetOption());
        var command = new Command("debt", "What the upkeep of a table has left to do") { table, warehouse, json, silo, set };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var work = new MaintainWork(parsed, parsed.GetValue(table)!, parsed.GetValue(warehouse)!, parsed.GetValue(silo), parsed.GetValue(set) ?? []);
            MaintenanceDebt debt = await work.DebtAsync(cancellationToken);
            TextWriter output = parsed.InvocationConfiguration.Output;
            if (parsed.GetValue(json))
            {
                output.WriteLine(JsonSerializer.Serialize(debt, LakeJson.Options));
                return 0;
            }

            output.WriteLine($"small files   {TableText.Number(debt.SmallFiles)} of {TableText.Number(debt.SmallFileBytes)} bytes");
            output.WriteLine($"delete files  {TableText.Number(debt.DeleteFiles)}");
            output.WriteLine($"snapshots     {TableText.Number(debt.Snapshots)}");
            output.WriteLine($"orphans       {(debt.OrphanBytes is { } bytes ? $"{TableText.Number(bytes)} bytes" : "not looked for")}");
            return 0;
        });
        return command;
    }

    private static Command Pause(string name, bool isPaused)
    {
        var table = new Argument<string?>("table") { Description = "The table's name (namespace.table); every table without it", Arity = ArgumentArity.ZeroOrOne };
        Option<string> silo = AnySiloOption();
        var command = new Command(name, isPaused ? "Have silos keep no schedule; what runs ends, and tasks run on request all the same" : "Have silos keep the schedule again") { table, silo };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using HttpClient http = MaintainWork.Open(parsed.GetValue(silo)!);
            var client = new HttpOrleansLakeClient(http);
            MaintenanceStatus[] all = parsed.GetValue(table) is { } one
                ? [await client.PauseMaintenanceAsync(one, isPaused, cancellationToken) ?? throw new OrleansLakeClientException($"no pipeline of {http.BaseAddress} writes to a table {one}")]
                : await client.PauseAllMaintenanceAsync(isPaused, cancellationToken);
            foreach (MaintenanceStatus status in all)
            {
                parsed.InvocationConfiguration.Output.WriteLine($"{TextTable.Harmless(status.Table)}: {(status.Paused ? "paused" : status.Enabled ? "its schedule is kept" : "has no schedule")}");
            }

            return 0;
        });
        return command;
    }

    private static int Print(ParseResult parsed, bool json, IReadOnlyList<MaintainOutcome> outcomes)
    {
        TextWriter output = parsed.InvocationConfiguration.Output;
        if (json)
        {
            output.WriteLine(JsonSerializer.Serialize(new { runs = outcomes.Select(outcome => outcome.Run) }, LakeJson.Options));
        }
        else
        {
            foreach (MaintainOutcome outcome in outcomes)
            {
                outcome.WriteTo(output);
            }
        }

        return outcomes.Any(outcome => outcome.Run.Error is not null) ? 1 : 0;
    }

    private static Argument<string> TableArgument() => new("table") { Description = "The table's name (namespace.table), or the directory of a local one" };

    private static Option<string> WarehouseOption() => new("--warehouse") { Description = "The directory of the local catalog", DefaultValueFactory = _ => "warehouse" };

    private static Option<bool> JsonOption() => new("--json") { Description = "Print JSON" };

    internal static (string Name, string Value) SettingOf(string text)
    {
        int equals = text.IndexOf('=', StringComparison.Ordinal);
        return equals > 0 ? (text[..equals].Trim(), text[(equals + 1)..].Trim()) : throw new FormatException($"expected NAME=VALUE, got \"{text}\"");
    }
}
