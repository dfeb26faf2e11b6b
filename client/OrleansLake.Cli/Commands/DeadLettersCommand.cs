using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using OrleansLake.Aws;
using OrleansLake.Client;
using OrleansLake.Contracts;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Commit;
using OrleansLake.Ingest.Read;
using OrleansLake.Ingest.Replay;
using OrleansLake.Ingest.Write;

namespace OrleansLake.Cli.Commands;

/// <summary>
/// <c>lake deadletters</c>: counts and shows the dead letters of a table where it lies, and replays them: by a silo, which knows how
/// its pipelines decode, or here on a local table without one.
/// </summary>
internal static class DeadLettersCommand
{
    private static readonly string[] Decoding = ["records.", "registry.", "quality.", "format."];

    internal static Command Create() => new("deadletters", "The dead letters of a table: list them, replay them") { List(), Replay() };

    private static Option<string?> WhereOption()
    {
        var where = new Option<string?>("--where") { Description = "Which dead letters, as in SQL: \"error_class = 'wrong-type' AND topic = 'events'\"" };
        where.Validators.Add(result => Usage.Check(result, text => Expression.Parse(text)));
        return where;
    }

    private static Command List()
    {
        Option<string?> where = WhereOption();
        var limit = new Option<int>("--limit") { Description = "Dead letters at most that are shown", DefaultValueFactory = _ => 10 };
        var all = new Option<bool>("--all") { Description = "Those too that a replay has resolved" };
        return new TableArguments().CreateCommand(
            "list",
            "How many there are, by error class; and some of them",
            (request, cancellationToken) => ListAsync(request, request.Parsed.GetValue(where), request.Parsed.GetValue(all), Math.Max(0, request.Parsed.GetValue(limit)), cancellationToken),
            where,
            limit,
            all);
    }

    private static Command Replay()
    {
        Option<string?> where = WhereOption();
        var dry = new Option<bool>("--dry-run") { Description = "Decode and count; change nothing" };
        var silo = new Option<string?>("--silo") { Description = "The HTTP address of a silo that runs the table's pipelines (default: $ORLEANSLAKE_SILO)" };
        var table = new Argument<string>("table") { Description = "The main table: namespace.table; with --warehouse its directory too" };
        var warehouse = new Option<string?>("--warehouse") { Description = "Replay here, without a silo, on a table of this local catalog; records are decoded as by a pipeline without settings of its own" };
        var config = new Option<string?>("--config") { Description = "Likewise, on a table of the catalog of a silo's configuration (local, Glue, REST)" };
        var json = new Option<bool>("--json") { Description = "Print JSON" };
        var command = new Command("replay", "Decode dead letters again with today's schema, and make rows of those that fit, each once") { table, where, dry, silo, warehouse, config, json };
        command.Validators.Add(result =>
        {
            if (new[] { silo, warehouse, config }.Count(option => result.GetValue(option) is not null) > 1)
            {
                result.AddError("--silo, --warehouse and --config: give one of them");
            }
        });
        command.SetAction(async (parsed, cancellationToken) =>
        {
            string name = parsed.GetRequiredValue(table);
            var order = new ReplayOrder(Guid.CreateVersion7(), parsed.GetValue(where), parsed.GetValue(dry));
            ReplayStatus status = parsed.GetValue(warehouse) is { } directory
                ? await ReplayHereAsync(TablePlace.ForChange(await TableArguments.OpenAsync(name, directory, cancellationToken)), order, cancellationToken)
                : parsed.GetValue(config) is { } configured ? await ReplayInAsync(configured, name, order, cancellationToken)
                : await ReplayBySiloAsync(name, parsed.GetValue(silo), order, cancellationToken);
            TextWriter output = parsed.InvocationConfiguration.Output;
            if (parsed.GetValue(json))
            {
                output.WriteLine(JsonSerializer.Serialize(status, LakeJson.Options));
            }
            else
            {
                Print(output, status);
            }

            return 0;
        });
        return command;
    }

    private static async Task<ReplayStatus> ReplayBySiloAsync(string table, string? silo, ReplayOrder order, CancellationToken cancellationToken)
    {
        using HttpClient http = SiloAddress.Open(silo);
        return await new HttpOrleansLakeClient(http).ReplayDeadLettersAsync(table, order, cancellationToken)
            ?? throw new OrleansLakeClientException($"{http.BaseAddress}: no pipeline writes to a table {table}; without a silo: --warehouse DIR or --config FILE");
    }

    private static async Task<ReplayStatus> ReplayInAsync(string config, string table, ReplayOrder order, CancellationToken cancellationToken)
    {
        Dictionary<string, string> settings = ConfiguredSettings.Read(config);
        foreach (Dictionary<string, string> pipeline in settings.Pipelines().Where(one => one.GetValueOrDefault("table") == table))
        {
            // Its records would be read by other rules than the pipeline's own.
            if (pipeline.Keys.FirstOrDefault(key => Decoding.Any(section => key.StartsWith(section, StringComparison.OrdinalIgnoreCase))) is { } own)
            {
                throw new ConfiguredSettingsException(config, [$"pipeline {pipeline.GetValueOrDefault("name")} has {own}, which only a silo knows to decode by: --silo URL"]);
            }
        }

        using LakeCatalog lake = ConfiguredCatalog.Open(config, settings);
        LoadedTable opened = await TableArguments.OpenAsync(table, "", lake.Catalog, cancellationToken);
        return await ReplayHereAsync(new TablePlace(lake.Catalog, opened.Identifier), order, cancellationToken);
    }

    private static async Task<ReplayStatus> ReplayHereAsync(TablePlace place, ReplayOrder order, CancellationToken cancellationToken)
    {
        var ids = new IdSource(TimeProvider.System, new Random());
        TableIdentifier letters = DeadLetterSchema.Of(place.Identifier);
        if (await DeadLetterSchema.OpenAsync(place.Catalog, letters, cancellationToken) is null)
        {
            throw new IOException($"{place.Identifier} has no dead-letter table {letters}");
        }

        using var meter = new System.Diagnostics.Metrics.Meter(CommitMetrics.MeterName);
        var committer = new TableCommitter(
            new TableCommitterOptions { Table = place.Identifier, DeadLetters = letters }, place.Catalog, ids, TimeProvider.System, new CommitMetrics(meter), NullLogger<TableCommitter>.Instance, new DeadLetterOffsets());
        var replay = new DeadLetterReplay(
            committer, pipeline => new RowWriterFactory(new RowWriterOptions { Pipeline = pipeline, Generation = "1" }, TimeProvider.System, ids), ids, TimeProvider.System, NullLogger<DeadLetterReplay>.Instance);
        ReplayResult result = await replay.RunAsync(new ReplayRequest { Where = order.Where is { } where ? Expression.Parse(where) : null, DryRun = order.DryRun }, cancellationToken);
        return new ReplayStatus
        {
            ReplayId = order.ReplayId,
            Table = place.Identifier.ToString(),
            State = ReplayState.Done,
            DryRun = order.DryRun,
            Examined = result.Examined,
            Replayed = result.Replayed,
            StillBad = result.StillBad,
            StillBadBecause = new Dictionary<string, long>(result.StillBadBecause),
            OfEndedGenerations = result.OfEndedGenerations,
            Snapshots = [.. result.Snapshots],
            Settled = [.. result.Settled],
        };
    }

    private static void Print(TextWriter output, ReplayStatus status)
    {
        foreach (string settled in status.Settled)
        {
            output.WriteLine($"{status.Table}: {settled}");
        }

        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{status.Table}: {status.Examined} open dead letters, {status.Replayed} {(status.DryRun ? "would be rows" : "are rows now")}, {status.StillBad} stay{(status.OfEndedGenerations > 0 ? $", {status.OfEndedGenerations} of generations that have ended" : "")}"));
        foreach (var (reason, count) in status.StillBadBecause.OrderByDescending(static pair => pair.Value))
        {
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {count} {reason}"));
        }

        foreach (long snapshot in status.Snapshots)
        {
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  in snapshot {snapshot}"));
        }
    }

    private static async Task<int> ListAsync(TableRequest request, string? where, bool all, int limit, CancellationToken cancellationToken)
    {
        LoadedTable letters = await LettersOfAsync(request, cancellationToken);
        Schema schema = letters.Metadata.CurrentSchema;
        Expression condition = where is null ? Expression.AlwaysTrue : Expression.Parse(where);
        if (!all && schema.FindField(DeadLetterSchema.ResolvedAt) is not null)
        {
            condition &= Expression.IsNull(DeadLetterSchema.ResolvedAt);
        }

        string[] shown = [DeadLetterSchema.RejectedAt, DeadLetterSchema.Topic, DeadLetterSchema.Partition, DeadLetterSchema.Offset, DeadLetterSchema.ErrorClass, DeadLetterSchema.JsonPath, DeadLetterSchema.Message];
        var counts = new SortedDictionary<string, long>(StringComparer.Ordinal);
        var some = new List<JsonElement>();
        await foreach (var row in new TableScan(letters, new ScanOptions { Where = condition, Columns = shown }).ReadJsonAsync(cancellationToken))
        {
            var one = JsonSerializer.Deserialize<JsonElement>(row.Span);
            string reason = one.GetProperty(DeadLetterSchema.ErrorClass).GetString()!;
            counts[reason] = counts.GetValueOrDefault(reason) + 1;
            if (some.Count < limit)
            {
                some.Add(one);
            }
        }

        if (request.Json)
        {
            request.Output.WriteLine(JsonSerializer.Serialize(new { table = letters.Identifier.ToString(), count = counts.Values.Sum(), byErrorClass = counts, deadLetters = some }, LakeJson.Options));
            return 0;
        }

        request.Output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{letters.Identifier}: {counts.Values.Sum()} {(all ? "" : "open ")}dead letters"));
        foreach (var (reason, count) in counts.OrderByDescending(static pair => pair.Value))
        {
            request.Output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {count} {reason}"));
        }

        if (some.Count > 0)
        {
            var text = new TextTable(shown);
            foreach (var one in some)
            {
                text.Add([.. shown.Select(column => TextTable.Harmless(one.GetProperty(column).ToString()))]);
            }

            text.WriteTo(request.Output);
        }

        return 0;
    }

    /// <summary>The dead letters of a table that was named, or that table itself where it is one of dead letters.</summary>
    private static async Task<LoadedTable> LettersOfAsync(TableRequest request, CancellationToken cancellationToken)
    {
        if (request.Table.Identifier.Name.EndsWith(DeadLetterSchema.Suffix, StringComparison.Ordinal))
        {
            return request.Table;
        }

        if (request.Catalog is { } catalog)
        {
            TableIdentifier letters = DeadLetterSchema.Of(request.Table.Identifier);
            return await catalog.LoadTableAsync(letters, cancellationToken) ?? throw new IOException($"{request.Table.Identifier} has no dead letters: no table {letters}");
        }

        string directory = Path.GetDirectoryName(Path.GetDirectoryName(request.Table.MetadataLocation))! + DeadLetterSchema.Suffix;
        return Directory.Exists(directory) ? await TableArguments.OpenAsync(directory, request.Warehouse, cancellationToken) : throw new IOException($"{request.Table.Identifier} has no dead letters: no table at {directory}");
    }
}
