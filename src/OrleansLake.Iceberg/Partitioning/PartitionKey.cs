namespace OrleansLake.Iceberg;

/// <summary>
/// The partition values of one file: one a field of its spec, in the result type of the transform, as
/// null, bool, int, long, float, double, <see cref="Decimal128"/>, string, Guid or byte[]
/// (dates and days as int, times and timestamps as long).
/// </summary>
public sealed class PartitionKey : IEquatable<PartitionKey>
{
    /// <summary>The one key of a table without partitions.</summary>
    public static readonly PartitionKey None = new([]);

    /// <summary>A key of the given values.</summary>
    public PartitionKey(IReadOnlyList<object?> values) => Values = values;

    /// <summary>The values in the order of the spec's fields.</summary>
    public IReadOnlyList<object?> Values { get; }

    /// <inheritdoc />
    public bool Equals(PartitionKey? other)
    {
        if (other is null || other.Values.Count != Values.Count)
        {
            return false;
        }

        for (int i = 0; i < Values.Count; i++)
        {
            bool same = (Values[i], other.Values[i]) switch
            {
                (byte[] a, byte[] b) => a.AsSpan().SequenceEqual(b),
                var (a, b) => Equals(a, b),
            };
            if (!same)
            {
                return false;
            }
        }

        return true;
    }

    /// <inheritdoc />
    public override bool Equals(object? obj) => Equals(obj as PartitionKey);

    /// <inheritdoc />
    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (object? value in Values)
        {
            if (value is byte[] bytes)
            {
                hash.AddBytes(bytes);
            }
            else
            {
                hash.Add(value);
            }
        }

        return hash.ToHashCode();
    }
}

/// <summary>An unscaled decimal of up to 38 digits.</summary>
/// <param name="Unscaled">Digits without the point.</param>
/// <param name="Scale">Digits behind the point.</param>
public readonly record struct Decimal128(Int128 Unscaled, int Scale);
