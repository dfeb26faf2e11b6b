using OrleansLake.Iceberg.Expressions;

namespace OrleansLake.Iceberg;

/// <summary>
/// One condition, asked of the manifests and files of a table: by the partition values, each through its own spec, and by the
/// metrics. https://iceberg.apache.org/spec/#scan-planning
/// </summary>
/// <remarks>Safe for concurrent use.</remarks>
public sealed class FileFilter
{
    private readonly Dictionary<int, SpecFilter> _specs;

    /// <summary>A condition on the rows of a table.</summary>
    /// <param name="metadata">The table.</param>
    /// <param name="expression">The condition, bound to one of the table's schemas.</param>
    public FileFilter(TableMetadata metadata, BoundExpression expression)
    {
        Expression = expression;
        _specs = metadata.PartitionSpecs.DistinctBy(spec => spec.SpecId).ToDictionary(spec => spec.SpecId, spec => new SpecFilter(metadata, spec, expression));
    }

    /// <summary>The condition on the table's current schema.</summary>
    public FileFilter(TableMetadata metadata, Expression expression)
        : this(metadata, expression.Bind(metadata.CurrentSchema))
    {
    }

    /// <summary>The condition.</summary>
    public BoundExpression Expression { get; }

    /// <summary>False only where no file of the manifest can have a row that satisfies the condition.</summary>
    public bool MightMatch(ManifestFile manifest) =>
        !_specs.TryGetValue(manifest.SpecId, out var spec) || ManifestFilter.MightMatch(spec.Inclusive, spec.Spec, manifest);

    /// <summary>False only where no row of the file satisfies the condition.</summary>
    public bool MightMatch(DataFile file) => MetricsFilter.MightMatch(ResidualOf(file), file);

    /// <summary>True only where every row of the file satisfies the condition: the file can be dropped whole.</summary>
    public bool MustMatch(DataFile file) => MetricsFilter.MustMatch(ResidualOf(file), file);

    /// <summary>False only where no row of a partition satisfies the condition.</summary>
    public bool MightMatch(int specId, PartitionKey partition) => Residual(specId, partition) is not BoundExpression.Constant { Value: false };

    /// <summary>What of the condition is still to be asked of the rows of a file, after its partition values have answered their part.</summary>
    public BoundExpression ResidualOf(DataFile file) => Residual(file.SpecId, file.Partition);

    private BoundExpression Residual(int specId, PartitionKey partition) => _specs.TryGetValue(specId, out var spec) ? spec.Residual(partition) : Expression;

    /// <summary>The condition through one spec.</summary>
    private sealed class SpecFilter
    {
        private readonly BoundExpression _expression;
        private readonly Dictionary<BoundExpression.Predicate, (BoundExpression Inclusive, BoundExpression Strict)> _projections = new(ReferenceEqualityComparer.Instance);
        private readonly Dictionary<int, (int Index, IcebergType Type)> _slots = [];

        public SpecFilter(TableMetadata metadata, PartitionSpec spec, BoundExpression expression)
        {
            Spec = spec;
            _expression = expression;
            var types = PartitionTypes.Of(metadata, spec);
            for (int i = 0; i < spec.Fields.Count; i++)
            {
                _slots.TryAdd(spec.Fields[i].FieldId, (i, types[i]));
            }

            Inclusive = expression.Rewrite(predicate =>
            {
                var projected = Project(spec, types, predicate);
                _projections[predicate] = projected;
                return projected.Inclusive;
            });
        }

        public PartitionSpec Spec { get; }

        /// <summary>Holds for every partition that has a row which satisfies the condition.</summary>
        public BoundExpression Inclusive { get; }

        public BoundExpression Residual(PartitionKey partition)
        {
            if (_projections.Count == 0 || Spec.Fields.Count == 0)
            {
                return _expression;
            }

            return _expression.Rewrite(predicate =>
            {
                // Rewriting stops at the first operand that decides, so not all may have been projected.
                if (!_projections.TryGetValue(predicate, out var projected))
                {
                    return predicate;
                }

                return !projected.Inclusive.Matches(ValueOf) ? BoundExpression.AlwaysFalse
                    : projected.Strict.Matches(ValueOf) ? BoundExpression.AlwaysTrue
                    : predicate;
            });

            object? ValueOf(int fieldId)
            {
                var (index, type) = _slots[fieldId];
                return BoundValue.Widen(type, partition.Values[index]);
            }
        }

        private static (BoundExpression Inclusive, BoundExpression Strict) Project(PartitionSpec spec, IReadOnlyList<IcebergType> types, BoundExpression.Predicate predicate)
        {
            var inclusive = new List<BoundExpression>();
            var strict = new List<BoundExpression>();
            for (int i = 0; i < spec.Fields.Count; i++)
            {
                var field = spec.Fields[i];
                if (field.SourceIds is not [var source] || source != predicate.Field.Id)
                {
                    continue;
                }

                var target = new BoundField(field.FieldId, field.Name, types[i], true);
                inclusive.Add(TransformProjection.Inclusive(field.Transform, predicate, target));
                strict.Add(TransformProjection.Strict(field.Transform, predicate, target));
            }

            return (BoundExpression.AllOf(inclusive), BoundExpression.AnyOf(strict));
        }
    }
}
