using System.Globalization;
using System.Text.RegularExpressions;
using OrleansLake.Contracts;
using OrleansLake.Iceberg;

namespace OrleansLake.Silo.Configuration;

/// <summary>Reads which topics a pipeline reads and where it begins.</summary>
internal static partial class SourcesSection
{
    /// <summary>Topics by name; none where a pattern says which.</summary>
    public static string[] ReadTopics(ConfigSection section)
    {
        string[] topics = section.Has("topics") || !section.Has("topicPattern") ? section.Texts("topics", "a list of topic names") : [];
        foreach (string topic in topics.Where(topic => !TopicPattern().IsMatch(topic)))
        {
            section.Fail("topics", "topic names of letters, digits, dot, dash, underscore", topic);
        }

        return topics;
    }

    /// <summary>A regular expression that whole names of topics match; null: there is none.</summary>
    public static string? ReadPattern(ConfigSection section)
    {
        string? pattern = section.Text("topicPattern");
        if (pattern is not null)
        {
            try
            {
                _ = new Regex(pattern, RegexOptions.NonBacktracking);
            }
            catch (Exception error) when (error is ArgumentException or NotSupportedException)
            {
                section.Fail("topicPattern", "a regular expression without look-arounds and back-references", error.Message);
            }
        }

        return pattern;
    }

    /// <summary>Which rows are for the table; null: all.</summary>
    public static string? ReadWhere(ConfigSection section)
    {
        string? where = section.Text("where");
        if (where is not null)
        {
            try
            {
                Expression.Parse(where);
            }
            catch (FormatException error)
            {
                section.Fail("where", "a condition in SQL", error.Message);
            }
        }

        return where;
    }

    /// <summary>One of the ends, or a time.</summary>
    public static (PipelineStart Start, long? AtMs) ReadStart(ConfigSection section)
    {
        string? text = section.Text("start");
        switch (text?.ToLowerInvariant())
        {
            case null or "earliest":
                return (PipelineStart.Earliest, null);
            case "latest":
                return (PipelineStart.Latest, null);
            default:
                if (DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset time))
                {
                    return (PipelineStart.Earliest, time.ToUnixTimeMilliseconds());
                }

                section.Fail("start", "earliest, latest, or a time such as 2026-01-31T12:30:00Z", text);
                return (PipelineStart.Earliest, null);
        }
    }

    /// <summary>Offsets of single topic-partitions, in the form of <see cref="PipelineDefinition.StartOffsets"/>; null: there are none.</summary>
    public static string? ReadOffsets(ConfigSection section)
    {
        Dictionary<string, string> offsets = section.Map("startOffsets");
        foreach (var (place, offset) in offsets.Where(entry => !PlacePattern().IsMatch(entry.Key) || !long.TryParse(entry.Value, NumberStyles.None, CultureInfo.InvariantCulture, out _)))
        {
            section.Fail("startOffsets", "offsets by topic-partition, such as \"events-0\": 1042", $"{place}: {offset}");
        }

        return offsets.Count == 0 ? null : string.Join(',', offsets.OrderBy(entry => entry.Key, StringComparer.Ordinal).Select(entry => $"{entry.Key}={entry.Value}"));
    }

    [GeneratedRegex("^[A-Za-z0-9._-]{1,249}$")]
    private static partial Regex TopicPattern();

    [GeneratedRegex("^[A-Za-z0-9._-]{1,249}-[0-9]{1,9}$")]
    private static partial Regex PlacePattern();
}
