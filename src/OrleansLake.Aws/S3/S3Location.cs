namespace OrleansLake.Aws;

/// <summary>A bucket and a key, as a location names them: <c>s3://bucket/key</c>, by Hadoop's clients <c>s3a:</c> and <c>s3n:</c>.</summary>
/// <param name="Bucket">The bucket.</param>
/// <param name="Key">The key, taken literally: metadata hold keys, not URIs, and <c>%2F</c> in one is three characters of a name.</param>
internal readonly record struct S3Location(string Bucket, string Key)
{
    private static readonly string[] Schemes = ["s3://", "s3a://", "s3n://"];

    /// <summary>What the locations of this store begin with.</summary>
    public static IReadOnlyList<string> Prefixes => Schemes;

    /// <summary>Whether a location is one of S3.</summary>
    public static bool IsOne(string location) => Schemes.Any(scheme => location.StartsWith(scheme, StringComparison.OrdinalIgnoreCase));

    /// <summary>Reads it.</summary>
    /// <exception cref="ArgumentException">It is none of S3, or has no bucket.</exception>
    public static S3Location Parse(string location)
    {
        string? scheme = Schemes.FirstOrDefault(scheme => location.StartsWith(scheme, StringComparison.OrdinalIgnoreCase));
        int start = scheme?.Length ?? 0;
        int slash = location.IndexOf('/', start);
        int end = slash < 0 ? location.Length : slash;
        return scheme is not null && end > start
            ? new S3Location(location[start..end], slash < 0 ? "" : location[(slash + 1)..])
            : throw new ArgumentException($"expected a location such as s3://bucket/key, got {location}");
    }

    /// <summary>Reads the location of an object: one with a key.</summary>
    public static S3Location ParseObject(string location) =>
        Parse(location) is { Key.Length: > 0 } parsed ? parsed : throw new ArgumentException($"expected the location of an object, got the bucket {location}");
}
