using System.Runtime.CompilerServices;

namespace OrleansLake.Iceberg.Avro;

/// <summary>An Avro object container file in a store, of which one block at a time, or a window of some, is in memory.</summary>
internal sealed class AvroContainerStream
{
    /// <summary>What is read at once, so that small blocks do not cost a request each.</summary>
    private const int WindowBytes = 1 << 20;

    /// <summary>Schemas are some kilobytes.</summary>
    private const int MaxHeadBytes = 16 << 20;

    private readonly IObjectStore _store;
    private readonly string _location;
    private readonly long _length;
    private readonly int _windowBytes;
    private ReadOnlyMemory<byte> _window;
    private long _windowPosition;
    private AvroContainer? _container;

    private AvroContainerStream(IObjectStore store, string location, long length, int windowBytes)
    {
        _store = store;
        _location = location;
        _length = length;
        _windowBytes = windowBytes;
    }

    /// <summary>What the records are.</summary>
    public AvroSchema Schema => _container!.Schema;

    /// <summary>Opens a file of a known size and reads its head.</summary>
    public static async Task<AvroContainerStream> OpenAsync(IObjectStore store, string location, long length, CancellationToken cancellationToken, int windowBytes = WindowBytes)
    {
        var stream = new AvroContainerStream(store, location, length, windowBytes);
        for (int bytes = windowBytes; ; bytes = checked(bytes * 2))
        {
            var start = await stream.ReadAsync(0, (int)Math.Min(length, bytes), cancellationToken).ConfigureAwait(false);
            try
            {
                stream._container = new AvroContainer(start.Span, location);
                return stream;
            }
            catch (IcebergFormatException) when (start.Length < Math.Min(length, MaxHeadBytes) && (start.Length < AvroContainer.Magic.Length || start.Span.StartsWith(AvroContainer.Magic)))
            {
                // Maybe the head is longer.
            }
        }
    }

    /// <summary>The records, each as the values of its fields.</summary>
    public async IAsyncEnumerable<object?[]> ReadRecordsAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var container = _container!;
        long position = container.FirstBlock;
        while (position < _length)
        {
            cancellationToken.ThrowIfCancellationRequested();
            long left = _length - position;
            var head = await ReadAsync(position, (int)Math.Min(left, AvroContainer.BlockHeadBytes), cancellationToken).ConfigureAwait(false);
            var (count, dataBytes, headBytes) = container.ReadBlockHead(head.Span, position, left);
            int dataAndSync = dataBytes + AvroContainer.SyncBytes;
            var data = await ReadAsync(position + headBytes, dataAndSync, cancellationToken).ConfigureAwait(false);
            foreach (object?[] record in container.ReadRecords(count, data, position))
            {
                yield return record;
            }

            position += headBytes + dataAndSync;
        }
    }

    private async ValueTask<ReadOnlyMemory<byte>> ReadAsync(long position, int length, CancellationToken cancellationToken)
    {
        if (position < _windowPosition || position + length > _windowPosition + _window.Length)
        {
            try
            {
                int bytes = (int)Math.Min(_length - position, Math.Max(length, _windowBytes));
                _window = await _store.ReadRangeAsync(_location, position, bytes, cancellationToken).ConfigureAwait(false);
                _windowPosition = position;
            }
            catch (EndOfStreamException e)
            {
                throw new IcebergFormatException(_location, $"byte {position}", $"expected a file of {_length} bytes, as the manifest says: {e.Message}", e);
            }
        }

        return _window.Slice((int)(position - _windowPosition), length);
    }
}
