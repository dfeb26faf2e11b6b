using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.Logging.Console;
using OrleansLake.Contracts;
using OrleansLake.Grains;
using OrleansLake.Ingest.Backfill;
using OrleansLake.Ingest.Commit;
using OrleansLake.Ingest.Pump;
using OrleansLake.Ingest.Read;
using OrleansLake.Silo.Configuration;
using OrleansLake.Silo.Hosting;
using OrleansLake.Terminal;

namespace OrleansLake.Silo;

/// <summary>
/// backfill: a bounded range of a pipeline's topics into a branch of its table, in this process, while silos run the pipeline; then
/// into the branch that the pipeline writes to, or nowhere.
/// </summary>
internal static class BackfillCommand
{
    private static readonly Option<string> Config = new("--config") { Description = "The silos' configuration file (JSON), or env:NAME for a variable that holds it", Required = true, Recursive = true };
    private static readonly Option<bool> Json = new("--json") { Description = "Print one JSON object", Recursive = true };

    internal static Command Create() => new("backfill", "A bounded range of a pipeline's topics into a branch of its table, each record once; publish it, or drop it") { Config, Json, Run(), List(), Publish(), Drop() };

    private static Argument<string> PipelineArgument() => new("pipeline") { Description = "The pipeline whose settings say how records become rows" };

    private static Option<string> BranchOption() => new("--branch") { Description = "The branch of the table", Required = true };

    private static Command Run()
    {
        Argument<string> pipeline = PipelineArgument();
        Option<string> branch = BranchOption();
        var from = new Option<string?>("--from") { Description = "earliest, an offset, or a time (2026-01-31T12:30:00Z: the first record that is not older)" };
        var to = new Option<string?>("--to") { Description = "latest, an offset, or a time: the first record that is not read any more" };
        var topic = new Option<string?>("--topic") { Description = "Only this topic" };
        var partition = new Option<int?>("--partition") { Description = "Only this partition" };
        var command = new Command("run", "Read into the branch until everything is there. Stopped or killed, the same command goes on; --from and --to may then be left out") { pipeline, branch, from, to, topic, partition };
        command.Validators.Add(result =>
        {
            foreach (Option<string?> bound in new[] { from, to })
            {
                if (result.GetValue(bound) is { } text && !StartPosition.TryParse(text, out _))
                {
                    result.AddError($"{bound.Name}: expected earliest, latest, an offset, or a time such as 2026-01-31T12:30:00Z, got {text}");
                }
            }

            if (result.GetValue(from) is null != result.GetValue(to) is null)
            {
                result.AddError("--from and --to go together");
            }
        });
        command.SetAction((parsed, cancellationToken) => WithAsync(parsed, parsed.GetRequiredValue(pipeline), async (backfills, definition) =>
        {
            string name = parsed.GetRequiredValue(branch);
            BackfillAsk? ask = StartPosition.TryParse(parsed.GetValue(from), out StartPosition first) && StartPosition.TryParse(parsed.GetValue(to), out StartPosition next)
                ? new BackfillAsk(first, next, parsed.GetValue(topic), parsed.GetValue(partition))
                : null;
            var line = new ProgressLine(TimeProvider.System, quiet: parsed.GetValue(Json));
            var (plan, counts) = await backfills.RunAsync(
                definition, name, ask,
                progress => line.Show(string.Create(CultureInfo.InvariantCulture, $"{progress.Offsets:N0} of {progress.Of:N0} offsets in {definition.Table}@{name}, {progress.Rows:N0} rows written{(progress.Trouble is { } trouble ? $"; {trouble}" : "")}")),
                cancellationToken);
            line.End();
            Print(parsed, View(plan, counts), $"{Text(plan, counts)}; look at it: ./lake table rows {definition.Table} --at {name}; take it in: ./lake backfill publish {definition.Name} --branch {name} --config FILE");
        }, cancellationToken));
        return command;
    }

    private static Command List()
    {
        Argument<string> pipeline = PipelineArgument();
        var command = new Command("list", "The backfills of a pipeline that are neither published nor dropped") { pipeline };
        command.SetAction((parsed, cancellationToken) => WithAsync(parsed, parsed.GetRequiredValue(pipeline), async (backfills, definition) =>
        {
            var found = await backfills.ListAsync(definition, cancellationToken);
            Print(parsed, new { backfills = found.Select(one => View(one.Plan, one.Counts)) }, found.Count == 0 ? $"{definition.Table}: no backfills of {definition.Name}" : string.Join(Environment.NewLine, found.Select(one => Text(one.Plan, one.Counts))));
        }, cancellationToken));
        return command;
    }

    private static Command Publish()
    {
        Argument<string> pipeline = PipelineArgument();
        Option<string> branch = BranchOption();
        var keep = new Option<bool>("--keep") { Description = "Keep the branch" };
        var command = new Command("publish", "Take the rows of the branch into the one that the pipeline writes to, by one commit, once; the branch goes with it") { pipeline, branch, keep };
        command.SetAction((parsed, cancellationToken) => WithAsync(parsed, parsed.GetRequiredValue(pipeline), async (backfills, definition) =>
        {
            BackfillPublished published = await backfills.PublishAsync(definition, parsed.GetRequiredValue(branch), parsed.GetValue(keep), cancellationToken);
            Print(parsed, published, published.SnapshotId is { } snapshot
                ? string.Create(CultureInfo.InvariantCulture, $"{definition.Table}: {published.Rows:N0} rows in {published.Files} files, by snapshot {snapshot}")
                : $"{definition.Table}: its {published.Rows} rows were in already");
        }, cancellationToken));
        return command;
    }

    private static Command Drop()
    {
        Argument<string> pipeline = PipelineArgument();
        Option<string> branch = BranchOption();
        var command = new Command("drop", "Give the branch and its rows up") { pipeline, branch };
        command.SetAction((parsed, cancellationToken) => WithAsync(parsed, parsed.GetRequiredValue(pipeline), async (backfills, definition) =>
        {
            bool dropped = await backfills.DropAsync(definition, parsed.GetRequiredValue(branch), cancellationToken);
            Print(parsed, new { dropped }, dropped ? $"{definition.Table}: branch {parsed.GetRequiredValue(branch)} is gone" : $"{definition.Table}: there is no branch {parsed.GetRequiredValue(branch)}");
        }, cancellationToken));
        return command;
    }

    private static async Task<int> WithAsync(ParseResult parsed, string pipeline, Func<PipelineBackfills, PipelineDefinition, Task> work, CancellationToken cancellationToken)
    {
        SiloConfig config = SiloConfigReader.ReadFile(parsed.GetRequiredValue(Config)) with { AlertStream = false };
        PipelineDefinition definition = config.Pipelines.FirstOrDefault(one => one.Definition.Name == pipeline)?.Definition
            ?? throw new ConfigException(parsed.GetRequiredValue(Config), [$"pipelines: expected one named {pipeline}, found {string.Join(", ", config.Pipelines.Select(one => one.Definition.Name))}"]);
        await using ServiceProvider services = Services(config);
        await services.GetRequiredService<KafkaSecrets>().StartAsync(cancellationToken);
        try
        {
            await work(services.GetRequiredService<PipelineBackfills>(), definition);
        }
        finally
        {
            await services.GetRequiredService<KafkaSecrets>().StopAsync(CancellationToken.None);
        }

        return 0;
    }

    // What a silo has but for its grains.
    private static ServiceProvider Services(SiloConfig config)
    {
        var services = new ServiceCollection();
        services.AddLogging(static logging => logging.SetMinimumLevel(LogLevel.Warning).AddSimpleConsole(static options => options.SingleLine = true));
        services.Configure<ConsoleLoggerOptions>(static options => options.LogToStandardErrorThreshold = LogLevel.Trace); // standard output is for data
        services.AddSingleton(config);
        services.AddSingleton(TimeProvider.System);
        LakeServices.Add(services, config);
        services.AddSingleton<AlertHub>();
        services.AddSingleton<TableCommitters>();
        services.AddSingleton<IDeadLetterOffsets, DeadLetterOffsets>();
        services.AddSingleton<PipelineBackfills>();
        return services.BuildServiceProvider();
    }

    private static object View(BackfillPlan plan, BackfillCounts counts) => new
    {
        plan.Pipeline,
        plan.Branch,
        plan.Request,
        counts.IsComplete,
        counts.Offsets,
        of = plan.Offsets,
        counts.Rows,
        counts.Rejected,
        counts.Gaps,
        counts.SnapshotId,
        ranges = plan.Ranges.Select(static range => new { range.TopicPartition.Topic, range.TopicPartition.Partition, range.Range.First, range.Range.Next }),
    };

    private static string Text(BackfillPlan plan, BackfillCounts counts) => string.Create(
        CultureInfo.InvariantCulture,
        $"{plan.Branch}: {plan.Pipeline} {plan.Request}: {counts.Offsets:N0} of {plan.Offsets:N0} offsets, {counts.Rows:N0} rows, {counts.Rejected:N0} dead letters, {counts.Gaps:N0} gaps");

    private static void Print(ParseResult parsed, object json, string text) =>
        parsed.InvocationConfiguration.Output.WriteLine(parsed.GetValue(Json) ? JsonSerializer.Serialize(json, LakeJson.Options) : text);
}
