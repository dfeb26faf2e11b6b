using System.CommandLine;
using OrleansLake.Iceberg;
using OrleansLake.Silo.Configuration;
using OrleansLake.Terminal;

namespace OrleansLake.Silo.Demo;

/// <summary>demo: everything in one process, from sample records or a file to a table that engines can open.</summary>
internal static class DemoCommand
{
    internal static Command Create()
    {
        var rows = new Option<long>("--rows") { Description = "Sample records to publish", DefaultValueFactory = _ => 1_000_000 };
        var partitions = new Option<int>("--topic-partitions") { Description = "Partitions of the topic", DefaultValueFactory = _ => 8 };
        var file = new Option<string?>("--file") { Description = "Publish the lines of a file (NDJSON, also .gz) instead of sample records; needs --ddl" };
        var ddl = new Option<string?>("--ddl") { Description = "File with the CREATE TABLE statement for --file" };
        var warehouse = new Option<string>("--warehouse") { Description = "Directory of the tables; it stays", DefaultValueFactory = _ => "warehouse" };
        var json = new Option<bool>("--json") { Description = "Print one JSON object" };
        var command = new Command("demo", "Embedded broker, silo and a local table: sample records in, rows out. A second demo goes on with the same table.")
        {
            rows, partitions, file, ddl, warehouse, json,
        };
        rows.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<long>() < 1)
            {
                result.AddError("--rows: expected at least 1");
            }
        });
        partitions.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() is < 1 or > 1000)
            {
                result.AddError("--topic-partitions: expected 1 to 1000");
            }
        });
        command.Validators.Add(result =>
        {
            if (result.GetResult(file) is null != result.GetResult(ddl) is null)
            {
                result.AddError("--file and --ddl go together: the records, and the table that they fit");
            }
        });
        command.SetAction(async (parsed, cancellationToken) =>
        {
            DemoInput input = parsed.GetValue(file) is { } path
                ? ReadFile(path, parsed.GetRequiredValue(ddl)!)
                : DemoInput.Sample(parsed.GetValue(rows));
            string directory = Path.GetFullPath(parsed.GetRequiredValue(warehouse));
            RunCommand.CheckWarehouse(directory);
            bool asJson = parsed.GetValue(json);
            var run = new DemoRun(input, directory, parsed.GetValue(partitions), TimeProvider.System, asJson);
            DemoReport report = await run.RunAsync(cancellationToken);
            Console.Out.WriteLine(asJson ? report.ToJson() : report.ToString());
            return report.Committed ? 0 : CommandRunner.Failed;
        });
        return command;
    }

    private static DemoInput ReadFile(string path, string ddlPath)
    {
        foreach ((string option, string given) in new[] { ("--file", path), ("--ddl", ddlPath) })
        {
            if (!File.Exists(given))
            {
                throw new ConfigException("demo", [$"{option}: expected a file, found none at {given}"]);
            }
        }

        string sql = File.ReadAllText(ddlPath);
        try
        {
            return DemoInput.OfFile(path, sql, Ddl.ParseCreateTable(sql).Name);
        }
        catch (DdlException error)
        {
            throw new ConfigException("demo", [$"--ddl: expected a CREATE TABLE statement, found {ddlPath}: {error.Message}"]);
        }
    }
}
