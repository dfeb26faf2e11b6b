using System.Net;
using System.Text.Json;
using OrleansLake.Silo.Configuration;

namespace OrleansLake.Silo.Hosting;

/// <summary>
/// Where a task of Amazon ECS is reached, by the word of its metadata endpoint: in <c>awsvpc</c> mode each task has a network
/// interface and an address of its own, with the container's ports on it.
/// </summary>
/// <remarks>https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-metadata-endpoint-v4.html</remarks>
internal static class EcsTask
{
    /// <summary>The variable in which ECS says where to ask.</summary>
    public const string EndpointVariable = "ECS_CONTAINER_METADATA_URI_V4";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);
    private const int Attempts = 10;

    /// <summary>The configuration with the task's own address in it, where it asks for that.</summary>
    /// <exception cref="ConfigException">This is no task of ECS, or one without an address of its own.</exception>
    public static async Task<SiloConfig> ResolveAsync(SiloConfig config, string? endpoint, TimeProvider time, CancellationToken cancellationToken)
    {
        if (!config.Orleans.AddressFromEcs)
        {
            return config;
        }

        if (!Uri.TryCreate(endpoint, UriKind.Absolute, out Uri? uri))
        {
            throw new ConfigException("orleans.address", [$"expected to run as a task of Amazon ECS, because the address is ecs, found no address in {EndpointVariable}"]);
        }

        IPAddress address = AddressOf(await AskAsync(uri, time, cancellationToken), uri);
        return config with { Orleans = config.Orleans with { Address = address } };
    }

    // The agent may answer a little after the container has begun.
    private static async Task<string> AskAsync(Uri uri, TimeProvider time, CancellationToken cancellationToken)
    {
        using var http = new HttpClient { Timeout = Patience };
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                return await http.GetStringAsync(uri, cancellationToken);
            }
            catch (Exception error) when (!cancellationToken.IsCancellationRequested && error is HttpRequestException or TaskCanceledException)
            {
                if (attempt == Attempts)
                {
                    throw new ConfigException("orleans.address", [$"{uri}: expected the metadata of this container, found: {error.Message}"]);
                }
            }

            await Task.Delay(Pause, time, cancellationToken);
        }
    }

    private static IPAddress AddressOf(string metadata, Uri uri)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(metadata);
            string found = "no network";
            foreach (JsonElement network in document.RootElement.TryGetProperty("Networks", out JsonElement networks) ? networks.EnumerateArray() : [])
            {
                string mode = network.TryGetProperty("NetworkMode", out JsonElement named) ? named.GetString() ?? "" : "";
                found = $"network mode {mode}";
                if (mode == "awsvpc" && network.TryGetProperty("IPv4Addresses", out JsonElement addresses) && addresses.GetArrayLength() > 0
                    && IPAddress.TryParse(addresses[0].GetString(), out IPAddress? address))
                {
                    return address;
                }
            }

            throw new ConfigException("orleans.address", [$"{uri}: expected an IPv4 address in network mode awsvpc, found {found}"]);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            throw new ConfigException("orleans.address", [$"{uri}: expected the metadata of this container, found: {error.Message}"]);
        }
    }
}
