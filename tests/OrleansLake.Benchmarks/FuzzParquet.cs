using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using OrleansLake.Testing;

namespace OrleansLake.Benchmarks;

/// <summary><c>./lake bench fuzz-parquet</c>: changed Parquet files, until time is up or one does worse than a clear error.</summary>
internal static class FuzzParquet
{
    public static Command Create()
    {
        var seconds = new Option<int>("--seconds") { Description = "how long", DefaultValueFactory = _ => 60 };
        var first = new Option<int>("--first") { Description = "the first seed", DefaultValueFactory = _ => 0 };
        var folders = new Argument<DirectoryInfo[]>("FOLDER") { Description = "where Parquet files to change lie; absent: shared/data/parquet-testing", Arity = ArgumentArity.ZeroOrMore };
        var command = new Command("fuzz-parquet", "Changes bytes of Parquet files and reads them: a clear error at worst, soon, without much memory") { folders, seconds, first };
        command.SetAction(parsed => Run(parsed.GetValue(folders) ?? [], parsed.GetValue(first), TimeSpan.FromSeconds(parsed.GetValue(seconds))));
        return command;
    }

    private static int Run(DirectoryInfo[] folders, int first, TimeSpan time)
    {
        string? shared = SharedData.Find("parquet-testing");
        if (folders.Length == 0 && shared is null)
        {
            Console.Error.WriteLine("fuzz-parquet: ../shared/data/parquet-testing is absent: name a folder with Parquet files");
            return 1;
        }

        var files = (folders.Length > 0 ? folders : [new DirectoryInfo(shared!)])
            .SelectMany(folder => folder.EnumerateFiles("*.parquet", SearchOption.AllDirectories))
            .Where(file => file.Length < 500_000)
            .OrderBy(file => file.FullName, StringComparer.Ordinal)
            .Select(file => (file.Name, File.ReadAllBytes(file.FullName)))
            .ToList();
        var fuzz = new ParquetFuzz(files);
        long begun = Stopwatch.GetTimestamp();
        int seed = first;
        for (; Stopwatch.GetElapsedTime(begun) < time; seed++)
        {
            if (fuzz.Run(seed) is { } failure)
            {
                Console.Error.WriteLine($"fuzz-parquet: {failure}");
                return 1;
            }
        }

        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{files.Count} files, seeds {first} to {seed - 1}: {fuzz.Refused} refused, {fuzz.Survived} read; the longest took {fuzz.Longest.TotalMilliseconds:F0} ms, the largest {fuzz.MostAllocatedBytes / 1e6:F0} MB"));
        return 0;
    }
}
