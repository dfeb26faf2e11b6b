namespace OrleansLake.Testing;

/// <summary>Real files of other writers, beside the repository: <c>shared/data</c>. Tests skip where they are absent.</summary>
public static class SharedData
{
    private const string Variable = "ORLEANSLAKE_SHARED";

    /// <summary>The path of a file or directory below <c>shared/data</c>; null when it is not there.</summary>
    public static string? Find(string relativePath)
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } shared)
        {
            return Existing(Path.Combine(shared, "data", relativePath)) ?? Existing(Path.Combine(shared, relativePath));
        }

        for (string? at = AppContext.BaseDirectory; at is not null; at = Path.GetDirectoryName(at))
        {
            if (Existing(Path.Combine(at, "shared", "data", relativePath)) is { } found)
            {
                return found;
            }
        }

        return null;
    }

    private static string? Existing(string path) => Path.Exists(path) ? path : null;
}
