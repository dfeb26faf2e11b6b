using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using OrleansLake.Iceberg;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Write;

/// <summary>
/// One field of a partition spec over the rows of batches: each row gets a small number, the same for rows of the same
/// partition value. Values are transformed only where they leave what the last one was known for.
/// </summary>
internal abstract class PartitionCodes
{
    private readonly Dictionary<PartitionKey, int> _codes = [];
    private readonly List<object?> _values = [];
    private int _null = -1;

    /// <summary>The codes of a field of the spec.</summary>
    public static PartitionCodes Of(PartitionField field, Schema schema, ParquetSchema columns)
    {
        if (field.Transform is Transform.Void)
        {
            return new OfNothing();
        }

        var column = columns.Columns.FirstOrDefault(column => column.FieldId == field.SourceId && column.MaxRepetitionLevel == 0);
        var type = schema.FindField(field.SourceId)?.Type;
        if (column is null || type is null || field.SourceIds.Count != 1 || !field.Transform.AppliesTo(type))
        {
            throw new NotSupportedException($"partition field {field.Name} (id {field.FieldId}): {field.Transform} of field {string.Join(", ", field.SourceIds)} cannot be written");
        }

        return column.PhysicalType is PhysicalType.Int32 or PhysicalType.Int64
            ? new OfIntegers(column.Index, field.Transform, type)
            : new OfBytes(column.Index, field.Transform, type);
    }

    /// <summary>The partition value of a code.</summary>
    public object? ValueOf(int code) => _values[code];

    /// <summary>The code of each row.</summary>
    public abstract void Assign(ColumnBatch batch, Span<int> codes);

    private int CodeOf(object? value)
    {
        if (value is null)
        {
            if (_null < 0)
            {
                _null = _values.Count;
                _values.Add(null);
            }

            return _null;
        }

        var key = new PartitionKey([value]);
        if (!_codes.TryGetValue(key, out int code))
        {
            code = _values.Count;
            _values.Add(value);
            _codes.Add(key, code);
        }

        return code;
    }

    private sealed class OfNothing : PartitionCodes
    {
        public override void Assign(ColumnBatch batch, Span<int> codes) => codes.Fill(CodeOf(null));
    }

    /// <summary>Whole numbers, dates, times, timestamps, decimals of up to 18 digits.</summary>
    private sealed class OfIntegers(int column, Transform transform, IcebergType type) : PartitionCodes
    {
        // A day or an hour of a timestamp is known for all of that day or hour.
        private readonly long _unit = (transform, type) switch
        {
            (Transform.Hour, TimestampType) => 3_600_000_000,
            (Transform.Hour, _) => 3_600_000_000_000,
            (Transform.Day or Transform.Month or Transform.Year, TimestampType) => 86_400_000_000,
            (Transform.Day or Transform.Month or Transform.Year, TimestampNanoType) => 86_400_000_000_000,
            _ => 1,
        };

        private readonly int[] _buckets = transform is Transform.Bucket(int count and <= 65_536) && type is not DecimalType ? NewBuckets(count) : [];
        private long _low = 1;
        private long _high;
        private int _code;

        public override void Assign(ColumnBatch batch, Span<int> codes)
        {
            var buffer = batch.Columns[column];
            byte[] definitions = buffer.DefinitionLevels;
            int most = buffer.Column.MaxDefinitionLevel;
            bool wide = buffer.Column.PhysicalType == PhysicalType.Int64;
            int next = 0;
            for (int row = 0; row < codes.Length; row++)
            {
                if (most > 0 && definitions[row] != most)
                {
                    codes[row] = CodeOf(null);
                    continue;
                }

                long value = wide ? buffer.Longs[next] : buffer.Ints[next];
                next++;
                if (value < _low || value > _high)
                {
                    Look(value);
                }

                codes[row] = _code;
            }
        }

        private void Look(long value)
        {
            if (_buckets.Length > 0)
            {
                long hashed = type is TimestampNanoType ? FloorDiv(value, 1000) : value;
                int bucket = BucketHash.Bucket(hashed, _buckets.Length);
                if (_buckets[bucket] < 0)
                {
                    _buckets[bucket] = CodeOf(bucket);
                }

                (_low, _high, _code) = (value, value, _buckets[bucket]);
                return;
            }

            long unit = FloorDiv(value, _unit);
            // The first and the last unit of all are not whole.
            bool whole = _unit > 1 && unit > long.MinValue / _unit && unit < (long.MaxValue / _unit) - 1;
            (_low, _high) = whole ? (unit * _unit, (unit * _unit) + _unit - 1) : (value, value);
            _code = CodeOf(transform.Apply(type, Boxed(value)));
        }

        private object Boxed(long value) => type switch
        {
            IntegerType or DateType => (int)value,
            DecimalType x => new Decimal128(value, x.Scale),
            _ => value,
        };

        private static int[] NewBuckets(int count)
        {
            int[] buckets = new int[count];
            Array.Fill(buckets, -1);
            return buckets;
        }

        private static long FloorDiv(long value, long divisor) => (value / divisor) - (value % divisor < 0 ? 1 : 0);
    }

    /// <summary>All else, compared as the bytes that lie in the column.</summary>
    private sealed class OfBytes(int column, Transform transform, IcebergType type) : PartitionCodes
    {
        private const int MostKnown = 65_536;

        // Text by its bytes one to one: a key that can be looked up without making it.
        private readonly Dictionary<string, int> _known = new(StringComparer.Ordinal);
        private byte[] _last = [];
        private int _lastLength = -1;
        private int _code;

        public override void Assign(ColumnBatch batch, Span<int> codes)
        {
            var buffer = batch.Columns[column];
            int most = buffer.Column.MaxDefinitionLevel;
            int next = 0;
            for (int row = 0; row < codes.Length; row++)
            {
                if (most > 0 && buffer.DefinitionLevels[row] != most)
                {
                    codes[row] = CodeOf(null);
                    continue;
                }

                var value = BytesOf(buffer, next++);
                if (_lastLength < 0 || !value.SequenceEqual(_last.AsSpan(0, _lastLength)))
                {
                    _code = Look(value);
                    if (_last.Length < value.Length)
                    {
                        _last = new byte[value.Length * 2];
                    }

                    value.CopyTo(_last);
                    _lastLength = value.Length;
                }

                codes[row] = _code;
            }
        }

        [SkipLocalsInit]
        private int Look(ReadOnlySpan<byte> value)
        {
            if (transform is Transform.Bucket(int count) && type is (StringType or BinaryType or FixedType or UuidType))
            {
                return LookBucket(BucketHash.Bucket(value, count));
            }

            Span<char> text = value.Length <= 256 ? stackalloc char[256] : new char[value.Length];
            text = text[..value.Length];
            for (int i = 0; i < value.Length; i++)
            {
                text[i] = (char)value[i];
            }

            var known = _known.GetAlternateLookup<ReadOnlySpan<char>>();
            if (!known.TryGetValue(text, out int code))
            {
                code = CodeOf(transform.Apply(type, ValueOf(value)));
                if (_known.Count >= MostKnown)
                {
                    _known.Clear();
                }

                known[text] = code;
            }

            return code;
        }

        private int LookBucket(int bucket)
        {
            var known = _known.GetAlternateLookup<ReadOnlySpan<char>>();
            Span<char> text = stackalloc char[2];
            (text[0], text[1]) = ((char)(bucket & 0xFFFF), (char)(bucket >> 16));
            if (!known.TryGetValue(text, out int code))
            {
                known[text] = code = CodeOf(bucket);
            }

            return code;
        }

        private static ReadOnlySpan<byte> BytesOf(ColumnBuffer buffer, int value) => buffer.Column.PhysicalType switch
        {
            PhysicalType.ByteArray => buffer.Bytes.AsSpan(buffer.Offsets[value], buffer.Offsets[value + 1] - buffer.Offsets[value]),
            PhysicalType.Boolean => buffer.Bytes.AsSpan(value, 1),
            PhysicalType.Float => MemoryMarshal.AsBytes(buffer.Floats.AsSpan(value, 1)),
            PhysicalType.Double => MemoryMarshal.AsBytes(buffer.Doubles.AsSpan(value, 1)),
            _ => buffer.Bytes.AsSpan(value * buffer.Column.TypeLength, buffer.Column.TypeLength),
        };

        private object ValueOf(ReadOnlySpan<byte> value) => SingleValue.FromBytes(type, value);
    }
}
