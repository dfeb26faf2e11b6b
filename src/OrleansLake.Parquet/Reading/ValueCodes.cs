using OrleansLake.Parquet.Encodings;

namespace OrleansLake.Parquet.Reading;

/// <summary>
/// Gives each value of a byte array column a number, the same in every dictionary: a value is hashed once a dictionary, not once a
/// row. Bounded: when there are too many, all numbers begin anew.
/// </summary>
internal sealed class ValueCodes
{
    private const int MostEntries = 1 << 18;
    private const int MostBytes = 8 << 20;

    private readonly ByteArrayDictionary _known = new(lengthPrefixed: true);
    private int[] _codes = [];

    /// <summary>Whose numbers these are: another object after they have begun anew.</summary>
    public object Space { get; private set; } = new();

    /// <summary>The number of each entry of a dictionary; empty where it has too many.</summary>
    public ReadOnlyMemory<int> Of(ColumnBuffer dictionary)
    {
        int count = dictionary.ValueCount;
        if (_codes.Length < count)
        {
            _codes = new int[count];
        }

        if (TryFind(dictionary, count))
        {
            return _codes.AsMemory(0, count);
        }

        _known.Clear();
        Space = new object();
        return TryFind(dictionary, count) ? _codes.AsMemory(0, count) : default;
    }

    private bool TryFind(ColumnBuffer dictionary, int count) =>
        _known.LookUp(dictionary.Bytes, dictionary.Offsets.AsSpan(0, count + 1), _codes.AsSpan(0, count), MostEntries, MostBytes) == count;
}
