using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using OrleansLake.Ingest.Kafka;

namespace OrleansLake.Ingest.Decode;

/// <summary>
/// JSON made of values that are none, for what reads and keeps JSON: texts that stay where they are until the next record, each
/// with zeros behind.
/// </summary>
internal sealed unsafe class JsonTexts
{
    private const int ChunkBytes = 4096;
    private static readonly JsonWriterOptions Options = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, MaxDepth = 2 * JsonPlanCompiler.MaxDepth, SkipValidation = true,
    };

    private readonly List<byte[]> _full = [];
    private readonly ArrayBufferWriter<byte> _written = new();
    private Utf8JsonWriter? _writer;
    private byte[] _chunk = [];
    private int _used;

    /// <summary>A writer of one value.</summary>
    public Utf8JsonWriter Begin()
    {
        _written.ResetWrittenCount();
        if (_writer is null)
        {
            _writer = new Utf8JsonWriter(_written, Options);
        }
        else
        {
            _writer.Reset();
        }

        return _writer;
    }

    /// <summary>The text of what was written since.</summary>
    public byte* End(out int length)
    {
        _writer!.Flush();
        length = _written.WrittenCount;
        return Keep(_written.WrittenSpan);
    }

    /// <summary>What was written since, until something else is.</summary>
    public ReadOnlySpan<byte> End()
    {
        _writer!.Flush();
        return _written.WrittenSpan;
    }

    /// <summary>A copy of a text.</summary>
    public byte* Keep(ReadOnlySpan<byte> text)
    {
        int room = checked(text.Length + KafkaBatch.Padding);
        if (_chunk.Length - _used < room)
        {
            if (_used > 0)
            {
                _full.Add(_chunk);
            }

            _chunk = GC.AllocateUninitializedArray<byte>(Math.Max(ChunkBytes, Math.Max(2 * _chunk.Length, room)), pinned: true);
            _used = 0;
        }

        var target = _chunk.AsSpan(_used, room);
        text.CopyTo(target);
        target[text.Length..].Clear();
        byte* start = (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_chunk)) + _used;
        _used += room;
        return start;
    }

    /// <summary>Forgets all of them.</summary>
    public void Clear()
    {
        _used = 0;
        if (_full.Count > 0)
        {
            _full.Clear();
        }
    }
}
