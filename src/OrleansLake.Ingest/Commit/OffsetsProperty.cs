using System.Globalization;
using System.Text.Json;

namespace OrleansLake.Ingest.Commit;

/// <summary>
/// One pipeline's copy of the offsets among the table's properties, for the day when foreign expiry has taken the snapshots:
/// <c>orleanslake.offsets.&lt;branch&gt;.&lt;pipeline&gt;.&lt;n&gt;</c>, in chunks that every catalog takes. It is believed only
/// together with the snapshot that it names.
/// </summary>
internal sealed record OffsetsProperty(Guid TableUuid, long SnapshotId, long SequenceNumber, CommittedOffsets Offsets)
{
    public const int ChunkLength = 3500;

    /// <summary>Sets the copies of every pipeline, and names the properties of earlier, longer ones that are to go.</summary>
    public static (Dictionary<string, string> Set, List<string> Remove) Write(
        string branch, Guid tableUuid, long snapshotId, long sequenceNumber, CommittedOffsets offsets, IReadOnlyDictionary<string, string> properties)
    {
        var set = new Dictionary<string, string>();
        var remove = new List<string>();
        foreach (var ofPipeline in offsets.Pipelines.Keys.GroupBy(CommittedOffsets.PipelineOf))
        {
            string prefix = PrefixOf(branch, ofPipeline.Key);
            string text = string.Create(
                CultureInfo.InvariantCulture,
                $$"""{"snapshot":{{snapshotId}},"sequence":{{sequenceNumber}},"uuid":"{{tableUuid}}","offsets":{{CommittedOffsetsJson.Write(ofPipeline, offsets)}}}""");
            for (int n = 0; n * ChunkLength < text.Length; n++)
            {
                set.Add(prefix + n.ToString(CultureInfo.InvariantCulture), text.Substring(n * ChunkLength, Math.Min(ChunkLength, text.Length - (n * ChunkLength))));
            }

            remove.AddRange(properties.Keys.Where(key => ChunkOf(key, prefix) is not null && !set.ContainsKey(key)));
        }

        return (set, remove);
    }

    /// <summary>Reads the copies of every pipeline on a branch.</summary>
    /// <exception cref="CorruptOffsetsException">A copy is not what <see cref="Write"/> made.</exception>
    public static IReadOnlyList<OffsetsProperty> Read(string branch, IReadOnlyDictionary<string, string> properties)
    {
        string branchPrefix = $"{SummaryKeys.OffsetsProperty}{Escape(branch)}.";
        var prefixes = properties.Keys
            .Where(key => key.StartsWith(branchPrefix, StringComparison.Ordinal) && key.LastIndexOf('.') > branchPrefix.Length)
            .Select(key => key[..(key.LastIndexOf('.') + 1)])
            .Distinct();
        return prefixes.Select(prefix => ReadOne(prefix, properties)).ToList();
    }

    /// <summary>Names of the properties that hold copies of a branch.</summary>
    public static List<string> NamesOf(string branch, IReadOnlyDictionary<string, string> properties)
    {
        string prefix = $"{SummaryKeys.OffsetsProperty}{Escape(branch)}.";
        return [.. properties.Keys.Where(key => key.StartsWith(prefix, StringComparison.Ordinal))];
    }

    private static OffsetsProperty ReadOne(string prefix, IReadOnlyDictionary<string, string> properties)
    {
        var chunks = properties
            .Select(property => (Chunk: ChunkOf(property.Key, prefix), property.Value))
            .Where(static chunk => chunk.Chunk is not null)
            .OrderBy(static chunk => chunk.Chunk)
            .ToList();
        string place = $"table property {prefix}*";
        if (chunks.Count == 0 || chunks[^1].Chunk != chunks.Count - 1)
        {
            throw new CorruptOffsetsException($"{place}: expected chunks 0 to {chunks.Count - 1}, got {string.Join(", ", chunks.Select(static chunk => chunk.Chunk))}");
        }

        try
        {
            using var document = JsonDocument.Parse(string.Concat(chunks.Select(static chunk => chunk.Value)));
            JsonElement root = document.RootElement;
            return new OffsetsProperty(
                root.GetProperty("uuid").GetGuid(),
                root.GetProperty("snapshot").GetInt64(),
                root.GetProperty("sequence").GetInt64(),
                CommittedOffsetsJson.Read(root.GetProperty("offsets").GetRawText(), place));
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or FormatException or InvalidOperationException)
        {
            throw new CorruptOffsetsException($"{place}: the offsets cannot be read: {e.Message}", e);
        }
    }

    private static string PrefixOf(string branch, string pipeline) => $"{SummaryKeys.OffsetsProperty}{Escape(branch)}.{Escape(pipeline)}.";

    private static string Escape(string name) => name.Replace("%", "%25", StringComparison.Ordinal).Replace(".", "%2E", StringComparison.Ordinal);

    private static int? ChunkOf(string key, string prefix) =>
        key.StartsWith(prefix, StringComparison.Ordinal) && int.TryParse(key.AsSpan(prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out int chunk) ? chunk : null;
}
