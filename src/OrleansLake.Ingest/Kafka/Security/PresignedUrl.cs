using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace OrleansLake.Ingest.Kafka.Security;

/// <summary>Signs a GET request by its query: whoever has the URL may send it until it expires.</summary>
/// <remarks>https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html</remarks>
internal static class PresignedUrl
{
    /// <summary>The hash of no payload.</summary>
    internal const string EmptyPayload = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    private const string Algorithm = "AWS4-HMAC-SHA256";

    /// <summary>The URL.</summary>
    /// <param name="keys">What it is signed with.</param>
    /// <param name="region">The region that takes it.</param>
    /// <param name="service">The service's name in signatures.</param>
    /// <param name="host">The host, the only header that is signed.</param>
    /// <param name="path">The path, encoded.</param>
    /// <param name="query">Parameters beside the signature's.</param>
    /// <param name="payloadHash">What stands for the payload.</param>
    /// <param name="at">Now.</param>
    /// <param name="life">How long it holds.</param>
    internal static string Create(
        AwsKeys keys, string region, string service, string host, string path, IEnumerable<KeyValuePair<string, string>> query, string payloadHash, DateTimeOffset at, TimeSpan life)
    {
        string time = at.UtcDateTime.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture);
        string scope = $"{time[..8]}/{region}/{service}/aws4_request";
        var parameters = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            ["X-Amz-Algorithm"] = Algorithm,
            ["X-Amz-Credential"] = $"{keys.AccessKeyId}/{scope}",
            ["X-Amz-Date"] = time,
            ["X-Amz-Expires"] = ((long)life.TotalSeconds).ToString(CultureInfo.InvariantCulture),
            ["X-Amz-SignedHeaders"] = "host",
        };
        if (keys.SessionToken is { } session)
        {
            parameters["X-Amz-Security-Token"] = session;
        }

        foreach ((string name, string value) in query)
        {
            parameters[name] = value;
        }

        // Uri.EscapeDataString leaves just the unreserved characters of RFC 3986, as the signature wants it.
        string canonicalQuery = string.Join('&', parameters.Select(p => $"{Uri.EscapeDataString(p.Key)}={Uri.EscapeDataString(p.Value)}"));
        string request = $"GET\n{path}\n{canonicalQuery}\nhost:{host}\n\nhost\n{payloadHash}";
        string toSign = $"{Algorithm}\n{time}\n{scope}\n{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(request)))}";
        byte[] key = SigningKey(keys.SecretAccessKey, time[..8], region, service);
        string signature = Convert.ToHexStringLower(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(toSign)));
        return $"https://{host}{path}?{canonicalQuery}&X-Amz-Signature={signature}";
    }

    private static byte[] SigningKey(string secret, string date, string region, string service)
    {
        byte[] key = Encoding.UTF8.GetBytes("AWS4" + secret);
        foreach (string part in new[] { date, region, service, "aws4_request" })
        {
            key = HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(part));
        }

        return key;
    }
}
