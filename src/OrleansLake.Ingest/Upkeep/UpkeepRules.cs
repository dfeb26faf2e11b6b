namespace OrleansLake.Ingest.Upkeep;

/// <summary>
/// The rules of upkeep, each of which a simulation can take out to show what it guards. The product runs with <see cref="All"/>;
/// only the tests reach anything else.
/// </summary>
[Flags]
internal enum UpkeepRules
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>Before orphans are removed, the table says which files may no longer come (rule 19).</summary>
    FenceBeforeOrphans = 1 << 0,

    /// <summary>Only files of before that time are removed (rule 19).</summary>
    OnlyOldOrphans = 1 << 1,

    /// <summary>Expiry keeps the newest snapshot with offsets, and the newest that says which files may no longer come (rules 11, 19, 20).</summary>
    NewestOffsetsStay = 1 << 2,

    /// <summary>Expiry keeps what running rewrites were made from (rule 20).</summary>
    BasesOfRewritesStay = 1 << 3,

    /// <summary>All of them.</summary>
    All = (1 << 4) - 1,
}
