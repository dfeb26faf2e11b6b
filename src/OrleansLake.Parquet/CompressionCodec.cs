namespace OrleansLake.Parquet;

/// <summary>How pages are compressed. https://parquet.apache.org/docs/file-format/data-pages/compression/</summary>
public enum CompressionCodec
{
    /// <summary>Not at all.</summary>
    Uncompressed = 0,

    /// <summary>Snappy without framing.</summary>
    Snappy = 1,

    /// <summary>RFC 1952.</summary>
    Gzip = 2,

    /// <summary>LZO: neither read nor written.</summary>
    Lzo = 3,

    /// <summary>RFC 7932.</summary>
    Brotli = 4,

    /// <summary>Deprecated: LZ4 in a framing that depends on who wrote it.</summary>
    Lz4 = 5,

    /// <summary>RFC 8478.</summary>
    Zstd = 6,

    /// <summary>An LZ4 block without framing.</summary>
    Lz4Raw = 7,
}
