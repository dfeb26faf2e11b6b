using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using OrleansLake.Parquet.Buffers;

namespace OrleansLake.Parquet.Codecs;

/// <summary>Zstandard through the operating system's library.</summary>
/// <remarks>A context is large and slow to make, so that all files share a few: as many as pages are compressed at a time.</remarks>
internal sealed unsafe class NativeZstdCodec(ZstdLibrary library, int level) : IPageCodec, INumberCodec
{
    private static readonly ConcurrentBag<Context> Contexts = [];

    public void Compress(ReadOnlySpan<byte> page, ByteBuffer destination)
    {
        var context = Rent();
        var target = destination.Reserve(checked((int)library.Bound((nuint)page.Length)));
        nuint written;
        fixed (byte* from = page, to = target)
        {
            written = library.Compress(context.Compressor, to, (nuint)target.Length, from, (nuint)page.Length, level);
        }

        Contexts.Add(context);
        Advance(destination, written);
    }

    public int Level => level;

    public bool FindsMatches => library.CompressSequences != null;

    public void Compress(ReadOnlySpan<byte> page, int numbersAt, NumberMatches matches, ByteBuffer destination)
    {
        if (matches == NumberMatches.Steady && ZstdSteadyNumbers.TryPlan(page, numbersAt, out int shared, out int most))
        {
            fixed (byte* to = destination.Reserve(most))
            {
                destination.Advance(ZstdSteadyNumbers.Write(page, numbersAt, shared, to));
            }

            return;
        }

        if (matches is NumberMatches.Any or NumberMatches.Steady || !FindsMatches || numbersAt >= ZstdNumbers.LargestBlock)
        {
            Compress(page, destination);
            return;
        }

        var context = Rent();
        var target = destination.Reserve(checked((int)library.Bound((nuint)page.Length)));
        nuint written;
        fixed (byte* from = page, to = target)
        {
            var sequences = context.Sequences(ZstdNumbers.MostSequences(page.Length));
            int count = ZstdNumbers.Cut(from, page.Length, numbersAt, matches == NumberMatches.Upper, sequences);
            written = library.CompressSequences(context.SequenceCompressor(level), to, (nuint)target.Length, sequences, (nuint)count, from, (nuint)page.Length);
        }

        Contexts.Add(context);
        Advance(destination, written);
    }

    public void Decompress(ReadOnlySpan<byte> page, Span<byte> destination)
    {
        var context = Rent();
        nuint written;
        byte nothing = 0;
        fixed (byte* from = page, to = destination)
        {
            written = library.Decompress(context.Decompressor, to is null ? &nothing : to, (nuint)destination.Length, from, (nuint)page.Length);
        }

        Contexts.Add(context);
        if (library.IsError(written) != 0)
        {
            throw new ParquetFormatException($"zstd: {library.Describe(written)}");
        }

        if (written != (nuint)destination.Length)
        {
            throw new ParquetFormatException($"zstd: expected {destination.Length} bytes, got {written}");
        }
    }

    public long LargestResult(ReadOnlySpan<byte> page) => ManagedZstdCodec.LargestResultOf(page);

    private void Advance(ByteBuffer destination, nuint written)
    {
        if (library.IsError(written) != 0)
        {
            throw new InvalidOperationException($"zstd: {library.Describe(written)}");
        }

        destination.Advance((int)written);
    }

    private Context Rent() => Contexts.TryTake(out var context) ? context : new Context(library);

    private sealed class Context(ZstdLibrary library)
    {
        // https://github.com/facebook/zstd/blob/v1.5.4/lib/zstd.h
        private const int CompressionLevel = 100;
        private const int BlockDelimiters = 1008;
        private const int Explicit = 1;

        private nint _compressor;
        private nint _sequenceCompressor;
        private nint _decompressor;
        private ZstdSequence* _sequences;
        private int _sequenceCount;

        ~Context()
        {
            // All of them take null.
            library.FreeCompressor(_compressor);
            library.FreeCompressor(_sequenceCompressor);
            NativeMemory.Free(_sequences);
            library.FreeDecompressor(_decompressor);
        }

        public nint Compressor => _compressor != 0 ? _compressor : _compressor = Made(library.CreateCompressor());

        public nint Decompressor => _decompressor != 0 ? _decompressor : _decompressor = Made(library.CreateDecompressor());

        /// <summary>One of its own: what is set on it stays, and ZSTD_compressCCtx keeps to none of it.</summary>
        public nint SequenceCompressor(int level)
        {
            if (_sequenceCompressor == 0)
            {
                _sequenceCompressor = Made(library.CreateCompressor());
                Check(library.SetParameter(_sequenceCompressor, BlockDelimiters, Explicit));
            }

            Check(library.SetParameter(_sequenceCompressor, CompressionLevel, level));
            return _sequenceCompressor;
        }

        /// <summary>Room for so many.</summary>
        public ZstdSequence* Sequences(int count)
        {
            if (_sequenceCount < count)
            {
                _sequences = (ZstdSequence*)NativeMemory.Realloc(_sequences, (nuint)count * (nuint)sizeof(ZstdSequence));
                _sequenceCount = count;
            }

            return _sequences;
        }

        private void Check(nuint result)
        {
            if (library.IsError(result) != 0)
            {
                throw new InvalidOperationException($"zstd: {library.Describe(result)}");
            }
        }

        private static nint Made(nint context) => context != 0 ? context : throw new OutOfMemoryException("zstd: no context");
    }
}
