namespace OrleansLake.Parquet;

/// <summary>Rows of a file by their number, from <paramref name="First"/> up to but without <paramref name="Next"/>.</summary>
public readonly record struct RowRange(long First, long Next)
{
    /// <summary>How many.</summary>
    public long Count => Next - First;

    /// <inheritdoc />
    public override string ToString() => $"[{First}, {Next})";

    /// <summary>The rows of one range that lie in any of the others; those ascend and do not overlap, as does the result.</summary>
    internal static List<RowRange> Within(RowRange range, IReadOnlyList<RowRange>? others)
    {
        if (others is null)
        {
            return range.Count > 0 ? [range] : [];
        }

        var common = new List<RowRange>();
        foreach (var other in others)
        {
            var (first, next) = (Math.Max(range.First, other.First), Math.Min(range.Next, other.Next));
            if (first < next)
            {
                common.Add(new RowRange(first, next));
            }
        }

        return common;
    }

    /// <summary>Appends a range that lies behind all others; one that touches the last becomes part of it.</summary>
    internal static void Append(List<RowRange> ranges, RowRange range)
    {
        if (ranges.Count > 0 && ranges[^1].Next == range.First)
        {
            ranges[^1] = ranges[^1] with { Next = range.Next };
        }
        else if (range.Count > 0)
        {
            ranges.Add(range);
        }
    }
}
