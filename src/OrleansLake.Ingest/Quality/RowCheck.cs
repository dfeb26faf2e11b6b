using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Ingest.Read;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Quality;

/// <summary>Asks one thing of the rows of a batch, column by column.</summary>
internal abstract class RowCheck
{
    /// <summary>Clears the marks of rows that do not meet it. <paramref name="records"/>: the record of each row.</summary>
    public abstract void Apply(ColumnBatch rows, KafkaBatch batch, ReadOnlySpan<int> records, Span<bool> met);

    /// <summary>What a window of rows as a whole does not meet, since this was last asked; null: nothing.</summary>
    public virtual string? TakeFinding() => null;

    /// <summary>Nulls that were counted in a window that is not full yet.</summary>
    public virtual long Nulls => 0;

    /// <summary>The check of an expectation on a table's columns; what it counts over windows is kept in <paramref name="memory"/>.</summary>
    /// <exception cref="ArgumentException">A column is not there, or cannot be asked this.</exception>
    /// <exception cref="FormatException">A condition or pattern cannot be read.</exception>
    public static RowCheck Of(Expectation expectation, Schema schema, ParquetSchema columns, WindowMemory memory)
    {
        if (expectation.Condition(schema) is { } condition)
        {
            return new ConditionCheck(condition.Bind(schema), schema);
        }

        if (expectation.Matches is { } pattern)
        {
            int leaf = LeafOf(schema, columns, expectation.Column ?? "");
            return schema.FindField(expectation.Column!)!.Type is StringType
                ? new PatternCheck(leaf, new Regex(pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant))
                : throw new ArgumentException($"column {expectation.Column}: expected text, which alone can match a regular expression");
        }

        return expectation.Unique is { } unique
            ? new UniqueCheck([.. unique.Select(column => LeafOf(schema, columns, column))], memory.Keys ??= new SeenKeys(expectation.Window))
            : new NullShareCheck(LeafOf(schema, columns, expectation.Column ?? ""), expectation, memory);
    }

    private static int LeafOf(Schema schema, ParquetSchema columns, string name)
    {
        var field = schema.FindField(name) ?? throw new ArgumentException($"column {name}: the table has none of that name");
        return columns.Columns.FirstOrDefault(column => column.FieldId == field.Id && column.MaxRepetitionLevel == 0)?.Index
            ?? throw new ArgumentException($"column {name}: expected a column of single values, which lies in no list or map");
    }

    /// <summary>What checks remember beyond one schema of the table.</summary>
    internal sealed class WindowMemory
    {
        public SeenKeys? Keys { get; set; }

        public long Rows { get; set; }

        public long Nulls { get; set; }
    }

    private sealed class ConditionCheck(BoundExpression condition, Schema schema) : RowCheck
    {
        private readonly RowCondition _condition = new(condition, ReadSchema.Of(schema.Fields));

        public override void Apply(ColumnBatch rows, KafkaBatch batch, ReadOnlySpan<int> records, Span<bool> met) => _condition.Apply(rows, met);
    }

    private sealed class PatternCheck(int leaf, Regex pattern) : RowCheck
    {
        private char[] _text = [];

        public override void Apply(ColumnBatch rows, KafkaBatch batch, ReadOnlySpan<int> records, Span<bool> met)
        {
            var column = new LeafReader(rows.Columns[leaf]);
            for (int row = 0; row < met.Length; row++)
            {
                if (!column.Next(row))
                {
                    continue;
                }

                var bytes = column.Bytes;
                if (_text.Length < bytes.Length)
                {
                    _text = new char[bytes.Length * 2];
                }

                met[row] &= pattern.IsMatch(_text.AsSpan(0, Encoding.UTF8.GetChars(bytes, _text)));
            }
        }
    }

    private sealed class UniqueCheck(int[] leaves, SeenKeys seen) : RowCheck
    {
        private readonly ArrayBufferWriter<byte> _key = new();

        public override void Apply(ColumnBatch rows, KafkaBatch batch, ReadOnlySpan<int> records, Span<bool> met)
        {
            var readers = new LeafReader[leaves.Length];
            for (int i = 0; i < leaves.Length; i++)
            {
                readers[i] = new LeafReader(rows.Columns[leaves[i]]);
            }

            for (int row = 0; row < met.Length; row++)
            {
                _key.ResetWrittenCount();
                bool hasAny = false;
                for (int i = 0; i < readers.Length; i++)
                {
                    bool isThere = readers[i].Next(row);
                    hasAny |= isThere;
                    var bytes = isThere ? readers[i].Plain : default;
                    BinaryPrimitives.WriteInt32LittleEndian(_key.GetSpan(4), isThere ? bytes.Length : -1);
                    _key.Advance(4);
                    _key.Write(bytes);
                }

                met[row] &= !hasAny || seen.Add(_key.WrittenSpan, batch.TopicPartition, batch.Records[records[row]].Offset);
            }
        }
    }

    private sealed class NullShareCheck(int leaf, Expectation expectation, WindowMemory memory) : RowCheck
    {
        private string? _finding;

        public override long Nulls => memory.Nulls;

        public override void Apply(ColumnBatch rows, KafkaBatch batch, ReadOnlySpan<int> records, Span<bool> met)
        {
            memory.Rows += met.Length;
            memory.Nulls += met.Length - rows.Columns[leaf].ValueCount;
            if (memory.Rows < expectation.Window)
            {
                return;
            }

            double share = (double)memory.Nulls / memory.Rows;
            _finding = share > expectation.MaxNullShare ? string.Create(CultureInfo.InvariantCulture, $"{memory.Nulls} of {memory.Rows} rows had null") : null;
            (memory.Rows, memory.Nulls) = (0, 0);
        }

        public override string? TakeFinding()
        {
            string? finding = _finding;
            _finding = null;
            return finding;
        }
    }
}
