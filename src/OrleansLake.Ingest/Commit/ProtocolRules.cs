namespace OrleansLake.Ingest.Commit;

/// <summary>
/// The rules of the protocol, each of which a simulation can take out to show what it guards. The product runs with
/// <see cref="All"/>; only the tests reach anything else.
/// </summary>
[Flags]
internal enum ProtocolRules
{
    /// <summary>None: every record for itself.</summary>
    None = 0,

    /// <summary>A report that is in the lineage is answered with its snapshot before its ranges are looked at.</summary>
    IdsBeforeRanges = 1 << 0,

    /// <summary>A range starts where the committed offsets end.</summary>
    RangesStartAtCommitted = 1 << 1,

    /// <summary>A report is refused when history since it was sent has left the metadata or its id stands outside the lineage.</summary>
    HistoryIsListed = 1 << 2,

    /// <summary>A report is for the table that it was written for.</summary>
    SameTable = 1 << 3,

    /// <summary>Every field that was written is in the schema.</summary>
    FieldsAreThere = 1 << 4,

    /// <summary>After a failed swap its commit is looked up, and the reports are judged again on what is found.</summary>
    FailedSwapsAreLookedUp = 1 << 5,

    /// <summary>A swap asserts the refs that it relied on.</summary>
    SwapsAssertRefs = 1 << 6,

    /// <summary>Offsets are those of the branch's lineage, not of the newest snapshot that has any.</summary>
    OffsetsFromLineage = 1 << 7,

    /// <summary>The property is believed only if the snapshot that it names was reached.</summary>
    PropertyMustBeReached = 1 << 8,

    /// <summary>A cherry-picked snapshot above ours stops the pipeline.</summary>
    CherryPicksStop = 1 << 9,

    /// <summary>Cluster, topic and epoch are those that the table's offsets belong to.</summary>
    SameTopic = 1 << 10,

    /// <summary>A pipeline that is made anew does not go on with the offsets of the old one, nor the old one's writers with its.</summary>
    GenerationsApart = 1 << 11,

    /// <summary>Dead letters are committed before the rows that their records did not become.</summary>
    DeadLettersFirst = 1 << 12,

    /// <summary>Dead letters that another writer has committed since are not committed again.</summary>
    DeadLettersOnce = 1 << 13,

    /// <summary>No file is committed that orphan removal may already have taken.</summary>
    NoFileBefore = 1 << 14,

    /// <summary>Dead letters are committed only for a writer that has claimed their topic-partitions, and others claim before they commit anything.</summary>
    DeadLettersClaimed = 1 << 15,

    /// <summary>All of them.</summary>
    All = (1 << 16) - 1,
}
