namespace OrleansLake.Integration;

/// <summary>Tests of one collection run one after the other, and those of the two beside one another.</summary>
internal static class Collections
{
    /// <summary>Millions of records, or several silos.</summary>
    public const string Working = "working";

    /// <summary>Few records and many conditions.</summary>
    public const string Waiting = "waiting";
}
