namespace OrleansLake.Ingest.Pump;

/// <summary>What records had that is not in their columns as it came, since the pipeline's writers began: of writers that are closed, by path.</summary>
public sealed record FieldCounts
{
    /// <summary>Paths that are told apart; what comes later is counted under <see cref="OtherPaths"/>.</summary>
    public const int MostPaths = 100;

    /// <summary>Stands for paths beyond the first <see cref="MostPaths"/>.</summary>
    public const string OtherPaths = "*";

    private static readonly Dictionary<string, long> NoPaths = [];

    /// <summary>Nothing was counted.</summary>
    public static readonly FieldCounts None = new();

    /// <summary>Fields that the table does not have.</summary>
    public IReadOnlyDictionary<string, long> Unknown { get; init; } = NoPaths;

    /// <summary>Values that did not fit and became null.</summary>
    public IReadOnlyDictionary<string, long> Nulled { get; init; } = NoPaths;

    /// <summary>Values that became the text that they are in JSON.</summary>
    public IReadOnlyDictionary<string, long> MadeText { get; init; } = NoPaths;

    /// <summary>Tombstones that were passed over.</summary>
    public long Tombstones { get; init; }

    /// <summary>These and more; a map without more stays the same.</summary>
    public FieldCounts And(
        IReadOnlyList<KeyValuePair<string, long>> unknown, IReadOnlyList<KeyValuePair<string, long>> nulled, IReadOnlyList<KeyValuePair<string, long>> madeText, long tombstones) =>
        unknown.Count + nulled.Count + madeText.Count + tombstones == 0 ? this : new FieldCounts
        {
            Unknown = Sum(Unknown, unknown), Nulled = Sum(Nulled, nulled), MadeText = Sum(MadeText, madeText), Tombstones = Tombstones + tombstones,
        };

    private static IReadOnlyDictionary<string, long> Sum(IReadOnlyDictionary<string, long> known, IReadOnlyList<KeyValuePair<string, long>> more)
    {
        if (more.Count == 0)
        {
            return known;
        }

        var sums = new Dictionary<string, long>(known, StringComparer.Ordinal);
        foreach (var (path, count) in more)
        {
            string under = sums.ContainsKey(path) || sums.Count < MostPaths ? path : OtherPaths;
            sums[under] = sums.GetValueOrDefault(under) + count;
        }

        return sums;
    }
}
