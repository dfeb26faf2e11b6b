using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace OrleansLake.Testing.Rest;

/// <summary>Gives and checks bearer tokens: client credentials and token exchange, with ends and failures.</summary>
public sealed class TokenDesk(TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, DateTimeOffset> _tokens = [];
    private int _given;

    /// <summary>How long a token lives.</summary>
    public TimeSpan Lifetime { get; set; } = TimeSpan.FromHours(1);

    /// <summary>Whether tokens may be exchanged for new ones.</summary>
    public bool Exchanges { get; set; }

    /// <summary>How many were given.</summary>
    public int Given => _given;

    /// <summary>No token that was given is good any more.</summary>
    public void RevokeAll()
    {
        lock (_lock)
        {
            _tokens.Clear();
        }
    }

    internal bool Accepts(RestRequest request)
    {
        lock (_lock)
        {
            return request.Headers.GetValueOrDefault("Authorization") is { } header && header.StartsWith("Bearer ", StringComparison.Ordinal)
                && _tokens.TryGetValue(header["Bearer ".Length..], out var end) && time.GetUtcNow() < end;
        }
    }

    internal RestAnswer Answer(RestRequest request, (string Id, string Secret)? credential)
    {
        var form = Encoding.ASCII.GetString(request.Body).Split('&').Select(part => part.Split('=', 2)).ToDictionary(part => Uri.UnescapeDataString(part[0]), part => Uri.UnescapeDataString(part[1]));
        lock (_lock)
        {
            bool good = form["grant_type"] == "client_credentials"
                ? form.GetValueOrDefault("client_id") == credential?.Id && form.GetValueOrDefault("client_secret") == credential?.Secret
                : Exchanges && Accepts(request) && _tokens.ContainsKey(form["subject_token"]);
            if (!good)
            {
                // As bad servers do, it repeats what it was sent.
                return new RestAnswer(400, new JsonObject { ["error"] = "invalid_client", ["error_description"] = "no such client: " + Encoding.ASCII.GetString(request.Body) });
            }

            string token = string.Create(CultureInfo.InvariantCulture, $"{form["grant_type"][..6]}-token-{++_given}");
            _tokens[token] = time.GetUtcNow() + Lifetime;
            return new RestAnswer(200, new JsonObject { ["access_token"] = token, ["token_type"] = "bearer", ["expires_in"] = (long)Lifetime.TotalSeconds });
        }
    }
}
