namespace OrleansLake.Contracts;

/// <summary>
/// What records had that is not in their columns as it came (docs/records.md), by path, since the pumps began. The first hundred
/// paths are told apart, the others are counted under <c>*</c>.
/// </summary>
[GenerateSerializer, Immutable, Alias("orleanslake.RecordCounts")]
public sealed record RecordCounts
{
    /// <summary>Fields that the table does not have.</summary>
    [Id(0)]
    public PathCount[] UnknownFields { get; init; } = [];

    /// <summary>Values that did not fit and became null.</summary>
    [Id(1)]
    public PathCount[] NulledValues { get; init; } = [];

    /// <summary>Values that became the text that they are in JSON.</summary>
    [Id(2)]
    public PathCount[] ValuesMadeText { get; init; } = [];

    /// <summary>Tombstones that were passed over.</summary>
    [Id(3)]
    public long TombstonesSkipped { get; init; }

    /// <summary>Those of several pumps; null: none has any.</summary>
    public static RecordCounts? Sum(IEnumerable<RecordCounts?> counts)
    {
        RecordCounts[] all = [.. counts.OfType<RecordCounts>()];
        return all.Length switch
        {
            0 => null,
            1 => all[0],
            _ => new RecordCounts
            {
                UnknownFields = Sum(all.SelectMany(one => one.UnknownFields)),
                NulledValues = Sum(all.SelectMany(one => one.NulledValues)),
                ValuesMadeText = Sum(all.SelectMany(one => one.ValuesMadeText)),
                TombstonesSkipped = all.Sum(one => one.TombstonesSkipped),
            },
        };
    }

    private static PathCount[] Sum(IEnumerable<PathCount> counts) =>
        [.. counts.GroupBy(one => one.Path, StringComparer.Ordinal).Select(path => new PathCount(path.Key, path.Sum(one => one.Count))).OrderByDescending(one => one.Count).ThenBy(one => one.Path, StringComparer.Ordinal)];
}

/// <summary>How often something was seen at a path such as <c>order.lines[].price</c>.</summary>
[GenerateSerializer, Immutable, Alias("orleanslake.PathCount")]
public sealed record PathCount([property: Id(0)] string Path, [property: Id(1)] long Count);
