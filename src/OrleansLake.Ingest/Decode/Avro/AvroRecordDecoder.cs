using OrleansLake.Iceberg;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Ingest.Registry;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Decode.Avro;

/// <summary>
/// Avro in Confluent's wire format, straight into columns: one program for each schema that records were written with, compiled
/// when the first of them comes.
/// </summary>
internal sealed class AvroRecordDecoder : IRecordDecoder
{
    private readonly SchemaRegistry _registry;
    private readonly JsonDecoderOptions _options;
    private readonly JsonPlan _plan;
    private readonly List<JsonNode> _nulled = [];
    private readonly Dictionary<int, Program> _programs = [];

    /// <summary>A decoder of one schema of the table.</summary>
    /// <exception cref="NotSupportedException">A column cannot be filled, or a setting is not for Avro.</exception>
    public AvroRecordDecoder(Schema schema, ParquetSchema columns, JsonDecoderOptions options, SchemaRegistry registry)
    {
        var records = options.Records ?? new RecordOptions();
        if (records.Unnest.Length > 0 || records.Project.Count > 0 || records.Envelope != RecordEnvelope.None || records.UnknownFields != UnknownFieldAction.Ignore)
        {
            throw new NotSupportedException("records.format: unnest, project, envelope, rescue and evolve are for JSON");
        }

        _registry = registry;
        _options = options;
        _plan = JsonPlanCompiler.Compile(schema, columns, records, options.Time);
    }

    /// <inheritdoc />
    public int Decode(KafkaBatch batch, int firstRecord, ColumnBatch rows, List<RejectedRecord> rejected)
    {
        var records = batch.Records;
        int endRecord = Math.Min(records.Length, firstRecord + _options.RowsPerCall);
        if (_plan.Filled is { } filled && filled.FirstRefused(batch, firstRecord, endRecord, out var refusal) is var refused && refused < endRecord)
        {
            if (refused == firstRecord)
            {
                rejected.Add(refusal);
                return firstRecord + 1;
            }

            endRecord = refused;
        }

        // Before anything is written: the registry may have no answer now.
        Prepare(batch, firstRecord, endRecord);
        int row = rows.RowCount;
        int firstRejected = rejected.Count;
        for (int i = 0; i < _plan.Leaves.Length; i++)
        {
            _plan.Leaves[i].Attach(rows.Columns[i], row, endRecord - firstRecord);
        }

        int record = firstRecord;
        long budget = _options.BytesPerCall;
        for (; record < endRecord && budget > 0; record++)
        {
            budget -= records[record].ValueLength;
            if (Row(batch, records[record], record, row, rejected))
            {
                row++;
            }
        }

        _plan.Filled?.Fill(batch, firstRecord, record, rejected, firstRejected, rows.RowCount);
        foreach (var leaf in _plan.Leaves)
        {
            leaf.Detach(row);
        }

        rows.RowCount = row;
        return record;
    }

    /// <inheritdoc />
    public IReadOnlyList<KeyValuePair<string, long>> TakeUnknownFields()
    {
        var counts = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var program in _programs.Values.Where(program => program.Rows > 0))
        {
            foreach (var member in program.Unknown)
            {
                counts[member.Path] = counts.GetValueOrDefault(member.Path) + program.Rows;
            }

            program.Rows = 0;
        }

        return [.. counts];
    }

    /// <inheritdoc />
    public IReadOnlyList<KeyValuePair<string, long>> TakeNulledFields() => JsonDecoder.TakeNulledFields(_plan.Root);

    private void Prepare(KafkaBatch batch, int firstRecord, int endRecord)
    {
        // An id that was unknown may have come to be known.
        foreach (int unknown in _programs.Where(one => one.Value.Step is null && one.Value.Reason == RejectReason.UnknownSchema).Select(one => one.Key).ToList())
        {
            _programs.Remove(unknown);
        }

        int last = -1;
        for (int record = firstRecord; record < endRecord; record++)
        {
            if (ConfluentFrame.TryRead(batch.ValueOf(batch.Records[record]), out int schemaId) && schemaId != last && !_programs.ContainsKey(schemaId))
            {
                _programs.Add(schemaId, Compile(schemaId));
            }

            last = schemaId;
        }
    }

    private Program Compile(int schemaId)
    {
        if (_registry.Find(schemaId) is not { } schema)
        {
            return new Program { Reason = RejectReason.UnknownSchema, Message = $"expected a schema of id {schemaId} in the registry, it knows none" };
        }

        if (schema.Type != "AVRO")
        {
            return new Program { Reason = RejectReason.UnusableSchema, Message = $"expected an Avro schema of id {schemaId}, got {schema.Type}" };
        }

        try
        {
            var type = AvroType.Parse(schema.Text, schema.References);
            if (type.Kind != AvroTypeKind.Record)
            {
                return new Program { Reason = RejectReason.UnusableSchema, Message = $"expected a record as the schema of id {schemaId}, got {type}" };
            }

            var compiler = new AvroCompiler(_options.CutFraction || _options.Records is { CutFraction: true }, _nulled);
            return new Program { Step = compiler.Row(type, _plan.Root), Unknown = compiler.Unknown };
        }
        catch (FormatException error)
        {
            return new Program { Reason = RejectReason.UnusableSchema, Message = $"schema of id {schemaId}: {error.Message}" };
        }
    }

    private bool Row(KafkaBatch batch, in KafkaRecord record, int index, int row, List<RejectedRecord> rejected)
    {
        var value = batch.ValueOf(record);
        if (!ConfluentFrame.TryRead(value, out int schemaId))
        {
            rejected.Add(record.ValueLength < 0
                ? new RejectedRecord(index, RejectReason.NullValue, "", "expected an Avro record, got a null value")
                : new RejectedRecord(index, RejectReason.NotFramed, "", $"expected a zero and the id of a schema before an Avro record, got {value.Length} bytes without"));
            return false;
        }

        var program = _programs[schemaId];
        if (program.Step is not { } step)
        {
            rejected.Add(new RejectedRecord(index, program.Reason, "", program.Message));
            return false;
        }

        var cursor = new AvroCursor(value[ConfluentFrame.Length..]);
        bool isRow = step.Read(ref cursor, 0, row) && (cursor.Left == 0 || cursor.Malformed("the end of the record"));
        if (!isRow)
        {
            foreach (var leaf in _plan.Read)
            {
                leaf.DropRow(row);
            }

            rejected.Add(new RejectedRecord(index, cursor.Reason, cursor.PathText, cursor.Message));
        }
        else
        {
            program.Rows++;
            foreach (var node in _nulled)
            {
                node.Count++;
            }
        }

        _nulled.Clear();
        return isRow;
    }

    private sealed class Program
    {
        public AvroStep? Step;
        public IReadOnlyCollection<JsonMember> Unknown = [];
        public long Rows;
        public RejectReason Reason;
        public string Message = "";
    }
}
