using System.Security.Cryptography;
using System.Text;

namespace OrleansLake.Testing.Kafka;

/// <summary>The broker's half of a SASL exchange. One for each connection.</summary>
internal sealed class SaslDesk(SecureKafkaOptions options)
{
    private const int Iterations = 4096;

    private readonly byte[] _salt = RandomNumberGenerator.GetBytes(16);
    private string _firstBare = "";
    private string _serverFirst = "";
    private string? _user;

    /// <summary>Answers one step.</summary>
    /// <returns>What goes back, and who was let in, once it is known; null answer: refused.</returns>
    public (byte[]? Answer, string? Admitted) Step(byte[] said) => options.Mechanism switch
    {
        "PLAIN" => Plain(Encoding.UTF8.GetString(said).Split('\0')),
        "SCRAM-SHA-256" => Scram(Encoding.UTF8.GetString(said), HashAlgorithmName.SHA256, 32),
        "SCRAM-SHA-512" => Scram(Encoding.UTF8.GetString(said), HashAlgorithmName.SHA512, 64),
        "OAUTHBEARER" => Bearer(Encoding.UTF8.GetString(said)),
        _ => throw new InvalidOperationException($"mechanism {options.Mechanism}"),
    };

    // RFC 4616: authzid NUL authcid NUL passwd
    private (byte[]?, string?) Plain(string[] parts) =>
        parts is [_, var user, var password] && user == options.User && password == options.Password ? ([], user) : (null, null);

    // RFC 7628: n,,^Aauth=Bearer TOKEN^A…^A
    private (byte[]?, string?) Bearer(string said)
    {
        string? token = said.Split('\u0001').FirstOrDefault(part => part.StartsWith("auth=Bearer ", StringComparison.Ordinal))?["auth=Bearer ".Length..];
        return token is not null && (options.AcceptsToken?.Invoke(token) ?? false) ? ([], token) : (null, null);
    }

    // RFC 5802
    private (byte[]?, string?) Scram(string said, HashAlgorithmName hash, int length)
    {
        if (_user is null)
        {
            _firstBare = said["n,,".Length..];
            Dictionary<char, string> first = Attributes(_firstBare);
            _user = first['n'];
            _serverFirst = $"r={first['r']}{Convert.ToHexString(RandomNumberGenerator.GetBytes(8))},s={Convert.ToBase64String(_salt)},i={Iterations}";
            return (Encoding.UTF8.GetBytes(_serverFirst), null);
        }

        Dictionary<char, string> final = Attributes(said);
        byte[] salted = Rfc2898DeriveBytes.Pbkdf2(options.Password, _salt, Iterations, hash, length);
        byte[] clientKey = CryptographicOperations.HmacData(hash, salted, "Client Key"u8);
        byte[] all = Encoding.UTF8.GetBytes($"{_firstBare},{_serverFirst},{said[..said.LastIndexOf(",p=", StringComparison.Ordinal)]}");
        byte[] signature = CryptographicOperations.HmacData(hash, CryptographicOperations.HashData(hash, clientKey), all);
        byte[] proof = [.. clientKey.Zip(signature, (a, b) => (byte)(a ^ b))];
        if (_user != options.User || !proof.AsSpan().SequenceEqual(Convert.FromBase64String(final['p'])))
        {
            return (null, null);
        }

        byte[] verifier = CryptographicOperations.HmacData(hash, CryptographicOperations.HmacData(hash, salted, "Server Key"u8), all);
        return (Encoding.UTF8.GetBytes($"v={Convert.ToBase64String(verifier)}"), _user);
    }

    private static Dictionary<char, string> Attributes(string text) => text.Split(',').ToDictionary(part => part[0], part => part[2..]);
}
