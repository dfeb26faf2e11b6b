using System.CommandLine;
using System.CommandLine.Parsing;
using OrleansLake.Silo.Demo;

namespace OrleansLake.Silo;

/// <summary>The verbs of this executable, and what is the same for them: exit codes, and one line for an error.</summary>
internal static class CommandLine
{
    internal const int Failed = 1;
    internal const int WrongUsage = 2;

    internal static readonly Option<bool> Verbose = new("--verbose") { Description = "Show more: stack traces, the lines that ./lake runs", Recursive = true };

    internal static RootCommand Create()
    {
        var root = new RootCommand("OrleansLake: Kafka into Apache Iceberg tables, exactly once.");
        root.Options.Add(Verbose);
        root.Subcommands.Add(RunCommand.Create());
        root.Subcommands.Add(DemoCommand.Create());
        return root;
    }

    internal static async Task<int> RunAsync(string[] args)
    {
        ParseResult parsed = Create().Parse(args);
        if (parsed.Errors.Count > 0)
        {
            foreach (ParseError error in parsed.Errors)
            {
                await Console.Error.WriteLineAsync($"lake: {error.Message}");
            }

            await Console.Error.WriteLineAsync($"lake: see ./lake {(parsed.CommandResult.Command is RootCommand ? "" : parsed.CommandResult.Command.Name + " ")}--help");
            return WrongUsage;
        }

        try
        {
            // Ctrl-C and SIGTERM are the host's: it drains before it ends, and nobody may cut that short.
            return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
        }
        catch (Exception failure)
        {
            await Console.Error.WriteLineAsync($"lake: {(parsed.GetValue(Verbose) ? failure.ToString() : Line(failure))}");
            return Failed;
        }
    }

    /// <summary>A failure in the words of its cause; a list of errors keeps its lines.</summary>
    private static string Line(Exception failure)
    {
        while (failure is AggregateException { InnerException: { } inner })
        {
            failure = inner;
        }

        return failure is Configuration.ConfigException ? failure.Message : failure.Message.ReplaceLineEndings(" ");
    }
}
