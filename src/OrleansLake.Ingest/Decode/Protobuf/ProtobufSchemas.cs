using System.Globalization;
using OrleansLake.Ingest.Decode.Avro;
using OrleansLake.Ingest.Registry;

namespace OrleansLake.Ingest.Decode.Protobuf;

/// <summary>
/// Schemas of Protocol Buffers: behind the id stands which of the schema's messages it is, as a count and so many indexes, zigzag;
/// one zero means the first message.
/// </summary>
internal sealed class ProtobufSchemas : IWriterSchemas
{
    private const int MostIndexes = 64;

    private readonly ProtoToAvro _converter = new();

    /// <inheritdoc />
    public string Type => "PROTOBUF";

    /// <inheritdoc />
    public WriterSchema Read(RegisteredSchema schema, Func<AvroType, AvroStep> compile) => new Opened(new ProtoSchema(schema.Text, schema.References), _converter, compile);

    private sealed class Opened(ProtoSchema schema, ProtoToAvro converter, Func<AvroType, AvroStep> compile) : WriterSchema
    {
        private readonly Dictionary<string, (MessageLayout? Layout, AvroStep? Step, string Message)> _others = new(StringComparer.Ordinal);
        private readonly int[] _indexes = new int[MostIndexes];
        private (MessageLayout? Layout, AvroStep? Step, string Message)? _first;

        public override AvroStep? Open(ref ReadOnlySpan<byte> record, out RejectReason reason, out string path, out string message)
        {
            reason = RejectReason.MalformedProtobuf;
            path = "";
            var cursor = new AvroCursor(record);
            if (!TryIndexes(ref cursor, out int count))
            {
                message = $"expected the indexes of a message before it, got {record.Length} bytes without";
                return null;
            }

            var indexes = _indexes.AsSpan(0, count);
            var (layout, step, trouble) = indexes is [0] ? _first ??= Compile(indexes) : Other(indexes);
            if (layout is null)
            {
                reason = RejectReason.UnusableSchema;
                message = trouble;
                return null;
            }

            if (!converter.TryConvert(layout, record[cursor.At..], out record))
            {
                (reason, path, message) = (converter.Reason, converter.Path, converter.Message);
                return null;
            }

            message = "";
            return step;
        }

        private bool TryIndexes(ref AvroCursor cursor, out int count)
        {
            _indexes[0] = 0;
            count = 1;
            if (!cursor.TryLong(out long given) || given is < 0 or > MostIndexes)
            {
                return false;
            }

            for (int i = 0; i < given; i++)
            {
                if (!cursor.TryLong(out long index) || index != (int)index)
                {
                    return false;
                }

                _indexes[i] = (int)index;
            }

            count = Math.Max(1, (int)given);
            return true;
        }

        private (MessageLayout? Layout, AvroStep? Step, string Message) Other(ReadOnlySpan<int> indexes)
        {
            string key = Text(indexes);
            if (!_others.TryGetValue(key, out var known))
            {
                known = Compile(indexes);
                if (_others.Count < 1000)
                {
                    _others.Add(key, known);
                }
            }

            return known;
        }

        private (MessageLayout? Layout, AvroStep? Step, string Message) Compile(ReadOnlySpan<int> indexes)
        {
            try
            {
                return schema.Find(indexes) is { } layout ? (layout, compile(layout.Type), "") : (null, null, $"expected a message of index {Text(indexes)} in the schema, it has none");
            }
            catch (FormatException error)
            {
                return (null, null, error.Message);
            }
        }

        private static string Text(ReadOnlySpan<int> indexes) => string.Join('.', indexes.ToArray().Select(index => index.ToString(CultureInfo.InvariantCulture)));
    }
}
