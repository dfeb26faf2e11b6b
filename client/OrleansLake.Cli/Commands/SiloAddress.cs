using OrleansLake.Client;

namespace OrleansLake.Cli.Commands;

/// <summary>Where a silo answers.</summary>
internal static class SiloAddress
{
    /// <summary>What is asked where nothing is said.</summary>
    public static string Default => Environment.GetEnvironmentVariable("ORLEANSLAKE_SILO") ?? "http://127.0.0.1:8080";

    /// <summary>A client for an address; null: the default one.</summary>
    /// <exception cref="OrleansLakeClientException">It is no address.</exception>
    public static HttpClient Open(string? silo)
    {
        string text = silo ?? Default;
        return Uri.TryCreate(text.TrimEnd('/') + "/", UriKind.Absolute, out Uri? address) && address.Scheme is "http" or "https"
            ? new HttpClient { BaseAddress = address, Timeout = TimeSpan.FromSeconds(60) }
            : throw new OrleansLakeClientException($"--silo: expected an address such as http://127.0.0.1:8080, got \"{text}\"");
    }
}
