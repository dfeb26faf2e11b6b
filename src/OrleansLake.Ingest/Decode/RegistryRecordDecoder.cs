using OrleansLake.Iceberg;
using OrleansLake.Ingest.Decode.Avro;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Ingest.Registry;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Decode;

/// <summary>What a format makes of schemas of the registry. Used by one thread at a time.</summary>
internal interface IWriterSchemas
{
    /// <summary>What the registry calls the format.</summary>
    string Type { get; }

    /// <summary>Reads a schema; <paramref name="compile"/> makes of the record that it describes what reads it.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    WriterSchema Read(RegisteredSchema schema, Func<AvroType, AvroStep> compile);
}

/// <summary>A schema that records were written with, ready to read them. One of which no row can be made says so of each.</summary>
internal abstract class WriterSchema
{
    /// <summary>What reads a record, which is what stands behind the schema's id and becomes a record in Avro; null: it is refused.</summary>
    public abstract AvroStep? Open(ref ReadOnlySpan<byte> record, out RejectReason reason, out string path, out string message);
}

/// <summary>
/// Records in Confluent's wire format, straight into columns: one program for each schema that records were written with, compiled
/// when the first of them comes.
/// </summary>
internal sealed class RegistryRecordDecoder : IRecordDecoder
{
    private readonly SchemaRegistry _registry;
    private readonly IWriterSchemas _schemas;
    private readonly JsonDecoderOptions _options;
    private readonly JsonPlan _plan;
    private readonly JsonState _state;
    private readonly AvroCompiler _compiler;
    private readonly Dictionary<int, WriterSchema> _programs = [];

    /// <summary>A decoder of one schema of the table.</summary>
    /// <exception cref="NotSupportedException">A column cannot be filled, or not as is said.</exception>
    public RegistryRecordDecoder(Schema schema, ParquetSchema columns, JsonDecoderOptions options, SchemaRegistry registry, IWriterSchemas schemas)
    {
        var records = options.Records ?? new RecordOptions();
        _registry = registry;
        _schemas = schemas;
        _options = options;
        _plan = JsonPlanCompiler.Compile(schema, columns, records, options.Time);
        _state = new JsonState
        {
            CutFraction = options.CutFraction || records.CutFraction,
            Rescue = _plan.Rescue,
            New = records is { UnknownFields: UnknownFieldAction.Evolve, Growth: { } growth } ? new NewFields(growth) : null,
        };
        _compiler = new AvroCompiler(_state);
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
        _plan.Rescue?.Complete(rows.RowCount, row);
        foreach (var leaf in _plan.Leaves)
        {
            leaf.Detach(row);
        }

        rows.RowCount = row;
        _state.New?.Hold();
        return record;
    }

    /// <inheritdoc />
    public IReadOnlyList<KeyValuePair<string, long>> TakeUnknownFields() => JsonDecoder.TakeUnknownFields(_plan.Root);

    /// <inheritdoc />
    public IReadOnlyList<KeyValuePair<string, long>> TakeNulledFields() => JsonDecoder.TakeCounts(_plan.Root, JsonKind.Guarded);

    /// <inheritdoc />
    public IReadOnlyList<KeyValuePair<string, long>> TakeTextFields() => JsonDecoder.TakeCounts(_plan.Root, JsonKind.StringOrJson);

    private void Prepare(KafkaBatch batch, int firstRecord, int endRecord)
    {
        // An id that was unknown may have come to be known.
        foreach (int unknown in _programs.Where(one => one.Value is Unusable { Reason: RejectReason.UnknownSchema }).Select(one => one.Key).ToList())
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

    private WriterSchema Compile(int schemaId)
    {
        if (_registry.Find(schemaId) is not { } schema)
        {
            return new Unusable(RejectReason.UnknownSchema, $"expected a schema of id {schemaId} in the registry, it knows none");
        }

        if (schema.Type != _schemas.Type)
        {
            return new Unusable(RejectReason.UnusableSchema, $"expected a schema of type {_schemas.Type} and id {schemaId}, got {schema.Type}");
        }

        try
        {
            return _schemas.Read(schema, type => _compiler.Row(type, _plan.Root));
        }
        catch (FormatException error)
        {
            return new Unusable(RejectReason.UnusableSchema, $"schema of id {schemaId}: {error.Message}");
        }
    }

    private bool Row(KafkaBatch batch, in KafkaRecord record, int index, int row, List<RejectedRecord> rejected)
    {
        var value = batch.ValueOf(record);
        if (!ConfluentFrame.TryRead(value, out int schemaId))
        {
            rejected.Add(record.ValueLength < 0
                ? new RejectedRecord(index, RejectReason.NullValue, "", $"expected a record of {_schemas.Type}, got a null value")
                : new RejectedRecord(index, RejectReason.NotFramed, "", $"expected a zero and the id of a schema before a record of {_schemas.Type}, got {value.Length} bytes without"));
            return false;
        }

        value = value[ConfluentFrame.Length..];
        if (_programs[schemaId].Open(ref value, out var reason, out string path, out string message) is not { } step)
        {
            rejected.Add(new RejectedRecord(index, reason, path, message));
            return false;
        }

        _state.Row = row;
        _state.Texts.Clear();
        var cursor = new AvroCursor(value);
        if (step.Read(ref cursor, 0, row) && (cursor.Left == 0 || cursor.Malformed("the end of the record")))
        {
            if (_state.HasExtras)
            {
                JsonDecoder.Count(_state, row);
            }

            return true;
        }

        foreach (var leaf in _plan.Read)
        {
            leaf.DropRow(row);
        }

        _state.Drop();
        rejected.Add(new RejectedRecord(index, cursor.Reason, cursor.PathText, cursor.Message));
        return false;
    }

    private sealed class Unusable(RejectReason why, string text) : WriterSchema
    {
        public RejectReason Reason => why;

        public override AvroStep? Open(ref ReadOnlySpan<byte> record, out RejectReason reason, out string path, out string message)
        {
            (reason, path, message) = (why, "", text);
            return null;
        }
    }
}
