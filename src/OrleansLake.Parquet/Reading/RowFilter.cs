using OrleansLake.Parquet.Statistics;

namespace OrleansLake.Parquet;

/// <summary>
/// Tells which runs of rows of a file can hold a match. It is asked of whole row groups and, where the file has a page index,
/// of runs of pages; a run that it refuses is neither read nor decompressed.
/// </summary>
/// <remarks>
/// The filters made here see a row as SQL does: a comparison with null or NaN does not match, and a repeated column matches
/// where any of its elements does. Others may be derived from it.
/// </remarks>
public abstract class RowFilter
{
    /// <summary>The columns whose bounds are looked at, as the file's own schema has them.</summary>
    public abstract IReadOnlyCollection<ColumnDescriptor> Columns { get; }

    /// <summary>False only where no row of the run matches.</summary>
    public abstract bool MayMatch(RowRun run);

    /// <summary>Rows that match all of these.</summary>
    public static RowFilter And(params IReadOnlyList<RowFilter> filters) => new Both(filters);

    /// <summary>Rows that match any of these.</summary>
    public static RowFilter Or(params IReadOnlyList<RowFilter> filters) => new Either(filters);

    /// <summary>
    /// Rows with a value from <paramref name="least"/> to <paramref name="greatest"/>, both plainly encoded and inclusive;
    /// null for no limit.
    /// </summary>
    public static RowFilter Between(ColumnDescriptor column, byte[]? least, byte[]? greatest) => new Range(column, least, greatest);

    /// <summary>Rows with one of these values, plainly encoded.</summary>
    public static RowFilter AnyOf(ColumnDescriptor column, params IReadOnlyList<byte[]> values) => new Set(column, values);

    /// <summary>Rows without a value. Of a repeated column nothing is known.</summary>
    public static RowFilter IsNull(ColumnDescriptor column) => new Nullness(column, wantsNull: true);

    /// <summary>Rows with a value.</summary>
    public static RowFilter IsNotNull(ColumnDescriptor column) => new Nullness(column, wantsNull: false);

    private static byte[] Checked(ColumnDescriptor column, byte[] value) => ValueOrders.IsValue(column, value)
        ? value
        : throw new ArgumentException($"column {column}: expected a {column.PhysicalType}, got {value.Length} bytes", nameof(value));

    private sealed class Both(IReadOnlyList<RowFilter> filters) : RowFilter
    {
        public override IReadOnlyCollection<ColumnDescriptor> Columns { get; } = [.. filters.SelectMany(filter => filter.Columns)];

        public override bool MayMatch(RowRun run) => filters.All(filter => filter.MayMatch(run));
    }

    private sealed class Either(IReadOnlyList<RowFilter> filters) : RowFilter
    {
        public override IReadOnlyCollection<ColumnDescriptor> Columns { get; } = [.. filters.SelectMany(filter => filter.Columns)];

        public override bool MayMatch(RowRun run) => filters.Any(filter => filter.MayMatch(run));
    }

    private sealed class Range(ColumnDescriptor column, byte[]? least, byte[]? greatest) : RowFilter
    {
        private readonly ValueOrder _order = ValueOrders.Of(column);
        private readonly byte[]? _least = least is null ? null : Checked(column, least);
        private readonly byte[]? _greatest = greatest is null ? null : Checked(column, greatest);

        public override IReadOnlyCollection<ColumnDescriptor> Columns { get; } = [column];

        public override bool MayMatch(RowRun run)
        {
            var bounds = run.BoundsOf(column);
            return !bounds.HasOnlyNulls
                && (_least is null || bounds.Max is null || ValueOrders.Compare(_order, bounds.Max, _least) >= 0)
                && (_greatest is null || bounds.Min is null || ValueOrders.Compare(_order, bounds.Min, _greatest) <= 0);
        }
    }

    private sealed class Set(ColumnDescriptor column, IReadOnlyList<byte[]> values) : RowFilter
    {
        private readonly ValueOrder _order = ValueOrders.Of(column);
        private readonly byte[][] _values = [.. values.Select(value => Checked(column, value))];

        public override IReadOnlyCollection<ColumnDescriptor> Columns { get; } = [column];

        public override bool MayMatch(RowRun run)
        {
            var bounds = run.BoundsOf(column);
            if (bounds.HasOnlyNulls)
            {
                return false;
            }

            foreach (byte[] value in _values)
            {
                if ((bounds.Max is null || ValueOrders.Compare(_order, bounds.Max, value) >= 0)
                    && (bounds.Min is null || ValueOrders.Compare(_order, bounds.Min, value) <= 0)
                    && (!run.IsWholeRowGroup || MayContain(run, value)))
                {
                    return true;
                }
            }

            return false;
        }

        // Both zeros are equal, but a Bloom filter has them apart; decimals of any length have several forms.
        private bool MayContain(RowRun run, byte[] value) => _order switch
        {
            ValueOrder.Float or ValueOrder.Double or ValueOrder.Half when ValueOrders.IsZero(_order, value) => true,
            ValueOrder.SignedBytes when column.PhysicalType == PhysicalType.ByteArray => true,
            _ => run.MayContain(column, value),
        };
    }

    private sealed class Nullness(ColumnDescriptor column, bool wantsNull) : RowFilter
    {
        public override IReadOnlyCollection<ColumnDescriptor> Columns { get; } = [column];

        public override bool MayMatch(RowRun run)
        {
            var bounds = run.BoundsOf(column);
            return wantsNull
                ? column.MaxRepetitionLevel > 0 || bounds.NullCount != 0
                : !bounds.HasOnlyNulls;
        }
    }
}
