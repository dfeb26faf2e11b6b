using System.Runtime.InteropServices;

namespace OrleansLake.Parquet.Codecs;

/// <summary>The operating system's libzstd, where it has one.</summary>
internal sealed unsafe class ZstdLibrary
{
    private static readonly string[] Names = ["libzstd.so.1", "libzstd.1.dylib", "libzstd.dll", "zstd.dll"];

    private ZstdLibrary(nint library)
    {
        CreateCompressor = (delegate* unmanaged<nint>)NativeLibrary.GetExport(library, "ZSTD_createCCtx");
        FreeCompressor = (delegate* unmanaged<nint, nuint>)NativeLibrary.GetExport(library, "ZSTD_freeCCtx");
        CreateDecompressor = (delegate* unmanaged<nint>)NativeLibrary.GetExport(library, "ZSTD_createDCtx");
        FreeDecompressor = (delegate* unmanaged<nint, nuint>)NativeLibrary.GetExport(library, "ZSTD_freeDCtx");
        Compress = (delegate* unmanaged<nint, byte*, nuint, byte*, nuint, int, nuint>)NativeLibrary.GetExport(library, "ZSTD_compressCCtx");
        Decompress = (delegate* unmanaged<nint, byte*, nuint, byte*, nuint, nuint>)NativeLibrary.GetExport(library, "ZSTD_decompressDCtx");
        Bound = (delegate* unmanaged<nuint, nuint>)NativeLibrary.GetExport(library, "ZSTD_compressBound");
        IsError = (delegate* unmanaged<nuint, uint>)NativeLibrary.GetExport(library, "ZSTD_isError");
        ErrorName = (delegate* unmanaged<nuint, byte*>)NativeLibrary.GetExport(library, "ZSTD_getErrorName");
        if (NativeLibrary.TryGetExport(library, "ZSTD_compressSequences", out nint compressSequences) && NativeLibrary.TryGetExport(library, "ZSTD_CCtx_setParameter", out nint setParameter))
        {
            CompressSequences = (delegate* unmanaged<nint, byte*, nuint, ZstdSequence*, nuint, byte*, nuint, nuint>)compressSequences;
            SetParameter = (delegate* unmanaged<nint, int, int, nuint>)setParameter;
        }
    }

    /// <summary>Null where the library, or one of its functions, is absent.</summary>
    public static ZstdLibrary? Instance { get; } = Load();

    public delegate* unmanaged<nint> CreateCompressor { get; }

    public delegate* unmanaged<nint, nuint> FreeCompressor { get; }

    public delegate* unmanaged<nint> CreateDecompressor { get; }

    public delegate* unmanaged<nint, nuint> FreeDecompressor { get; }

    public delegate* unmanaged<nint, byte*, nuint, byte*, nuint, int, nuint> Compress { get; }

    public delegate* unmanaged<nint, byte*, nuint, byte*, nuint, nuint> Decompress { get; }

    public delegate* unmanaged<nuint, nuint> Bound { get; }

    public delegate* unmanaged<nuint, uint> IsError { get; }

    /// <summary>Compresses by matches that the caller found; null in a library that keeps it to itself.</summary>
    public delegate* unmanaged<nint, byte*, nuint, ZstdSequence*, nuint, byte*, nuint, nuint> CompressSequences { get; }

    /// <summary>There wherever <see cref="CompressSequences"/> is.</summary>
    public delegate* unmanaged<nint, int, int, nuint> SetParameter { get; }

    private delegate* unmanaged<nuint, byte*> ErrorName { get; }

    public string Describe(nuint error) => Marshal.PtrToStringUTF8((nint)ErrorName(error)) ?? "unknown error";

    private static ZstdLibrary? Load()
    {
        foreach (string name in Names)
        {
            if (!NativeLibrary.TryLoad(name, out nint library))
            {
                continue;
            }

            try
            {
                return new ZstdLibrary(library);
            }
            catch (EntryPointNotFoundException)
            {
                // Too old to have them all: the managed codec does its work.
                return null;
            }
        }

        return null;
    }
}
