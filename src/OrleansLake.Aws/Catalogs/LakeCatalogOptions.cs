using System.Globalization;

namespace OrleansLake.Aws;

/// <summary>Where tables are known.</summary>
public enum CatalogType
{
    /// <summary>In a directory of this host.</summary>
    Local,

    /// <summary>In the Glue Data Catalog.</summary>
    Glue,

    /// <summary>Behind the REST protocol.</summary>
    Rest,
}

/// <summary>A catalog and the store beside it, as the sections <c>catalog</c> and <c>s3</c> of a configuration tell of them.</summary>
public sealed record LakeCatalogOptions
{
    /// <summary>Where tables are known.</summary>
    public CatalogType Type { get; init; }

    /// <summary>A directory, or <c>s3://bucket/prefix</c>: where new tables lie, and what silos keep beside them.</summary>
    public required string Warehouse { get; init; }

    /// <summary>How objects of S3 are reached and written.</summary>
    public S3StoreOptions S3 { get; init; } = new();

    /// <summary>How Glue is reached.</summary>
    public GlueCatalogOptions Glue { get; init; } = new();

    /// <summary>A REST catalog's properties, by the names that Iceberg's clients share; <c>uri</c> among them.</summary>
    public IReadOnlyDictionary<string, string> Rest { get; init; } = new Dictionary<string, string>();

    /// <summary>The service that requests to a REST catalog are signed for (<c>glue</c>, <c>s3tables</c>, <c>execute-api</c>); null: they are not.</summary>
    public string? SigningName { get; init; }

    /// <summary>The region that they are signed for.</summary>
    public string? SigningRegion { get; init; }

    /// <summary>Whether a warehouse is one of S3 and not a directory.</summary>
    public static bool IsS3(string warehouse) => S3Location.IsOne(warehouse);

    /// <summary>Reads both sections, a nested key as <c>tags.team</c>. What is wrong goes to <paramref name="fail"/>: section, key, what was expected, what was found.</summary>
    public static LakeCatalogOptions Read(
        string warehouse, IReadOnlyDictionary<string, string> catalog, IReadOnlyDictionary<string, string> s3, Action<string, string, string, string?> fail)
    {
        var inCatalog = new SettingReader(catalog, (key, expected, found) => fail("catalog", key, expected, found));
        var inS3 = new SettingReader(s3, (key, expected, found) => fail("s3", key, expected, found));
        inCatalog.Text("name");
        var type = inCatalog.Choice("type", CatalogType.Local, ("local", CatalogType.Local), ("glue", CatalogType.Glue), ("rest", CatalogType.Rest));
        if (IsS3(warehouse) && type == CatalogType.Local)
        {
            fail("catalog", "type", "glue or rest, because the warehouse is in S3", "local");
        }

        if (!IsS3(warehouse) && type == CatalogType.Glue)
        {
            fail("warehouse", "", "s3://bucket/prefix, because the catalog is Glue", warehouse);
        }

        var store = ReadS3(inS3);
        var options = new LakeCatalogOptions { Type = type, Warehouse = warehouse, S3 = store };
        options = type switch
        {
            CatalogType.Glue => options with { Glue = ReadGlue(inCatalog, warehouse, store) },
            CatalogType.Rest => ReadRest(inCatalog, options),
            _ => options,
        };
        inCatalog.RefuseOthers();
        inS3.RefuseOthers();
        return options;
    }

    private static GlueCatalogOptions ReadGlue(SettingReader catalog, string warehouse, S3StoreOptions s3) => new()
    {
        Warehouse = warehouse,
        Region = catalog.Text("region") ?? s3.Region,
        Endpoint = catalog.Address("endpoint"),
        CatalogId = catalog.Text("catalogId"),
        SkipArchive = catalog.Flag("skipArchive") ?? true,
    };

    private static LakeCatalogOptions ReadRest(SettingReader catalog, LakeCatalogOptions options)
    {
        var properties = catalog.Below("properties");
        Uri? uri = catalog.Address("uri");
        if (uri is null)
        {
            catalog.Fail("uri", "the address of the REST catalog", null);
        }

        foreach (string name in (string[])["credential", "token"])
        {
            if (catalog.Text(name) is { } reference)
            {
                properties[name] = SecretReference.IsOne(reference)
                    ? SecretReference.ReadHere(reference) ?? Missing(name, reference)
                    : reference;
            }
        }

        if (catalog.Text("warehouse") is { } warehouse)
        {
            properties["warehouse"] = warehouse;
        }

        properties["uri"] = uri?.OriginalString ?? "";
        string? signing = catalog.Text("signing");
        string? region = catalog.Text("region") ?? options.S3.Region;
        if (signing is not null && region is null)
        {
            catalog.Fail("region", "the region that requests are signed for, because there is a signing", null);
        }

        return options with { Rest = properties, SigningName = signing, SigningRegion = region };

        string Missing(string name, string reference)
        {
            catalog.Fail(name, "a reference to a variable (env:NAME) or file (file:PATH) that is there", reference);
            return "";
        }
    }

    private static S3StoreOptions ReadS3(SettingReader s3)
    {
        var otherwise = new S3StoreOptions();
        return otherwise with
        {
            Region = s3.Text("region"),
            Endpoint = s3.Address("endpoint"),
            PathStyle = s3.Flag("pathStyle") ?? false,
            RequesterPays = s3.Flag("requesterPays") ?? false,
            Encryption = s3.Choice(
                "encryption", S3Encryption.BucketDefault, ("bucket", S3Encryption.BucketDefault), ("s3", S3Encryption.S3), ("kms", S3Encryption.Kms), ("kmsDual", S3Encryption.KmsDual)),
            KmsKeyId = s3.Text("kmsKeyId"),
            BucketKey = s3.Flag("bucketKey"),
            StorageClass = s3.Text("storageClass"),
            WriteTags = s3.Below("tags"),
            Checksums = s3.Flag("checksums") ?? true,
            AdaptiveRetries = s3.Flag("adaptiveRetries") ?? false,
            PartSizeBytes = s3.Number("partSizeBytes", otherwise.PartSizeBytes, S3StoreOptions.LeastPartBytes, 1 << 30),
            PartsAtOnce = s3.Number("partsAtOnce", otherwise.PartsAtOnce, 1, 100),
            MostAttempts = s3.Number("attempts", otherwise.MostAttempts, 1, 100),
        };
    }

    /// <summary>Settings by name, each asked for once; what nobody asked for is an error.</summary>
    private sealed class SettingReader(IReadOnlyDictionary<string, string> values, Action<string, string, string?> fail)
    {
        private readonly SortedSet<string> _known = new(StringComparer.OrdinalIgnoreCase);
        private readonly Dictionary<string, string> _values = new(values, StringComparer.OrdinalIgnoreCase);

        public void Fail(string key, string expected, string? found) => fail(key, expected, found);

        public string? Text(string key)
        {
            _known.Add(key);
            return _values.TryGetValue(key, out string? value) && !string.IsNullOrWhiteSpace(value) ? value : null;
        }

        public bool? Flag(string key) => Text(key) is not { } text ? null : bool.TryParse(text, out bool flag) ? flag : Wrong<bool>(key, "true or false", text);

        public int Number(string key, int otherwise, int least, int most) =>
            Text(key) is not { } text ? otherwise
            : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number >= least && number <= most ? number
            : Wrong<int>(key, $"a whole number from {least} to {most}", text) ?? otherwise;

        public Uri? Address(string key)
        {
            if (Text(key) is not { } text)
            {
                return null;
            }

            if (Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https")
            {
                return new Uri(text);
            }

            fail(key, "an http or https address", text);
            return null;
        }

        public T Choice<T>(string key, T otherwise, params (string Word, T Value)[] choices)
        {
            if (Text(key) is not { } text)
            {
                return otherwise;
            }

            foreach (var (word, value) in choices)
            {
                if (word.Equals(text, StringComparison.OrdinalIgnoreCase))
                {
                    return value;
                }
            }

            fail(key, "one of " + string.Join(", ", choices.Select(choice => choice.Word)), text);
            return otherwise;
        }

        /// <summary>The names and texts of an object inside.</summary>
        public Dictionary<string, string> Below(string key)
        {
            string prefix = key + ".";
            _known.Add(prefix + "*");
            return _values.Where(pair => pair.Key.StartsWith(prefix, StringComparison.OrdinalIgnoreCase)).ToDictionary(pair => pair.Key[prefix.Length..], pair => pair.Value);
        }

        public void RefuseOthers()
        {
            foreach (string key in _values.Keys.Where(key => !_known.Contains(key) && !_known.Any(known => known.EndsWith('*') && key.StartsWith(known[..^1], StringComparison.OrdinalIgnoreCase))))
            {
                fail(key, "one of " + string.Join(", ", _known), "this key");
            }
        }

        private T? Wrong<T>(string key, string expected, string found)
            where T : struct
        {
            fail(key, expected, found);
            return null;
        }
    }
}
