using System.Collections.Concurrent;
using OrleansLake.Parquet.Buffers;

namespace OrleansLake.Parquet.Codecs;

/// <summary>Zstandard through the operating system's library.</summary>
/// <remarks>A context is large and slow to make, so that all files share a few: as many as pages are compressed at a time.</remarks>
internal sealed unsafe class NativeZstdCodec(ZstdLibrary library, int level) : IPageCodec
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
        if (library.IsError(written) != 0)
        {
            throw new InvalidOperationException($"zstd: {library.Describe(written)}");
        }

        destination.Advance((int)written);
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

    private Context Rent() => Contexts.TryTake(out var context) ? context : new Context(library);

    private sealed class Context(ZstdLibrary library)
    {
        private nint _compressor;
        private nint _decompressor;

        ~Context()
        {
            // Both functions take null.
            library.FreeCompressor(_compressor);
            library.FreeDecompressor(_decompressor);
        }

        public nint Compressor => _compressor != 0 ? _compressor : _compressor = Made(library.CreateCompressor());

        public nint Decompressor => _decompressor != 0 ? _decompressor : _decompressor = Made(library.CreateDecompressor());

        private static nint Made(nint context) => context != 0 ? context : throw new OutOfMemoryException("zstd: no context");
    }
}
