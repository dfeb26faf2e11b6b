using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Read;

/// <summary>Where one column of a scan comes from in one file.</summary>
internal abstract record LeafSource
{
    private LeafSource() { }

    /// <summary>A column of the file.</summary>
    /// <param name="FileLeaf">Its number in the file.</param>
    /// <param name="Levels">The scan's definition level for each of the file's; <see cref="Forbidden"/> where the table allows no null.</param>
    /// <param name="Convert">Appends all values of the file's column; null where they are of one form and are copied.</param>
    public sealed record Column(int FileLeaf, byte[] Levels, Action<ColumnBuffer, ColumnBuffer>? Convert) : LeafSource;

    /// <summary>A value that the file does not store, or null.</summary>
    /// <param name="Guide">A column that tells whether the struct around it is there; null where it lies in none.</param>
    /// <param name="GuideRepetition">Repetition level of that struct: slots of the guide that lie deeper are none of it.</param>
    /// <param name="Levels">The level for each of the guide's.</param>
    /// <param name="Value">The value where the level is the highest; null where there is none.</param>
    public sealed record Constant(int? Guide, int GuideRepetition, byte[] Levels, object? Value) : LeafSource;

    /// <summary>The metadata of a variant that is put together from several columns of the file; its value is the column behind it.</summary>
    /// <param name="FileLeaves">All columns of the variant in the file.</param>
    /// <param name="MetadataLeaf">The one of them that tells whether there is a variant.</param>
    /// <param name="Levels">The scan's definition level for each of the file's.</param>
    public sealed record Variant(IReadOnlyList<int> FileLeaves, int MetadataLeaf, byte[] Levels) : LeafSource;

    /// <summary>The value of the <see cref="Variant"/> before it, which fills both.</summary>
    public sealed record VariantValue : LeafSource;

    /// <summary>The row's position in the file.</summary>
    public sealed record Position : LeafSource;

    /// <summary>Values of the file, and where they are null (or the file has no such column) a number of its own for each row.</summary>
    /// <param name="FileLeaf">The column in the file.</param>
    /// <param name="First">The number of the file's first row; null: it has none.</param>
    /// <param name="Step">1: each row has the next number; 0: all have one.</param>
    public sealed record Lineage(int? FileLeaf, long? First, int Step) : LeafSource;

    /// <summary>Null in a column that the table requires.</summary>
    public const byte Forbidden = 255;

    /// <summary>The columns of the file that it reads.</summary>
    public IReadOnlyList<int> LeavesRead => this switch
    {
        Column column => [column.FileLeaf],
        Constant { Guide: { } guide } => [guide],
        Lineage { FileLeaf: { } leaf } => [leaf],
        Variant variant => variant.FileLeaves,
        _ => [],
    };
}
