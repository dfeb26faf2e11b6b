using System.Globalization;
using OrleansLake.Iceberg;

namespace OrleansLake.Ingest.Forward;

/// <summary>
/// Dead letters that are to be sent to a topic: a property of their table, made in the swap that brings them in and removed once
/// they were sent. <c>orleanslake.forward.&lt;pipeline&gt;.&lt;sequence number&gt;</c>: locations of their files, one a line.
/// </summary>
/// <param name="Name">The property.</param>
/// <param name="Number">The sequence number of the snapshot that they came in with.</param>
/// <param name="Files">Locations of their files.</param>
internal sealed record ForwardNote(string Name, long Number, IReadOnlyList<string> Files)
{
    private const string PropertyPrefix = "orleanslake.forward.";

    /// <summary>The properties for the files of one snapshot, by pipeline.</summary>
    public static Dictionary<string, string> Write(IEnumerable<(string Pipeline, IReadOnlyList<DataFile> Files)> reports, long number) => reports
        .Where(static report => report.Files.Count > 0)
        .GroupBy(static report => report.Pipeline)
        .ToDictionary(
            ofPipeline => string.Create(CultureInfo.InvariantCulture, $"{PropertyPrefix}{ofPipeline.Key}.{number}"),
            static ofPipeline => string.Join('\n', ofPipeline.SelectMany(static report => report.Files).Select(static file => file.FilePath)));

    /// <summary>What is to be sent of a pipeline's, oldest first.</summary>
    public static List<ForwardNote> Read(IReadOnlyDictionary<string, string> properties, string pipeline)
    {
        string prefix = $"{PropertyPrefix}{pipeline}.";
        var notes = new List<ForwardNote>();
        foreach (var (name, value) in properties)
        {
            if (name.StartsWith(prefix, StringComparison.Ordinal) && long.TryParse(name.AsSpan(prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out long number))
            {
                notes.Add(new ForwardNote(name, number, value.Split('\n')));
            }
        }

        notes.Sort(static (a, b) => a.Number.CompareTo(b.Number));
        return notes;
    }
}
