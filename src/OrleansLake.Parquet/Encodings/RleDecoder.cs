using System.Runtime.CompilerServices;

namespace OrleansLake.Parquet.Encodings;

/// <summary>Reads runs and bit-packed groups, as many at a time as asked for, from bytes that may be anything.</summary>
internal struct RleDecoder
{
    private readonly byte[] _bytes;
    private readonly int _end;
    private readonly int _bitWidth;
    private int _position;
    private int _runLeft;
    private int _runValue;
    private int _packedLeft;
    private long _packedBit;

    public RleDecoder(byte[] bytes, int start, int end, int bitWidth)
    {
        _bytes = bytes;
        _position = start;
        _end = end;
        _bitWidth = bitWidth is >= 0 and <= 32
            ? bitWidth
            : throw new ParquetFormatException($"expected a bit width of 0 to 32, got {bitWidth}");
    }

    /// <summary>Fills the span; throws where fewer values are there.</summary>
    public void Read(Span<int> values)
    {
        while (!values.IsEmpty)
        {
            if (_runLeft > 0)
            {
                int taken = Math.Min(_runLeft, values.Length);
                values[..taken].Fill(_runValue);
                _runLeft -= taken;
                values = values[taken..];
            }
            else if (_packedLeft > 0)
            {
                int taken = Math.Min(_packedLeft, values.Length);
                BitUnpacking.Unpack(_bytes.AsSpan(0, _end), _packedBit, _bitWidth, values[..taken]);
                _packedBit += (long)taken * _bitWidth;
                _packedLeft -= taken;
                values = values[taken..];
            }
            else
            {
                NextRun(values.Length);
            }
        }
    }

    /// <summary>Fills the span with levels, none above <paramref name="largest"/>.</summary>
    public void Read(Span<byte> levels, int largest)
    {
        while (!levels.IsEmpty)
        {
            if (_runLeft > 0)
            {
                int taken = Math.Min(_runLeft, levels.Length);
                Check((uint)_runValue, largest);
                levels[..taken].Fill((byte)_runValue);
                _runLeft -= taken;
                levels = levels[taken..];
            }
            else if (_packedLeft > 0)
            {
                int taken = Math.Min(_packedLeft, levels.Length);
                uint most = BitUnpacking.Unpack(_bytes.AsSpan(0, _end), _packedBit, _bitWidth, levels[..taken]);
                Check(most, largest);
                _packedBit += (long)taken * _bitWidth;
                _packedLeft -= taken;
                levels = levels[taken..];
            }
            else
            {
                NextRun(levels.Length);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void NextRun(int wanted)
    {
        if (_position >= _end)
        {
            // A width of 0 says all there is to say; some writers leave the run out.
            if (_bitWidth == 0)
            {
                _runLeft = wanted;
                _runValue = 0;
                return;
            }

            throw new ParquetFormatException($"expected {wanted} more levels or indices, the bytes end");
        }

        ulong header = 0;
        int shift = 0;
        byte next;
        do
        {
            if (_position >= _end || shift > 35)
            {
                throw new ParquetFormatException("expected the header of a run, the bytes end or it is too long");
            }

            next = _bytes[_position++];
            header |= (ulong)(next & 0x7F) << shift;
            shift += 7;
        }
        while (next >= 0x80);

        if ((header & 1) == 0)
        {
            ulong length = header >> 1;
            int valueBytes = (_bitWidth + 7) / 8;
            if (length > int.MaxValue || valueBytes > _end - _position)
            {
                throw new ParquetFormatException($"a run of {length} values of {_bitWidth} bits, {_end - _position} bytes are left");
            }

            if (length == 0 && _position >= _end)
            {
                throw new ParquetFormatException("a run of no values at the end");
            }

            int value = 0;
            for (int i = 0; i < valueBytes; i++)
            {
                value |= _bytes[_position++] << (8 * i);
            }

            if (_bitWidth < 32 && (uint)value >> _bitWidth != 0)
            {
                throw new ParquetFormatException($"a run of {value}, which does not fit into {_bitWidth} bits");
            }

            _runValue = value;
            _runLeft = (int)length;
        }
        else
        {
            // The last group may be cut short where only part of it is needed.
            ulong groups = header >> 1;
            long available = _bitWidth == 0 ? long.MaxValue : ((long)(_end - _position) * 8) / _bitWidth;
            long values = (long)Math.Min(groups, int.MaxValue / 8) * 8;
            if (values > available && available < wanted)
            {
                throw new ParquetFormatException($"{groups} groups of {_bitWidth} bits, {_end - _position} bytes are left");
            }

            _packedLeft = (int)Math.Min(values, available);
            _packedBit = (long)_position * 8;
            _position = (int)Math.Min(_end, _position + (long)(values / 8) * _bitWidth);
        }
    }

    private static void Check(uint level, int largest)
    {
        if (level > (uint)largest)
        {
            throw new ParquetFormatException($"expected levels of 0 to {largest}, got {level}");
        }
    }
}
