using System.CommandLine;
using System.Diagnostics;
using OrleansLake.Testing;
using OrleansLake.Testing.Iceberg;

namespace OrleansLake.Benchmarks;

/// <summary><c>./lake bench fuzz</c>: damages metadata, manifests and statistics files for as long as one likes.</summary>
internal static class Fuzz
{
    public static Command Create()
    {
        var seconds = new Option<int>("--seconds") { Description = "how long", DefaultValueFactory = _ => 30 };
        var first = new Option<int>("--first") { Description = "the number of the first damaged file", DefaultValueFactory = _ => 0 };
        var keepGoing = new Option<bool>("--keep-going") { Description = "tell every failure, not only the first" };
        var command = new Command("fuzz", "Reads damaged table metadata, manifest lists, manifests, Puffin files and commits; stops at the first that is neither read nor refused with its name")
        {
            seconds, first, keepGoing,
        };
        command.SetAction((result, cancellationToken) => RunAsync(result.GetValue(first), TimeSpan.FromSeconds(result.GetValue(seconds)), result.GetValue(keepGoing), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(int first, TimeSpan time, bool keepGoing, CancellationToken cancellationToken)
    {
        var fuzz = new FormatFuzz();
        await fuzz.AddOurOwnAsync();
        if (SharedData.Find("iceberg-metadata") is { } metadata && SharedData.Find("iceberg-tables") is { } tables)
        {
            await fuzz.AddOthersAsync(metadata, tables);
        }
        else
        {
            Console.Error.WriteLine("fuzz: shared/data is not there: only files of our own");
        }

        var watch = Stopwatch.StartNew();
        int number = first;
        int failures = 0;
        for (; watch.Elapsed < time && !cancellationToken.IsCancellationRequested; number++)
        {
            try
            {
                await fuzz.RunAsync(number);
            }
            catch (FuzzException e)
            {
                failures++;
                Console.Error.WriteLine($"fuzz: {e}");
                if (!keepGoing)
                {
                    return 1;
                }
            }
        }

        Console.WriteLine($"{number - first} damaged files from {fuzz.SeedCount} in {watch.Elapsed.TotalSeconds:0} s: {fuzz.Ends.Read} read, {fuzz.Ends.Refused} refused, {failures} failures");
        return failures == 0 ? 0 : 1;
    }
}
