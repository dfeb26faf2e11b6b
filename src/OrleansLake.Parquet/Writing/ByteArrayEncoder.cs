using System.Runtime.CompilerServices;
using OrleansLake.Parquet.Buffers;
using OrleansLake.Parquet.Codecs;
using OrleansLake.Parquet.Encodings;
using OrleansLake.Parquet.Footers;
using OrleansLake.Parquet.Statistics;

namespace OrleansLake.Parquet.Writing;

/// <summary>Text and bytes, of one length or of any: a dictionary where values repeat, else what makes a sample smallest.</summary>
internal sealed class ByteArrayEncoder(ColumnDescriptor column, ParquetWriterOptions options, IPageCodec? codec) : ValueEncoder(column, options)
{
    private static readonly PageEncoding[] Delta = [PageEncoding.Plain, PageEncoding.DeltaLengthByteArray, PageEncoding.DeltaByteArray];
    private static readonly PageEncoding[] FixedDelta = [PageEncoding.Plain, PageEncoding.DeltaByteArray];

    private readonly EncodingTrial _trial = new(codec);
    private readonly bool _isFixed = column.PhysicalType == PhysicalType.FixedLenByteArray;
    private readonly int _width = column.PhysicalType == PhysicalType.ByteArray ? 0 : column.TypeLength;
    private ByteArrayDictionary? _rented;
    private PageEncoding? _chosen;
    private object? _codeSpace;
    private int[] _indexOfCode = [];
    private int _codedCount;
    private int[] _fixedOffsets = [];

    public override int DictionaryPageLength => Dictionary == DictionaryUse.Undecided ? 0 : _rented?.PageLength ?? 0;

    public override int DictionaryCount => Dictionary == DictionaryUse.Undecided ? 0 : _rented?.Count ?? 0;

    public override long BufferedBytes => _rented?.SizeBytes ?? 0;

    private ByteArrayDictionary Entries => _rented ??= ByteArrayDictionary.Rent(lengthPrefixed: !_isFixed);

    public override EncodedValues Encode(ColumnBuffer source, int first, int count, EncoderScratch scratch)
    {
        if (count == 0 && Forced is null)
        {
            return new EncodedValues(PageEncoding.Plain, default);
        }

        var offsets = _isFixed
            ? FixedOffsets(first, count)
            : source.Offsets.AsSpan(first, count + 1);
        if (Dictionary != DictionaryUse.No)
        {
            int before = Entries.Count;
            var indices = scratch.Indices(count);
            ReadOnlySpan<int> codes = source.CodeSpace is null || _isFixed ? [] : source.Codes.AsSpan(first, count);
            if (!codes.IsEmpty && source.CodeSpace != _codeSpace)
            {
                (_codeSpace, _codedCount) = (source.CodeSpace, 0);
            }

            if (LookUp(source.Bytes, offsets, codes, indices, before))
            {
                Dictionary = DictionaryUse.Yes;
                WriteIndices(indices, Entries.Count, scratch.Page);
                return new EncodedValues(PageEncoding.RleDictionary, BoundsOfEntries(indices, scratch));
            }

            if (before > 0)
            {
                Entries.Truncate(before);
            }
            else
            {
                GiveBack();
            }

            Dictionary = DictionaryUse.No;
        }

        var encoding = Forced ?? _chosen ?? Choose(source.Bytes, offsets, scratch);
        Write(encoding, source.Bytes, offsets, scratch);
        return new EncodedValues(encoding, PageBounds.Of(Order, source, first, count));
    }

    public override void WriteDictionary(ByteBuffer page) => page.Write(Entries.Page);

    public override void AddDictionary(BloomFilterBuilder filter)
    {
        for (int i = 0; i < Entries.Count; i++)
        {
            filter.Add(Entries[i]);
        }
    }

    public override void Clear()
    {
        base.Clear();
        _chosen = null;
        _codedCount = 0;
        GiveBack();
    }

    private void GiveBack()
    {
        if (_rented is { } dictionary)
        {
            _rented = null;
            DictionaryPool<ByteArrayDictionary>.Return(dictionary);
        }
    }

    /// <summary>False where a dictionary of these values would not be worth it, or would be too large.</summary>
    private bool LookUp(ReadOnlySpan<byte> bytes, ReadOnlySpan<int> offsets, ReadOnlySpan<int> codes, Span<int> indices, int before)
    {
        int count = indices.Length;
        int mostEntries = before + Math.Max((int)(count * MostNew(count)), 1);
        int mostBytes = Options.DictionarySizeBytes;
        int probe = Math.Min(Probe, count);
        int mostOfProbe = before + (int)(probe * (1 - 0.35 * probe / count));
        if (!Find(bytes, offsets[..(probe + 1)], codes.IsEmpty ? [] : codes[..probe], indices[..probe], Math.Min(mostEntries, mostOfProbe), mostBytes)
            || !Find(bytes, offsets[probe..], codes.IsEmpty ? [] : codes[probe..], indices[probe..], mostEntries, mostBytes))
        {
            return false;
        }

        long plain = offsets[count] - offsets[0] + (_width > 0 ? 0 : 4L * count);
        return Dictionary == DictionaryUse.Yes || IndexBytes(count, Entries.Count) + Entries.PageLength < plain;
    }

    // Values drawn evenly from so many that half of those at the page's end are new make 0.72 of a first page, and 0.93 of its
    // first fifth. Where every other value is new at most, a dictionary soon pays; what comes later has met most of them.
    private double MostNew(int count) => Dictionary == DictionaryUse.Undecided && count >= 2 * Probe ? 0.72 : 0.5;

    private bool Find(ReadOnlySpan<byte> bytes, ReadOnlySpan<int> offsets, ReadOnlySpan<int> codes, Span<int> indices, int mostEntries, int mostBytes)
    {
        if (codes.IsEmpty)
        {
            return Entries.LookUp(bytes, offsets, indices, mostEntries, mostBytes) == indices.Length;
        }

        // Whoever read the values knows which are equal: only the first of each is looked up.
        for (int at = 0; at < codes.Length; at++)
        {
            at += Known(codes[at..], indices[at..]);
            if (at == codes.Length)
            {
                break;
            }

            if (Entries.LookUp(bytes, offsets.Slice(at, 2), indices.Slice(at, 1), mostEntries, mostBytes) < 1)
            {
                return false;
            }

            Learn(codes[at], indices[at]);
        }

        return true;
    }

    /// <summary>Translates codes up to the first that is not known yet, and tells how many.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int Known(ReadOnlySpan<int> codes, Span<int> indices)
    {
        var known = _indexOfCode.AsSpan(0, _codedCount);
        int i = 0;
        for (; i < codes.Length && (uint)codes[i] < (uint)known.Length; i++)
        {
            int index = known[codes[i]];
            if (index < 0)
            {
                break;
            }

            indices[i] = index;
        }

        return i;
    }

    private void Learn(int code, int index)
    {
        if (code >= _codedCount)
        {
            if (code >= _indexOfCode.Length)
            {
                Array.Resize(ref _indexOfCode, Math.Max(1024, (code + 1) * 2));
            }

            _indexOfCode.AsSpan(_codedCount, code + 1 - _codedCount).Fill(-1);
            _codedCount = code + 1;
        }

        _indexOfCode[code] = index;
    }

    /// <summary>The bounds of a page, from each entry once that occurs in it.</summary>
    private PageBounds BoundsOfEntries(ReadOnlySpan<int> indices, EncoderScratch scratch)
    {
        if (Order is not (ValueOrder.Bytes or ValueOrder.SignedBytes or ValueOrder.Half))
        {
            return default;
        }

        if (Order == ValueOrder.Half)
        {
            return BoundsOfHalves(indices);
        }

        var entries = Entries;
        var stamps = scratch.Stamps(entries.Count, out int stamp);
        int distinct = Distinct(indices, stamps, stamp, scratch.Used(Math.Min(entries.Count, indices.Length)));
        int min = -1, max = -1;
        ulong minPrefix = ulong.MaxValue, maxPrefix = 0;
        bool bytewise = Order == ValueOrder.Bytes;
        foreach (int index in scratch.Used(distinct))
        {
            var value = entries[index];
            ulong prefix = bytewise ? ByteBounds.Prefix(value, 0, value.Length) : 0;
            if (bytewise && min >= 0 && prefix > minPrefix && prefix < maxPrefix)
            {
                continue; // most lie between the two by their first bytes already
            }

            if (min < 0 || ValueOrders.Compare(Order, value, entries[min]) < 0)
            {
                min = index;
                minPrefix = prefix;
            }

            if (max < 0 || ValueOrders.Compare(Order, value, entries[max]) > 0)
            {
                max = index;
                maxPrefix = prefix;
            }
        }

        return new PageBounds(entries[min].ToArray(), entries[max].ToArray(), 0);
    }

    /// <summary>The indices that occur, each once.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int Distinct(ReadOnlySpan<int> indices, Span<int> stamps, int stamp, Span<int> distinct)
    {
        int count = 0;
        foreach (int index in indices)
        {
            if (stamps[index] != stamp)
            {
                stamps[index] = stamp;
                distinct[count++] = index;
            }
        }

        return count;
    }

    /// <summary>Halves are few and rare; what is not a number is counted as often as it occurs.</summary>
    private PageBounds BoundsOfHalves(ReadOnlySpan<int> indices)
    {
        var entries = Entries;
        int min = -1, max = -1, nans = 0;
        foreach (int index in indices)
        {
            var value = entries[index];
            if (IsNan(value))
            {
                nans++;
                continue;
            }

            min = min < 0 || ValueOrders.Compare(Order, value, entries[min]) < 0 ? index : min;
            max = max < 0 || ValueOrders.Compare(Order, value, entries[max]) > 0 ? index : max;
        }

        if (min < 0)
        {
            return new PageBounds(null, null, nans);
        }

        byte[] least = entries[min].ToArray(), greatest = entries[max].ToArray();
        PageBounds.WidenZeros(least, greatest);
        return new PageBounds(least, greatest, nans);
    }

    private static bool IsNan(ReadOnlySpan<byte> half) => Half.IsNaN(System.Buffers.Binary.BinaryPrimitives.ReadHalfLittleEndian(half));

    private PageEncoding Choose(byte[] bytes, ReadOnlySpan<int> offsets, EncoderScratch scratch)
    {
        if (Options.Encodings == EncodingChoice.Classic || offsets.Length - 1 < EncodingTrial.Fewest)
        {
            return PageEncoding.Plain;
        }

        int[] sample = offsets[..Math.Min(offsets.Length, EncodingTrial.Sample + 1)].ToArray();
        var best = _trial.Best(_isFixed ? FixedDelta : Delta, candidate => Write(candidate, bytes, sample, scratch), scratch);
        _chosen = best;
        return best;
    }

    private void Write(PageEncoding encoding, ReadOnlySpan<byte> bytes, ReadOnlySpan<int> offsets, EncoderScratch scratch)
    {
        int length = offsets[^1] - offsets[0];
        int count = offsets.Length - 1;
        var page = scratch.Page;
        switch (encoding)
        {
            case PageEncoding.DeltaLengthByteArray:
                DeltaByteArrayEncoder.EncodeLengths(bytes, offsets, scratch.Indices(count), page);
                break;
            case PageEncoding.DeltaByteArray:
                DeltaByteArrayEncoder.EncodePrefixes(bytes, offsets, scratch.Indices(count), scratch.Used(count), scratch.Compressed, page);
                break;
            case PageEncoding.ByteStreamSplit:
                ByteStreamSplitEncoder.Encode(bytes.Slice(offsets[0], length), _width, page);
                break;
            case PageEncoding.Plain when _isFixed:
                page.Write(bytes.Slice(offsets[0], length));
                break;
            default:
                var target = page.Reserve(checked(length + 4 * count + PlainEncoder.Slack));
                page.Advance(PlainEncoder.WriteByteArrays(bytes, offsets, target));
                break;
        }
    }

    private ReadOnlySpan<int> FixedOffsets(int first, int count)
    {
        if (_fixedOffsets.Length <= first + count)
        {
            int from = _fixedOffsets.Length;
            Array.Resize(ref _fixedOffsets, Math.Max(first + count + 1, from * 2));
            for (int i = from; i < _fixedOffsets.Length; i++)
            {
                _fixedOffsets[i] = (int)Math.Min(int.MaxValue, (long)i * _width);
            }
        }

        return _fixedOffsets.AsSpan(first, count + 1);
    }
}
