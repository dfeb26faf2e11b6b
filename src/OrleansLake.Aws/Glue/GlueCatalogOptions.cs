namespace OrleansLake.Aws;

/// <summary>How the Glue Data Catalog is reached. https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-catalog.html</summary>
public sealed record GlueCatalogOptions
{
    /// <summary>Where tables lie whose database has no location, as <c>s3://bucket/prefix</c>; null: a database must have one.</summary>
    public string? Warehouse { get; init; }

    /// <summary>The account whose catalog it is; null: the caller's own.</summary>
    public string? CatalogId { get; init; }

    /// <summary>The region; null: as the SDK finds it.</summary>
    public string? Region { get; init; }

    /// <summary>Another server than AWS's.</summary>
    public Uri? Endpoint { get; init; }

    /// <summary>The access key; null: the SDK's default chain.</summary>
    public string? AccessKeyId { get; init; }

    /// <summary>Its secret.</summary>
    public string? SecretAccessKey { get; init; }

    /// <summary>The token of temporary credentials.</summary>
    public string? SessionToken { get; init; }

    /// <summary>Whether Glue forgets the version that a commit replaces: it keeps 100,000 a table, and commits every few seconds fill that.</summary>
    public bool SkipArchive { get; init; } = true;

    /// <summary>How often a request that may be repeated is tried.</summary>
    public int MostAttempts { get; init; } = 8;

    /// <summary>The pause before a swap that was refused for being too many is sent again; each further one is twice as long.</summary>
    public TimeSpan FirstPause { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>The longest such pause.</summary>
    public TimeSpan LongestPause { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long one attempt may take.</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>Where, and nothing that is secret.</summary>
    public override string ToString() => $"glue {CatalogId ?? "of this account"} {Endpoint?.GetLeftPart(UriPartial.Path) ?? Region}";
}
