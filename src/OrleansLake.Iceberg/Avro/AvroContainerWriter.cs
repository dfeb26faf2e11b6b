using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace OrleansLake.Iceberg.Avro;

/// <summary>How the blocks of a file are compressed.</summary>
internal enum AvroCodec
{
    Null,
    Deflate,
    Zstandard,
}

/// <summary>Writes an Avro object container file into memory.</summary>
internal sealed class AvroContainerWriter
{
    private const int BlockBytes = 64 * 1000;

    private readonly AvroSchema _schema;
    private readonly AvroCodec _codec;
    private readonly byte[] _sync;
    private readonly ArrayBufferWriter<byte> _file = new(16 * 1024);
    private readonly ArrayBufferWriter<byte> _block = new(16 * 1024);
    private long _blockRecords;

    /// <param name="schema">A record.</param>
    /// <param name="header">Keys beside the schema and the codec.</param>
    /// <param name="codec">How blocks are compressed.</param>
    /// <param name="sync">The 16 bytes that end every block; random, so that readers can find them.</param>
    public AvroContainerWriter(AvroSchema schema, IEnumerable<KeyValuePair<string, string>> header, AvroCodec codec, Guid sync)
    {
        _schema = schema;
        _codec = codec;
        _sync = sync.ToByteArray();
        var all = header.ToList();
        all.Add(new("avro.schema", AvroSchemaJson.Write(schema)));
        all.Add(new("avro.codec", codec switch { AvroCodec.Null => "null", AvroCodec.Deflate => "deflate", _ => "zstandard" }));
        _file.Write("Obj\u0001"u8);
        WriteLong(_file, all.Count);
        foreach (var (key, value) in all)
        {
            WriteText(_file, key);
            WriteText(_file, value);
        }

        WriteLong(_file, 0);
        _file.Write(_sync);
    }

    /// <summary>Bytes so far, the open block not compressed.</summary>
    public long SizeBytes => _file.WrittenCount + _block.WrittenCount;

    public void Append(object?[] record)
    {
        Write(_schema, record);
        _blockRecords++;
        if (_block.WrittenCount >= BlockBytes)
        {
            FlushBlock();
        }
    }

    public ReadOnlyMemory<byte> Finish()
    {
        FlushBlock();
        return _file.WrittenMemory;
    }

    private void FlushBlock()
    {
        if (_blockRecords == 0)
        {
            return;
        }

        var data = Compress();
        WriteLong(_file, _blockRecords);
        WriteLong(_file, data.Length);
        _file.Write(data);
        _file.Write(_sync);
        _block.ResetWrittenCount();
        _blockRecords = 0;
    }

    private ReadOnlySpan<byte> Compress()
    {
        switch (_codec)
        {
            case AvroCodec.Deflate:
                var output = new MemoryStream();
                using (var deflate = new DeflateStream(output, CompressionLevel.Optimal, leaveOpen: true))
                {
                    deflate.Write(_block.WrittenSpan);
                }

                return output.GetBuffer().AsSpan(0, (int)output.Length);
            case AvroCodec.Zstandard:
                using (var zstd = new ZstdSharp.Compressor())
                {
                    return zstd.Wrap(_block.WrittenSpan);
                }

            default:
                return _block.WrittenSpan;
        }
    }

    private void Write(AvroSchema schema, object? value)
    {
        switch (schema.Kind, value)
        {
            case (AvroKind.Union, _):
                var branches = schema.Branches;
                int branch = value is null ? IndexOfNull(branches) : branches[0].Kind == AvroKind.Null ? 1 : 0;
                WriteLong(_block, branch);
                Write(branches[branch], value);
                break;
            case (AvroKind.Null, null):
                break;
            case (AvroKind.Boolean, bool flag):
                _block.Write([flag ? (byte)1 : (byte)0]);
                break;
            case (AvroKind.Int or AvroKind.Long, int number):
                WriteLong(_block, number);
                break;
            case (AvroKind.Long, long number):
                WriteLong(_block, number);
                break;
            case (AvroKind.Float, float number):
                BinaryPrimitives.WriteSingleLittleEndian(_block.GetSpan(4), number);
                _block.Advance(4);
                break;
            case (AvroKind.Double, double number):
                BinaryPrimitives.WriteDoubleLittleEndian(_block.GetSpan(8), number);
                _block.Advance(8);
                break;
            case (AvroKind.String, string text):
                WriteText(_block, text);
                break;
            case (AvroKind.Bytes, byte[] bytes):
                WriteLong(_block, bytes.Length);
                _block.Write(bytes);
                break;
            case (AvroKind.Fixed, byte[] bytes) when bytes.Length == schema.Size:
                _block.Write(bytes);
                break;
            case (AvroKind.Record, object?[] fields) when fields.Length == schema.Fields.Count:
                for (int i = 0; i < fields.Length; i++)
                {
                    try
                    {
                        Write(schema.Fields[i].Schema, fields[i]);
                    }
                    catch (ArgumentException e)
                    {
                        throw new ArgumentException($"{schema.Fields[i].Name}: {e.Message}", e);
                    }
                }

                break;
            case (AvroKind.Array, IReadOnlyDictionary<int, long> map):
                WriteMap(map, static (writer, entry) => WriteLong(writer, entry));
                break;
            case (AvroKind.Array, IReadOnlyDictionary<int, byte[]> map):
                WriteMap(map, static (writer, entry) =>
                {
                    WriteLong(writer, entry.Length);
                    writer.Write(entry);
                });
                break;
            case (AvroKind.Array, IReadOnlyList<long> numbers):
                WriteArray(numbers, number => WriteLong(_block, number));
                break;
            case (AvroKind.Array, IReadOnlyList<int> numbers):
                WriteArray(numbers, number => WriteLong(_block, number));
                break;
            case (AvroKind.Array, IReadOnlyList<object?> items):
                WriteArray(items, item => Write(schema.Items!, item));
                break;
            default:
                throw new ArgumentException($"expected a value for Avro {schema.Kind} {schema.Name}, got {value?.GetType().Name ?? "null"}");
        }
    }

    private void WriteMap<T>(IReadOnlyDictionary<int, T> map, Action<ArrayBufferWriter<byte>, T> write)
    {
        if (map.Count > 0)
        {
            WriteLong(_block, map.Count);
            foreach (var (key, value) in map)
            {
                WriteLong(_block, key);
                write(_block, value);
            }
        }

        WriteLong(_block, 0);
    }

    private void WriteArray<T>(IReadOnlyList<T> items, Action<T> write)
    {
        if (items.Count > 0)
        {
            WriteLong(_block, items.Count);
            foreach (var item in items)
            {
                write(item);
            }
        }

        WriteLong(_block, 0);
    }

    private static int IndexOfNull(IReadOnlyList<AvroSchema> branches)
    {
        for (int i = 0; i < branches.Count; i++)
        {
            if (branches[i].Kind == AvroKind.Null)
            {
                return i;
            }
        }

        throw new ArgumentException("expected a value, got null");
    }

    private static void WriteText(ArrayBufferWriter<byte> writer, string text)
    {
        int length = Encoding.UTF8.GetByteCount(text);
        WriteLong(writer, length);
        Encoding.UTF8.GetBytes(text, writer.GetSpan(length));
        writer.Advance(length);
    }

    private static void WriteLong(ArrayBufferWriter<byte> writer, long value)
    {
        ulong zigzag = (ulong)((value << 1) ^ (value >> 63));
        var span = writer.GetSpan(10);
        int i = 0;
        for (; zigzag >= 0x80; zigzag >>= 7)
        {
            span[i++] = (byte)(zigzag | 0x80);
        }

        span[i++] = (byte)zigzag;
        writer.Advance(i);
    }
}
