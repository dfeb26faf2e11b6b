using OrleansLake.Parquet.Encodings;

namespace OrleansLake.Parquet.Reading;

/// <summary>Differences of integers. https://parquet.apache.org/docs/file-format/data-pages/encodings/#DELTAENC</summary>
internal struct DeltaReader
{
    private const int LargestBlock = 1 << 20;

    private readonly byte[] _bytes;
    private readonly int _end;
    private readonly int _miniblockSize;
    private readonly byte[] _widths;
    private readonly long _total;
    private long _left;
    private long _last;
    private long _least;
    private int _miniblock;
    private int _miniblockLeft;
    private long _bit;

    public DeltaReader(byte[] bytes, int start, int end)
    {
        _bytes = bytes;
        _end = end;
        Position = start;
        ulong block = ReadVarint();
        ulong miniblocks = ReadVarint();
        _total = _left = (long)Math.Min(ReadVarint(), int.MaxValue);
        _last = ReadZigzag();
        if (block is 0 or > LargestBlock || block % 128 != 0 || miniblocks == 0 || miniblocks > block / 8
            || block % miniblocks != 0 || block / miniblocks % 8 != 0)
        {
            throw new ParquetFormatException($"differences in blocks of {block} with {miniblocks} parts");
        }

        _miniblockSize = (int)(block / miniblocks);
        _widths = new byte[(int)miniblocks];
        _miniblock = _widths.Length;
    }

    /// <summary>Where the bytes go on after all values have been read.</summary>
    public int Position { get; private set; }

    /// <summary>How many have not been read.</summary>
    public readonly long Left => _left;

    public void Read(Span<long> values)
    {
        if (values.Length > _left)
        {
            throw new ParquetFormatException($"expected {values.Length} more differences, got {_left}");
        }

        int at = 0;
        if (values.Length > 0 && _left == _total)
        {
            values[at++] = _last;
            _left--;
        }

        while (at < values.Length)
        {
            if (_miniblockLeft == 0)
            {
                NextMiniblock();
            }

            int width = _widths[_miniblock];
            int take = Math.Min(_miniblockLeft, values.Length - at);
            var bytes = _bytes.AsSpan(0, _end);
            long last = _last;
            foreach (ref long value in values.Slice(at, take))
            {
                ulong delta = width == 0 ? 0 : BitPacking.Get(bytes, _bit, width);
                _bit += width;
                last = unchecked(last + _least + (long)delta);
                value = last;
            }

            _last = last;
            _miniblockLeft -= take;
            _left -= take;
            at += take;
        }
    }

    /// <summary>Goes to the end without a look at the values: as many steps as there are blocks, however many values.</summary>
    public void SkipAll()
    {
        _left -= Math.Min(1, _left);
        while (_left > 0)
        {
            NextMiniblock();
            _left -= Math.Min(_left, _miniblockSize);
        }
    }

    private void NextMiniblock()
    {
        if (++_miniblock >= _widths.Length)
        {
            _least = ReadZigzag();
            if (_widths.Length > _end - Position)
            {
                throw TooShort();
            }

            _bytes.AsSpan(Position, _widths.Length).CopyTo(_widths);
            Position += _widths.Length;
            _miniblock = 0;
        }

        int width = _widths[_miniblock];
        long length = (long)_miniblockSize * width / 8;
        if (width > 64)
        {
            throw new ParquetFormatException($"differences of {width} bits");
        }

        // The last part may be cut short behind its last value.
        long needed = (Math.Min(_left, _miniblockSize) * width + 7) / 8;
        if (needed > _end - Position)
        {
            throw TooShort();
        }

        _bit = 8L * Position;
        _miniblockLeft = _miniblockSize;
        Position = (int)Math.Min(_end, Position + length);
    }

    private readonly ParquetFormatException TooShort() => new($"expected {_left} more differences, the bytes end");

    private long ReadZigzag()
    {
        ulong value = ReadVarint();
        return (long)(value >> 1) ^ -(long)(value & 1);
    }

    private ulong ReadVarint()
    {
        ulong value = 0;
        for (int shift = 0; shift < 70; shift += 7)
        {
            if (Position >= _end)
            {
                throw new ParquetFormatException("expected the header of differences, the bytes end");
            }

            byte next = _bytes[Position++];
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
            {
                return value;
            }
        }

        throw new ParquetFormatException("an integer of more than ten bytes");
    }
}

/// <summary>Integers as differences.</summary>
internal sealed class DeltaBinaryPackedDecoder : ValueDecoder
{
    private readonly long[] _values = new long[512];
    private DeltaReader _reader;

    public override void Start(byte[] page, int start, int end, int slots) =>
        _reader = start < end ? new DeltaReader(page, start, end) : default;

    public override void Read(ColumnBuffer into, int count)
    {
        if (into.Column.PhysicalType == PhysicalType.Int64)
        {
            _reader.Read(into.Longs.AsSpan(into.ValueCount, count));
            return;
        }

        for (int done = 0; done < count;)
        {
            var values = _values.AsSpan(0, Math.Min(_values.Length, count - done));
            _reader.Read(values);
            var target = into.Ints.AsSpan(into.ValueCount + done, values.Length);
            for (int i = 0; i < target.Length; i++)
            {
                target[i] = unchecked((int)values[i]);
            }

            done += values.Length;
        }
    }
}

/// <summary>Lengths of byte arrays as differences, which stand before what they are the lengths of.</summary>
internal sealed class DeltaLengths
{
    private readonly long[] _some = new long[256];
    private DeltaReader _reader;
    private int _count;
    private int _next;

    /// <summary>Where the bytes go on behind the lengths.</summary>
    public int Position { get; private set; }

    public void Start(byte[] page, int start, int end)
    {
        _count = _next = 0;
        Position = start;
        _reader = default;
        if (start < end)
        {
            _reader = new DeltaReader(page, start, end);
            var behind = new DeltaReader(page, start, end);
            behind.SkipAll();
            Position = behind.Position;
        }
    }

    public int Next()
    {
        if (_next == _count)
        {
            _next = 0;
            _count = (int)Math.Min(_some.Length, _reader.Left);
            _reader.Read(_some.AsSpan(0, _count));
        }

        long length = _next < _count ? _some[_next++] : throw new ParquetFormatException("expected one more length, there is none");
        return length is >= 0 and <= int.MaxValue ? (int)length : throw new ParquetFormatException($"a length of {length}");
    }
}

/// <summary>Byte arrays behind all their lengths.</summary>
internal sealed class DeltaLengthByteArrayDecoder : ValueDecoder
{
    private readonly DeltaLengths _lengths = new();
    private byte[] _page = [];
    private int _position;
    private int _end;

    public override void Start(byte[] page, int start, int end, int slots)
    {
        _page = page;
        _end = end;
        _lengths.Start(page, start, end);
        _position = _lengths.Position;
    }

    public override void Read(ColumnBuffer into, int count)
    {
        var offsets = into.Offsets.AsSpan(into.ValueCount, count + 1);
        for (int i = 1; i < offsets.Length; i++)
        {
            offsets[i] = ByteArrays.Add(offsets[i - 1], _lengths.Next());
        }

        int length = offsets[^1] - offsets[0];
        if (length > _end - _position)
        {
            throw TooShort(length, _end - _position);
        }

        into.ReserveBytes(length);
        _page.AsSpan(_position, length).CopyTo(into.Bytes.AsSpan(offsets[0]));
        _position += length;
    }
}

/// <summary>Byte arrays, each a prefix of the one before it and a rest.</summary>
internal sealed class DeltaByteArrayDecoder : ValueDecoder
{
    private readonly DeltaLengths _prefixes = new();
    private readonly DeltaLengths _suffixes = new();
    private byte[] _page = [];
    private byte[] _last = [];
    private int _lastLength;
    private int _position;
    private int _end;

    public override void Start(byte[] page, int start, int end, int slots)
    {
        _page = page;
        _end = end;
        _prefixes.Start(page, start, end);
        _suffixes.Start(page, _prefixes.Position, end);
        _position = _suffixes.Position;
        _lastLength = 0;
    }

    public override void Read(ColumnBuffer into, int count)
    {
        bool isFixed = into.Column.PhysicalType == PhysicalType.FixedLenByteArray;
        int width = into.Column.TypeLength;
        int reserved = 0;
        for (int i = 0; i < count; i++)
        {
            int prefix = _prefixes.Next();
            int suffix = _suffixes.Next();
            if (prefix > _lastLength || suffix > _end - _position || (isFixed && prefix + (long)suffix != width))
            {
                throw new ParquetFormatException(
                    $"a value of {prefix} bytes of the {_lastLength} before it and {suffix} more, {_end - _position} are left of the page");
            }

            int length = prefix + suffix;
            if (_last.Length < length)
            {
                Array.Resize(ref _last, Math.Max(length, _last.Length * 2));
            }

            _page.AsSpan(_position, suffix).CopyTo(_last.AsSpan(prefix));
            _position += suffix;
            _lastLength = length;
            int start = isFixed ? (into.ValueCount + i) * width : into.Offsets[into.ValueCount + i];
            if (!isFixed)
            {
                reserved = ByteArrays.Add(reserved, length);
                ByteArrays.Add(start, length);
                into.ReserveBytes(reserved);
                into.Offsets[into.ValueCount + i + 1] = start + length;
            }

            _last.AsSpan(0, length).CopyTo(into.Bytes.AsSpan(start));
        }
    }
}

/// <summary>All first bytes, all second bytes, and so on.</summary>
internal sealed class ByteStreamSplitDecoder : ValueDecoder
{
    private byte[] _page = [];
    private int _start;
    private int _length;
    private int _read;

    public override void Start(byte[] page, int start, int end, int slots)
    {
        _page = page;
        _start = start;
        _length = end - start;
        _read = 0;
    }

    public override void Read(ColumnBuffer into, int count)
    {
        int width = into.ValueWidth;
        int values = width == 0 ? 0 : _length / width;
        if ((width != 0 && _length % width != 0) || (width != 0 && count > values - _read))
        {
            throw TooShort((long)count * width, _length - (long)_read * width);
        }

        var target = FixedValues.Target(into, count);
        for (int part = 0; part < width; part++)
        {
            var source = _page.AsSpan(_start + part * values + _read, count);
            for (int i = 0; i < source.Length; i++)
            {
                target[i * width + part] = source[i];
            }
        }

        _read += count;
    }
}
