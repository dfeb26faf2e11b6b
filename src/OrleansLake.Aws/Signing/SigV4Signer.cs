using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Amazon.Runtime;
using Amazon.Runtime.Credentials;
using OrleansLake.Iceberg;

namespace OrleansLake.Aws;

/// <summary>
/// Signs requests to REST catalogs that want AWS's Signature Version 4: Glue's (<c>glue</c>), S3 Tables' (<c>s3tables</c>) and
/// those behind API Gateway (<c>execute-api</c>). A bearer token moves to <c>Original-Authorization</c>, as Iceberg's own
/// clients do it. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
/// </summary>
public sealed class SigV4Signer : IRequestSigner
{
    private const string Algorithm = "AWS4-HMAC-SHA256";

    private readonly string _service;
    private readonly string _region;
    private readonly Lazy<AWSCredentials> _credentials;
    private readonly TimeProvider _time;

    /// <summary>Signs with the credentials of the SDK's default chain.</summary>
    public SigV4Signer(string service, string region, TimeProvider time)
        : this(service, region, time, () => DefaultAWSCredentialsIdentityResolver.GetCredentials())
    {
    }

    internal SigV4Signer(string service, string region, TimeProvider time, Func<AWSCredentials> credentials) =>
        (_service, _region, _time, _credentials) = (service, region, time, new Lazy<AWSCredentials>(credentials));

    /// <inheritdoc />
    public async ValueTask SignAsync(HttpRequestMessage request, ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
    {
        // Temporary ones are renewed in there.
        var credentials = await _credentials.Value.GetCredentialsAsync().WaitAsync(cancellationToken).ConfigureAwait(false);
        var uri = request.RequestUri!;
        string date = _time.GetUtcNow().UtcDateTime.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture);
        string bodyHash = Hex(SHA256.HashData(body.Span));
        if (request.Headers.TryGetValues("Authorization", out var bearer))
        {
            request.Headers.TryAddWithoutValidation("Original-Authorization", bearer);
            request.Headers.Remove("Authorization");
        }

        Set("x-amz-date", date);
        Set("x-amz-content-sha256", bodyHash);
        if (credentials.UseToken)
        {
            Set("x-amz-security-token", credentials.Token);
        }

        var headers = request.Headers.NonValidated
            .Where(header => header.Key.StartsWith("x-amz-", StringComparison.OrdinalIgnoreCase) || header.Key.Equals("Original-Authorization", StringComparison.OrdinalIgnoreCase))
            .Select(header => (Name: header.Key.ToLowerInvariant(), Value: header.Value.ToString()))
            .Append((Name: "host", Value: request.Headers.Host ?? uri.Authority))
            .OrderBy(header => header.Name, StringComparer.Ordinal)
            .ToList();
        string names = string.Join(';', headers.Select(header => header.Name));
        string canonical = string.Join(
            '\n', request.Method.Method, Path(uri), Query(uri), string.Concat(headers.Select(header => $"{header.Name}:{Squeezed(header.Value)}\n")), names, bodyHash);
        string scope = $"{date[..8]}/{_region}/{_service}/aws4_request";
        string toSign = string.Join('\n', Algorithm, date, scope, Hex(SHA256.HashData(Encoding.UTF8.GetBytes(canonical))));
        byte[] key = scope.Split('/').Aggregate(Encoding.UTF8.GetBytes("AWS4" + credentials.SecretKey), (key, part) => HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(part)));
        string signature = Hex(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(toSign)));
        request.Headers.TryAddWithoutValidation("Authorization", $"{Algorithm} Credential={credentials.AccessKey}/{scope}, SignedHeaders={names}, Signature={signature}");

        void Set(string name, string value)
        {
            request.Headers.Remove(name);
            request.Headers.TryAddWithoutValidation(name, value);
        }
    }

    // Every service but S3 encodes what is on the wire once more.
    private static string Path(Uri uri) => string.Join('/', uri.AbsolutePath.Split('/').Select(Uri.EscapeDataString)) is { Length: > 0 } path ? path : "/";

    private static string Query(Uri uri) => string.Join('&', uri.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries)
        .Select(part => part.Split('=', 2))
        .Select(part => (Name: Canonical(part[0]), Value: part.Length > 1 ? Canonical(part[1]) : ""))
        .OrderBy(part => part.Name, StringComparer.Ordinal).ThenBy(part => part.Value, StringComparer.Ordinal)
        .Select(part => $"{part.Name}={part.Value}"));

    private static string Canonical(string part) => Uri.EscapeDataString(Uri.UnescapeDataString(part));

    private static string Squeezed(string value) => string.Join(' ', value.Split(' ', StringSplitOptions.RemoveEmptyEntries));

    private static string Hex(byte[] bytes) => Convert.ToHexStringLower(bytes);
}
