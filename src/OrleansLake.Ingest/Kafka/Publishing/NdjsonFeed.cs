using System.IO.Compression;

namespace OrleansLake.Ingest.Kafka.Publishing;

/// <summary>
/// The lines of a file, plain or gzip, each a value as it stands: a line that is no JSON is published like any other, since
/// what a pipeline makes of it is the pipeline's affair. Blank lines are left out.
/// </summary>
public sealed class NdjsonFeed : IRecordFeed
{
    private readonly string _path;
    private readonly int _repeat;
    private Stream? _stream;
    private byte[] _buffer = new byte[1 << 20];
    private int _start;
    private int _end;
    private int _passes;
    private bool _ended;

    /// <summary>Opens the file.</summary>
    public NdjsonFeed(string path, int repeat = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(repeat, 1);
        _path = path;
        _repeat = repeat;
        _stream = Open(path);
    }

    /// <inheritdoc />
    public long? Total => null;

    /// <inheritdoc />
    public void Fill(RecordChunk chunk, int limit)
    {
        // A chunk ends at 4 MB too, so that long lines do not gather in memory.
        while (limit > 0 && chunk.Length < 4 << 20 && NextLine(out ReadOnlySpan<byte> line))
        {
            if (line.Length > 0 && line[^1] == (byte)'\r')
                line = line[..^1];
            if (line.Trim(" \t"u8).IsEmpty)
                continue;

            chunk.Add(line);
            limit--;
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _stream?.Dispose();
        _stream = null;
    }

    private bool NextLine(out ReadOnlySpan<byte> line)
    {
        int searched = 0;
        while (true)
        {
            int length = _buffer.AsSpan(_start + searched, _end - _start - searched).IndexOf((byte)'\n');
            if (length >= 0)
            {
                line = _buffer.AsSpan(_start, searched + length);
                _start += searched + length + 1;
                return true;
            }

            searched = _end - _start;
            if (_ended)
            {
                line = _buffer.AsSpan(_start, searched);
                _start = _end;
                if (searched > 0)
                    return true;
                if (++_passes >= _repeat)
                    return false;

                _stream!.Dispose();
                _stream = Open(_path);
                _ended = false;
            }

            More();
        }
    }

    private void More()
    {
        if (_start > 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            _end -= _start;
            _start = 0;
        }

        if (_end == _buffer.Length)
            Array.Resize(ref _buffer, checked(_buffer.Length * 2));
        int read = (_stream ?? throw new ObjectDisposedException(nameof(NdjsonFeed))).Read(_buffer, _end, _buffer.Length - _end);
        _end += read;
        _ended = read == 0;
    }

    private static Stream Open(string path)
    {
        var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16, FileOptions.SequentialScan);
        Span<byte> magic = stackalloc byte[2];
        int read = file.ReadAtLeast(magic, 2, throwOnEndOfStream: false);
        file.Position = 0;
        return read == 2 && magic.SequenceEqual((ReadOnlySpan<byte>)[0x1f, 0x8b]) ? new GZipStream(file, CompressionMode.Decompress) : file;
    }
}
