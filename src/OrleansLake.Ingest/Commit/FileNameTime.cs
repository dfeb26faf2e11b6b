using System.Text.RegularExpressions;

namespace OrleansLake.Ingest.Commit;

/// <summary>When a file was named: our file names carry a UUID of version 7, which begins with the time.</summary>
internal static partial class FileNameTime
{
    /// <summary>Milliseconds since 1970; null when the name carries no such UUID.</summary>
    public static long? Of(string location)
    {
        Match match = Uuid7().Match(location, Math.Max(0, location.LastIndexOf('/')));
        return match.Success ? Convert.ToInt64(match.Groups[1].Value + match.Groups[2].Value, 16) : null;
    }

    [GeneratedRegex("([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Uuid7();
}
