namespace OrleansLake.Testing.Processes;

/// <summary>Where the executables and scripts of this checkout are.</summary>
public static class Repository
{
    /// <summary>The folder of the solution.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>Another project's assembly, built like this one.</summary>
    public static string Assembly(string folder, string project)
    {
        string configuration = new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name; // …/bin/Release/net10.0/
        string path = Path.Combine(Root, folder, project, "bin", configuration, "net10.0", project + ".dll");
        return File.Exists(path) ? path : throw new FileNotFoundException($"{path}: expected it to be built, run ./lake build");
    }

    private static string FindRoot()
    {
        for (string? at = AppContext.BaseDirectory; at is not null; at = Path.GetDirectoryName(at))
        {
            if (File.Exists(Path.Combine(at, "OrleansLake.sln")))
            {
                return at;
            }
        }

        throw new DirectoryNotFoundException($"no OrleansLake.sln above {AppContext.BaseDirectory}");
    }
}
