using OrleansLake.Parquet.Footers;
using OrleansLake.Parquet.Reading;

namespace OrleansLake.Parquet;

/// <summary>
/// Memory that reading keeps from one file to the next: the batch, dictionaries, decoders. For one who reads many files of the
/// same columns, one after the other.
/// </summary>
/// <remarks>Belongs to one reading at a time.</remarks>
public sealed class ReadMemory
{
    private readonly List<ColumnMemory> _columns = [];
    private ColumnBatch? _batch;

    /// <summary>
    /// Whether the values of dictionaries are told apart across files, so that a <see cref="ParquetWriter"/> which is given them need
    /// not look each of them up: for one who writes again what was read.
    /// </summary>
    public bool KeepsCodes { get; init; }

    /// <summary>The batch of the last reading if it is of the same columns, else a new one.</summary>
    internal ColumnBatch BatchOf(ParquetSchema schema)
    {
        if (_batch is null || !Same(_batch.Schema.Fields, schema.Fields))
        {
            _batch = new ColumnBatch(schema);
        }

        return _batch;
    }

    /// <summary>What column <paramref name="number"/> of a reading keeps.</summary>
    internal ColumnMemory ColumnOf(int number, ColumnDescriptor column)
    {
        while (_columns.Count <= number)
        {
            _columns.Add(new ColumnMemory(column, KeepsCodes));
        }

        return _columns[number].Fits(column) ? _columns[number] : _columns[number] = new ColumnMemory(column, KeepsCodes);
    }

    private static bool Same(IReadOnlyList<ParquetNode> left, IReadOnlyList<ParquetNode> right) => ReferenceEquals(left, right)
        || (left.Count == right.Count && left.Zip(right).All(pair => (pair.First, pair.Second) switch
        {
            (ParquetNode.Group a, ParquetNode.Group b) => a with { Children = b.Children } == b && Same(a.Children, b.Children),
            var (a, b) => a == b,
        }));
}

/// <summary>What a column keeps from page to page and from file to file.</summary>
internal sealed class ColumnMemory
{
    /// <summary>Slots whose levels are decoded at a time.</summary>
    public const int WindowSlots = 4096;

    private readonly ColumnDescriptor _bare;
    private readonly ValueDecoder?[] _decoders = new ValueDecoder?[(int)PageEncoding.ByteStreamSplit + 1];
    private ColumnBuffer? _dictionary;
    private ColumnBuffer? _skipped;

    public ColumnMemory(ColumnDescriptor column, bool keepsCodes)
    {
        Codes = keepsCodes && column.PhysicalType == PhysicalType.ByteArray ? new ValueCodes() : null;
        _bare = column with { MaxDefinitionLevel = 0, MaxRepetitionLevel = 0 };
        Repetition = column.MaxRepetitionLevel > 0 ? new byte[WindowSlots] : [];
        Definition = column.MaxDefinitionLevel > 0 ? new byte[WindowSlots] : [];
    }

    /// <summary>Tells the values of dictionaries apart; null: nobody asks.</summary>
    public ValueCodes? Codes { get; }

    public byte[] Repetition { get; }

    public byte[] Definition { get; }

    /// <summary>Values that are not wanted.</summary>
    public ColumnBuffer Skipped => _skipped ??= new ColumnBuffer(_bare);

    /// <summary>An empty buffer for the dictionary of a chunk.</summary>
    public ColumnBuffer Dictionary()
    {
        _dictionary ??= new ColumnBuffer(_bare);
        _dictionary.Clear();
        return _dictionary;
    }

    public bool Fits(ColumnDescriptor column) => _bare.PhysicalType == column.PhysicalType
        && _bare.TypeLength == column.TypeLength
        && Repetition.Length > 0 == column.MaxRepetitionLevel > 0
        && Definition.Length > 0 == column.MaxDefinitionLevel > 0;

    public ValueDecoder Decoder(PageEncoding encoding) => (uint)encoding < (uint)_decoders.Length
        ? _decoders[(int)encoding] ??= ValueDecoder.For(encoding, _bare)
        : ValueDecoder.For(encoding, _bare);
}
