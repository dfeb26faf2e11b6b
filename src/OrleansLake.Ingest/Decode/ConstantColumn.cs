using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Decode;

/// <summary>The same value in every row: JSON, read as if it stood in a document.</summary>
internal sealed unsafe class ConstantColumn : FilledColumn
{
    private readonly JsonState _state = new();
    private readonly byte[] _json;
    private readonly int _length;

    public ConstantColumn(JsonNode node, string name, string constant, string place, ParquetSchema columns)
        : base(node, name)
    {
        JsonRows<ScanScalar>.Prepare(node);
        string json = ColumnSource.JsonOf(constant);
        _length = Encoding.UTF8.GetByteCount(json);
        _json = GC.AllocateArray<byte>(_length + KafkaBatch.Padding, pinned: true);
        Encoding.UTF8.GetBytes(json, _json);

        // Once into columns that nobody looks at: what is wrong is told before there is a record.
        var rows = new ColumnBatch(columns);
        List<ColumnDescriptor> all = [.. columns.Columns];
        foreach (var leaf in node.Leaves)
        {
            leaf.Attach(rows.Columns[all.IndexOf(leaf.Column)], 0, 1);
        }

        byte* behind = Add(0);
        bool isWhole = behind == Start + _length;
        foreach (var leaf in node.Leaves)
        {
            leaf.Detach(behind == null ? 0 : 1);
        }

        if (!isWhole)
        {
            string why = behind == null ? _state.Failure.Message : "expected one JSON value, got more";
            throw new NotSupportedException($"{place}: expected kafka.…, ingest.time, a 'text' or JSON for a column of type {node.TypeName}, found {constant}: {why}");
        }
    }

    private byte* Start => (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_json));

    public override void Fill(KafkaBatch batch, ReadOnlySpan<int> records, int firstRow)
    {
        for (int i = 0; i < records.Length; i++)
        {
            if (Add(firstRow + i) == null)
            {
                throw new InvalidOperationException($"a constant that was taken once was not again: {_state.Failure.Message}");
            }
        }
    }

    private byte* Add(int row)
    {
        _state.Row = row;
        _state.Failure.Start = Start;
        return JsonRows<ScanScalar>.Any(Node, Start, Start + _length, _state);
    }
}
