using OrleansLake.Iceberg;
using OrleansLake.Ingest.Decode.Avro;
using OrleansLake.Ingest.Decode.Protobuf;
using OrleansLake.Ingest.Registry;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Decode;

/// <summary>How the values of records are written.</summary>
public enum RecordFormat
{
    /// <summary>JSON as it is.</summary>
    Json,

    /// <summary>JSON behind the id of its schema, as serializers with a registry write it.</summary>
    ConfluentJson,

    /// <summary>Avro behind the id of its schema.</summary>
    ConfluentAvro,

    /// <summary>A message of Protocol Buffers behind the id of its schema and the message's place in it.</summary>
    ConfluentProtobuf,
}

/// <summary>Decoders by format.</summary>
internal static class RecordDecoders
{
    /// <summary>A decoder of one schema of a table.</summary>
    /// <exception cref="NotSupportedException">The settings and the schema, or the format, do not go together.</exception>
    public static IRecordDecoder Create(Schema schema, ParquetSchema columns, JsonDecoderOptions options) => options.Records?.Format switch
    {
        RecordFormat.ConfluentAvro => new RegistryRecordDecoder(schema, columns, options, RegistryOf(options.Records), new AvroSchemas()),
        RecordFormat.ConfluentProtobuf => new RegistryRecordDecoder(schema, columns, options, RegistryOf(options.Records), new ProtobufSchemas()),
        RecordFormat.ConfluentJson => new JsonDecoder(schema, columns, options with { IsFramed = true }),
        _ => new JsonDecoder(schema, columns, options),
    };

    private static SchemaRegistry RegistryOf(RecordOptions records) =>
        records.Registry ?? throw new NotSupportedException("records.format: this format needs the pipeline's schemaRegistry");
}
