using System.CommandLine;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using OrleansLake.Grains;
using OrleansLake.Iceberg;
using OrleansLake.Silo.Configuration;
using OrleansLake.Silo.Configuration.Import;

namespace OrleansLake.Silo;

/// <summary>config: reads the settings of other loaders, and checks ours.</summary>
internal static class ConfigCommand
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    internal static Command Create() => new("config", "Configurations: import another loader's, check one") { CreateImport(), CreateCheck() };

    private static Command CreateImport()
    {
        var file = new Argument<string>("FILE") { Description = "The Starburst loader's settings: GROUP.NAME=VALUE lines, or the JSON of Managed Service for Apache Flink" };
        var output = new Option<string?>("--output") { Description = "Where the configuration goes instead of standard output; never over an existing file" };
        var command = new Command("import", "The Starburst Galaxy Kafka loader's settings as a configuration for ./lake run; what needs a person's eye goes to standard error") { file, output };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            string path = parsed.GetRequiredValue(file);
            string text = await File.ReadAllTextAsync(path, cancellationToken);
            (JsonObject config, IReadOnlyList<string> remarks) = Import(text, path);
            string json = config.ToJsonString(Indented);
            if (parsed.GetValue(output) is { } target)
            {
                await using var writer = new StreamWriter(new FileStream(target, FileMode.CreateNew, FileAccess.Write));
                await writer.WriteLineAsync(json.AsMemory(), cancellationToken);
            }
            else
            {
                await parsed.InvocationConfiguration.Output.WriteLineAsync(json.AsMemory(), cancellationToken);
            }

            foreach (string remark in remarks)
            {
                await parsed.InvocationConfiguration.Error.WriteLineAsync($"lake: {remark}");
            }

            return 0;
        });
        return command;
    }

    private static Command CreateCheck()
    {
        var file = new Argument<string>("FILE") { Description = "The configuration file (JSON); ORLEANSLAKE__… variables go over it; env:NAME reads it from a variable" };
        var command = new Command("check", "Only reads a configuration, and says everything that is wrong with it, its settings held against the tables that its ddl makes") { file };
        command.SetAction(async (parsed, _) =>
        {
            string path = parsed.GetRequiredValue(file);
            SiloConfig read = SiloConfigReader.ReadFile(path);
            // Only here: the table itself may have moved on since it was made by this statement.
            string[] unfit =
            [
                .. read.Pipelines.Where(pipeline => pipeline.Definition.Ddl is not null).SelectMany(pipeline => PipelineWriters.Check(pipeline.Definition, Ddl.ParseCreateTable(pipeline.Definition.Ddl!).Creation.Schema)
                    .Select(problem => $"pipeline {pipeline.Definition.Name}, a table as its ddl says: {problem}")),
            ];
            if (unfit.Length > 0)
            {
                throw new ConfigException(path, unfit);
            }

            await parsed.InvocationConfiguration.Output.WriteLineAsync($"{path}: right, {(read.Pipelines.Count == 1 ? "1 pipeline" : $"{read.Pipelines.Count} pipelines")}");
            return 0;
        });
        return command;
    }

    private static (JsonObject Config, IReadOnlyList<string> Remarks) Import(string text, string path)
    {
        IReadOnlyList<(string, string, string)> settings;
        try
        {
            settings = PropertyGroups.Parse(text);
        }
        catch (FormatException error)
        {
            throw new ConfigException(path, [error.Message]);
        }

        return LoaderConfig.Import(settings, path);
    }
}
