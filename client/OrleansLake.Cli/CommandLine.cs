using System.CommandLine;
using System.CommandLine.Parsing;
using OrleansLake.Cli.Commands;

namespace OrleansLake.Cli;

/// <summary>The verbs, and what is the same for all of them: exit codes, one line for an error, a clean end on Ctrl-C and SIGTERM.</summary>
internal static class CommandLine
{
    internal const int Failed = 1;
    internal const int WrongUsage = 2;

    internal static readonly Option<bool> Verbose = new("--verbose") { Description = "Show more: stack traces, the lines that ./lake runs", Recursive = true };

    internal static RootCommand Create()
    {
        var root = new RootCommand("OrleansLake: Kafka into Apache Iceberg tables, exactly once.");
        root.Options.Add(Verbose);
        root.Subcommands.Add(KafkaCommand.Create());
        root.Subcommands.Add(PublishCommand.Create());
        root.Subcommands.Add(TableCommand.Create());
        root.Subcommands.Add(PipelineCommand.Create());
        return root;
    }

    internal static async Task<int> RunAsync(string[] args)
    {
        ParseResult parsed = Create().Parse(args);
        if (parsed.Errors.Count > 0)
        {
            foreach (ParseError error in parsed.Errors)
                await Console.Error.WriteLineAsync($"lake: {error.Message}");
            await Console.Error.WriteLineAsync($"lake: see ./lake {string.Join(' ', PathOf(parsed.CommandResult))} --help".Replace("  ", " ", StringComparison.Ordinal));
            return WrongUsage;
        }

        try
        {
            return await parsed.InvokeAsync(new InvocationConfiguration
            {
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = TimeSpan.FromSeconds(10),
            });
        }
        catch (OperationCanceledException)
        {
            // What a shell expects of a program that was told to stop.
            return 130;
        }
        catch (Exception failure)
        {
            await Console.Error.WriteLineAsync(parsed.GetValue(Verbose) ? $"lake: {failure}" : $"lake: {Line(failure)}");
            return Failed;
        }
    }

    /// <summary>A failure in one line.</summary>
    internal static string Line(Exception failure)
    {
        while (failure is AggregateException { InnerException: { } inner })
            failure = inner;
        return failure.Message.ReplaceLineEndings(" ");
    }

    private static IEnumerable<string> PathOf(CommandResult command)
    {
        var names = new Stack<string>();
        for (CommandResult? at = command; at is { Command: not RootCommand }; at = at.Parent as CommandResult)
            names.Push(at.Command.Name);
        return names;
    }
}
