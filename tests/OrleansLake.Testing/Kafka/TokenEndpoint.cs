using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace OrleansLake.Testing.Kafka;

/// <summary>An identity provider's token endpoint: RFC 6749, section 4.4, with an unsigned JWT.</summary>
public sealed class TokenEndpoint : IAsyncDisposable
{
    private readonly WebApplication _app;

    private TokenEndpoint(WebApplication app) => _app = app;

    public string Url => $"{_app.Urls.First()}/token";

    public string Token { get; } = Jwt();

    public static async Task<TokenEndpoint> StartAsync(string clientId, string clientSecret)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        WebApplication app = builder.Build();
        app.Urls.Add("http://127.0.0.1:0");
        var endpoint = new TokenEndpoint(app);
        string expected = "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes($"{clientId}:{clientSecret}"));
        app.MapPost("/token", (HttpRequest request) => request.Headers.Authorization == expected
            ? Results.Text(JsonSerializer.Serialize(new { access_token = endpoint.Token, token_type = "Bearer", expires_in = 3600 }), "application/json")
            : Results.Unauthorized());
        await app.StartAsync();
        return endpoint;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private static string Jwt()
    {
        long now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        return $"{Part(new { alg = "none" })}.{Part(new { sub = "orleanslake", iat = now, exp = now + 3600 })}.";

        static string Part(object value) => System.Buffers.Text.Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(value));
    }
}
