using System.Diagnostics;
using System.Runtime.InteropServices;
using OrleansLake.Testing.Processes;

namespace OrleansLake.Benchmarks.Ingest;

/// <summary>The silo as it is shipped: published by the command of <c>deploy/Dockerfile</c>, and again when its build has changed.</summary>
internal static class PublishedSilo
{
    private const string Project = "OrleansLake.Silo";

    /// <summary>Its assembly.</summary>
    public static async Task<string> EnsureAsync(CancellationToken cancellationToken)
    {
        string folder = Path.Combine(Repository.Root, ".lake", "published", Project);
        string assembly = Path.Combine(folder, Project + ".dll");
        string stamp = Path.Combine(folder, "published.stamp");
        string built = Path.GetDirectoryName(Repository.Assembly("silo", Project))!;
        DateTime newest = Directory.EnumerateFiles(built).Max(File.GetLastWriteTimeUtc);
        if (File.Exists(stamp) && File.Exists(assembly) && File.GetLastWriteTimeUtc(stamp) > newest)
        {
            return assembly;
        }

        await Console.Error.WriteLineAsync("lake: publishing the silo, compiled ahead (--build measures it as ./lake build leaves it)");
        DateTime begun = DateTime.UtcNow;
        if (Directory.Exists(folder))
        {
            Directory.Delete(folder, recursive: true);
        }

        var start = new ProcessStartInfo("dotnet",
        [
            "publish", Path.Combine(Repository.Root, "silo", Project), "--configuration", "Release", "--arch", RuntimeInformation.OSArchitecture.ToString().ToLowerInvariant(),
            "--no-self-contained", "-p:PublishReadyToRun=true", "-p:UseSharedCompilation=true", "--nologo", "--verbosity", "quiet", "--output", folder,
        ])
        {
            RedirectStandardOutput = true,
        };
        using Process publish = Process.Start(start)!;
        string output = await publish.StandardOutput.ReadToEndAsync(cancellationToken);
        await publish.WaitForExitAsync(cancellationToken);
        if (publish.ExitCode != 0)
        {
            throw new InvalidOperationException($"dotnet publish of the silo ended with {publish.ExitCode}: {output}");
        }

        await File.WriteAllTextAsync(stamp, "", cancellationToken);
        File.SetLastWriteTimeUtc(stamp, begun);
        return assembly;
    }
}
