using OrleansLake.Ingest.Registry;

namespace OrleansLake.Ingest.Decode.Avro;

/// <summary>Schemas of Avro: a record's bytes are all that stands behind the id.</summary>
internal sealed class AvroSchemas : IWriterSchemas
{
    /// <inheritdoc />
    public string Type => "AVRO";

    /// <inheritdoc />
    public WriterSchema Read(RegisteredSchema schema, Func<AvroType, AvroStep> compile)
    {
        var type = AvroType.Parse(schema.Text, schema.References.Select(reference => reference.Text));
        return type.Kind == AvroTypeKind.Record ? new Opened(compile(type)) : throw new FormatException($"expected a record, got {type}");
    }

    private sealed class Opened(AvroStep step) : WriterSchema
    {
        public override AvroStep? Open(ref ReadOnlySpan<byte> record, out RejectReason reason, out string path, out string message)
        {
            (reason, path, message) = (default, "", "");
            return step;
        }
    }
}
