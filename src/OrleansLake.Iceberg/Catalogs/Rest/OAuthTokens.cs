using System.Text;
using System.Text.Json;

namespace OrleansLake.Iceberg.Rest;

/// <summary>
/// Bearer tokens by OAuth2: client credentials (RFC 6749, section 4.4), made anew by token exchange (RFC 8693) where that is
/// wanted and by the credentials where it fails.
/// </summary>
/// <remarks>
/// One refresh is under way at a time. While the old token lives, requests go on with it, and a refresh that failed is tried
/// again; when it is dead, requests wait for the new one, and each failure is the failure of those that waited, never of the
/// catalog: the next request tries again.
/// </remarks>
internal sealed class OAuthTokens
{
    private static readonly TimeSpan PauseAfterFailure = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan EarliestRefresh = TimeSpan.FromMinutes(5);

    private readonly Lock _lock = new();
    private readonly Func<RestCall, CancellationToken, Task<RestReply>> _send;
    private readonly Uri _address;
    private readonly (string? Id, string Secret)? _credential;
    private readonly IReadOnlyDictionary<string, string> _properties;
    private readonly bool _exchanges;
    private readonly TimeProvider _time;
    private readonly RestSecrets _secrets;
    private Token? _token;
    private Task<Token>? _refresh;
    private DateTimeOffset _nextTry = DateTimeOffset.MinValue;

    public OAuthTokens(
        Uri address, IReadOnlyDictionary<string, string> properties, Func<RestCall, CancellationToken, Task<RestReply>> send, TimeProvider time, RestSecrets secrets)
    {
        (_address, _properties, _send, _time, _secrets) = (address, properties, send, time, secrets);
        _exchanges = RestCatalogOptions.Flag(properties, "token-exchange-enabled", otherwise: true)
            && RestCatalogOptions.Flag(properties, "token-refresh-enabled", otherwise: true);
        if (properties.TryGetValue("credential", out string? credential))
        {
            int colon = credential.IndexOf(':', StringComparison.Ordinal);
            _credential = colon < 0 ? (null, credential) : (credential[..colon], credential[(colon + 1)..]);
            secrets.Add(_credential.Value.Secret);
        }

        if (properties.TryGetValue("token", out string? token))
        {
            secrets.Add(token);
            _token = TokenOf(token, expiresIn: null);
        }
    }

    private sealed record Token(string Value, DateTimeOffset RefreshAt, DateTimeOffset ExpiresAt);

    public async ValueTask<string> GetAsync(CancellationToken cancellationToken)
    {
        Task<Token> refresh;
        lock (_lock)
        {
            var now = _time.GetUtcNow();
            if (_token is { } fresh && (now < fresh.RefreshAt || (_credential is null && !_exchanges)))
            {
                return fresh.Value;
            }

            bool lives = _token is { } token && now < token.ExpiresAt;
            if (_refresh is null && (!lives || now >= _nextTry))
            {
                _refresh = RefreshAsync(lives ? _token : null);
            }

            if (lives)
            {
                return _token!.Value;
            }

            refresh = _refresh!;
        }

        return (await refresh.WaitAsync(cancellationToken).ConfigureAwait(false)).Value;
    }

    /// <summary>The server would not have this token. False: there is no way to another.</summary>
    public bool Reject(string? value)
    {
        lock (_lock)
        {
            if (_credential is null)
            {
                return false;
            }

            if (_token?.Value == value)
            {
                _token = null;
            }

            return true;
        }
    }

    private async Task<Token> RefreshAsync(Token? living)
    {
        // The lock is held by who began this.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        Token? token = null;
        try
        {
            token = await ObtainAsync(living).ConfigureAwait(false);
            return token;
        }
        finally
        {
            lock (_lock)
            {
                _refresh = null;
                if (token is null)
                {
                    _nextTry = _time.GetUtcNow() + PauseAfterFailure;
                }
                else
                {
                    _token = token;
                }
            }
        }
    }

    private async Task<Token> ObtainAsync(Token? living)
    {
        if (living is not null && _exchanges)
        {
            try
            {
                return await AskAsync(living.Value, Form(
                    ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
                    ("subject_token", living.Value),
                    ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"))).ConfigureAwait(false);
            }
            catch (IOException) when (_credential is not null)
            {
                // Many servers know no exchange: the credentials do.
            }
        }

        if (_credential is not { } credential)
        {
            throw new RestCatalogException($"{_address.GetLeftPart(UriPartial.Path)}: the token has expired, and there is no credential to get another");
        }

        return await AskAsync("", Form(
            ("grant_type", "client_credentials"),
            ("client_id", credential.Id),
            ("client_secret", credential.Secret))).ConfigureAwait(false);
    }

    private async Task<Token> AskAsync(string authorization, byte[] form)
    {
        // A token that was asked for twice is two tokens, and no harm.
        var reply = await _send(
            new RestCall(HttpMethod.Post, "", Repeat.Always) { Address = _address, Body = form, ContentType = "application/x-www-form-urlencoded", Authorization = authorization },
            CancellationToken.None).ConfigureAwait(false);
        if (!reply.IsSuccess)
        {
            throw reply.Error();
        }

        var (value, expiresIn) = reply.Read(at => (at.Get("access_token").Text(), at.LongOrNull("expires_in")));
        _secrets.Add(value);
        return TokenOf(value, expiresIn);
    }

    private byte[] Form(params IEnumerable<(string Name, string? Value)> fields)
    {
        string[] optional = ["audience", "resource"];
        var all = fields
            .Append(("scope", _properties.GetValueOrDefault("scope", "catalog")))
            .Concat(optional.Select(name => (name, _properties.GetValueOrDefault(name))))
            .Where(field => field.Item2 is not null)
            .Select(field => Uri.EscapeDataString(field.Item1) + "=" + Uri.EscapeDataString(field.Item2!));
        return Encoding.ASCII.GetBytes(string.Join('&', all));
    }

    private Token TokenOf(string value, long? expiresIn)
    {
        var now = _time.GetUtcNow();
        var expires = expiresIn is long seconds ? now + TimeSpan.FromSeconds(Math.Clamp(seconds, 0, int.MaxValue)) : ExpiryOf(value);
        if (expires is not { } end)
        {
            return new Token(value, DateTimeOffset.MaxValue, DateTimeOffset.MaxValue);
        }

        var early = (end - now) / 10;
        return new Token(value, end - (early < EarliestRefresh ? early : EarliestRefresh), end);
    }

    /// <summary>The claim <c>exp</c> of a token that is a JWT (RFC 7519, section 4.1.4); it is read, not trusted.</summary>
    private static DateTimeOffset? ExpiryOf(string token)
    {
        string[] parts = token.Split('.');
        if (parts.Length != 3)
        {
            return null;
        }

        try
        {
            using var claims = JsonDocument.Parse(System.Buffers.Text.Base64Url.DecodeFromChars(parts[1]));
            return claims.RootElement.ValueKind == JsonValueKind.Object && claims.RootElement.TryGetProperty("exp", out var exp) && exp.TryGetInt64(out long seconds)
                && seconds is > 0 and < 253402300800
                ? DateTimeOffset.FromUnixTimeSeconds(seconds)
                : null;
        }
        catch (Exception e) when (e is FormatException or JsonException or InvalidOperationException)
        {
            return null; // three dots and no JWT
        }
    }
}
