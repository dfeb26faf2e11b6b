using System.Globalization;
using OrleansLake.Iceberg;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Write;

/// <summary>
/// The table properties <c>write.parquet.*</c> as options of a writer. https://iceberg.apache.org/docs/latest/configuration/#write-properties
/// </summary>
internal static class ParquetProperties
{
    /// <summary>Which encodings there are to choose from: classic, delta or all (<see cref="EncodingChoice"/>).</summary>
    public const string EncodingsProperty = "orleanslake.parquet-encodings";

    private const string Prefix = "write.parquet.";

    // Files of the line live until they are compacted: the lowest level costs less than half and gives a seventh away.
    private const int ZstdLevel = 1;
    private const double DefaultFpp = 0.01;

    /// <summary>How files of a table with these properties are written.</summary>
    /// <exception cref="FormatException">A property does not say what it should.</exception>
    public static ParquetWriterOptions Read(IReadOnlyDictionary<string, string> properties, Schema schema, ParquetSchema columns)
    {
        var codec = Codec(properties);
        int? level = properties.ContainsKey(Prefix + "compression-level")
            ? TableProperty.Integer(properties, Prefix + "compression-level", 0, least: -100)
            : codec == CompressionCodec.Zstd ? ZstdLevel : null;
        int version = PageVersion(properties);
        var defaults = new ParquetWriterOptions();
        return defaults with
        {
            Compression = codec,
            CompressionLevel = level,
            RowGroupSizeBytes = TableProperty.Long(properties, Prefix + "row-group-size-bytes", defaults.RowGroupSizeBytes),
            PageSizeBytes = TableProperty.Integer(properties, Prefix + "page-size-bytes", defaults.PageSizeBytes),
            PageRows = TableProperty.Integer(properties, Prefix + "page-row-limit", defaults.PageRows),
            DictionarySizeBytes = TableProperty.Integer(properties, Prefix + "dict-size-bytes", defaults.DictionarySizeBytes, least: 0),
            BloomFilterMaxBytes = TableProperty.Integer(properties, Prefix + "bloom-filter-max-bytes", defaults.BloomFilterMaxBytes, least: 32),
            DataPageVersion = version,
            Encodings = Encodings(properties, version),
            Columns = Columns(properties, schema, columns),
            KeyValueMetadata = new Dictionary<string, string> { ["iceberg.schema"] = SchemaJson.Write(schema) },
        };
    }

    private static CompressionCodec Codec(IReadOnlyDictionary<string, string> properties)
    {
        string name = properties.GetValueOrDefault(Prefix + "compression-codec") ?? "zstd";
        return name.ToLowerInvariant() switch
        {
            "zstd" => CompressionCodec.Zstd,
            "snappy" => CompressionCodec.Snappy,
            "gzip" => CompressionCodec.Gzip,
            "brotli" => CompressionCodec.Brotli,
            "lz4_raw" => CompressionCodec.Lz4Raw,
            "uncompressed" or "none" => CompressionCodec.Uncompressed,
            _ => throw new FormatException($"table property {Prefix}compression-codec: expected zstd, snappy, gzip, brotli, lz4_raw or uncompressed, got \"{name}\""),
        };
    }

    private static int PageVersion(IReadOnlyDictionary<string, string> properties)
    {
        string version = properties.GetValueOrDefault(Prefix + "page-version") ?? "v1";
        return version.ToLowerInvariant() switch
        {
            "1" or "v1" => 1,
            "2" or "v2" => 2,
            _ => throw new FormatException($"table property {Prefix}page-version: expected v1 or v2, got \"{version}\""),
        };
    }

    /// <summary>
    /// As in Iceberg's Java writer the second version's pages come with its encodings; whoever reads with nothing that is old
    /// can have the encodings alone by a property of ours.
    /// </summary>
    private static EncodingChoice Encodings(IReadOnlyDictionary<string, string> properties, int pageVersion)
    {
        if (!properties.TryGetValue(EncodingsProperty, out string? text))
        {
            return pageVersion == 2 ? EncodingChoice.Delta : EncodingChoice.Classic;
        }

        return text.ToLowerInvariant() switch
        {
            "classic" => EncodingChoice.Classic,
            "delta" => EncodingChoice.Delta,
            "all" => EncodingChoice.All,
            _ => throw new FormatException($"table property {EncodingsProperty}: expected classic, delta or all, got \"{text}\""),
        };
    }

    private static Dictionary<string, ParquetColumnOptions> Columns(IReadOnlyDictionary<string, string> properties, Schema schema, ParquetSchema columns)
    {
        var own = new Dictionary<string, ParquetColumnOptions>();
        foreach (var (column, id) in columns.Columns.Zip(FileMetrics.FieldIdOfEachColumn(columns)))
        {
            string? path = schema.FindPath(id);
            bool filter = Flag(properties, $"{Prefix}bloom-filter-enabled.column.{path}", missing: false);
            bool statistics = Flag(properties, $"{Prefix}stats-enabled.column.{path}", missing: true);
            double fpp = Fpp(properties, $"{Prefix}bloom-filter-fpp.column.{path}");
            if (filter || !statistics)
            {
                own[column.ToString()] = new ParquetColumnOptions { Statistics = statistics, BloomFilterFpp = filter ? fpp : null };
            }
        }

        return own;
    }

    private static bool Flag(IReadOnlyDictionary<string, string> properties, string name, bool missing)
    {
        if (!properties.TryGetValue(name, out string? text))
        {
            return missing;
        }

        return bool.TryParse(text, out bool value) ? value : throw new FormatException($"table property {name}: expected true or false, got \"{text}\"");
    }

    private static double Fpp(IReadOnlyDictionary<string, string> properties, string name)
    {
        if (!properties.TryGetValue(name, out string? text))
        {
            return DefaultFpp;
        }

        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && value is > 0 and < 1
            ? value
            : throw new FormatException($"table property {name}: expected a number between 0 and 1, got \"{text}\"");
    }
}
