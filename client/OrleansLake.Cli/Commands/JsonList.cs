using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace OrleansLake.Cli.Commands;

/// <summary>A JSON array that is written as its elements come, one a line: as long as it likes, in the memory of one.</summary>
internal sealed class JsonList(TextWriter output)
{
    /// <summary>Reads values as deep as tables have them.</summary>
    public static readonly JsonDocumentOptions Deep = new() { MaxDepth = 1000 };

    private static readonly JsonWriterOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, MaxDepth = 1000 };

    private readonly ArrayBufferWriter<byte> _buffer = new();
    private bool _any;

    public void Add(Action<Utf8JsonWriter> write)
    {
        _buffer.ResetWrittenCount();
        using (var json = new Utf8JsonWriter(_buffer, Compact))
        {
            write(json);
        }

        Add(_buffer.WrittenSpan);
    }

    /// <summary>Adds what is JSON already.</summary>
    public void Add(ReadOnlySpan<byte> json)
    {
        output.Write(_any ? ",\n  " : "[\n  ");
        output.Write(Encoding.UTF8.GetString(json));
        _any = true;
    }

    /// <summary>It is whole; a list that was broken off stays open, so that nobody takes it for all there was.</summary>
    public void End() => output.WriteLine(_any ? "\n]" : "[]");
}
