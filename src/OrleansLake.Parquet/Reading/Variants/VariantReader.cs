using System.Buffers.Binary;
using System.Runtime.InteropServices;
using OrleansLake.Parquet.Buffers;
using OrleansLake.Parquet.Reading;

namespace OrleansLake.Parquet;

/// <summary>
/// Reads the variants of a column of that type row by row and puts shredded ones together again: from <c>metadata</c>, <c>value</c>
/// and <c>typed_value</c>. https://github.com/apache/parquet-format/blob/master/VariantShredding.md
/// </summary>
/// <remarks>A variant below repeated nodes is read slot by slot: as many as its column <c>metadata</c> has.</remarks>
public sealed class VariantReader
{
    private readonly VariantShape _shape;
    private readonly string _place;
    private readonly Cursor[] _cursors;
    private readonly VariantNames _names = new();
    private readonly ByteBuffer _built = new();
    private bool _isBuilt;
    private int _metadataAt;
    private int _valueAt;

    /// <param name="schema">The schema of the batches that will be read.</param>
    /// <param name="path">The names down to the group.</param>
    public VariantReader(ParquetSchema schema, params IReadOnlyList<string> path)
    {
        _place = string.Join('.', path);
        IReadOnlyList<ParquetNode> nodes = schema.Fields;
        ParquetNode? node = null;
        int leaf = 0, definition = 0, repetition = 0;
        foreach (string name in path)
        {
            node = nodes.FirstOrDefault(child => child.Name == name) ?? throw new ArgumentException($"the file has no column {_place}", nameof(path));
            leaf += nodes.TakeWhile(child => child != node).Sum(VariantShape.Leaves);
            definition += node.Repetition == Repetition.Required ? 0 : 1;
            repetition += node.Repetition == Repetition.Repeated ? 1 : 0;
            nodes = node is ParquetNode.Group inner ? inner.Children : [];
        }

        _shape = node is ParquetNode.Group group
            ? VariantShape.Of(group, _place, leaf, definition, repetition, isRoot: true)
            : throw new ParquetFormatException($"{_place}: expected a variant, got a primitive");
        _cursors = new Cursor[_shape.EndLeaf];
    }

    /// <summary>Whether the row has no variant: a null in the sense of SQL, which a variant that holds null is not.</summary>
    public bool IsNull { get; private set; } = true;

    /// <summary>The variant of the row; its bytes are good until the next row is read.</summary>
    public Variant Current => IsNull
        ? throw new InvalidOperationException("the row has no variant")
        : _isBuilt
            ? new Variant(_names.Metadata, _built.Written)
            : new Variant(_cursors[_shape.Metadata].BytesAt(_metadataAt), _cursors[_shape.Value].BytesAt(_valueAt));

    /// <summary>Begins with a batch.</summary>
    public void Attach(ColumnBatch batch)
    {
        for (int i = _shape.FirstLeaf; i < _shape.EndLeaf; i++)
        {
            _cursors[i] = new Cursor(batch.Columns[i]);
        }

        IsNull = true;
    }

    /// <summary>Goes to the next row; false behind the last.</summary>
    public bool Read()
    {
        ref var metadata = ref _cursors[_shape.Metadata];
        if (metadata.AtEnd)
        {
            IsNull = true;
            return false;
        }

        if (metadata.Definition < _shape.Definition)
        {
            IsNull = true;
            Skip(_shape.FirstLeaf, _shape.EndLeaf);
            return true;
        }

        _metadataAt = metadata.TakeValue();
        IsNull = false;
        try
        {
            Assemble();
        }
        catch (ParquetFormatException e)
        {
            throw e.In($"{_place}: row {metadata.Slot - 1} of its batch");
        }

        return true;
    }

    private void Assemble()
    {
        // Without shredding the bytes are there as they are.
        if (_shape.Typed < 0)
        {
            ref var value = ref _cursors[_shape.Value];
            if (value.HasValue)
            {
                _valueAt = value.TakeValue();
                _isBuilt = false;
                return;
            }
        }

        _isBuilt = true;
        _built.Clear();
        _names.Start(_cursors[_shape.Metadata].BytesAt(_metadataAt));
        if (!Append(_shape, _built))
        {
            VariantWriter.WriteNull(_built);
        }
    }

    /// <summary>Appends the value of a group; false where it is missing. Every column below goes on by one slot at least.</summary>
    private bool Append(VariantShape shape, ByteBuffer target)
    {
        int value = -1;
        if (shape.Value >= 0)
        {
            ref var cursor = ref _cursors[shape.Value];
            value = cursor.HasValue ? cursor.TakeValue() : cursor.Skip();
        }

        if (shape.Typed < 0 || _cursors[shape.Typed].Definition < shape.TypedDefinition)
        {
            Skip(shape.Typed < 0 ? shape.EndLeaf : shape.Typed, TypedEnd(shape));
            if (value >= 0)
            {
                var whole = new Variant(_names.Metadata, _cursors[shape.Value].BytesAt(value));
                int length = whole.Length;
                target.Write(length <= whole.Value.Length ? whole.Value[..length] : throw new ParquetFormatException($"variant: expected {length} bytes, got {whole.Value.Length}"));
            }

            return value >= 0;
        }

        if (value >= 0 && shape.TypedType != VariantKind.Object)
        {
            throw new ParquetFormatException("variant: both value and typed_value are there");
        }

        switch (shape.TypedType)
        {
            case VariantKind.Object: AppendObject(shape, value, target); break;
            case VariantKind.Array: AppendArray(shape, target); break;
            default: AppendPrimitive(shape, target); break;
        }

        return true;
    }

    // typed_value and value may stand in any order.
    private static int TypedEnd(VariantShape shape) =>
        shape.Typed < 0 ? shape.EndLeaf : new[] { shape.EndLeaf, shape.Value, shape.Metadata }.Where(leaf => leaf > shape.Typed).Min();

    private void AppendArray(VariantShape shape, ByteBuffer target)
    {
        var ends = new List<int>();
        var values = new ByteBuffer();
        if (_cursors[shape.Typed].Definition == shape.TypedDefinition)
        {
            Skip(shape.Typed, TypedEnd(shape));
        }
        else
        {
            do
            {
                if (!Append(shape.Element!, values))
                {
                    VariantWriter.WriteNull(values);
                }

                ends.Add(values.Length);
            }
            while (_cursors[shape.Typed].Repetition == shape.ElementRepetition);
        }

        VariantWriter.WriteArray(target, CollectionsMarshal.AsSpan(ends), values.Written);
    }

    private void AppendObject(VariantShape shape, int value, ByteBuffer target)
    {
        var fields = new List<(int Id, byte[] Value)>();
        var one = new ByteBuffer();
        foreach (var (name, field) in shape.Fields)
        {
            one.Clear();
            if (Append(field, one))
            {
                fields.Add((_names.IdOf(name), one.Written.ToArray()));
            }
        }

        if (value >= 0)
        {
            // Numbers of names are those of the given metadata, which extending keeps.
            var rest = new Variant(_names.Metadata, _cursors[shape.Value].BytesAt(value));
            if (rest.Kind != VariantKind.Object)
            {
                throw new ParquetFormatException($"variant: a value of type {rest.Kind} beside shredded fields");
            }

            for (int i = 0; i < rest.Count; i++)
            {
                var name = rest.FieldName(i);
                foreach (var (shredded, _) in shape.Fields)
                {
                    if (name.SequenceEqual(shredded))
                    {
                        throw new ParquetFormatException($"variant: field {System.Text.Encoding.UTF8.GetString(name)} is both in value and shredded");
                    }
                }

                var field = rest[i];
                int length = field.Length;
                fields.Add((rest.FieldId(i), length <= field.Value.Length ? field.Value[..length].ToArray() : throw new ParquetFormatException($"variant: expected {length} bytes, got {field.Value.Length}")));
            }
        }

        fields.Sort((left, right) => _names[left.Id].SequenceCompareTo(_names[right.Id]));
        VariantWriter.WriteObject(target, fields);
    }

    private void AppendPrimitive(VariantShape shape, ByteBuffer target)
    {
        ref var cursor = ref _cursors[shape.Typed];
        int i = cursor.TakeValue();
        var column = cursor.Column;
        switch (shape.TypedType)
        {
            case VariantKind.Boolean:
                VariantWriter.WriteBoolean(target, column.Bytes[i] != 0);
                break;
            case VariantKind.Float:
                VariantWriter.WriteFixed(target, VariantKind.Float, MemoryMarshal.AsBytes(column.Floats.AsSpan(i, 1)));
                break;
            case VariantKind.Double:
                VariantWriter.WriteFixed(target, VariantKind.Double, MemoryMarshal.AsBytes(column.Doubles.AsSpan(i, 1)));
                break;
            case VariantKind.Decimal4 or VariantKind.Decimal8:
                VariantWriter.WriteDecimal(target, shape.TypedType, column.Column.PhysicalType == PhysicalType.Int32 ? column.Ints[i] : column.Longs[i], shape.Scale);
                break;
            case VariantKind.Decimal16:
                VariantWriter.WriteDecimal(target, shape.TypedType, Unscaled(cursor.BytesAt(i)), shape.Scale);
                break;
            case VariantKind.Binary:
                VariantWriter.WriteBytes(target, VariantKind.Binary, cursor.BytesAt(i));
                break;
            case VariantKind.String:
                VariantWriter.WriteString(target, cursor.BytesAt(i));
                break;
            case VariantKind.Uuid:
                VariantWriter.WriteFixed(target, VariantKind.Uuid, cursor.BytesAt(i));
                break;
            default:
                VariantWriter.WriteInteger(target, shape.TypedType, column.Column.PhysicalType == PhysicalType.Int32 ? column.Ints[i] : column.Longs[i]);
                break;
        }
    }

    private static Int128 Unscaled(ReadOnlySpan<byte> bigEndian)
    {
        Span<byte> wide = stackalloc byte[16];
        if (bigEndian.Length > wide.Length)
        {
            throw new ParquetFormatException($"variant: a decimal of {bigEndian.Length} bytes");
        }

        wide.Fill(bigEndian.Length > 0 && bigEndian[0] >= 0x80 ? (byte)0xFF : (byte)0);
        bigEndian.CopyTo(wide[(wide.Length - bigEndian.Length)..]);
        return BinaryPrimitives.ReadInt128BigEndian(wide);
    }

    private void Skip(int first, int end)
    {
        for (int i = first; i < end; i++)
        {
            _cursors[i].Skip();
        }
    }

    /// <summary>A column while its slots are read one after the other.</summary>
    private struct Cursor(ColumnBuffer column)
    {
        private int _value;

        public readonly ColumnBuffer Column => column;

        public int Slot { get; private set; }

        public readonly bool AtEnd => Slot >= column.SlotCount;

        public readonly int Definition => AtEnd
            ? throw new ParquetFormatException($"column {column.Column}: expected another slot, it has {column.SlotCount}")
            : column.Column.MaxDefinitionLevel == 0 ? 0 : column.DefinitionLevels[Slot];

        /// <summary>Of the next slot; −1 behind the last.</summary>
        public readonly int Repetition => AtEnd ? -1 : column.Column.MaxRepetitionLevel == 0 ? 0 : column.RepetitionLevels[Slot];

        public readonly bool HasValue => Definition == column.Column.MaxDefinitionLevel;

        public int TakeValue()
        {
            if (!HasValue)
            {
                throw new ParquetFormatException($"column {column.Column}: expected a value in slot {Slot}, got none");
            }

            Slot++;
            return _value++;
        }

        public int Skip()
        {
            _value += HasValue ? 1 : 0;
            Slot++;
            return -1;
        }

        public readonly ReadOnlySpan<byte> BytesAt(int i) => column.Column.PhysicalType == PhysicalType.ByteArray
            ? column.Bytes.AsSpan(column.Offsets[i], column.Offsets[i + 1] - column.Offsets[i])
            : column.Bytes.AsSpan(i * column.ValueWidth, column.ValueWidth);
    }
}
