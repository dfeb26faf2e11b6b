using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using OrleansLake.Parquet.Buffers;
using OrleansLake.Parquet.Codecs;
using OrleansLake.Parquet.Encodings;
using OrleansLake.Parquet.Footers;
using OrleansLake.Parquet.Statistics;

namespace OrleansLake.Parquet.Writing;

/// <summary>Integers and floating-point numbers of 32 or 64 bits: a dictionary, differences, or plain, whichever is smallest.</summary>
internal sealed class NumberEncoder<T>(ColumnDescriptor column, ParquetWriterOptions options, IPageCodec? codec) : ValueEncoder(column, options)
    where T : unmanaged, IBinaryInteger<T>
{
    private static readonly PageEncoding[] IntegerCandidates = [PageEncoding.Plain, PageEncoding.DeltaBinaryPacked];
    private static readonly PageEncoding[] FloatCandidates = [PageEncoding.Plain, PageEncoding.ByteStreamSplit];

    private readonly EncodingTrial _trial = new(codec);
    private readonly bool _isInteger = column.PhysicalType is PhysicalType.Int32 or PhysicalType.Int64;
    private NumberDictionary<T>? _rented;
    private PageEncoding? _chosen;

    public override int DictionaryPageLength => Dictionary == DictionaryUse.Undecided ? 0 : (_rented?.Count ?? 0) * Unsafe.SizeOf<T>();

    public override int DictionaryCount => Dictionary == DictionaryUse.Undecided ? 0 : _rented?.Count ?? 0;

    public override long BufferedBytes => _rented?.SizeBytes ?? 0;

    private NumberDictionary<T> Entries => _rented ??= DictionaryPool<NumberDictionary<T>>.Rent(static () => new NumberDictionary<T>());

    private int MostEntries => Options.DictionarySizeBytes / Unsafe.SizeOf<T>();

    public override EncodedValues Encode(ColumnBuffer source, int first, int count, EncoderScratch scratch)
    {
        var bounds = PageBounds.Of(Order, source, first, count);
        var values = Values(source).Slice(first, count);
        var encoding = Dictionary switch
        {
            _ when count == 0 && Forced is null => PageEncoding.Plain,
            DictionaryUse.Undecided => EncodeFirst(values, scratch),
            DictionaryUse.Yes => EncodeIndices(values, scratch),
            _ => EncodeWithoutDictionary(values, scratch),
        };
        return new EncodedValues(encoding, bounds);
    }

    public override void WriteDictionary(ByteBuffer page) => page.Write(Entries.Page);

    public override void Clear()
    {
        base.Clear();
        GiveBack();
        _chosen = null;
    }

    public override void AddDictionary(BloomFilterBuilder filter) => filter.AddFixed(Entries.Page, Unsafe.SizeOf<T>());

    /// <summary>The first page with values tries everything and keeps the smallest.</summary>
    private PageEncoding EncodeFirst(ReadOnlySpan<T> values, EncoderScratch scratch)
    {
        var page = scratch.Page;
        int start = page.Length;
        var encoding = EncodeWithoutDictionary(values, scratch);
        int length = page.Length - start;

        // What a dictionary may take at most to be worth it, so that a column of distinct values is noticed early.
        int mostEntries = Math.Min(MostEntries, length / Unsafe.SizeOf<T>());
        var indices = scratch.Indices(values.Length);
        int probe = Math.Min(Probe, values.Length);
        bool fits = Entries.LookUp(values[..probe], indices, Math.Min(mostEntries, probe - probe / 4)) == probe
            && Entries.LookUp(values[probe..], indices[probe..], mostEntries) == values.Length - probe
            && IndexBytes(values.Length, Entries.Count) + (long)Entries.Count * Unsafe.SizeOf<T>() < length;
        if (!fits)
        {
            Dictionary = DictionaryUse.No;
            GiveBack();
            return encoding;
        }

        Dictionary = DictionaryUse.Yes;
        page.Truncate(start);
        WriteIndices(indices, Entries.Count, page);
        return PageEncoding.RleDictionary;
    }

    private PageEncoding EncodeIndices(ReadOnlySpan<T> values, EncoderScratch scratch)
    {
        int before = Entries.Count;
        var indices = scratch.Indices(values.Length);
        int mostEntries = Math.Min(MostEntries, before + Math.Max(values.Length / 2, 1));
        if (Entries.LookUp(values, indices, mostEntries) == values.Length)
        {
            WriteIndices(indices, Entries.Count, scratch.Page);
            return PageEncoding.RleDictionary;
        }

        Entries.Truncate(before);
        Dictionary = DictionaryUse.No;
        return EncodeWithoutDictionary(values, scratch);
    }

    private PageEncoding EncodeWithoutDictionary(ReadOnlySpan<T> values, EncoderScratch scratch)
    {
        var encoding = Forced ?? _chosen ?? Choose(values, scratch);
        var page = scratch.Page;
        int start = page.Length;
        Write(encoding, values, page);
        if (encoding == PageEncoding.DeltaBinaryPacked && Forced is null && page.Length - start >= values.Length * Unsafe.SizeOf<T>())
        {
            // Differences that are no smaller than the values themselves will not be in later pages either.
            page.Truncate(start);
            Write(PageEncoding.Plain, values, page);
            _chosen = PageEncoding.Plain;
            return PageEncoding.Plain;
        }

        return encoding;
    }

    private PageEncoding Choose(ReadOnlySpan<T> values, EncoderScratch scratch)
    {
        var candidates = Options.Encodings switch
        {
            EncodingChoice.Classic => [],
            _ when _isInteger => IntegerCandidates,
            EncodingChoice.All => FloatCandidates,
            _ => [],
        };
        if (candidates.Length == 0 || values.Length < EncodingTrial.Fewest)
        {
            return PageEncoding.Plain;
        }

        T[] sample = values[..Math.Min(values.Length, EncodingTrial.Sample)].ToArray();
        var best = _trial.Best(candidates, candidate => Write(candidate, sample, scratch.Page), scratch);
        _chosen = best;
        return best;
    }

    private static void Write(PageEncoding encoding, ReadOnlySpan<T> values, ByteBuffer page)
    {
        var plain = MemoryMarshal.AsBytes(values);
        switch (encoding)
        {
            case PageEncoding.DeltaBinaryPacked when typeof(T) == typeof(int):
                DeltaBinaryPackedEncoder.Encode(MemoryMarshal.Cast<T, int>(values), page);
                break;
            case PageEncoding.DeltaBinaryPacked:
                DeltaBinaryPackedEncoder.Encode(MemoryMarshal.Cast<T, long>(values), page);
                break;
            case PageEncoding.ByteStreamSplit:
                ByteStreamSplitEncoder.Encode(plain, Unsafe.SizeOf<T>(), page);
                break;
            default:
                page.Write(plain);
                break;
        }
    }

    private void GiveBack()
    {
        if (_rented is { } dictionary)
        {
            _rented = null;
            DictionaryPool<NumberDictionary<T>>.Return(dictionary);
        }
    }

    private ReadOnlySpan<T> Values(ColumnBuffer source) => Column.PhysicalType switch
    {
        PhysicalType.Int32 => MemoryMarshal.Cast<int, T>(source.Ints),
        PhysicalType.Int64 => MemoryMarshal.Cast<long, T>(source.Longs),
        PhysicalType.Float => MemoryMarshal.Cast<float, T>(source.Floats),
        _ => MemoryMarshal.Cast<double, T>(source.Doubles),
    };
}
