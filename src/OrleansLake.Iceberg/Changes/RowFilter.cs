namespace OrleansLake.Iceberg;

/// <summary>What metadata can say of the rows that a filter takes: of a manifest by its partition summaries, of a file by its partition and metrics.</summary>
internal abstract class RowFilter
{
    /// <summary>False where no file of the manifest has a row that the filter takes.</summary>
    public abstract bool MayMatch(ManifestFile manifest);

    /// <summary>How much of the file it takes.</summary>
    public abstract FileMatch Match(DataFile file);
}
