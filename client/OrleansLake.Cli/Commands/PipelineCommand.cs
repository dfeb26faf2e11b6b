using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using OrleansLake.Client;
using OrleansLake.Contracts;

namespace OrleansLake.Cli.Commands;

/// <summary>pipeline: status, pause, resume, flush, reload-schema, seek, accept and remove on a running silo, over its HTTP API.</summary>
internal static class PipelineCommand
{
    private static readonly Option<string> Silo = new("--silo")
    {
        Description = "The silo's HTTP address",
        DefaultValueFactory = _ => SiloAddress.Default,
        Recursive = true,
    };

    private static readonly Option<bool> Json = new("--json") { Description = "Print one JSON object", Recursive = true };

    internal static Command Create()
    {
        var command = new Command("pipeline", "The pipelines of a running silo: status, pause, resume, flush, reload-schema, seek, accept, remove.");
        command.Options.Add(Silo);
        command.Options.Add(Json);
        command.Subcommands.Add(Status());
        command.Subcommands.Add(ForOne("pause", "Hold a pipeline: what was read is committed, nothing more is read", (client, name, token) => client.PauseAsync(name, token), PrintStatus));
        command.Subcommands.Add(ForOne("resume", "Let a pipeline run, topic-partitions that had stopped included", (client, name, token) => client.ResumeAsync(name, token), PrintStatus));
        command.Subcommands.Add(ForOne("flush", "Close the open files and wait for their commit", (client, name, token) => client.FlushAsync(name, token), PrintFlush));
        command.Subcommands.Add(ForOne("reload-schema", "Decode by the schema that the pipeline's table has now", ReloadAsync, PrintReload));
        command.Subcommands.Add(Seek());
        command.Subcommands.Add(ForOne("accept", "Take the offsets of the pipeline's table as they stand, after something had stopped it there", (client, name, token) => client.AcceptAsync(name, token), PrintMove));
        command.Subcommands.Add(ForOne(
            "remove", "Stop a pipeline and forget it; what it committed stays. One that a silo's configuration has comes back with that silo",
            (client, name, token) => client.RemoveAsync(name, token), PrintRemoved));
        return command;
    }

    private static Command Seek()
    {
        var to = new Option<string>("--to") { Description = "earliest, latest, an offset, or a time (2026-01-31T12:30:00Z)", Required = true };
        var topic = new Option<string?>("--topic") { Description = "Only this topic" };
        var partition = new Option<int?>("--partition") { Description = "Only this partition" };
        Command command = ForOne<PipelineMove>("seek", "Go on somewhere else; the table keeps what it has", PrintMove, (parsed, client, name, token) =>
            client.SeekAsync(name, new PipelineSeek(parsed.GetRequiredValue(to), parsed.GetValue(topic), parsed.GetValue(partition)), token));
        command.Options.Add(to);
        command.Options.Add(topic);
        command.Options.Add(partition);
        return command;
    }

    private static Command Status()
    {
        var name = new Argument<string?>("name") { Description = "The pipeline; all of them without it", Arity = ArgumentArity.ZeroOrOne };
        var command = new Command("status", "How pipelines do, by topic-partition") { name };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using HttpClient http = Open(parsed);
            var client = new HttpOrleansLakeClient(http);
            IReadOnlyList<PipelineStatus> statuses = parsed.GetValue(name) is { } one
                ? [await client.GetPipelineAsync(one, cancellationToken) ?? throw NoPipeline(one, http)]
                : await client.ListPipelinesAsync(cancellationToken);
            if (parsed.GetValue(Json))
            {
                Console.Out.WriteLine(JsonSerializer.Serialize(new { pipelines = statuses }, LakeJson.Options));
                return 0;
            }

            if (statuses.Count == 0)
            {
                Console.Out.WriteLine("no pipelines");
            }

            foreach (PipelineStatus status in statuses)
            {
                PrintStatus(status);
            }

            return 0;
        });
        return command;
    }

    private static Command ForOne<T>(string verb, string description, Func<IOrleansLakeClient, string, CancellationToken, Task<T?>> ask, Action<T> print)
        where T : class => ForOne<T>(verb, description, print, (_, client, name, token) => ask(client, name, token));

    private static Command ForOne<T>(string verb, string description, Action<T> print, Func<ParseResult, IOrleansLakeClient, string, CancellationToken, Task<T?>> ask)
        where T : class
    {
        var name = new Argument<string>("name") { Description = "The pipeline" };
        var command = new Command(verb, description) { name };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using HttpClient http = Open(parsed);
            string pipeline = parsed.GetRequiredValue(name);
            T answer = await ask(parsed, new HttpOrleansLakeClient(http), pipeline, cancellationToken) ?? throw NoPipeline(pipeline, http);
            if (parsed.GetValue(Json))
            {
                Console.Out.WriteLine(JsonSerializer.Serialize(answer, LakeJson.Options));
            }
            else
            {
                print(answer);
            }

            return answer is PipelineFlush { Committed: false } or PipelineMove { Done: false } ? 1 : 0;
        });
        return command;
    }

    private static async Task<SchemaReload?> ReloadAsync(IOrleansLakeClient client, string name, CancellationToken cancellationToken) =>
        await client.GetPipelineAsync(name, cancellationToken) is { } pipeline ? await client.ReloadSchemaAsync(pipeline.Table, cancellationToken) : null;

    private static HttpClient Open(ParseResult parsed) => SiloAddress.Open(parsed.GetRequiredValue(Silo));

    private static OrleansLakeClientException NoPipeline(string name, HttpClient http) =>
        new($"{http.BaseAddress}: no pipeline \"{name}\"; ./lake pipeline status lists them");

    private static void PrintStatus(PipelineStatus status)
    {
        var text = new List<string>
        {
            string.Create(
                CultureInfo.InvariantCulture,
                $"{status.Name}  {status.Wanted.ToString().ToLowerInvariant()}  into {status.Table}  lag {Number(status.Lag)}  freshness {Seconds(status.FreshnessSeconds)}"),
        };
        if (status.Trouble is { } trouble)
        {
            text.Add($"  ! {trouble}");
        }

        if (status.TopicPartitions.Length > 0)
        {
            string[][] rows =
            [
                ["topic-partition", "state", "committed", "position", "lag", "freshness", "silo"],
                .. status.TopicPartitions.Select(one => new[]
                {
                    $"{one.Topic}-{one.Partition}", one.State.ToString(), Number(one.Committed), Number(one.Position), Number(one.Lag), Seconds(one.FreshnessSeconds), one.Silo ?? "-",
                }),
            ];
            int[] widths = [.. Enumerable.Range(0, rows[0].Length).Select(column => rows.Max(row => row[column].Length))];
            for (int i = 0; i < rows.Length; i++)
            {
                text.Add("  " + string.Join("  ", rows[i].Select((cell, column) => column is >= 2 and <= 5 ? cell.PadLeft(widths[column]) : cell.PadRight(widths[column]))).TrimEnd());
                if (i > 0 && status.TopicPartitions[i - 1].Trouble is { } why)
                {
                    text.Add($"    ! {why}");
                }
            }
        }

        text.AddRange(CountLines(status.Counts));
        Console.Out.WriteLine(string.Join(Environment.NewLine, text));
    }

    private static IEnumerable<string> CountLines(RecordCounts? counts)
    {
        const int MostShown = 10;
        foreach (var (what, paths) in new[]
        {
            ("unknown fields", counts?.UnknownFields ?? []), ("became null", counts?.NulledValues ?? []), ("became text", counts?.ValuesMadeText ?? []),
        })
        {
            if (paths.Length > 0)
            {
                string more = paths.Length > MostShown ? $", {paths.Length - MostShown} more" : "";
                yield return $"  {what}: {string.Join(", ", paths.Take(MostShown).Select(one => string.Create(CultureInfo.InvariantCulture, $"{one.Path} {one.Count}")))}{more}";
            }
        }

        if (counts is { TombstonesSkipped: > 0 and var skipped })
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"  tombstones passed over: {skipped}");
        }
    }

    private static void PrintFlush(PipelineFlush flush) =>
        Console.Out.WriteLine(flush.Committed ? "everything that was read is committed" : $"not committed in time: {string.Join(", ", flush.Waiting)}");

    private static void PrintRemoved(PipelineEntry pipeline) => Console.Out.WriteLine($"{pipeline.Name} is forgotten; {pipeline.Table} stays as it is");

    private static void PrintMove(PipelineMove move)
    {
        Console.Out.WriteLine($"{(move.Done ? "done" : "not done")}: {move.Message}");
        foreach (MovedTo to in move.Positions)
        {
            Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {to.Topic}-{to.Partition} from {to.Next}"));
        }
    }

    private static void PrintReload(SchemaReload reload)
    {
        Console.Out.WriteLine($"{reload.Table}: schema {reload.SchemaId}");
        foreach (SchemaFirstOffset first in reload.FirstOffsets)
        {
            Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {first.Pipeline} {first.Topic}-{first.Partition} from {first.FirstOffset}"));
        }
    }

    private static string Number(long? value) => value?.ToString("N0", CultureInfo.InvariantCulture) ?? "-";

    private static string Seconds(double? value) => value is { } seconds ? string.Create(CultureInfo.InvariantCulture, $"{seconds:0.0} s") : "-";
}
