namespace OrleansLake.Iceberg;

/// <summary>Why a change that was made on one state of a table cannot be put on top of another.</summary>
public enum ChangeConflictKind
{
    /// <summary>Files that the change removes or refers to are not in the table any more.</summary>
    MissingFiles,

    /// <summary>Data files came that the change would have had to read.</summary>
    NewDataFiles,

    /// <summary>Deletes came that hit rows which the change has read or rewritten.</summary>
    NewDeletes,

    /// <summary>Data files went that the change has read.</summary>
    RemovedDataFiles,

    /// <summary>The state that the change was made on is not an ancestor of the branch any more: rolled back, or expired.</summary>
    UnknownHistory,
}

/// <summary>
/// An isolation check failed: what others committed since contradicts the change. Staging it again cannot help; it has to
/// be made anew from the table as it is. https://iceberg.apache.org/spec/#commit-conflict-resolution-and-retry
/// </summary>
public sealed class ChangeConflictException(ChangeConflictKind kind, string problem, IReadOnlyList<string> files)
    : Exception(files.Count == 0 ? problem : $"{problem}: {string.Join(", ", files.Take(10))}{(files.Count > 10 ? $" and {files.Count - 10} more" : "")}")
{
    /// <summary>Why.</summary>
    public ChangeConflictKind Kind { get; } = kind;

    /// <summary>The files that it is about; none where it is about the history.</summary>
    public IReadOnlyList<string> Files { get; } = files;
}
