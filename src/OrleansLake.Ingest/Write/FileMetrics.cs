using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using OrleansLake.Iceberg;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Write;

/// <summary>
/// What a manifest says of the columns of a file: counts by field id, and bounds in Iceberg's single-value form.
/// https://iceberg.apache.org/spec/#data-file-fields
/// </summary>
internal sealed class FileMetrics
{
    private readonly IReadOnlyList<MetricsMode> _modes;
    private readonly IcebergType[] _types;
    private readonly int[] _ids;

    /// <summary>For files of a schema; <paramref name="order"/>: by what the table is sorted.</summary>
    public FileMetrics(Schema schema, ParquetSchema columns, IReadOnlyDictionary<string, string> properties, SortOrder? order = null)
    {
        _ids = FieldIdOfEachColumn(columns);
        _types = [.. _ids.Select(id => schema.FindField(id)!.Type)];
        _modes = MetricsMode.Of(_ids, schema, order, properties);
    }

    /// <summary>The descriptor with its metrics filled in.</summary>
    public DataFile Describe(DataFile file, ParquetFile written)
    {
        var sizes = new Dictionary<int, long>();
        var values = new Dictionary<int, long>();
        var nulls = new Dictionary<int, long>();
        var nans = new Dictionary<int, long>();
        var lower = new Dictionary<int, byte[]>();
        var upper = new Dictionary<int, byte[]>();
        for (int i = 0; i < written.Columns.Count; i++)
        {
            var column = written.Columns[i];
            int id = _ids[i];
            sizes[id] = sizes.GetValueOrDefault(id) + column.SizeBytes;
            if (!_modes[i].Counts)
            {
                continue;
            }

            values[id] = column.ValueCount;
            nulls[id] = column.NullCount;
            if (column.NanCount is { } nan)
            {
                nans[id] = nan;
            }

            // Bounds of what lies in lists and maps prune nothing and are written by nobody; the order of UUIDs differs
            // from engine to engine, so a bound would make one of them skip rows. Those of variants and shapes have a form of their own.
            if (_modes[i].BoundLength == 0 || column.Column.MaxRepetitionLevel > 0 || _types[i] is UuidType or VariantType or GeometryType or GeographyType)
            {
                continue;
            }

            if (column.Min is { } min)
            {
                lower[id] = Lower(_types[i], min, _modes[i].BoundLength);
            }

            if (column.Max is { } max && Upper(_types[i], max, _modes[i].BoundLength) is { } bound)
            {
                upper[id] = bound;
            }
        }

        return file with
        {
            ColumnSizes = sizes,
            ValueCounts = values,
            NullValueCounts = nulls,
            NanValueCounts = nans,
            LowerBounds = lower,
            UpperBounds = upper,
        };
    }

    /// <summary>The field of each column; the columns of a variant are of its field.</summary>
    internal static int[] FieldIdOfEachColumn(ParquetSchema columns)
    {
        var ids = new List<int>(columns.Columns.Count);
        foreach (var field in columns.Fields)
        {
            Visit(field, null);
        }

        return [.. ids];

        void Visit(ParquetNode node, int? variant)
        {
            if (node is ParquetNode.Group group)
            {
                foreach (var child in group.Children)
                {
                    Visit(child, group.LogicalType is LogicalType.Variant ? group.FieldId : null);
                }
            }
            else
            {
                ids.Add(node.FieldId ?? variant ?? throw new ArgumentException($"column {columns.Columns[ids.Count]} has no field id", nameof(columns)));
            }
        }
    }

    /// <summary>A value that is not above <paramref name="min"/>, of at most so many code points or bytes.</summary>
    internal static byte[] Lower(IcebergType type, byte[] min, int length) => type switch
    {
        StringType => min[..LengthOf(min, length)],
        BinaryType or FixedType => min.Length <= length ? min : min[..length],
        DecimalType => Decimal(min),
        _ => min,
    };

    /// <summary>A value that is not below <paramref name="max"/>; null where none is that short.</summary>
    internal static byte[]? Upper(IcebergType type, byte[] max, int length) => type switch
    {
        StringType => LengthOf(max, length) is var cut && cut == max.Length ? max : NextText(max.AsSpan(0, cut)),
        BinaryType or FixedType => max.Length <= length ? max : NextBytes(max.AsSpan(0, length)),
        DecimalType => Decimal(max),
        _ => max,
    };

    /// <summary>Bytes of the first code points.</summary>
    private static int LengthOf(ReadOnlySpan<byte> text, int codePoints)
    {
        int position = 0;
        for (; codePoints > 0 && position < text.Length; codePoints--)
        {
            position++;
            while (position < text.Length && (text[position] & 0xC0) == 0x80)
            {
                position++;
            }
        }

        return position;
    }

    private static byte[]? NextText(ReadOnlySpan<byte> prefix)
    {
        while (prefix.Length > 0)
        {
            if (Rune.DecodeLastFromUtf8(prefix, out var last, out int length) != OperationStatus.Done)
            {
                return null;
            }

            prefix = prefix[..^length];
            // Code points end at 10FFFF and leave out the surrogates.
            if (last.Value < 0x10FFFF)
            {
                Span<byte> next = stackalloc byte[4];
                int written = new Rune(last.Value == 0xD7FF ? 0xE000 : last.Value + 1).EncodeToUtf8(next);
                return [.. prefix, .. next[..written]];
            }
        }

        return null;
    }

    private static byte[]? NextBytes(ReadOnlySpan<byte> prefix)
    {
        int last = prefix.LastIndexOfAnyExcept((byte)0xFF);
        if (last < 0)
        {
            return null;
        }

        byte[] next = prefix[..(last + 1)].ToArray();
        next[last]++;
        return next;
    }

    /// <summary>
    /// From the file's form to the fewest bytes, big endian. The length alone tells how it lies: integers (little endian)
    /// have four or eight bytes, the fixed bytes of more than 18 digits (big endian) nine or more.
    /// </summary>
    private static byte[] Decimal(byte[] bound) => SingleValue.DecimalBytes(bound.Length switch
    {
        4 => BinaryPrimitives.ReadInt32LittleEndian(bound),
        8 => BinaryPrimitives.ReadInt64LittleEndian(bound),
        _ => SingleValue.DecimalFromBytes(bound),
    });
}
