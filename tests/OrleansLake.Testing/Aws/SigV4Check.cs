using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace OrleansLake.Testing.Aws;

/// <summary>
/// Checks the signature of a request as the services do, from the published algorithm and without the SDK.
/// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
/// </summary>
/// <param name="secretOf">The secret, and the session token if there is one, of an access key; null: it is unknown.</param>
/// <param name="service">The service whose name requests must be signed for.</param>
/// <param name="region">The region.</param>
/// <param name="time">The time by the server's clock.</param>
public sealed class SigV4Check(Func<string, (string Secret, string? Token)?> secretOf, string service, string region, TimeProvider time)
{
    private const string Unsigned = "UNSIGNED-PAYLOAD";

    /// <summary>The refusal; null: the request is as its sender signed it.</summary>
    public AwsReply? Refuse(AwsRequest request) => Problem(request) is { } problem
        ? service == "s3" ? AwsReply.S3Error(403, problem.Code, problem.Message) : AwsReply.JsonError(problem.Code == "ExpiredTokenException" ? 400 : 403, problem.Code, problem.Message)
        : null;

    private (string Code, string Message)? Problem(AwsRequest request)
    {
        string header = request.Headers.GetValueOrDefault("Authorization", "");
        if (!header.StartsWith("AWS4-HMAC-SHA256 ", StringComparison.Ordinal))
        {
            return ("MissingAuthenticationToken", "expected an Authorization header of AWS4-HMAC-SHA256");
        }

        var parts = header["AWS4-HMAC-SHA256 ".Length..].Split(',').Select(part => part.Trim().Split('=', 2)).ToDictionary(part => part[0], part => part[1]);
        string[] scope = parts["Credential"].Split('/');
        string[] signed = parts["SignedHeaders"].Split(';');
        string date = request.Headers.GetValueOrDefault("X-Amz-Date", "");
        if (scope.Length != 5 || scope[2] != region || scope[3] != service || scope[4] != "aws4_request" || !date.StartsWith(scope[1], StringComparison.Ordinal))
        {
            return ("SignatureDoesNotMatch", $"Credential should be scoped to {region}/{service}, got {parts["Credential"]}");
        }

        if (!DateTimeOffset.TryParseExact(date, "yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at) || (time.GetUtcNow() - at).Duration() > TimeSpan.FromMinutes(15))
        {
            return ("SignatureDoesNotMatch", $"Signature expired: {date}");
        }

        if (secretOf(scope[0]) is not { } known)
        {
            return (service == "s3" ? "InvalidAccessKeyId" : "UnrecognizedClientException", "The security token included in the request is invalid.");
        }

        if (request.Headers.GetValueOrDefault("X-Amz-Security-Token") != known.Token || !signed.Contains("host") || !signed.Contains("x-amz-date"))
        {
            return (service == "s3" ? "ExpiredToken" : "ExpiredTokenException", "The security token included in the request is expired");
        }

        string stated = request.Headers.GetValueOrDefault("X-Amz-Content-SHA256", Hash(request.Body));
        if (stated != Unsigned && stated != Hash(request.Body))
        {
            return ("XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.");
        }

        // S3 signs paths as they are sent; every other service encodes them once more.
        string path = service == "s3" ? request.RawPath : string.Join('/', request.RawPath.Split('/').Select(Uri.EscapeDataString));
        string query = string.Join('&', request.RawQuery.Split('&', StringSplitOptions.RemoveEmptyEntries)
            .Select(part => part.Split('=', 2))
            .Select(part => (Name: Canonical(part[0]), Value: part.Length > 1 ? Canonical(part[1]) : ""))
            .OrderBy(part => part.Name, StringComparer.Ordinal).ThenBy(part => part.Value, StringComparer.Ordinal)
            .Select(part => $"{part.Name}={part.Value}"));
        string headers = string.Concat(signed.Select(name => $"{name}:{Squeezed(request.Headers.GetValueOrDefault(name, ""))}\n"));
        string canonical = string.Join('\n', request.Method, path, query, headers, string.Join(';', signed), stated);
        string toSign = string.Join('\n', "AWS4-HMAC-SHA256", date, string.Join('/', scope[1..]), Hash(Encoding.UTF8.GetBytes(canonical)));
        byte[] key = scope[1..].Aggregate(Encoding.UTF8.GetBytes("AWS4" + known.Secret), (key, part) => HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(part)));
        string signature = Convert.ToHexStringLower(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(toSign)));
        return signature == parts["Signature"] ? null : ("SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided.");
    }

    private static string Canonical(string part) => Uri.EscapeDataString(Uri.UnescapeDataString(part));

    private static string Squeezed(string value) => string.Join(' ', value.Split(' ', StringSplitOptions.RemoveEmptyEntries));

    private static string Hash(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));
}
