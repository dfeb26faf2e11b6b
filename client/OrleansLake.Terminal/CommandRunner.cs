using System.CommandLine;
using System.CommandLine.Parsing;

namespace OrleansLake.Terminal;

/// <summary>Runs one of an executable's verbs. What is the same for all of them: exit codes, and one line on standard error for what went wrong.</summary>
public static class CommandRunner
{
    /// <summary>Exit code: it did not do what it was asked.</summary>
    public const int Failed = 1;

    /// <summary>Exit code: it was not asked in the right way.</summary>
    public const int WrongUsage = 2;

    /// <summary>Exit code that a shell expects of a program that was told to stop.</summary>
    public const int Interrupted = 130;

    private static readonly Option<bool> Verbose = new("--verbose") { Description = "Show more: stack traces, the lines that ./lake runs", Recursive = true };

    /// <summary>Parses and runs.</summary>
    /// <param name="args">What was typed behind <c>lake</c>.</param>
    /// <param name="verbs">What there is.</param>
    /// <param name="stopLimit">How long a verb may go on after Ctrl-C or SIGTERM; null: the verb sees to its end itself.</param>
    /// <param name="output">Where data go; null: standard output.</param>
    /// <param name="error">Where all else goes; null: standard error.</param>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(string[] args, IEnumerable<Command> verbs, TimeSpan? stopLimit, TextWriter? output = null, TextWriter? error = null)
    {
        output ??= Console.Out;
        error ??= Console.Error;
        var root = new RootCommand("OrleansLake: Kafka into Apache Iceberg tables, exactly once.");
        root.Options.Add(Verbose);
        foreach (Command verb in verbs)
        {
            root.Subcommands.Add(verb);
        }

        ParseResult parsed = root.Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null }); // @FILE is an option's own affair
        if (parsed.Errors.Count > 0)
        {
            foreach (ParseError wrong in parsed.Errors)
            {
                await error.WriteLineAsync($"lake: {wrong.Message}");
            }

            await error.WriteLineAsync($"lake: see {string.Join(' ', ["./lake", .. PathOf(parsed.CommandResult), "--help"])}");
            return WrongUsage;
        }

        try
        {
            return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = stopLimit, Output = output, Error = error });
        }
        catch (OperationCanceledException)
        {
            return Interrupted;
        }
        catch (Exception failure)
        {
            await error.WriteLineAsync($"lake: {(parsed.GetValue(Verbose) ? failure.ToString() : LineOf(failure))}");
            return Failed;
        }
    }

    /// <summary>A failure in the words of its cause; where those are a list, the list.</summary>
    private static string LineOf(Exception failure)
    {
        while (failure is AggregateException { InnerException: { } inner })
        {
            failure = inner;
        }

        return failure is ListedErrorsException ? failure.Message : failure.Message.ReplaceLineEndings(" ");
    }

    private static IEnumerable<string> PathOf(CommandResult command)
    {
        var names = new Stack<string>();
        for (CommandResult? at = command; at is { Command: not RootCommand }; at = at.Parent as CommandResult)
        {
            names.Push(at.Command.Name);
        }

        return names;
    }
}

/// <summary>Several errors at once; each has a line of its own.</summary>
/// <param name="source">Where they are.</param>
/// <param name="errors">The errors: place, expectation, finding.</param>
public abstract class ListedErrorsException(string source, IReadOnlyList<string> errors)
    : Exception($"{source}: {(errors.Count == 1 ? "1 error" : $"{errors.Count} errors")}\n  " + string.Join("\n  ", errors))
{
    /// <summary>The errors.</summary>
    public IReadOnlyList<string> Errors { get; } = errors;
}
