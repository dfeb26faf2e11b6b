namespace OrleansLake.Iceberg;

/// <summary>
/// A filter of a change: bound to the columns that the table has when the change is first staged, so that it means the same
/// columns on every base, whatever their names have become.
/// </summary>
internal sealed class BoundFilter(Expression expression)
{
    private BoundExpression? _bound;

    /// <summary>The filter over the files of a state of the table.</summary>
    public FileFilter On(TableMetadata metadata) => new(metadata, _bound ??= expression.Bind(metadata.CurrentSchema));
}
