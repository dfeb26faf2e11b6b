using System.Text.RegularExpressions;
using OrleansLake.Contracts;

namespace OrleansLake.Grains;

/// <summary>Which topics a pipeline reads.</summary>
internal static class PipelineTopics
{
    /// <summary>Those that it names, and of those that are known the ones that match its pattern; in the same order each time.</summary>
    public static IReadOnlyList<string> Of(PipelineDefinition definition, IEnumerable<string> known) => definition.TopicPattern is { } pattern
        ? [.. definition.Topics, .. known.Where(topic => IsMatch(pattern, topic) && topic != definition.DeadLetters.Topic).Except(definition.Topics).Order(StringComparer.Ordinal)]
        : definition.Topics;

    /// <summary>Whether a name matches as a whole.</summary>
    public static bool IsMatch(string pattern, string topic) => Regex.IsMatch(topic, $"^(?:{pattern})$", RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
}
